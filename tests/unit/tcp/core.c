/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/tcp/core.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/error.h"
#include "common/shm/memory.h"
#include "services/tcp/connection.h"
#include "services/tcp/wire.h"
#include "tests/support/spec.h"

enum owner { FREE, WIRES, CORES };

struct core core;

static struct request requests[CORE_REQUESTS];
static uint8_t *memory[CORE_REQUESTS];

/* ------------------------------------------------------------------ the test's side */

/* Both ends of a TCP connection over loopback. */
static int connect_to_ourselves(int *ret_host)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
	};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int target, on = 1;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	*ret_host = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(setsockopt(*ret_host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	ck_assert_int_eq(connect(*ret_host, (struct sockaddr *)&address, size), 0);
	target = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(target, 0);
	close(listener);
	return target;
}

void core_init(void)
{
	struct loop_options options = {0};
	struct connection *connection;

	core = (struct core){.requests = CORE_REQUESTS, .limits = LIMITS_DEFAULT, .has_room = true};
	memset(requests, 0, sizeof(requests));
	ck_assert_int_eq(loop_new(&core.loop, &options), 0);
	for (unsigned i = 0; i < CORE_REQUESTS; i++) {
		memory[i] = malloc(CORE_DATA_MAX);
		ck_assert_ptr_nonnull(memory[i]);
	}
	connection = connection_new(connect_to_ourselves(&core.host), 1);
	ck_assert_ptr_nonnull(connection);
	connection_adopt((struct reactor *)&core, connection);
}

void core_deinit(void)
{
	close(core.host);
	core_run();
	ck_assert(core.closed);
	for (unsigned i = 0; i < CORE_REQUESTS; i++) {
		ck_assert_msg(requests[i].owner != WIRES, "request %u is lost", i);
		free(memory[i]);
	}
	lane_forget((struct reactor *)&core);
	loop_free(core.loop);
}

static void forget_if_closed(void)
{
	struct queue *queue = core.queue;

	if (!queue || !queue->closing || queue->in_wire > 0)
		return;
	core.queue = NULL;
	core.closed = true;
	tcp_wire.closed(queue);
}

void core_run(void)
{
	/* Loopback delivers at once; what a round starts, a few more complete. */
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(loop_round(core.loop, 1), 0);
		tcp_wire.flush((struct reactor *)&core);
		forget_if_closed();
	}
}

void core_lend(struct request *request)
{
	request->own = request->data;
	request->data = core.lent;
	request->is_borrowed = true;
}

unsigned core_borrowed(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CORE_REQUESTS; i++)
		n += requests[i].owner == WIRES && requests[i].is_borrowed;
	return n;
}

void core_answer(struct nvme_status status)
{
	struct request *request = core.executed[0];

	ck_assert_uint_gt(core.n_executed, 0);
	core.n_executed--;
	if (core.queue)
		core.queue->in_core--;
	memmove(core.executed, core.executed + 1, core.n_executed * sizeof(core.executed[0]));
	if (!core.queue || core.queue->closing) {
		request->owner = FREE;
		return;
	}
	request->status = status;
	request->owner = WIRES;
	core.queue->in_wire++;
	tcp_wire.respond(request);
}

void core_resume(void)
{
	tcp_wire.resume(core.queue);
}

void core_fetch(struct request *request)
{
	request->data = memory[request->index];
	tcp_wire.fetch(request);
}

struct request *core_find(uint16_t cid)
{
	for (unsigned i = 0; i < CORE_REQUESTS; i++)
		if (requests[i].owner == WIRES && le16_get(requests[i].command.cid) == cid)
			return &requests[i];
	ck_abort_msg("the wire has no request for command %u", cid);
	return NULL;
}

/* ------------------------------------------------------------------ port.h */

struct loop *reactor_loop(struct reactor *reactor)
{
	return ((struct core *)reactor)->loop;
}

unsigned reactor_index(const struct reactor *reactor)
{
	(void)reactor;
	return 0;
}

struct loop *transport_loop(struct transport *transport)
{
	return ((struct core *)transport)->loop;
}

const struct limits *reactor_limits(const struct reactor *reactor)
{
	(void)reactor;
	return &core.limits;
}

bool transport_place(struct transport *transport, void *connection, uint32_t port_id,
                     const char *host_address)
{
	(void)port_id;
	(void)transport;
	(void)connection;
	(void)host_address;
	return false;
}

int queue_open(struct queue *queue, struct reactor *reactor, const struct wire *wire)
{
	queue->reactor = reactor;
	queue->wire = wire;
	queue->in_capsule_bytes = 8192;
	core.queue = queue;
	return 0;
}

/* A planned restart is for real processes (tests/fault/handover.c). */
int queue_inherit(struct queue *queue, struct controller *controller,
                  const Nvmetd__HandoverConnection *message)
{
	(void)queue;
	(void)controller;
	(void)message;
	ck_abort_msg("nothing is inherited here");
	return -1;
}

struct request *queue_inherit_request(struct queue *queue, const Nvmetd__HandoverRequest *message,
                                      bool needs_room)
{
	(void)queue;
	(void)message;
	(void)needs_room;
	ck_abort_msg("nothing is inherited here");
	return NULL;
}

Nvmetd__HandoverRequest *request_leave(const struct request *request, const uint8_t *bytes,
                                       uint32_t have)
{
	(void)request;
	(void)bytes;
	(void)have;
	ck_abort_msg("nothing is left here");
	return NULL;
}

void queue_close(struct queue *queue)
{
	queue->closing = true;
}

struct request *queue_begin(struct queue *queue)
{
	for (unsigned i = 0; i < core.requests; i++) {
		struct request *request = &requests[i];

		if (request->owner != FREE)
			continue;
		request->owner = WIRES;
		request->queue = queue;
		request->index = (uint16_t)i;
		request->data = NULL;
		request->length = 0;
		request->status = STATUS_OK;
		memset(request->wire_u32, 0, sizeof(request->wire_u32));
		queue->in_wire++;
		return request;
	}
	queue->starved = true;
	return NULL;
}

struct request *queue_at(struct queue *queue, uint16_t index)
{
	(void)queue;
	if (index >= CORE_REQUESTS || requests[index].owner != WIRES)
		return NULL;
	return &requests[index];
}

enum request_source request_decode(struct request *request, const struct nvme_command *command,
                                   const struct sgl_capsule *capsule)
{
	uint32_t length = le32_get(command->sgl.length);

	request->command = *command;
	request->length = length;
	if (command->opcode == NVME_IO_READ)
		request->data = memory[request->index];
	if (command->opcode != NVME_IO_WRITE)
		return REQUEST_NO_DATA;
	if (command->sgl.type != NVME_SGL_SUB_OFFSET)
		return REQUEST_TRANSFER;
	if (capsule->bytes == length)
		return REQUEST_IN_CAPSULE;
	request->status = status_dnr(NVME_SC_SGL_DATA_LENGTH);
	return REQUEST_FAILED;
}

int request_reserve(struct request *request)
{
	if (!core.has_room)
		return request->command.sgl.type == NVME_SGL_SUB_OFFSET ? REQUEST_E_WAIT
		                                                        : REQUEST_E_LATER;
	request->data = memory[request->index];
	return 0;
}

void request_execute(struct request *request)
{
	request->owner = CORES;
	request->queue->in_wire--;
	request->queue->in_core++;
	core.executed[core.n_executed++] = request;
	if (!core.at_once)
		return;
	if (request->command.opcode == NVME_IO_READ && request->queue->may_borrow)
		core_lend(request);
	core_answer(STATUS_OK);
}

void request_fail(struct request *request, struct nvme_status status)
{
	request->status = status;
	tcp_wire.respond(request);
}

bool request_complete(struct request *request, struct nvme_completion *ret_completion)
{
	*ret_completion = (struct nvme_completion){
		.cid = request->command.cid,
		.status = le16_of((uint16_t)(request->status.value << 1)),
	};
	return request->command.opcode == NVME_IO_READ && status_is_ok(request->status);
}

bool request_keep_data(struct request *request, struct nvme_completion *ret_completion)
{
	const uint8_t *lent = request->data;

	if (!request->is_borrowed)
		return true;
	request->is_borrowed = false;
	request->data = request->own;
	if (memory_copy(request->data, lent, request->length) == 0)
		return true;
	request->status = status_of(NVME_SC_DATA_TRANSFER_ERROR);
	request_complete(request, ret_completion);
	return false;
}

void request_finish(struct request *request)
{
	request->is_borrowed = false;
	must(request->owner == WIRES);
	request->owner = FREE;
	request->queue->in_wire--;
	request->queue->starved = false;
}
