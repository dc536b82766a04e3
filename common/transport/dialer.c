/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/dialer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"
#include "common/transport/greeting.h"

#define RETRY_MIN_MS  5u
#define RETRY_SOON_MS 20u /* while a successor is probably on its way, and hosts wait */
#define RETRY_MAX_MS  200u
#define SOON_NS       (3 * NS_PER_S)
#define GREETING_NS   (2 * NS_PER_S)

const char *dialer_object(const struct dialer *dialer)
{
	static _Thread_local char name[64];

	snprintf(name, sizeof(name), "link %u to %s", dialer->owner->thread, dialer->worker.name);
	return name;
}

static void disconnect(struct dialer *dialer)
{
	loop_remove(&dialer->socket);
	cleanup_close(&dialer->connection);
	dialer->connection = -1;
	loop_remove(&dialer->doorbell);
	link_deinit(&dialer->rings);
	dialer->wish = HANDOVER_NO_WISH;
	loop_timer_clear(&dialer->timer);
}

static void try_later(struct dialer *dialer)
{
	uint64_t now_ns = clock_now_ns();
	unsigned most_ms = now_ns < dialer->away_since_ns + SOON_NS ? RETRY_SOON_MS : RETRY_MAX_MS;

	disconnect(dialer);
	dialer->state = WORKER_AWAY;
	loop_timer_set(dialer->owner->loop, &dialer->timer, now_ns + dialer->retry_ms * NS_PER_MS);
	dialer->retry_ms = dialer->retry_ms * 2 > most_ms ? most_ms : dialer->retry_ms * 2;
}

void dialer_hang_up(struct dialer *dialer)
{
	dialer->away_since_ns = clock_now_ns();
	dialer->retry_ms = RETRY_MIN_MS;
	try_later(dialer);
}

/* ------------------------------------------------------------------ greeting */

static int greet(struct dialer *dialer)
{
	const struct worker_link_owner *owner = dialer->owner;
	Nvmetd__LinkHello hello = NVMETD__LINK_HELLO__INIT;
	int r;

	r = link_create(&dialer->rings);
	if (r)
		return error_trace(r);
	dialer->connection = greeting_connect(dialer->worker.path);
	if (dialer->connection < 0)
		return dialer->connection;
	r = loop_add(owner->loop, &dialer->socket, dialer->connection, EPOLLIN);
	if (r)
		return error_trace(r);
	hello.version = LINK_VERSION;
	hello.transport = (char *)owner->transport;
	hello.token.data = dialer->worker.token;
	hello.token.len = sizeof(dialer->worker.token);
	hello.thread = owner->thread;
	hello.slots = LINK_SLOTS;
	hello.arena_bytes = owner->arena->size;
	hello.instance = owner->instance;
	return greeting_say(dialer->connection, &hello, &dialer->rings, owner->arena->fd);
}

static void timer_expired(struct loop_timer *timer)
{
	struct dialer *dialer = container_of(timer, struct dialer, timer);
	int r;

	if (dialer->state == WORKER_GREETING) {
		log_debug("%s: no welcome in time", dialer_object(dialer));
		try_later(dialer);
		return;
	}
	r = greet(dialer);
	if (r) {
		log_debug("%s: cannot greet the worker: %s", dialer_object(dialer), error_words(r));
		try_later(dialer);
		return;
	}
	dialer->state = WORKER_GREETING;
	loop_timer_set(dialer->owner->loop, &dialer->timer, clock_now_ns() + GREETING_NS);
}

static void come_up(struct dialer *dialer)
{
	int r = loop_add(
		dialer->owner->loop, &dialer->doorbell, dialer->rings.to_transport, EPOLLIN);

	if (r) {
		try_later(dialer);
		return;
	}
	loop_timer_clear(&dialer->timer);
	dialer->state = WORKER_UP;
	dialer->retry_ms = RETRY_MIN_MS;
	dialer->has_warned = false;
	log_info("%s: up", dialer_object(dialer));
	dialer->came_up(dialer);
}

/* It is tried again for ever; a line is said once. */
static void say_refused(struct dialer *dialer, const char *reason)
{
	if (dialer->has_warned)
		return;
	dialer->has_warned = true;
	log_warn("%s: the worker refuses it, trying again: %s", dialer_object(dialer), reason);
}

static void hear_welcome(struct dialer *dialer)
{
	char reason[128] = "";
	int r = greeting_hear(dialer->connection, &dialer->words, reason, sizeof(reason));

	if (r == 0) {
		come_up(dialer);
		return;
	}
	if (r == -EAGAIN)
		return;
	if (r == GREETING_E_REFUSED)
		say_refused(dialer, reason);
	else
		log_debug("%s: not welcome: %s",
		          dialer_object(dialer),
		          r < 0 ? error_words(r) : "the worker left, or answered nonsense");
	try_later(dialer);
}

/* ------------------------------------------------------------------ while it is up */

bool dialer_ask(struct dialer *dialer, uint32_t handle)
{
	return dialer->state == WORKER_UP &&
	       handover_ask(dialer->connection, &dialer->wish, handle) == 0;
}

/* After the welcome only answers come: whatever else stirs is the end. */
static void hear_answer(struct dialer *dialer)
{
	_cleanup_(handover_deinit) struct handover handover = HANDOVER_NULL;
	int r = handover_hear(dialer->connection, &dialer->wish, &handover);

	if (r == 0)
		dialer->owner->answered(dialer->owner, &handover);
	if (r == 0 || r == -EAGAIN)
		return;
	loop_remove(&dialer->socket);
	dialer->broke(dialer,
	              r == HANDOVER_E_MALFORMED ? "the worker says what it should not"
	                                        : "the worker is gone");
}

static void socket_ready(struct loop_source *source, uint32_t events)
{
	struct dialer *dialer = container_of(source, struct dialer, socket);

	(void)events;
	if (dialer->state == WORKER_GREETING)
		hear_welcome(dialer);
	else
		hear_answer(dialer);
}

static void doorbell_ready(struct loop_source *source, uint32_t events)
{
	(void)events;
	doorbell_clear(source->fd);
}

/* ------------------------------------------------------------------ its life */

int dialer_init(struct dialer *dialer, const struct worker_link_owner *owner,
                const struct view_worker *worker, void (*came_up)(struct dialer *dialer),
                void (*broke)(struct dialer *dialer, const char *fault))
{
	int r;

	*dialer = (struct dialer){
		.owner = owner,
		.worker = *worker,
		.rings = LINK_NULL,
		.connection = -1,
		.socket = LOOP_SOURCE(socket_ready),
		.doorbell = LOOP_SOURCE(doorbell_ready),
		.timer = LOOP_TIMER(timer_expired),
		.away_since_ns = clock_now_ns(),
		.retry_ms = RETRY_MIN_MS,
		.came_up = came_up,
		.broke = broke,
	};
	r = loop_timer_set(owner->loop, &dialer->timer, clock_now_ns());
	return r ? error_trace(r) : 0;
}

void dialer_deinit(struct dialer *dialer)
{
	disconnect(dialer);
}
