/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/types.h>

#include <sqlite3.h>

#include "common/base/log.h"
#include "services/state/database.h"

/*
 * statement - one SQL statement, for the files that make up the database.
 *
 * Shape     SQLite's statement, prepared with its arguments bound.
 * Promise   What fails is logged with the file's name, and comes back as a negative errno.
 * Trust     the file may hold anything that its schema allows
 * Threads   one
 * Lifetime  _cleanup_(statement_finalize)
 * Returns   0, a negative errno, or as statement_step() says
 */
struct database {
	sqlite3 *sqlite;
	char *path;
	int lock; /* of PATH.lock; -1: none */
	dev_t device;
	ino_t inode;
	bool damaged;                           /* for good: it is not written any more */
	char trouble[DATABASE_WORDS_SIZE];      /* why the last write failed */
	char copy_trouble[DATABASE_WORDS_SIZE]; /* why the copy is not up to date */
	char notice[DATABASE_NOTICE_SIZE];
	int copied;               /* how many changes there were when the copy was made; -1: none */
	uint64_t copied_revision; /* of the configuration in it */
	bool is_unsynced;         /* copy_sync_again() first */
	struct log_limit complaints;
};

/* types: of each argument, 't' text, 'u' 16 bytes, 'n' uint64_t. */
int statement_prepare(struct database *database, sqlite3_stmt **ret_statement, const char *sql,
                      const char *types, ...);

/* 0: a row is there. DATABASE_E_NONE: no more. */
int statement_step(struct database *database, sqlite3_stmt *statement);

/* A statement that gives no rows. */
int statement_finish(struct database *database, sqlite3_stmt *statement);

void statement_finalize(sqlite3_stmt **statement);

/* Of the row: columns from 0. The text lives until the next step. */
uint64_t statement_number(sqlite3_stmt *statement, int column);
const char *statement_text(sqlite3_stmt *statement, int column);
void statement_copy(sqlite3_stmt *statement, int column, char *ret_text, size_t size);

/* Statements without arguments and rows. */
int database_execute(struct database *database, const char *sql);

/* Keeps and logs what went wrong last; its negative errno. */
int database_failed(struct database *database, const char *doing);

/* Keeps and logs that the file is damaged, and that it is not written any more; -EUCLEAN. */
int database_damaged(struct database *database, const char *what);

/* What SQLite's code is in our world. */
int database_errno(int code);
