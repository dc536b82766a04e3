/* SPDX-License-Identifier: BSD-2-Clause */
/* What root group "discovery" says of where the discovery service is made known. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define OWN "\"nqn\": \"nqn.2001-01.com.example:disc\", "

#define DISCOVERY(members) "{\"discovery\": {" members "}}"

REFUSES(refuses_mdns_of_2, DISCOVERY("\"mdns\": 2"), "f:1: discovery.mdns: is 2, and may be 0 to 1")
REFUSES(refuses_a_cdc_without_address, DISCOVERY(OWN "\"cdcs\": [{}]"),
        "f:1: discovery.cdcs[0]: has no \"traddr\"")
REFUSES(refuses_a_cdc_over_rdma,
        DISCOVERY(OWN "\"cdcs\": [{\"trtype\": \"rdma\", \"traddr\": \"192.0.2.1\"}]"),
        "f:1: discovery.cdcs[0].trtype: may be \"tcp\"")
REFUSES(refuses_a_cdc_by_name, DISCOVERY(OWN "\"cdcs\": [{\"traddr\": \"cdc.example.com\"}]"),
        "f:1: discovery.cdcs[0].traddr: is no address of IPv4 or IPv6")
REFUSES(refuses_a_cdc_on_port_0,
        DISCOVERY(OWN "\"cdcs\": [{\"traddr\": \"192.0.2.1\", \"trsvcid\": \"0\"}]"),
        "f:1: discovery.cdcs[0].trsvcid: is no number of a port, 1 to 65535")
REFUSES(refuses_a_cdc_twice,
        DISCOVERY(OWN "\"cdcs\": [{\"traddr\": \"192.0.2.1\"}, "
                      "{\"traddr\": \"192.0.2.1\", \"trsvcid\": \"8009\"}]"),
        "f:1: discovery.cdcs[1]: is the address of cdcs[0] too")
REFUSES(refuses_a_cdc_where_the_target_has_no_name_of_its_own,
        DISCOVERY("\"cdcs\": [{\"traddr\": \"192.0.2.1\"}]"),
        "f:1: discovery.nqn: must be this target's own where there are cdcs, as they tell targets "
        "by it")
REFUSES(refuses_nine_cdcs, DISCOVERY(OWN "\"cdcs\": [{}, {}, {}, {}, {}, {}, {}, {}, {}]"),
        "f:1: discovery.cdcs: there are 9, and may be 8")

START_TEST(nothing_is_announced_unless_it_is_said)
{
	expect_good("{}");
	ck_assert(!config.announce.mdns);
	ck_assert_uint_eq(config.announce.n_cdcs, 0);
}
END_TEST

START_TEST(mdns_is_taken_as_a_text_too)
{
	expect_good(DISCOVERY("\"mdns\": \"1\""));
	ck_assert(config.announce.mdns);
	ck_assert_str_eq(config.discovery_nqn, NVME_DISCOVERY_NQN);
}
END_TEST

START_TEST(a_cdc_has_the_service_of_discovery_and_the_well_known_name)
{
	expect_good(DISCOVERY(OWN "\"cdcs\": [{\"traddr\": \"fe80::1%eth0\"}]"));
	ck_assert_uint_eq(config.announce.n_cdcs, 1);
	ck_assert_str_eq(config.announce.cdcs[0].trsvcid, "8009");
	ck_assert_str_eq(config.announce.cdcs[0].nqn, "");
	ck_assert_str_eq(config.announce.cdcs[0].hostnqn, "");
}
END_TEST

/* ------------------------------------------------------------------ saving */

static char *saved;

static void save(const char *text)
{
	expect_good(text);
	saved = config_text(&config);
	ck_assert_ptr_nonnull(saved);
}

static void forget_all(void)
{
	free(saved);
	saved = NULL;
	forget_file();
}

START_TEST(what_is_default_is_not_saved)
{
	save(DISCOVERY("\"mdns\": 0, \"cdcs\": []"));
	ck_assert_ptr_null(strstr(saved, "mdns"));
	ck_assert_ptr_null(strstr(saved, "cdcs"));
}
END_TEST

START_TEST(what_is_saved_gives_the_same_again)
{
	char *first;

	save(DISCOVERY(OWN "\"mdns\": 1, \"cdcs\": [{\"traddr\": \"192.0.2.1\", \"nqn\": "
	                   "\"nqn.cdc\", \"hostnqn\": \"nqn.me\"}]"));
	ck_assert_ptr_nonnull(strstr(saved, "\"hostnqn\": \"nqn.me\""));
	first = saved;
	config_deinit(&config);
	save(first);
	ck_assert_str_eq(saved, first);
	free(first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_announce");

	describe(suite,
	         "announcements",
	         NULL,
	         forget_file,
	         refuses_mdns_of_2,
	         refuses_a_cdc_without_address,
	         refuses_a_cdc_over_rdma,
	         refuses_a_cdc_by_name,
	         refuses_a_cdc_on_port_0,
	         refuses_a_cdc_twice,
	         refuses_a_cdc_where_the_target_has_no_name_of_its_own,
	         refuses_nine_cdcs,
	         nothing_is_announced_unless_it_is_said,
	         mdns_is_taken_as_a_text_too,
	         a_cdc_has_the_service_of_discovery_and_the_well_known_name);
	describe(suite,
	         "announcements that are saved",
	         NULL,
	         forget_all,
	         what_is_default_is_not_saved,
	         what_is_saved_gives_the_same_again);
	return run(suite);
}
