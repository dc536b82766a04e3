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
}

void identity_deinit(struct identity *identity)
{
	struct list *link;

	while ((link = list_take_first(&identity->subsystems)))
		free(container_of(link, struct subsystem, link));
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
	struct subsystem *subsystem = calloc(1, sizeof(*subsystem));
	int r;

	if (!subsystem)
		return error_origin(-ENOMEM);
	r = make_serial(subsystem->serial);
	if (r) {
		free(subsystem);
		return r;
	}
	list_init(&subsystem->link);
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

static bool is_uuid_taken(const struct config *config, const uint8_t uuid[static 16])
{
	for (size_t i = 0; i < config->n_subsystems; i++)
		for (size_t j = 0; j < config->subsystems[i].n_namespaces; j++) {
			const struct config_namespace *other = &config->subsystems[i].namespaces[j];

			if (other->has_uuid && memcmp(other->uuid, uuid, 16) == 0)
				return true;
		}
	return false;
}

static int resolve_uuid(const struct config *config, const struct config_subsystem *subsystem,
                        struct config_namespace *namespace, struct database *database)
{
	uint8_t known[16];
	int r = database_find_uuid(
		database, subsystem->nqn, namespace->nsid, namespace->path, known);
	bool found = r == 0;

	if (r < 0)
		return r;
	if (!namespace->has_uuid) {
		if (found && !is_uuid_taken(config, known))
			memcpy(namespace->uuid, known, sizeof(known));
		else
			uuid_generate_random(namespace->uuid);
		namespace->has_uuid = true;
	}
	if (found && memcmp(namespace->uuid, known, sizeof(known)) == 0)
		return 0;
	return database_put_uuid(
		database, subsystem->nqn, namespace->nsid, namespace->path, namespace->uuid);
}

static struct backing *find_backing(const struct target *target, const char *nqn,
                                    const struct config_namespace *namespace)
{
	list_for_each (at, (struct list *)&target->backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (backing->nsid == namespace->nsid &&
		    backing->buffered_io == namespace->buffered_io &&
		    backing->block_size == namespace->block_size &&
		    strcmp(backing->path, namespace->path) == 0 && strcmp(backing->nqn, nqn) == 0)
			return backing;
	}
	return NULL;
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
	backing->handle = target->next_handle++;
	*ret_backing = take(&backing);
	return 0;
}

static int resolve_backing(struct identity *identity, const char *nqn,
                           struct config_namespace *namespace, struct target *target)
{
	struct backing *backing = find_backing(target, nqn, namespace);
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

static int resolve_namespaces(struct identity *identity, const struct config *config,
                              struct config_subsystem *subsystem, struct target *target,
                              struct database *database)
{
	int r = sort_namespaces(subsystem);

	for (size_t i = 0; !r && i < subsystem->n_namespaces; i++) {
		struct config_namespace *namespace = &subsystem->namespaces[i];

		if (!namespace->path)
			continue;
		r = resolve_uuid(config, subsystem, namespace, database);
		if (!r && namespace->enable)
			r = resolve_backing(identity, subsystem->nqn, namespace, target);
	}
	return r;
}

/* ------------------------------------------------------------------ all of it */

int identity_resolve(struct identity *identity, struct config *config, struct target *target,
                     struct database *database)
{
	int r = 0;

	list_for_each (at, &target->backings)
		container_of(at, struct backing, link)->wanted = false;
	for (size_t i = 0; !r && i < config->n_subsystems; i++)
		r = resolve_subsystem(identity, &config->subsystems[i], target, database);
	for (size_t i = 0; !r && i < config->n_subsystems; i++)
		r = resolve_namespaces(identity, config, &config->subsystems[i], target, database);
	return r;
}

void identity_install(struct identity *identity, const struct config *config, struct target *target)
{
	struct list *link;

	while ((link = list_take_first(&identity->subsystems)))
		list_append(&target->subsystems, link);
	while ((link = list_take_first(&identity->backings)))
		list_append(&target->backings, link);
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
		free(subsystem);
		return r;
	}
	list_append(&target->subsystems, &subsystem->link);
	target->discovery = subsystem;
	return 0;
}
