/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/ipc/context.h"
#include "common/ipc/socket.h"

/*
 * One socket is one connection. Whatever ends it - the state service died, was silent, did not
 * know us, did not read - ends the socket, and after a delay a new one is made. So there is one
 * way back to the beginning, and nothing that was queued for one state service can reach the
 * next.
 *
 *   state        ends when
 *   APART        the delay is over
 *   CONNECTING   the connection stands; or the attempt failed; or 10 s pass
 *   GREETING     Welcome; or Refusal; or the connection ends; or 10 s pass in silence
 *   TOGETHER     the connection ends; or the state service says that it does not know us; or
 *                10 s pass in silence; or the queue is full
 */
enum state { APART, CONNECTING, GREETING, TOGETHER };

#define DELAY_FIRST_NS (10 * NS_PER_MS)
#define DELAY_MAX_NS   (200 * NS_PER_MS)
#define TICK_NS        NS_PER_S
#define SILENT_TICKS   10

struct ipc_client {
	struct ipc_client_options options; /* its strings are the ones below */
	char *path;
	char *name;
	struct loop *loop;
	struct ipc_socket socket;
	enum state state;
	const char *lost;       /* why this connection is to be given up; NULL: it is not */
	struct loop_timer step; /* the next attempt, or giving up the connection that is lost */
	struct loop_timer tick;
	unsigned silent; /* ticks */
	uint64_t delay_ns;
	uint64_t last_request_id;
	uint64_t hello_id;
	uint64_t born_ns;
	bool complained; /* that nobody is there */
	bool has_context;
	struct log_limit malformed;
	char refusal[128];
};

static void set_timer(struct ipc_client *client, struct loop_timer *timer, uint64_t delay_ns)
{
	if (loop_timer_set(client->loop, timer, clock_now_ns() + delay_ns) < 0)
		log_err("control plane: out of memory: a timer was not set");
}

/* The connection ends when nobody is using it. */
static void lose(struct ipc_client *client, const char *reason)
{
	if (client->lost)
		return;
	client->lost = reason;
	set_timer(client, &client->step, 0);
}

static int send_now(struct ipc_client *client, uint64_t request_id, envelope *message)
{
	message->version = ENVELOPE_VERSION;
	message->instance = client->options.instance;
	message->request_id = request_id;
	return ipc_socket_send(&client->socket, NULL, message);
}

static void complain(struct ipc_client *client, const char *what)
{
	if (client->complained)
		return;
	client->complained = true;
	log_warn("state service: not reached at '%s': %s: trying on", client->path, what);
}

/* ---- the way down and up */

static void give_up(struct ipc_client *client)
{
	bool was_together = client->state == TOGETHER;
	const char *reason = client->lost;

	loop_timer_clear(&client->tick);
	ipc_socket_close(&client->socket);
	client->state = APART;
	client->lost = NULL;
	set_timer(client, &client->step, client->delay_ns);
	if (!was_together) {
		complain(client, reason);
		return;
	}
	log_warn("state service: left: %s", reason);
	client->complained = true;
	if (client->options.left)
		client->options.left(client->options.context);
}

static void attempt(struct ipc_client *client)
{
	int r = ipc_socket_connect(&client->socket, client->loop, client->path);

	client->delay_ns *= 2;
	if (client->delay_ns > DELAY_MAX_NS)
		client->delay_ns = DELAY_MAX_NS;
	if (r < 0) {
		complain(client, error_words(r));
		set_timer(client, &client->step, client->delay_ns);
		return;
	}
	client->state = CONNECTING;
	client->silent = 0;
	set_timer(client, &client->tick, TICK_NS);
}

static void on_step(struct loop_timer *timer)
{
	struct ipc_client *client = container_of(timer, struct ipc_client, step);

	if (client->lost)
		give_up(client);
	else
		attempt(client);
}

/* Counted, not measured: if it was us who slept, there are messages to read meanwhile. */
static void on_tick(struct loop_timer *timer)
{
	struct ipc_client *client = container_of(timer, struct ipc_client, tick);

	set_timer(client, timer, TICK_NS);
	if (client->silent++ == SILENT_TICKS)
		lose(client, "silent for 10 s");
}

static void greet(struct ipc_client *client)
{
	Nvmetd__Hello hello = NVMETD__HELLO__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	hello.name = client->name;
	hello.pid = (uint32_t)getpid();
	hello.release = (char *)NVMETD_VERSION;
	hello.threads = client->options.threads;
	hello.up_seconds = (clock_now_ns() - client->born_ns) / NS_PER_S;
	if (client->options.introduce)
		client->options.introduce(client->options.context, &hello);
	message.body_case = NVMETD__ENVELOPE__BODY_HELLO;
	message.hello = &hello;
	client->hello_id = ipc_client_request_id(client);
	client->state = GREETING;
	if (send_now(client, client->hello_id, &message) < 0)
		lose(client, "Hello could not be sent");
}

static void on_change(struct ipc_socket *socket, enum ipc_change change)
{
	struct ipc_client *client = container_of(socket, struct ipc_client, socket);

	if (client->lost)
		return;
	if (change == IPC_CHANGE_DOWN)
		lose(client,
		     client->state == CONNECTING ? "nobody listens" : "the connection ended");
	else if (client->state == CONNECTING)
		greet(client);
}

/* ---- what is said */

static void on_welcome(struct ipc_client *client, const envelope *message)
{
	if (client->state != GREETING || message->request_id != client->hello_id)
		return;
	client->state = TOGETHER;
	client->complained = false;
	client->delay_ns = DELAY_FIRST_NS;
	log_info("state service: is there");
	if (client->options.arrived)
		client->options.arrived(client->options.context, message->welcome->state_instance);
}

/* True if it is about the connection, and not the answer to a request. */
static bool on_refusal(struct ipc_client *client, const Nvmetd__Refusal *refusal)
{
	if (client->state == TOGETHER && !refusal->say_hello)
		return false;
	log_safe(
		client->refusal, sizeof(client->refusal), refusal->reason, strlen(refusal->reason));
	lose(client, client->refusal);
	return true;
}

static void on_ping(struct ipc_client *client)
{
	Nvmetd__Pong pong = NVMETD__PONG__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	message.body_case = NVMETD__ENVELOPE__BODY_PONG;
	message.pong = &pong;
	send_now(client, 0, &message); /* if it is lost, the next one is not */
}

static void dispatch(struct ipc_client *client, const envelope *message)
{
	if (message->body_case == NVMETD__ENVELOPE__BODY_PING)
		on_ping(client);
	else if (message->body_case == NVMETD__ENVELOPE__BODY_WELCOME)
		on_welcome(client, message);
	else if (message->body_case == NVMETD__ENVELOPE__BODY_REFUSAL &&
	         on_refusal(client, message->refusal))
		return;
	else if (client->state == TOGETHER)
		client->options.received(client->options.context, message);
}

static const char no_memory[] = "there was no memory for what it said";

static void on_message(struct ipc_socket *socket, const struct ipc_route *from, const void *bytes,
                       size_t length)
{
	struct ipc_client *client = container_of(socket, struct ipc_client, socket);
	_cleanup_(envelope_freep) envelope *message = NULL;
	int r;

	(void)from;
	if (client->lost)
		return;
	client->silent = 0;
	r = envelope_decode(&message, bytes, length);
	if (r == 0)
		dispatch(client, message);
	else if (r == -ENOMEM)
		lose(client, no_memory);
	else if (log_allowed(&client->malformed, 1, 10000))
		log_warn("state service: a message of %zu bytes is malformed: passed over", length);
}

/* ---- for the owner */

bool ipc_client_is_connected(const struct ipc_client *client)
{
	return client->state == TOGETHER && !client->lost;
}

uint64_t ipc_client_request_id(struct ipc_client *client)
{
	return ++client->last_request_id;
}

bool ipc_client_send(struct ipc_client *client, uint64_t request_id, envelope *message)
{
	int r;

	if (!ipc_client_is_connected(client))
		return false;
	r = send_now(client, request_id, message);
	if (r == 0)
		return true;
	if (r == -EMSGSIZE)
		log_err("state service: %s is larger than %u bytes: not sent",
		        envelope_body_name((int)message->body_case),
		        ENVELOPE_MAX);
	else
		lose(client, "it does not read what is sent to it");
	return false;
}

void ipc_client_start_over(struct ipc_client *client, const char *reason)
{
	if (ipc_client_is_connected(client))
		lose(client, reason);
}

static int keep_strings(struct ipc_client *client, const struct ipc_client_options *options)
{
	client->path = strdup(options->path);
	client->name = strdup(options->name);
	if (!client->path || !client->name)
		return -ENOMEM;
	client->options.path = client->path;
	client->options.name = client->name;
	return 0;
}

/* From the first socket to the last: a new one for each attempt would need descriptors each time,
 * and there may be none just then. */
static int hold_context(struct ipc_client *client)
{
	if (!ipc_context_hold())
		return -errno;
	client->has_context = true;
	return 0;
}

int ipc_client_new(struct ipc_client **ret_client, struct loop *loop,
                   const struct ipc_client_options *options)
{
	_cleanup_(ipc_client_freep) struct ipc_client *client = NULL;
	int r = ipc_path_check(options->path);

	if (r < 0)
		return r;
	client = calloc(1, sizeof(*client));
	if (!client)
		return error_origin(-ENOMEM);
	client->options = *options;
	client->loop = loop;
	client->born_ns = clock_now_ns();
	client->socket.received = on_message;
	client->socket.changed = on_change;
	client->step = LOOP_TIMER(on_step);
	client->tick = LOOP_TIMER(on_tick);
	client->delay_ns = DELAY_FIRST_NS;
	r = keep_strings(client, options);
	if (r == 0)
		r = hold_context(client);
	if (r == 0)
		r = loop_timer_set(loop, &client->step, clock_now_ns());
	if (r < 0)
		return error_origin(r);
	*ret_client = take(&client);
	return 0;
}

struct ipc_client *ipc_client_free(struct ipc_client *client)
{
	if (!client)
		return NULL;
	loop_timer_clear(&client->step);
	loop_timer_clear(&client->tick);
	ipc_socket_close(&client->socket);
	if (client->has_context)
		ipc_context_release();
	free(client->path);
	free(client->name);
	free(client);
	return NULL;
}
