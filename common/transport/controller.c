/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/controller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cache_line.h"
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/decode.h"
#include "common/nvme/identify.h"
#include "common/transport/keep_alive.h"
#include "common/transport/seat.h"
#include "common/transport/transition.h"
#include "common/transport/transport.h"

#define SESSION_MAX (1u << 20)
#define LINES       50
#define LINES_MS    10000

Nvmetd__Session *session_copy(const Nvmetd__Session *session)
{
	size_t size = nvmetd__session__get_packed_size(session);
	_cleanup_(cleanup_free) uint8_t *bytes = NULL;

	if (size > SESSION_MAX)
		return NULL;
	bytes = malloc(size > 0 ? size : 1);
	if (!bytes)
		return NULL;
	nvmetd__session__pack(session, bytes);
	return nvmetd__session__unpack(NULL, size, bytes);
}

/* ------------------------------------------------------------------ keep alive */

static bool take_heard(struct controller *controller)
{
	bool heard = false;

	for (unsigned i = 0; i < controller->n_shares; i++)
		heard |= atomic_exchange_explicit(
			&controller->shares[i].heard, false, memory_order_relaxed);
	return heard;
}

static void look_again(struct controller *controller, uint64_t due_ns)
{
	loop_timer_set(controller->transport->service.loop, &controller->keep_alive, due_ns);
}

/* From now on it counts as heard. */
static void set_keep_alive(struct controller *controller)
{
	uint64_t period_ns = keep_alive_period_ns(controller->session->kato_ms);
	uint64_t now_ns = clock_now_ns();

	controller->is_last_chance = false;
	controller->heard_ns = now_ns;
	atomic_store(&controller->keeps_alive, period_ns > 0);
	if (period_ns == 0)
		loop_timer_clear(&controller->keep_alive);
	else
		look_again(controller, keep_alive_look_ns(now_ns, now_ns, period_ns));
}

/* After a standstill of the process, or of the machine, this may come before the reactors have
 * read what has arrived meanwhile: they are given a moment. */
static void look(struct loop_timer *timer)
{
	struct controller *controller = container_of(timer, struct controller, keep_alive);
	uint64_t period_ns = keep_alive_period_ns(controller->session->kato_ms);
	uint64_t now_ns = clock_now_ns();

	if (take_heard(controller)) {
		controller->heard_ns = now_ns;
		controller->is_last_chance = false;
	}
	if (now_ns < controller->heard_ns + period_ns) {
		look_again(controller, keep_alive_look_ns(now_ns, controller->heard_ns, period_ns));
	} else if (controller->is_last_chance) {
		controller_end(controller, "keep-alive expired");
	} else {
		controller->is_last_chance = true;
		look_again(controller, now_ns + KEEP_ALIVE_GRACE_NS);
	}
}

/* ------------------------------------------------------------------ retry delays */

/* Host Behavior Support: ACRE, the first byte. */
static bool knows_delays(const Nvmetd__Session *session)
{
	return session->features && session->features->host_behavior.len > 0 &&
	       session->features->host_behavior.data[0] == 1;
}

void controller_take_limits(struct controller *controller)
{
	const struct limits *limits = transport_limits(controller->transport);
	const uint32_t delays[] = {limits->crdt1, limits->crdt2, limits->crdt3};
	uint8_t given = 0;

	for (unsigned i = 0; knows_delays(controller->session) && i < 3; i++)
		if (delays[i] > 0)
			given |= (uint8_t)(1u << i);
	atomic_store_explicit(&controller->retry_delays, given, memory_order_relaxed);
}

/* ------------------------------------------------------------------ its life */

static void free_controller(struct controller *controller)
{
	if (controller->session)
		nvmetd__session__free_unpacked(controller->session, NULL);
	error_log_deinit(&controller->errors);
	free(controller->shares);
	free(controller);
}

struct controller *controller_drop(struct controller *controller)
{
	if (controller &&
	    atomic_fetch_sub_explicit(&controller->references, 1, memory_order_acq_rel) == 1)
		free_controller(controller);
	return NULL;
}

static int allocate(struct controller **ret_controller, const struct transport *transport)
{
	unsigned n_shares = transport->n_reactors;
	struct controller *controller = line_alloc(sizeof(*controller));

	if (!controller)
		return error_origin(-ENOMEM);
	atomic_init(&controller->references, 1);
	error_log_init(&controller->errors, transport->wire->trtype_code);
	list_init(&controller->link);
	list_init(&controller->seats);
	controller->keep_alive = LOOP_TIMER(look);
	controller->transition = LOOP_TIMER(transition_is_late);
	controller->n_shares = n_shares;
	controller->shares = line_alloc(n_shares * sizeof(*controller->shares));
	if (!controller->shares) {
		controller_drop(controller);
		return error_origin(-ENOMEM);
	}
	*ret_controller = controller;
	return 0;
}

/* CAP is the subsystem's, but MQES is the port's (Base 2.1 §3.1.4.1). */
static void set_properties(struct controller *controller, const struct view_subsystem *subsystem,
                           const struct view_port *port)
{
	controller->properties = (struct properties){
		.cap = (subsystem->cap & ~UINT64_C(0xffff)) | (port->max_queue_size - 1),
		.vs = subsystem->vs,
		.discovery = subsystem->discovery,
	};
}

void controller_limit_queues(struct controller *controller, uint32_t size_max)
{
	uint64_t cap = controller->properties.cap;

	if (size_max > 0 && (cap & 0xffff) > size_max - 1)
		controller->properties.cap = (cap & ~UINT64_C(0xffff)) | (size_max - 1);
}

/* Takes the session. */
static void begin(struct controller *controller, struct transport *transport,
                  Nvmetd__Session *session, bool discovery)
{
	controller->transport = transport;
	controller->reset_ns = clock_boot_ns();
	controller->session = session;
	controller->subsystem = session->subsystem;
	controller->cntlid = session->cntlid;
	controller->port_id = session->port_id;
	controller->discovery = discovery;
	snprintf(controller->host_nqn, sizeof(controller->host_nqn), "%s", session->host_nqn);
	if (session->host_id.len == sizeof(controller->host_id))
		memcpy(controller->host_id, session->host_id.data, sizeof(controller->host_id));
	snprintf(controller->name,
	         sizeof(controller->name),
	         "controller %u of subsystem %u",
	         controller->cntlid,
	         controller->subsystem);
	list_append(&transport->controllers, &controller->link);
}

int controller_new(struct controller **ret_controller, struct transport *transport,
                   Nvmetd__Session *session)
{
	const struct view_subsystem *subsystem;
	const struct view_port *port;
	struct controller *controller = NULL;
	int r;

	subsystem = transport->view ? view_subsystem(transport->view, session->subsystem) : NULL;
	port = transport->view ? view_port(transport->view, session->port_id) : NULL;
	r = subsystem && port ? allocate(&controller, transport) : -ENOENT;
	if (r) {
		nvmetd__session__free_unpacked(session, NULL);
		return error_trace(r);
	}
	begin(controller, transport, session, subsystem->discovery);
	set_properties(controller, subsystem, port);
	controller_take_limits(controller);
	set_keep_alive(controller);
	transition_settle(controller);
	*ret_controller = controller;
	return 0;
}

/* All are in the first share, whichever reactor did it: they are only ever summed. */
static void take_counts(struct counts *counts, const Nvmetd__Counters *left)
{
	counts_add(counts, COUNT_READS, left->reads);
	counts_add(counts, COUNT_WRITES, left->writes);
	counts_add(counts, COUNT_READ_BYTES, left->read_bytes);
	counts_add(counts, COUNT_WRITE_BYTES, left->write_bytes);
	counts_add(counts, COUNT_FLUSHES, left->flushes);
	counts_add(counts, COUNT_OTHERS, left->others);
	counts_add(counts, COUNT_ERRORS, left->errors);
}

int controller_inherit(struct controller **ret_controller, struct transport *transport,
                       const Nvmetd__HandoverController *message)
{
	Nvmetd__Session *session = message->session ? session_copy(message->session) : NULL;
	struct controller *controller;
	int r = session ? allocate(&controller, transport) : -EINVAL;

	if (r) {
		if (session)
			nvmetd__session__free_unpacked(session, NULL);
		return error_trace(r);
	}
	begin(controller, transport, session, session->discovery);
	controller->properties = (struct properties){
		.cap = message->cap,
		.vs = message->vs,
		.cc = message->cc,
		.csts = message->csts,
		.discovery = session->discovery,
	};
	controller_enable(controller);
	controller->n_expected = message->io_queues;
	if (message->counters)
		take_counts(&controller->shares[0].counts, message->counters);
	error_log_inherit(&controller->errors,
	                  message->error_count,
	                  message->error_entries.data,
	                  message->error_entries.len);
	*ret_controller = controller;
	return 0;
}

void controller_revive(struct controller *controller)
{
	if (controller->ended)
		return;
	controller_take_limits(controller);
	set_keep_alive(controller);
	transition_settle(controller);
}

void controller_enable(struct controller *controller)
{
	atomic_store(&controller->phase,
	             properties_allow_io(&controller->properties) ? CONTROLLER_READY
	                                                          : CONTROLLER_OFF);
}

struct controller *controller_find(struct transport *transport, uint32_t subsystem, uint32_t cntlid)
{
	list_for_each (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (controller->cntlid == cntlid && controller->subsystem == subsystem &&
		    !controller->ended)
			return controller;
	}
	return NULL;
}

/* An ended controller stays in the list while it has queues. */
static void forget_if_over(struct controller *controller)
{
	if (!controller->ended || !list_is_empty(&controller->seats))
		return;
	list_remove(&controller->link);
	controller_drop(controller);
}

bool controller_is_news(const struct controller *controller)
{
	return controller->discovery
	               ? log_is_debug()
	               : log_allowed(&controller->transport->associations, LINES, LINES_MS);
}

void controller_end(struct controller *controller, const char *reason)
{
	if (controller->ended)
		return;
	controller->ended = true;
	atomic_store(&controller->phase, CONTROLLER_ENDED);
	loop_timer_clear(&controller->keep_alive);
	transition_stop(controller);
	if (controller_is_news(controller))
		log_info("%s: ended: %s", controller->name, reason);
	transport_tell_gone(
		controller->transport, controller->subsystem, controller->cntlid, reason);
	list_for_each (link, &controller->seats)
		seat_terminate(container_of(link, struct seat, link), reason);
	forget_if_over(controller);
}

void controller_end_queues(struct controller *controller, const char *reason)
{
	list_for_each (link, &controller->seats) {
		struct seat *seat = container_of(link, struct seat, link);

		if (seat->qid > 0)
			seat_terminate(seat, reason);
	}
}

void controller_queue_lost(struct controller *controller, uint16_t qid, const char *reason)
{
	if (qid == 0)
		controller_end(controller, reason);
	else
		controller_end_queues(controller, "another queue of its host was lost");
}

/* ------------------------------------------------------------------ its queues */

void controller_seat(struct controller *controller, struct seat *seat, uint16_t qid, uint32_t size)
{
	must(list_is_empty(&seat->link));
	seat->controller = controller;
	seat->qid = qid;
	seat->size = size;
	list_append(&controller->seats, &seat->link);
}

void controller_unseat(struct seat *seat)
{
	struct controller *controller = seat->controller;

	if (!controller)
		return;
	list_remove(&seat->link);
	seat->controller = NULL;
	transition_settle(controller);
	forget_if_over(controller);
}

struct seat *controller_queue(const struct controller *controller, uint16_t qid)
{
	list_for_each (link, &controller->seats) {
		struct seat *seat = container_of(link, struct seat, link);

		if (seat->qid == qid && !seat->is_fenced)
			return seat;
	}
	return NULL;
}

static bool is_same_host(const Nvmetd__Session *a, const Nvmetd__Session *b)
{
	return strcmp(a->host_nqn, b->host_nqn) == 0 && a->host_id.len == b->host_id.len &&
	       (a->host_id.len == 0 ||
	        memcmp(a->host_id.data, b->host_id.data, a->host_id.len) == 0);
}

static bool has_ending_queue(const struct controller *controller)
{
	list_for_each (link, &controller->seats) {
		const struct seat *seat = container_of(link, struct seat, link);

		if (seat->qid > 0 && (seat->closing || seat->terminating) && !seat->is_fenced)
			return true;
	}
	return false;
}

bool controller_host_is_ending(const struct controller *controller)
{
	list_for_each (link, &controller->transport->controllers) {
		const struct controller *other = container_of(link, struct controller, link);

		if (other->subsystem == controller->subsystem &&
		    is_same_host(other->session, controller->session) && has_ending_queue(other))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ its session, its counts */

void controller_take_session(struct controller *controller, const Nvmetd__Session *session)
{
	uint32_t kato_ms = controller->session->kato_ms;
	Nvmetd__Session *copy;

	if (session->subsystem != controller->subsystem || session->cntlid != controller->cntlid) {
		log_warn("%s: the state service sent the session of another", controller->name);
		return;
	}
	copy = session_copy(session);
	if (!copy) {
		/* What its host was told is set would not be so here: a queue more, say. */
		log_err("%s: no memory for its session", controller->name);
		controller_end(controller, "there was no memory for its session");
		return;
	}
	nvmetd__session__free_unpacked(controller->session, NULL);
	controller->session = copy;
	controller_take_limits(controller);
	if (copy->kato_ms != kato_ms && !controller->ended)
		set_keep_alive(controller);
}

static void forget_events(Nvmetd__AsyncEvent **events, size_t *n_events)
{
	for (size_t i = 0; i < *n_events; i++)
		nvmetd__async_event__free_unpacked(events[i], NULL);
	*n_events = 0; /* the array is the session's still, and goes with it */
}

static void forget_reservations(Nvmetd__Session *session)
{
	for (size_t i = 0; i < session->n_reservation_notices; i++)
		nvmetd__reservation_notice__free_unpacked(session->reservation_notices[i], NULL);
	session->n_reservation_notices = 0;
	session->reservation_count = 0;
	session->reservation_masks.len = 0; /* the bytes go with the session */
}

/* What is known here is what the next state service will be told, should this one not hear of it.
 */
void controller_reset_session(struct controller *controller)
{
	Nvmetd__Session *session = controller->session;

	controller->reset_ns = clock_boot_ns();
	if (session->features)
		nvmetd__controller_features__free_unpacked(session->features, NULL);
	session->features = NULL;
	if (session->event_context)
		session->event_context->is_there = false;
	session->warned = 0;
	controller_take_limits(controller);
	session->io_queues = 0;
	session->async_event_config = session->persistent ? NVME_OAES_DISCOVERY : 0;
	forget_reservations(session);
	forget_events(session->events, &session->n_events);
	forget_events(session->masked_events, &session->n_masked_events);
	transport_tell_reset(controller->transport, controller->subsystem, controller->cntlid);
}

void controller_count(const struct controller *controller, Nvmetd__Counters *ret_counters)
{
	for (unsigned i = 0; i < controller->n_shares; i++)
		counts_sum(&controller->shares[i].counts, ret_counters);
}
