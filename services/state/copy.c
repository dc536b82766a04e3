/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/schema.h"
#include "services/state/statement.h"

static void name_file(char ret_name[static PATH_MAX], const char *path, const char *suffix)
{
	snprintf(ret_name, PATH_MAX, "%.*s%.64s", DATABASE_PATH_MAX, path, suffix);
}

/* ------------------------------------------------------------------ files */

/* New, empty, and nobody else's to read: keys may come into it. */
static int make_file(const char *path)
{
	char journal[PATH_MAX];
	int fd;

	name_file(journal, path, "-journal");
	unlink(journal);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_origin(-errno);
	close(fd);
	return 0;
}

static int sync_file(const char *path, int flags)
{
	_cleanup_(cleanup_close) int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_origin(-errno);
	return 0;
}

static int sync_directory_of(const char *path)
{
	char directory[PATH_MAX];
	char *slash;

	name_file(directory, path, "");
	slash = strrchr(directory, '/');
	if (!slash)
		return sync_file(".", O_RDONLY | O_DIRECTORY);
	slash[slash == directory] = '\0';
	return sync_file(directory, O_RDONLY | O_DIRECTORY);
}

/* What is at `from`, and on the disk, is at `to` from here on, also after a loss of power. */
static int put_in_place(const char *from, const char *to)
{
	if (rename(from, to) < 0)
		return error_origin(-errno);
	return sync_directory_of(to);
}

/* All rows, written anew. The connection does not sync any more. */
static int write_rows(sqlite3 *from, const char *to)
{
	char *sql;
	int code, r = make_file(to);

	if (r)
		return r;
	/* It syncs the new file again and again, though it is of no use before it is whole. */
	sql = sqlite3_mprintf("PRAGMA synchronous=OFF; VACUUM INTO %Q", to);
	if (!sql)
		return error_origin(-ENOMEM);
	code = sqlite3_exec(from, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	if (code != SQLITE_OK)
		return error_origin(database_errno(code));
	return sync_file(to, O_RDONLY);
}

/* ------------------------------------------------------------------ writing it */

int copy_sync_again(struct database *database)
{
	int code = sqlite3_exec(database->sqlite, "PRAGMA synchronous=FULL", NULL, NULL, NULL);

	database->is_unsynced = code != SQLITE_OK;
	return database->is_unsynced ? error_origin(database_errno(code)) : 0;
}

static int write_copy(struct database *database)
{
	char copy[PATH_MAX], beside[PATH_MAX];
	int r, synced;

	name_file(copy, database->path, ".copy");
	name_file(beside, database->path, ".copy.new");
	r = write_rows(database->sqlite, beside);
	synced = copy_sync_again(database);
	if (!r)
		r = synced;
	if (!r)
		r = put_in_place(beside, copy);
	if (r)
		unlink(beside);
	return r;
}

static void remove_old(const struct database *database)
{
	char old[PATH_MAX];

	name_file(old, database->path, ".copy.old");
	unlink(old);
}

/* It must not be taken for what holds. */
static void put_away(const struct database *database)
{
	char copy[PATH_MAX], old[PATH_MAX];

	name_file(copy, database->path, ".copy");
	name_file(old, database->path, ".copy.old");
	if (rename(copy, old) == 0)
		(void)sync_directory_of(copy);
}

static void complain(struct database *database, int r)
{
	char words[sizeof(database->copy_trouble)];

	snprintf(words,
	         sizeof(words),
	         "the copy \"%s.copy\" could not be written: %s",
	         database->path,
	         error_words(r));
	if (strcmp(words, database->copy_trouble) != 0)
		log_err("database: %s; should the database be damaged now, it has to be restored "
		        "by hand",
		        words);
	memcpy(database->copy_trouble, words, sizeof(words));
}

int copy_write(struct database *database)
{
	int changes = sqlite3_total_changes(database->sqlite);
	uint64_t revision = 0;
	int r = database_get_number(database, "config_revision", &revision);

	if (r == DATABASE_E_NONE)
		r = 0;
	if (!r)
		r = write_copy(database);
	if (!r) {
		remove_old(database);
		database->copied = changes;
		database->copied_revision = revision;
		database->copy_trouble[0] = '\0';
		return 0;
	}
	complain(database, r);
	if (revision > database->copied_revision)
		put_away(database);
	return r;
}

/* ------------------------------------------------------------------ reading it */

static int open_copy(sqlite3 **ret_sqlite, const char *path)
{
	char copy[PATH_MAX];

	name_file(copy, path, ".copy");
	if (access(copy, F_OK) < 0)
		return errno == ENOENT ? COPY_E_NONE : error_origin(-errno);
	if (sqlite3_open_v2(copy, ret_sqlite, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    schema_register(*ret_sqlite) == SQLITE_OK)
		return 0;
	sqlite3_close(*ret_sqlite);
	*ret_sqlite = NULL;
	return COPY_E_DAMAGED;
}

static void close_sqlite(sqlite3 **sqlite)
{
	sqlite3_close(*sqlite);
}

int copy_revision(const char *path, uint64_t *ret_revision)
{
	_cleanup_(close_sqlite) sqlite3 *sqlite = NULL;
	sqlite3_stmt *statement = NULL;
	int r = open_copy(&sqlite, path);

	if (r)
		return r;
	if (sqlite3_prepare_v2(sqlite,
	                       "SELECT value FROM meta WHERE key='config_revision'",
	                       -1,
	                       &statement,
	                       NULL) != SQLITE_OK)
		return COPY_E_DAMAGED;
	*ret_revision = 0;
	if (sqlite3_step(statement) == SQLITE_ROW)
		*ret_revision = statement_number(statement, 0);
	return sqlite3_finalize(statement) == SQLITE_OK ? 0 : COPY_E_DAMAGED;
}

int copy_check(const char *path, char *ret_words, size_t size)
{
	_cleanup_(close_sqlite) sqlite3 *sqlite = NULL;
	int r = open_copy(&sqlite, path);

	if (r) {
		snprintf(ret_words,
		         size,
		         "%s",
		         r < 0              ? error_words(r)
		         : r == COPY_E_NONE ? "there is none"
		                            : "it cannot be opened");
		return r;
	}
	switch (schema_check(sqlite, ret_words, size)) {
	case 0:
		return 0;
	case SCHEMA_E_LATER:
		snprintf(ret_words, size, "it was written by a later release");
		return COPY_E_DAMAGED;
	case SCHEMA_E_NEW:
		snprintf(ret_words, size, "it is empty");
		return COPY_E_DAMAGED;
	default:
		return COPY_E_DAMAGED;
	}
}

/* ------------------------------------------------------------------ taking it */

/* What a process may have given out after the copy was written is not given out again. */
static const char go_on_above[] =
	"UPDATE meta SET value=value+4294967296, sum=row_sum(key, value+4294967296)"
	" WHERE key='revision';"
	"UPDATE subsystem SET cntlid_kept=cntlid_kept+1024, sum=row_sum(number, nqn, serial,"
	" namespaces_revision, cntlid_kept+1024, discovery);";

/* aside: where the damaged one is kept; NULL: there was nothing to keep. */
static int note(sqlite3 *sqlite, const char *why, const char *aside)
{
	char *words = sqlite3_mprintf(
		"the database was damaged (%s) and was replaced by its copy, which had each change "
		"that was acknowledged%s%s%s",
		why,
		aside ? "; the damaged one is kept as \"" : "",
		aside ? aside : "",
		aside ? "\"" : "");
	char *sql = sqlite3_mprintf(
		"REPLACE INTO meta VALUES('notice', %Q, row_sum('notice', %Q))", words, words);
	int code = SQLITE_NOMEM;

	if (words && sql) {
		log_err("database: %s", words);
		code = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
	}
	sqlite3_free(sql);
	sqlite3_free(words);
	return code;
}

/* The database to be, whole and on the disk, beside its place. */
static int prepare(const char *path, const char *beside, const char *why, const char *aside)
{
	_cleanup_(close_sqlite) sqlite3 *copy = NULL, *sqlite = NULL;
	int code, r = open_copy(&copy, path);

	if (r > 0)
		r = -EIO;
	if (!r)
		r = write_rows(copy, beside);
	if (r)
		return r;
	code = sqlite3_open_v2(beside, &sqlite, SQLITE_OPEN_READWRITE, NULL);
	if (code == SQLITE_OK)
		code = schema_register(sqlite);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, "BEGIN", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, go_on_above, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = note(sqlite, why, aside);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : error_origin(database_errno(code));
}

static bool has_content(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	struct stat status;

	name_file(name, path, suffix);
	return stat(name, &status) < 0 ? errno != ENOENT : status.st_size > 0;
}

/* The log goes first: it must not be found beside another database than its own. */
static int set_aside(const char *path, const char *aside)
{
	char from[PATH_MAX], to[PATH_MAX];

	name_file(from, path, "-wal");
	name_file(to, aside, "-wal");
	if (rename(from, to) < 0 && errno != ENOENT)
		return error_origin(-errno);
	name_file(from, path, "-shm");
	unlink(from);
	if (link(path, aside) < 0 && errno != ENOENT && errno != EEXIST)
		return error_origin(-errno);
	return sync_directory_of(path);
}

int copy_take(const char *path, const char *why)
{
	bool keep = has_content(path, "") || has_content(path, "-wal");
	char beside[PATH_MAX], aside[PATH_MAX], suffix[40];
	time_t now = time(NULL);
	struct tm utc;
	int r;

	gmtime_r(&now, &utc);
	strftime(suffix, sizeof(suffix), ".damaged-%Y%m%dT%H%M%SZ", &utc);
	name_file(aside, path, suffix);
	name_file(beside, path, ".new");
	r = prepare(path, beside, why, keep ? aside : NULL);
	if (!r && keep)
		r = set_aside(path, aside);
	if (!r)
		r = put_in_place(beside, path);
	if (r)
		unlink(beside);
	return r;
}
