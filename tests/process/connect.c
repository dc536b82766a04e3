/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect is refused with the status, and the place in the command or its data, that the
 * specification names (Base 2.1 §6.3). */
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS    5000u
#define OTHER_HOST "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-00000000beef"

/* Dword 0 of a refusal: IATTR says whether IPO counts in the data or in the command. */
#define IN_DATA(offset)    (1u << 16 | (unsigned)(offset))
#define IN_COMMAND(offset) ((unsigned)(offset))

static struct host_queue queue = {.connection = {.fd = -1}};
static struct nvme_connect_command command;
static struct nvme_connect_data data;

/* Subsystem 0 is for one host, subsystem 1 for any. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].hosts[0] = HARNESS_HOSTNQN;
	exports.subsystems[1] = (struct harness_subsystem){
		.nqn = HARNESS_NQN ".open", .namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	scene_start(&exports);
}

static void fill(uint16_t qid, uint16_t cntlid)
{
	struct host_connect connect = {
		.qid = qid,
		.entries = 32,
		.cntlid = cntlid,
		.subnqn = scene.options.subnqn,
		.hostnqn = scene.options.hostnqn,
	};

	memcpy(connect.hostid, scene.options.hostid, sizeof(connect.hostid));
	host_connect_fill(&connect, &command, &data);
	queue_must(
		&queue,
		host_queue_open(&queue, &scene.options.address, &scene.options.wishes, 8, WAIT_MS));
}

/* Of the admin queue. */
static void fill_admin(void)
{
	fill(0, NVME_CNTLID_DYNAMIC);
}

/* Of an I/O queue of scene's controller. */
static void fill_io(void)
{
	uint16_t granted;

	harness_connect_as(&scene.options, &scene.controller);
	host_must(&scene.controller, host_controller_queues(&scene.controller, 4, &granted));
	fill(1, scene.controller.cntlid);
}

static struct host_request execute(void)
{
	struct host_request request = host_connect_request(&command, &data);
	int r = host_queue_execute(&queue, &request, WAIT_MS);

	if (r != HOST_E_STATUS)
		queue_must(&queue, r);
	return request;
}

static void expect_refused(unsigned status, unsigned result)
{
	struct host_request request = execute();

	expect_status(request.status, status);
	ck_assert_uint_eq(le32_get(request.completion.dw0), result);
	host_queue_close(&queue);
	host_controller_close(&scene.controller);
}

START_TEST(is_accepted_as_it_should_be)
{
	struct host_request request;

	fill_admin();
	request = execute();
	expect_good(request.status);
	ck_assert_uint_ge(le32_get(request.completion.dw0), 1);
	ck_assert_uint_le(le32_get(request.completion.dw0), NVME_CNTLID_MAX);
	host_queue_close(&queue);
	shows("Base 2.1 §3.1.2",
	      "an association has a controller of its own, made for it (dynamic controller model); "
	      "the answer to Connect has its CNTLID, FFEFh at most");
}
END_TEST

START_TEST(is_refused_to_a_subsystem_that_is_not_there)
{
	fill_admin();
	strcat(data.subnqn, ".nowhere");
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(256));
	shows("Base 2.1 §6.3",
	      "SUBNQN that is not on the port: Connect Invalid Parameters, DNR; dword 0 says byte "
	      "256 of the data");
}
END_TEST

/* 50 lines in 10 s; the test takes less than 20 s. */
START_TEST(does_not_fill_the_log_when_it_is_refused)
{
	unsigned before = harness_log_count(scene.harness, "is refused"), n;

	for (unsigned i = 0; i < 120; i++) {
		fill_admin();
		strcat(data.subnqn, ".nowhere");
		execute();
		host_queue_close(&queue);
	}
	n = harness_log_count(scene.harness, "is refused") - before;
	ck_assert_uint_ge(n, 20);
	ck_assert_uint_le(n, 100);
}
END_TEST

START_TEST(is_refused_from_a_host_that_is_not_allowed)
{
	fill_admin();
	strcpy(data.hostnqn, OTHER_HOST);
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_HOST), IN_DATA(512));
	shows("Base 2.1 §6.3",
	      "HOSTNQN that may not use the subsystem: Connect Invalid Host, DNR; nobody may who "
	      "is not listed, unless any host is");
}
END_TEST

START_TEST(is_accepted_from_any_host_where_any_is_allowed)
{
	struct host_request request;

	fill_admin();
	strcpy(data.hostnqn, OTHER_HOST);
	strcat(data.subnqn, ".open");
	request = execute();
	expect_good(request.status);
	host_queue_close(&queue);
}
END_TEST

START_TEST(is_refused_for_a_controller_of_the_hosts_choice)
{
	fill_admin();
	data.cntlid = le16_of(7);
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(16));
	shows("Base 2.1 §6.3",
	      "CNTLID other than FFFFh, with the dynamic controller model: Connect Invalid "
	      "Parameters, DNR, at byte 16 of the data");
}
END_TEST

START_TEST(is_refused_with_a_queue_of_one_entry)
{
	fill_admin();
	command.sqsize_0based = le16_of(0);
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_COMMAND(44));
	shows("Base 2.1 §6.3",
	      "SQSIZE of 0: Connect Invalid Parameters, DNR, at byte 44 of the command");
}
END_TEST

START_TEST(is_refused_in_a_record_format_of_the_future)
{
	fill_admin();
	command.recfmt = le16_of(1);
	expect_refused(DNR(NVME_SC_CONNECT_FORMAT), IN_COMMAND(40));
	shows("Base 2.1 §6.3", "RECFMT other than 0: Connect Incompatible Format, DNR");
}
END_TEST

START_TEST(is_refused_with_a_host_nqn_that_does_not_end)
{
	fill_admin();
	memset(data.hostnqn, 'a', sizeof(data.hostnqn));
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(512));
	shows("Base 2.1 §4.7",
	      "HOSTNQN without an end in its field: Connect Invalid Parameters, DNR, at byte 512 "
	      "of the data");
}
END_TEST

START_TEST(is_refused_with_a_subsystem_nqn_that_does_not_end)
{
	fill_admin();
	memset(data.subnqn, 'a', sizeof(data.subnqn));
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(256));
	shows("Base 2.1 §4.7",
	      "SUBNQN without an end in its field: Connect Invalid Parameters, DNR, at byte 256 of "
	      "the data");
}
END_TEST

START_TEST(is_refused_with_too_little_data)
{
	struct host_request request;

	fill_admin();
	request = host_connect_request(&command, &data);
	request.length = 512;
	ck_assert_int_eq(host_queue_execute(&queue, &request, WAIT_MS), HOST_E_STATUS);
	expect_status(request.status, DNR(NVME_SC_SGL_DATA_LENGTH));
	host_queue_close(&queue);
}
END_TEST

START_TEST(is_refused_twice_on_one_queue)
{
	struct host_request request;

	fill_admin();
	request = execute();
	expect_good(request.status);
	expect_refused(DNR(NVME_SC_COMMAND_SEQUENCE), 0);
}
END_TEST

/* Both on their way before the first is answered: whichever comes first has the queue. */
static void execute_two(struct host_request *requests)
{
	struct nvme_connect_data second = data;

	requests[0] = host_connect_request(&command, &data);
	requests[1] = host_connect_request(&command, &second);
	for (unsigned i = 0; i < 2; i++)
		queue_must(&queue, host_queue_submit(&queue, &requests[i]));
	for (unsigned i = 0; i < 2; i++) {
		int r = host_queue_await(&queue, &requests[i], WAIT_MS);

		if (r != HOST_E_STATUS)
			queue_must(&queue, r);
	}
}

START_TEST(is_refused_while_another_is_under_way)
{
	struct host_request requests[2];
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);

	for (unsigned i = 0; i < 10; i++) {
		fill_admin();
		execute_two(requests);
		expect_good(requests[0].status);
		expect_status(requests[1].status, DNR(NVME_SC_COMMAND_SEQUENCE));
		host_queue_close(&queue);
	}
	fill_admin(); /* the process has survived the ends of them */
	requests[0] = execute();
	expect_good(requests[0].status);
	host_queue_close(&queue);
	ck_assert_int_eq(harness_pid(scene.harness, "tcp", 0), tcp);
	shows("Base 2.1 §3.3.2.2",
	      "a queue has one Connect: of two at once the first has it, the other is Command "
	      "Sequence Error, DNR");
}
END_TEST

START_TEST(keeps_its_queue_though_another_was_refused_meanwhile)
{
	struct host_request requests[2];
	struct host_request request = {.command = {.opcode = NVME_FABRICS}};
	uint64_t end_ns = clock_now_ns() + 11 * NS_PER_S; /* that long one has for Connect */
	struct nvme_property_command *get = (void *)&request.command;

	fill_admin();
	execute_two(requests);
	expect_good(requests[0].status);
	get->fctype = NVME_FABRICS_PROPERTY_GET;
	get->ofst = le32_of(NVME_PROPERTY_CSTS);
	while (clock_now_ns() < end_ns) {
		request.completed = false;
		queue_must(&queue, host_queue_execute(&queue, &request, WAIT_MS));
		usleep(100000);
	}
	host_queue_close(&queue);
}
END_TEST

START_TEST(may_be_tried_again_after_a_refusal)
{
	struct host_request request;

	fill_admin();
	data.cntlid = le16_of(7);
	request = execute();
	expect_status(request.status, DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	host_queue_close(&queue);
	fill_admin();
	request = execute();
	expect_good(request.status);
	host_queue_close(&queue);
}
END_TEST

START_TEST(comes_before_any_other_command)
{
	struct host_request request = {.command = {.opcode = NVME_ADMIN_KEEP_ALIVE}};

	fill_admin();
	ck_assert_int_eq(host_queue_execute(&queue, &request, WAIT_MS), HOST_E_STATUS);
	expect_status(request.status, DNR(NVME_SC_COMMAND_SEQUENCE));
	host_queue_close(&queue);
	shows("Base 2.1 §3.3.2.2", "a command before Connect: Command Sequence Error, DNR");
}
END_TEST

/* ------------------------------------------------------------------ I/O queues */

START_TEST(of_an_io_queue_is_accepted_as_it_should_be)
{
	struct host_request request;

	fill_io();
	request = execute();
	expect_good(request.status);
	ck_assert_uint_eq(le32_get(request.completion.dw0), scene.controller.cntlid);
	host_queue_close(&queue);
	host_controller_close(&scene.controller);
	shows("Base 2.1 §6.3",
	      "Connect of an I/O queue: answered with the CNTLID of its controller");
}
END_TEST

/* It may have been there a moment ago: the host may come again. */
START_TEST(of_an_io_queue_is_refused_for_a_controller_that_is_not_there)
{
	fill_io();
	data.cntlid = le16_of((uint16_t)(scene.controller.cntlid + 1000));
	expect_refused(NVME_SC_CONNECT_INVALID_PARAMETERS, IN_DATA(16));
	shows("Base 2.1 §6.3",
	      "an I/O queue for a CNTLID that is not there: Connect Invalid Parameters at byte 16 "
	      "of the data, without DNR, as a new association will do");
}
END_TEST

START_TEST(of_an_io_queue_is_refused_to_another_host)
{
	fill_io();
	strcpy(data.hostnqn, OTHER_HOST);
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(512));
	shows("Base 2.1 §6.3",
	      "an I/O queue with another HOSTNQN than the admin queue: Connect Invalid Parameters, "
	      "DNR, at byte 512 of the data");
}
END_TEST

START_TEST(of_an_io_queue_is_refused_with_another_host_identifier)
{
	fill_io();
	data.hostid[3] ^= 0x55;
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(0));
	shows("Base 2.1 §6.3",
	      "an I/O queue with another HOSTID than the admin queue: Connect Invalid Parameters, "
	      "DNR, at byte 0 of the data");
}
END_TEST

/* It was refused. */
START_TEST(of_an_io_queue_is_accepted_without_a_host_identifier)
{
	struct host_request request;

	fill_io();
	memset(data.hostid, 0, sizeof(data.hostid));
	request = execute();
	expect_good(request.status);
	host_queue_close(&queue);
	host_controller_close(&scene.controller);
	shows("Base 2.1 §6.3", "an I/O queue with a HOSTID of zeroes: HOSTID is not looked at");
}
END_TEST

START_TEST(of_an_io_queue_is_refused_with_a_number_that_was_not_granted)
{
	fill_io();
	command.qid = le16_of(999);
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_COMMAND(42));
	shows("Base 2.1 §5.1.25.2.1",
	      "a QID above what Number of Queues has granted: Connect Invalid Parameters, DNR, at "
	      "QID");
}
END_TEST

START_TEST(of_an_io_queue_is_refused_with_more_entries_than_mqes)
{
	fill_io();
	command.sqsize_0based = le16_of((uint16_t)((scene.controller.cap & 0xffff) + 1));
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_COMMAND(44));
	shows("Base 2.1 §3.1.4.1",
	      "SQSIZE above CAP.MQES: Connect Invalid Parameters, DNR, at SQSIZE");
}
END_TEST

START_TEST(of_an_io_queue_is_refused_before_the_controller_is_enabled)
{
	host_must(&scene.controller, host_controller_connect(&scene.controller, &scene.options));
	fill(1, scene.controller.cntlid);
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_COMMAND(42));
	shows("Base 2.1 §3.5.2",
	      "an I/O queue before CC.EN is set: Connect Invalid Parameters, DNR, at QID");
}
END_TEST

START_TEST(of_an_io_queue_is_refused_while_the_controller_is_disabled)
{
	fill_io();
	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_CC, false, 0x460000));
	expect_refused(DNR(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_COMMAND(42));
	shows("Base 2.1 §6.3",
	      "an I/O queue while the controller is disabled: Connect Invalid Parameters, DNR, at "
	      "QID");
}
END_TEST

START_TEST(of_an_io_queue_works_again_once_its_old_connection_is_closed)
{
	struct host_request request;

	fill_io();
	for (unsigned i = 0; i < 10; i++) {
		request = execute();
		expect_good(request.status);
		host_queue_close(&queue);
		fill(1, scene.controller.cntlid);
	}
	host_queue_close(&queue);
	host_controller_close(&scene.controller);
	shows("Base 2.1 §3.3.2.4",
	      "an I/O queue whose connection is gone can be connected again; the association lives "
	      "on");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("Connect");

	describe_running(suite,
	                 "Connect",
	                 given_a_set,
	                 scene_stop,
	                 is_accepted_as_it_should_be,
	                 is_refused_to_a_subsystem_that_is_not_there,
	                 does_not_fill_the_log_when_it_is_refused,
	                 is_refused_from_a_host_that_is_not_allowed,
	                 is_accepted_from_any_host_where_any_is_allowed,
	                 is_refused_for_a_controller_of_the_hosts_choice,
	                 is_refused_with_a_queue_of_one_entry,
	                 is_refused_in_a_record_format_of_the_future,
	                 is_refused_with_a_host_nqn_that_does_not_end,
	                 is_refused_with_a_subsystem_nqn_that_does_not_end,
	                 is_refused_with_too_little_data,
	                 is_refused_twice_on_one_queue,
	                 is_refused_while_another_is_under_way,
	                 keeps_its_queue_though_another_was_refused_meanwhile,
	                 may_be_tried_again_after_a_refusal,
	                 comes_before_any_other_command,
	                 of_an_io_queue_is_accepted_as_it_should_be,
	                 of_an_io_queue_is_refused_for_a_controller_that_is_not_there,
	                 of_an_io_queue_is_refused_to_another_host,
	                 of_an_io_queue_is_refused_with_another_host_identifier,
	                 of_an_io_queue_is_accepted_without_a_host_identifier,
	                 of_an_io_queue_is_refused_with_a_number_that_was_not_granted,
	                 of_an_io_queue_is_refused_with_more_entries_than_mqes,
	                 of_an_io_queue_is_refused_before_the_controller_is_enabled,
	                 of_an_io_queue_is_refused_while_the_controller_is_disabled,
	                 of_an_io_queue_works_again_once_its_old_connection_is_closed);
	return harness_run(suite);
}
