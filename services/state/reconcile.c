/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/announce.h"
#include "services/state/assign.h"
#include "services/state/barrier.h"
#include "services/state/change.h"
#include "services/state/connecting.h"
#include "services/state/move.h"
#include "services/state/reservations.h"
#include "services/state/secret.h"
#include "services/state/view.h"

/* The longest that a failed step waits before it is tried again. */
#define RETRY_NS NS_PER_S

/* ------------------------------------------------------------------ tokens */

/* Room for a token of each of these peers; NULL if there is no memory. */
static struct view_token *take_tokens(struct scratch *scratch, const struct list *peers)
{
	size_t count = 0;

	list_for_each (at, peers)
		count++;
	return scratch_take(scratch, count * sizeof(struct view_token));
}

/* Of each worker with this transport. Returns how many, or a negative errno. */
static int find_worker_tokens(struct state *state, const struct transport *transport,
                              struct scratch *scratch, struct view_token **ret_tokens)
{
	struct view_token *tokens = take_tokens(scratch, &state->workers);
	const uint8_t *bytes;
	int count = 0, r;

	if (!tokens)
		return error_origin(-ENOMEM);
	list_for_each (at, &state->workers) {
		const struct worker *worker = container_of(at, struct worker, link);

		r = secret_find(state, transport, worker, &bytes);
		if (r)
			return r;
		tokens[count++] = (struct view_token){worker->name, worker->path, bytes};
	}
	*ret_tokens = tokens;
	return count;
}

/* Of each transport with this worker. */
static int find_transport_tokens(struct state *state, const struct worker *worker,
                                 struct scratch *scratch, struct view_token **ret_tokens)
{
	struct view_token *tokens = take_tokens(scratch, &state->transports);
	const uint8_t *bytes;
	int count = 0, r;

	if (!tokens)
		return error_origin(-ENOMEM);
	list_for_each (at, &state->transports) {
		const struct transport *transport = container_of(at, struct transport, link);

		r = secret_find(state, transport, worker, &bytes);
		if (r)
			return r;
		tokens[count++] = (struct view_token){transport->name, NULL, bytes};
	}
	*ret_tokens = tokens;
	return count;
}

/* ------------------------------------------------------------------ views */

/* The message, packed; NULL if there is no memory. */
static uint8_t *pack(const ProtobufCMessage *message, size_t *ret_length)
{
	uint8_t *bytes;

	*ret_length = protobuf_c_message_get_packed_size(message);
	bytes = malloc(*ret_length + 1);
	if (bytes)
		protobuf_c_message_pack(message, bytes);
	return bytes;
}

/* 1: it says something new, and is the last one now. */
static int replace_last(struct last_message *last, const ProtobufCMessage *message)
{
	size_t length;
	uint8_t *bytes = pack(message, &length);

	if (!bytes)
		return error_origin(-ENOMEM);
	if (last->bytes && last->length == length && memcmp(last->bytes, bytes, length) == 0) {
		free(bytes);
		return 0;
	}
	free(last->bytes);
	*last = (struct last_message){bytes, length};
	return 1;
}

/* What cannot be sent now is sent at the next round. */
static void forget_last(struct last_message *last)
{
	free(last->bytes);
	*last = (struct last_message){0};
}

static int send_worker_view(struct state *state, struct worker *worker, Nvmetd__WorkerView *view)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	int r = replace_last(&worker->view, &view->base);

	if (r <= 0)
		return r;
	view->revision = state_next_revision(state);
	worker->view_revision = view->revision;
	message.body_case = NVMETD__ENVELOPE__BODY_WORKER_VIEW;
	message.worker_view = view;
	ipc_server_send(worker->peer, 0, &message);
	return 0;
}

static int update_worker(struct state *state, struct worker *worker, struct scratch *scratch)
{
	struct view_token *tokens = NULL;
	Nvmetd__WorkerView *view;
	int n_tokens;

	if (!worker->peer)
		return 0;
	n_tokens = find_transport_tokens(state, worker, scratch, &tokens);
	if (n_tokens < 0)
		return n_tokens;
	view = view_of_worker(scratch, &state->target, worker->name, tokens, (size_t)n_tokens);
	return view ? send_worker_view(state, worker, view) : error_origin(-ENOMEM);
}

/* A transport must answer for a namespace that leaves, even if its view is the same again. */
static bool must_drain(const struct state *state, const struct transport *transport)
{
	list_for_each (at, (struct list *)&state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (backing->use == BACKING_LEAVING &&
		    backing->leaving_revision >= transport->view_revision)
			return true;
	}
	return barrier_needs_view(state, transport);
}

static int send_transport_view(struct state *state, struct transport *transport,
                               Nvmetd__TransportView *view)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	int r;

	if (must_drain(state, transport))
		forget_last(&transport->view);
	r = replace_last(&transport->view, &view->base);
	if (r <= 0)
		return r;
	view->revision = state_next_revision(state);
	transport->view_revision = view->revision;
	if (transport->drained == UINT64_MAX) /* from here on it may admit something */
		transport->drained = view->revision;
	message.body_case = NVMETD__ENVELOPE__BODY_TRANSPORT_VIEW;
	message.transport_view = view;
	ipc_server_send(transport->peer, 0, &message);
	return 0;
}

static int update_transport(struct state *state, struct transport *transport,
                            struct scratch *scratch)
{
	struct view_token *tokens = NULL;
	Nvmetd__TransportView *view;
	int n_tokens;

	if (!transport->peer || !transport->presented || !state->open)
		return 0;
	n_tokens = find_worker_tokens(state, transport, scratch, &tokens);
	if (n_tokens < 0)
		return n_tokens;
	view = view_of_transport(
		scratch, &state->target, transport->traits.trtype, tokens, (size_t)n_tokens);
	if (view && !transport->traits.packs_rights)
		reservations_spread_view(scratch, view);
	return view && !scratch->failed ? send_transport_view(state, transport, view)
	                                : error_origin(-ENOMEM);
}

static bool update_views(struct state *state)
{
	bool good = true;

	list_for_each (at, &state->workers) {
		_cleanup_(scratch_deinit) struct scratch scratch = SCRATCH_NULL;

		good &= update_worker(state, container_of(at, struct worker, link), &scratch) == 0;
	}
	list_for_each (at, &state->transports) {
		_cleanup_(scratch_deinit) struct scratch scratch = SCRATCH_NULL;

		good &= update_transport(
				state, container_of(at, struct transport, link), &scratch) == 0;
	}
	return good;
}

/* ------------------------------------------------------------------ leaving */

static bool may_leave(const struct state *state, const struct backing *backing, uint64_t now)
{
	return now >= backing->leaving_until_ns ||
	       barrier_is_drained(state, backing->leaving_revision, now);
}

static void finish_leaving(struct state *state, uint64_t now)
{
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (backing->use != BACKING_LEAVING || !may_leave(state, backing, now))
			continue;
		log_info("namespace %s:%u: has left worker %s",
		         backing->nqn,
		         backing->nsid,
		         backing->worker);
		backing->use = BACKING_UNUSED;
		backing->ready = false;
		backing->unsaved = true;
	}
}

static bool is_draining(const struct state *state)
{
	if (!list_is_empty(&state->barriers) || !list_is_empty(&state->moves))
		return true;
	list_for_each (at, (struct list *)&state->target.backings)
		if (container_of(at, struct backing, link)->use == BACKING_LEAVING)
			return true;
	return false;
}

/* ------------------------------------------------------------------ opening */

static bool have_workers_reported(const struct state *state)
{
	list_for_each (at, (struct list *)&state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);
		const struct worker *worker = state_find_worker(state, backing->worker);

		if (backing->use != BACKING_UNUSED && (!worker || !worker->reported))
			return false;
	}
	return true;
}

static void try_to_open(struct state *state, uint64_t now)
{
	bool reported;

	if (state->open || state->held)
		return;
	reported = have_workers_reported(state);
	if (!reported && now < state->born_ns + RECONCILE_OPEN_NS)
		return;
	state->open = true;
	if (!reported)
		log_warn("workers: not all of them have reported: their namespaces are not ready");
}

static void forget_gone(struct state *state, uint64_t now)
{
	list_for_each_safe (at, &state->transports) {
		struct transport *transport = container_of(at, struct transport, link);

		if (!transport->peer && now - transport->gone_ns >= RECONCILE_GONE_NS)
			state_remove_transport(state, transport);
	}
}

/* ------------------------------------------------------------------ all of it */

static bool is_anyone_gone(const struct state *state)
{
	list_for_each (at, (struct list *)&state->transports)
		if (!container_of(at, struct transport, link)->peer)
			return true;
	return assign_is_waiting(state);
}

static void set_timer(struct state *state, bool good, uint64_t now)
{
	if (state->held && list_is_empty(&state->barriers))
		loop_timer_clear(&state->timer);
	else if (state->held) /* they do not drain, but have their deadline */
		loop_timer_set(state->loop, &state->timer, now + RETRY_NS);
	else if (!state->open)
		loop_timer_set(state->loop, &state->timer, state->born_ns + RECONCILE_OPEN_NS);
	else if (!good || is_draining(state) || is_anyone_gone(state) ||
	         move_is_waiting(state, now))
		loop_timer_set(state->loop, &state->timer, now + RETRY_NS);
	else
		loop_timer_clear(&state->timer);
}

static void timer_expired(struct loop_timer *timer)
{
	reconcile(container_of(timer, struct state, timer));
}

void reconcile(struct state *state)
{
	uint64_t now = clock_now_ns();
	bool good;

	if (!state->timer.expired)
		state->timer = LOOP_TIMER(timer_expired);
	forget_gone(state, now);
	assign_workers(state, now);
	finish_leaving(state, now);
	barrier_finish(state, now);
	move_all(state, now);
	good = secret_make_all(state) == 0; /* so that they are saved before anyone has them */
	good &= state_save(state) == 0;
	try_to_open(state, now);
	if (!state->held)
		good &= update_views(state);
	if (state->open)
		connecting_release(state);
	change_deliver(state);
	announce_update(state);
	set_timer(state, good, now);
	state_copy_soon(state);
}

bool reconcile_is_everybody_here(const struct state *state)
{
	uint64_t now_ns = clock_now_ns();

	list_for_each (at, (struct list *)&state->transports) {
		const struct transport *transport = container_of(at, struct transport, link);

		if (transport->presented)
			continue;
		if (transport->peer ? now_ns - transport->arrived_ns < RECONCILE_GONE_NS
		                    : now_ns - transport->gone_ns < RECONCILE_OPEN_NS)
			return false;
	}
	return true;
}

int reconcile_remember(struct state *state)
{
	list_for_each (at, &state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (backing->use != BACKING_UNUSED && backing->worker[0] &&
		    !state_add_worker(state, backing->worker))
			return error_origin(-ENOMEM);
	}
	return secret_load(state);
}
