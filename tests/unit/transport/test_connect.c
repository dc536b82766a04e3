/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect: what the control thread makes of answers of the state service that cannot be, and of
 * two Connects on one queue. */
#include "common/transport/connect.h"

#include <string.h>

#include "common/transport/reactor.h"
#include "common/transport/seat.h"
#include "common/transport/transport.h"
#include "tests/support/spec.h"

#define PORT 5u

static struct transport transport;
static struct reactor reactor;
static struct queue *no_queues[REACTOR_QUEUES_MAX];
static struct seat seat;
static struct task *task;
static Nvmetd__ConnectReply reply;
static Nvmetd__Session session;

static struct task *new_task(void)
{
	struct nvme_connect_command connect = {.opcode = NVME_FABRICS,
	                                       .fctype = NVME_FABRICS_CONNECT,
	                                       .sqsize_0based = le16_of(31)};
	struct nvme_connect_data data = {.cntlid = le16_of(NVME_CNTLID_DYNAMIC)};
	struct nvme_command command;
	struct task *made;

	memcpy(&command, &connect, sizeof(command));
	made = task_new(&seat, &command, &data, sizeof(data));
	ck_assert_ptr_nonnull(made);
	list_append(&seat.tasks, &made->seat_link);
	return made;
}

static void given_a_connect(void)
{
	const struct loop_options options = {0};

	ck_assert_int_eq(loop_new(&reactor.loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&reactor.mailbox, reactor.loop), 0);
	list_init(&transport.controllers);
	asks_init(&transport.asks);
	reactor.transport = &transport;
	reactor.queues = no_queues;
	seat.reactor = &reactor;
	seat.port_id = PORT;
	list_init(&seat.tasks);
	list_init(&seat.link);
	task = new_task();
	nvmetd__connect_reply__init(&reply);
	nvmetd__session__init(&session);
	session.cntlid = 1;
	session.port_id = PORT;
	reply.session = &session;
}

/* The tasks that were returned find no queue, and are freed. */
static void forget_it(void)
{
	ck_assert_int_eq(loop_round(reactor.loop, 0), 0);
	asks_deinit(&transport.asks);
	mailbox_deinit(&reactor.mailbox);
	reactor.loop = loop_free(reactor.loop);
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
	return run(suite);
}
