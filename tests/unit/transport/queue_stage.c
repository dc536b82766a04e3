/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/transport/queue_stage.h"

#include <stdlib.h>

#include "common/transport/controller.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"
#include "tests/support/spec.h"

struct reactor *reactor;
struct queue queue;
struct request *begun[STAGE_ALL];
unsigned n_responded;
bool holds_answers, is_closed;
struct regained regained;

static struct transport transport = {.n_reactors = 1};
static struct controller controller;
static struct controller_share share;

static void respond(struct request *request)
{
	n_responded++;
	if (!holds_answers)
		request_finish(request);
}

static void resume(struct queue *resumed)
{
	(void)resumed;
}

static bool awaits(const struct request *request)
{
	return request->wire_u32[0] != 0;
}

static void regain(struct request *request, bool is_lost)
{
	regained.n++;
	regained.request = request;
	regained.is_lost = is_lost;
}

static void closed(struct queue *gone)
{
	(void)gone;
	is_closed = true;
}

static struct wire wire = {
	.admin_in_capsule = STAGE_IN_CAPSULE,
	.respond = respond,
	.resume = resume,
	.awaits = awaits,
	.regain = regain,
	.closed = closed,
};

static void make_reactor(void)
{
	const struct loop_options options = {0};

	transport.wire = &wire;
	asks_init(&transport.asks);
	ck_assert_int_eq(loop_new(&transport.service.loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&transport.mailbox, transport.service.loop), 0);
	ck_assert_int_eq(reactor_new(&reactor, &transport, 0, 8u << 20), 0);
	transport.reactors[0] = reactor;
}

/* As the control thread does it. */
static void connect_succeeds(void)
{
	struct nvme_command command = {.opcode = NVME_FABRICS};
	struct request *request = queue_begin(&queue);
	struct task *task = task_new(queue.seat, &command, NULL, 0);

	ck_assert_ptr_nonnull(request);
	ck_assert_ptr_nonnull(task);
	queue.in_wire--;
	queue.in_core++;
	request->owner = REQUEST_AT_CONTROL;
	task->queue = queue.number;
	task->index = request->index;
	task->connected.controller = controller_hold(&controller);
	task->connected.qid = 1;
	task->connected.size = STAGE_ENTRIES;
	task->connected.in_capsule_bytes = STAGE_PORTS_CAPSULE;
	queue_task_returns(&task->letter);
	ck_assert_uint_eq(n_responded, 1);
	ck_assert(queue.connected);
}

static void open_it(uint32_t sgls, uint8_t descriptors_max)
{
	wire.sgls = sgls;
	wire.descriptors_max = descriptors_max;
	make_reactor();
	n_responded = 0;
	holds_answers = is_closed = false;
	regained = (struct regained){0};
	queue = (struct queue){.host_address = "127.0.0.1:1", .capsule_max = STAGE_CAPSULE_MAX};
	ck_assert_int_eq(queue_open(&queue, reactor, &wire), 0);
}

void given_an_open_queue(void)
{
	open_it(0, 1);
}

void given_an_open_queue_with_keys(void)
{
	open_it(NVME_SGLS_KEYED, SGL_BLOCKS_MAX);
}

static void connect_it(void)
{
	atomic_init(&controller.references, 1);
	controller.shares = &share;
	controller.n_shares = 1;
	connect_succeeds();
}

void given_a_connected_queue(void)
{
	given_an_open_queue();
	connect_it();
}

void given_a_connected_queue_with_keys(void)
{
	given_an_open_queue_with_keys();
	connect_it();
}

void forget_it(void)
{
	struct seat *seat = queue.seat;

	queue_close(&queue);
	ck_assert_int_eq(loop_round(reactor->loop, 0), 0);
	ck_assert(is_closed);
	atomic_fetch_sub(&reactor->n_seats, 1);
	reactor = reactor_free(reactor);
	mailbox_deinit(&transport.mailbox);
	transport.service.loop = loop_free(transport.service.loop);
	free(seat);
}

void begin(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		begun[i] = queue_begin(&queue);
		ck_assert_ptr_nonnull(begun[i]);
	}
}

void finish(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		request_finish(begun[i]);
}

/* As with a worker whose device does not answer. */
struct request *give_to_worker(struct request *request)
{
	request->owner = REQUEST_AT_WORKER;
	queue.in_wire--;
	queue.in_core++;
	return request;
}

void round_is_over(void)
{
	ck_assert_int_eq(loop_round(reactor->loop, 0), 0);
	ck_assert_int_eq(loop_round(transport.service.loop, 0), 0);
}

void close_it(void)
{
	queue_close(&queue);
	round_is_over();
}
