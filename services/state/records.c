/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/statement.h"

/* The tables of the database. */

/* ------------------------------------------------------------------ the configuration */

/* Arrays of it are kept an element a row. */
static const char *const kinds[] = {"hosts", "ports", "subsystems", "workers"};
/* Groups of it, where they are given. */
static const char *const groups[] = {"discovery", "limits"};

static int load_kind(struct database *database, const char *kind, json_t *root)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	json_t *array = json_array(), *body;
	int r;

	if (!array || json_object_set_new(root, kind, array) != 0)
		return error_origin(-ENOMEM);
	r = statement_prepare(database,
	                      &statement,
	                      "SELECT body FROM objects WHERE kind=? ORDER BY place",
	                      "t",
	                      kind);
	while (!r && (r = statement_step(database, statement)) == 0) {
		body = json_loads(statement_text(statement, 0), 0, NULL);
		if (!body)
			return database_damaged(database, "an object in it is no JSON");
		if (json_array_append_new(array, body) != 0)
			return error_origin(-ENOMEM);
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

/* As releases before have it that knew of nothing but the name. */
static int load_discovery_nqn(struct database *database, json_t *root)
{
	char nqn[NVME_NQN_SIZE];
	int r = database_get_text(database, "discovery_nqn", nqn, sizeof(nqn));

	if (r)
		return r == DATABASE_E_NONE ? 0 : r;
	return json_object_set_new(root, "discovery", json_pack("{s:s}", "nqn", nqn)) == 0
	               ? 0
	               : error_origin(-ENOMEM);
}

/* Groups of the root are objects too, of a kind of their own, in one row. */
static int load_group(struct database *database, const char *kind, json_t *root)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	json_t *body;
	int r = statement_prepare(
		database, &statement, "SELECT body FROM objects WHERE kind=?", "t", kind);

	if (!r)
		r = statement_step(database, statement);
	if (r)
		return r == DATABASE_E_NONE ? 0 : r;
	body = json_loads(statement_text(statement, 0), 0, NULL);
	if (!body)
		return database_damaged(database, "a group in it is no JSON");
	return json_object_set_new(root, kind, body) == 0 ? 0 : error_origin(-ENOMEM);
}

int database_load_config(struct database *database, json_t **ret_root)
{
	json_t *root = json_object();
	int r = root ? load_discovery_nqn(database, root) : error_origin(-ENOMEM);

	for (size_t i = 0; !r && i < sizeof(groups) / sizeof(groups[0]); i++)
		r = load_group(database, groups[i], root);
	for (size_t i = 0; !r && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		r = load_kind(database, kinds[i], root);
	if (r)
		json_decref(root);
	else
		*ret_root = root;
	return r;
}

static int store_object(struct database *database, const char *kind, size_t place,
                        const json_t *value)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	_cleanup_(cleanup_free) char *body = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	int r;

	if (!body)
		return error_origin(-ENOMEM);
	r = statement_prepare(database,
	                      &statement,
	                      "INSERT INTO objects VALUES(?1,?2,?3,row_sum(?1,?2,?3))",
	                      "tnt",
	                      kind,
	                      (uint64_t)place,
	                      body);
	return r ? r : statement_finish(database, statement);
}

static int store_kind(struct database *database, const char *kind, const json_t *array)
{
	int r = 0;

	for (size_t i = 0; !r && i < json_array_size(array); i++)
		r = store_object(database, kind, i, json_array_get(array, i));
	return r;
}

int database_store_config(struct database *database, const json_t *root)
{
	const json_t *discovery = json_object_get(root, "discovery");
	int r = database_execute(database, "DELETE FROM objects");

	for (size_t i = 0; !r && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		r = store_kind(database, kinds[i], json_object_get(root, kinds[i]));
	for (size_t i = 0; !r && i < sizeof(groups) / sizeof(groups[0]); i++)
		if (json_object_get(root, groups[i]))
			r = store_object(database, groups[i], 0, json_object_get(root, groups[i]));
	if (!r)
		r = database_set_text(database,
		                      "discovery_nqn",
		                      json_string_value(json_object_get(discovery, "nqn")));
	return r;
}

/* ------------------------------------------------------------------ records */

static int load_subsystems(struct database *database, struct target *target)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database,
		&statement,
		"SELECT number, nqn, serial, namespaces_revision, cntlid_kept, discovery"
		" FROM subsystem ORDER BY number",
		"");

	while (!r && (r = statement_step(database, statement)) == 0) {
		struct subsystem *subsystem = subsystem_new();

		if (!subsystem)
			return error_origin(-ENOMEM);
		subsystem->number = (uint32_t)statement_number(statement, 0);
		statement_copy(statement, 1, subsystem->nqn, sizeof(subsystem->nqn));
		statement_copy(statement, 2, subsystem->serial, sizeof(subsystem->serial));
		subsystem->namespaces_revision = statement_number(statement, 3);
		subsystem->cntlid_kept = (uint32_t)statement_number(statement, 4);
		subsystem->cntlid_next = subsystem->cntlid_kept;
		subsystem->discovery = statement_number(statement, 5) != 0;
		list_append(&target->subsystems, &subsystem->link);
		if (subsystem->discovery)
			target->discovery = subsystem;
		target->next_subsystem = subsystem->number + 1;
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

static void read_backing(sqlite3_stmt *statement, struct backing *backing)
{
	backing->handle = (uint32_t)statement_number(statement, 0);
	statement_copy(statement, 1, backing->nqn, sizeof(backing->nqn));
	backing->nsid = (uint32_t)statement_number(statement, 2);
	backing->path = strdup(statement_text(statement, 3));
	backing->buffered_io = statement_number(statement, 4) != 0;
	backing->block_size = (uint32_t)statement_number(statement, 5);
	statement_copy(statement, 6, backing->worker, sizeof(backing->worker));
	backing->use = (enum backing_use)(statement_number(statement, 7) % 3);
	backing->known = statement_number(statement, 8) != 0;
	backing->block_shift = (uint32_t)statement_number(statement, 9);
	backing->blocks = statement_number(statement, 10);
	backing->volatile_cache = statement_number(statement, 11) != 0;
	backing->deallocate = statement_number(statement, 12) != 0;
}

static int load_backings(struct database *database, struct target *target)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database,
		&statement,
		"SELECT handle, nqn, nsid, path, buffered_io, block_size, worker, use, known,"
		" block_shift, blocks, volatile_cache, deallocate FROM backing ORDER BY handle",
		"");

	while (!r && (r = statement_step(database, statement)) == 0) {
		struct backing *backing = backing_new();

		if (!backing)
			return error_origin(-ENOMEM);
		read_backing(statement, backing);
		target_add_backing(target, backing);
		if (!backing->path)
			return error_origin(-ENOMEM);
		target->next_handle = backing->handle + 1;
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

/* Numbers a backing, in meta: a column of its own would make the database one of a later release.
 */
#define PROTECTED "write_protected:"
#define DEVICE    "device:"
#define KEY_SIZE  32

static int load_notes(struct database *database, struct target *target, const char *prefix,
                      void (*note)(struct backing *backing, sqlite3_stmt *statement))
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "SELECT substr(key, length(?1) + 1), value FROM meta"
	                          " WHERE key > ?1 AND key < ?1||':'",
	                          "t",
	                          prefix);

	while (!r && (r = statement_step(database, statement)) == 0) {
		struct backing *backing = target_find_backing(
			target, (uint32_t)statement_number(statement, 0));

		if (backing)
			note(backing, statement);
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

static void note_protection(struct backing *backing, sqlite3_stmt *statement)
{
	backing->write_protected = statement_number(statement, 1) != 0;
}

static void note_device(struct backing *backing, sqlite3_stmt *statement)
{
	uint64_t number = statement_number(statement, 1);

	backing->actuators = (uint16_t)number;
	backing->preference = (struct identify_preference){
		.write = (uint16_t)(number >> 16),
		.discard = (uint16_t)(number >> 32),
		.optimal = (uint16_t)(number >> 48),
	};
	backing->device_kept = number;
}

int database_put_protection(struct database *database, uint32_t handle, bool is_protected)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof(key), PROTECTED "%u", handle);
	return database_set_number(database, key, is_protected);
}

/* Zones that a backing is to have and that it has, of those with zones: eight numbers in a text, in
 * meta as well. */
#define ZONES "zones:"

static void note_zones(struct backing *backing, sqlite3_stmt *statement)
{
	uint64_t numbers[8] = {0};
	char *at = (char *)statement_text(statement, 1);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		numbers[i] = strtoull(at, &at, 10);
	backing->zones_wanted = (struct config_zones){.bytes = numbers[0],
	                                              .capacity = numbers[1],
	                                              .open_max = (uint32_t)numbers[2],
	                                              .active_max = (uint32_t)numbers[3]};
	backing->zones = (struct backing_zones){.blocks = numbers[4],
	                                        .capacity = numbers[5],
	                                        .open_max = (uint32_t)numbers[6],
	                                        .active_max = (uint32_t)numbers[7]};
	backing->zones_kept = true;
}

static int put_zones(struct database *database, const struct backing *backing)
{
	const struct config_zones *wanted = &backing->zones_wanted;
	const struct backing_zones *zones = &backing->zones;
	bool has_any = zones->blocks || config_zones_compare(wanted, &(struct config_zones){0});
	char key[sizeof(ZONES) + 12], text[160];

	if (!has_any && !backing->zones_kept)
		return 0;
	snprintf(key, sizeof(key), ZONES "%u", backing->handle);
	snprintf(text,
	         sizeof(text),
	         "%" PRIu64 " %" PRIu64 " %u %u %" PRIu64 " %" PRIu64 " %u %u",
	         wanted->bytes,
	         wanted->capacity,
	         wanted->open_max,
	         wanted->active_max,
	         zones->blocks,
	         zones->capacity,
	         zones->open_max,
	         zones->active_max);
	return database_set_text(database, key, text);
}

int database_put_device(struct database *database, const struct backing *backing)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof(key), DEVICE "%u", backing->handle);
	return database_set_number(database, key, backing_device(backing));
}

int database_load_records(struct database *database, struct target *target)
{
	int r = load_subsystems(database, target);

	if (!r)
		r = load_backings(database, target);
	if (!r)
		r = load_notes(database, target, PROTECTED, note_protection);
	if (!r)
		r = load_notes(database, target, DEVICE, note_device);
	if (!r)
		r = load_notes(database, target, ZONES, note_zones);
	return r ? r : database_load_journals(database, target);
}

int database_put_subsystem(struct database *database, const struct subsystem *subsystem)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database,
		&statement,
		"REPLACE INTO subsystem(number, nqn, serial, namespaces_revision, cntlid_kept,"
		" discovery, sum) VALUES(?1,?2,?3,?4,?5,?6,row_sum(?1,?2,?3,?4,?5,?6))",
		"nttnnn",
		(uint64_t)subsystem->number,
		subsystem->nqn,
		subsystem->serial,
		subsystem->namespaces_revision,
		(uint64_t)subsystem->cntlid_kept,
		(uint64_t)subsystem->discovery);

	return r ? r : statement_finish(database, statement);
}

int database_put_backing(struct database *database, const struct backing *backing)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database,
		&statement,
		"REPLACE INTO backing(handle, nqn, nsid, path, buffered_io, block_size, worker,"
		" use, known, block_shift, blocks, volatile_cache, deallocate, sum)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
		"row_sum(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13))",
		"ntntnntnnnnnn",
		(uint64_t)backing->handle,
		backing->nqn,
		(uint64_t)backing->nsid,
		backing->path,
		(uint64_t)backing->buffered_io,
		(uint64_t)backing->block_size,
		backing->worker,
		(uint64_t)backing->use,
		(uint64_t)backing->known,
		(uint64_t)backing->block_shift,
		backing->blocks,
		(uint64_t)backing->volatile_cache,
		(uint64_t)backing->deallocate);

	if (!r)
		r = statement_finish(database, statement);
	return r ? r : put_zones(database, backing);
}

/* ------------------------------------------------------------------ identity */

/* The first column of the row, which must be 16 bytes. */
static int read_16(struct database *database, sqlite3_stmt *statement, uint8_t ret[static 16])
{
	int r = statement_step(database, statement);

	if (r)
		return r;
	if (sqlite3_column_bytes(statement, 0) != 16)
		return database_damaged(database, "an identifier in it is not of 16 bytes");
	memcpy(ret, sqlite3_column_blob(statement, 0), 16);
	return 0;
}

int database_find_uuid(struct database *database, const char *nqn, uint32_t nsid, const char *path,
                       uint8_t ret_uuid[static 16])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "SELECT uuid FROM identity WHERE nqn=? AND nsid=? AND path=?",
	                          "tnt",
	                          nqn,
	                          (uint64_t)nsid,
	                          path);

	return r ? r : read_16(database, statement, ret_uuid);
}

int database_put_uuid(struct database *database, const char *nqn, uint32_t nsid, const char *path,
                      const uint8_t uuid[static 16])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "REPLACE INTO identity VALUES(?1,?2,?3,?4,row_sum(?1,?2,?3,?4))",
	                          "tntu",
	                          nqn,
	                          (uint64_t)nsid,
	                          path,
	                          uuid);

	return r ? r : statement_finish(database, statement);
}

/* ------------------------------------------------------------------ tokens */

static int forget_tokens(struct database *database, const char *transport, uint64_t instance)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "DELETE FROM token WHERE transport=? AND instance<>?",
	                          "tn",
	                          transport,
	                          instance);

	return r ? r : statement_finish(database, statement);
}

int database_put_token(struct database *database, const char *transport, uint64_t instance,
                       const char *worker, const uint8_t token[static 16])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = forget_tokens(database, transport, instance);

	if (!r)
		r = statement_prepare(database,
		                      &statement,
		                      "REPLACE INTO token VALUES(?1,?2,?3,?4,row_sum(?1,?2,?3,?4))",
		                      "tntu",
		                      transport,
		                      instance,
		                      worker,
		                      token);
	return r ? r : statement_finish(database, statement);
}

int database_each_token(struct database *database,
                        int (*call)(void *context, const char *transport, uint64_t instance,
                                    const char *worker, const uint8_t token[static 16]),
                        void *context)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database, &statement, "SELECT token, transport, instance, worker FROM token", "");
	uint8_t token[16];

	while (!r && (r = read_16(database, statement, token)) == 0)
		r = call(context,
		         statement_text(statement, 1),
		         statement_number(statement, 2),
		         statement_text(statement, 3),
		         token);
	return r == DATABASE_E_NONE ? 0 : r;
}
