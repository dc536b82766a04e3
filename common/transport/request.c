/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/request.h"

#include <stddef.h>
#include <string.h>

#include "common/nvme/decode.h"
#include "common/nvme/sgl.h"
#include "common/shm/memory.h"
#include "common/transport/controller.h"
#include "common/transport/io.h"
#include "common/transport/queue.h"
#include "common/transport/reactor.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"

void request_init(struct request *request, struct queue *queue, uint16_t index)
{
	request->queue = queue;
	request->index = index;
	list_init(&request->core_link);
	list_init(&request->wire_link);
}

/* ------------------------------------------------------------------ decode */

static struct nvme_status wrong(enum nvme_status_code code, size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status_dnr(code);
}

static bool is_connect(const struct nvme_command *command)
{
	return command->opcode == NVME_FABRICS &&
	       decode_fabrics_type(command) == NVME_FABRICS_CONNECT;
}

/* What may come on this queue, as far as the queue's own state says (Base 2.1 §6). */
static struct nvme_status check_place(const struct queue *queue, const struct nvme_command *command,
                                      uint16_t *ret_location)
{
	if (is_connect(command) == queue->connected)
		return wrong(NVME_SC_COMMAND_SEQUENCE,
		             offsetof(struct nvme_command, opcode),
		             ret_location);
	if (queue->qid > 0 && command->opcode == NVME_FABRICS &&
	    decode_fabrics_type(command) != NVME_FABRICS_DISCONNECT)
		return wrong(NVME_SC_INVALID_FIELD,
		             offsetof(struct nvme_connect_command, fctype),
		             ret_location);
	return STATUS_OK;
}

/* Connect has a status of its own for its fields, and says in dword 0 which it is (§6.3). */
static struct nvme_status decode_fabrics_command(struct request *request,
                                                 struct decoded_transfer *ret)
{
	const struct nvme_command *command = &request->command;
	struct nvme_status status = decode_fabrics_flags(command, &request->error_location);

	if (status_is_ok(status))
		return decode_fabrics(command, ret, &request->error_location);
	if (!is_connect(command))
		return status;
	request->result[0] = connect_error_in_command(offsetof(struct nvme_connect_command, flags));
	return status_dnr(NVME_SC_CONNECT_INVALID_PARAMETERS);
}

static struct nvme_status decode_control(struct request *request, struct decoded_transfer *ret)
{
	const struct nvme_command *command = &request->command;
	struct nvme_status status = check_place(request->queue, command, &request->error_location);

	request->kind = REQUEST_CONTROL;
	if (!status_is_ok(status))
		return status;
	if (command->opcode == NVME_FABRICS)
		return decode_fabrics_command(request, ret);
	status = decode_flags(command, &request->error_location);
	if (status_is_ok(status))
		status = decode_admin(command, ret, &request->error_location);
	return status;
}

static struct nvme_status decode_data(struct request *request,
                                      const struct decoded_transfer *transfer,
                                      const struct sgl_capsule *capsule)
{
	struct sgl_rules rules = {.blocks_max = wire_keyed_blocks(request->queue->wire),
	                          .capsule_max = request->queue->in_capsule_bytes};
	struct decoded_sgl sgl;
	struct nvme_status status;

	status = sgl_decode(&request->command,
	                    &rules,
	                    capsule,
	                    transfer->direction,
	                    &sgl,
	                    &request->error_location);
	if (!status_is_ok(status))
		return status;
	if (sgl.length < transfer->least || sgl.length > transfer->most)
		return wrong(NVME_SC_SGL_DATA_LENGTH,
		             offsetof(struct nvme_command, sgl.length),
		             &request->error_location);
	request->length = sgl.length;
	request->offset = sgl.offset;
	request->n_listed = (uint8_t)sgl.n_listed;
	if (sgl.length == 0)
		return STATUS_OK;
	request->direction = transfer->direction;
	if (transfer->direction == NVME_TRANSFER_TO_CONTROLLER)
		request->source = sgl.in_capsule ? REQUEST_IN_CAPSULE : REQUEST_TRANSFER;
	return STATUS_OK;
}

enum request_source request_decode(struct request *request, const struct nvme_command *command,
                                   const struct sgl_capsule *capsule)
{
	struct queue *queue = request->queue;
	struct decoded_transfer transfer;
	struct nvme_status status;

	request->command = *command;
	if (queue->controller)
		controller_hears(&queue->controller->shares[queue->reactor->index]);
	if (queue->qid > 0 && command->opcode != NVME_FABRICS) {
		tracer_see(&queue->reactor->tracer, request);
		status = io_check(request, &transfer);
	} else {
		status = decode_control(request, &transfer);
	}
	if (status_is_ok(status))
		status = decode_data(request, &transfer, capsule);
	if (status_is_ok(status))
		return (enum request_source)request->source;
	request->kind = REQUEST_DONE;
	request->status = status;
	return REQUEST_FAILED;
}

void request_bring(struct request *request, uint8_t *data, uint64_t arena_offset)
{
	request->data = data;
	request->arena_offset = arena_offset;
	request->brought = REQUEST_BROUGHT_DATA;
}

void request_tie(struct request *request)
{
	request->brought = REQUEST_BROUGHT_ELSE;
}

bool request_regain(struct request *request)
{
	if (request->brought == REQUEST_BROUGHT_NOTHING || request->early != REQUEST_EARLY_NONE)
		return false;
	if (request->brought == REQUEST_BROUGHT_DATA)
		request->data = NULL;
	request->brought = REQUEST_BROUGHT_NOTHING;
	return true;
}

int request_reserve(struct request *request)
{
	if (request->direction != NVME_TRANSFER_TO_CONTROLLER || request->data)
		return 0;
	if (!list_is_empty(&request->core_link)) /* it waits already */
		return request->source == REQUEST_IN_CAPSULE ? REQUEST_E_WAIT : REQUEST_E_LATER;
	if (room_take(&request->queue->reactor->room, request))
		return 0;
	return request->source == REQUEST_IN_CAPSULE ? REQUEST_E_WAIT : REQUEST_E_LATER;
}

/* ------------------------------------------------------------------ execute */

static void send_task(struct request *request)
{
	struct queue *queue = request->queue;
	bool brings = request->direction == NVME_TRANSFER_TO_CONTROLLER;
	struct task *task = task_new(
		queue->seat, &request->command, request->data, brings ? request->length : 0);

	if (!task) {
		request_answer(request, status_of(NVME_SC_INTERNAL));
		return;
	}
	if (brings && request->brought != REQUEST_BROUGHT_DATA) /* the task has a copy */
		room_give(&queue->reactor->room, request);
	task->queue = queue->number;
	task->index = request->index;
	task->wanted_bytes = brings ? 0 : request->length;
	request->owner = REQUEST_AT_CONTROL;
	list_remove(&queue->unborn); /* a Connect that waits for the state service may */
	mailbox_post(&queue->reactor->transport->mailbox, &task->letter, transport_task_arrives);
}

/* Most of what very many idle hosts send, so it does not go to the control thread and back. That
 * still answers to those that are wrong. */
static bool is_good_keep_alive(const struct request *request)
{
	const struct controller *controller = request->queue->controller;

	return request->command.opcode == NVME_ADMIN_KEEP_ALIVE && controller &&
	       atomic_load_explicit(&controller->keeps_alive, memory_order_relaxed) &&
	       atomic_load_explicit(&controller->phase, memory_order_relaxed) != CONTROLLER_ENDED;
}

static void start_control(struct request *request)
{
	if (is_good_keep_alive(request)) {
		request_answer(request, STATUS_OK); /* heard when it was decoded */
		return;
	}
	if (request->direction == NVME_TRANSFER_TO_HOST && !request->data) {
		if (!room_take(&request->queue->reactor->room, request)) {
			request->owner = REQUEST_AT_ROOM;
			return;
		}
	}
	send_task(request);
}

static void start(struct request *request)
{
	switch ((enum request_kind)request->kind) {
	case REQUEST_CONTROL:
		start_control(request);
		return;
	case REQUEST_IO:
		io_start(request);
		return;
	case REQUEST_DONE:
		request_respond(request);
		return;
	}
}

void request_set_aside(struct request *request)
{
	request->owner = REQUEST_AT_CORE;
	request->queue->in_wire--;
	request->queue->in_core++;
}

void request_execute(struct request *request)
{
	request_stamp(request, TRACE_ADMITTED);
	request_set_aside(request);
	start(request);
}

void request_fail(struct request *request, struct nvme_status status)
{
	request->kind = REQUEST_DONE;
	request->status = status;
	request_execute(request);
}

void request_resume(struct request *request)
{
	request->owner = REQUEST_AT_CORE;
	start(request);
}

/* ------------------------------------------------------------------ answer */

/* What it borrows is the lender's alone again. False: it borrows nothing. */
static bool end_loan(struct request *request)
{
	if (!request->is_borrowed)
		return false;
	request->is_borrowed = false;
	list_remove(&request->core_link); /* of the lender's list */
	return true;
}

/* What it brought is the wire's again. */
__attribute__((noinline)) static void return_brought(struct request *request, bool is_lost)
{
	bool is_data = request->brought == REQUEST_BROUGHT_DATA;

	request->brought = REQUEST_BROUGHT_NOTHING;
	if (is_data)
		request->data = NULL;
	request->queue->wire->regain(request, is_data && is_lost);
}

static void give_back_memory(struct request *request)
{
	end_loan(request);
	if (__builtin_expect(request->brought != REQUEST_BROUGHT_NOTHING, 0))
		return_brought(request, false);
	room_give(&request->queue->reactor->room, request);
}

void request_forfeit_memory(struct request *request)
{
	if (request->brought != REQUEST_BROUGHT_NOTHING)
		return_brought(request, true);
	room_forfeit(&request->queue->reactor->room, request);
}

static void give_up(struct request *request)
{
	struct queue *queue = request->queue;

	give_back_memory(request);
	queue->in_core--;
	queue_take_back(queue, request);
}

/* Why it may not be retried at once: 1 to 3, as CRDT1 to CRDT3 say how long; 0: it may. */
static unsigned delay_of(enum nvme_status_code code)
{
	switch (code) {
	case NVME_SC_COMMAND_INTERRUPTED:
	case NVME_SC_NAMESPACE_NOT_READY:
		return 1;
	case NVME_SC_INTERNAL_PATH_ERROR:
	case NVME_SC_ANA_INACCESSIBLE:
	case NVME_SC_ANA_TRANSITION:
		return 2;
	case NVME_SC_INTERNAL:
		return 3;
	default:
		return 0;
	}
}

/* CRD (Base 2.1 §4.2.3): only where the host has said that it knows what it is, and where the delay
 * is one. */
static void ask_for_delay(struct request *request, struct controller *controller)
{
	unsigned given = atomic_load_explicit(&controller->retry_delays, memory_order_relaxed);
	unsigned delay = given ? delay_of(status_code(request->status)) : 0;

	if (delay > 0 && given & 1u << (delay - 1) && !(request->status.value & NVME_STATUS_DNR))
		request->status = status_with_delay(request->status, delay);
}

static void note_error(struct request *request)
{
	struct queue *queue = request->queue;
	struct controller *controller = queue->controller;

	counts_add(&queue->reactor->counts, COUNT_ERRORS, 1);
	if (!controller || is_connect(&request->command)) /* which is not logged (Base 2.1 §6.3) */
		return;
	ask_for_delay(request, controller);
	if (status_code(request->status) == NVME_SC_ABORT_REQUESTED)
		aborts_note(queue->reactor, request);
	counts_add(&controller->shares[queue->reactor->index].counts, COUNT_ERRORS, 1);
	if (status_code(request->status) >= NVME_SC_INTERNAL_PATH_ERROR)
		return;
	error_log_add(&controller->errors,
	              queue->qid,
	              &request->command,
	              request->status,
	              request->error_location);
	request->status.value |= NVME_STATUS_MORE; /* there is, in the log */
}

void request_respond(struct request *request)
{
	struct queue *queue = request->queue;

	if (queue->closing) {
		give_up(request);
		return;
	}
	if (!status_is_ok(request->status))
		note_error(request);
	request->owner = REQUEST_WITH_WIRE;
	queue->in_core--;
	queue->in_wire++;
	queue->reactor->has_responded = true;
	queue->wire->respond(request);
}

static uint16_t next_sqhd(struct queue *queue)
{
	if (queue->sqflow_disabled) /* reserved; FFFFh in the answer to Connect (Base 2.1 §6.3) */
		return 0;
	if (queue->size > 0)
		queue->sqhd = (uint16_t)((queue->sqhd + 1u) % queue->size);
	return queue->sqhd;
}

static struct nvme_completion completion_of(const struct request *request)
{
	return (struct nvme_completion){
		.dw0 = le32_of(request->result[0]),
		.dw1 = le32_of(request->result[1]),
		.sqhd = le16_of(request->sqhd),
		.sqid = le16_of(request->queue->qid),
		.cid = request->command.cid,
		.status = le16_of((uint16_t)(request->status.value << 1)),
	};
}

bool request_complete(struct request *request, struct nvme_completion *ret_completion)
{
	struct queue *queue = request->queue;

	request->sqhd = next_sqhd(queue);
	if (queue->sqflow_disabled && is_connect(&request->command))
		request->sqhd = UINT16_MAX;
	*ret_completion = completion_of(request);
	return request->direction == NVME_TRANSFER_TO_HOST && status_is_ok(request->status);
}

bool request_keep_data(struct request *request, struct nvme_completion *ret_completion)
{
	const uint8_t *lent = request->data;

	if (!end_loan(request))
		return true;
	request->data = request->own;
	if (memory_copy(request->data, lent, request->length) == 0)
		return true;
	request->status = status_of(NVME_SC_DATA_TRANSFER_ERROR); /* as the worker has it */
	note_error(request);
	*ret_completion = completion_of(request);
	return false;
}

void request_begin_again(struct request *request)
{
	if (request->queue->closing)
		give_up(request);
	else
		start(request);
}

void request_answer_early(struct request *request)
{
	if (request->early != REQUEST_EARLY_NONE)
		return;
	if (request->queue->closing) { /* nobody is there to be told */
		request->early = REQUEST_EARLY_GONE;
		queue_note_early(request->queue);
		return;
	}
	request->early = REQUEST_EARLY_GOING;
	memset(request->result, 0, sizeof(request->result));
	request_respond(request);
}

void request_end_early(struct request *request)
{
	bool is_gone = request->early == REQUEST_EARLY_GONE;

	request->early = REQUEST_EARLY_NONE;
	if (!is_gone) {
		request->owner = REQUEST_WITH_WIRE;
		return;
	}
	request->queue->in_early--;
	give_up(request);
}

/* The wire is, but the worker is not. */
__attribute__((cold)) static void stay_with_worker(struct request *request)
{
	request->early = REQUEST_EARLY_GONE;
	if (request->owner == REQUEST_WITH_WIRE)
		request->owner = REQUEST_AT_WORKER;
	request->queue->in_wire--;
	request->queue->in_core++;
	queue_note_early(request->queue);
}

void request_finish(struct request *request)
{
	struct queue *queue = request->queue;

	if (__builtin_expect(request->early != REQUEST_EARLY_NONE, 0)) {
		stay_with_worker(request);
		return;
	}
	give_back_memory(request);
	queue->in_wire--;
	queue_take_back(queue, request);
}

/* ------------------------------------------------------------------ drop */

void request_drop(struct request *request)
{
	if (request->early != REQUEST_EARLY_NONE) /* it is only its memory that is held */
		return;
	switch ((enum request_owner)request->owner) {
	case REQUEST_FREE:
	case REQUEST_AT_CORE:
	case REQUEST_AT_WORKER:
		return;
	case REQUEST_WITH_WIRE:
		if (!request->data) /* out of the line for memory, if it is in it */
			room_give(&request->queue->reactor->room, request);
		return;
	case REQUEST_AT_ROOM:
	case REQUEST_AT_CONTROL:
		give_up(request);
		return;
	case REQUEST_AT_UNREADY:
		list_remove(&request->core_link);
		give_up(request);
		return;
	case REQUEST_AT_LINK:
		worker_link_drop(request->link, request);
		return;
	}
}
