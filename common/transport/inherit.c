/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/nvme/decode.h"
#include "common/nvme/reservation.h"
#include "common/proc/parcel.h"
#include "common/transport/queue.h"
#include "common/transport/reactor.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/spread.h"
#include "common/transport/subsystem_reset.h"
#include "common/transport/succession.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"

#define LOST "its connection was lost in the restart"

/* A connection on its way to its reactor, and back with its seat. */
struct heir {
	struct letter letter;
	struct list link; /* in the transport's list, until there is a view */
	struct reactor *reactor;
	uint32_t host;
	int fd;
	Nvmetd__Handover *item; /* a connection */
	struct controller *controller;
	struct seat *seat;
};

static void free_heir(struct heir *heir)
{
	cleanup_close(&heir->fd);
	if (heir->item)
		nvmetd__handover__free_unpacked(heir->item, NULL);
	controller_drop(heir->controller);
	free(heir);
}

/* ------------------------------------------------------------------ a queue, on its reactor */

/* It lies inside of what the rest of the core relies on. */
static bool is_sound(const Nvmetd__HandoverRequest *message)
{
	return message->command.len == sizeof(struct nvme_command) &&
	       message->kind <= REQUEST_DONE && message->source <= REQUEST_TRANSFER &&
	       message->direction <= NVME_TRANSFER_TO_HOST &&
	       message->length <= DECODE_TRANSFER_MAX && message->data.len <= message->length &&
	       (message->length > 0) == (message->direction != NVME_TRANSFER_NONE) &&
	       (message->source == REQUEST_NO_DATA) ==
	               (message->direction != NVME_TRANSFER_TO_CONTROLLER) &&
	       message->status <= NVME_STATUS_MAX;
}

/* Memory, and what is to be in it; false: there is none. */
static bool take_data(struct request *request, const Nvmetd__HandoverRequest *message,
                      bool needs_room)
{
	if (request->direction != NVME_TRANSFER_TO_CONTROLLER || !needs_room)
		return message->data.len == 0;
	if (request_reserve(request) != 0)
		return false;
	if (message->data.len > 0)
		memcpy(request->data, message->data.data, message->data.len);
	return true;
}

struct request *queue_inherit_request(struct queue *queue, const Nvmetd__HandoverRequest *message,
                                      bool needs_room)
{
	struct request *request;

	if (!message || !is_sound(message))
		return NULL;
	if (message->kind == REQUEST_IO && (!queue->connected || queue->qid == 0))
		return NULL;
	if (message->kind == REQUEST_CONTROL && queue->qid > 0 &&
	    message->command.data[0] != NVME_FABRICS &&
	    !reservation_is_command(message->command.data[0]))
		return NULL;
	request = queue_begin_at(queue, message->index);
	if (!request)
		return NULL;
	memcpy(&request->command, message->command.data, sizeof(request->command));
	request->kind = (uint8_t)message->kind;
	request->source = (uint8_t)message->source;
	request->direction = (enum nvme_transfer)message->direction;
	request->length = message->length;
	request->status = (struct nvme_status){(uint16_t)message->status};
	request->error_location = (uint16_t)message->error_location;
	if (take_data(request, message, needs_room))
		return request;
	request_finish(request);
	return NULL;
}

static int connect(struct queue *queue, struct controller *controller,
                   const Nvmetd__HandoverConnection *message)
{
	struct task_connected connected = {
		.qid = (uint16_t)message->qid,
		.size = message->size,
		.in_capsule_bytes = message->in_capsule_bytes,
		.sqflow_disabled = message->sqflow_disabled,
	};

	if (message->qid > UINT16_MAX || message->size < 2 || message->size > VIEW_QUEUE_SIZE_MAX ||
	    message->in_capsule_bytes > DECODE_TRANSFER_MAX || message->sqhd >= message->size)
		return error_origin(-EINVAL);
	connected.controller = controller_hold(controller);
	if (!queue_connect(queue, &connected)) {
		controller_drop(connected.controller);
		return error_origin(-ENOMEM);
	}
	queue->sqhd = (uint16_t)message->sqhd;
	return 0;
}

int queue_inherit(struct queue *queue, struct controller *controller,
                  const Nvmetd__HandoverConnection *message)
{
	int r = controller ? connect(queue, controller, message) : 0;

	if (r)
		return error_trace(r);
	for (size_t i = 0; i < message->n_requests; i++) {
		struct request *request = queue_inherit_request(queue, message->requests[i], true);

		if (!request)
			return error_origin(-ENOBUFS);
		request_set_aside(request);
	}
	return 0;
}

static void seat_is_taken(struct letter *letter);
static void was_not_inherited(struct letter *letter);

static void inherit(struct letter *letter)
{
	struct heir *heir = container_of(letter, struct heir, letter);
	struct reactor *reactor = heir->reactor;
	struct queue *queue;

	queue = reactor->wire->inherit(
		reactor, take_fd(&heir->fd), heir->item->connection, heir->controller);
	heir->seat = queue ? queue->seat : NULL;
	mailbox_post(&reactor->transport->mailbox,
	             &heir->letter,
	             queue ? seat_is_taken : was_not_inherited);
}

/* The wire has not asked for its data yet. */
static bool waits_for_room(const struct request *request)
{
	return request->owner == REQUEST_WITH_WIRE && request->source == REQUEST_TRANSFER &&
	       !request->data;
}

static bool is_torn(const struct queue *queue)
{
	return queue->qid > 0 && queue->controller && atomic_load(&queue->controller->is_torn);
}

static void begin_again(struct request *table, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (table[i].owner == REQUEST_AT_CORE && is_torn(table[i].queue))
			request_answer(&table[i], status_of(NVME_SC_INTERNAL_PATH_ERROR));
		else if (table[i].owner == REQUEST_AT_CORE)
			request_begin_again(&table[i]);
		else if (waits_for_room(&table[i]) && request_reserve(&table[i]) == 0)
			table[i].queue->wire->fetch(&table[i]);
}

/* All of them have the memory that they had: what is left of it is for what comes now. */
static void all_are_adopted(struct letter *letter)
{
	struct reactor *reactor = container_of(letter, struct reactor, adopted_letter);

	if (reactor->is_left) /* they rest until the next process has them */
		return;
	for (unsigned i = 0; i < reactor->n_queue_slots; i++) {
		struct queue *queue = reactor->queues[i];

		if (!queue)
			continue;
		reactor->has_responded = true;
		begin_again(queue->first, QUEUE_FIRST);
		begin_again(queue->requests, queue->n_used);
		queue->resumable = !queue->closing;
		reactor_is_due(reactor, queue);
	}
}

/* ------------------------------------------------------------------ on the control thread again */

static void all_are_back(struct transport *transport)
{
	for (unsigned i = 0; i < transport->n_reactors; i++)
		mailbox_post(&transport->reactors[i]->mailbox,
		             &transport->reactors[i]->adopted_letter,
		             all_are_adopted);
}

/* When the last is back, what is torn has been found, and its queues terminated. */
static void is_back(struct transport *transport, struct heir *heir)
{
	free_heir(heir);
	if (--transport->n_adopting > 0)
		return;
	subsystem_reset_catch_up(transport);
	all_are_back(transport);
}

/* Of the queues that are there, and of those that still come. */
static void tear(struct controller *controller, uint32_t qid)
{
	atomic_store(&controller->is_torn, true);
	controller_queue_lost(controller, (uint16_t)qid, LOST);
}

static void seat_is_taken(struct letter *letter)
{
	struct heir *heir = container_of(letter, struct heir, letter);
	struct transport *transport = heir->reactor->transport;
	const Nvmetd__HandoverConnection *message = heir->item->connection;
	struct controller *controller = heir->controller;
	bool is_admin = message->qid == 0;

	heir->seat->host = heir->host;
	if (controller && controller->ended) {
		seat_terminate(heir->seat, "its controller has ended");
	} else if (controller) {
		controller_seat(controller, heir->seat, (uint16_t)message->qid, message->size);
		if (is_admin)
			transport_queue_is_admin(heir->seat);
		if (heir->seat->closing)
			tear(controller, heir->seat->qid);
		else if (!is_admin && atomic_load(&controller->is_torn))
			seat_terminate(heir->seat, LOST);
	}
	is_back(transport, heir);
}

static void was_not_inherited(struct letter *letter)
{
	struct heir *heir = container_of(letter, struct heir, letter);

	transport_queue_failed(heir->reactor, heir->item->connection->port_id, heir->host);
	if (heir->controller)
		tear(heir->controller, heir->item->connection->qid);
	is_back(heir->reactor->transport, heir);
}

/* ------------------------------------------------------------------ what was left */

struct reading {
	struct transport *transport;
	struct controller *controllers[UINT16_MAX];
	uint32_t n_controllers;
	unsigned n_connections;
	bool has_head;
	uint64_t left_ns;
	bool has_as_many; /* threads as we: each connection goes to where it was */
};

/* False: it is not to be read on. */
static bool read_head(struct reading *reading, const Nvmetd__HandoverHead *head)
{
	char release[32];

	reading->has_head = head->version > 0 && head->version <= HANDOVER_VERSION &&
	                    head->version + 1 >= HANDOVER_VERSION;
	if (!reading->has_head)
		log_warn("the predecessor, release %s, has left connections in format %u, which "
		         "is not understood here: their hosts reconnect",
		         log_safe(release, sizeof(release), head->release, strlen(head->release)),
		         head->version);
	reading->left_ns = head->left_ns ? head->left_ns : clock_boot_ns();
	if (reading->has_head)
		subsystem_reset_inherit(reading->transport, head);
	reading->has_as_many = head->threads == reading->transport->n_reactors;
	return reading->has_head;
}

/* One that cannot be has a number all the same. */
static void read_controller(struct reading *reading, const Nvmetd__HandoverController *message)
{
	struct controller *controller = NULL;
	int r;

	if (reading->n_controllers == UINT16_MAX)
		return;
	r = controller_inherit(&controller, reading->transport, message);
	if (r)
		log_warn("a controller of the predecessor is lost: %s", error_words(r));
	else
		controller->reset_ns = message->reset_ns ? message->reset_ns : reading->left_ns;
	reading->controllers[reading->n_controllers++] = controller;
}

/* Takes the item. */
static void read_connection(struct reading *reading, Nvmetd__Handover *item, int *fd)
{
	uint32_t number = item->connection->controller;
	struct heir *heir = calloc(1, sizeof(*heir));
	struct controller *controller = NULL;

	if (number > 0 && number <= reading->n_controllers)
		controller = reading->controllers[number - 1];
	if (!heir || *fd < 0 || (number > 0 && !controller)) {
		nvmetd__handover__free_unpacked(item, NULL);
		free(heir);
		return;
	}
	heir->fd = take_fd(fd);
	heir->item = item;
	if (controller) {
		heir->controller = controller_hold(controller);
		if (item->connection->qid == 0)
			controller->left_as = number;
		else
			controller->n_came++;
	}
	if (!reading->has_as_many)
		item->connection->thread = 0;
	list_init(&heir->link);
	list_append(&reading->transport->heirs, &heir->link);
	reading->n_connections++;
}

/* False: it is not to be read on. */
static bool read_item(struct reading *reading, const uint8_t *bytes, size_t length, int *fd)
{
	Nvmetd__Handover *item = nvmetd__handover__unpack(NULL, length, bytes);
	bool goes_on = true;

	if (!item)
		return false;
	if (item->body_case == NVMETD__HANDOVER__BODY_HEAD)
		goes_on = read_head(reading, item->head);
	else if (!reading->has_head)
		goes_on = false;
	else if (item->body_case == NVMETD__HANDOVER__BODY_CONTROLLER)
		read_controller(reading, item->controller);
	else if (item->body_case == NVMETD__HANDOVER__BODY_CONNECTION) {
		read_connection(reading, item, fd);
		return true;
	}
	nvmetd__handover__free_unpacked(item, NULL);
	return goes_on;
}

static void read_all(struct reading *reading, struct parcel *parcel)
{
	const uint8_t *bytes;
	bool goes_on = true;
	size_t length;
	int fd;

	while (goes_on && parcel_next(parcel, &bytes, &length, &fd)) {
		goes_on = read_item(reading, bytes, length, &fd);
		cleanup_close(&fd);
	}
	if (!goes_on && reading->has_head)
		log_warn("what the predecessor has left is not understood to its end: some hosts "
		         "reconnect");
}

/* Without its admin queue a controller would live for ever. */
static void end_headless(struct transport *transport)
{
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		bool is_short = controller->n_came + 1 < controller->n_expected;

		controller->n_expected = 0;
		if (is_short)
			atomic_store(&controller->is_torn, true);
		if (!controller->left_as)
			controller_end(controller, LOST);
	}
}

static void grow_too_old(struct loop_timer *timer)
{
	struct transport *transport = container_of(timer, struct transport, too_old);

	log_warn("no view came in time: the connections of the predecessor are closed, their hosts "
	         "reconnect");
	succession_forget(transport);
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (list_is_empty(&controller->seats))
			controller_end(controller, LOST);
	}
}

static void watch_age(struct transport *transport, uint64_t left_ns)
{
	uint64_t age_ns = clock_boot_ns() - left_ns;

	if (age_ns < HANDOVER_AGE_NS)
		loop_timer_set(transport->service.loop,
		               &transport->too_old,
		               clock_now_ns() + HANDOVER_AGE_NS - age_ns);
	else
		grow_too_old(&transport->too_old);
}

void succession_init(struct transport *transport)
{
	list_init(&transport->heirs);
	transport->too_old = LOOP_TIMER(grow_too_old);
}

void succession_inherit(struct transport *transport)
{
	_cleanup_(parcel_freep) struct parcel *parcel = NULL;
	_cleanup_(cleanup_free) struct reading *reading = NULL;
	int r = parcel_take(&parcel, HANDOVER_NAME);

	if (r == PARCEL_E_NONE)
		return;
	reading = calloc(1, sizeof(*reading));
	if (r || !reading || !transport->wire->inherit) {
		log_warn("what the predecessor has left cannot be taken: hosts reconnect");
		return;
	}
	reading->transport = transport;
	read_all(reading, parcel);
	end_headless(transport);
	log_info("%u connections of the predecessor are taken over", reading->n_connections);
	if (!list_is_empty(&transport->heirs))
		watch_age(transport, reading->left_ns);
}

/* ------------------------------------------------------------------ adoption */

static void place(struct transport *transport, struct heir *heir)
{
	const char *address = heir->item->connection->host_address;
	char shown[64];
	int picked;

	heir->host = spread_host(address);
	picked = (int)heir->item->connection->thread - 1;
	if (picked < 0 || !spread_add(transport->spread, (unsigned)picked, heir->host))
		picked = spread_pick(transport->spread, heir->host);
	if (picked >= 0 && !crowd_enter(&transport->crowd, heir->item->connection->port_id, 0)) {
		spread_forget(transport->spread, (unsigned)picked, heir->host, false);
		picked = SPREAD_E_FULL;
	}
	if (picked < 0) {
		log_warn("%s: connection lost in the restart: too many connections",
		         log_safe(shown, sizeof(shown), address, strlen(address)));
		if (heir->controller)
			tear(heir->controller, heir->item->connection->qid);
		free_heir(heir);
		return;
	}
	transport->n_adopting++;
	heir->reactor = transport->reactors[picked];
	mailbox_post(&heir->reactor->mailbox, &heir->letter, inherit);
}

/* Ports that the view does not have are not listened on, and have no listener that would end
 * their controllers. */
static void revive(struct transport *transport)
{
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (view_port(transport->view, controller->port_id))
			controller_revive(controller);
		else
			controller_end(controller, "its port is gone");
	}
}

void succession_adopt(struct transport *transport)
{
	struct list *first;

	if (list_is_empty(&transport->heirs))
		return;
	revive(transport);
	loop_timer_clear(&transport->too_old);
	while ((first = list_take_first(&transport->heirs)))
		place(transport, container_of(first, struct heir, link));
}

bool succession_pass_on(struct transport *transport, Nvmetd__Handover **ret_item, int *ret_fd)
{
	struct list *first;
	struct heir *heir = NULL;

	while ((first = list_take_first(&transport->heirs))) {
		heir = container_of(first, struct heir, link);
		if (!heir->controller || heir->controller->left_as)
			break;
		free_heir(heir); /* its controller has ended meanwhile */
	}
	if (!first)
		return false;
	if (heir->controller)
		heir->item->connection->controller = heir->controller->left_as;
	*ret_item = take(&heir->item);
	*ret_fd = take_fd(&heir->fd);
	free_heir(heir);
	return true;
}

void succession_forget(struct transport *transport)
{
	struct list *first;

	loop_timer_clear(&transport->too_old);
	while ((first = list_take_first(&transport->heirs)))
		free_heir(container_of(first, struct heir, link));
}
