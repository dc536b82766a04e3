/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may begin. A request that changes a zone has it for itself, one that is about all zones has
 * all; one that only reads needs no more than a work. Those that come into each other's way wait:
 *
 *   line of a zone   for this zone
 *   everybody        for all zones; or behind somebody who does
 *   waiting          for a work, and have their zones
 *
 * Who waits in the first two holds nothing, and who has a work waits for nobody: so there is always
 * somebody who goes on.
 */
#include <stdlib.h>

#include "services/io/lane.h"
#include "services/io/zoned.h"

/* ------------------------------------------------------------------ the pool */

bool zoned_make_works(struct zoned *zoned)
{
	uint32_t count = zoned->zones.geometry.count;

	list_init(&zoned->everybody);
	list_init(&zoned->waiting);
	list_init(&zoned->free);
	zoned->lines = calloc(count, sizeof(*zoned->lines));
	zoned->works = calloc(ZONED_WORKS, sizeof(*zoned->works));
	if (posix_memalign(&zoned->memory, 4096, (size_t)ZONED_WORKS * ZONED_WORK_BYTES) != 0)
		zoned->memory = NULL;
	if (!zoned->lines || !zoned->works || !zoned->memory)
		return false;
	for (uint32_t i = 0; i < count; i++)
		list_init(&zoned->lines[i].waiting);
	for (unsigned i = 0; i < ZONED_WORKS; i++) {
		struct zone_work *work = &zoned->works[i];

		work->zoned = zoned;
		work->memory = (unsigned char *)zoned->memory + (size_t)i * ZONED_WORK_BYTES;
		list_append(&zoned->free, &work->link);
	}
	return true;
}

void zoned_free_works(struct zoned *zoned)
{
	free(zoned->lines);
	free(zoned->works);
	free(zoned->memory);
}

/* ------------------------------------------------------------------ what a request needs */

static bool needs_all(const struct request *request)
{
	return request->wanted.operation == LINK_ZONE_SEND &&
	       (request->wanted.application_mask & LINK_ZONE_ALL);
}

/* Only these name a block of a zone: of another one first_block is whatever came over the link. */
static bool needs_zone(const struct request *request)
{
	switch (request->wanted.operation) {
	case LINK_WRITE:
	case LINK_ZONE_APPEND:
		return true;
	case LINK_WRITE_ZEROES:
		return request->wanted.block_count > 0;
	case LINK_ZONE_SEND:
		return !needs_all(request);
	default:
		return false;
	}
}

static struct zone_line *line_of(struct zoned *zoned, const struct request *request)
{
	return &zoned->lines[zones_index(&zoned->zones, request->wanted.first_block)];
}

static struct request *request_at(struct list *link)
{
	return container_of(link, struct request, job.link);
}

/* ------------------------------------------------------------------ the lines */

/* Nobody is in front of it. */
static bool take_all(struct zoned *zoned)
{
	if (zoned->is_all_busy || zoned->n_busy > 0)
		return false;
	zoned->is_all_busy = true;
	return true;
}

static bool take_zone(struct zoned *zoned, struct request *request)
{
	struct zone_line *line = line_of(zoned, request);

	if (line->is_busy) {
		list_append(&line->waiting, &request->job.link);
		return false;
	}
	line->is_busy = true;
	zoned->n_busy++;
	return true;
}

/* False: it waits in one of the lines. */
static bool enter(struct zoned *zoned, struct request *request)
{
	if (!needs_zone(request) && !needs_all(request))
		return true;
	if (zoned->is_all_busy || !list_is_empty(&zoned->everybody) ||
	    (needs_all(request) && zoned->n_busy > 0)) {
		list_append(&zoned->everybody, &request->job.link);
		return false;
	}
	return needs_all(request) ? take_all(zoned) : take_zone(zoned, request);
}

/* As many of those who wait for all, or behind such, as may go on. */
static void admit_everybody(struct zoned *zoned)
{
	while (!zoned->is_all_busy && !list_is_empty(&zoned->everybody)) {
		struct request *request = request_at(zoned->everybody.next);

		if (needs_all(request) && !take_all(zoned))
			return;
		list_remove(&request->job.link);
		if (needs_all(request) || take_zone(zoned, request))
			list_append(&zoned->waiting, &request->job.link);
	}
}

static void leave(struct zoned *zoned, const struct request *request)
{
	struct zone_line *line;
	struct list *next;

	if (needs_all(request)) {
		zoned->is_all_busy = false;
	} else if (needs_zone(request)) {
		line = line_of(zoned, request);
		next = list_take_first(&line->waiting);
		if (next) {
			list_append(&zoned->waiting, next); /* the zone is its own now */
		} else {
			line->is_busy = false;
			zoned->n_busy--;
		}
	}
	admit_everybody(zoned);
}

/* ------------------------------------------------------------------ works */

static void deliver_work(struct letter *letter)
{
	zone_work_begin(container_of(letter, struct zone_work, letter));
}

static struct zone_work *give_work(struct zoned *zoned, struct request *request)
{
	struct zone_work *work = container_of(
		list_take_first(&zoned->free), struct zone_work, link);

	work->outer = request;
	work->has_begun = false;
	work->is_cancelled = false;
	return work;
}

/* To those who have waited for one. The first of this thread is returned, others are written to. */
static struct zone_work *hand_out(struct zoned *zoned, const struct io_thread *thread)
{
	struct zone_work *mine = NULL;

	while (!list_is_empty(&zoned->waiting) && !list_is_empty(&zoned->free)) {
		struct zone_work *work = give_work(zoned,
		                                   request_at(list_take_first(&zoned->waiting)));

		if (!mine && work->outer->lane->thread == thread)
			mine = work;
		else
			request_post(work->outer, &work->letter, deliver_work);
	}
	return mine;
}

struct zone_work *zoned_let_in(struct zoned *zoned, struct request *request)
{
	struct zone_work *work = NULL;

	pthread_mutex_lock(&zoned->lock);
	if (enter(zoned, request)) {
		if (list_is_empty(&zoned->free) || !list_is_empty(&zoned->waiting))
			list_append(&zoned->waiting, &request->job.link);
		else
			work = give_work(zoned, request);
	}
	pthread_mutex_unlock(&zoned->lock);
	return work;
}

struct zone_work *zoned_let_out(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	const struct io_thread *thread = work->outer->lane->thread;
	struct zone_work *next;

	pthread_mutex_lock(&zoned->lock);
	leave(zoned, work->outer);
	work->outer = NULL;
	list_append(zoned->free.next, &work->link); /* whose memory was used last */
	next = hand_out(zoned, thread);
	pthread_mutex_unlock(&zoned->lock);
	return next;
}

/* ------------------------------------------------------------------ calling off */

static bool remove_from(struct list *list, struct request *request)
{
	list_for_each (link, list) {
		if (link != &request->job.link)
			continue;
		list_remove(link);
		return true;
	}
	return false;
}

bool zoned_call_off(struct zoned *zoned, struct request *request)
{
	bool waited = false;

	pthread_mutex_lock(&zoned->lock);
	if (needs_zone(request) || needs_all(request))
		waited = remove_from(&zoned->everybody, request);
	if (!waited && needs_zone(request))
		waited = remove_from(&line_of(zoned, request)->waiting, request);
	if (waited) {
		admit_everybody(zoned); /* it may have been the one that they waited behind */
	} else if (remove_from(&zoned->waiting, request)) {
		leave(zoned, request); /* it had its zone already */
		waited = true;
	}
	if (waited)
		hand_out(zoned, NULL); /* by letters alone */
	pthread_mutex_unlock(&zoned->lock);
	return waited;
}

struct zone_work *zoned_find_work(struct zoned *zoned, const struct request *request)
{
	struct zone_work *found = NULL;

	pthread_mutex_lock(&zoned->lock);
	for (unsigned i = 0; i < ZONED_WORKS && !found; i++)
		if (zoned->works[i].outer == request)
			found = &zoned->works[i];
	pthread_mutex_unlock(&zoned->lock);
	return found;
}
