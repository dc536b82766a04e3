/* SPDX-License-Identifier: BSD-2-Clause */
/* The discovery controller tells each host what is there for it, and where (Base 2.1 §3.1.3.3). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/process/scene.h"

#define OTHER_HOST              "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-00000000beef"
#define EVENT_DISCOVERY_CHANGED (2u | 0xf0u << 8 | (unsigned)NVME_LOG_DISCOVERY << 16)
#define RECORDS_MAX             16u

/* Base 2.1 §5.1.12.3.1 */
struct record {
	uint8_t trtype;
	uint8_t adrfam;
	uint8_t subtype;
	uint8_t treq;
	struct le16 portid;
	struct le16 cntlid;
	struct le16 asqsz;
	struct le16 eflags;
	uint8_t reserved12[20];
	char trsvcid[32];
	uint8_t reserved64[192];
	char subnqn[256];
	char traddr[256];
	uint8_t tsas[256];
};
_Static_assert(sizeof(struct record) == 1024, "Base 2.1 §5.1.12.3.1");

struct log {
	struct le64 genctr;
	struct le64 numrec;
	struct le16 recfmt;
	uint8_t reserved18[1006];
	struct record records[RECORDS_MAX];
};
_Static_assert(offsetof(struct log, records) == 1024, "Base 2.1 §5.1.12.3.1");

static struct log page;

/* On a port of 127.0.0.1 and one of the wildcard: one subsystem for any host, one for OTHER_HOST.
 */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1].traddr = "0.0.0.0";
	exports.ports[2].traddr = "::1";
	exports.subsystems[1] = (struct harness_subsystem){
		.nqn = HARNESS_NQN ".private",
		.hosts = {OTHER_HOST},
		.namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	scene_start(&exports);
}

static void discover_on(unsigned port, const char *hostnqn)
{
	scene.options = harness_host(scene.harness, port, 0);
	scene.options.subnqn = NVME_DISCOVERY_NQN;
	scene.options.hostnqn = hostnqn;
	harness_connect_as(&scene.options, &scene.controller);
}

static void get_log(void)
{
	uint64_t count;

	memset(&page, 0, sizeof(page));
	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_DISCOVERY, false, 0, &page, 1024));
	count = le64_get(page.numrec);
	ck_assert_uint_le(count, RECORDS_MAX);
	if (count)
		host_must(&scene.controller,
		          host_get_log(&scene.controller,
		                       NVME_LOG_DISCOVERY,
		                       false,
		                       0,
		                       &page,
		                       (uint32_t)(1024 + count * 1024)));
}

static const struct record *find(const char *subnqn, const char *trsvcid)
{
	size_t length = strlen(trsvcid);

	for (uint64_t i = 0; i < le64_get(page.numrec); i++)
		if (!strcmp(page.records[i].subnqn, subnqn) &&
		    !strncmp(page.records[i].trsvcid, trsvcid, length) &&
		    (page.records[i].trsvcid[length] == 0 ||
		     page.records[i].trsvcid[length] == ' '))
			return &page.records[i];
	return NULL;
}

static const char *port_of(unsigned port)
{
	return scene.harness->exports.ports[port].trsvcid;
}

/* The text, however it is padded. */
static bool is_text(const char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	return !strncmp(field, text, length) &&
	       (length == size || field[length] == 0 || field[length] == ' ');
}

START_TEST(says_that_it_is_a_discovery_controller)
{
	discover_on(0, HARNESS_HOSTNQN);
	ck_assert_uint_eq(scene.controller.identity.type, 2);
	ck_assert_str_eq(scene.controller.identity.subnqn, NVME_DISCOVERY_NQN);
	ck_assert_uint_ne(scene.controller.identity.oaes & 1u << 31, 0);
	scene_disconnect();
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

START_TEST(lists_the_subsystem_on_the_port_that_was_asked)
{
	const struct record *record;

	discover_on(0, HARNESS_HOSTNQN);
	get_log();
	record = find(HARNESS_NQN, port_of(0));
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->trtype, 3);
	ck_assert_uint_eq(record->adrfam, 1);
	ck_assert_uint_eq(record->subtype, 2);
	ck_assert_uint_eq(le16_get(record->cntlid), 0xffff);
	ck_assert_uint_ge(le16_get(record->asqsz), 32);
	ck_assert(is_text(record->traddr, sizeof(record->traddr), "127.0.0.1"));
	scene_disconnect();
}
END_TEST

START_TEST(lists_an_ipv6_port_as_such)
{
	const struct record *record;

	discover_on(2, HARNESS_HOSTNQN);
	get_log();
	record = find(HARNESS_NQN, port_of(2));
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->adrfam, 2);
	ck_assert(is_text(record->traddr, sizeof(record->traddr), "::1"));
	scene_disconnect();
}
END_TEST

START_TEST(reports_the_address_that_the_host_came_in_on_for_a_wildcard)
{
	const struct record *record;

	discover_on(1, HARNESS_HOSTNQN);
	get_log();
	record = find(HARNESS_NQN, port_of(1));
	ck_assert_ptr_nonnull(record);
	ck_assert(is_text(record->traddr, sizeof(record->traddr), "127.0.0.1"));
	scene_disconnect();
}
END_TEST

START_TEST(does_not_tell_a_host_of_what_it_may_not_use)
{
	discover_on(0, HARNESS_HOSTNQN);
	get_log();
	ck_assert_ptr_null(find(HARNESS_NQN ".private", port_of(0)));
	scene_disconnect();
}
END_TEST

START_TEST(tells_a_host_of_what_only_it_may_use)
{
	discover_on(0, OTHER_HOST);
	get_log();
	ck_assert_ptr_nonnull(find(HARNESS_NQN ".private", port_of(0)));
	scene_disconnect();
}
END_TEST

START_TEST(gives_the_log_in_pieces)
{
	static struct log whole;
	uint32_t bytes;

	discover_on(0, HARNESS_HOSTNQN);
	get_log();
	whole = page;
	bytes = (uint32_t)(1024 + 1024 * le64_get(page.numrec));
	memset(&page, 0, sizeof(page));
	for (uint32_t at = 0; at < bytes; at += 512)
		host_must(&scene.controller,
		          host_get_log(&scene.controller,
		                       NVME_LOG_DISCOVERY,
		                       false,
		                       at,
		                       (uint8_t *)&page + at,
		                       512));
	ck_assert_mem_eq(&page, &whole, bytes);
	scene_disconnect();
}
END_TEST

START_TEST(refuses_an_offset_past_the_end_of_the_log)
{
	discover_on(0, HARNESS_HOSTNQN);
	ck_assert_int_eq(
		host_get_log(&scene.controller, NVME_LOG_DISCOVERY, false, 1 << 20, &page, 1024),
		HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	scene_disconnect();
}
END_TEST

START_TEST(has_no_io_queues)
{
	struct host_queue queue;

	discover_on(0, HARNESS_HOSTNQN);
	ck_assert_int_eq(host_controller_open_queue(&scene.controller, &queue, 1, 32, 8),
	                 HOST_E_STATUS);
	scene_disconnect();
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
	get_log();
	generation = le64_get(page.genctr);
	get_log();
	ck_assert_uint_eq(le64_get(page.genctr), generation);
	add_subsystem();
	get_log();
	ck_assert_uint_ne(le64_get(page.genctr), generation);
	ck_assert_ptr_nonnull(find(HARNESS_NQN ".new", port_of(0)));
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
	                 given_a_set,
	                 scene_stop,
	                 says_that_it_is_a_discovery_controller,
	                 leaves_no_lines_in_the_log,
	                 lists_the_subsystem_on_the_port_that_was_asked,
	                 lists_an_ipv6_port_as_such,
	                 reports_the_address_that_the_host_came_in_on_for_a_wildcard,
	                 does_not_tell_a_host_of_what_it_may_not_use,
	                 tells_a_host_of_what_only_it_may_use,
	                 gives_the_log_in_pieces,
	                 refuses_an_offset_past_the_end_of_the_log,
	                 has_no_io_queues);
	describe_alone(suite,
	               "a discovery log that changes",
	               given_a_set,
	               scene_stop,
	               has_another_generation_after_a_change,
	               tells_a_host_that_stays_of_a_change);
	return harness_run(suite);
}
