/* SPDX-License-Identifier: BSD-2-Clause */
/* Zones in a configuration: which paths may have them, and what may be said of them. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define NS(n)  "{\"subsystems\":\n[{\"nqn\": \"nqn.a\", \"namespaces\": [\n{" n "}]}]}"
#define DEV(d) NS("\"nsid\": 1, \"enable\": 1, \"device\": {" d "}")
#define ZONED  "\"path\": \"zoned:/a\", "
#define AT     "f:3: subsystems[0].namespaces[0].device."

static const struct config_zones *zones(void)
{
	return &config.subsystems[0].namespaces[0].zones;
}

START_TEST(are_the_default_where_nothing_is_said)
{
	expect_good(DEV("\"path\": \"zoned:ram:1G\""));
	ck_assert_uint_eq(zones()->bytes, 0);
	ck_assert_uint_eq(zones()->capacity, 0);
	ck_assert_uint_eq(zones()->open_max, 0);
	ck_assert_uint_eq(zones()->active_max, 0);
}
END_TEST

START_TEST(are_as_they_are_said_to_be)
{
	expect_good(DEV(ZONED "\"zone_size\": \"256M\", \"zone_capacity\": 4096, "
	                      "\"zone_max_open\": 14, \"zone_max_active\": \"28\""));
	ck_assert_uint_eq(zones()->bytes, 256 << 20);
	ck_assert_uint_eq(zones()->capacity, 4096);
	ck_assert_uint_eq(zones()->open_max, 14);
	ck_assert_uint_eq(zones()->active_max, 28);
}
END_TEST

START_TEST(are_saved_where_they_were_said)
{
	char *text;

	expect_good(DEV(ZONED "\"zone_size\": \"256M\", \"zone_max_open\": 14"));
	text = config_text(&config);
	ck_assert_ptr_nonnull(strstr(text, "\"zone_size\": \"268435456\""));
	ck_assert_ptr_nonnull(strstr(text, "\"zone_max_open\": \"14\""));
	ck_assert_ptr_null(strstr(text, "zone_capacity"));
	ck_assert_ptr_null(strstr(text, "zone_max_active"));
	forget_file();
	expect_good(text);
	ck_assert_uint_eq(zones()->bytes, 256 << 20);
	free(text);
}
END_TEST

START_TEST(may_be_on_faults)
{
	expect_good(NS("\"nsid\": 1, \"device\": {\"path\": \"zoned:fault:/dev/sda\"},\n"
	               "\"faults\": [\"any delay=1ms\"]"));
	ck_assert_uint_eq(config.subsystems[0].namespaces[0].n_faults, 1);
}
END_TEST

START_TEST(may_be_in_buffered_blocks_of_4096_bytes)
{
	expect_good(DEV(ZONED "\"block_size\": 4096, \"buffered_io\": 1"));
}
END_TEST

#define GOES_ON "path: must go on with \"/\" or \"ram:\" after \"zoned:\" or \"zoned:fault:\""
#define GRAIN   "must be a power of two, 4K to 1T"

REFUSES(of_nothing_are_refused, DEV("\"path\": \"zoned:null:1M\""), AT GOES_ON)
REFUSES(of_faulty_nothing_are_refused, DEV("\"path\": \"zoned:fault:null:1M\""), AT GOES_ON)
REFUSES(over_pi_are_refused, DEV("\"path\": \"zoned:pi:ram:1M\""), AT GOES_ON)
REFUSES(over_zones_are_refused, DEV("\"path\": \"zoned:zoned:ram:1M\""), AT GOES_ON)
REFUSES(under_pi_are_refused, DEV("\"path\": \"pi:zoned:ram:1M\""),
        AT "path: must go on with \"/\", \"ram:\" or \"null:\" after \"fault:\", \"pi:\" or "
           "\"pi:fault:\"")
REFUSES(under_faults_are_refused, DEV("\"path\": \"fault:zoned:ram:1M\""),
        AT "path: must go on with \"/\", \"ram:\" or \"null:\" after \"fault:\", \"pi:\" or "
           "\"pi:fault:\"")
REFUSES(of_memory_without_a_size_are_refused, DEV("\"path\": \"zoned:ram:\""),
        AT "path: the size must be a number and K, M, G, T or P")
REFUSES(are_refused_with_an_io_grant, DEV("\"path\": \"zoned:ram:1M\", \"io_grant\": 1"),
        AT "io_grant: may not be 1 where path begins with \"zoned:\": a transport that has the "
           "memory would pass by the write pointers")
REFUSES(are_refused_of_a_path_without_any, DEV("\"path\": \"/a\", \"zone_size\": \"1M\""),
        AT "zone_size: may be given only where path begins with \"zoned:\"")
REFUSES(have_no_limits_of_a_path_without_any, DEV("\"path\": \"/a\", \"zone_max_active\": 1"),
        AT "zone_max_active: may be given only where path begins with \"zoned:\"")
REFUSES(of_3_MiB_are_refused, DEV(ZONED "\"zone_size\": \"3M\""), AT "zone_size: " GRAIN)
REFUSES(of_2_KiB_are_refused, DEV(ZONED "\"zone_size\": \"2K\""), AT "zone_size: " GRAIN)
REFUSES(of_2_TiB_are_refused, DEV(ZONED "\"zone_size\": \"2T\""), AT "zone_size: " GRAIN)
REFUSES(of_some_size_are_refused, DEV(ZONED "\"zone_size\": \"much\""),
        AT "zone_size: must be a number of bytes, or one with K, M, G, T or P")
REFUSES(of_too_many_bytes_are_refused, DEV(ZONED "\"zone_size\": \"99999P\""),
        AT "zone_size: is out of range")
REFUSES(have_a_capacity_of_whole_blocks, DEV(ZONED "\"zone_capacity\": 4097"),
        AT "zone_capacity: must be a multiple of 4096 bytes")
REFUSES(have_no_more_capacity_than_they_are_large,
        DEV(ZONED "\"zone_size\": \"1M\",\n\"zone_capacity\": \"2M\""),
        "f:4: subsystems[0].namespaces[0].device.zone_capacity: may not be more than the zone's "
        "size, 1048576")
REFUSES(have_no_more_capacity_than_the_default_size, DEV(ZONED "\"zone_capacity\": \"128M\""),
        AT "zone_capacity: may not be more than the zone's size, 67108864")
REFUSES(are_not_more_open_than_active, DEV(ZONED "\"zone_max_open\": 3, \"zone_max_active\": 2"),
        AT "zone_max_open: may not be more than zone_max_active, 2")
REFUSES(are_not_open_in_negative_numbers, DEV(ZONED "\"zone_max_open\": -1"),
        AT "zone_max_open: is -1, and may be 0 to 16777216")
REFUSES(of_one_file_are_of_one_namespace,
        NS("\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"/a\"}},\n{\"nsid\": 2, "
           "\"enable\": 1, \"device\": {\"path\": \"zoned:fault:/a\"}"),
        "f:4: subsystems[0].namespaces[1].device.path: is that of subsystems[0].namespaces[0] too")

int main(void)
{
	Suite *suite = suite_create("config_zones");

	describe(suite,
	         "zones",
	         NULL,
	         forget_file,
	         are_the_default_where_nothing_is_said,
	         are_as_they_are_said_to_be,
	         are_saved_where_they_were_said,
	         may_be_on_faults,
	         may_be_in_buffered_blocks_of_4096_bytes,
	         of_nothing_are_refused,
	         of_faulty_nothing_are_refused,
	         over_pi_are_refused,
	         over_zones_are_refused,
	         under_pi_are_refused,
	         under_faults_are_refused,
	         of_memory_without_a_size_are_refused,
	         are_refused_with_an_io_grant,
	         are_refused_of_a_path_without_any,
	         have_no_limits_of_a_path_without_any,
	         of_3_MiB_are_refused,
	         of_2_KiB_are_refused,
	         of_2_TiB_are_refused,
	         of_some_size_are_refused,
	         of_too_many_bytes_are_refused,
	         have_a_capacity_of_whole_blocks,
	         have_no_more_capacity_than_they_are_large,
	         have_no_more_capacity_than_the_default_size,
	         are_not_more_open_than_active,
	         are_not_open_in_negative_numbers,
	         of_one_file_are_of_one_namespace);
	return run(suite);
}
