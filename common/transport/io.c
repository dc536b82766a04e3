/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/io.h"

#include "common/transport/admission.h"
#include "common/transport/controller.h"
#include "common/transport/queue.h"
#include "common/transport/reactor.h"
#include "common/transport/request.h"
#include "common/transport/reserved.h"
#include "common/transport/tracer.h"
#include "common/transport/zoned.h"

/* Of a namespace that is not plain. */
__attribute__((cold, noinline)) static struct nvme_status
look_closer(struct request *request, const struct view_namespace *namespace)
{
	if (!namespace->ready && request->patience_ns == 0)
		request->patience_ns = namespace->unready_since_ns + WORKER_PATIENCE_NS;
	if (zoned_is_hint(namespace, &request->wanted))
		request->nothing_to_do = true;
	if (namespace->reservation == NVME_RESERVATION_NONE)
		return STATUS_OK;
	return reserved_check(
		request->queue, namespace, &request->command, &request->error_location);
}

__attribute__((always_inline)) static inline struct nvme_status
accept(struct request *request, const struct admitted *admitted,
       struct decoded_transfer *ret_transfer)
{
	request->wanted = admitted->wanted;
	request->worker = admitted->namespace->worker;
	request->grant = admitted->namespace->grant;
	request->is_ready = admitted->namespace->ready;
	request->is_in_memory = admitted->namespace->in_memory;
	request->nothing_to_do = admitted->nothing_to_do;
	request->checked = request->queue->seen;
	*ret_transfer = admitted->transfer;
	if (!admitted->namespace->is_plain)
		return look_closer(request, admitted->namespace);
	return STATUS_OK;
}

/* Of a command that was refused: those of zones and of reservations are looked at here. */
__attribute__((cold, noinline)) static struct nvme_status
check_others(struct request *request, struct nvme_status status,
             struct decoded_transfer *ret_transfer)
{
	const struct queue *queue = request->queue;
	struct admitted admitted;

	status = zoned_admit(queue->subsystem,
	                     queue->port,
	                     &request->command,
	                     status,
	                     &admitted,
	                     &request->error_location);
	return status_is_ok(status) ? accept(request, &admitted, ret_transfer)
	                            : reserved_admit(request, status, ret_transfer);
}

struct nvme_status io_check(struct request *request, struct decoded_transfer *ret_transfer)
{
	struct queue *queue = request->queue;
	struct admitted admitted;
	struct nvme_status status;

	request->kind = REQUEST_IO;
	switch (atomic_load_explicit(&queue->controller->phase, memory_order_relaxed)) {
	case CONTROLLER_READY:
		break;
	case CONTROLLER_OFF:
		return status_dnr(NVME_SC_COMMAND_SEQUENCE);
	case CONTROLLER_ENDED:
		return status_of(NVME_SC_INTERNAL_PATH_ERROR);
	}
	if (!queue_sees(queue)) /* it is being taken away, and the controller with it */
		return status_of(NVME_SC_INTERNAL_PATH_ERROR);
	status = admission_check(queue->subsystem,
	                         queue->port,
	                         &request->command,
	                         &admitted,
	                         &request->error_location);
	if (!status_is_ok(status))
		return check_others(request, status, ret_transfer);
	return accept(request, &admitted, ret_transfer);
}

/* The view has changed since: its length may not fit any more. */
static struct nvme_status check_again(struct request *request)
{
	struct decoded_transfer transfer;
	struct nvme_status status = io_check(request, &transfer);

	if (status_is_ok(status) && request->length > 0 &&
	    request->direction != transfer.direction) /* a predecessor's, who was wrong */
		return status_dnr(NVME_SC_INVALID_FIELD);
	if (status_is_ok(status) &&
	    (request->length < transfer.least || request->length > transfer.most))
		return status_dnr(NVME_SC_SGL_DATA_LENGTH);
	return status;
}

/* ------------------------------------------------------------------ namespaces not ready */

static void wait_until_ready(struct reactor *reactor, struct request *request)
{
	if (loop_now_ns(reactor->loop) >= request->patience_ns) {
		request_answer(request, status_of(NVME_SC_INTERNAL_PATH_ERROR));
		return;
	}
	request->owner = REQUEST_AT_UNREADY;
	list_append(&reactor->unready, &request->core_link);
	if (!reactor->unready_timer.due_ns || reactor->unready_timer.due_ns > request->patience_ns)
		loop_timer_set(reactor->loop, &reactor->unready_timer, request->patience_ns);
}

void io_retry_unready(struct reactor *reactor)
{
	struct list now, *first;

	if (list_is_empty(&reactor->unready))
		return;
	list_init(&now);
	list_append(&reactor->unready, &now);
	list_remove(&reactor->unready);
	while ((first = list_take_first(&now))) {
		struct request *request = container_of(first, struct request, core_link);

		request->owner = REQUEST_AT_CORE;
		io_start(request);
	}
}

/* Those whose time is over find that out by trying again. */
void io_lose_patience(struct loop_timer *timer)
{
	io_retry_unready(container_of(timer, struct reactor, unready_timer));
}

/* ------------------------------------------------------------------ and back */

__attribute__((cold, noinline)) static void count_of_zones(struct counts *counts,
                                                           const struct request *request)
{
	if (request->wanted.operation != LINK_ZONE_APPEND) {
		counts_add(counts, COUNT_OTHERS, 1);
		return;
	}
	counts_add(counts, COUNT_WRITES, 1);
	counts_add(counts, COUNT_WRITE_BYTES, request->length);
}

static void count(struct counts *counts, const struct request *request)
{
	switch ((enum link_operation)request->wanted.operation) {
	case LINK_READ:
		counts_add(counts, COUNT_READS, 1);
		counts_add(counts, COUNT_READ_BYTES, request->length);
		return;
	case LINK_WRITE:
		counts_add(counts, COUNT_WRITES, 1);
		counts_add(counts, COUNT_WRITE_BYTES, request->length);
		return;
	case LINK_FLUSH:
		counts_add(counts, COUNT_FLUSHES, 1);
		return;
	case LINK_WRITE_ZEROES:
	case LINK_DEALLOCATE:
		counts_add(counts, COUNT_OTHERS, 1);
		return;
	}
	count_of_zones(counts, request);
}

/* Its result is what the worker says: where an append is; of other commands 0. */
static void finish(struct request *request)
{
	struct queue *queue = request->queue;
	struct reactor *reactor = queue->reactor;

	if (status_is_ok(request->status)) {
		count(&queue->controller->shares[reactor->index].counts, request);
		count(&reactor->counts, request);
	}
	request_respond(request);
}

/* ------------------------------------------------------------------ without the worker, and to it
 */

static bool try_direct(struct direct_grant *grant, struct request *request)
{
	uint64_t began_ns = tracer_begin(request);

	if (!direct_do(grant, request))
		return false;
	tracer_direct(request, began_ns);
	request->status = STATUS_OK;
	finish(request);
	return true;
}

static void put(struct reactor *reactor, struct request *request)
{
	request->wanted.segment_count = 0;
	if (request->length > 0) {
		request->wanted.segment_count = 1;
		request->wanted.segments[0] = (struct link_segment){.offset = request->arena_offset,
		                                                    .length = request->length};
	}
	request->patience_ns = 0;
	request->link = reactor->workers.links[request->worker];
	sight_enter(&reactor->sight, request);
	worker_link_put(request->link, request);
}

void io_start(struct request *request)
{
	struct reactor *reactor = request->queue->reactor;
	struct nvme_status status = STATUS_OK;
	struct direct_grant *grant;

	if (request->checked != reactor->sight.view->serial)
		status = check_again(request);
	if (!status_is_ok(status) || request->nothing_to_do) {
		request_answer(request, status);
		return;
	}
	grant = direct_find(&reactor->direct, request);
	if (!grant && (!request->is_ready || !reactor->workers.links[request->worker])) {
		if (request->patience_ns == 0)
			request->patience_ns = loop_now_ns(reactor->loop) + WORKER_PATIENCE_NS;
		wait_until_ready(reactor, request);
		return;
	}
	if (request->direction == NVME_TRANSFER_TO_HOST && !request->data) {
		if (!room_take(&reactor->room, request)) {
			request->owner = REQUEST_AT_ROOM;
			return;
		}
	}
	if (grant && try_direct(grant, request))
		return;
	put(reactor, request);
}

void io_done(struct request *request)
{
	sight_leave(&request->queue->reactor->sight, request);
	if (__builtin_expect(request->early == REQUEST_EARLY_NONE, 1))
		finish(request);
	else
		request_end_early(request);
}

/* Where it is in the view, that is noted, so that it is looked for once in each. */
bool io_abandon(struct request *request)
{
	struct reactor *reactor = request->queue->reactor;
	const struct view *view = reactor->sight.view;

	if (request->checked == view->serial)
		return false;
	if (view_has_handle(view, request->wanted.handle)) {
		request->checked = view->serial;
		return false;
	}
	request_forfeit_memory(request);
	return true;
}
