/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A round of letters: each reactor writes down what only it knows, its queues, links and grants,
 * and the last answer to come in makes the message. Seats are looked up by number in it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/transport/reactor.h"
#include "common/transport/seat.h"
#include "common/transport/transport.h"

struct queue_note {
	uint64_t number;
	uint32_t in_flight;
	bool header_digest;
	bool data_digest;
};

struct link_note {
	char worker[32];
	bool is_up;
	uint32_t in_flight;
};

struct grant_note {
	uint32_t handle;
	bool is_held;
	Nvmetd__Counters counters;
};

struct round;

/* There may be many; nobody who asks of one namespace is told of them. */
struct note_tables {
	struct queue_note queues[REACTOR_QUEUES_MAX];
	struct link_note links[WORKERS_LINKS_MAX];
};

struct note {
	struct letter letter;
	struct round *round;
	struct reactor *reactor;
	unsigned n_queues;
	unsigned n_links;
	struct note_tables *tables; /* NULL: of one namespace only */
	size_t arena_bytes_used;
	unsigned n_grants;
	struct grant_note *grants; /* NULL: none, or no memory for them */
};

struct round {
	struct transport *transport;
	uint64_t request_id;
	uint32_t handle; /* only what was done by itself on this namespace; 0: all */
	unsigned n_missing;
	struct note *notes[TRANSPORT_REACTORS_MAX];
};

static void free_round(struct round *round)
{
	for (unsigned i = 0; i < TRANSPORT_REACTORS_MAX; i++) {
		if (round->notes[i]) {
			free(round->notes[i]->grants);
			free(round->notes[i]->tables);
		}
		free(round->notes[i]);
	}
	free(round);
}

/* ------------------------------------------------------------------ the message */

struct tables {
	Nvmetd__ControllerStatus *controllers;
	Nvmetd__ControllerStatus **controller_pointers;
	Nvmetd__Counters *counters;
	Nvmetd__QueueStatus *queues;
	Nvmetd__QueueStatus **queue_pointers;
	Nvmetd__LinkStatus *links;
	Nvmetd__LinkStatus **link_pointers;
	Nvmetd__DirectStatus *direct;
	Nvmetd__DirectStatus **direct_pointers;
	Nvmetd__ArenaStatus arenas[TRANSPORT_REACTORS_MAX];
	Nvmetd__ArenaStatus *arena_pointers[TRANSPORT_REACTORS_MAX];
	size_t n_controllers, n_queues, n_links, n_direct;
};

static void free_tables(struct tables *tables)
{
	free(tables->controllers);
	free(tables->controller_pointers);
	free(tables->counters);
	free(tables->queues);
	free(tables->queue_pointers);
	free(tables->links);
	free(tables->link_pointers);
	free(tables->direct);
	free(tables->direct_pointers);
}

static bool make_tables(struct tables *tables, const struct round *round)
{
	struct transport *transport = round->transport;
	size_t controllers = 1, queues = 1, links = 1,
	       grants = 1; /* never none: calloc(0) may be NULL */

	list_for_each (link, &transport->controllers) {
		if (round->handle != 0)
			break;
		controllers++;
		list_for_each (seat, &container_of(link, struct controller, link)->seats)
			queues++;
	}
	for (unsigned i = 0; i < transport->n_reactors; i++) {
		links += round->notes[i]->n_links;
		grants += round->notes[i]->n_grants;
	}
	tables->controllers = calloc(controllers, sizeof(*tables->controllers));
	tables->controller_pointers = calloc(controllers, sizeof(*tables->controller_pointers));
	tables->counters = calloc(controllers, sizeof(*tables->counters));
	tables->queues = calloc(queues, sizeof(*tables->queues));
	tables->queue_pointers = calloc(queues, sizeof(*tables->queue_pointers));
	tables->links = calloc(links, sizeof(*tables->links));
	tables->link_pointers = calloc(links, sizeof(*tables->link_pointers));
	tables->direct = calloc(grants, sizeof(*tables->direct));
	tables->direct_pointers = calloc(grants, sizeof(*tables->direct_pointers));
	return tables->controllers && tables->controller_pointers && tables->counters &&
	       tables->queues && tables->queue_pointers && tables->links && tables->link_pointers &&
	       tables->direct && tables->direct_pointers;
}

static int compare_slots(const void *number, const void *note)
{
	unsigned left = *(const uint64_t *)number % REACTOR_QUEUES_MAX;
	unsigned right = ((const struct queue_note *)note)->number % REACTOR_QUEUES_MAX;

	return (left > right) - (left < right);
}

/* They are in the order of their slots. */
static const struct queue_note *find_note(const struct round *round, const struct seat *seat)
{
	const struct note *note = round->notes[seat->reactor->index];
	const struct queue_note *found = bsearch(
		&seat->queue, note->tables->queues, note->n_queues, sizeof(*found), compare_slots);

	return found && found->number == seat->queue ? found : NULL;
}

static void tell_queue(struct tables *tables, const struct round *round, struct seat *seat)
{
	const struct queue_note *note = find_note(round, seat);
	Nvmetd__QueueStatus *status = &tables->queues[tables->n_queues];

	nvmetd__queue_status__init(status);
	status->qid = seat->qid;
	status->size = seat->size;
	status->thread = seat->reactor->index;
	status->host_address = seat->host_address;
	if (note) {
		status->in_flight = note->in_flight;
		status->header_digest = note->header_digest;
		status->data_digest = note->data_digest;
	}
	tables->queue_pointers[tables->n_queues++] = status;
}

static char *state_of(const struct controller *controller)
{
	if (NVME_CC_SHN(controller->properties.cc) != 0)
		return "shut down";
	return properties_are_ready(&controller->properties) ? "enabled" : "disabled";
}

static void tell_controller(struct tables *tables, const struct round *round,
                            struct controller *controller)
{
	Nvmetd__ControllerStatus *status = &tables->controllers[tables->n_controllers];
	Nvmetd__Counters *counters = &tables->counters[tables->n_controllers];

	nvmetd__controller_status__init(status);
	nvmetd__counters__init(counters);
	controller_count(controller, counters);
	status->subsystem = controller->subsystem;
	status->cntlid = controller->cntlid;
	status->state = state_of(controller);
	status->counters = counters;
	status->queues = &tables->queue_pointers[tables->n_queues];
	list_for_each (link, &controller->seats) {
		tell_queue(tables, round, container_of(link, struct seat, link));
		status->n_queues++;
	}
	tables->controller_pointers[tables->n_controllers++] = status;
}

static void tell_links(struct tables *tables, struct note *note)
{
	for (unsigned i = 0; i < note->n_links; i++) {
		Nvmetd__LinkStatus *status = &tables->links[tables->n_links];

		nvmetd__link_status__init(status);
		status->worker = note->tables->links[i].worker;
		status->thread = note->reactor->index;
		status->state = note->tables->links[i].is_up ? "up" : "connecting";
		status->in_flight = note->tables->links[i].in_flight;
		tables->link_pointers[tables->n_links++] = status;
	}
}

static void tell_arena(struct tables *tables, const struct note *note)
{
	unsigned thread = note->reactor->index;
	Nvmetd__ArenaStatus *status = &tables->arenas[thread];

	nvmetd__arena_status__init(status);
	status->thread = thread;
	status->bytes = arena_region(note->reactor->room.arena)->size;
	status->bytes_used = note->arena_bytes_used;
	tables->arena_pointers[thread] = status;
}

static void add_counters(Nvmetd__Counters *sum, const Nvmetd__Counters *counters)
{
	sum->reads += counters->reads;
	sum->writes += counters->writes;
	sum->read_bytes += counters->read_bytes;
	sum->write_bytes += counters->write_bytes;
	sum->flushes += counters->flushes;
}

static Nvmetd__DirectStatus *find_direct(struct tables *tables, struct grant_note *note)
{
	Nvmetd__DirectStatus *status;

	for (size_t i = 0; i < tables->n_direct; i++)
		if (tables->direct[i].handle == note->handle)
			return &tables->direct[i];
	status = &tables->direct[tables->n_direct];
	tables->direct_pointers[tables->n_direct++] = status;
	nvmetd__direct_status__init(status);
	status->handle = note->handle;
	return status;
}

/* The sums of all reactors, in the notes of the first that has the namespace. */
static void tell_grants(struct tables *tables, struct note *note)
{
	for (unsigned i = 0; i < note->n_grants; i++) {
		struct grant_note *grant = &note->grants[i];
		Nvmetd__DirectStatus *status = find_direct(tables, grant);

		status->threads += grant->is_held;
		if (status->counters)
			add_counters(status->counters, &grant->counters);
		else
			status->counters = &grant->counters;
	}
}

static void fill(struct tables *tables, const struct round *round, Nvmetd__Counters *total)
{
	struct transport *transport = round->transport;

	list_for_each (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (round->handle == 0 && !controller->ended)
			tell_controller(tables, round, controller);
	}
	for (unsigned i = 0; i < transport->n_reactors; i++) {
		tell_links(tables, round->notes[i]);
		tell_arena(tables, round->notes[i]);
		tell_grants(tables, round->notes[i]);
		counts_sum(&transport->reactors[i]->counts, total);
	}
}

static void send(const struct round *round)
{
	Nvmetd__TransportStatus status = NVMETD__TRANSPORT_STATUS__INIT;
	Nvmetd__Counters total = NVMETD__COUNTERS__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	_cleanup_(free_tables) struct tables tables = {0};

	if (!make_tables(&tables, round)) {
		log_err("no memory to say our status");
		return;
	}
	fill(&tables, round, &total);
	status.controllers = tables.controller_pointers;
	status.n_controllers = tables.n_controllers;
	status.links = tables.link_pointers;
	status.n_links = tables.n_links;
	status.arenas = tables.arena_pointers;
	status.n_arenas = round->transport->n_reactors;
	status.direct = tables.direct_pointers;
	status.n_direct = tables.n_direct;
	status.total = &total;
	for (unsigned i = 0; i < round->transport->n_reactors; i++)
		status.connections += round->notes[i]->n_queues;
	message.body_case = NVMETD__ENVELOPE__BODY_TRANSPORT_STATUS;
	message.transport_status = &status;
	if (round->transport->client)
		ipc_client_send(round->transport->client, round->request_id, &message);
}

/* ------------------------------------------------------------------ the letters */

static void note_returns(struct letter *letter)
{
	struct round *round = container_of(letter, struct note, letter)->round;

	if (--round->n_missing > 0)
		return;
	send(round);
	free_round(round);
}

static void note_queue(struct note *note, struct queue *queue)
{
	struct queue_note *ret = &note->tables->queues[note->n_queues++];

	*ret = (struct queue_note){.number = queue->number,
	                           .in_flight = queue->in_core + queue->in_wire};
	if (queue->wire->describe && !queue->closing)
		queue->wire->describe(queue, &ret->header_digest, &ret->data_digest);
}

static bool is_asked(const struct direct_grant *grant, uint32_t handle)
{
	return handle == 0 || grant->handle == handle;
}

static void note_grants(struct note *note, const struct direct *direct, uint32_t handle)
{
	size_t n = 0;

	list_for_each (link, (struct list *)&direct->grants)
		n += is_asked(container_of(link, struct direct_grant, link), handle);
	note->grants = calloc(n + 1, sizeof(*note->grants));
	if (!note->grants)
		return;
	list_for_each (link, (struct list *)&direct->grants) {
		const struct direct_grant *grant = container_of(link, struct direct_grant, link);
		struct grant_note *ret = &note->grants[note->n_grants];

		if (!is_asked(grant, handle))
			continue;
		note->n_grants++;
		ret->handle = grant->handle;
		ret->is_held = grant->state == DIRECT_HELD;
		nvmetd__counters__init(&ret->counters);
		counts_sum(&grant->counts, &ret->counters);
	}
}

static void note_queues(struct note *note, const struct reactor *reactor)
{
	for (unsigned i = 0; i < reactor->n_queue_slots; i++)
		if (reactor->queues[i])
			note_queue(note, reactor->queues[i]);
}

static void note_links(struct note *note, const struct reactor *reactor)
{
	for (unsigned i = 0; i < reactor->workers.n_all; i++) {
		const struct worker_link *link = reactor->workers.all[i];
		struct link_note *ret = &note->tables->links[note->n_links++];

		strncpy(ret->worker, worker_link_name(link), sizeof(ret->worker) - 1);
		ret->is_up = worker_link_state(link) == WORKER_UP;
		ret->in_flight = worker_link_in_flight(link);
	}
}

static void take_note(struct letter *letter)
{
	struct note *note = container_of(letter, struct note, letter);
	struct reactor *reactor = note->reactor;

	if (note->tables) {
		note_queues(note, reactor);
		note_links(note, reactor);
	}
	note->arena_bytes_used = arena_bytes_taken(reactor->room.arena);
	note_grants(note, &reactor->direct, note->round->handle);
	mailbox_post(&reactor->transport->mailbox, &note->letter, note_returns);
}

static struct note *note_new(struct round *round, struct reactor *reactor)
{
	struct note *note = calloc(1, sizeof(*note));

	if (!note)
		return NULL;
	note->round = round;
	note->reactor = reactor;
	if (round->handle != 0)
		return note;
	note->tables = calloc(1, sizeof(*note->tables));
	if (note->tables)
		return note;
	free(note);
	return NULL;
}

void status_answer(struct transport *transport, uint64_t request_id, uint32_t handle)
{
	struct round *round = calloc(1, sizeof(*round));

	if (!round)
		return;
	round->transport = transport;
	round->request_id = request_id;
	round->handle = handle;
	round->n_missing = transport->n_reactors;
	for (unsigned i = 0; i < transport->n_reactors; i++) {
		round->notes[i] = note_new(round, transport->reactors[i]);
		if (!round->notes[i]) {
			free_round(round);
			return;
		}
	}
	for (unsigned i = 0; i < transport->n_reactors; i++)
		mailbox_post(&transport->reactors[i]->mailbox, &round->notes[i]->letter, take_note);
}
