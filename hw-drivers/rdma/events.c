/* SPDX-License-Identifier: BSD-2-Clause */
#include "hw-drivers/rdma/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/error.h"

/* Events taken in one round */
#define BATCH 32

static struct event copy(const struct rdma_cm_event *from)
{
	const struct rdma_conn_param *said = &from->param.conn;
	struct event event = {
		.type = from->event,
		.status = from->status,
		.id = from->id,
		.context = from->listen_id ? from->listen_id->context : from->id->context,
		.host_reads = said->initiator_depth,
	};

	if (said->private_data && said->private_data_len > 0) {
		event.private_bytes = said->private_data_len;
		memcpy(event.private_data, said->private_data, said->private_data_len);
	}
	return event;
}

static void told(struct loop_source *source, uint32_t ready)
{
	struct events *events = container_of(source, struct events, source);
	struct rdma_cm_event *from;

	(void)ready;
	for (int i = 0; i < BATCH && rdma_get_cm_event(events->channel, &from) == 0; i++) {
		struct event event = copy(from);

		rdma_ack_cm_event(from);
		events->happened(events, &event);
	}
}

int events_open(struct events *events, struct loop *loop,
                void (*happened)(struct events *, const struct event *))
{
	int flags, r;

	*events = (struct events){.source = LOOP_SOURCE(told), .happened = happened};
	events->channel = rdma_create_event_channel();
	if (!events->channel)
		return error_origin(-errno);
	flags = fcntl(events->channel->fd, F_GETFL);
	r = flags < 0 || fcntl(events->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0
	            ? error_origin(-errno)
	            : loop_add(loop, &events->source, events->channel->fd, EPOLLIN);
	if (r)
		events_close(events);
	return r;
}

void events_close(struct events *events)
{
	loop_remove(&events->source);
	if (events->channel)
		rdma_destroy_event_channel(events->channel);
	events->channel = NULL;
}
