/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/barrier.h"

#include "common/base/clock.h"
#include "services/state/reconcile.h"

void barrier_begin(struct state *state, struct barrier *barrier, uint64_t timeout_ns,
                   void (*done)(struct state *state, struct barrier *barrier, bool drained))
{
	barrier->revision = state->target.revision;
	barrier->until_ns = clock_now_ns() + timeout_ns;
	barrier->done = done;
	list_append(&state->barriers, &barrier->link);
}

void barrier_cancel(struct barrier *barrier)
{
	list_remove(&barrier->link);
}

void barrier_note_birth(struct transport *transport, uint64_t instance, uint64_t now_ns)
{
	transport->drained = UINT64_MAX;
	if (transport->instance && transport->instance != instance)
		transport->settled_ns = now_ns + RECONCILE_OPEN_NS;
}

/* One that is gone has nothing in flight; one that only lost us will say so very soon. */
static bool has_drained(const struct transport *transport, uint64_t revision, uint64_t now_ns)
{
	if (!transport->peer)
		return now_ns - transport->gone_ns >= RECONCILE_OPEN_NS;
	return transport->presented && transport->drained > revision &&
	       now_ns >= transport->settled_ns;
}

bool barrier_is_drained(const struct state *state, uint64_t revision, uint64_t now_ns)
{
	if (!state->open)
		return false;
	list_for_each (at, (struct list *)&state->transports)
		if (!has_drained(container_of(at, struct transport, link), revision, now_ns))
			return false;
	return true;
}

bool barrier_needs_view(const struct state *state, const struct transport *transport)
{
	list_for_each (at, (struct list *)&state->barriers)
		if (container_of(at, struct barrier, link)->revision >= transport->view_revision)
			return true;
	return false;
}

/* The first that is over; NULL if none is. done() may end others, so one at a time. */
static struct barrier *find_over(const struct state *state, uint64_t now_ns, bool *ret_drained)
{
	list_for_each (at, (struct list *)&state->barriers) {
		struct barrier *barrier = container_of(at, struct barrier, link);

		*ret_drained = barrier_is_drained(state, barrier->revision, now_ns);
		if (*ret_drained || now_ns >= barrier->until_ns)
			return barrier;
	}
	return NULL;
}

void barrier_finish(struct state *state, uint64_t now_ns)
{
	struct barrier *barrier;
	bool drained;

	while ((barrier = find_over(state, now_ns, &drained))) {
		list_remove(&barrier->link);
		barrier->done(state, barrier, drained);
	}
}
