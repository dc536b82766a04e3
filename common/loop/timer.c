/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/loop/timer.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/error.h"

void timers_deinit(struct timers *timers)
{
	free(timers->heap);
	*timers = (struct timers){0};
}

/* Room is made long before it is needed. A loop that has no memory for it now goes on setting
 * timers, and tries again with each: one that was not set would be a wait without an end. */
#define SPARE 64u

int timers_reserve(struct timers *timers)
{
	unsigned room = timers->room ? 2 * timers->room : 2 * SPARE;
	struct loop_timer **heap;

	if (timers->count + SPARE < timers->room)
		return 0;
	heap = reallocarray(timers->heap, room, sizeof(struct loop_timer *));
	if (!heap)
		return timers->count < timers->room ? 0 : error_origin(-ENOMEM);
	timers->heap = heap;
	timers->room = room;
	return 0;
}

static void set_place(struct timers *timers, unsigned place, struct loop_timer *timer)
{
	timers->heap[place] = timer;
	timer->place = place;
}

/* Lets the timer rise or sink from an empty place to where it belongs. */
static void settle(struct timers *timers, unsigned place, struct loop_timer *timer)
{
	struct loop_timer **heap = timers->heap;
	unsigned child;

	while (place > 0 && heap[(place - 1) / 2]->due_ns > timer->due_ns) {
		set_place(timers, place, heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	while ((child = 2 * place + 1) < timers->count) {
		if (child + 1 < timers->count && heap[child + 1]->due_ns < heap[child]->due_ns)
			child++;
		if (heap[child]->due_ns >= timer->due_ns)
			break;
		set_place(timers, place, heap[child]);
		place = child;
	}
	set_place(timers, place, timer);
}

void timers_put(struct timers *timers, struct loop_timer *timer, uint64_t due_ns)
{
	must(timers->count < timers->room);
	timer->due_ns = due_ns;
	timers->count++;
	settle(timers, timers->count - 1, timer);
}

void timers_move(struct timers *timers, struct loop_timer *timer, uint64_t due_ns)
{
	must(timer->place < timers->count && timers->heap[timer->place] == timer);
	timer->due_ns = due_ns;
	settle(timers, timer->place, timer);
}

void timers_take_out(struct timers *timers, struct loop_timer *timer)
{
	unsigned place = timer->place;
	struct loop_timer *last;

	must(place < timers->count && timers->heap[place] == timer);
	last = timers->heap[--timers->count];
	if (last != timer)
		settle(timers, place, last);
	timer->due_ns = 0;
}

struct loop_timer *timers_next(const struct timers *timers)
{
	return timers->count ? timers->heap[0] : NULL;
}
