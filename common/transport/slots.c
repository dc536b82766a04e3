/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/slots.h"

void slots_init(struct slots *slots)
{
	list_init(&slots->in_flight);
	slots->n_in_flight = 0;
	slots->n_free = LINK_SLOTS;
	for (uint32_t i = 0; i < LINK_SLOTS; i++) {
		slots->free[i] = LINK_SLOTS - 1 - i;
		slots->slots[i] = (struct slot){0};
	}
}

void slots_name(struct slots *slots, struct request *request)
{
	uint32_t index = slots->free[slots->n_free - 1];

	request->wanted.id = (struct link_id){.index = index,
	                                      .generation = ++slots->slots[index].generation};
}

void slots_add(struct slots *slots, struct request *request)
{
	slots->slots[request->wanted.id.index].request = request;
	slots->n_free--;
	slots->n_in_flight++;
	list_append(&slots->in_flight, &request->core_link);
}

struct request *slots_find(const struct slots *slots, struct link_id id)
{
	if (id.index >= LINK_SLOTS || slots->slots[id.index].generation != id.generation)
		return NULL;
	return slots->slots[id.index].request;
}

struct request *slots_oldest(const struct slots *slots)
{
	if (list_is_empty(&slots->in_flight))
		return NULL;
	return container_of(slots->in_flight.next, struct request, core_link);
}

void slots_remove(struct slots *slots, struct request *request)
{
	uint32_t index = request->wanted.id.index;

	slots->slots[index].request = NULL;
	slots->free[slots->n_free++] = index;
	slots->n_in_flight--;
	list_remove(&request->core_link);
}
