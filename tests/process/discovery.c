/* SPDX-License-Identifier: BSD-2-Clause */
/* The discovery controller tells each host what is there for it, and where (Base 2.1 §3.1.3.3). */
#include <stdlib.h>
#include <string.h>

#include "tests/process/discovered.h"
#include "tests/support/shows.h"

enum { MEGABYTE = 1 << 20 };

static uint8_t big[MEGABYTE + 4];

START_TEST(says_that_it_is_a_discovery_controller)
{
	discover_on(0, HARNESS_HOSTNQN);
	ck_assert_uint_eq(scene.controller.identity.type, 2);
	ck_assert_str_eq(scene.controller.identity.subnqn, NVME_DISCOVERY_NQN);
	ck_assert_uint_ne(scene.controller.identity.oaes & 1u << 31, 0);
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3",
	      "a discovery controller says in CNTRLTYPE that it is one, and in OAES that it tells "
	      "of changes of its log");
}
END_TEST

/* Anyone may ask, as often as they like. */
START_TEST(leaves_no_lines_in_the_log)
{
	unsigned before = harness_log_count(scene.harness, "controller ");

	for (unsigned i = 0; i < 20; i++) {
		discover_on(0, OTHER_HOST);
		scene_disconnect();
	}
	ck_assert_uint_eq(harness_log_count(scene.harness, "controller "), before);
}
END_TEST

/* ------------------------------------------------------------------ what is listed */

START_TEST(lists_the_subsystem_on_the_port_that_was_asked)
{
	const struct nvme_discovery_entry *record;
	static const uint8_t none[256];

	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	ck_assert_uint_eq(le64_get(discovered.head.numrec), 2);
	record = find_discovered(HARNESS_NQN, service_of(0));
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->trtype, NVME_TRTYPE_TCP);
	ck_assert_uint_eq(record->adrfam, NVME_ADRFAM_IPV4);
	ck_assert_uint_eq(record->subtype, NVME_SUBTYPE_NVME);
	ck_assert_uint_eq(record->treq, NVME_TREQ_DISABLE_SQFLOW);
	ck_assert_uint_eq(le16_get(record->portid), 1);
	ck_assert_uint_eq(le16_get(record->cntlid), 0xffff);
	ck_assert_uint_ge(le16_get(record->asqsz), 32);
	ck_assert_uint_eq(le16_get(record->eflags), 0);
	ck_assert(is_field(record->traddr, sizeof(record->traddr), "127.0.0.1"));
	ck_assert_mem_eq(record->tsas, none, sizeof(none)); /* SECTYPE: no security */
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "an entry tells type, family, address and service of the port, that any controller "
	      "is given (CNTLID FFFFh), the least admin queue, that SQ flow control may be off");
}
END_TEST

START_TEST(lists_itself)
{
	const struct nvme_discovery_entry *record;

	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	record = find_discovered(NVME_DISCOVERY_NQN, service_of(0));
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->subtype, NVME_SUBTYPE_CURRENT);
	ck_assert_uint_eq(le16_get(record->eflags), NVME_EFLAGS_EPCSD);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "the discovery service has an entry of its own (SUBTYPE 3) with EPCSD; DUPRETINFO "
	      "not, as each port tells of itself; NCC not");
}
END_TEST

START_TEST(lists_an_ipv6_port_as_such)
{
	const struct nvme_discovery_entry *record;

	discover_on(2, HARNESS_HOSTNQN);
	get_discovered();
	record = find_discovered(HARNESS_NQN, service_of(2));
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->adrfam, NVME_ADRFAM_IPV6);
	ck_assert(is_field(record->traddr, sizeof(record->traddr), "::1"));
	scene_disconnect();
}
END_TEST

START_TEST(reports_the_address_that_the_host_came_in_on_for_a_wildcard)
{
	const struct nvme_discovery_entry *record;

	scene.options = discovery_on(1, HARNESS_HOSTNQN);
	scene.options.address.traddr = "127.0.0.5";
	harness_connect_as(&scene.options, &scene.controller);
	get_discovered();
	record = find_discovered(HARNESS_NQN, service_of(1));
	ck_assert_ptr_nonnull(record);
	ck_assert(is_field(record->traddr, sizeof(record->traddr), "127.0.0.5"));
	scene_disconnect();
}
END_TEST

START_TEST(does_not_tell_a_host_of_what_it_may_not_use)
{
	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	ck_assert_ptr_null(find_discovered(PRIVATE, service_of(0)));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "a subsystem that the host may not use is not in its log, whatever it asks for");
}
END_TEST

START_TEST(tells_a_host_of_what_only_it_may_use)
{
	discover_on(0, OTHER_HOST);
	get_discovered();
	ck_assert_ptr_nonnull(find_discovered(PRIVATE, service_of(0)));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ which part of the log */

START_TEST(gives_the_log_in_pieces)
{
	static struct discovered whole;
	uint32_t bytes;

	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	whole = discovered;
	bytes = (uint32_t)(1024 + 1024 * le64_get(whole.head.numrec));
	memset(&discovered, 0, sizeof(discovered));
	for (uint32_t at = 0; at < bytes; at += 512)
		host_must(&scene.controller,
		          host_get_log(&scene.controller,
		                       NVME_LOG_DISCOVERY,
		                       false,
		                       at,
		                       (uint8_t *)&discovered + at,
		                       512));
	ck_assert_mem_eq(&discovered, &whole, bytes);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "pieces that were read while GENCTR stayed the same are of one log");
}
END_TEST

/* NUMD is of 32 bits, NUMDL and NUMDU. */
START_TEST(gives_as_much_as_mdts_allows_with_zeroes_behind_the_end)
{
	discover_on(0, HARNESS_HOSTNQN);
	memset(big, 0xee, sizeof(big));
	expect_status(get_log_with(NVME_LOG_DISCOVERY, 0, 0, big, MEGABYTE), 0);
	ck_assert_uint_eq(big[8], 2); /* NUMREC */
	scene_expect_zeroes(big + 3072, MEGABYTE - 3072);
	ck_assert_uint_eq(big[MEGABYTE], 0xee);
	scene_disconnect();
	shows("Base 2.1 §5.1.12",
	      "NUMDU and NUMDL are one number of dwords; behind the end of a log there are zeroes");
}
END_TEST

START_TEST(gives_zeroes_from_just_behind_the_end)
{
	uint8_t data[8] = {1, 2, 3};

	discover_on(0, HARNESS_HOSTNQN);
	expect_status(get_log_with(NVME_LOG_DISCOVERY, 0, 3072, data, sizeof(data)), 0);
	ck_assert_mem_eq(data, (uint8_t[8]){0}, sizeof(data));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ a configuration */

static void given_a_filter(const char *filter)
{
	json_t *root = get_configuration();

	json_object_set_new(root, "discovery", json_pack("{s:s}", "filter", filter));
	restore_configuration(root);
}

START_TEST(can_tell_of_all_ports)
{
	const struct nvme_discovery_entry *record;

	given_a_filter("all");
	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	ck_assert_uint_eq(le64_get(discovered.head.numrec), 6);
	record = find_discovered(HARNESS_NQN, service_of(1));
	ck_assert_ptr_nonnull(record);
	ck_assert(is_field(record->traddr, sizeof(record->traddr), "127.0.0.1"));
	ck_assert_ptr_nonnull(find_discovered(HARNESS_NQN, service_of(2)));
	ck_assert_ptr_nonnull(find_discovered(NVME_DISCOVERY_NQN, service_of(2)));
	scene_disconnect();
}
END_TEST

/* A wildcard of the other family is not where the host can be sure to reach it. */
START_TEST(leaves_out_where_a_host_of_ipv6_may_not_get)
{
	given_a_filter("all");
	discover_on(2, HARNESS_HOSTNQN);
	get_discovered();
	ck_assert_uint_eq(le64_get(discovered.head.numrec), 4);
	ck_assert_ptr_null(find_discovered(HARNESS_NQN, service_of(1)));
	scene_disconnect();
}
END_TEST

START_TEST(tells_of_its_port_alone_where_a_host_asks_for_that)
{
	given_a_filter("all");
	discover_on(0, HARNESS_HOSTNQN);
	expect_status(get_log_with(NVME_LOG_DISCOVERY,
	                           NVME_LOG_DISCOVERY_PLEO,
	                           0,
	                           &discovered,
	                           sizeof(discovered)),
	              0);
	ck_assert_uint_eq(le64_get(discovered.head.numrec), 2);
	ck_assert_uint_eq(discovered.head.dlpf, NVME_LOG_DISCOVERY_PLEO);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "PLEO: the entries of the port that is asked, whatever the configuration's filter");
}
END_TEST

static void get_everything(void)
{
	expect_status(get_log_with(NVME_LOG_DISCOVERY,
	                           NVME_LOG_DISCOVERY_ALLSUBE,
	                           0,
	                           &discovered,
	                           sizeof(discovered)),
	              0);
}

START_TEST(tells_everything_to_observers_alone)
{
	json_t *root = get_configuration();

	json_array_append_new(json_object_get(root, "hosts"),
	                      json_pack("{s:s, s:i}", "nqn", HARNESS_HOSTNQN, "observer", 1));
	restore_configuration(root);
	discover_on(0, HARNESS_HOSTNQN);
	get_everything();
	ck_assert_uint_eq(discovered.head.dlpf, NVME_LOG_DISCOVERY_ALLSUBE);
	ck_assert_ptr_nonnull(find_discovered(PRIVATE, service_of(0)));
	ck_assert_ptr_nonnull(find_discovered(PRIVATE, service_of(2)));
	scene_disconnect();
	discover_on(2, "nqn.2001-01.com.example:stranger");
	get_everything();
	ck_assert_uint_eq(discovered.head.dlpf, 0);
	ck_assert_ptr_null(find_discovered(PRIVATE, service_of(2)));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "ALLSUBE is followed for hosts that the configuration calls observers; for others "
	      "DLPF says that it was not");
}
END_TEST

START_TEST(has_labels_in_extended_entries)
{
	json_t *root = get_configuration();
	const uint8_t *tail = big + 1024 + 1032 + 1024; /* of the second entry */
	struct nvme_log_discovery head;

	json_object_set_new(json_array_get(json_object_get(root, "subsystems"), 0),
	                    "admin_label",
	                    json_string("Rack 7, shelf 2"));
	restore_configuration(root);
	discover_on(0, HARNESS_HOSTNQN);
	expect_status(get_log_with(NVME_LOG_DISCOVERY, NVME_LOG_DISCOVERY_EXTDLPE, 0, big, 8192),
	              0);
	memcpy(&head, big, sizeof(head));
	ck_assert_uint_eq(head.dlpf, NVME_LOG_DISCOVERY_EXTDLPE);
	ck_assert_uint_eq(le64_get(head.numrec), 2);
	ck_assert_uint_eq(le32_get(head.tdlpl), 1024 + 1032 + 1032 + 20);
	ck_assert_mem_eq(tail, "\x1c\x04\0\0\x01\0\0\0\x02\0\x10\0Rack 7, shelf 2 ", 28);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "EXTDLPE: entries have a length (TEL), and the administrative label of a subsystem "
	      "as "
	      "an attribute; TDLPL is the length of the log");
}
END_TEST

/* ------------------------------------------------------------------ changes */

static void add_subsystem(void)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[2] = (struct harness_subsystem){
		.nqn = HARNESS_NQN ".new", .namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	harness_restore(scene.harness, &exports);
}

START_TEST(has_another_generation_after_a_change)
{
	uint64_t generation;

	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	generation = le64_get(discovered.head.genctr);
	get_discovered();
	ck_assert_uint_eq(le64_get(discovered.head.genctr), generation);
	add_subsystem();
	get_discovered();
	ck_assert_uint_eq(le64_get(discovered.head.genctr), generation + 1);
	ck_assert_ptr_nonnull(find_discovered(HARNESS_NQN ".new", service_of(0)));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.3.1",
	      "GENCTR goes up by one with each change of what hosts can be told, and with no "
	      "other");
}
END_TEST

START_TEST(has_the_same_generation_after_a_change_of_something_else)
{
	uint64_t generation;

	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	generation = le64_get(discovered.head.genctr);
	scene_add_namespace(5);
	get_discovered();
	ck_assert_uint_eq(le64_get(discovered.head.genctr), generation);
	scene_disconnect();
}
END_TEST

/* What a host read before and after the change does not fit together, and it can tell. */
START_TEST(lets_a_host_notice_a_change_between_two_pieces)
{
	struct nvme_log_discovery first, again;

	discover_on(0, HARNESS_HOSTNQN);
	host_must(&scene.controller,
	          host_get_log(
			  &scene.controller, NVME_LOG_DISCOVERY, true, 0, &first, sizeof(first)));
	add_subsystem();
	harness_kill(scene.harness, "state");
	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_DISCOVERY, true, 1024, big, 2048));
	host_must(&scene.controller,
	          host_get_log(
			  &scene.controller, NVME_LOG_DISCOVERY, true, 0, &again, sizeof(again)));
	ck_assert_uint_ne(le64_get(first.genctr), le64_get(again.genctr));
	scene_disconnect();
}
END_TEST

START_TEST(tells_a_host_that_stays_of_a_change)
{
	struct host_request event = host_event_request();

	discover_on(0, HARNESS_HOSTNQN);
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, 1u << 31));
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
	add_subsystem();
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, 20000));
	ck_assert_uint_eq(le32_get(event.completion.dw0), EVENT_DISCOVERY_CHANGED);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("discovery");

	describe_running(suite,
	                 "a discovery controller",
	                 given_discovery,
	                 scene_stop,
	                 says_that_it_is_a_discovery_controller,
	                 leaves_no_lines_in_the_log,
	                 lists_the_subsystem_on_the_port_that_was_asked,
	                 lists_itself,
	                 lists_an_ipv6_port_as_such,
	                 reports_the_address_that_the_host_came_in_on_for_a_wildcard,
	                 does_not_tell_a_host_of_what_it_may_not_use,
	                 tells_a_host_of_what_only_it_may_use,
	                 gives_the_log_in_pieces,
	                 gives_as_much_as_mdts_allows_with_zeroes_behind_the_end,
	                 gives_zeroes_from_just_behind_the_end);
	describe_running(suite,
	                 "a configured discovery controller",
	                 given_discovery,
	                 scene_stop,
	                 can_tell_of_all_ports,
	                 leaves_out_where_a_host_of_ipv6_may_not_get,
	                 tells_of_its_port_alone_where_a_host_asks_for_that,
	                 tells_everything_to_observers_alone,
	                 has_labels_in_extended_entries);
	describe_alone(suite,
	               "a discovery log that changes",
	               given_discovery,
	               scene_stop,
	               has_another_generation_after_a_change,
	               has_the_same_generation_after_a_change_of_something_else,
	               lets_a_host_notice_a_change_between_two_pieces,
	               tells_a_host_that_stays_of_a_change);
	return harness_run(suite);
}
