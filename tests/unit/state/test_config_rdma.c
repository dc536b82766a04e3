/* SPDX-License-Identifier: BSD-2-Clause */
/* What a port of RDMA may be, and has where its configuration does not say. */
#include "common/base/log.h"
#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define PORT(p) "{\"ports\": [\n{" p "}], \"subsystems\": [{\"nqn\": \"nqn.a\"}]}"
#define ADDR(a) PORT("\"portid\": 1, \"addr\": {" a "}")
#define RDMA(param)                                                                                \
	PORT("\"portid\": 1, \"addr\": {\"trtype\": \"rdma\", \"adrfam\": \"ipv6\", "              \
	     "\"traddr\": \"fe80::1%eth0\", \"trsvcid\": \"4420\"}, \"param\": {" param "}")

START_TEST(of_rdma_has_the_defaults_of_nvmet)
{
	expect_good(RDMA("\"inline_data_size\": \"-1\""));
	ck_assert_uint_eq(config_in_capsule_bytes(&config.ports[0]), 4096);
	ck_assert_uint_eq(config_queue_size(&config.ports[0]), 128);
	ck_assert_uint_eq(config_mdts(&config.ports[0]), 8);
}
END_TEST

START_TEST(of_rdma_may_have_queues_of_1024)
{
	expect_good(RDMA("\"max_queue_size\": 1024"));
	ck_assert_uint_eq(config_queue_size(&config.ports[0]), 1024);
}
END_TEST

START_TEST(of_rdma_may_have_no_data_in_capsules)
{
	expect_good(RDMA("\"inline_data_size\": 0"));
	ck_assert_uint_eq(config_in_capsule_bytes(&config.ports[0]), 0);
	ck_assert_uint_eq(report.warnings.count, 0);
}
END_TEST

START_TEST(of_rdma_may_have_16_kib_in_capsules)
{
	expect_good(RDMA("\"inline_data_size\": \"16384\""));
	ck_assert_uint_eq(config_in_capsule_bytes(&config.ports[0]), 16384);
	ck_assert_uint_eq(report.warnings.count, 0);
}
END_TEST

START_TEST(of_rdma_has_more_than_that_cut_with_a_warning)
{
	expect_good(RDMA("\"inline_data_size\": \"16400\""));
	ck_assert_uint_eq(config_in_capsule_bytes(&config.ports[0]), 16384);
	ck_assert_uint_eq(report.warnings.count, 1);
	ck_assert_str_eq(
		report.warnings.line[0],
		"f:2: ports[0].param.inline_data_size: is 16400, and is taken as 16384, the "
		"most with \"rdma\"");
}
END_TEST

START_TEST(of_rdma_may_have_the_address_of_one_of_tcp)
{
	expect_good(PORT("\"portid\": 1, \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"::1\", "
	                 "\"trsvcid\": \"4420\"}, \"subsystems\": [\"nqn.a\"]}, {\"portid\": 2, "
	                 "\"addr\": {\"trtype\": \"rdma\", \"traddr\": \"::1\", \"trsvcid\": "
	                 "\"4420\"}, \"subsystems\": [\"nqn.a\"]"));
}
END_TEST

REFUSES(of_rdma_has_no_address_of_ib, ADDR("\"trtype\": \"rdma\", \"adrfam\": \"ib\""),
        "f:2: ports[0].addr.adrfam: may be \"ipv4\" or \"ipv6\"")
REFUSES(of_rdma_may_not_have_the_address_of_another,
        PORT("\"portid\": 1, \"addr\": {\"trtype\": \"rdma\", \"traddr\": \"::1\", \"trsvcid\": "
             "\"1\"}, \"subsystems\": [\"nqn.a\"]}, {\"portid\": 2,\n\"addr\": {\"trtype\": "
             "\"rdma\", \"traddr\": \"::1\", \"trsvcid\": \"1\"}, \"subsystems\": [\"nqn.a\"]"),
        "f:3: ports[1].addr: is the address of ports[0] too")

int main(void)
{
	Suite *suite = suite_create("config");

	log_set_level("err");
	describe(suite,
	         "a port",
	         NULL,
	         forget_file,
	         of_rdma_has_the_defaults_of_nvmet,
	         of_rdma_may_have_queues_of_1024,
	         of_rdma_may_have_no_data_in_capsules,
	         of_rdma_may_have_16_kib_in_capsules,
	         of_rdma_has_more_than_that_cut_with_a_warning,
	         of_rdma_may_have_the_address_of_one_of_tcp,
	         of_rdma_may_not_have_the_address_of_another,
	         of_rdma_has_no_address_of_ib);
	return run(suite);
}
