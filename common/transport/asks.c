/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/asks.h"

#include "common/base/clock.h"
#include "common/transport/aborts.h"
#include "common/transport/admin.h"
#include "common/transport/connect.h"
#include "common/transport/transport.h"

#define LATER_NS (200 * NS_PER_MS)

static void tasks_expire(struct loop_timer *timer);
static void ask_those_later(struct loop_timer *timer);

void asks_init(struct asks *asks)
{
	list_init(&asks->asked);
	list_init(&asks->parked);
	list_init(&asks->later);
	for (unsigned i = 0; i < ASKS_BUCKETS; i++)
		list_init(&asks->by_number[i]);
	asks->timer = LOOP_TIMER(tasks_expire);
	asks->later_timer = LOOP_TIMER(ask_those_later);
}

static void free_all(struct list *list)
{
	struct list *first;

	while ((first = list_take_first(list)))
		task_free(container_of(first, struct task, ask_link));
}

void asks_deinit(struct asks *asks)
{
	loop_timer_clear(&asks->timer);
	loop_timer_clear(&asks->later_timer);
	free_all(&asks->asked);
	free_all(&asks->parked);
	free_all(&asks->later);
}

/* ------------------------------------------------------------------ asking */

static void take_out(struct task *task)
{
	list_remove(&task->ask_link);
	list_remove(&task->number_link);
}

static void send(struct transport *transport, struct task *task)
{
	struct list *bucket;

	if (!transport->client || !ipc_client_is_connected(transport->client))
		return; /* asked again when it is; never once the transport stops */
	task->number = ipc_client_request_id(transport->client);
	bucket = &transport->asks.by_number[task->number % ASKS_BUCKETS];
	list_remove(&task->number_link);
	list_append(bucket, &task->number_link);
	if (connect_is(task))
		connect_send(transport, task);
	else
		admin_send(transport, task);
}

static void watch_deadline(struct transport *transport, const struct task *task)
{
	struct asks *asks = &transport->asks;

	if (task->deadline_ns && (!asks->timer.due_ns || task->deadline_ns < asks->timer.due_ns))
		loop_timer_set(transport->service.loop, &asks->timer, task->deadline_ns);
}

void asks_ask(struct transport *transport, struct task *task)
{
	list_append(&transport->asks.asked, &task->ask_link);
	watch_deadline(transport, task);
	send(transport, task);
}

void asks_ask_again(struct transport *transport)
{
	list_for_each (link, &transport->asks.asked)
		send(transport, container_of(link, struct task, ask_link));
}

struct task *asks_take(struct transport *transport, uint64_t number)
{
	list_for_each (link, &transport->asks.by_number[number % ASKS_BUCKETS]) {
		struct task *task = container_of(link, struct task, number_link);

		if (task->number == number) {
			take_out(task);
			return task;
		}
	}
	return NULL;
}

void asks_cancel(struct transport *transport, struct task *task)
{
	Nvmetd__RequestCancel cancel = NVMETD__REQUEST_CANCEL__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	take_out(task);
	aborts_forget(task);
	if (task->number == 0)
		return;
	cancel.request_id = task->number;
	message.body_case = NVMETD__ENVELOPE__BODY_REQUEST_CANCEL;
	message.request_cancel = &cancel;
	transport_tell(transport, &message);
}

void asks_ask_later(struct transport *transport, struct task *task)
{
	struct asks *asks = &transport->asks;

	task->number = 0;
	list_append(&asks->later, &task->ask_link);
	if (!asks->later_timer.due_ns)
		loop_timer_set(
			transport->service.loop, &asks->later_timer, clock_now_ns() + LATER_NS);
}

static void ask_those_later(struct loop_timer *timer)
{
	struct transport *transport = container_of(timer, struct transport, asks.later_timer);
	struct list *first;

	while ((first = list_take_first(&transport->asks.later)))
		asks_ask(transport, container_of(first, struct task, ask_link));
}

void asks_park(struct transport *transport, struct task *task)
{
	task->number = 0;
	list_append(&transport->asks.parked, &task->ask_link);
	watch_deadline(transport, task);
}

/* ------------------------------------------------------------------ deadlines */

static void expire(struct transport *transport, struct task *task)
{
	asks_cancel(transport, task);
	task_refuse(
		task,
		status_of(connect_is(task) ? NVME_SC_CONNECT_BUSY : NVME_SC_COMMAND_INTERRUPTED));
}

static void expire_some(struct transport *transport, struct list *list, uint64_t now_ns)
{
	list_for_each_safe (link, list) {
		struct task *task = container_of(link, struct task, ask_link);

		if (task->deadline_ns && task->deadline_ns <= now_ns)
			expire(transport, task);
		else
			watch_deadline(transport, task);
	}
}

static void tasks_expire(struct loop_timer *timer)
{
	struct transport *transport = container_of(timer, struct transport, asks.timer);
	uint64_t now_ns = clock_now_ns();

	expire_some(transport, &transport->asks.asked, now_ns);
	expire_some(transport, &transport->asks.parked, now_ns);
	expire_some(transport, &transport->asks.later, now_ns);
}
