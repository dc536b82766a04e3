/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/database.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/copy.h"
#include "services/state/schema.h"
#include "services/state/statement.h"

/* A predecessor that was killed a moment ago may still hold the lock. */
#define LOCK_WAIT_MS 5000
#define LOCK_LOOK_MS 20

/* ------------------------------------------------------------------ the lock */

static int is_in_use(const struct database *database)
{
	log_err("database: \"%s\" is in use by another process; is nvmetd running with this "
	        "--state-dir already?",
	        database->path);
	return error_origin(-EBUSY);
}

/* Of a file of its own, as the database itself may be replaced. */
static int take_lock(struct database *database)
{
	const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * NS_PER_MS};
	uint64_t deadline_ns = clock_now_ns() + LOCK_WAIT_MS * NS_PER_MS;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.lock", database->path);
	database->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (database->lock < 0) {
		log_err("database: opening \"%s\" failed: %s", path, error_words(-errno));
		return error_origin(-errno);
	}
	while (flock(database->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_origin(-errno);
		if (clock_now_ns() >= deadline_ns)
			return is_in_use(database);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A release before this one does not know of our lock, but SQLite has one as well. */
static int check_lock(struct database *database)
{
	sqlite3_busy_timeout(database->sqlite, LOCK_WAIT_MS);
	return sqlite3_exec(database->sqlite, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) ==
	                       SQLITE_BUSY
	               ? is_in_use(database)
	               : 0;
}

/* ------------------------------------------------------------------ opening */

/* Exclusive from the first look on: else SQLite shares the index of its log in a file, for which
 * there is no room on a full disk. */
static int open_sqlite(struct database *database)
{
	if (sqlite3_open_v2(database->path, &database->sqlite, SQLITE_OPEN_READWRITE, NULL) !=
	            SQLITE_OK ||
	    sqlite3_exec(database->sqlite, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL) !=
	            SQLITE_OK ||
	    schema_register(database->sqlite) != SQLITE_OK)
		return error_origin(database_failed(database, "opening"));
	return check_lock(database);
}

static void close_sqlite(struct database *database)
{
	sqlite3_close(database->sqlite);
	database->sqlite = NULL;
}

/* The file is made here, so that it is nobody else's to read; SQLite makes its others alike. */
static int make_file(struct database *database)
{
	_cleanup_(cleanup_close) int fd = open(database->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		return 0;
	log_err("database: opening \"%s\" failed: %s", database->path, error_words(-errno));
	return error_origin(-errno);
}

/* It has changes that the database lacks: those were lost, say with a log that was damaged. */
static bool is_behind_copy(struct database *database)
{
	uint64_t copied = 0, here = 0;
	char words[DATABASE_WORDS_SIZE];

	return copy_revision(database->path, &copied) == 0 &&
	       database_get_number(database, "config_revision", &here) >= 0 && here < copied &&
	       copy_check(database->path, words, sizeof(words)) == 0;
}

static int refuse(struct database *database, const char *words)
{
	log_err("database: \"%s\" cannot be used: %s", database->path, words);
	return error_origin(-EIO);
}

/* Of a database that is not whole. */
static int open_copy_instead(struct database *database, const char *why)
{
	char words[DATABASE_WORDS_SIZE] = "there is none";
	int r;

	/* What is set aside is as it was found, and the log belongs to it. */
	sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	close_sqlite(database);
	r = copy_check(database->path, words, sizeof(words));
	if (r == 0)
		r = copy_take(database->path, why);
	if (r == 0)
		return open_sqlite(database);
	if (r < 0)
		snprintf(words, sizeof(words), "%s", error_words(r));
	log_err("database: \"%s\" is damaged (%s), and its copy \"%s.copy\" cannot be used either "
	        "(%s): move both away, start again, and restore the configuration from a file: "
	        "nvmetctl restore FILE",
	        database->path,
	        why,
	        database->path,
	        words);
	return error_origin(r < 0 ? r : -EUCLEAN);
}

static int open_new(struct database *database)
{
	uint64_t revision;

	if (copy_revision(database->path, &revision) != COPY_E_NONE)
		return open_copy_instead(database, "it was empty, or not there");
	return schema_make(database->sqlite) == SQLITE_OK
	               ? 0
	               : error_origin(database_failed(database, "making"));
}

static int open_older(struct database *database)
{
	log_info("database: \"%s\" is of an earlier release, and brought up to date",
	         database->path);
	return schema_upgrade(database->sqlite) == SQLITE_OK
	               ? 0
	               : error_origin(database_failed(database, "bringing up to date"));
}

static int open_whole(struct database *database)
{
	char words[DATABASE_WORDS_SIZE] = "";
	int r = make_file(database);

	if (!r)
		r = open_sqlite(database);
	if (r)
		return r;
	switch (schema_check(database->sqlite, words, sizeof(words))) {
	case 0:
		return is_behind_copy(database)
		               ? open_copy_instead(database,
		                                   "it had lost changes that were acknowledged")
		               : 0;
	case SCHEMA_E_NEW:
		return open_new(database);
	case SCHEMA_E_OLDER:
		return open_older(database);
	case SCHEMA_E_DAMAGED:
		return open_copy_instead(database, words);
	case SCHEMA_E_LATER:
		return refuse(database, "it was written by a later release of nvmetd");
	default:
		return refuse(database, words);
	}
}

static int set_modes(struct database *database)
{
	return database_execute(database,
	                        "PRAGMA journal_mode=WAL;"
	                        "PRAGMA synchronous=FULL;");
}

static int add_tables(struct database *database)
{
	return schema_add(database->sqlite) == SQLITE_OK
	               ? 0
	               : error_origin(database_failed(database, "adding tables to"));
}

/* To know it again: what is written to a file that was removed is lost. */
static int remember_file(struct database *database)
{
	struct stat status;

	if (stat(database->path, &status) < 0)
		return error_origin(-errno);
	database->device = status.st_dev;
	database->inode = status.st_ino;
	return 0;
}

static int read_notice(struct database *database)
{
	int r = database_get_text(database, "notice", database->notice, sizeof(database->notice));

	if (database->notice[0])
		log_warn("database: not acknowledged yet: %s", database->notice);
	return r == DATABASE_E_NONE ? 0 : r;
}

int database_open(struct database **ret_database, const char *path)
{
	_cleanup_(database_freep) struct database *database = calloc(1, sizeof(*database));
	int r;

	if (!database)
		return error_origin(-ENOMEM);
	database->lock = -1;
	database->copied = -1;
	if (strlen(path) > DATABASE_PATH_MAX)
		return error_origin(-ENAMETOOLONG);
	database->path = strdup(path);
	if (!database->path)
		return error_origin(-ENOMEM);
	r = take_lock(database);
	if (!r)
		r = open_whole(database);
	if (!r)
		r = set_modes(database);
	if (!r)
		r = add_tables(database);
	if (!r)
		r = remember_file(database);
	if (!r)
		r = read_notice(database);
	if (!r && copy_revision(path, &database->copied_revision) != 0)
		database->copied_revision = 0;
	if (!r)
		*ret_database = take(&database);
	return r;
}

struct database *database_free(struct database *database)
{
	if (!database)
		return NULL;
	sqlite3_close(database->sqlite);
	if (database->lock >= 0)
		close(database->lock);
	free(database->path);
	free(database);
	return NULL;
}

/* ------------------------------------------------------------------ whole? */

static int check_file(struct database *database)
{
	struct stat status;

	if (stat(database->path, &status) == 0 && status.st_dev == database->device &&
	    status.st_ino == database->inode)
		return 0;
	return database_damaged(database, "it was removed, or replaced by another file");
}

int database_verify(struct database *database)
{
	char words[DATABASE_WORDS_SIZE] = "";
	int r;

	if (database->damaged)
		return error_origin(-EUCLEAN);
	r = check_file(database);
	if (!r) /* what is in memory says nothing of what is on the disk */
		r = database_execute(database, "PRAGMA shrink_memory");
	if (r)
		return r;
	switch (schema_check(database->sqlite, words, sizeof(words))) {
	case 0:
		return 0;
	case SCHEMA_E_SYSTEM:
		return error_origin(database_failed(database, "reading"));
	default:
		return database_damaged(database, words);
	}
}

struct database_health database_health(const struct database *database)
{
	return (struct database_health){
		.path = database->path,
		.damaged = database->damaged,
		.trouble = database->trouble,
		.copy_trouble = database->copy_trouble,
		.notice = database->notice,
	};
}

int database_acknowledge(struct database *database)
{
	int r = database_set_text(database, "notice", "");

	if (!r)
		database->notice[0] = '\0';
	return r;
}

int database_notice(struct database *database, const char *words)
{
	snprintf(database->notice, sizeof(database->notice), "%s", words);
	return database_set_text(database, "notice", words);
}

bool database_is_uncopied(const struct database *database)
{
	return !database->damaged && database->copied != sqlite3_total_changes(database->sqlite);
}

void database_copy(struct database *database)
{
	if (!database->damaged)
		copy_write(database);
}

/* ------------------------------------------------------------------ transactions */

int database_begin(struct database *database)
{
	if (database->is_unsynced && copy_sync_again(database))
		return database_failed(database, "syncing");
	return database_execute(database, "BEGIN IMMEDIATE");
}

int database_commit(struct database *database)
{
	int r = database_execute(database, "COMMIT");

	if (!r)
		database->trouble[0] = '\0';
	return r;
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
	int r = statement_prepare(database,
	                          &statement,
	                          "REPLACE INTO meta VALUES(?1,?2,row_sum(?1,?2))",
	                          "tn",
	                          key,
	                          number);

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
	int r = statement_prepare(database,
	                          &statement,
	                          "REPLACE INTO meta VALUES(?1,?2,row_sum(?1,?2))",
	                          "tt",
	                          key,
	                          text);

	return r ? r : statement_finish(database, statement);
}
