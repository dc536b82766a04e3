/* SPDX-License-Identifier: BSD-2-Clause */
/* Protection information in a configuration: what keeps it, and who may see it. */
#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define PORT(p) "{\"ports\": [\n{" p "}], \"subsystems\": [{\"nqn\": \"nqn.a\"}]}"
#define NS(n)   "{\"subsystems\":\n[{\"nqn\": \"nqn.a\", \"namespaces\": [\n{" n "}]}]}"
#define DEV(d)  NS("\"nsid\": 1, \"enable\": 1, \"device\": {" d "}")
#define FAULTS(path, faults)                                                                       \
	NS("\"nsid\": 1, \"device\": {\"path\": \"" path "\"},\n\"faults\": " faults)

START_TEST(warns_of_protection_information_over_tcp)
{
	expect_good("{\"ports\": [{\"portid\": 1, \"addr\": {\"trtype\": \"tcp\"}, \"param\": "
	            "{\"pi_enable\": 1}}]}");
	ck_assert_uint_eq(report.warnings.count, 1);
}
END_TEST

START_TEST(warns_of_no_protection_information_over_rdma)
{
	expect_good("{\"ports\": [{\"portid\": 1, \"addr\": {\"trtype\": \"rdma\"}, \"param\": "
	            "{\"pi_enable\": 1}}]}");
	ck_assert_uint_eq(report.warnings.count, 0);
}
END_TEST

REFUSES(refuses_a_pi_enable_of_2, PORT("\"portid\": 1, \"param\": {\"pi_enable\": 2}"),
        "f:2: ports[0].param.pi_enable: is 2, and may be -1 to 1")
REFUSES(refuses_pi_on_pi, DEV("\"path\": \"pi:pi:ram:1M\""),
        "f:3: subsystems[0].namespaces[0].device.path: must go on with \"/\", \"ram:\" or "
        "\"null:\" after \"fault:\", \"pi:\" or \"pi:fault:\"")
REFUSES(refuses_faults_on_pi, DEV("\"path\": \"fault:pi:ram:1M\""),
        "f:3: subsystems[0].namespaces[0].device.path: must go on with \"/\", \"ram:\" or "
        "\"null:\" after \"fault:\", \"pi:\" or \"pi:fault:\"")
REFUSES(refuses_an_io_grant_with_pi, DEV("\"path\": \"pi:ram:1M\", \"io_grant\": 1"),
        "f:3: subsystems[0].namespaces[0].device.io_grant: may not be 1 where path begins with "
        "\"pi:\": a transport that has the memory would pass by the protection information")
REFUSES(refuses_a_file_with_and_without_pi,
        NS("\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"/a\"}},\n{\"nsid\": 2, "
           "\"enable\": 1, \"device\": {\"path\": \"pi:fault:/a\"}"),
        "f:4: subsystems[0].namespaces[1].device.path: is that of subsystems[0].namespaces[0] too")

START_TEST(faults_are_taken_under_pi)
{
	expect_good(FAULTS("pi:fault:/dev/sda", "[\"any delay=1ms\"]"));
	ck_assert_uint_eq(config.subsystems[0].namespaces[0].n_faults, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_pi");

	describe(suite,
	         "protection information",
	         NULL,
	         forget_file,
	         refuses_a_pi_enable_of_2,
	         warns_of_protection_information_over_tcp,
	         warns_of_no_protection_information_over_rdma,
	         refuses_pi_on_pi,
	         refuses_faults_on_pi,
	         refuses_an_io_grant_with_pi,
	         refuses_a_file_with_and_without_pi,
	         faults_are_taken_under_pi);
	return run(suite);
}
