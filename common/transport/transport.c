/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/transport/admin.h"
#include "common/transport/connect.h"
#include "common/transport/reactor.h"
#include "common/transport/seat.h"
#include "common/transport/spread.h"
#include "common/transport/subsystem_reset.h"
#include "common/transport/succession.h"
#include "common/transport/transition.h"

struct loop *transport_loop(struct transport *transport)
{
	return transport->service.loop;
}

struct reactor *transport_reactor(struct transport *transport, unsigned index)
{
	return index < transport->n_reactors ? transport->reactors[index] : NULL;
}

bool transport_port_limits(const struct transport *transport, uint32_t port_id,
                           struct port_limits *ret_limits)
{
	const struct view_port *port = transport->view ? view_port(transport->view, port_id) : NULL;

	if (!port)
		return false;
	*ret_limits = (struct port_limits){.in_capsule_bytes = port->in_capsule_bytes,
	                                   .queue_size = port->max_queue_size};
	return true;
}

/* ------------------------------------------------------------------ where connections are */

const struct limits *transport_limits(const struct transport *transport)
{
	static const struct limits standard = LIMITS_DEFAULT;

	return transport->view ? &transport->view->limits : &standard;
}

static int pick(const struct transport *transport, uint32_t host)
{
	uint32_t most = transport_limits(transport)->host_connections;

	if (transport->is_stopping)
		return SPREAD_E_FULL;
	if (most > 0 && spread_count(transport->spread, host) >= most)
		return SPREAD_E_HOST;
	return spread_pick(transport->spread, host);
}

bool transport_place(struct transport *transport, void *connection, uint32_t port_id,
                     const char *host_address)
{
	uint32_t host = spread_host(host_address);
	int picked;

	if (!crowd_enter(&transport->crowd, port_id, transport_limits(transport)->port_connections))
		return false;
	picked = pick(transport, host);
	if (picked >= 0) {
		if (reactor_place(transport->reactors[picked], connection, port_id, host))
			return true;
		spread_forget(transport->spread, (unsigned)picked, host, false);
	}
	crowd_leave(&transport->crowd, port_id);
	return false;
}

void transport_queue_failed(struct reactor *reactor, uint32_t port_id, uint32_t host)
{
	spread_forget(reactor->transport->spread, reactor->index, host, false);
	crowd_leave(&reactor->transport->crowd, port_id);
}

void transport_queue_is_admin(struct seat *seat)
{
	seat->is_admin = true;
	spread_is_admin(seat->reactor->transport->spread, seat->reactor->index, seat->host);
}

/* ------------------------------------------------------------------ to the state service */

void transport_tell(struct transport *transport, envelope *message)
{
	if (transport->client && ipc_client_is_connected(transport->client))
		ipc_client_send(transport->client, 0, message);
}

void transport_tell_reset(struct transport *transport, uint32_t subsystem, uint32_t cntlid)
{
	Nvmetd__SessionReset reset = NVMETD__SESSION_RESET__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	reset.subsystem = subsystem;
	reset.cntlid = cntlid;
	message.body_case = NVMETD__ENVELOPE__BODY_SESSION_RESET;
	message.session_reset = &reset;
	transport_tell(transport, &message);
}

void transport_tell_gone(struct transport *transport, uint32_t subsystem, uint32_t cntlid,
                         const char *reason)
{
	Nvmetd__SessionGone gone = NVMETD__SESSION_GONE__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	gone.subsystem = subsystem;
	gone.cntlid = cntlid;
	gone.reason = (char *)reason;
	message.body_case = NVMETD__ENVELOPE__BODY_SESSION_GONE;
	message.session_gone = &gone;
	transport_tell(transport, &message);
}

static void tell_drained(struct transport *transport)
{
	Nvmetd__Drained drained = NVMETD__DRAINED__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	if (list_is_empty(&transport->views) || transport->drained_serial == 0)
		return;
	drained.revision = container_of(transport->views.next, struct view, link)->revision;
	message.body_case = NVMETD__ENVELOPE__BODY_DRAINED;
	message.drained = &drained;
	transport_tell(transport, &message);
}

/* Of sessions in a message: far less than a message may have, as each is more when unpacked. */
#define PRESENT_BYTES (256u << 10)

static size_t list_sessions(const struct transport *transport, Nvmetd__Session **sessions)
{
	size_t n = 0;

	list_for_each (link, (struct list *)&transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (!controller->ended)
			sessions[n++] = controller->session;
	}
	return n;
}

/* As many as go into a message; one at least, if there is one. */
static size_t count_fitting(Nvmetd__Session *const *sessions, size_t n)
{
	size_t count = 0, bytes = 0;

	while (count < n) {
		bytes += nvmetd__session__get_packed_size(sessions[count]);
		if (count > 0 && bytes > PRESENT_BYTES)
			break;
		count++;
	}
	return count;
}

static void present_sessions(struct transport *transport)
{
	_cleanup_(cleanup_free) Nvmetd__Session **sessions = NULL;
	size_t n = 0, at = 0;

	list_for_each (link, &transport->controllers)
		n++;
	sessions = calloc(n + 1, sizeof(*sessions));
	if (!sessions) {
		log_err("no memory to present %zu sessions", n);
		ipc_client_start_over(transport->client, "there was no memory for sessions");
		return;
	}
	n = list_sessions(transport, sessions);
	do { /* also where there are none */
		Nvmetd__SessionPresent present = NVMETD__SESSION_PRESENT__INIT;
		envelope message = NVMETD__ENVELOPE__INIT;

		present.sessions = sessions + at;
		present.n_sessions = count_fitting(sessions + at, n - at);
		at += present.n_sessions;
		present.more = at < n;
		message.body_case = NVMETD__ENVELOPE__BODY_SESSION_PRESENT;
		message.session_present = &present;
		transport_tell(transport, &message);
	} while (at < n);
}

/* ------------------------------------------------------------------ from the state service */

static void introduce(void *context, Nvmetd__Hello *hello)
{
	struct transport *transport = context;

	hello->revision = transport->view ? transport->view->revision : 0;
	hello->has_keeper = service_has_keeper(&transport->service);
	hello->traits = &transport->traits;
}

static void arrived(void *context, uint64_t state_instance)
{
	struct transport *transport = context;

	(void)state_instance;
	present_sessions(transport);
	listeners_report(transport);
	tell_drained(transport);
	subsystem_reset_tell_again(transport);
	asks_ask_again(transport);
}

/* Their hosts will be told by the end of their connections. */
static void end_without_subsystem(struct transport *transport)
{
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (!view_subsystem(transport->view, controller->subsystem))
			controller_end(controller, "its subsystem is gone");
	}
}

static void take_view(struct transport *transport, const Nvmetd__TransportView *message)
{
	struct view *view;
	const char *reason;
	int r;

	r = view_new(
		&view, message, transport->view, clock_now_ns(), transport->n_reactors, &reason);
	if (r) {
		log_err("view %llu is not taken: %s",
		        (unsigned long long)message->revision,
		        r == VIEW_E_UNSOUND ? reason : error_words(r));
		if (r == -ENOMEM)
			ipc_client_start_over(transport->client, "there was no memory for a view");
		return;
	}
	log_debug("view %llu", (unsigned long long)view->revision);
	transport->view = view;
	list_append(&transport->views, &view->link);
	for (unsigned i = 0; i < transport->n_reactors; i++)
		reactor_show(transport->reactors[i], view);
	end_without_subsystem(transport);
	list_for_each (link, &transport->controllers)
		controller_take_limits(container_of(link, struct controller, link));
	listeners_show(transport, view);
	succession_adopt(transport);
}

static void take_session_update(struct transport *transport, const Nvmetd__Session *session)
{
	struct controller *controller;

	controller = session ? controller_find(transport, session->subsystem, session->cntlid)
	                     : NULL;
	if (controller)
		controller_take_session(controller, session);
}

static void take_session_end(struct transport *transport, const Nvmetd__SessionEnd *end)
{
	struct controller *controller = controller_find(transport, end->subsystem, end->cntlid);
	char reason[128];

	if (controller)
		controller_end(controller,
		               log_safe(reason, sizeof(reason), end->reason, strlen(end->reason)));
}

static void take_refusal(struct transport *transport, uint64_t number,
                         const Nvmetd__Refusal *refusal)
{
	struct task *task = asks_take(transport, number);
	char reason[128];

	log_err("the state service refuses: %s",
	        log_safe(reason, sizeof(reason), refusal->reason, strlen(refusal->reason)));
	if (task)
		task_refuse(task,
		            status_of(connect_is(task) ? NVME_SC_CONNECT_BUSY
		                                       : NVME_SC_COMMAND_INTERRUPTED));
}

/* Its host does not wait for it any more. What the command has changed is so all the same, and the
 * next state service will have it from here. */
static void take_unwanted(struct transport *transport, const envelope *message, bool is_connect)
{
	if (is_connect)
		connect_give_back(transport, message->connect_reply);
	else
		take_session_update(transport, message->admin_reply->session);
}

static void take_reply(struct transport *transport, const envelope *message)
{
	struct task *task = asks_take(transport, message->request_id);
	bool is_connect_reply = message->body_case == NVMETD__ENVELOPE__BODY_CONNECT_REPLY;

	if (!task) { /* cancelled meanwhile */
		take_unwanted(transport, message, is_connect_reply);
		return;
	}
	if (connect_is(task) != is_connect_reply)
		task_refuse(task, status_of(NVME_SC_INTERNAL));
	else if (is_connect_reply)
		connect_answered(transport, task, message->connect_reply);
	else
		admin_answered(transport, task, message->admin_reply);
}

static void received(void *context, const envelope *message)
{
	struct transport *transport = context;

	switch (message->body_case) {
	case NVMETD__ENVELOPE__BODY_TRANSPORT_VIEW:
		take_view(transport, message->transport_view);
		return;
	case NVMETD__ENVELOPE__BODY_SESSION_UPDATE:
		take_session_update(transport, message->session_update->session);
		return;
	case NVMETD__ENVELOPE__BODY_SESSION_END:
		take_session_end(transport, message->session_end);
		return;
	case NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET:
		subsystem_reset_take(transport, message->subsystem_reset);
		return;
	case NVMETD__ENVELOPE__BODY_CONNECT_REPLY:
	case NVMETD__ENVELOPE__BODY_ADMIN_REPLY:
		take_reply(transport, message);
		return;
	case NVMETD__ENVELOPE__BODY_REFUSAL:
		take_refusal(transport, message->request_id, message->refusal);
		return;
	case NVMETD__ENVELOPE__BODY_STATUS_REQUEST:
		status_answer(transport, message->request_id, message->status_request->handle);
		return;
	case NVMETD__ENVELOPE__BODY_LEAVE:
		service_leave(&transport->service, "state service");
		return;
	default:
		log_warn("the state service sent what a transport does not hear: %s",
		         envelope_body_name((int)message->body_case));
	}
}

int transport_open_client(struct transport *transport)
{
	char path[108];
	struct ipc_client_options options = {
		.path = path,
		.name = transport->service.name,
		.instance = transport->service.instance,
		.threads = transport->n_reactors,
		.received = received,
		.introduce = introduce,
		.arrived = arrived,
		.context = transport,
	};
	int r = service_run_path(&transport->service, path, "transport/transport.sock");

	nvmetd__transport_traits__init(&transport->traits);
	transport->traits.trtype = (char *)transport->wire->trtype;
	transport->traits.sgls = transport->wire->sgls;
	transport->traits.descriptors_max = transport->wire->descriptors_max;
	transport->traits.packs_rights = true;
	if (!r)
		r = ipc_client_new(&transport->client, transport->service.loop, &options);
	return r ? error_trace(r) : 0;
}

/* ------------------------------------------------------------------ from the reactors */

static struct transport *transport_of(const struct seat *seat)
{
	return seat->reactor->transport;
}

void transport_task_arrives(struct letter *letter)
{
	struct task *task = container_of(letter, struct task, letter);
	struct transport *transport = transport_of(task->seat);

	list_append(&task->seat->tasks, &task->seat_link);
	if (connect_is(task))
		connect_begin(transport, task);
	else
		admin_begin(transport, task);
}

void task_return(struct task *task)
{
	list_remove(&task->seat_link);
	reactor_return_task(task);
}

void task_refuse(struct task *task, struct nvme_status status)
{
	task->connected.controller = controller_drop(task->connected.controller);
	task->status = status;
	task_return(task);
}

void transport_queue_closing(struct letter *letter)
{
	struct seat *seat = container_of(letter, struct seat, closing_letter);
	struct controller *controller = seat->controller;
	struct list *first;

	seat->closing = true;
	while ((first = list_take_first(&seat->tasks))) {
		struct task *task = container_of(first, struct task, seat_link);

		asks_cancel(transport_of(seat), task);
		task_free(task);
	}
	if (controller && (seat->qid == 0 || !seat->terminating))
		controller_queue_lost(controller, seat->qid, "its host has gone");
}

/* Its device may never answer: its host has other namespaces. */
void transport_queue_fenced(struct letter *letter)
{
	struct seat *seat = container_of(letter, struct seat, fenced_letter);

	seat->is_fenced = true;
	if (seat->controller)
		transition_settle(seat->controller);
	connect_retry(transport_of(seat));
}

void transport_queue_closed(struct letter *letter)
{
	struct seat *seat = container_of(letter, struct seat, closed_letter);
	struct transport *transport = transport_of(seat);

	controller_unseat(seat);
	spread_forget(transport->spread, seat->reactor->index, seat->host, seat->is_admin);
	crowd_leave(&transport->crowd, seat->port_id);
	seat_bury(seat);
	connect_retry(transport);
}

static uint64_t drained_by_all(const struct transport *transport)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < transport->n_reactors; i++) {
		uint64_t serial = atomic_load(&transport->reactors[i]->sight.drained);

		least = serial < least ? serial : least;
	}
	return least;
}

void transport_reactor_drained(struct letter *letter)
{
	struct reactor *reactor = container_of(letter, struct reactor, drained_notice.letter);
	struct transport *transport = reactor->transport;
	uint64_t serial;

	notice_take(&reactor->drained_notice);
	serial = drained_by_all(transport);
	if (serial <= transport->drained_serial)
		return;
	transport->drained_serial = serial;
	while (!list_is_empty(&transport->views)) {
		struct view *oldest = container_of(transport->views.next, struct view, link);

		if (oldest->serial >= serial)
			break;
		list_remove(&oldest->link);
		view_drop(oldest);
	}
	tell_drained(transport);
}
