/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect: what the control thread makes of answers of the state service that cannot be, of two
 * Connects on one queue, and of one for another queue than its connection was made for. */
#include "common/transport/connect.h"

#include <stddef.h>
#include <string.h>

#include "common/transport/queue.h"
#include "common/transport/reactor.h"
#include "common/transport/seat.h"
#include "common/transport/spread.h"
#include "common/transport/transport.h"
#include "tests/support/spec.h"

#define PORT      5u
#define PORT_SIZE 200u /* more than admin queues have */
#define SUBSYSTEM 7u
#define CNTLID    1u
#define NQN       "nqn.2024-01.org.example:a"

static const struct wire wire = {.trtype = "rdma", .admin_in_capsule = 512};
static struct transport transport;
static struct reactor reactor;
static struct queue *no_queues[REACTOR_QUEUES_MAX];
static struct view_port ports[1] = {
	{.id = PORT, .max_queue_size = PORT_SIZE, .in_capsule_bytes = 4096}
};
static struct view_subsystem subsystems[1] = {{.number = SUBSYSTEM}};
static struct view view = {
	.n_ports = 1, .ports = ports, .n_subsystems = 1, .subsystems = subsystems};
static struct seat seat;
static struct task *task;
static Nvmetd__ConnectReply reply;
static Nvmetd__Session session;

static struct task *new_task_for(uint16_t qid, uint32_t entries)
{
	struct nvme_connect_command connect = {.opcode = NVME_FABRICS,
	                                       .fctype = NVME_FABRICS_CONNECT,
	                                       .qid = le16_of(qid),
	                                       .sqsize_0based = le16_of((uint16_t)(entries - 1))};
	struct nvme_connect_data data = {
		.cntlid = le16_of(NVME_CNTLID_DYNAMIC), .subnqn = NQN, .hostnqn = NQN};
	struct nvme_command command;
	struct task *made;

	memcpy(&command, &connect, sizeof(command));
	made = task_new(&seat, &command, &data, sizeof(data));
	ck_assert_ptr_nonnull(made);
	list_append(&seat.tasks, &made->seat_link);
	return made;
}

static struct task *new_task(void)
{
	return new_task_for(0, 32);
}

static void given_a_connect_on(const struct seat *made_for)
{
	const struct loop_options options = {0};

	seat = *made_for;
	ck_assert_int_eq(loop_new(&transport.service.loop, &options), 0);
	ck_assert_int_eq(loop_new(&reactor.loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&reactor.mailbox, reactor.loop), 0);
	list_init(&transport.controllers);
	asks_init(&transport.asks);
	transport.wire = &wire;
	view.limits = LIMITS_DEFAULT;
	transport.view = &view;
	transport.n_reactors = 1;
	transport.spread = spread_new(1, 16);
	ck_assert_ptr_nonnull(transport.spread);
	ck_assert(spread_add(transport.spread, 0, seat.host));
	reactor.transport = &transport;
	reactor.queues = no_queues;
	seat.reactor = &reactor;
	seat.port_id = PORT;
	list_init(&seat.tasks);
	list_init(&seat.link);
	task = new_task();
	nvmetd__connect_reply__init(&reply);
	nvmetd__session__init(&session);
	session.cntlid = CNTLID;
	session.subsystem = SUBSYSTEM;
	session.host_nqn = NQN;
	session.port_id = PORT;
	reply.session = &session;
}

static void given_a_connect(void)
{
	given_a_connect_on(&(struct seat){0});
}

/* The tasks that were returned find no queue, and are freed. */
static void forget_it(void)
{
	ck_assert_int_eq(loop_round(reactor.loop, 0), 0);
	asks_deinit(&transport.asks);
	mailbox_deinit(&reactor.mailbox);
	reactor.loop = loop_free(reactor.loop);
	transport.spread = spread_free(transport.spread);
	transport.service.loop = loop_free(transport.service.loop);
}

static void expect_refused(unsigned status)
{
	ck_assert_uint_eq(task->status.value, status);
	ck_assert_ptr_null(task->connected.controller);
	ck_assert(list_is_empty(&seat.tasks));
}

START_TEST(is_refused_with_the_status_of_the_answer)
{
	reply.status = NVME_SC_CONNECT_INVALID_HOST | NVME_STATUS_DNR;
	connect_answered(&transport, task, &reply);
	expect_refused(NVME_SC_CONNECT_INVALID_HOST | NVME_STATUS_DNR);
}
END_TEST

START_TEST(does_not_succeed_with_a_status_that_is_none)
{
	static const uint32_t statuses[] = {0x8000, 0x10000, 0x80000000};

	for (unsigned i = 0; i < 3; i++) {
		reply.status = statuses[i];
		connect_answered(&transport, task, &reply);
		expect_refused(NVME_SC_INTERNAL);
		ck_assert_int_eq(loop_round(reactor.loop, 0), 0);
		task = new_task();
	}
	task = task_free(task);
}
END_TEST

START_TEST(does_not_succeed_without_a_session)
{
	reply.session = NULL;
	connect_answered(&transport, task, &reply);
	expect_refused(NVME_SC_CONNECT_BUSY);
}
END_TEST

START_TEST(does_not_succeed_with_the_session_of_another_port)
{
	session.port_id = PORT + 1;
	connect_answered(&transport, task, &reply);
	expect_refused(NVME_SC_CONNECT_BUSY);
}
END_TEST

START_TEST(is_refused_while_another_waits)
{
	struct task *second = new_task();

	connect_begin(&transport, second);
	ck_assert_uint_eq(second->status.value, NVME_SC_COMMAND_SEQUENCE | NVME_STATUS_DNR);
	ck_assert(!list_is_empty(&seat.tasks));
	task = task_free(task);
}
END_TEST

START_TEST(is_not_asked_about_when_there_is_no_client_any_more)
{
	asks_ask(&transport, task); /* freed with the asks */
	ck_assert_uint_eq(task->number, 0);
}
END_TEST

/* ------------------------------------------------------------------ what its connection is for */

static void begin(uint16_t qid, uint32_t entries)
{
	task = task_free(task);
	list_init(&seat.tasks);
	task = new_task_for(qid, entries);
	connect_begin(&transport, task);
}

/* The state service is asked. */
static void expect_good(uint32_t in_capsule_bytes)
{
	ck_assert(!list_is_empty(&transport.asks.asked));
	ck_assert_uint_eq(task->status.value, 0);
	ck_assert_uint_eq(task->connected.in_capsule_bytes, in_capsule_bytes);
}

static void expect_wrong(size_t field)
{
	expect_refused(NVME_SC_CONNECT_INVALID_PARAMETERS | NVME_STATUS_DNR);
	ck_assert_uint_eq(task->result[0], field); /* IATTR 0: in the command */
	ck_assert(list_is_empty(&transport.asks.asked));
}

#define AT_QID    offsetof(struct nvme_connect_command, qid)
#define AT_SQSIZE offsetof(struct nvme_connect_command, sqsize_0based)

static void given_a_connection_for_queue_3(void)
{
	given_a_connect_on(&(struct seat){.has_qid = true, .expected_qid = 3, .size_max = 64});
}

static void given_a_connection_for_an_admin_queue(void)
{
	given_a_connect_on(&(struct seat){.has_qid = true, .size_max = 32, .io_size_max = 100});
}

START_TEST(may_be_for_its_queue)
{
	begin(3, 64);
	expect_good(4096);
	ck_assert_uint_eq(task->connected.qid, 3);
	ck_assert_uint_eq(task->connected.size, 64);
}
END_TEST

START_TEST(is_refused_for_another_queue)
{
	begin(2, 64);
	expect_wrong(AT_QID);
}
END_TEST

START_TEST(is_refused_for_an_admin_queue)
{
	begin(0, 32);
	expect_wrong(AT_QID);
}
END_TEST

START_TEST(is_refused_with_more_entries_than_it_was_made_for)
{
	begin(3, 65);
	expect_wrong(AT_SQSIZE);
}
END_TEST

START_TEST(is_told_of_its_queue_before_its_size)
{
	begin(2, 65);
	expect_wrong(AT_QID);
}
END_TEST

START_TEST(is_refused_with_more_entries_than_the_port_has)
{
	seat.size_max = PORT_SIZE + 1;
	begin(3, PORT_SIZE + 1);
	expect_wrong(AT_SQSIZE);
}
END_TEST

START_TEST(may_be_for_the_admin_queue)
{
	begin(0, 32);
	expect_good(512);
}
END_TEST

START_TEST(is_refused_with_more_admin_entries_than_it_was_made_for)
{
	begin(0, 33);
	expect_wrong(AT_SQSIZE);
}
END_TEST

START_TEST(is_refused_for_an_io_queue)
{
	begin(1, 32);
	expect_wrong(AT_QID);
}
END_TEST

/* As the capabilities say, which its host reads before it makes others. */
START_TEST(brings_a_controller_with_queues_of_that_size)
{
	begin(0, 32);
	list_remove(&task->ask_link);
	connect_answered(&transport, task, &reply);
	ck_assert_uint_eq(task->status.value, 0);
	ck_assert_ptr_nonnull(task->connected.controller);
	ck_assert_uint_eq(task->connected.controller->properties.cap & 0xffff, 99);
	controller_end(task->connected.controller, "the test is over");
	controller_unseat(&seat);
}
END_TEST

START_TEST(may_be_for_any_queue_of_the_port)
{
	begin(0, QUEUE_ADMIN_SIZE_MAX);
	expect_good(512);
	list_remove(&task->ask_link);
	begin(UINT16_MAX - 1, PORT_SIZE);
	expect_good(4096);
}
END_TEST

START_TEST(is_refused_with_more_admin_entries_than_any_needs)
{
	begin(0, QUEUE_ADMIN_SIZE_MAX + 1);
	expect_wrong(AT_SQSIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("Connect");

	describe(suite,
	         "a Connect",
	         given_a_connect,
	         forget_it,
	         is_refused_with_the_status_of_the_answer,
	         does_not_succeed_with_a_status_that_is_none,
	         does_not_succeed_without_a_session,
	         does_not_succeed_with_the_session_of_another_port,
	         is_refused_while_another_waits,
	         is_not_asked_about_when_there_is_no_client_any_more);
	describe(suite,
	         "a Connect on a connection for an I/O queue",
	         given_a_connection_for_queue_3,
	         forget_it,
	         may_be_for_its_queue,
	         is_refused_for_another_queue,
	         is_refused_for_an_admin_queue,
	         is_refused_with_more_entries_than_it_was_made_for,
	         is_told_of_its_queue_before_its_size,
	         is_refused_with_more_entries_than_the_port_has);
	describe(suite,
	         "a Connect on a connection for an admin queue",
	         given_a_connection_for_an_admin_queue,
	         forget_it,
	         may_be_for_the_admin_queue,
	         is_refused_with_more_admin_entries_than_it_was_made_for,
	         is_refused_for_an_io_queue,
	         brings_a_controller_with_queues_of_that_size);
	describe(suite,
	         "a Connect on a connection for whatever",
	         given_a_connect,
	         forget_it,
	         may_be_for_any_queue_of_the_port,
	         is_refused_with_more_admin_entries_than_any_needs);
	return run(suite);
}
