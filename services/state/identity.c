/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <uuid.h>

#include "common/base/error.h"

void identity_init(struct identity *identity)
{
	list_init(&identity->subsystems);
	list_init(&identity->backings);
	identity->sorted = NULL;
	identity->n_sorted = 0;
	identity->uuids = UUID_SET_NULL;
}

void identity_deinit(struct identity *identity)
{
	struct list *link;

	free(identity->sorted);
	uuid_set_deinit(&identity->uuids);
	while ((link = list_take_first(&identity->subsystems)))
		subsystem_free(container_of(link, struct subsystem, link));
	list_for_each_safe (at, &identity->backings)
		backing_free(container_of(at, struct backing, link));
}

/* Twenty hexadecimal digits. */
static int make_serial(char ret_serial[static 21])
{
	uint8_t bytes[10];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return error_origin(-errno);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret_serial + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* ------------------------------------------------------------------ subsystems */

static int make_subsystem(struct subsystem **ret_subsystem, const char *nqn, struct target *target)
{
	struct subsystem *subsystem = subsystem_new();
	int r;

	if (!subsystem)
		return error_origin(-ENOMEM);
	r = make_serial(subsystem->serial);
	if (r) {
		subsystem_free(subsystem);
		return r;
	}
	snprintf(subsystem->nqn, sizeof(subsystem->nqn), "%s", nqn);
	subsystem->number = target->next_subsystem++;
	*ret_subsystem = subsystem;
	return 0;
}

static int resolve_subsystem(struct identity *identity, struct config_subsystem *config,
                             struct target *target, struct database *database)
{
	struct subsystem *subsystem = target_find_subsystem_named(target, config->nqn), kept;
	bool made = !subsystem;
	int r = made ? make_subsystem(&subsystem, config->nqn, target) : 0;

	if (r || !subsystem)
		return r;
	if (made)
		list_append(&identity->subsystems, &subsystem->link);
	config->subsystem = subsystem;
	if (config->serial[0] == '\0')
		memcpy(config->serial, subsystem->serial, sizeof(config->serial));
	if (!made && strcmp(config->serial, subsystem->serial) == 0)
		return 0;
	kept = *subsystem;
	memcpy(kept.serial, config->serial, sizeof(kept.serial));
	return database_put_subsystem(database, &kept);
}

/* ------------------------------------------------------------------ namespaces */

static int resolve_uuid(struct identity *identity, const struct config_subsystem *subsystem,
                        struct config_namespace *namespace, struct database *database)
{
	uint8_t known[16];
	int r = database_find_uuid(
		database, subsystem->nqn, namespace->nsid, namespace->path, known);
	bool found = r == 0;

	if (r < 0)
		return r;
	if (!namespace->has_uuid) {
		if (found && !uuid_set_has(&identity->uuids, known))
			memcpy(namespace->uuid, known, sizeof(known));
		else
			uuid_generate_random(namespace->uuid);
		namespace->has_uuid = true;
		uuid_set_add(&identity->uuids, namespace->uuid);
	}
	if (found && memcmp(namespace->uuid, known, sizeof(known)) == 0)
		return 0;
	return database_put_uuid(
		database, subsystem->nqn, namespace->nsid, namespace->path, namespace->uuid);
}

/* What a backing is known by. */
struct backing_name {
	const char *nqn;
	uint32_t nsid;
	bool buffered_io;
	uint32_t block_size;
	const struct config_zones *zones;
	const char *path;
};

static int compare_names(const struct backing_name *a, const struct backing_name *b)
{
	int order = (a->nsid > b->nsid) - (a->nsid < b->nsid);

	if (order == 0)
		order = strcmp(a->nqn, b->nqn);
	if (order == 0)
		order = a->buffered_io - b->buffered_io;
	if (order == 0)
		order = (a->block_size > b->block_size) - (a->block_size < b->block_size);
	if (order == 0)
		order = config_zones_compare(a->zones, b->zones);
	return order ? order : strcmp(a->path, b->path);
}

static struct backing_name name_of(const struct backing *backing)
{
	return (struct backing_name){backing->nqn,
	                             backing->nsid,
	                             backing->buffered_io,
	                             backing->block_size,
	                             &backing->zones_wanted,
	                             backing->path};
}

static int by_name(const void *left, const void *right)
{
	const struct backing_name a = name_of(*(struct backing *const *)left);
	const struct backing_name b = name_of(*(struct backing *const *)right);

	return compare_names(&a, &b);
}

static int compare_to_name(const void *name, const void *backing)
{
	const struct backing_name other = name_of(*(struct backing *const *)backing);

	return compare_names(name, &other);
}

static int sort_backings(struct identity *identity, const struct target *target)
{
	size_t count = 0;

	list_for_each (at, (struct list *)&target->backings)
		count++;
	identity->sorted = calloc(count + 1, sizeof(*identity->sorted));
	if (!identity->sorted)
		return error_origin(-ENOMEM);
	list_for_each (at, (struct list *)&target->backings)
		identity->sorted[identity->n_sorted++] = container_of(at, struct backing, link);
	qsort(identity->sorted, count, sizeof(*identity->sorted), by_name);
	return 0;
}

static struct backing *find_backing(const struct identity *identity, const char *nqn,
                                    const struct config_namespace *namespace)
{
	const struct backing_name name = {nqn,
	                                  namespace->nsid,
	                                  namespace->buffered_io,
	                                  namespace->block_size,
	                                  &namespace->zones,
	                                  namespace->path};
	struct backing **found = bsearch(&name,
	                                 identity->sorted,
	                                 identity->n_sorted,
	                                 sizeof(*identity->sorted),
	                                 compare_to_name);

	return found ? *found : NULL;
}

static int make_backing(struct backing **ret_backing, const char *nqn,
                        const struct config_namespace *namespace, struct target *target)
{
	_cleanup_(backing_freep) struct backing *backing = backing_new();

	if (!backing)
		return error_origin(-ENOMEM);
	backing->path = strdup(namespace->path);
	if (!backing->path)
		return error_origin(-ENOMEM);
	snprintf(backing->nqn, sizeof(backing->nqn), "%s", nqn);
	backing->nsid = namespace->nsid;
	backing->buffered_io = namespace->buffered_io;
	backing->block_size = namespace->block_size;
	backing->zones_wanted = namespace->zones;
	backing->handle = target->next_handle++;
	*ret_backing = take(&backing);
	return 0;
}

static int resolve_backing(struct identity *identity, const char *nqn,
                           struct config_namespace *namespace, struct target *target)
{
	struct backing *backing = find_backing(identity, nqn, namespace);
	int r;

	if (!backing) {
		r = make_backing(&backing, nqn, namespace, target);
		if (r)
			return r;
		list_append(&identity->backings, &backing->link);
	}
	backing->wanted = true;
	namespace->backing = backing;
	return 0;
}

static int by_nsid(const void *left, const void *right)
{
	const struct config_namespace *a = *(const struct config_namespace *const *)left;
	const struct config_namespace *b = *(const struct config_namespace *const *)right;

	return (a->nsid > b->nsid) - (a->nsid < b->nsid);
}

static int sort_namespaces(struct config_subsystem *subsystem)
{
	subsystem->sorted = calloc(subsystem->n_namespaces + 1, sizeof(void *));
	if (!subsystem->sorted)
		return error_origin(-ENOMEM);
	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		subsystem->sorted[i] = &subsystem->namespaces[i];
	qsort(subsystem->sorted, subsystem->n_namespaces, sizeof(void *), by_nsid);
	return 0;
}

static int resolve_namespaces(struct identity *identity, struct config_subsystem *subsystem,
                              struct target *target, struct database *database)
{
	int r = sort_namespaces(subsystem);

	for (size_t i = 0; !r && i < subsystem->n_namespaces; i++) {
		struct config_namespace *namespace = &subsystem->namespaces[i];

		if (!namespace->path)
			continue;
		r = resolve_uuid(identity, subsystem, namespace, database);
		if (!r && namespace->enable)
			r = resolve_backing(identity, subsystem->nqn, namespace, target);
	}
	return r;
}

/* ------------------------------------------------------------------ all of it */

/* Those that the file has. */
static int collect_uuids(struct identity *identity, const struct config *config)
{
	size_t count = 0;
	int r;

	for (size_t i = 0; i < config->n_subsystems; i++)
		count += config->subsystems[i].n_namespaces;
	r = uuid_set_init(&identity->uuids, count);
	for (size_t i = 0; !r && i < config->n_subsystems; i++)
		for (size_t j = 0; j < config->subsystems[i].n_namespaces; j++)
			if (config->subsystems[i].namespaces[j].has_uuid)
				uuid_set_add(&identity->uuids,
				             config->subsystems[i].namespaces[j].uuid);
	return r;
}

int identity_resolve(struct identity *identity, struct config *config, struct target *target,
                     struct database *database)
{
	int r = sort_backings(identity, target);

	if (!r)
		r = collect_uuids(identity, config);

	list_for_each (at, &target->backings)
		container_of(at, struct backing, link)->wanted = false;
	for (size_t i = 0; !r && i < config->n_subsystems; i++)
		r = resolve_subsystem(identity, &config->subsystems[i], target, database);
	for (size_t i = 0; !r && i < config->n_subsystems; i++)
		r = resolve_namespaces(identity, &config->subsystems[i], target, database);
	return r;
}

void identity_install(struct identity *identity, const struct config *config, struct target *target)
{
	struct list *link;

	while ((link = list_take_first(&identity->subsystems)))
		list_append(&target->subsystems, link);
	while ((link = list_take_first(&identity->backings)))
		target_add_backing(target, container_of(link, struct backing, link));
	for (size_t i = 0; i < config->n_subsystems; i++)
		memcpy(config->subsystems[i].subsystem->serial,
		       config->subsystems[i].serial,
		       sizeof(config->subsystems[i].serial));
}

int identity_discovery(struct target *target, struct database *database)
{
	struct subsystem *subsystem = NULL;
	int r;

	if (target->discovery)
		return 0;
	r = make_subsystem(&subsystem, NVME_DISCOVERY_NQN, target);
	if (r || !subsystem)
		return r;
	subsystem->discovery = true;
	r = database_put_subsystem(database, subsystem);
	if (r) {
		subsystem_free(subsystem);
		return r;
	}
	list_append(&target->subsystems, &subsystem->link);
	target->discovery = subsystem;
	return 0;
}
