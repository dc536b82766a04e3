/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/ipc/door.h"
#include "common/ipc/socket.h"

/*
 * Who is there? libzmq does not say which of a ROUTER's connections has ended, only that one
 * has. So each end makes us ping everyone at once, and again a little later, since libzmq gives
 * the notice before the fact: sending to a connection that is gone is an error.
 *
 * Silence is counted in pings, not in time: if it was us who slept, the peers' answers have
 * come meanwhile.
 */
#define PEERS_MAX      256
#define PING_NS        NS_PER_S
#define SILENT_PINGS   5
#define PROBES         3
#define PROBE_FIRST_NS NS_PER_MS
#define PROBE_FACTOR   10

struct member {
	struct ipc_peer peer;
	struct ipc_route route;
	unsigned unanswered; /* pings */
	const char *doom;    /* why it is to go; NULL: it is not */
};

struct ipc_server {
	struct ipc_role role;
	void *context;
	struct loop *loop;
	struct ipc_socket socket;
	struct door door;
	uint64_t instance;
	uint64_t last_request_id;
	struct list members;
	unsigned n_members;
	struct loop_timer ping;
	struct loop_timer probe;
	struct loop_timer burial;
	unsigned probes; /* still to be made */
	uint64_t probe_ns;
	struct log_limit complaints;
};

static struct member *member_of(struct list *link)
{
	return container_of(container_of(link, struct ipc_peer, link), struct member, peer);
}

static const char *name_of(const struct member *member)
{
	return member && member->peer.name[0] ? member->peer.name : "a peer";
}

static void set_timer(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	if (loop_timer_set(loop, timer, due_ns) < 0)
		log_err("control plane: out of memory: a timer was not set");
}

/* ---- sending */

static int send_to(struct ipc_server *server, const struct ipc_route *route, uint64_t request_id,
                   envelope *message)
{
	message->version = ENVELOPE_VERSION;
	message->instance = server->instance;
	message->request_id = request_id;
	return ipc_socket_send(&server->socket, route, message);
}

/* The peer is buried when nobody is using it. */
static void doom(struct ipc_server *server, struct member *member, const char *reason)
{
	if (member->doom)
		return;
	member->doom = reason;
	set_timer(server->loop, &server->burial, clock_now_ns());
}

static void send_to_member(struct member *member, uint64_t request_id, envelope *message)
{
	struct ipc_server *server = member->peer.server;
	int r;

	if (member->doom)
		return;
	r = send_to(server, &member->route, request_id, message);
	if (r == -EMSGSIZE)
		log_err("%s '%s': %s is larger than %u bytes: not sent",
		        server->role.name,
		        name_of(member),
		        envelope_body_name((int)message->body_case),
		        ENVELOPE_MAX);
	else if (r == -EAGAIN)
		doom(server, member, "does not read what is sent to it");
	else if (r == -EHOSTUNREACH)
		doom(server, member, "its connection is gone");
	else if (r < 0)
		doom(server, member, "a message to it could not be made");
}

void ipc_server_send(struct ipc_peer *peer, uint64_t request_id, envelope *message)
{
	send_to_member(container_of(peer, struct member, peer), request_id, message);
}

/* One that may not be a peer: if it is gone, or full, the refusal is lost. */
static void refuse(struct ipc_server *server, const struct ipc_route *route, uint64_t request_id,
                   const char *reason, bool say_hello)
{
	Nvmetd__Refusal refusal = NVMETD__REFUSAL__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	refusal.reason = (char *)reason;
	refusal.say_hello = say_hello;
	message.body_case = NVMETD__ENVELOPE__BODY_REFUSAL;
	message.refusal = &refusal;
	send_to(server, route, request_id, &message);
}

void ipc_server_refuse(struct ipc_peer *peer, uint64_t request_id, const char *reason)
{
	Nvmetd__Refusal refusal = NVMETD__REFUSAL__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	refusal.reason = (char *)reason;
	message.body_case = NVMETD__ENVELOPE__BODY_REFUSAL;
	message.refusal = &refusal;
	ipc_server_send(peer, request_id, &message);
}

static void start_over(struct ipc_server *server, struct member *member, const char *reason)
{
	refuse(server, &member->route, 0, reason, true);
	doom(server, member, reason);
}

void ipc_server_start_over(struct ipc_peer *peer, const char *reason)
{
	start_over(peer->server, container_of(peer, struct member, peer), reason);
}

uint64_t ipc_server_request_id(struct ipc_server *server)
{
	return ++server->last_request_id;
}

static void ping(struct member *member)
{
	Nvmetd__Ping body = NVMETD__PING__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	message.body_case = NVMETD__ENVELOPE__BODY_PING;
	message.ping = &body;
	send_to_member(member, 0, &message);
}

/* ---- peers */

static struct member *find_route(struct ipc_server *server, const struct ipc_route *route)
{
	list_for_each (link, &server->members) {
		struct member *member = member_of(link);

		if (memcmp(member->route.bytes, route->bytes, sizeof(route->bytes)) == 0)
			return member;
	}
	return NULL;
}

static struct member *add_member(struct ipc_server *server, const struct ipc_route *route)
{
	struct member *member = NULL;

	if (server->n_members < PEERS_MAX)
		member = calloc(1, sizeof(*member));
	if (!member)
		return NULL;
	member->peer.server = server;
	member->peer.since_ns = clock_now_ns();
	member->route = *route;
	list_append(&server->members, &member->peer.link);
	server->n_members++;
	return member;
}

static void bury(struct ipc_server *server, struct member *member, const char *reason)
{
	bool was_there = member->peer.hello || !server->role.needs_hello;

	member->doom = reason;
	list_remove(&member->peer.link);
	server->n_members--;
	if (member->peer.hello)
		log_info("%s '%s': gone: %s", server->role.name, member->peer.name, reason);
	if (was_there && server->role.gone)
		server->role.gone(server->context, &member->peer, reason);
	free(member);
}

static void on_burial(struct loop_timer *timer)
{
	struct ipc_server *server = container_of(timer, struct ipc_server, burial);

	list_for_each_safe (link, &server->members) {
		struct member *member = member_of(link);

		if (member->doom)
			bury(server, member, member->doom);
	}
}

struct ipc_peer *ipc_server_find(struct ipc_server *server, const char *name)
{
	list_for_each (link, &server->members) {
		struct member *member = member_of(link);

		if (member->peer.hello && !member->doom && strcmp(member->peer.name, name) == 0)
			return &member->peer;
	}
	return NULL;
}

void ipc_server_each(struct ipc_server *server, void (*call)(void *context, struct ipc_peer *peer),
                     void *context)
{
	list_for_each_safe (link, &server->members) {
		struct member *member = member_of(link);

		if (member->peer.hello && !member->doom)
			call(context, &member->peer);
	}
}

/* ---- who is there */

static void on_ping(struct loop_timer *timer)
{
	struct ipc_server *server = container_of(timer, struct ipc_server, ping);

	set_timer(server->loop, timer, clock_now_ns() + PING_NS);
	list_for_each (link, &server->members) {
		struct member *member = member_of(link);

		if (member->unanswered == SILENT_PINGS)
			doom(server, member, "was silent for 5 s");
		member->unanswered++;
		ping(member);
	}
}

static void on_probe(struct loop_timer *timer)
{
	struct ipc_server *server = container_of(timer, struct ipc_server, probe);

	list_for_each (link, &server->members)
		ping(member_of(link));
	if (--server->probes == 0)
		return;
	server->probe_ns *= PROBE_FACTOR;
	set_timer(server->loop, timer, clock_now_ns() + server->probe_ns);
}

static void on_change(struct ipc_socket *socket, enum ipc_change change)
{
	struct ipc_server *server = container_of(socket, struct ipc_server, socket);

	if (!door_look(&server->door) && change != IPC_CHANGE_DOWN)
		return;
	server->probes = PROBES;
	server->probe_ns = PROBE_FIRST_NS;
	set_timer(server->loop, &server->probe, clock_now_ns() + server->probe_ns);
}

/* ---- Hello */

static bool is_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length > 0 && length < sizeof(((struct ipc_peer *)NULL)->name) &&
	       name[length] == '\0';
}

/* NULL: it may come in. */
static const char *why_not(const struct ipc_server *server, const struct member *member,
                           const Nvmetd__Hello *hello)
{
	if (!server->role.needs_hello)
		return "Hello is not heard on this socket";
	if (member)
		return "Hello was said before on this connection";
	if (!is_name(hello->name))
		return "a name is one to 31 of [a-z0-9-]";
	return NULL;
}

/* So gone() of a predecessor comes before arrived() of its successor. */
static void bury_namesakes(struct ipc_server *server, const char *name)
{
	list_for_each_safe (link, &server->members) {
		struct member *member = member_of(link);

		if (strcmp(member->peer.name, name) == 0)
			bury(server,
			     member,
			     member->doom ? member->doom : "another one came by its name");
	}
}

static void welcome(struct ipc_server *server, struct member *member, uint64_t request_id)
{
	Nvmetd__Welcome body = NVMETD__WELCOME__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	body.state_instance = server->instance;
	message.body_case = NVMETD__ENVELOPE__BODY_WELCOME;
	message.welcome = &body;
	send_to_member(member, request_id, &message);
}

static void introduce(struct member *member, const envelope *message)
{
	struct ipc_peer *peer = &member->peer;
	const Nvmetd__Hello *hello = message->hello;

	snprintf(peer->name, sizeof(peer->name), "%s", hello->name);
	log_safe(peer->release, sizeof(peer->release), hello->release, strlen(hello->release));
	peer->instance = message->instance;
	peer->pid = hello->pid;
	peer->threads = hello->threads;
	peer->has_keeper = hello->has_keeper;
	if (hello->up_seconds < peer->since_ns / NS_PER_S)
		peer->since_ns -= hello->up_seconds * NS_PER_S;
	peer->hello = true;
}

static void on_hello(struct ipc_server *server, const struct ipc_route *route,
                     struct member *member, const envelope *message)
{
	const char *reason = why_not(server, member, message->hello);

	if (reason) {
		if (log_allowed(&server->complaints, 5, 10000))
			log_warn("%s: a Hello is refused: %s", server->role.name, reason);
		refuse(server, route, message->request_id, reason, false);
		return;
	}
	bury_namesakes(server, message->hello->name);
	member = add_member(server, route);
	if (!member) {
		refuse(server, route, message->request_id, "there are too many peers", true);
		return;
	}
	introduce(member, message);
	welcome(server, member, message->request_id);
	log_info("%s '%s': is there: pid %u, version %s",
	         server->role.name,
	         member->peer.name,
	         member->peer.pid,
	         member->peer.release);
	if (server->role.arrived && !member->doom)
		server->role.arrived(server->context, &member->peer, message->hello);
}

/* ---- what is said */

static const struct ipc_rule *find_rule(const struct ipc_server *server, int body,
                                        enum ipc_phase phase)
{
	for (unsigned i = 0; i < server->role.n_rules; i++) {
		const struct ipc_rule *rule = &server->role.rules[i];

		if (rule->body == body && (rule->phase & phase))
			return rule;
	}
	return NULL;
}

static bool is_stranger(const struct ipc_server *server, const struct member *member)
{
	return server->role.needs_hello && (!member || !member->peer.hello);
}

static void not_heard(struct ipc_server *server, const struct ipc_route *route,
                      const struct member *member, const envelope *message)
{
	bool stranger = is_stranger(server, member);
	char reason[128];

	snprintf(reason,
	         sizeof(reason),
	         stranger ? "%s: say Hello first" : "%s is not heard on this socket",
	         envelope_body_name((int)message->body_case));
	if (log_allowed(&server->complaints, 5, 10000))
		log_warn("%s: %s is refused: %s", server->role.name, name_of(member), reason);
	refuse(server, route, message->request_id, reason, stranger);
}

static void dispatch(struct ipc_server *server, const struct ipc_route *route,
                     struct member *member, const envelope *message)
{
	enum ipc_phase phase = member && member->peer.hello ? IPC_AFTER_HELLO : IPC_BEFORE_HELLO;
	const struct ipc_rule *rule = find_rule(server, (int)message->body_case, phase);

	if (!rule) {
		not_heard(server, route, member, message);
		return;
	}
	if (!member)
		member = add_member(server, route);
	if (!member) {
		refuse(server, route, message->request_id, "there are too many peers", true);
		return;
	}
	rule->handle(server->context, &member->peer, message);
}

static const char *why_unreadable(int r)
{
	if (r == ENVELOPE_E_VERSION)
		return "the message has another protocol version: restart what is older";
	if (r == ENVELOPE_E_NO_BODY)
		return "the message has no body that is known here";
	if (r == -ENOMEM)
		return "there was no memory for the message";
	return "the message is malformed";
}

static void on_message(struct ipc_socket *socket, const struct ipc_route *from, const void *bytes,
                       size_t length)
{
	struct ipc_server *server = container_of(socket, struct ipc_server, socket);
	struct member *member = find_route(server, from);
	_cleanup_(envelope_freep) envelope *message = NULL;
	int r;

	if (member && member->doom)
		return;
	if (member)
		member->unanswered = 0;
	r = envelope_decode(&message, bytes, length);
	if (r == -ENOMEM && member) {
		start_over(server, member, why_unreadable(r));
		return;
	}
	if (r != 0) {
		if (log_allowed(&server->complaints, 5, 10000))
			log_warn("%s: %s is refused: %s",
			         server->role.name,
			         name_of(member),
			         why_unreadable(r));
		refuse(server, from, 0, why_unreadable(r), r == -ENOMEM);
		return;
	}
	if (message->body_case == NVMETD__ENVELOPE__BODY_HELLO)
		on_hello(server, from, member, message);
	else if (message->body_case != NVMETD__ENVELOPE__BODY_PONG || is_stranger(server, member))
		dispatch(server, from, member, message);
}

/* ---- life */

static int serve(struct ipc_server *server, const char *path)
{
	int r = ipc_path_check(path);

	if (r == 0)
		r = ipc_socket_open_router(&server->socket, server->loop);
	if (r == 0)
		r = door_init(
			&server->door, server->loop, &server->socket, path, server->role.mode);
	if (r == 0)
		r = loop_timer_set(server->loop, &server->ping, clock_now_ns() + PING_NS);
	return r;
}

int ipc_server_new(struct ipc_server **ret_server, struct loop *loop, const char *path,
                   uint64_t instance, const struct ipc_role *role, void *context)
{
	_cleanup_(ipc_server_freep) struct ipc_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return error_origin(-ENOMEM);
	server->role = *role;
	server->context = context;
	server->loop = loop;
	server->instance = instance;
	server->socket.received = on_message;
	server->socket.changed = on_change;
	server->ping = LOOP_TIMER(on_ping);
	server->probe = LOOP_TIMER(on_probe);
	server->burial = LOOP_TIMER(on_burial);
	list_init(&server->members);
	r = serve(server, path);
	if (r < 0)
		return error_trace(r);
	*ret_server = take(&server);
	return 0;
}

struct ipc_server *ipc_server_free(struct ipc_server *server)
{
	if (!server)
		return NULL;
	while (!list_is_empty(&server->members))
		bury(server, member_of(server->members.next), "the state service ends");
	loop_timer_clear(&server->ping);
	loop_timer_clear(&server->probe);
	loop_timer_clear(&server->burial);
	door_deinit(&server->door);
	ipc_socket_close(&server->socket);
	free(server);
	return NULL;
}
