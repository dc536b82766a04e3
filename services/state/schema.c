/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VERSION        2
#define APPLICATION_ID 1853255012 /* "nvmd" */

#define TEXT_OF(number)   #number
#define NUMBER_AS(number) TEXT_OF(number)

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value, sum INTEGER) WITHOUT ROWID;"
	"CREATE TABLE objects(kind TEXT, place INTEGER, body TEXT NOT NULL, sum INTEGER,"
	"	PRIMARY KEY(kind, place)) WITHOUT ROWID;"
	"CREATE TABLE subsystem(number INTEGER PRIMARY KEY, nqn TEXT UNIQUE NOT NULL,"
	"	serial TEXT NOT NULL, namespaces_revision INTEGER NOT NULL,"
	"	cntlid_kept INTEGER NOT NULL, discovery INTEGER NOT NULL, sum INTEGER);"
	"CREATE TABLE backing(handle INTEGER PRIMARY KEY, nqn TEXT NOT NULL, nsid INTEGER NOT NULL,"
	"	path TEXT NOT NULL, buffered_io INTEGER NOT NULL, block_size INTEGER NOT NULL,"
	"	worker TEXT NOT NULL, use INTEGER NOT NULL, known INTEGER NOT NULL,"
	"	block_shift INTEGER NOT NULL, blocks INTEGER NOT NULL,"
	"	volatile_cache INTEGER NOT NULL, deallocate INTEGER NOT NULL, sum INTEGER);"
	"CREATE TABLE identity(nqn TEXT, nsid INTEGER, path TEXT, uuid BLOB NOT NULL, sum INTEGER,"
	"	PRIMARY KEY(nqn, nsid, path)) WITHOUT ROWID;"
	"CREATE TABLE token(transport TEXT, instance INTEGER, worker TEXT, token BLOB NOT NULL,"
	"	sum INTEGER, PRIMARY KEY(transport, instance, worker)) WITHOUT ROWID;"
	"PRAGMA application_id=" NUMBER_AS(APPLICATION_ID) ";"
							   "PRAGMA user_version=" NUMBER_AS(
								   VERSION) ";"
									    "COMMIT;";

/* Added to version 2: an earlier release of that version passes over them. */
static const char additions[] =
	"BEGIN;"
	"CREATE TABLE IF NOT EXISTS reservation(handle INTEGER PRIMARY KEY, type INTEGER NOT NULL,"
	"	holder BLOB NOT NULL, generation INTEGER NOT NULL, persists INTEGER NOT NULL,"
	"	sum INTEGER);"
	"CREATE TABLE IF NOT EXISTS registrant(handle INTEGER, host_id BLOB, key INTEGER NOT NULL,"
	"	sum INTEGER, PRIMARY KEY(handle, host_id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS reservation_command(serial INTEGER PRIMARY KEY,"
	"	identity BLOB UNIQUE NOT NULL, sum INTEGER);"
	"COMMIT;";

/* What the sum of a row is made of. */
static const struct table {
	const char *name, *columns;
} tables[] = {
	{"meta",      "key, value"						      },
	{"objects",   "kind, place, body"					       },
	{"subsystem", "number, nqn, serial, namespaces_revision, cntlid_kept, discovery"},
	{"backing",
         "handle, nqn, nsid, path, buffered_io, block_size, worker, use, known,"
         " block_shift, blocks, volatile_cache, deallocate"                             },
	{"identity",  "nqn, nsid, path, uuid"                                           },
	{"token",     "transport, instance, worker, token"                              },
};

static const struct table added_tables[] = {
	{"reservation",         "handle, type, holder, generation, persists"},
	{"registrant",          "handle, host_id, key"                      },
	{"reservation_command", "serial, identity"                          },
};

#define N_TABLES       (sizeof(tables) / sizeof(tables[0]))
#define N_ADDED_TABLES (sizeof(added_tables) / sizeof(added_tables[0]))

/* ------------------------------------------------------------------ sums */

static uint64_t add(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return sum;
}

/* With the type and length of each value, so that none can pass for two. */
static uint64_t add_value(uint64_t sum, sqlite3_value *value)
{
	const int32_t type = sqlite3_value_type(value);
	const int64_t number = type == SQLITE_INTEGER ? sqlite3_value_int64(value) : 0;
	const void *bytes = type == SQLITE_INTEGER ? (const void *)&number
	                                           : sqlite3_value_blob(value);
	const int32_t length = type == SQLITE_INTEGER ? (int32_t)sizeof(number)
	                                              : sqlite3_value_bytes(value);

	sum = add(sum, &type, sizeof(type));
	sum = add(sum, &length, sizeof(length));
	return add(sum, bytes, bytes ? (size_t)length : 0);
}

static void row_sum(sqlite3_context *context, int count, sqlite3_value **values)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < count; i++)
		sum = add_value(sum, values[i]);
	sqlite3_result_int64(context, (sqlite3_int64)sum);
}

int schema_register(sqlite3 *sqlite)
{
	return sqlite3_create_function(sqlite,
	                               "row_sum",
	                               -1,
	                               SQLITE_UTF8 | SQLITE_DETERMINISTIC,
	                               NULL,
	                               row_sum,
	                               NULL,
	                               NULL);
}

/* ------------------------------------------------------------------ check */

bool schema_is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static int say(char *words, size_t size, const char *what)
{
	snprintf(words, size, "%s", what);
	return SCHEMA_E_DAMAGED;
}

/* The first value of the first row, as a text and as a number. */
static int ask(sqlite3 *sqlite, const char *sql, char *ret_text, size_t size, int *ret_number)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);

		snprintf(ret_text, size, "%s", text ? text : "");
		*ret_number = sqlite3_column_int(statement, 0);
	} else {
		snprintf(ret_text, size, "%s", sqlite3_errmsg(sqlite));
	}
	sqlite3_finalize(statement);
	return code;
}

static int failed(int code)
{
	return schema_is_damage(code) || (code & 0xff) == SQLITE_IOERR ? SCHEMA_E_DAMAGED
	                                                               : SCHEMA_E_SYSTEM;
}

static int check_pages(sqlite3 *sqlite, char *words, size_t size)
{
	int number, code = ask(sqlite, "PRAGMA integrity_check(1)", words, size, &number);

	if (code != SQLITE_ROW)
		return failed(code);
	for (char *at = words; *at; at++) /* it comes in lines */
		*at = *at == '\n' ? ' ' : *at;
	return strcmp(words, "ok") == 0 ? 0 : SCHEMA_E_DAMAGED;
}

/* Of check_table() only: such a table is not there. */
#define SCHEMA_E_MISSING (SCHEMA_E_SYSTEM + 1)

static int check_table(sqlite3 *sqlite, const struct table *table, char *words, size_t size)
{
	char sql[400];
	int wrong, code;

	snprintf(sql,
	         sizeof(sql),
	         "SELECT count(*) FROM %s WHERE sum IS NOT row_sum(%s)",
	         table->name,
	         table->columns);
	code = ask(sqlite, sql, words, size, &wrong);
	if (code == SQLITE_ERROR)
		return SCHEMA_E_MISSING;
	if (code != SQLITE_ROW)
		return failed(code);
	if (wrong == 0)
		return 0;
	snprintf(words, size, "in table %s, %d rows are not what was written", table->name, wrong);
	return SCHEMA_E_DAMAGED;
}

static int check_version(sqlite3 *sqlite, char *words, size_t size)
{
	int version, id, objects, code;

	code = ask(sqlite, "SELECT count(*) FROM sqlite_master", words, size, &objects);
	if (code == SQLITE_ROW)
		code = ask(sqlite, "PRAGMA application_id", words, size, &id);
	if (code == SQLITE_ROW)
		code = ask(sqlite, "PRAGMA user_version", words, size, &version);
	if (code != SQLITE_ROW)
		return failed(code);
	if (version == 0 && objects == 0)
		return SCHEMA_E_NEW;
	if (version == 1 && id == 0)
		return SCHEMA_E_OLDER;
	if (id != APPLICATION_ID || version <= 0)
		return say(words, size, "it is not a database of nvmetd");
	return version > VERSION ? SCHEMA_E_LATER : 0;
}

int schema_check(sqlite3 *sqlite, char *ret_words, size_t size)
{
	int r = check_pages(sqlite, ret_words, size);

	if (!r)
		r = check_version(sqlite, ret_words, size);
	for (size_t i = 0; !r && i < N_TABLES; i++)
		r = check_table(sqlite, &tables[i], ret_words, size);
	if (r == SCHEMA_E_MISSING)
		return SCHEMA_E_DAMAGED;
	for (size_t i = 0; !r && i < N_ADDED_TABLES; i++) {
		r = check_table(sqlite, &added_tables[i], ret_words, size);
		r = r == SCHEMA_E_MISSING ? 0 : r;
	}
	return r;
}

/* ------------------------------------------------------------------ making */

int schema_make(sqlite3 *sqlite)
{
	return sqlite3_exec(sqlite, schema, NULL, NULL, NULL);
}

int schema_add(sqlite3 *sqlite)
{
	return sqlite3_exec(sqlite, additions, NULL, NULL, NULL);
}

static int add_sums(sqlite3 *sqlite, const struct table *table)
{
	char sql[600];

	snprintf(sql,
	         sizeof(sql),
	         "ALTER TABLE %s ADD COLUMN sum INTEGER; UPDATE %s SET sum=row_sum(%s)",
	         table->name,
	         table->name,
	         table->columns);
	return sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
}

int schema_upgrade(sqlite3 *sqlite)
{
	int code = sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (size_t i = 0; code == SQLITE_OK && i < N_TABLES; i++)
		code = add_sums(sqlite, &tables[i]);
	if (code == SQLITE_OK)
		code = sqlite3_exec(
			sqlite,
			"PRAGMA application_id=" NUMBER_AS(
				APPLICATION_ID) ";"
						"PRAGMA user_version=" NUMBER_AS(VERSION) ";"
											  "COMMIT",
			NULL,
			NULL,
			NULL);
	return code;
}
