/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/revisions.h"

#include <stdio.h>

#include "services/state/change.h"

#define KEY_SIZE (NVME_NQN_SIZE + 32)

static const char *key_of(char key[static KEY_SIZE], const char *what, const char *object)
{
	snprintf(key, KEY_SIZE, "%s:%s", what, object);
	return key;
}

static const char *name_port(char name[static 16], const struct config_port *port)
{
	snprintf(name, 16, "%u", port->port_id);
	return name;
}

/* ------------------------------------------------------------------ store */

static int store(struct database *database, const char *what, const char *object, uint64_t revision,
                 uint64_t *ret_revision)
{
	char key[KEY_SIZE];

	*ret_revision = revision;
	return database_set_number(database, key_of(key, what, object), revision);
}

static int store_port(struct database *database, const struct config_port *old,
                      struct config_port *port, uint64_t revision)
{
	char name[16];
	int r = 0;

	name_port(name, port);
	port->ana_revision = old ? old->ana_revision : 0;
	port->address_revision = old ? old->address_revision : 0;
	if (!old || change_of_groups(old, port))
		r = store(database, "ana_revision", name, revision, &port->ana_revision);
	if (!r && (!old || change_of_address(old, port)))
		r = store(database, "address_revision", name, revision, &port->address_revision);
	return r;
}

static int store_subsystem(struct database *database, const struct config_subsystem *old,
                           struct config_subsystem *subsystem, uint64_t revision)
{
	subsystem->attributes_revision = old ? old->attributes_revision : 0;
	if (old && !change_of_attributes(old, subsystem))
		return 0;
	return store(database,
	             "attributes_revision",
	             subsystem->nqn,
	             revision,
	             &subsystem->attributes_revision);
}

int revisions_store(struct database *database, const struct config *before, struct config *after,
                    uint64_t revision)
{
	int r = 0;

	for (size_t i = 0; !r && i < after->n_ports; i++)
		r = store_port(database,
		               config_find_port(before, after->ports[i].port_id),
		               &after->ports[i],
		               revision);
	for (size_t i = 0; !r && i < after->n_subsystems; i++)
		r = store_subsystem(database,
		                    config_find_subsystem(before, after->subsystems[i].nqn),
		                    &after->subsystems[i],
		                    revision);
	return r;
}

int revisions_store_ana(struct database *database, struct config_port *port, uint64_t revision)
{
	char name[16];

	return store(
		database, "ana_revision", name_port(name, port), revision, &port->ana_revision);
}

/* ------------------------------------------------------------------ load */

static int load(struct database *database, const char *what, const char *object,
                uint64_t *ret_revision)
{
	char key[KEY_SIZE];
	int r = database_get_number(database, key_of(key, what, object), ret_revision);

	return r == DATABASE_E_NONE ? 0 : r;
}

static int load_port(struct database *database, struct config_port *port)
{
	char name[16];
	int r = load(database, "ana_revision", name_port(name, port), &port->ana_revision);

	return r ? r : load(database, "address_revision", name, &port->address_revision);
}

int revisions_load(struct database *database, struct config *config)
{
	int r = 0;

	for (size_t i = 0; !r && i < config->n_ports; i++)
		r = load_port(database, &config->ports[i]);
	for (size_t i = 0; !r && i < config->n_subsystems; i++)
		r = load(database,
		         "attributes_revision",
		         config->subsystems[i].nqn,
		         &config->subsystems[i].attributes_revision);
	return r;
}
