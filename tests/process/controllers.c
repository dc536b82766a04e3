/* SPDX-License-Identifier: BSD-2-Clause */
/* Which controller a host gets: static controllers; hosts that connect twice; identifiers that run
 * out. */
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS         5000u
#define IN_DATA(offset) (1u << 16 | (unsigned)(offset))
#define AT_CNTLID       16u

enum { PLAIN, STATIC, FEW };

static void given_a_set(void)
{
	struct harness_exports exports = {
		.ports = {{.traddr = "127.0.0.1"}                              },
		.subsystems =
			{
                          {.nqn = HARNESS_NQN, .namespaces = {{.nsid = 1, .path = "ram:1M"}}},
                          {.nqn = HARNESS_NQN ".static",
	                         .is_static = true,
	                         .attributes = "\"controller_model\": \"static\", \"cntlid_min\": "
	                                       "10, \"cntlid_max\": 11",
	                         .namespaces = {{.nsid = 1, .path = "ram:1M"}}},
                          {.nqn = HARNESS_NQN ".few",
	                         .attributes = "\"cntlid_min\": 20, \"cntlid_max\": 21",
	                         .namespaces = {{.nsid = 1, .path = "ram:1M"}}},
			  },
	};

	scene_start(&exports);
}

static void open_queue(struct host_controller *controller, struct host_queue *queue)
{
	uint16_t granted;

	host_must(controller, host_controller_queues(controller, 1, &granted));
	host_must(controller, host_controller_open_queue(controller, queue, 1, 32, 8));
}

static struct host_controller other = HOST_CONTROLLER_NULL;
static struct host_queue other_queue = {.connection = {.fd = -1}};

static void connect_to(unsigned port, unsigned subsystem, struct host_controller *controller)
{
	struct host_options options = harness_host(scene.harness, port, subsystem);

	harness_connect_as(&options, controller);
}

/* ------------------------------------------------------------------ static controllers */

/* An admin queue for this controller; the status, and dword 0. */
static struct nvme_status connect_queue(struct host_queue *queue, unsigned subsystem,
                                        uint16_t cntlid, const char *host, uint32_t *ret_result)
{
	const struct host_options options = harness_host(scene.harness, 0, subsystem);
	struct host_connect connect = {.entries = 32,
	                               .cntlid = cntlid,
	                               .subnqn = options.subnqn,
	                               .hostnqn = host ? host : options.hostnqn};
	struct nvme_connect_command command;
	struct nvme_connect_data data;
	struct host_request request;
	int r;

	memcpy(connect.hostid, options.hostid, sizeof(connect.hostid));
	host_connect_fill(&connect, &command, &data);
	queue_must(queue, host_queue_open(queue, &options.address, &options.wishes, 8, WAIT_MS));
	request = host_connect_request(&command, &data);
	r = host_queue_execute(queue, &request, WAIT_MS);
	if (r != HOST_E_STATUS)
		queue_must(queue, r);
	*ret_result = le32_get(request.completion.dw0);
	return request.status;
}

static struct host_queue queues[3];

static void close_queues(void)
{
	for (unsigned i = 0; i < 3; i++)
		host_queue_close(&queues[i]);
}

/* Waits until it is free again: its host went a moment ago. */
static void connect_in_the_end(struct host_queue *queue, unsigned subsystem, uint16_t cntlid)
{
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	struct nvme_status status;
	uint32_t result;

	while ((status = connect_queue(queue, subsystem, cntlid, NULL, &result)).value ==
	               NVME_SC_CONNECT_BUSY &&
	       clock_now_ns() < deadline_ns) {
		host_queue_close(queue);
		harness_pause(20);
	}
	expect_good(status);
}

/* Base 2.1 §3.1.3.3, §6.3 */
START_TEST(connects_to_the_static_controller_that_is_asked_for)
{
	uint32_t result;

	connect_in_the_end(&queues[0], STATIC, 11);
	expect_good(connect_queue(&queues[1], STATIC, NVME_CNTLID_STATIC_ANY, NULL, &result));
	ck_assert_uint_eq(result, 10);
	close_queues();
	shows("Base 2.1 §3.1.3.1",
	      "static controllers: Connect names one of cntlid_min to cntlid_max, or FFFEh for "
	      "any");
}
END_TEST

START_TEST(says_at_once_that_a_static_controller_is_busy)
{
	uint64_t begin_ns;
	uint32_t result;

	connect_in_the_end(&queues[0], STATIC, 11);
	begin_ns = clock_now_ns();
	expect_status(connect_queue(&queues[1], STATIC, 11, NULL, &result), NVME_SC_CONNECT_BUSY);
	expect_status(connect_queue(&queues[2], STATIC, 11, "nqn.2001-01.com.example:b", &result),
	              NVME_SC_CONNECT_BUSY);
	ck_assert_uint_lt(clock_now_ns() - begin_ns, 4 * NS_PER_S);
	close_queues();
	shows("Base 2.1 §6.3", "a static controller that is in use is Connect Controller Busy");
}
END_TEST

START_TEST(refuses_a_static_controller_that_is_not_there)
{
	uint32_t result;

	expect_status(connect_queue(&queues[0], STATIC, 12, NULL, &result),
	              DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	ck_assert_uint_eq(result, IN_DATA(AT_CNTLID));
	expect_status(connect_queue(&queues[1], STATIC, NVME_CNTLID_DYNAMIC, NULL, &result),
	              DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	ck_assert_uint_eq(result, IN_DATA(AT_CNTLID));
	expect_status(connect_queue(&queues[2], PLAIN, NVME_CNTLID_STATIC_ANY, NULL, &result),
	              DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	ck_assert_uint_eq(result, IN_DATA(AT_CNTLID));
	close_queues();
	shows("Base 2.1 §6.3",
	      "a CNTLID that is not of the model, or of the range, is Connect Invalid Parameters "
	      "with DNR, in the data at 16");
}
END_TEST

/* A static controller keeps the features that were set. */
static uint32_t events_of(uint16_t cntlid, uint32_t set)
{
	struct host_controller controller = HOST_CONTROLLER_NULL;
	uint32_t events;

	controller.options = harness_host(scene.harness, 0, STATIC);
	controller.options.timeout_ms = WAIT_MS;
	connect_in_the_end(&controller.admin, STATIC, cntlid);
	host_must(&controller, host_controller_enable(&controller));
	host_must(&controller,
	          host_get_feature(&controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0, NULL, 0));
	events = controller.result;
	if (set)
		host_must(&controller,
		          host_set_feature(&controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, set));
	host_controller_close(&controller);
	return events;
}

START_TEST(keeps_its_features_for_the_next_association)
{
	ck_assert_uint_eq(events_of(11, 0x900), 0);
	ck_assert_uint_eq(events_of(11, 0), 0x900);
	ck_assert_uint_eq(events_of(10, 0), 0);
	harness_kill(scene.harness, "state");
	ck_assert_uint_eq(events_of(11, 0), 0x900);
	shows("Base 2.1 §3.1.3.1",
	      "a static controller keeps its features from one association to the next");
}
END_TEST

START_TEST(says_in_identify_that_it_is_static)
{
	uint8_t page[4096];
	struct host_controller controller = HOST_CONTROLLER_NULL;

	controller.options = harness_host(scene.harness, 0, STATIC);
	controller.options.timeout_ms = WAIT_MS;
	connect_in_the_end(&controller.admin, STATIC, NVME_CNTLID_STATIC_ANY);
	host_must(&controller, host_controller_enable(&controller));
	host_must(&controller, host_identify(&controller, NVME_CNS_CONTROLLER, 0, 0, page));
	ck_assert_uint_eq(page[1802] & 1, 1); /* FCATT */
	host_controller_close(&controller);
	connect_to(0, PLAIN, &other);
	host_must(&other, host_identify(&other, NVME_CNS_CONTROLLER, 0, 0, page));
	ck_assert_uint_eq(page[1802] & 1, 0);
	host_controller_close(&other);
	shows("Base 2.1 §5.1.13.2.1", "FCATT bit 0 is the controller model");
}
END_TEST

START_TEST(stands_in_the_discovery_log_as_static)
{
	struct host_options options = harness_host(scene.harness, 0, PLAIN);
	uint8_t log[5 * 1024];
	unsigned found = 0;

	options.subnqn = NVME_DISCOVERY_NQN;
	harness_connect_as(&options, &other);
	host_must(&other, host_get_log(&other, NVME_LOG_DISCOVERY, false, 0, log, sizeof(log)));
	for (unsigned i = 1; i < 5; i++) {
		const char *nqn = (const char *)log + i * 1024 + 256;
		bool is_static = strcmp(nqn, scene.harness->exports.subsystems[STATIC].nqn) == 0;
		unsigned cntlid = log[i * 1024 + 6] | (unsigned)log[i * 1024 + 7] << 8;

		ck_assert_uint_eq(cntlid, is_static ? NVME_CNTLID_STATIC_ANY : NVME_CNTLID_DYNAMIC);
		found += is_static;
	}
	ck_assert_uint_eq(found, 1);
	host_controller_close(&other);
	shows("Base 2.1 §5.1.12.3.1",
	      "CNTLID of an entry is FFFEh for static controllers, FFFFh for dynamic ones");
}
END_TEST

/* ------------------------------------------------------------------ hosts that connect twice */

/* Subsystem 0 refuses it, 1 replaces the older association, 2 allows it; with two ports. */
static void given_three_policies(void)
{
	static const char *const attributes[] = {
		"\"duplicate_host\": \"refuse\"", "\"duplicate_host\": \"replace\"", NULL};
	static char nqns[3][80];
	struct harness_exports exports = {
		.ports = {{.traddr = "127.0.0.1"}, {.traddr = "127.0.0.1"}}
        };

	for (unsigned i = 0; i < 3; i++) {
		snprintf(nqns[i], sizeof(nqns[i]), "%s.%u", HARNESS_NQN, i);
		exports.subsystems[i] = (struct harness_subsystem){
			.nqn = nqns[i],
			.attributes = attributes[i],
			.namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	}
	scene_start(&exports);
}

enum { REFUSES, REPLACES, ALLOWS };

START_TEST(is_refused_and_the_older_one_goes_on)
{
	uint32_t result;

	connect_in_the_end(&queues[0], REFUSES, NVME_CNTLID_DYNAMIC);
	expect_status(connect_queue(&queues[1], REFUSES, NVME_CNTLID_DYNAMIC, NULL, &result),
	              NVME_SC_CONNECT_BUSY);
	expect_good(connect_queue(
		&queues[2], REFUSES, NVME_CNTLID_DYNAMIC, "nqn.2001-01.com.example:b", &result));
	connect_to(1, REFUSES, &other); /* another port is another path */
	ck_assert_uint_eq(scene_csts(&other), NVME_CSTS_RDY);
	host_controller_close(&other);
	close_queues();
}
END_TEST

START_TEST(replaces_the_older_one)
{
	uint8_t data[512];

	scene.options = harness_host(scene.harness, 0, REPLACES);
	connect_to(0, REPLACES, &other);
	open_queue(&other, &other_queue);
	connect_to(0, REPLACES, &scene.controller);
	open_queue(&scene.controller, &scene.queue);
	connection_must(&other.admin.connection,
	                host_connection_await_end(&other.admin.connection, WAIT_MS));
	connection_must(&other_queue.connection,
	                host_connection_await_end(&other_queue.connection, WAIT_MS));
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, 1, &scene.spaces[1]));
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data));
	host_queue_close(&other_queue);
	host_controller_close(&other);
	scene_disconnect();
}
END_TEST

START_TEST(replaces_none_on_another_port)
{
	connect_to(0, REPLACES, &scene.controller);
	connect_to(1, REPLACES, &other);
	ck_assert_uint_eq(scene_csts(&scene.controller), NVME_CSTS_RDY);
	ck_assert_uint_eq(scene_csts(&other), NVME_CSTS_RDY);
	host_controller_close(&other);
	scene_disconnect();
}
END_TEST

START_TEST(is_allowed_where_nothing_is_said)
{
	connect_to(0, ALLOWS, &scene.controller);
	connect_to(0, ALLOWS, &other);
	ck_assert_uint_eq(scene_csts(&scene.controller), NVME_CSTS_RDY);
	host_controller_close(&other);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ identifiers run out */

/* No DNR, and nobody else has to wait for that. */
START_TEST(says_busy_when_no_identifier_is_left)
{
	uint32_t result;

	connect_in_the_end(&queues[0], FEW, NVME_CNTLID_DYNAMIC);
	connect_in_the_end(&queues[1], FEW, NVME_CNTLID_DYNAMIC);
	expect_status(connect_queue(&queues[2], FEW, NVME_CNTLID_DYNAMIC, NULL, &result),
	              NVME_SC_CONNECT_BUSY);
	connect_to(0, PLAIN, &other);
	host_controller_close(&other);
	host_queue_close(&queues[2]);
	host_queue_close(&queues[0]);
	connect_in_the_end(&queues[2], FEW, NVME_CNTLID_DYNAMIC);
	close_queues();
	shows("Base 2.1 §6.3",
	      "where all controllers are in use, Connect is Connect Controller Busy without DNR");
}
END_TEST

/* ------------------------------------------------------------------ over-full queues */

enum { ENTRIES = 16, SPARE = 32, MANY = 400 };

static uint8_t blocks[MANY][4096];
static struct host_request many[MANY];

/* `n` commands at once on a queue with ENTRIES entries: all are done, and the queue lives. */
static void submit_many(unsigned n, uint8_t opcode, bool by_r2t)
{
	scene.options = harness_host(scene.harness, 0, PLAIN);
	connect_to(0, PLAIN, &scene.controller);
	host_must(&scene.controller, host_controller_queues(&scene.controller, 1, &(uint16_t){0}));
	host_must(&scene.controller,
	          host_controller_open_queue(&scene.controller, &scene.queue, 1, ENTRIES, MANY));
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, 1, &scene.spaces[1]));
	for (unsigned i = 0; i < n; i++) {
		many[i] = host_io(&scene.spaces[1], opcode, 8 * i, 8, blocks[i]);
		many[i].transfer = by_r2t;
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &many[i]));
	}
	for (unsigned i = 0; i < n; i++) {
		queue_must(&scene.queue, host_queue_await(&scene.queue, &many[i], WAIT_MS));
		expect_good(many[i].status);
	}
	expect_good(scene_io(NVME_IO_READ, 1, 0, 8, blocks[0]));
	scene_disconnect();
}

START_TEST(is_slowed_when_it_gets_more_reads_than_it_has_entries)
{
	submit_many(200, NVME_IO_READ, false);
}
END_TEST

START_TEST(is_slowed_when_it_gets_more_writes_than_it_has_entries)
{
	submit_many(200, NVME_IO_WRITE, false);
}
END_TEST

/* Their data comes behind what is not read: so many more of them there may be. */
START_TEST(is_slowed_when_it_gets_more_transfers_than_it_has_entries)
{
	submit_many(ENTRIES + SPARE, NVME_IO_WRITE, true);
	shows("Base 2.1 §3.3.2.1.1",
	      "more commands than a queue has entries wait in the connection: it is not ended");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("controllers");

	describe_running(suite,
	                 "a subsystem",
	                 given_a_set,
	                 scene_stop,
	                 connects_to_the_static_controller_that_is_asked_for,
	                 says_at_once_that_a_static_controller_is_busy,
	                 refuses_a_static_controller_that_is_not_there,
	                 keeps_its_features_for_the_next_association,
	                 says_in_identify_that_it_is_static,
	                 stands_in_the_discovery_log_as_static,
	                 says_busy_when_no_identifier_is_left);
	describe_running(suite,
	                 "a host that connects a second time",
	                 given_three_policies,
	                 scene_stop,
	                 is_refused_and_the_older_one_goes_on,
	                 replaces_the_older_one,
	                 replaces_none_on_another_port,
	                 is_allowed_where_nothing_is_said);
	describe_running(suite,
	                 "an I/O queue",
	                 given_a_set,
	                 scene_stop,
	                 is_slowed_when_it_gets_more_reads_than_it_has_entries,
	                 is_slowed_when_it_gets_more_writes_than_it_has_entries,
	                 is_slowed_when_it_gets_more_transfers_than_it_has_entries);
	return harness_run(suite);
}
