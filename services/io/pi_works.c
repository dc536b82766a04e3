/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "services/io/pi_work.h"

#define WORK_BYTES (PI_TUPLES_BYTES + PI_DATA_BYTES)

/* ------------------------------------------------------------------ the pool */

bool pi_make_works(struct pi *pi)
{
	pi->works = calloc(PI_WORKS, sizeof(*pi->works));
	if (posix_memalign(&pi->memory, 4096, (size_t)PI_WORKS * WORK_BYTES) != 0)
		pi->memory = NULL;
	if (!pi->works || !pi->memory)
		return false;
	for (unsigned i = 0; i < PI_WORKS; i++) {
		struct pi_work *work = &pi->works[i];

		work->pi = pi;
		work->memory = (unsigned char *)pi->memory + (size_t)i * WORK_BYTES;
		list_append(&pi->free, &work->link);
	}
	return true;
}

void pi_free_works(struct pi *pi)
{
	free(pi->works);
	free(pi->memory);
}

/* ------------------------------------------------------------------ coming in, and leaving */

static void deliver_entry(struct letter *letter)
{
	pi_work_entered(container_of(letter, struct pi_work, letter));
}

static void deliver_work(struct letter *letter)
{
	pi_work_begin(container_of(letter, struct pi_work, letter));
}

bool pi_work_enter(struct pi_work *work)
{
	bool enters;

	work->has_range = true;
	pthread_mutex_lock(&work->pi->lock);
	enters = pi_ranges_enter(&work->pi->ranges, &work->range);
	pthread_mutex_unlock(&work->pi->lock);
	return enters;
}

void pi_work_leave(struct pi_work *work)
{
	struct pi *pi = work->pi;
	struct pi_range *range;

	work->has_range = false;
	do {
		pthread_mutex_lock(&pi->lock);
		pi_ranges_leave(&work->range);
		range = pi_ranges_admit(&pi->ranges);
		pthread_mutex_unlock(&pi->lock);
		if (range) {
			struct pi_work *other = container_of(range, struct pi_work, range);

			request_post(other->outer, &other->letter, deliver_entry);
		}
	} while (range);
}

/* ------------------------------------------------------------------ following */

static void deliver_go(struct letter *letter)
{
	pi_work_goes(container_of(letter, struct pi_work, letter));
}

static void deliver_tuples(struct letter *letter)
{
	pi_work_tuples_done(container_of(letter, struct pi_work, tuples_letter));
}

struct pi_work *pi_work_next_follower(struct pi_work *leader)
{
	struct pi *pi = leader->pi;
	struct pi_range *range;
	struct pi_work *follower;

	pthread_mutex_lock(&pi->lock);
	range = pi_ranges_follow(&pi->ranges, &leader->range);
	pthread_mutex_unlock(&pi->lock);
	if (!range)
		return NULL;
	follower = container_of(range, struct pi_work, range);
	list_append(&leader->followers, &follower->follower);
	return follower;
}

/* These come in this order: both go to its own thread. */
void pi_work_tell_to_go(struct pi_work *follower)
{
	request_post(follower->outer, &follower->letter, deliver_go);
}

void pi_work_tell_of_tuples(struct pi_work *leader, struct nvme_status status)
{
	struct list *first;

	while ((first = list_take_first(&leader->followers))) {
		struct pi_work *follower = container_of(first, struct pi_work, follower);

		follower->tuples_status = status;
		request_post(follower->outer, &follower->tuples_letter, deliver_tuples);
	}
}

/* ------------------------------------------------------------------ a request's work */

struct pi_work *pi_work_take(struct pi *pi, struct request *outer)
{
	struct pi_work *work = NULL;
	struct list *first;

	pthread_mutex_lock(&pi->lock);
	first = list_take_first(&pi->free);
	if (!first)
		list_append(&pi->waiting, &outer->job.link);
	pthread_mutex_unlock(&pi->lock);
	if (!first)
		return NULL;
	work = container_of(first, struct pi_work, link);
	work->outer = outer;
	return work;
}

/* The work is the next one's that waits for one, or free. */
void pi_work_give_back(struct pi_work *work)
{
	struct pi *pi = work->pi;
	struct list *next;

	pthread_mutex_lock(&pi->lock);
	next = list_take_first(&pi->waiting);
	if (!next)
		list_append(pi->free.next, &work->link); /* whose memory was used last */
	pthread_mutex_unlock(&pi->lock);
	if (!next)
		return;
	work->outer = container_of(next, struct request, job.link);
	request_post(work->outer, &work->letter, deliver_work);
}
