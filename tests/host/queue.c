/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/host/queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#define COMMANDS_MAX     4096u
#define CID_INDEX        0x0fffu
#define CID_GENERATION   0x1000u
#define SGL_IN_CAPSULE   (NVME_SGL_DATA_BLOCK << 4 | NVME_SGL_SUB_OFFSET)
#define SGL_BY_TRANSPORT (NVME_SGL_TRANSPORT << 4 | NVME_SGL_SUB_TRANSPORT)
#define PSDT_SGL         0x40 /* Base 2.1 §4.1, PSDT 01b: SGLs, no metadata segment */

/* ------------------------------------------------------------------ slots */

static uint32_t power_of_two(uint32_t n)
{
	uint32_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static int make_slots(struct host_queue *queue, uint32_t commands)
{
	queue->n_slots = commands;
	queue->n_pieces = power_of_two(2 * commands + 2);
	queue->slots = calloc(commands, sizeof(*queue->slots));
	queue->pieces = calloc(queue->n_pieces, sizeof(*queue->pieces));
	if (!queue->slots || !queue->pieces)
		return host_connection_says(&queue->connection, -ENOMEM, "no memory");
	for (uint32_t i = commands; i-- > 0;) {
		queue->slots[i].index = (uint16_t)i;
		queue->slots[i].cid = (uint16_t)i;
		queue->slots[i].next_free = queue->free_slot;
		queue->free_slot = &queue->slots[i];
	}
	return 0;
}

struct host_slot *host_slot_of(struct host_queue *queue, uint16_t cid)
{
	uint16_t index = cid & CID_INDEX;

	if (index < queue->n_slots && queue->slots[index].request && queue->slots[index].cid == cid)
		return &queue->slots[index];
	if (!queue->kept_cids)
		return NULL;
	for (uint32_t i = 0; i < queue->n_slots; i++)
		if (queue->slots[i].request && queue->slots[i].cid == cid)
			return &queue->slots[i];
	return NULL;
}

uint16_t host_queue_cid(const struct host_queue *queue, const struct host_request *request)
{
	for (uint32_t i = 0; i < queue->n_slots; i++)
		if (queue->slots[i].request == request)
			return queue->slots[i].cid;
	return 0xffff;
}

/* completion NULL: SUCCESS in C2HData. */
void host_slot_done(struct host_queue *queue, struct host_slot *slot,
                    const struct nvme_completion *completion)
{
	struct host_request *request = slot->request;

	if (completion) {
		request->completion = *completion;
		request->status.value = le16_get(completion->status) >> 1;
		request->has_more = request->status.value & NVME_STATUS_MORE;
		request->status.value &= (uint16_t)~NVME_STATUS_MORE;
		queue->sqhd = le16_get(completion->sqhd);
	} else {
		queue->successes++;
	}
	if (request->digest_error)
		request->status = status_of(NVME_SC_DATA_TRANSFER_ERROR);
	slot->request = NULL;
	slot->cid = (uint16_t)(((slot->cid + CID_GENERATION) & ~CID_INDEX) | slot->index);
	slot->next_free = queue->free_slot;
	queue->free_slot = slot;
	queue->in_flight--;
	queue->completions++;
	request->completed = true;
	if (request->done)
		request->done(request);
}

/* ------------------------------------------------------------------ life */

int host_queue_open(struct host_queue *queue, const struct host_address *address,
                    const struct host_wishes *wishes, uint32_t commands, unsigned timeout_ms)
{
	int r;

	*queue = HOST_QUEUE_NULL;
	if (commands == 0 || commands > COMMANDS_MAX)
		return host_connection_says(&queue->connection,
		                            -EINVAL,
		                            "%u commands at a time: 1 to %u can be",
		                            commands,
		                            COMMANDS_MAX);
	r = host_connection_open(&queue->connection, address, wishes, timeout_ms);
	if (!r)
		r = make_slots(queue, commands);
	if (r)
		host_queue_close(queue);
	queue->in_capsule_bytes = TCP_ADMIN_IN_CAPSULE;
	return r;
}

void host_queue_close(struct host_queue *queue)
{
	host_connection_close(&queue->connection);
	free(queue->slots);
	free(queue->pieces);
	queue->slots = NULL;
	queue->pieces = NULL;
	queue->free_slot = NULL;
	queue->n_slots = 0;
	queue->first_piece = queue->next_piece = 0;
	queue->in_flight = 0;
}

void host_connect_fill(const struct host_connect *connect, struct nvme_connect_command *ret_command,
                       struct nvme_connect_data *ret_data)
{
	*ret_command = (struct nvme_connect_command){
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_CONNECT,
		.qid = le16_of(connect->qid),
		.sqsize_0based = le16_of((uint16_t)(connect->entries - 1)),
		.cattr = connect->disable_sqflow ? NVME_CONNECT_DISABLE_SQFLOW : 0,
		.kato_ms = le32_of(connect->kato_ms),
	};
	*ret_data = (struct nvme_connect_data){.cntlid = le16_of(connect->cntlid)};
	memcpy(ret_data->hostid, connect->hostid, sizeof(ret_data->hostid));
	strncpy(ret_data->subnqn, connect->subnqn, sizeof(ret_data->subnqn) - 1);
	strncpy(ret_data->hostnqn, connect->hostnqn, sizeof(ret_data->hostnqn) - 1);
}

struct host_request host_connect_request(const struct nvme_connect_command *command,
                                         struct nvme_connect_data *data)
{
	struct host_request request = {
		.direction = NVME_TRANSFER_TO_CONTROLLER, .data = data, .length = sizeof(*data)};

	memcpy(&request.command, command, sizeof(*command));
	return request;
}

int host_queue_connect(struct host_queue *queue, const struct host_connect *connect,
                       struct nvme_completion *ret_completion, unsigned timeout_ms)
{
	struct nvme_connect_command command;
	struct nvme_connect_data data;
	struct host_request request;
	int r;

	host_connect_fill(connect, &command, &data);
	request = host_connect_request(&command, &data);
	queue->qid = connect->qid;
	queue->entries = connect->entries;
	r = host_queue_execute(queue, &request, timeout_ms);
	if (ret_completion)
		*ret_completion = request.completion;
	if (r == HOST_E_STATUS)
		return host_connection_says(
			&queue->connection,
			r,
			"Connect to %s as %s: refused, status %04xh, result %08xh",
			connect->subnqn,
			connect->hostnqn,
			request.status.value,
			le32_get(request.completion.dw0));
	if (!r)
		queue->sqflow_disabled = connect->disable_sqflow && queue->sqhd == 0xffff;
	return r;
}

/* ------------------------------------------------------------------ requests */

static void describe_data(const struct host_queue *queue, struct host_request *request)
{
	bool in_capsule = request->direction == NVME_TRANSFER_TO_CONTROLLER && request->length &&
	                  request->length <= queue->in_capsule_bytes && !request->transfer;

	request->command.flags |= PSDT_SGL;
	request->command.sgl = (struct nvme_sgl){
		.length = le32_of(request->length),
		.type = in_capsule ? SGL_IN_CAPSULE : SGL_BY_TRANSPORT,
	};
}

int host_queue_submit(struct host_queue *queue, struct host_request *request)
{
	struct host_slot *slot = queue->free_slot;

	if (!slot)
		return host_connection_says(&queue->connection,
		                            HOST_E_FULL,
		                            "%u commands are in flight",
		                            queue->in_flight);
	queue->free_slot = slot->next_free;
	queue->in_flight++;
	slot->request = request;
	slot->sent = slot->answered = false;
	slot->transferred = slot->transfer_end = 0;
	if (request->keep_cid) {
		queue->kept_cids = true;
		slot->cid = le16_get(request->command.cid);
	}
	request->command.cid = le16_of(slot->cid);
	if (!request->keep_sgl)
		describe_data(queue, request);
	request->completed = false;
	request->digest_error = request->has_more = false;
	request->received = request->r2ts = 0;
	request->status = STATUS_OK;
	memset(&request->completion, 0, sizeof(request->completion));
	host_transmit_capsule(queue, slot);
	return 0;
}

int host_queue_poll(struct host_queue *queue)
{
	int r = host_receive(queue);

	return r ? r : host_queue_flush(queue);
}

int host_queue_wait(struct host_queue *queue, uint64_t deadline_ns)
{
	bool is_sending = queue->first_piece != queue->next_piece;

	return host_connection_wait(
		&queue->connection, is_sending ? POLLIN | POLLOUT : POLLIN, deadline_ns);
}

int host_queue_await(struct host_queue *queue, struct host_request *request, unsigned timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	int r = host_queue_flush(queue);

	while (!r && !request->completed) {
		r = host_queue_wait(queue, deadline_ns);
		if (r == HOST_E_DEADLINE)
			return host_connection_says(&queue->connection,
			                            r,
			                            "no answer to opcode %02xh in %u ms",
			                            request->command.opcode,
			                            timeout_ms);
		if (!r)
			r = host_queue_poll(queue);
	}
	if (!request->completed)
		return r;
	if (!status_is_ok(request->status))
		return host_connection_says(&queue->connection,
		                            HOST_E_STATUS,
		                            "opcode %02xh was answered with status %04xh",
		                            request->command.opcode,
		                            request->status.value);
	return 0;
}

int host_queue_execute(struct host_queue *queue, struct host_request *request, unsigned timeout_ms)
{
	int r = host_queue_submit(queue, request);

	return r ? r : host_queue_await(queue, request, timeout_ms);
}
