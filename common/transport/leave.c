/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/nvme/reservation.h"
#include "common/proc/parcel.h"
#include "common/transport/queue.h"
#include "common/transport/reactor.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/subsystem_reset.h"
#include "common/transport/succession.h"
#include "common/transport/transport.h"

/* ------------------------------------------------------------------ coming to rest */

/* From here on all loops are this thread's. */
static void take_over_loops(struct transport *transport)
{
	for (unsigned i = 0; i < transport->n_reactors; i++)
		if (transport->reactors[i]->is_started)
			loop_stop(transport->reactors[i]->loop);
	for (unsigned i = 0; i < transport->n_reactors; i++) {
		reactor_join(transport->reactors[i]);
		transport->reactors[i]->is_left = true;
		transport->wire->freeze(transport->reactors[i]);
	}
}

static void do_round(struct transport *transport)
{
	loop_round(transport->service.loop, 0);
	for (unsigned i = 0; i < transport->n_reactors; i++)
		loop_round(transport->reactors[i]->loop, 0);
}

static bool are_workers_done(const struct transport *transport)
{
	for (unsigned i = 0; i < transport->n_reactors; i++) {
		const struct workers *workers = &transport->reactors[i]->workers;

		for (unsigned k = 0; k < workers->n_all; k++)
			if (worker_link_in_flight(workers->all[k]) > 0)
				return false;
	}
	return true;
}

static bool has_letters(struct transport *transport)
{
	bool has = !mailbox_is_empty(&transport->mailbox);

	for (unsigned i = 0; i < transport->n_reactors; i++)
		has |= !mailbox_is_empty(&transport->reactors[i]->mailbox);
	return has;
}

/* It may not be carried out twice, and who asks next cannot say that it is the same. */
static bool is_reserving(const struct request *request)
{
	return request->owner == REQUEST_AT_CONTROL && request->queue->qid > 0 &&
	       reservation_is_command(request->command.opcode);
}

static bool are_reservations_made(const struct transport *transport)
{
	list_for_each (link, (struct list *)&transport->asks.asked)
		if (container_of(link, struct task, ask_link)->identity)
			return false;
	return true;
}

static void come_to_rest(struct transport *transport)
{
	uint64_t end_ns = clock_now_ns() + LEAVE_PATIENCE_NS;

	do
		do_round(transport);
	while (!(are_workers_done(transport) && are_reservations_made(transport)) &&
	       clock_now_ns() < end_ns);
	/* What the state service says from now on, it says to the successor. */
	transport->client = ipc_client_free(transport->client);
	end_ns += NS_PER_S;
	do
		do_round(transport);
	while (has_letters(transport) && clock_now_ns() < end_ns);
}

/* ------------------------------------------------------------------ packing */

Nvmetd__HandoverRequest *request_leave(const struct request *request, const uint8_t *data,
                                       uint32_t have)
{
	Nvmetd__HandoverRequest *message = malloc(sizeof(*message));

	if (!message)
		return NULL;
	nvmetd__handover_request__init(message);
	message->index = request->index;
	message->kind = request->kind;
	message->source = request->source;
	message->direction = request->direction;
	message->length = request->length;
	message->status = request->status.value;
	message->error_location = request->error_location;
	if (handover_copy(&message->command, &request->command, sizeof(request->command)) &&
	    handover_copy(&message->data, data, have))
		return message;
	nvmetd__handover_request__free_unpacked(message, NULL);
	return NULL;
}

/* The data of an admin command went with its task. */
static const struct task *task_of(const struct request *request)
{
	list_for_each (link, &request->queue->seat->tasks) {
		const struct task *task = container_of(link, struct task, seat_link);

		if (task->index == request->index)
			return task;
	}
	return NULL;
}

/* It may have been done, and must not be again: its host decides. */
static Nvmetd__HandoverRequest *leave_undecided(const struct request *request)
{
	Nvmetd__HandoverRequest *message = request_leave(request, NULL, 0);

	if (!message)
		return NULL;
	message->kind = REQUEST_DONE;
	message->status = status_of(NVME_SC_COMMAND_INTERRUPTED).value;
	message->source = REQUEST_NO_DATA;
	message->direction = NVME_TRANSFER_NONE;
	message->length = 0;
	return message;
}

static Nvmetd__HandoverRequest *leave_waiting(const struct request *request)
{
	bool brings = request->direction == NVME_TRANSFER_TO_CONTROLLER;
	const struct task *task;

	if (is_reserving(request))
		return leave_undecided(request);
	if (request->is_once &&
	    (request->owner == REQUEST_AT_WORKER || request->owner == REQUEST_AT_LINK))
		return leave_undecided(request);
	if (!brings)
		return request_leave(request, NULL, 0);
	if (request->owner != REQUEST_AT_CONTROL)
		return request_leave(request, request->data, request->length);
	task = task_of(request);
	return task ? request_leave(request, task->data, task->data_bytes) : NULL;
}

static bool has_core(const struct request *request)
{
	/* whose host has its answer is only waited for */
	return request->owner != REQUEST_FREE && request->owner != REQUEST_WITH_WIRE &&
	       request->early == REQUEST_EARLY_NONE;
}

/* False: no memory. */
static bool leave_table(Nvmetd__HandoverConnection *message, const struct request *table,
                        uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		Nvmetd__HandoverRequest *request;

		if (!has_core(&table[i]))
			continue;
		request = leave_waiting(&table[i]);
		if (!request)
			return false;
		message->requests[message->n_requests++] = request;
	}
	return true;
}

static Nvmetd__HandoverConnection *leave_queue(struct queue *queue, int *ret_fd)
{
	Nvmetd__HandoverConnection *message = malloc(sizeof(*message));

	if (!message)
		return NULL;
	nvmetd__handover_connection__init(message);
	message->port_id = queue->port_id;
	message->controller = queue->controller ? queue->controller->left_as : 0;
	message->qid = queue->qid;
	message->size = queue->size;
	message->in_capsule_bytes = queue->in_capsule_bytes;
	message->sqflow_disabled = queue->sqflow_disabled;
	message->sqhd = queue->sqhd;
	message->thread = queue->reactor->index + 1;
	message->host_address = strdup(queue->host_address);
	message->requests = calloc(queue->in_core + 1ul, sizeof(message->requests[0]));
	*ret_fd = -1;
	if (message->host_address && message->requests &&
	    leave_table(message, queue->first, QUEUE_FIRST) &&
	    leave_table(message, queue->requests, queue->n_used))
		*ret_fd = queue->wire->leave(queue, message);
	if (*ret_fd >= 0)
		return message;
	nvmetd__handover_connection__free_unpacked(message, NULL);
	return NULL;
}

/* ------------------------------------------------------------------ into the parcel */

static int add(struct parcel *parcel, const Nvmetd__Handover *item, int fd)
{
	size_t size = nvmetd__handover__get_packed_size(item);
	_cleanup_(cleanup_free) uint8_t *bytes = malloc(size);

	if (!bytes)
		return error_origin(-ENOMEM);
	nvmetd__handover__pack(item, bytes);
	return parcel_add(parcel, bytes, size, fd);
}

/* Those that are not ending, each for a reason of its own. */
static uint32_t count_io_queues(const struct controller *controller)
{
	uint32_t n = 0;

	list_for_each (link, (struct list *)&controller->seats) {
		const struct seat *seat = container_of(link, struct seat, link);

		n += seat->qid > 0 && !seat->closing && !seat->terminating;
	}
	return n;
}

static int add_controller(struct parcel *parcel, struct controller *controller)
{
	Nvmetd__HandoverController message = NVMETD__HANDOVER_CONTROLLER__INIT;
	Nvmetd__Handover item = NVMETD__HANDOVER__INIT;
	Nvmetd__Counters counters = NVMETD__COUNTERS__INIT;
	struct nvme_error_entry entries[ERROR_LOG_ENTRIES];

	controller_count(controller, &counters);
	message.session = controller->session;
	message.cap = controller->properties.cap;
	message.vs = controller->properties.vs;
	message.cc = controller->properties.cc;
	message.csts = controller->properties.csts;
	message.reset_ns = controller->reset_ns;
	message.counters = &counters;
	/* one that has not all of what it inherited yet is to have as many as it was said to have
	 */
	message.io_queues = controller->n_expected ? controller->n_expected
	                                           : count_io_queues(controller) + 1;
	message.error_count = controller->errors.count;
	message.error_entries.data = (uint8_t *)entries;
	message.error_entries.len = error_log_copy(&controller->errors, entries) *
	                            sizeof(entries[0]);
	item.body_case = NVMETD__HANDOVER__BODY_CONTROLLER;
	item.controller = &message;
	return add(parcel, &item, -1);
}

static int add_controllers(struct parcel *parcel, struct transport *transport)
{
	uint32_t number = 0;
	int r = 0;

	list_for_each (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		controller->left_as = 0;
		if (controller->ended)
			continue;
		controller->left_as = ++number;
		r = add_controller(parcel, controller);
		if (r)
			return r;
	}
	return 0;
}

static bool goes_along(const struct queue *queue)
{
	return queue && !queue->closing && (!queue->connected || queue->controller->left_as);
}

static int add_connection(struct parcel *parcel, struct queue *queue, unsigned *n)
{
	Nvmetd__Handover item = NVMETD__HANDOVER__INIT;
	int fd, r;

	item.body_case = NVMETD__HANDOVER__BODY_CONNECTION;
	item.connection = leave_queue(queue, &fd);
	if (!item.connection)
		return 0; /* this one's host reconnects */
	r = add(parcel, &item, fd);
	nvmetd__handover_connection__free_unpacked(item.connection, NULL);
	*n += !r;
	return r;
}

static int add_connections(struct parcel *parcel, const struct reactor *reactor, unsigned *n)
{
	int r = 0;

	for (unsigned i = 0; !r && i < reactor->n_queue_slots; i++)
		if (goes_along(reactor->queues[i]))
			r = add_connection(parcel, reactor->queues[i], n);
	return r;
}

static int add_heirs(struct parcel *parcel, struct transport *transport, unsigned *n)
{
	Nvmetd__Handover *item;
	int r = 0, fd;

	while (!r && succession_pass_on(transport, &item, &fd)) {
		r = add(parcel, item, fd);
		*n += !r;
		nvmetd__handover__free_unpacked(item, NULL);
	}
	return r; /* the descriptors stay open until the parcel is left, and so to the end */
}

static int add_head(struct parcel *parcel, const struct transport *transport)
{
	Nvmetd__HandoverHead message = NVMETD__HANDOVER_HEAD__INIT;
	Nvmetd__Handover item = NVMETD__HANDOVER__INIT;
	int r;

	message.version = HANDOVER_VERSION;
	message.release = (char *)NVMETD_VERSION;
	message.left_ns = clock_boot_ns();
	message.threads = transport->n_reactors;
	item.body_case = NVMETD__HANDOVER__BODY_HEAD;
	item.head = &message;
	r = subsystem_reset_list(transport, &message) ? add(parcel, &item, -1)
	                                              : error_origin(-ENOMEM);
	subsystem_reset_unlist(&message);
	return r;
}

static int leave(struct transport *transport, unsigned *n)
{
	_cleanup_(parcel_freep) struct parcel *parcel = NULL;
	int r = parcel_new(&parcel);

	if (!r)
		r = add_head(parcel, transport);
	if (!r)
		r = add_controllers(parcel, transport);
	for (unsigned i = 0; !r && i < transport->n_reactors; i++)
		r = add_connections(parcel, transport->reactors[i], n);
	if (!r)
		r = add_heirs(parcel, transport, n);
	return r ? r : parcel_leave(parcel, HANDOVER_NAME);
}

void succession_leave(struct transport *transport)
{
	uint64_t began_ns = clock_now_ns();
	unsigned n = 0;
	int r;

	if (!transport->wire->leave) {
		log_info("connections are not handed over: their hosts reconnect");
		return;
	}
	take_over_loops(transport);
	come_to_rest(transport);
	r = leave(transport, &n);
	if (r)
		log_err("connections cannot be handed over, their hosts reconnect: %s",
		        error_words(r));
	else
		log_info("%u connections are left to the successor, in %llu ms",
		         n,
		         (unsigned long long)((clock_now_ns() - began_ns) / NS_PER_MS));
}
