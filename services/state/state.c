/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/state.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/state/ana_change.h"
#include "services/state/announce.h"
#include "services/state/deferred.h"
#include "services/state/event.h"
#include "services/state/journal.h"
#include "services/state/move.h"
#include "services/state/secret.h"
#include "services/state/tally.h"

/* So long the copy may lack what no operator has changed. */
#define COPY_DELAY_NS NS_PER_S

void state_init(struct state *state, struct loop *loop, const char *run_dir, uint64_t instance)
{
	*state = (struct state){.loop = loop, .run_dir = run_dir, .instance = instance};
	target_init(&state->target);
	list_init(&state->sessions);
	list_init(&state->transports);
	list_init(&state->workers);
	list_init(&state->secrets);
	list_init(&state->gathers);
	list_init(&state->connecting);
	list_init(&state->faults);
	list_init(&state->barriers);
	list_init(&state->deferred);
	list_init(&state->tallies);
	list_init(&state->moves);
	list_init(&state->ana_changes);
	list_init(&state->announcers);
	state->born_ns = clock_now_ns();
}

static void worker_free(struct worker *worker)
{
	list_remove(&worker->link);
	free(worker->view.bytes);
	free(worker);
}

void state_deinit(struct state *state)
{
	state->transport_server = ipc_server_free(state->transport_server);
	state->worker_server = ipc_server_free(state->worker_server);
	state->ctl_server = ipc_server_free(state->ctl_server);
	state->announce_server = ipc_server_free(state->announce_server);
	announce_deinit(state);
	loop_timer_clear(&state->leave);
	deferred_forget_all(state);
	tally_forget_all(state);
	move_forget_all(state);
	ana_change_forget_all(state);
	loop_timer_clear(&state->timer); /* set until the last peer is gone */
	list_for_each_safe (at, &state->sessions)
		state_forget_session(container_of(at, struct session, link));
	list_for_each_safe (at, &state->transports)
		state_remove_transport(state, container_of(at, struct transport, link));
	list_for_each_safe (at, &state->workers)
		worker_free(container_of(at, struct worker, link));
	secret_forget_all(state);
	target_deinit(&state->target);
	loop_timer_clear(&state->copy_timer);
	if (state->database && !state->held && database_is_uncopied(state->database))
		database_copy(state->database);
	state->database = database_free(state->database);
}

struct transport *state_find_transport(const struct state *state, const char *name)
{
	list_for_each (at, (struct list *)&state->transports) {
		struct transport *transport = container_of(at, struct transport, link);

		if (strcmp(transport->name, name) == 0)
			return transport;
	}
	return NULL;
}

struct transport *state_add_transport(struct state *state, const char *name)
{
	struct transport *transport = state_find_transport(state, name);

	if (transport)
		return transport;
	transport = calloc(1, sizeof(*transport));
	if (!transport)
		return NULL;
	snprintf(transport->name, sizeof(transport->name), "%s", name);
	transport->traits = traits_of(NULL);
	list_append(&state->transports, &transport->link);
	return transport;
}

void state_remove_transport(struct state *state, struct transport *transport)
{
	state_forget_sessions(state, transport);
	list_remove(&transport->link);
	free(transport->view.bytes);
	free(transport->listeners);
	free(transport);
}

struct worker *state_find_worker(const struct state *state, const char *name)
{
	list_for_each (at, (struct list *)&state->workers) {
		struct worker *worker = container_of(at, struct worker, link);

		if (strcmp(worker->name, name) == 0)
			return worker;
	}
	return NULL;
}

struct worker *state_add_worker(struct state *state, const char *name)
{
	struct worker *worker = state_find_worker(state, name);

	if (worker)
		return worker;
	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return NULL;
	snprintf(worker->name, sizeof(worker->name), "%s", name);
	snprintf(worker->path, sizeof(worker->path), "%s/io/%s.sock", state->run_dir, name);
	list_append(&state->workers, &worker->link);
	return worker;
}

void state_forget_session(struct session *session)
{
	event_unpark_all(session);
	session_free(session);
}

void state_forget_sessions(struct state *state, const struct transport *transport)
{
	list_for_each_safe (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);

		if (session->transport == transport)
			state_forget_session(session);
	}
}

/* Further than this no peer can be ahead of us. */
#define AHEAD_MAX (UINT64_C(1) << 40)

void state_has_seen(struct state *state, uint64_t revision)
{
	if (revision > state->target.revision && revision - state->target.revision < AHEAD_MAX)
		state->target.revision = revision;
}

uint64_t state_next_revision(struct state *state)
{
	struct target *target = &state->target;
	uint64_t kept = target->revision + 1 + STATE_REVISION_STEP;

	if (target->revision + 1 > target->revision_kept &&
	    database_set_number(state->database, "revision", kept) == 0)
		target->revision_kept = kept;
	return ++target->revision;
}

static int save_all(struct state *state)
{
	int r = 0;

	list_for_each (at, &state->target.subsystems) {
		const struct subsystem *subsystem = container_of(at, struct subsystem, link);

		if (!r && subsystem->unsaved)
			r = database_put_subsystem(state->database, subsystem);
		if (!r && journal_is_unsaved(subsystem))
			r = database_put_journal(state->database, subsystem);
	}
	list_for_each (at, &state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (!r && backing->unsaved)
			r = database_put_backing(state->database, backing);
		if (!r && backing_device(backing) != backing->device_kept)
			r = database_put_device(state->database, backing);
	}
	list_for_each (at, &state->secrets) {
		const struct secret *secret = container_of(at, struct secret, link);

		if (!r && secret->unsaved)
			r = database_put_token(state->database,
			                       secret->transport,
			                       secret->instance,
			                       secret->worker,
			                       secret->bytes);
	}
	return r;
}

/* Whether anything is marked; with `done`, the marks are taken away. */
static bool find_unsaved(struct state *state, bool done)
{
	bool found = false;

	list_for_each (at, &state->target.subsystems) {
		struct subsystem *subsystem = container_of(at, struct subsystem, link);

		found |= subsystem->unsaved || journal_is_unsaved(subsystem);
		subsystem->unsaved &= !done;
		if (done)
			journal_saved(subsystem);
	}
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		found |= backing->unsaved;
		backing->unsaved &= !done;
		if (done)
			backing->device_kept = backing_device(backing);
	}
	list_for_each (at, &state->secrets) {
		struct secret *secret = container_of(at, struct secret, link);

		found |= secret->unsaved;
		secret->unsaved &= !done;
	}
	return found;
}

int state_save(struct state *state)
{
	int r;

	if (!find_unsaved(state, false))
		return 0;
	r = database_begin(state->database);
	if (!r)
		r = save_all(state);
	if (!r)
		r = database_commit(state->database);
	if (r)
		database_rollback(state->database);
	else
		find_unsaved(state, true);
	return r;
}

static void copy_now(struct loop_timer *timer)
{
	struct state *state = container_of(timer, struct state, copy_timer);

	if (!state->held && database_is_uncopied(state->database))
		database_copy(state->database);
}

void state_copy_soon(struct state *state)
{
	if (!database_is_uncopied(state->database) || state->copy_timer.due_ns)
		return;
	state->copy_timer = LOOP_TIMER(copy_now);
	loop_timer_set(state->loop, &state->copy_timer, clock_now_ns() + COPY_DELAY_NS);
}
