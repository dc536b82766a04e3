/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets and shutdowns, of a controller and of its subsystem; static controllers; hosts that
 * connect twice; identifiers that run out. */
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS 5000u

enum { PLAIN, RESETTABLE };

/* Subsystem 0 has a namespace that is slow and one that hangs, 1 can be reset; each on two ports.
 */
static void given_a_set(void)
{
	struct harness_exports exports = {
		.ports = {{.traddr = "127.0.0.1"},                                             {.traddr = "127.0.0.1"}},
		.subsystems = {{.nqn = HARNESS_NQN, .namespaces = {{.nsid = 1, .path = "ram:1M"}}},
                          {.nqn = HARNESS_NQN ".resettable",
	                        .attributes = "\"enable_nssr\": 1",
	                        .namespaces = {{.nsid = 1, .path = "ram:1M"}}}                                        },
		.limits = "\"shutdown_timeout_ms\": 3000, \"ready_timeout_ms\": 3000",
	};

	exports.subsystems[PLAIN].namespaces[1] = (struct harness_namespace){
		.nsid = 2,
		.path = "ram:1M",
		.has_faults = true,
		.faults = {"read delay=1s"},
	};
	exports.subsystems[PLAIN].namespaces[2] = (struct harness_namespace){
		.nsid = 3,
		.path = "ram:1M",
		.has_faults = true,
		.faults = {"read hang"},
	};
	scene_start(&exports);
}

/* Waits for it. */
static void expect_csts(struct host_controller *controller, uint32_t wanted, unsigned ms)
{
	uint64_t deadline_ns = clock_now_ns() + ms * NS_PER_MS;
	uint32_t csts;

	while ((csts = scene_csts(controller)) != wanted && clock_now_ns() < deadline_ns)
		harness_pause(10);
	ck_assert_uint_eq(csts, wanted);
}

static void write_cc(struct host_controller *controller, uint32_t more)
{
	host_must(controller,
	          host_property_set(controller, NVME_PROPERTY_CC, false, 0x460000 | more));
}

static void open_queue(struct host_controller *controller, struct host_queue *queue)
{
	uint16_t granted;

	host_must(controller, host_controller_queues(controller, 1, &granted));
	host_must(controller, host_controller_open_queue(controller, queue, 1, 32, 8));
}

/* A read that is on its way: it has been taken before the one behind it is answered. */
static void begin_read(uint32_t nsid, struct host_request *request)
{
	static uint8_t data[4096], behind[4096];

	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, nsid, &scene.spaces[nsid]));
	*request = host_io(&scene.spaces[nsid], NVME_IO_READ, 0, 1, data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, request));
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, behind));
}

/* With a command in flight that does not end. */
static void expect_failure(uint32_t cc, uint32_t csts)
{
	struct host_request hanging;

	scene_connect();
	begin_read(3, &hanging);
	write_cc(&scene.controller, cc);
	host_queue_close(&scene.queue);
	expect_csts(&scene.controller, csts, 3000 + WAIT_MS);
	scene_disconnect();
	scene_fault(3, NULL);
	scene_fault(3, "read hang");
}

/* ------------------------------------------------------------------ shutdown, reset */

/* Base 2.1 §3.6.2 */
START_TEST(is_shut_down_when_what_was_in_flight_is_over)
{
	struct host_request slow;
	uint64_t begin_ns;

	scene_connect();
	begin_read(2, &slow);
	begin_ns = clock_now_ns();
	write_cc(&scene.controller, 1u << 14 | NVME_CC_EN);
	ck_assert_uint_eq(scene_csts(&scene.controller), NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURS);
	host_queue_close(&scene.queue);
	expect_csts(&scene.controller, NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE, WAIT_MS);
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 700 * NS_PER_MS);
	scene_disconnect();
	shows("Base 2.1 §3.6.2",
	      "a normal shutdown ends the I/O queues, and is complete (CSTS.SHST) when what was in "
	      "flight is over");
}
END_TEST

START_TEST(is_shut_down_at_once_when_that_is_abrupt)
{
	struct host_request slow;

	scene_connect();
	begin_read(2, &slow);
	write_cc(&scene.controller, 2u << 14 | NVME_CC_EN);
	ck_assert_uint_eq(scene_csts(&scene.controller), NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, WAIT_MS));
	scene_disconnect();
	shows("Base 2.1 §3.6.2", "an abrupt shutdown is complete at once");
}
END_TEST

START_TEST(has_failed_when_its_shutdown_does_not_end)
{
	expect_failure(1u << 14 | NVME_CC_EN,
	               NVME_CSTS_RDY | NVME_CSTS_CFS | NVME_CSTS_SHST_OCCURS);
	shows("Base 2.1 §3.6.2",
	      "a shutdown that does not end in shutdown_timeout_ms ends in CSTS.CFS");
}
END_TEST

START_TEST(takes_no_io_queue_once_it_is_shut_down)
{
	struct host_queue queue;

	scene_connect();
	write_cc(&scene.controller, 1u << 14 | NVME_CC_EN);
	ck_assert_int_eq(host_controller_open_queue(&scene.controller, &queue, 2, 32, 8),
	                 HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	scene_disconnect();
}
END_TEST

/* Base 2.1 §3.1.4.6: RDY is 0 when the reset is over */
START_TEST(is_reset_when_what_was_in_flight_is_over)
{
	struct host_request slow;

	scene_connect();
	begin_read(2, &slow);
	write_cc(&scene.controller, 0);
	ck_assert_uint_eq(scene_csts(&scene.controller), NVME_CSTS_RDY);
	host_queue_close(&scene.queue);
	expect_csts(&scene.controller, 0, WAIT_MS);
	host_must(&scene.controller, host_controller_enable(&scene.controller));
	open_queue(&scene.controller, &scene.queue);
	scene_disconnect();
	shows("Base 2.1 §3.7.2",
	      "CC.EN 1 to 0 ends the I/O queues; CSTS.RDY is 0 when what was in flight is over");
}
END_TEST

START_TEST(has_failed_when_its_reset_does_not_end)
{
	expect_failure(0, NVME_CSTS_CFS);
	shows("Base 2.1 §3.1.4.6", "a reset that takes longer than CAP.TO ends in CSTS.CFS");
}
END_TEST

START_TEST(says_in_cap_how_long_a_reset_may_take)
{
	uint64_t crto;

	scene_connect();
	ck_assert_uint_eq(scene.controller.cap >> 24 & 0xff, 6);
	host_must(&scene.controller,
	          host_property_get(&scene.controller, NVME_PROPERTY_CRTO, false, &crto));
	ck_assert_uint_eq(crto, 6);
	ck_assert_uint_eq(scene.controller.cap >> 59 & 3, 1); /* CRMS: CRWMS alone */
	scene_disconnect();
	shows("Base 2.1 §3.1.4.21",
	      "CRTO.CRWMT is CAP.TO, which is ready_timeout_ms; CRMS says CRWMS alone");
}
END_TEST

START_TEST(says_in_identify_how_long_a_shutdown_may_take)
{
	uint8_t page[4096];

	scene_connect();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	ck_assert_uint_eq(page[88] | page[89] << 8 | page[90] << 16, 3000000); /* RTD3E, us */
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.1", "RTD3E is shutdown_timeout_ms");
}
END_TEST

/* ------------------------------------------------------------------ refused properties */

static uint16_t last_error_location(void)
{
	uint8_t entry[64];

	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_ERROR, false, 0, entry, sizeof(entry)));
	return (uint16_t)(entry[14] | entry[15] << 8);
}

static void expect_refused_property(int r, unsigned location)
{
	ck_assert_int_eq(r, HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	ck_assert_uint_eq(last_error_location(), location);
}

/* Base 2.1 §6.5, §6.6 */
START_TEST(refuses_properties_that_it_has_not)
{
	static const uint32_t offsets[] = {0x0c, 0x10, 0x24, 0x28, 0x30, 0x38, 0x40, 0x64, 0x1000};
	uint64_t value;

	scene_connect();
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		expect_refused_property(
			host_property_get(&scene.controller, offsets[i], false, &value), 44);
		expect_refused_property(host_property_set(&scene.controller, offsets[i], false, 0),
		                        44);
	}
	scene_disconnect();
	shows("Base 2.1 §6.5", "a property that is not there is Invalid Field with DNR, at OFST");
}
END_TEST

START_TEST(refuses_properties_in_the_wrong_size)
{
	uint64_t value;

	scene_connect();
	expect_refused_property(
		host_property_get(&scene.controller, NVME_PROPERTY_CAP, false, &value), 40);
	expect_refused_property(
		host_property_get(&scene.controller, NVME_PROPERTY_CSTS, true, &value), 40);
	expect_refused_property(
		host_property_set(&scene.controller, NVME_PROPERTY_CC, true, 0x460001), 40);
	scene_disconnect();
	shows("Base 2.1 §6.6", "a property in another size is Invalid Field with DNR, at ATTRIB");
}
END_TEST

START_TEST(refuses_to_have_written_what_is_read_only)
{
	static const uint32_t offsets[] = {
		NVME_PROPERTY_VS, NVME_PROPERTY_CSTS, NVME_PROPERTY_NSSR, NVME_PROPERTY_CRTO};

	scene_connect();
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		expect_refused_property(host_property_set(&scene.controller, offsets[i], false, 1),
		                        44);
	scene_disconnect();
	shows("Base 2.1 §6.6", "a property that is read only is Invalid Field with DNR, at OFST");
}
END_TEST

/* ------------------------------------------------------------------ subsystem reset */

static struct host_controller other = HOST_CONTROLLER_NULL;
static struct host_queue other_queue = {.connection = {.fd = -1}};

static void connect_to(unsigned port, unsigned subsystem, struct host_controller *controller)
{
	struct host_options options = harness_host(scene.harness, port, subsystem);

	harness_connect_as(&options, controller);
}

START_TEST(cannot_have_its_subsystem_reset_where_that_is_not_allowed)
{
	scene_connect();
	ck_assert_uint_eq(scene.controller.cap >> 36 & 1, 0);
	expect_refused_property(
		host_property_set(&scene.controller, NVME_PROPERTY_NSSR, false, NVME_NSSR_MAGIC),
		44);
	scene_disconnect();
	shows("Base 2.1 §3.1.4.7",
	      "without enable_nssr CAP.NSSRS is 0, and NSSR is Invalid Field with DNR");
}
END_TEST

/* Base 2.1 §3.7.1: on all ports */
START_TEST(resets_all_controllers_of_its_subsystem)
{
	struct host_controller *controller = &scene.controller;

	connect_to(0, RESETTABLE, controller);
	open_queue(controller, &scene.queue);
	connect_to(1, RESETTABLE, &other);
	open_queue(&other, &other_queue);
	ck_assert_uint_eq(controller->cap >> 36 & 1, 1);
	host_must(controller,
	          host_property_set(controller, NVME_PROPERTY_NSSR, false, NVME_NSSR_MAGIC));
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, WAIT_MS));
	connection_must(&other_queue.connection,
	                host_connection_await_end(&other_queue.connection, WAIT_MS));
	expect_csts(controller, NVME_CSTS_NSSRO, WAIT_MS);
	expect_csts(&other, NVME_CSTS_NSSRO, WAIT_MS);
	host_must(&other, host_property_set(&other, NVME_PROPERTY_CSTS, false, NVME_CSTS_NSSRO));
	ck_assert_uint_eq(scene_csts(&other), 0);
	host_must(&other, host_controller_enable(&other));
	host_queue_close(&other_queue);
	open_queue(&other, &other_queue);
	host_queue_close(&other_queue);
	host_controller_close(&other);
	scene_disconnect();
	shows("Base 2.1 §3.7.1",
	      "NSSR resets all controllers of the subsystem, on all ports; CSTS.NSSRO says so "
	      "until it is cleared");
}
END_TEST

START_TEST(resets_no_controller_of_another_subsystem)
{
	uint8_t data[512];

	scene.options = harness_host(scene.harness, 0, PLAIN);
	scene_connect();
	connect_to(0, RESETTABLE, &other);
	host_must(&other, host_property_set(&other, NVME_PROPERTY_NSSR, false, NVME_NSSR_MAGIC));
	expect_csts(&other, NVME_CSTS_NSSRO, WAIT_MS);
	scene_expect_ready();
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data));
	host_controller_close(&other);
	scene_disconnect();
}
END_TEST

START_TEST(resets_nothing_by_another_value)
{
	connect_to(0, RESETTABLE, &other);
	host_must(&other, host_property_set(&other, NVME_PROPERTY_NSSR, false, 1));
	harness_pause(100);
	ck_assert_uint_eq(scene_csts(&other), NVME_CSTS_RDY);
	host_controller_close(&other);
}
END_TEST

/* As often as it likes; an MPS that there is not. */
START_TEST(does_not_fill_the_log)
{
	scene_connect();
	for (unsigned i = 0; i < 200; i++) {
		write_cc(&scene.controller, 0);
		write_cc(&scene.controller, 0x781);
		ck_assert_uint_eq(scene_csts(&scene.controller) & NVME_CSTS_CFS, NVME_CSTS_CFS);
	}
	ck_assert_uint_lt(harness_log_count(scene.harness, "enabled with what it cannot do"), 150);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("properties");

	describe_running(suite,
	                 "a controller",
	                 given_a_set,
	                 scene_stop,
	                 is_shut_down_when_what_was_in_flight_is_over,
	                 is_shut_down_at_once_when_that_is_abrupt,
	                 has_failed_when_its_shutdown_does_not_end,
	                 takes_no_io_queue_once_it_is_shut_down,
	                 does_not_fill_the_log,
	                 is_reset_when_what_was_in_flight_is_over,
	                 has_failed_when_its_reset_does_not_end,
	                 says_in_cap_how_long_a_reset_may_take,
	                 says_in_identify_how_long_a_shutdown_may_take,
	                 refuses_properties_that_it_has_not,
	                 refuses_properties_in_the_wrong_size,
	                 refuses_to_have_written_what_is_read_only,
	                 cannot_have_its_subsystem_reset_where_that_is_not_allowed);
	describe_running(suite,
	                 "a subsystem",
	                 given_a_set,
	                 scene_stop,
	                 resets_all_controllers_of_its_subsystem,
	                 resets_no_controller_of_another_subsystem,
	                 resets_nothing_by_another_value);
	return harness_run(suite);
}
