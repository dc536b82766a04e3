/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <sqlite3.h>

#include "common/base/error.h"
#include "common/base/log.h"

#define SCHEMA_VERSION 1

struct database {
	sqlite3 *sqlite;
	char *path;
};

static const char schema[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE objects(kind TEXT, place INTEGER, body TEXT NOT NULL,"
	"	PRIMARY KEY(kind, place)) WITHOUT ROWID;"
	"CREATE TABLE subsystem(number INTEGER PRIMARY KEY, nqn TEXT UNIQUE NOT NULL,"
	"	serial TEXT NOT NULL, namespaces_revision INTEGER NOT NULL,"
	"	cntlid_kept INTEGER NOT NULL, discovery INTEGER NOT NULL);"
	"CREATE TABLE backing(handle INTEGER PRIMARY KEY, nqn TEXT NOT NULL, nsid INTEGER NOT NULL,"
	"	path TEXT NOT NULL, buffered_io INTEGER NOT NULL, block_size INTEGER NOT NULL,"
	"	worker TEXT NOT NULL, use INTEGER NOT NULL, known INTEGER NOT NULL,"
	"	block_shift INTEGER NOT NULL, blocks INTEGER NOT NULL,"
	"	volatile_cache INTEGER NOT NULL, deallocate INTEGER NOT NULL);"
	"CREATE TABLE identity(nqn TEXT, nsid INTEGER, path TEXT, uuid BLOB NOT NULL,"
	"	PRIMARY KEY(nqn, nsid, path)) WITHOUT ROWID;"
	"CREATE TABLE token(transport TEXT, instance INTEGER, worker TEXT, token BLOB NOT NULL,"
	"	PRIMARY KEY(transport, instance, worker)) WITHOUT ROWID;"
	"PRAGMA user_version=1;";

static int failed(struct database *database, const char *doing)
{
	int code = sqlite3_errcode(database->sqlite);

	log_err("database: %s \"%s\" failed: %s",
	        doing,
	        database->path,
	        sqlite3_errmsg(database->sqlite));
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return -EIO;
	}
}

static int execute(struct database *database, const char *sql)
{
	if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return failed(database, "writing");
}

/* ------------------------------------------------------------------ statements */

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static int bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
	int r = SQLITE_OK;

	for (int i = 1; types[i - 1] && r == SQLITE_OK; i++) {
		if (types[i - 1] == 't')
			r = sqlite3_bind_text(statement,
			                      i,
			                      va_arg(arguments, const char *),
			                      -1,
			                      SQLITE_TRANSIENT);
		else if (types[i - 1] == 'u') /* 16 bytes */
			r = sqlite3_bind_blob(statement,
			                      i,
			                      va_arg(arguments, const void *),
			                      16,
			                      SQLITE_TRANSIENT);
		else
			r = sqlite3_bind_int64(
				statement, i, (sqlite3_int64)va_arg(arguments, uint64_t));
	}
	return r;
}

/* types: of each argument, 't' text, 'u' a UUID, 'n' uint64_t. */
static int prepare(struct database *database, sqlite3_stmt **ret_statement, const char *sql,
                   const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list arguments;
	int r;

	if (sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
		return error_origin(failed(database, "asking"));
	va_start(arguments, types);
	r = bind(statement, types, arguments);
	va_end(arguments);
	if (r != SQLITE_OK) {
		sqlite3_finalize(statement);
		return error_origin(failed(database, "asking"));
	}
	*ret_statement = statement;
	return 0;
}

/* 0: a row is there. DATABASE_E_NONE: no more. */
static int step(struct database *database, sqlite3_stmt *statement)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return DATABASE_E_NONE;
	default:
		return error_origin(failed(database, "using"));
	}
}

/* A statement that gives no rows. */
static int finish(struct database *database, sqlite3_stmt *statement)
{
	int r = step(database, statement);

	return r == DATABASE_E_NONE ? 0 : r;
}

static uint64_t number_at(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

static const char *text_at(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

static void copy_text(sqlite3_stmt *statement, int column, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", text_at(statement, column));
}

/* ------------------------------------------------------------------ open */

static int damaged(struct database *database, const char *what)
{
	log_err("database: \"%s\" cannot be used: %s; move it away, start again and restore the "
	        "configuration from a file",
	        database->path,
	        what);
	return error_origin(-EIO);
}

static int check_integrity(struct database *database)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(
		    database->sqlite, "PRAGMA integrity_check(1)", -1, &statement, NULL) !=
	            SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return damaged(database, sqlite3_errmsg(database->sqlite));
	if (strcmp(text_at(statement, 0), "ok") != 0)
		return damaged(database, text_at(statement, 0));
	return 0;
}

static int read_version(struct database *database, int *ret_version)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(database->sqlite, "PRAGMA user_version", -1, &statement, NULL) !=
	            SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return damaged(database, sqlite3_errmsg(database->sqlite));
	*ret_version = sqlite3_column_int(statement, 0);
	return 0;
}

static int make_schema(struct database *database)
{
	int r, version = 0;

	r = read_version(database, &version);
	if (r || version == SCHEMA_VERSION)
		return r;
	if (version != 0)
		return damaged(database, "it was written by a later release");
	r = database_begin(database);
	if (!r)
		r = execute(database, schema);
	if (!r)
		r = database_commit(database);
	if (r)
		database_rollback(database);
	return r;
}

/* The file is made here, so that it is nobody else's to read; SQLite makes its others alike. */
static int open_file(struct database *database)
{
	_cleanup_(cleanup_close) int fd = open(database->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		log_err("database: opening \"%s\" failed: %s", database->path, error_words(-errno));
		return error_origin(-errno);
	}
	if (sqlite3_open_v2(database->path, &database->sqlite, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		return error_origin(failed(database, "opening"));
	return 0;
}

int database_open(struct database **ret_database, const char *path)
{
	_cleanup_(database_freep) struct database *database = calloc(1, sizeof(*database));
	int r;

	if (!database)
		return error_origin(-ENOMEM);
	database->path = strdup(path);
	if (!database->path)
		return error_origin(-ENOMEM);
	r = open_file(database);
	if (r)
		return r;
	/* A predecessor that was killed a moment ago may still hold the lock. */
	sqlite3_busy_timeout(database->sqlite, 5000);
	r = check_integrity(database);
	if (!r)
		r = execute(database,
		            "PRAGMA locking_mode=EXCLUSIVE;"
		            "PRAGMA journal_mode=WAL;"
		            "PRAGMA synchronous=FULL;");
	if (!r)
		r = make_schema(database);
	if (!r)
		*ret_database = take(&database);
	return r;
}

struct database *database_free(struct database *database)
{
	if (!database)
		return NULL;
	sqlite3_close(database->sqlite);
	free(database->path);
	free(database);
	return NULL;
}

int database_begin(struct database *database)
{
	return execute(database, "BEGIN IMMEDIATE");
}

int database_commit(struct database *database)
{
	return execute(database, "COMMIT");
}

void database_rollback(struct database *database)
{
	if (!sqlite3_get_autocommit(database->sqlite))
		sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ meta */

int database_get_number(struct database *database, const char *key, uint64_t *ret_number)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database, &statement, "SELECT value FROM meta WHERE key=?", "t", key);

	if (!r)
		r = step(database, statement);
	if (!r)
		*ret_number = number_at(statement, 0);
	return r;
}

int database_set_number(struct database *database, const char *key, uint64_t number)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database, &statement, "REPLACE INTO meta VALUES(?,?)", "tn", key, number);

	return r ? r : finish(database, statement);
}

int database_get_text(struct database *database, const char *key, char *ret_text, size_t size)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database, &statement, "SELECT value FROM meta WHERE key=?", "t", key);

	if (!r)
		r = step(database, statement);
	if (!r)
		copy_text(statement, 0, ret_text, size);
	return r;
}

int database_set_text(struct database *database, const char *key, const char *text)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database, &statement, "REPLACE INTO meta VALUES(?,?)", "tt", key, text);

	return r ? r : finish(database, statement);
}

/* ------------------------------------------------------------------ the configuration */

/* Arrays of it are kept an element a row. */
static const char *const kinds[] = {"hosts", "ports", "subsystems"};

static int load_kind(struct database *database, const char *kind, json_t *root)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	json_t *array = json_array(), *body;
	int r;

	if (!array || json_object_set_new(root, kind, array) != 0)
		return error_origin(-ENOMEM);
	r = prepare(database,
	            &statement,
	            "SELECT body FROM objects WHERE kind=? ORDER BY place",
	            "t",
	            kind);
	while (!r && (r = step(database, statement)) == 0) {
		body = json_loads(text_at(statement, 0), 0, NULL);
		if (!body)
			return damaged(database, "an object in it is no JSON");
		if (json_array_append_new(array, body) != 0)
			return error_origin(-ENOMEM);
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

static int load_discovery(struct database *database, json_t *root)
{
	char nqn[NVME_NQN_SIZE];
	int r = database_get_text(database, "discovery_nqn", nqn, sizeof(nqn));

	if (r)
		return r == DATABASE_E_NONE ? 0 : r;
	return json_object_set_new(root, "discovery", json_pack("{s:s}", "nqn", nqn)) == 0
	               ? 0
	               : error_origin(-ENOMEM);
}

int database_load_config(struct database *database, json_t **ret_root)
{
	json_t *root = json_object();
	int r = root ? load_discovery(database, root) : error_origin(-ENOMEM);

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
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	_cleanup_(cleanup_free) char *body = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	int r;

	if (!body)
		return error_origin(-ENOMEM);
	r = prepare(database,
	            &statement,
	            "INSERT INTO objects VALUES(?,?,?)",
	            "tnt",
	            kind,
	            (uint64_t)place,
	            body);
	return r ? r : finish(database, statement);
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
	int r = execute(database, "DELETE FROM objects");

	for (size_t i = 0; !r && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		r = store_kind(database, kinds[i], json_object_get(root, kinds[i]));
	if (!r)
		r = database_set_text(database,
		                      "discovery_nqn",
		                      json_string_value(json_object_get(discovery, "nqn")));
	return r;
}

/* ------------------------------------------------------------------ records */

static int load_subsystems(struct database *database, struct target *target)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database,
	                &statement,
	                "SELECT number, nqn, serial, namespaces_revision, cntlid_kept, discovery"
	                " FROM subsystem ORDER BY number",
	                "");

	while (!r && (r = step(database, statement)) == 0) {
		struct subsystem *subsystem = calloc(1, sizeof(*subsystem));

		if (!subsystem)
			return error_origin(-ENOMEM);
		subsystem->number = (uint32_t)number_at(statement, 0);
		copy_text(statement, 1, subsystem->nqn, sizeof(subsystem->nqn));
		copy_text(statement, 2, subsystem->serial, sizeof(subsystem->serial));
		subsystem->namespaces_revision = number_at(statement, 3);
		subsystem->cntlid_kept = (uint32_t)number_at(statement, 4);
		subsystem->cntlid_next = subsystem->cntlid_kept;
		subsystem->discovery = number_at(statement, 5) != 0;
		list_append(&target->subsystems, &subsystem->link);
		if (subsystem->discovery)
			target->discovery = subsystem;
		target->next_subsystem = subsystem->number + 1;
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

static void read_backing(sqlite3_stmt *statement, struct backing *backing)
{
	backing->handle = (uint32_t)number_at(statement, 0);
	copy_text(statement, 1, backing->nqn, sizeof(backing->nqn));
	backing->nsid = (uint32_t)number_at(statement, 2);
	backing->path = strdup(text_at(statement, 3));
	backing->buffered_io = number_at(statement, 4) != 0;
	backing->block_size = (uint32_t)number_at(statement, 5);
	copy_text(statement, 6, backing->worker, sizeof(backing->worker));
	backing->use = (enum backing_use)(number_at(statement, 7) % 3);
	backing->known = number_at(statement, 8) != 0;
	backing->block_shift = (uint32_t)number_at(statement, 9);
	backing->blocks = number_at(statement, 10);
	backing->volatile_cache = number_at(statement, 11) != 0;
	backing->deallocate = number_at(statement, 12) != 0;
}

static int load_backings(struct database *database, struct target *target)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(
		database,
		&statement,
		"SELECT handle, nqn, nsid, path, buffered_io, block_size, worker, use, known,"
		" block_shift, blocks, volatile_cache, deallocate FROM backing ORDER BY handle",
		"");

	while (!r && (r = step(database, statement)) == 0) {
		struct backing *backing = backing_new();

		if (!backing)
			return error_origin(-ENOMEM);
		list_append(&target->backings, &backing->link);
		read_backing(statement, backing);
		if (!backing->path)
			return error_origin(-ENOMEM);
		target->next_handle = backing->handle + 1;
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

int database_load_records(struct database *database, struct target *target)
{
	int r = load_subsystems(database, target);

	return r ? r : load_backings(database, target);
}

int database_put_subsystem(struct database *database, const struct subsystem *subsystem)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(
		database,
		&statement,
		"REPLACE INTO subsystem(number, nqn, serial, namespaces_revision, cntlid_kept,"
		" discovery) VALUES(?,?,?,?,?,?)",
		"nttnnn",
		(uint64_t)subsystem->number,
		subsystem->nqn,
		subsystem->serial,
		subsystem->namespaces_revision,
		(uint64_t)subsystem->cntlid_kept,
		(uint64_t)subsystem->discovery);

	return r ? r : finish(database, statement);
}

int database_put_backing(struct database *database, const struct backing *backing)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(
		database,
		&statement,
		"REPLACE INTO backing(handle, nqn, nsid, path, buffered_io, block_size, worker,"
		" use, known, block_shift, blocks, volatile_cache, deallocate)"
		" VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
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

	return r ? r : finish(database, statement);
}

/* ------------------------------------------------------------------ identity */

/* The first column of the row, which must be 16 bytes. */
static int read_16(struct database *database, sqlite3_stmt *statement, uint8_t ret[static 16])
{
	int r = step(database, statement);

	if (r)
		return r;
	if (sqlite3_column_bytes(statement, 0) != 16)
		return damaged(database, "an identifier in it is not of 16 bytes");
	memcpy(ret, sqlite3_column_blob(statement, 0), 16);
	return 0;
}

int database_find_uuid(struct database *database, const char *nqn, uint32_t nsid, const char *path,
                       uint8_t ret_uuid[static 16])
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database,
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
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database,
	                &statement,
	                "REPLACE INTO identity VALUES(?,?,?,?)",
	                "tntu",
	                nqn,
	                (uint64_t)nsid,
	                path,
	                uuid);

	return r ? r : finish(database, statement);
}

/* ------------------------------------------------------------------ tokens */

static int find_token(struct database *database, const char *transport, uint64_t instance,
                      const char *worker, uint8_t ret_token[static 16])
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database,
	                &statement,
	                "SELECT token FROM token WHERE transport=? AND instance=? AND worker=?",
	                "tnt",
	                transport,
	                instance,
	                worker);

	return r ? r : read_16(database, statement, ret_token);
}

static int forget_tokens(struct database *database, const char *transport, uint64_t instance)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database,
	                &statement,
	                "DELETE FROM token WHERE transport=? AND instance<>?",
	                "tn",
	                transport,
	                instance);

	return r ? r : finish(database, statement);
}

static int put_token(struct database *database, const char *transport, uint64_t instance,
                     const char *worker, const uint8_t token[static 16])
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database,
	                &statement,
	                "REPLACE INTO token VALUES(?,?,?,?)",
	                "tntu",
	                transport,
	                instance,
	                worker,
	                token);

	return r ? r : finish(database, statement);
}

int database_token(struct database *database, const char *transport, uint64_t instance,
                   const char *worker, uint8_t ret_token[static 16])
{
	int r = find_token(database, transport, instance, worker, ret_token);

	if (r != DATABASE_E_NONE)
		return r;
	if (getrandom(ret_token, 16, 0) != 16)
		return error_origin(-errno);
	r = forget_tokens(database, transport, instance);
	return r ? r : put_token(database, transport, instance, worker, ret_token);
}

int database_each_transport(struct database *database,
                            int (*call)(void *context, const char *name, uint64_t instance),
                            void *context)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(database, &statement, "SELECT DISTINCT transport, instance FROM token", "");

	while (!r && (r = step(database, statement)) == 0)
		r = call(context, text_at(statement, 0), number_at(statement, 1));
	return r == DATABASE_E_NONE ? 0 : r;
}
