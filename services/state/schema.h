/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

/*
 * schema - the tables of the database, and whether a file has them whole.
 *
 * Shape     Each row ends with a sum over its columns, which row_sum() of SQL makes: SQLite checks
 *           how its pages hang together, and takes any text in them for good.
 * Promise   A file is found whole only if its pages, its header and the sum of each row are
 *           right. Files of version 1, which had no sums, are taken and given them.
 * Trust     the file may hold anything
 * Threads   one; waits for the disk
 * Lifetime  schema_register() is for as long as the connection
 * Returns   schema_check(): 0, or
 */
enum schema_error {
	SCHEMA_E_DAMAGED = 1, /* the words say what */
	SCHEMA_E_LATER,       /* it was written by a later release */
	SCHEMA_E_NEW,         /* there is nothing in it yet */
	SCHEMA_E_OLDER,       /* whole, of version 1: schema_upgrade() */
	SCHEMA_E_SYSTEM,      /* the file cannot be read at present; SQLite has the code */
};

/* Makes row_sum() known to the connection. */
int schema_register(sqlite3 *sqlite);

int schema_check(sqlite3 *sqlite, char *ret_words, size_t size);

/* In one transaction; both return SQLite's code. */
int schema_make(sqlite3 *sqlite);
int schema_upgrade(sqlite3 *sqlite);

/* Tables that a file of this version may lack, where it is of an earlier release. */
int schema_add(sqlite3 *sqlite);

/* SQLite says that the file is not what it should be. */
bool schema_is_damage(int code);
