/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/lane.h"

#include <stdlib.h>

#include "services/tcp/connection.h"

/* One for each reactor, touched by its thread alone. */
#define LANES 64

static struct lane lanes[LANES];

static void settle_marked(struct lane *lane)
{
	struct list *link;

	while ((link = list_take_first(&lane->marked)))
		connection_settle(container_of(link, struct connection, marked));
}

static void round_ends(struct loop_hook *hook)
{
	struct lane *lane = container_of(hook, struct lane, hook);
	struct list *link;

	while ((link = list_take_first(&lane->later)))
		list_append(&lane->marked, link);
	settle_marked(lane);
}

struct lane *lane_of(struct reactor *reactor)
{
	struct lane *lane = &lanes[reactor_index(reactor) % LANES];

	if (lane->scratch)
		return lane;
	lane->scratch = malloc(LANE_SCRATCH_BYTES);
	if (!lane->scratch)
		return NULL;
	lane->loop = reactor_loop(reactor);
	lane->limits = reactor_limits(reactor);
	list_init(&lane->marked);
	list_init(&lane->later);
	lane->hook.round_ends = round_ends;
	loop_hook_add(lane->loop, &lane->hook);
	return lane;
}

void lane_mark(struct lane *lane, struct list *link)
{
	if (list_is_empty(link))
		list_append(&lane->marked, link);
}

void lane_mark_again(struct lane *lane, struct list *link)
{
	list_remove(link);
	list_append(&lane->later, link);
	loop_again(lane->loop);
	loop_busy(lane->loop);
}

void lane_flush(struct reactor *reactor)
{
	struct lane *lane = lane_of(reactor);

	if (lane)
		settle_marked(lane);
}

void lane_forget(struct reactor *reactor)
{
	struct lane *lane = &lanes[reactor_index(reactor) % LANES];

	if (!lane->scratch)
		return;
	loop_hook_remove(&lane->hook);
	free(lane->scratch);
	*lane = (struct lane){0};
}
