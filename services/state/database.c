/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/statement.h"

#define SCHEMA_VERSION 1

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

int database_damaged(struct database *database, const char *what)
{
	log_err("database: \"%s\" cannot be used: %s; move it away, start again and restore the "
	        "configuration from a file",
	        database->path,
	        what);
	return error_origin(-EIO);
}

/* A predecessor that was killed a moment ago may still hold the lock. */
#define LOCK_WAIT_MS 5000

static int check_lock(struct database *database)
{
	sqlite3_busy_timeout(database->sqlite, LOCK_WAIT_MS);
	if (sqlite3_exec(database->sqlite, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) !=
	    SQLITE_BUSY)
		return 0;
	log_err("database: \"%s\" is in use by another process; is nvmetd running with this "
	        "--state-dir "
	        "already?",
	        database->path);
	return error_origin(-EBUSY);
}

static int check_integrity(struct database *database)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(
		    database->sqlite, "PRAGMA integrity_check(1)", -1, &statement, NULL) !=
	            SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return database_damaged(database, sqlite3_errmsg(database->sqlite));
	if (strcmp(statement_text(statement, 0), "ok") != 0)
		return database_damaged(database, statement_text(statement, 0));
	return 0;
}

static int read_version(struct database *database, int *ret_version)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(database->sqlite, "PRAGMA user_version", -1, &statement, NULL) !=
	            SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return database_damaged(database, sqlite3_errmsg(database->sqlite));
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
		return database_damaged(database, "it was written by a later release");
	r = database_begin(database);
	if (!r)
		r = database_execute(database, schema);
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
		return error_origin(database_failed(database, "opening"));
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
	r = check_lock(database);
	if (!r)
		r = check_integrity(database);
	if (!r)
		r = database_execute(database,
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
	return database_execute(database, "BEGIN IMMEDIATE");
}

int database_commit(struct database *database)
{
	return database_execute(database, "COMMIT");
}

void database_rollback(struct database *database)
{
	if (!sqlite3_get_autocommit(database->sqlite))
		sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ meta */

int database_get_number(struct database *database, const char *key, uint64_t *ret_number)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database, &statement, "SELECT value FROM meta WHERE key=?", "t", key);

	if (!r)
		r = statement_step(database, statement);
	if (!r)
		*ret_number = statement_number(statement, 0);
	return r;
}

int database_set_number(struct database *database, const char *key, uint64_t number)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database, &statement, "REPLACE INTO meta VALUES(?,?)", "tn", key, number);

	return r ? r : statement_finish(database, statement);
}

int database_get_text(struct database *database, const char *key, char *ret_text, size_t size)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database, &statement, "SELECT value FROM meta WHERE key=?", "t", key);

	if (!r)
		r = statement_step(database, statement);
	if (!r)
		statement_copy(statement, 0, ret_text, size);
	return r;
}

int database_set_text(struct database *database, const char *key, const char *text)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database, &statement, "REPLACE INTO meta VALUES(?,?)", "tt", key, text);

	return r ? r : statement_finish(database, statement);
}
