/* SPDX-License-Identifier: BSD-2-Clause */
/* What a configuration file may say of discovery: the service, its referrals, its ports. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define REFERRAL(rest)                                                                             \
	"{\"ports\": [{\"portid\": 1, \"referrals\": [{\"name\": \"a\", " rest "}]}]}"
#define TO(address) REFERRAL("\"enable\": 1, \"addr\": {\"trtype\": \"tcp\", " address "}")

/* Saved and read again it is the same. */
static void expect_kept(const char *text)
{
	char *once, *twice;

	expect_good(text);
	ck_assert_uint_eq(report.warnings.count, 0);
	once = config_text(&config);
	forget_file();
	expect_good(once);
	twice = config_text(&config);
	ck_assert_str_eq(once, twice);
	free(once);
	free(twice);
}

/* ------------------------------------------------------------------ the service */

REFUSES(refuses_a_filter_that_is_none, "{\"discovery\": {\"filter\": \"ports\"}}",
        "f:1: discovery.filter: may be \"port\", \"all\", or some of \"transport,address,svcid\"")
REFUSES(refuses_a_filter_with_an_empty_word, "{\"discovery\": {\"filter\": \"transport,\"}}",
        "f:1: discovery.filter: may be \"port\", \"all\", or some of \"transport,address,svcid\"")
REFUSES(refuses_a_filter_that_says_a_word_twice, "{\"discovery\": {\"filter\": \"svcid,svcid\"}}",
        "f:1: discovery.filter: may be \"port\", \"all\", or some of \"transport,address,svcid\"")
REFUSES(refuses_port_together_with_others, "{\"discovery\": {\"filter\": \"port,address\"}}",
        "f:1: discovery.filter: may be \"port\", \"all\", or some of \"transport,address,svcid\"")
START_TEST(tells_of_the_port_alone_if_nothing_is_said)
{
	expect_good("{\"discovery\": {\"nqn\": \"nqn.a\"}}");
	ck_assert_uint_eq(config.discovery_filter, CONFIG_FILTER_PORT);
	ck_assert_str_eq(config.discovery_nqn, "nqn.a");
}
END_TEST

START_TEST(has_the_well_known_name_if_none_is_said)
{
	expect_good("{\"discovery\": {\"filter\": \"all\"}}");
	ck_assert_str_eq(config.discovery_nqn, NVME_DISCOVERY_NQN);
	ck_assert_uint_eq(config.discovery_filter, 0);
}
END_TEST

START_TEST(takes_words_of_a_filter_in_any_order)
{
	expect_good("{\"discovery\": {\"filter\": \"svcid,transport\"}}");
	ck_assert_uint_eq(config.discovery_filter, CONFIG_FILTER_TRANSPORT | CONFIG_FILTER_SVCID);
}
END_TEST

START_TEST(keeps_what_was_said_of_the_service)
{
	expect_kept("{\"discovery\": {\"filter\": \"transport,address,svcid\", \"nqn\": \"nqn.a\"},"
	            " \"hosts\": [{\"nqn\": \"nqn.a\", \"observer\": \"0\"},"
	            " {\"nqn\": \"nqn.c\", \"observer\": \"1\"}]}");
	ck_assert_uint_eq(config.discovery_filter, 7);
	ck_assert(config_is_observer(&config, "nqn.c"));
	ck_assert(!config_is_observer(&config, "nqn.a"));
}
END_TEST

/* nvmetcli knows no more than the name. */
START_TEST(saves_no_more_than_the_name_where_nothing_is_said)
{
	char *text;

	expect_good("{\"discovery\": {\"filter\": \"port\", \"nqn\": \"nqn.a\"}, \"hosts\": "
	            "[{\"nqn\": \"nqn.b\"}]}");
	text = config_text(&config);
	ck_assert_ptr_null(strstr(text, "filter"));
	ck_assert_ptr_null(strstr(text, "observer"));
	free(text);
}
END_TEST

/* ------------------------------------------------------------------ ports, labels */

REFUSES(refuses_discovery_without_an_address,
        "{\"ports\": [{\"portid\": 1, \"discovery\": 1,\n"
        "\"addr\": {\"trtype\": \"tcp\", \"traddr\": \"127.0.0.1\"}}]}",
        "f:2: ports[0].addr.trsvcid: must be given, as the port has discovery")
REFUSES(refuses_an_address_of_two_listeners,
        "{\"ports\": [{\"portid\": 1, \"discovery\": 1, \"addr\": {\"trtype\": \"tcp\","
        " \"traddr\": \"127.0.0.1\", \"trsvcid\": \"8009\"}},\n{\"portid\": 2, \"discovery\": 1,"
        " \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"127.0.0.1\", \"trsvcid\": \"8009\"}}]}",
        "f:2: ports[1].addr: is the address of ports[0] too")

START_TEST(keeps_labels_and_ports_for_discovery)
{
	expect_kept(
		"{\"subsystems\": [{\"nqn\": \"nqn.s\", \"admin_label\": \"Büro\"}],"
		" \"ports\": [{\"portid\": 1, \"discovery\": \"1\", \"admin_label\": \"rack 7\","
		" \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"127.0.0.1\","
		" \"trsvcid\": \"8009\"}}]}");
	ck_assert_str_eq(config.subsystems[0].admin_label, "Büro");
	ck_assert_str_eq(config.ports[0].admin_label, "rack 7");
	ck_assert(config_port_listens(&config.ports[0]));
}
END_TEST

START_TEST(refuses_a_label_of_more_than_256_bytes)
{
	char text[400] = "{\"subsystems\": [{\"nqn\": \"nqn.s\", \"admin_label\": \"";

	memset(text + strlen(text), 'x', 257);
	strcat(text, "\"}]}");
	expect_refused(text, "f:1: subsystems[0].admin_label: is longer than 256 bytes");
}
END_TEST

/* ------------------------------------------------------------------ referrals */

REFUSES(refuses_a_referral_to_an_address_that_is_none,
        TO("\"adrfam\": \"ipv4\", \"traddr\": \"host.example\", \"trsvcid\": \"8009\""),
        "f:1: ports[0].referrals[0].addr.traddr: is no address of ipv4, as adrfam has it")
REFUSES(refuses_a_referral_to_every_address, TO("\"traddr\": \"0.0.0.0\", \"trsvcid\": \"8009\""),
        "f:1: ports[0].referrals[0].addr.traddr: is every address of a machine: hosts need one")
REFUSES(refuses_a_referral_without_a_service, TO("\"traddr\": \"192.0.2.1\""),
        "f:1: ports[0].referrals[0].addr.trsvcid: is no number of a port, 1 to 65535")
REFUSES(refuses_a_referral_with_a_security_that_is_none,
        TO("\"traddr\": \"192.0.2.1\", \"trsvcid\": \"8009\", \"tsas\": \"ssl\""),
        "f:1: ports[0].referrals[0].addr.tsas: may be \"none\", and with tcp \"tls1.3\"")
REFUSES(refuses_a_referral_to_a_name_that_is_none, REFERRAL("\"nqn\": \"\""),
        "f:1: ports[0].referrals[0].nqn: is empty")
REFUSES(refuses_a_host_of_a_referral_twice, REFERRAL("\"allowed_hosts\": [\"nqn.a\", \"nqn.a\"]"),
        "f:1: ports[0].referrals[0].allowed_hosts[1]: is there twice")

/* As nvmet has one until it is enabled. */
START_TEST(takes_a_referral_that_is_not_enabled_without_an_address)
{
	expect_good(REFERRAL("\"enable\": 0"));
	ck_assert_str_eq(config.ports[0].referrals[0].nqn, NVME_DISCOVERY_NQN);
}
END_TEST

START_TEST(keeps_what_was_said_of_a_referral)
{
	expect_kept(REFERRAL("\"enable\": 1, \"nqn\": \"nqn.peer\", \"allowed_hosts\": [\"nqn.b\"],"
	                     " \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"2001:db8::1\","
	                     " \"trsvcid\": \"8009\", \"tsas\": \"tls1.3\","
	                     " \"treq\": \"required\", \"portid\": \"3\"}"));
	ck_assert_str_eq(config.ports[0].referrals[0].nqn, "nqn.peer");
	ck_assert(config_refers(&config.ports[0].referrals[0], "nqn.b"));
	ck_assert(!config_refers(&config.ports[0].referrals[0], "nqn.c"));
}
END_TEST

START_TEST(warns_of_a_referral_to_itself)
{
	expect_good("{\"ports\": [{\"portid\": 1, \"addr\": {\"trtype\": \"tcp\","
	            " \"traddr\": \"192.0.2.1\", \"trsvcid\": \"8009\"}, \"referrals\": ["
	            "{\"name\": \"a\", \"enable\": 1, \"addr\": {\"trtype\": \"tcp\","
	            " \"traddr\": \"192.0.2.1\", \"trsvcid\": \"8009\"}}]}]}");
	ck_assert_uint_eq(report.warnings.count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("discovery in a configuration");

	describe(suite,
	         "the service",
	         NULL,
	         forget_file,
	         refuses_a_filter_that_is_none,
	         refuses_a_filter_with_an_empty_word,
	         refuses_a_filter_that_says_a_word_twice,
	         refuses_port_together_with_others,
	         tells_of_the_port_alone_if_nothing_is_said,
	         has_the_well_known_name_if_none_is_said,
	         takes_words_of_a_filter_in_any_order,
	         keeps_what_was_said_of_the_service,
	         saves_no_more_than_the_name_where_nothing_is_said);
	describe(suite,
	         "ports and labels",
	         NULL,
	         forget_file,
	         refuses_discovery_without_an_address,
	         refuses_an_address_of_two_listeners,
	         keeps_labels_and_ports_for_discovery,
	         refuses_a_label_of_more_than_256_bytes);
	describe(suite,
	         "referrals",
	         NULL,
	         forget_file,
	         refuses_a_referral_to_an_address_that_is_none,
	         refuses_a_referral_to_every_address,
	         refuses_a_referral_without_a_service,
	         refuses_a_referral_with_a_security_that_is_none,
	         refuses_a_referral_to_a_name_that_is_none,
	         refuses_a_host_of_a_referral_twice,
	         takes_a_referral_that_is_not_enabled_without_an_address,
	         keeps_what_was_said_of_a_referral,
	         warns_of_a_referral_to_itself);
	return run(suite);
}
