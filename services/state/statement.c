/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/statement.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/schema.h"

/* What cannot be written is tried again each second. */
#define COMPLAINTS_MS 60000

int database_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

/* What to do is another thing where the copy has gone as well. */
static const char *advise(const struct database *database)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s.copy", database->path);
	if (access(copy, F_OK) == 0 || errno != ENOENT)
		return "start nvmetd-state again to have it take the copy";
	return "there is no copy of it either: nvmetctl save FILE keeps what is in force; do so "
	       "before nvmetd-state ends";
}

int database_damaged(struct database *database, const char *what)
{
	database->damaged = true;
	snprintf(database->trouble,
	         sizeof(database->trouble),
	         "the database \"%s\" is damaged (%s): it is not written any more; what is in "
	         "force stays so, changes are refused; %s",
	         database->path,
	         what,
	         advise(database));
	log_err("database: %s", database->trouble);
	return error_origin(-EUCLEAN);
}

int database_failed(struct database *database, const char *doing)
{
	int code = sqlite3_errcode(database->sqlite);

	if (schema_is_damage(code))
		return database_damaged(database, sqlite3_errmsg(database->sqlite));
	snprintf(database->trouble,
	         sizeof(database->trouble),
	         "%s the database \"%s\" failed: %s",
	         doing,
	         database->path,
	         sqlite3_errmsg(database->sqlite));
	if (log_allowed(&database->complaints, 3, COMPLAINTS_MS))
		log_err("database: %s", database->trouble);
	return database_errno(code);
}

int database_execute(struct database *database, const char *sql)
{
	if (database->damaged)
		return error_origin(-EUCLEAN);
	if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return error_origin(database_failed(database, "writing"));
	return 0;
}

void statement_finalize(sqlite3_stmt **statement)
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

int statement_prepare(struct database *database, sqlite3_stmt **ret_statement, const char *sql,
                      const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list arguments;
	int r;

	if (database->damaged)
		return error_origin(-EUCLEAN);
	if (sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
		return error_origin(database_failed(database, "asking"));
	va_start(arguments, types);
	r = bind(statement, types, arguments);
	va_end(arguments);
	if (r != SQLITE_OK) {
		sqlite3_finalize(statement);
		return error_origin(database_failed(database, "asking"));
	}
	*ret_statement = statement;
	return 0;
}

int statement_step(struct database *database, sqlite3_stmt *statement)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return DATABASE_E_NONE;
	default:
		return error_origin(database_failed(database, "writing"));
	}
}

int statement_finish(struct database *database, sqlite3_stmt *statement)
{
	int r = statement_step(database, statement);

	if (r != DATABASE_E_NONE)
		return r;
	if (sqlite3_get_autocommit(database->sqlite))
		database->trouble[0] = '\0'; /* what was done is on the disk */
	return 0;
}

uint64_t statement_number(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

const char *statement_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

void statement_copy(sqlite3_stmt *statement, int column, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", statement_text(statement, column));
}
