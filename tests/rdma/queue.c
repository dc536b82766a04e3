/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/rdma/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "tests/rdma/parts.h"

#define RESOLVE_MS 500
#define MARGIN     8u /* places of the CQ for what is neither a capsule nor a response */

int wire_queue_says(struct wire_queue *queue, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(queue->error, sizeof(queue->error), format, arguments);
	va_end(arguments);
	return r;
}

static void make_non_blocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* ------------------------------------------------------------------ RDMA_CM's events */

static void take_private_data(struct wire_queue *queue, const struct rdma_cm_event *event)
{
	const struct rdma_conn_param *said = &event->param.conn;

	if (event->event == RDMA_CM_EVENT_REJECTED) {
		queue->reject_status = WIRE_REJECT_SILENT;
		(void)rdma_cm_read_reject(
			said->private_data, said->private_data_len, &queue->reject_status);
	} else if (event->event == RDMA_CM_EVENT_ESTABLISHED) {
		queue->is_established = true;
		(void)rdma_cm_read_accept(
			said->private_data, said->private_data_len, &queue->receives_granted);
	}
}

/* The next event, if there is one: *ret_event -1 if not. */
static int take_event(struct wire_queue *queue, int *ret_event)
{
	struct rdma_cm_event *event;

	*ret_event = -1;
	if (rdma_get_cm_event(queue->events, &event))
		return errno == EAGAIN ? 0 : -errno;
	*ret_event = event->event;
	take_private_data(queue, event);
	if (event->event == RDMA_CM_EVENT_DISCONNECTED ||
	    event->event == RDMA_CM_EVENT_DEVICE_REMOVAL)
		queue->has_ended = true;
	if (event->event == RDMA_CM_EVENT_DISCONNECTED)
		queue->is_disconnected = true;
	wire_queue_says(queue, 0, "%s, %d", rdma_event_str(event->event), event->status);
	rdma_ack_cm_event(event);
	return 0;
}

static int poll_fds(struct wire_queue *queue, bool also_cq, uint64_t deadline_ns)
{
	struct pollfd fds[2] = {
		{.fd = queue->events->fd,                 .events = POLLIN},
		{.fd = also_cq ? queue->wakeups->fd : -1, .events = POLLIN},
	};
	uint64_t now_ns = clock_now_ns();

	if (now_ns >= deadline_ns)
		return wire_queue_says(queue, WIRE_E_DEADLINE, "nothing came in time");
	if (poll(fds, 2, (int)((deadline_ns - now_ns) / 1000000) + 1) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

/* Waits for that event and for no other. */
static int await_event(struct wire_queue *queue, enum rdma_cm_event_type wanted,
                       uint64_t deadline_ns)
{
	int event;
	int r;

	for (;;) {
		r = take_event(queue, &event);
		if (r || event == (int)wanted)
			return r;
		if (event == RDMA_CM_EVENT_REJECTED)
			return WIRE_E_REJECTED;
		if (event >= 0)
			return WIRE_E_CLOSED;
		r = poll_fds(queue, false, deadline_ns);
		if (r == WIRE_E_DEADLINE)
			return wire_queue_says(queue, r, "no %s in time", rdma_event_str(wanted));
		if (r)
			return r;
	}
}

/* ------------------------------------------------------------------ open */

/* The kernel may miss the neighbour's answer to the first time that somebody asks for it. */
static int resolve_address(struct wire_queue *queue, struct sockaddr *address, uint64_t deadline_ns)
{
	int r;

	do {
		if (rdma_resolve_addr(queue->id, NULL, address, RESOLVE_MS))
			return wire_queue_says(queue, -errno, "cannot resolve the address");
		r = await_event(queue, RDMA_CM_EVENT_ADDR_RESOLVED, deadline_ns);
	} while (r == WIRE_E_CLOSED && clock_now_ns() < deadline_ns);
	return r;
}

static int resolve(struct wire_queue *queue, const struct wire_wishes *wishes, uint64_t deadline_ns)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *address;
	int r;

	if (getaddrinfo(wishes->traddr, wishes->trsvcid, &hints, &address))
		return wire_queue_says(queue, -EINVAL, "%s is no address", wishes->traddr);
	r = resolve_address(queue, address->ai_addr, deadline_ns);
	freeaddrinfo(address);
	if (!r && rdma_resolve_route(queue->id, (int)wishes->timeout_ms))
		r = wire_queue_says(queue, -errno, "no route to %s", wishes->traddr);
	if (!r)
		r = await_event(queue, RDMA_CM_EVENT_ROUTE_RESOLVED, deadline_ns);
	return r;
}

static int make_memory(struct wire_queue *queue)
{
	queue->free_sends = calloc(queue->n_sends, sizeof(*queue->free_sends));
	queue->stash = calloc(WIRE_STASH, sizeof(*queue->stash));
	if (!queue->free_sends || !queue->stash)
		return -ENOMEM;
	while (queue->n_free_sends < queue->n_sends) {
		queue->free_sends[queue->n_free_sends] = queue->n_free_sends;
		queue->n_free_sends++;
	}
	queue->out = wire_memory_new(queue, (size_t)queue->n_sends * WIRE_CAPSULE_MAX);
	queue->in = wire_memory_new(queue, (size_t)queue->n_receives * WIRE_RESPONSE_MAX);
	return queue->out && queue->in ? 0 : -ENOMEM;
}

static int make_queue_pair(struct wire_queue *queue)
{
	uint32_t places = queue->n_sends + queue->n_receives + MARGIN;
	struct ibv_qp_init_attr attributes = {
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = queue->n_sends + MARGIN,
	                .max_recv_wr = queue->n_receives,
	                .max_send_sge = 2,
	                .max_recv_sge = 1},
	};

	queue->is_iwarp = queue->id->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
	queue->wakeups = ibv_create_comp_channel(queue->id->verbs);
	if (!queue->wakeups)
		return wire_queue_says(queue, -errno, "no completion channel");
	make_non_blocking(queue->wakeups->fd);
	queue->cq = ibv_create_cq(queue->id->verbs, (int)places, NULL, queue->wakeups, 0);
	if (!queue->cq)
		return wire_queue_says(queue, -errno, "no completion queue");
	attributes.send_cq = queue->cq;
	attributes.recv_cq = queue->cq;
	if (rdma_create_qp(queue->id, NULL, &attributes))
		return wire_queue_says(queue, -EIO, "no queue pair");
	return make_memory(queue);
}

static int request_connection(struct wire_queue *queue, const struct wire_wishes *wishes,
                              uint64_t deadline_ns)
{
	struct rdma_cm_request_wire wire = rdma_cm_write_request(&wishes->request);
	struct rdma_conn_param parameters = {
		.private_data = &wire,
		.private_data_len = sizeof(wire),
		.responder_resources = wishes->ird,
		.retry_count = 7,
		.rnr_retry_count = 7,
	};

	if (wishes->has_private_data) {
		parameters.private_data = wishes->private_data;
		parameters.private_data_len = (uint8_t)wishes->private_bytes;
	}
	if (rdma_connect(queue->id, &parameters))
		return wire_queue_says(queue, -errno, "cannot connect");
	return await_event(queue, RDMA_CM_EVENT_ESTABLISHED, deadline_ns);
}

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
	return value > 0 ? value : otherwise;
}

int wire_queue_open(struct wire_queue *queue, const struct wire_wishes *wishes)
{
	uint64_t deadline_ns = clock_now_ns() + wishes->timeout_ms * NS_PER_MS;
	int r;

	*queue = (struct wire_queue){
		.n_sends = or_else(wishes->sends, wishes->request.entries),
		.n_receives = or_else(wishes->receives, or_else(wishes->request.receives, 1)),
		.replenish = wishes->is_replenished,
	};
	queue->events = rdma_create_event_channel();
	if (!queue->events)
		return wire_queue_says(queue, -errno, "no RDMA_CM");
	make_non_blocking(queue->events->fd);
	if (rdma_create_id(queue->events, &queue->id, queue, RDMA_PS_TCP))
		return wire_queue_says(queue, -errno, "no RDMA_CM identifier");
	r = resolve(queue, wishes, deadline_ns);
	if (!r)
		r = make_queue_pair(queue);
	if (!r)
		r = wire_queue_replenish(queue, 0, queue->n_receives);
	if (!r)
		r = request_connection(queue, wishes, deadline_ns);
	return r;
}

/* ------------------------------------------------------------------ end */

void wire_queue_disconnect(struct wire_queue *queue)
{
	if (queue->id && queue->is_established)
		rdma_disconnect(queue->id);
}

int wire_queue_await_end(struct wire_queue *queue, unsigned timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	int event;
	int r = 0;

	while (!r && !queue->is_disconnected) {
		r = take_event(queue, &event);
		if (!r && event < 0)
			r = poll_fds(queue, false, deadline_ns);
	}
	return r;
}

void wire_queue_close(struct wire_queue *queue)
{
	wire_queue_disconnect(queue);
	wire_windows_free(queue);
	if (queue->id && queue->id->qp)
		rdma_destroy_qp(queue->id);
	wire_memories_free(queue);
	if (queue->cq)
		ibv_destroy_cq(queue->cq);
	if (queue->wakeups)
		ibv_destroy_comp_channel(queue->wakeups);
	if (queue->id)
		rdma_destroy_id(queue->id);
	if (queue->events)
		rdma_destroy_event_channel(queue->events);
	free(queue->free_sends);
	free(queue->stash);
	*queue = WIRE_QUEUE_NULL;
}

/* ------------------------------------------------------------------ responses */

static int take_events(struct wire_queue *queue)
{
	int event = 0;
	int r = 0;

	while (!r && event >= 0)
		r = take_event(queue, &event);
	return r;
}

int wire_queue_wait(struct wire_queue *queue, uint64_t deadline_ns)
{
	struct ibv_cq *cq;
	void *context;
	int r;

	if (queue->has_ended)
		return wire_queue_says(queue, WIRE_E_CLOSED, "the queue pair has ended");
	if (ibv_req_notify_cq(queue->cq, 0))
		return -errno;
	r = wire_queue_poll(queue); /* what came before that */
	if (r)
		return r < 0 ? r : 0;
	r = poll_fds(queue, true, deadline_ns);
	if (r)
		return r;
	while (ibv_get_cq_event(queue->wakeups, &cq, &context) == 0)
		ibv_ack_cq_events(cq, 1);
	return take_events(queue);
}

static void take_from_stash(struct wire_queue *queue, uint32_t index,
                            struct wire_response *ret_response)
{
	*ret_response = queue->stash[index];
	queue->n_stash--;
	memmove(queue->stash + index,
	        queue->stash + index + 1,
	        (queue->n_stash - index) * sizeof(*queue->stash));
}

static bool find_in_stash(const struct wire_queue *queue, bool any, uint16_t cid,
                          uint32_t *ret_index)
{
	for (uint32_t i = 0; i < queue->n_stash; i++) {
		if (any || le16_get(queue->stash[i].completion.cid) == cid) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static int receive(struct wire_queue *queue, bool any, uint16_t cid,
                   struct wire_response *ret_response, unsigned timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	uint32_t index;
	int r;

	for (;;) {
		r = wire_queue_poll(queue);
		if (r < 0)
			return r;
		if (find_in_stash(queue, any, cid, &index)) {
			take_from_stash(queue, index, ret_response);
			return 0;
		}
		r = wire_queue_wait(queue, deadline_ns);
		if (r)
			return r;
	}
}

int wire_queue_receive(struct wire_queue *queue, struct wire_response *ret_response,
                       unsigned timeout_ms)
{
	return receive(queue, true, 0, ret_response, timeout_ms);
}

int wire_queue_await(struct wire_queue *queue, uint16_t cid, struct wire_response *ret_response,
                     unsigned timeout_ms)
{
	return receive(queue, false, cid, ret_response, timeout_ms);
}
