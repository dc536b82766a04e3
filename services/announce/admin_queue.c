/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/admin_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"

/* Of what comes in a round. */
#define READS_MAX 16

static void fail(struct admin_queue *queue, const char *reason)
{
	admin_queue_close(queue);
	queue->calls->failed(queue->context, reason);
}

static void fail_with(struct admin_queue *queue, const char *what, int error)
{
	snprintf(queue->reason, sizeof(queue->reason), "%s: %s", what, error_words(error));
	fail(queue, queue->reason);
}

static void deadline_passed(struct loop_timer *timer)
{
	struct admin_queue *queue = container_of(timer, struct admin_queue, deadline);

	if (queue->is_connecting)
		fail(queue, "it cannot be reached: no answer from that address");
	else if (!queue->receiver.is_ready)
		fail(queue, "it does not answer ICReq");
	else
		fail(queue, "it does not answer a command");
}

static bool set_deadline(struct admin_queue *queue, uint64_t patience_ns)
{
	int r = loop_timer_set(queue->loop, &queue->deadline, clock_now_ns() + patience_ns);

	if (r)
		fail_with(queue, "no deadline could be set", r);
	return r == 0;
}

/* ------------------------------------------------------------------ out */

static uint32_t events_of(const struct admin_queue *queue)
{
	bool has_output = queue->is_connecting || queue->out_sent < queue->out_length;

	return EPOLLIN | (has_output ? EPOLLOUT : 0);
}

/* False: it has failed. */
static bool flush(struct admin_queue *queue)
{
	int r;

	while (queue->out_sent < queue->out_length) {
		ssize_t n = send(queue->fd,
		                 queue->out + queue->out_sent,
		                 queue->out_length - queue->out_sent,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail_with(queue, "its connection is gone", -errno);
			return false;
		}
		queue->out_sent += (size_t)n;
	}
	r = loop_change(&queue->source, events_of(queue));
	if (r)
		fail_with(queue, "its connection cannot be watched", r);
	return r == 0;
}

static void send_icreq(struct admin_queue *queue)
{
	const struct tcp_icreq pdu = {
		.header = {.type = TCP_PDU_ICREQ,
	                   .hlen = sizeof(pdu),
	                   .plen = le32_of(sizeof(pdu))},
	};

	memcpy(queue->out, &pdu, sizeof(pdu));
	queue->out_length = sizeof(pdu);
	queue->out_sent = 0;
	flush(queue);
}

static struct nvme_sgl sgl_of(size_t length, uint32_t data_most)
{
	if (length > 0) /* the data is in the capsule, at offset 0 */
		return (struct nvme_sgl){
			.length = le32_of((uint32_t)length),
			.type = NVME_SGL_DATA_BLOCK << 4 | NVME_SGL_SUB_OFFSET,
		};
	return (struct nvme_sgl){
		.length = le32_of(data_most),
		.type = NVME_SGL_TRANSPORT << 4 | NVME_SGL_SUB_TRANSPORT,
	};
}

/* Where the data begins (TCP 1.1 §3.6.2.2: CPDA). */
static size_t data_offset(const struct admin_queue *queue)
{
	size_t unit = (queue->receiver.cpda + 1u) * 4;

	return (sizeof(struct tcp_capsule_command) + unit - 1) / unit * unit;
}

void admin_queue_send(struct admin_queue *queue, struct nvme_command *command, const void *data,
                      size_t length, uint32_t data_most)
{
	struct tcp_capsule_command *pdu = (struct tcp_capsule_command *)queue->out;
	size_t offset = length > 0 ? data_offset(queue) : 0;

	must(queue->fd >= 0 && length <= TCP_ADMIN_IN_CAPSULE);
	queue->last_cid = (uint16_t)(queue->last_cid % ADMIN_QUEUE_ENTRIES + 1);
	command->flags = 0x40; /* PSDT: SGLs */
	command->cid = le16_of(queue->last_cid);
	if (length > 0 || data_most > 0)
		command->sgl = sgl_of(length, data_most);
	memset(queue->out, 0, sizeof(*pdu) + 128);
	pdu->command = *command;
	queue->out_length = length > 0 ? offset + length : sizeof(*pdu);
	pdu->header = (struct tcp_pdu_header){
		.type = TCP_PDU_CAPSULE_COMMAND,
		.hlen = sizeof(*pdu),
		.pdo = (uint8_t)offset,
		.plen = le32_of((uint32_t)queue->out_length),
	};
	if (length > 0)
		memcpy(queue->out + offset, data, length);
	queue->out_sent = 0;
	receiver_expect(&queue->receiver, queue->last_cid, data_most);
	if (set_deadline(queue, ADMIN_QUEUE_ANSWER_NS))
		flush(queue);
}

/* ------------------------------------------------------------------ in */

static void say_answer(struct admin_queue *queue)
{
	const struct nvme_completion *completion = &queue->receiver.completion;
	uint64_t result = le32_get(completion->dw0) | (uint64_t)le32_get(completion->dw1) << 32;

	loop_timer_clear(&queue->deadline);
	queue->calls->answered(queue->context,
	                       (struct nvme_status){(uint16_t)(le16_get(completion->status) >> 1)},
	                       result,
	                       &queue->receiver);
}

/* False: nothing more is to be read now. */
static bool take_bytes(struct admin_queue *queue, size_t n)
{
	switch (receiver_take(&queue->receiver, n)) {
	case 0:
		return true;
	case RECEIVER_E_READY:
		loop_timer_clear(&queue->deadline);
		queue->calls->ready(queue->context);
		return false;
	case RECEIVER_E_ANSWER:
		say_answer(queue);
		return false;
	default:
		fail(queue, queue->receiver.reason);
		return false;
	}
}

static void read_some(struct admin_queue *queue)
{
	for (unsigned i = 0; i < READS_MAX; i++) {
		size_t room;
		uint8_t *bytes = receiver_room(&queue->receiver, &room);
		ssize_t n = recv(queue->fd, bytes, room, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			fail_with(queue, "its connection is gone", -errno);
			return;
		}
		if (n == 0) {
			fail(queue, "it has closed the connection");
			return;
		}
		if (!take_bytes(queue, (size_t)n))
			return;
	}
}

/* ------------------------------------------------------------------ connection */

static void finish_connecting(struct admin_queue *queue)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(queue->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error) {
		fail_with(queue, "it cannot be reached", -error);
		return;
	}
	queue->is_connecting = false;
	send_icreq(queue);
}

static void ready(struct loop_source *source, uint32_t events)
{
	struct admin_queue *queue = container_of(source, struct admin_queue, source);

	if (queue->is_connecting) {
		finish_connecting(queue);
		return;
	}
	if ((events & EPOLLOUT) && !flush(queue))
		return;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		read_some(queue);
}

void admin_queue_init(struct admin_queue *queue, struct loop *loop,
                      const struct admin_queue_calls *calls, void *context)
{
	*queue = (struct admin_queue){
		.loop = loop,
		.calls = calls,
		.context = context,
		.source = LOOP_SOURCE(ready),
		.fd = -1,
		.deadline = LOOP_TIMER(deadline_passed),
	};
}

/* Small messages, each of which somebody waits for; and a peer that is gone is noticed by our
 * keep-alive. */
static int connect_to(struct admin_queue *queue, const struct sockaddr *address, socklen_t length)
{
	const int on = 1;

	queue->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (queue->fd < 0)
		return error_origin(-errno);
	setsockopt(queue->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(queue->fd, address, length) < 0 && errno != EINPROGRESS)
		return error_origin(-errno);
	return 0;
}

int admin_queue_open(struct admin_queue *queue, const struct sockaddr *address, socklen_t length)
{
	int r;

	must(queue->fd < 0);
	receiver_init(&queue->receiver);
	queue->is_connecting = true;
	queue->out_length = 0;
	queue->out_sent = 0;
	queue->last_cid = 0;
	r = connect_to(queue, address, length);
	if (!r)
		r = loop_add(queue->loop, &queue->source, queue->fd, EPOLLIN | EPOLLOUT);
	if (!r)
		r = loop_timer_set(
			queue->loop, &queue->deadline, clock_now_ns() + ADMIN_QUEUE_CONNECT_NS);
	if (r)
		admin_queue_close(queue);
	return r;
}

void admin_queue_close(struct admin_queue *queue)
{
	loop_timer_clear(&queue->deadline);
	loop_remove(&queue->source);
	cleanup_close(&queue->fd);
	queue->fd = -1;
	queue->is_connecting = false;
}

void admin_queue_local_address(const struct admin_queue *queue, char *ret_text, size_t size)
{
	struct sockaddr_storage local;
	socklen_t length = sizeof(local);
	const void *bytes = &((struct sockaddr_in *)&local)->sin_addr;

	ret_text[0] = '\0';
	if (queue->fd < 0 || getsockname(queue->fd, (struct sockaddr *)&local, &length) < 0)
		return;
	if (local.ss_family == AF_INET6)
		bytes = &((struct sockaddr_in6 *)&local)->sin6_addr;
	inet_ntop(local.ss_family, bytes, ret_text, (socklen_t)size);
}
