/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/seat.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/transport/reactor.h"
#include "common/transport/spread.h"

struct seat *seat_new(const struct queue *queue)
{
	struct seat *seat = calloc(1, sizeof(*seat));

	if (!seat)
		return NULL;
	seat->reactor = queue->reactor;
	seat->queue = queue->number;
	seat->port_id = queue->port_id;
	snprintf(seat->host_address, sizeof(seat->host_address), "%s", queue->host_address);
	seat->host = spread_host(queue->host_address);
	snprintf(seat->local_address, sizeof(seat->local_address), "%s", queue->local_address);
	snprintf(seat->local_service, sizeof(seat->local_service), "%s", queue->local_service);
	seat->size_max = queue->size_max;
	seat->io_size_max = queue->io_size_max;
	seat->has_qid = queue->has_qid;
	seat->expected_qid = queue->expected_qid;
	list_init(&seat->link);
	list_init(&seat->tasks);
	atomic_fetch_add(&seat->reactor->n_seats, 1);
	return seat;
}

/* ------------------------------------------------------------------ to the reactor */

static void terminate(struct letter *letter)
{
	struct seat *seat = container_of(letter, struct seat, terminate_letter);
	struct queue *queue = reactor_queue(seat->reactor, seat->queue);

	if (queue && !queue->closing)
		queue->wire->terminate(queue, seat->reason);
}

void seat_terminate(struct seat *seat, const char *reason)
{
	if (seat->terminating || seat->closing)
		return;
	seat->terminating = true;
	snprintf(seat->reason, sizeof(seat->reason), "%s", reason);
	mailbox_post(&seat->reactor->mailbox, &seat->terminate_letter, terminate);
}

static void bury(struct letter *letter)
{
	struct seat *seat = container_of(letter, struct seat, bury_letter);

	atomic_fetch_sub(&seat->reactor->n_seats, 1);
	free(seat);
}

void seat_bury(struct seat *seat)
{
	mailbox_post(&seat->reactor->mailbox, &seat->bury_letter, bury);
}
