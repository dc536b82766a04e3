/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/target.h"

#include <stdlib.h>
#include <string.h>

#include "services/state/journal.h"
#include "services/state/reservation.h"
#include "services/state/session.h"
#include "services/state/visibility.h"

void target_init(struct target *target)
{
	*target = (struct target){.config = CONFIG_NULL, .next_handle = 1, .next_subsystem = 1};
	list_init(&target->backings);
	list_init(&target->subsystems);
}

struct subsystem *subsystem_new(void)
{
	struct subsystem *subsystem = calloc(1, sizeof(*subsystem));

	if (!subsystem)
		return NULL;
	list_init(&subsystem->link);
	list_init(&subsystem->journal);
	subsystem->journal_next = 1;
	return subsystem;
}

struct subsystem *subsystem_free(struct subsystem *subsystem)
{
	if (!subsystem)
		return NULL;
	list_remove(&subsystem->link);
	journal_free(subsystem);
	free(subsystem);
	return NULL;
}

struct backing *backing_new(void)
{
	struct backing *backing = calloc(1, sizeof(*backing));

	if (backing)
		list_init(&backing->link);
	return backing;
}

struct backing *backing_free(struct backing *backing)
{
	if (!backing)
		return NULL;
	list_remove(&backing->link);
	reservation_free(backing->reservation);
	free(backing->path);
	free(backing);
	return NULL;
}

void target_deinit(struct target *target)
{
	struct list *link;

	config_deinit(&target->config);
	free(target->by_handle);
	list_for_each_safe (at, &target->backings)
		backing_free(container_of(at, struct backing, link));
	while ((link = list_take_first(&target->subsystems)))
		subsystem_free(container_of(link, struct subsystem, link));
}

struct subsystem *target_find_subsystem(const struct target *target, uint32_t number)
{
	list_for_each (at, (struct list *)&target->subsystems) {
		struct subsystem *subsystem = container_of(at, struct subsystem, link);

		if (subsystem->number == number)
			return subsystem;
	}
	return NULL;
}

struct subsystem *target_find_subsystem_named(const struct target *target, const char *nqn)
{
	list_for_each (at, (struct list *)&target->subsystems) {
		struct subsystem *subsystem = container_of(at, struct subsystem, link);

		if (strcmp(subsystem->nqn, nqn) == 0)
			return subsystem;
	}
	return NULL;
}

/* Beyond this many, which no configuration comes to, the list has to do. */
#define HANDLES_MAX (UINT32_C(1) << 22)

/* Room for handles up to this one, and some more. */
static void make_room(struct target *target, uint32_t handle)
{
	size_t size = (size_t)handle + handle / 2 + 64;
	bool gave_up = target->n_by_handle > 0 && !target->by_handle;
	struct backing **more = gave_up || handle >= HANDLES_MAX
	                                ? NULL
	                                : realloc(target->by_handle, size * sizeof(*more));

	if (!more) {
		free(target->by_handle);
		target->by_handle = NULL;
		target->n_by_handle = SIZE_MAX;
		return;
	}
	memset(more + target->n_by_handle, 0, (size - target->n_by_handle) * sizeof(*more));
	target->by_handle = more;
	target->n_by_handle = size;
}

void target_add_backing(struct target *target, struct backing *backing)
{
	list_append(&target->backings, &backing->link);
	if (backing->handle >= target->n_by_handle)
		make_room(target, backing->handle);
	if (target->by_handle)
		target->by_handle[backing->handle] = backing;
}

struct backing *target_find_backing(const struct target *target, uint32_t handle)
{
	if (target->by_handle)
		return handle < target->n_by_handle ? target->by_handle[handle] : NULL;
	list_for_each (at, (struct list *)&target->backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (backing->handle == handle)
			return backing;
	}
	return NULL;
}

const struct config_subsystem *target_find_config(const struct target *target, uint32_t number)
{
	for (size_t i = 0; i < target->config.n_subsystems; i++)
		if (target->config.subsystems[i].subsystem->number == number)
			return &target->config.subsystems[i];
	return NULL;
}

bool backing_zones_are_same(const struct backing_zones *a, const struct backing_zones *b)
{
	return a->blocks == b->blocks && a->capacity == b->capacity && a->open_max == b->open_max &&
	       a->active_max == b->active_max;
}

bool namespace_is_active(const struct config_namespace *namespace)
{
	return namespace->enable && namespace->backing && namespace->backing->known;
}

bool namespace_is_seen(const struct config_namespace *namespace, const struct session *session)
{
	return namespace_is_active(namespace) &&
	       (!session || namespace_is_visible(namespace, session->host_nqn));
}

/* The place of the first namespace with a greater number. */
static size_t find_above(const struct config_subsystem *subsystem, uint32_t nsid)
{
	size_t low = 0, high = subsystem->n_namespaces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (subsystem->sorted[middle]->nsid > nsid)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct config_namespace *subsystem_find_active(const struct config_subsystem *subsystem,
                                                     const struct session *session, uint32_t nsid)
{
	const struct config_namespace *namespace;
	size_t above = find_above(subsystem, nsid);

	if (above == 0)
		return NULL;
	namespace = subsystem->sorted[above - 1];
	return namespace->nsid == nsid && namespace_is_seen(namespace, session) ? namespace : NULL;
}

unsigned subsystem_list_active(const struct config_subsystem *subsystem,
                               const struct session *session, uint32_t nsid, uint32_t *ret_nsids,
                               unsigned most)
{
	unsigned count = 0;

	for (size_t i = find_above(subsystem, nsid); i < subsystem->n_namespaces && count < most;
	     i++)
		if (namespace_is_seen(subsystem->sorted[i], session))
			ret_nsids[count++] = subsystem->sorted[i]->nsid;
	return count;
}
