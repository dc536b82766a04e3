/* SPDX-License-Identifier: BSD-2-Clause */
#include "hw-drivers/rdma/completions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"

/* Entries of a completion queue: a dozen queue pairs of 128 commands. */
#define ENTRIES 8192u

/* Acknowledging takes a lock of libibverbs's. */
#define ACKNOWLEDGE_AFTER 64u

struct shared_room {
	struct list link;
	const void *shared;
};

/* ------------------------------------------------------------------ the channel */

static void told(struct loop_source *source, uint32_t events)
{
	struct completions *completions = container_of(source, struct completions, source);
	struct completion_queue *queue;
	struct ibv_cq *cq;
	void *context;

	/* One at a time, without asking in vain whether that was all: the loop comes again. */
	(void)events;
	if (ibv_get_cq_event(completions->channel, &cq, &context) != 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		loop_remove(&completions->source); /* it would be ready for ever */
		completions->lost(completions);
		return;
	}
	queue = context;
	queue->is_armed = false;
	if (++queue->unacknowledged < ACKNOWLEDGE_AFTER)
		return;
	ibv_ack_cq_events(cq, queue->unacknowledged);
	queue->unacknowledged = 0;
}

int completions_init(struct completions *completions, struct adapter *adapter, struct loop *loop,
                     unsigned thread, void (*done)(struct completions *, const struct ibv_wc *),
                     void (*lost)(struct completions *))
{
	int flags, r;

	*completions = (struct completions){
		.adapter = adapter, .first_vector = thread, .done = done, .lost = lost};
	list_init(&completions->queues);
	completions->source = LOOP_SOURCE(told);
	completions->channel = ibv_create_comp_channel(adapter->verbs);
	if (!completions->channel)
		return error_origin(adapter_error(-1));
	flags = fcntl(completions->channel->fd, F_GETFL);
	r = flags < 0 || fcntl(completions->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0
	            ? error_origin(-errno)
	            : loop_add(loop, &completions->source, completions->channel->fd, EPOLLIN);
	if (r)
		completions_deinit(completions);
	return r;
}

/* ------------------------------------------------------------------ queues */

static void free_queue(struct completion_queue *queue)
{
	struct list *link;

	list_remove(&queue->link);
	while ((link = list_take_first(&queue->shared)))
		free(container_of(link, struct shared_room, link));
	if (queue->unacknowledged)
		ibv_ack_cq_events(queue->cq, queue->unacknowledged);
	if (queue->cq)
		ibv_destroy_cq(queue->cq);
	free(queue);
}

void completions_deinit(struct completions *completions)
{
	while (!list_is_empty(&completions->queues))
		free_queue(container_of(completions->queues.next, struct completion_queue, link));
	loop_remove(&completions->source);
	if (completions->channel)
		ibv_destroy_comp_channel(completions->channel);
	completions->channel = NULL;
}

static int new_queue(struct completions *completions, uint32_t least,
                     struct completion_queue **ret_queue)
{
	struct adapter *adapter = completions->adapter;
	struct completion_queue *queue = calloc(1, sizeof(*queue));
	uint32_t entries = least > ENTRIES ? least : ENTRIES;
	int vectors = adapter->verbs->num_comp_vectors;
	int vector = vectors > 0
	                     ? (int)(completions->first_vector + completions->n_queues) % vectors
	                     : 0;

	if (!queue)
		return error_origin(-ENOMEM);
	if (entries > adapter->max_cqe)
		entries = adapter->max_cqe;
	list_init(&queue->shared);
	list_init(&queue->link);
	if (entries >= least)
		queue->cq = ibv_create_cq(
			adapter->verbs, (int)entries, queue, completions->channel, vector);
	else
		errno = ENOSPC;
	if (!queue->cq) {
		int r = adapter_error(-1);

		free_queue(queue);
		return error_origin(r);
	}
	queue->room = (uint32_t)queue->cq->cqe < entries ? (uint32_t)queue->cq->cqe : entries;
	list_append(&completions->queues, &queue->link);
	completions->n_queues++;
	*ret_queue = queue;
	return 0;
}

static bool has_shared(const struct completion_queue *queue, const void *shared)
{
	list_for_each (link, &queue->shared)
		if (container_of(link, struct shared_room, link)->shared == shared)
			return true;
	return false;
}

static uint32_t needed(const struct completion_queue *queue, uint32_t entries, const void *shared,
                       uint32_t shared_entries)
{
	return shared && !has_shared(queue, shared) ? entries + shared_entries : entries;
}

static struct completion_queue *find_room(struct completions *completions, uint32_t entries,
                                          const void *shared, uint32_t shared_entries)
{
	list_for_each (link, &completions->queues) {
		struct completion_queue *queue = container_of(link, struct completion_queue, link);

		if (queue->room >= needed(queue, entries, shared, shared_entries))
			return queue;
	}
	return NULL;
}

static int note_shared(struct completion_queue *queue, const void *shared, uint32_t entries)
{
	struct shared_room *room;

	if (!shared || has_shared(queue, shared))
		return 0;
	room = malloc(sizeof(*room));
	if (!room)
		return error_origin(-ENOMEM);
	room->shared = shared;
	list_append(&queue->shared, &room->link);
	queue->room -= entries;
	return 0;
}

int completions_reserve(struct completions *completions, uint32_t entries, const void *shared,
                        uint32_t shared_entries, struct completion_queue **ret_queue)
{
	struct completion_queue *queue = find_room(completions, entries, shared, shared_entries);
	int r = 0;

	if (!queue)
		r = new_queue(completions, entries + (shared ? shared_entries : 0), &queue);
	if (!r)
		r = note_shared(queue, shared, shared_entries);
	if (r)
		return r;
	queue->room -= entries;
	*ret_queue = queue;
	return 0;
}

void completions_release(struct completion_queue *queue, uint32_t entries)
{
	queue->room += entries;
}

static void release_shared(struct completion_queue *queue, const void *shared, uint32_t entries)
{
	list_for_each (link, &queue->shared) {
		struct shared_room *room = container_of(link, struct shared_room, link);

		if (room->shared != shared)
			continue;
		list_remove(link);
		free(room);
		queue->room += entries;
		return;
	}
}

void completions_release_shared(struct completions *completions, const void *shared,
                                uint32_t shared_entries)
{
	list_for_each (link, &completions->queues)
		release_shared(
			container_of(link, struct completion_queue, link), shared, shared_entries);
}

/* ------------------------------------------------------------------ looking */

static unsigned give_held(struct completions *completions, struct completion_queue *queue)
{
	unsigned n = queue->n_held;

	queue->n_held = 0;
	for (unsigned i = 0; i < n; i++)
		completions->done(completions, &queue->held[i]);
	return n;
}

static unsigned look_at(struct completions *completions, struct completion_queue *queue)
{
	struct ibv_wc found[COMPLETIONS_BATCH];
	unsigned held = give_held(completions, queue);
	int n = ibv_poll_cq(queue->cq, COMPLETIONS_BATCH, found);

	for (int i = 0; i < n; i++)
		completions->done(completions, &found[i]);
	return held + (n > 0 ? (unsigned)n : 0);
}

unsigned completions_look(struct completions *completions)
{
	unsigned n = 0;

	list_for_each (link, &completions->queues)
		n += look_at(completions, container_of(link, struct completion_queue, link));
	return n;
}

void completions_drain(struct completions *completions, struct completion_queue *queue)
{
	while (look_at(completions, queue) > 0)
		;
}

/* Armed first, then looked at: what comes between the two is found, what comes later is told. A
 * device that is gone can neither be armed nor tell anything. */
static bool is_empty(const struct adapter *adapter, struct completion_queue *queue)
{
	int n;

	if (queue->n_held > 0)
		return false;
	if (!queue->is_armed)
		queue->is_armed = ibv_req_notify_cq(queue->cq, 0) == 0;
	n = ibv_poll_cq(queue->cq, COMPLETIONS_BATCH, queue->held);
	queue->n_held = n > 0 ? (unsigned)n : 0;
	return queue->n_held == 0 && (queue->is_armed || atomic_load(&adapter->is_gone));
}

bool completions_sleep(struct completions *completions)
{
	list_for_each (link, &completions->queues)
		if (!is_empty(completions->adapter,
		              container_of(link, struct completion_queue, link)))
			return false;
	return true;
}
