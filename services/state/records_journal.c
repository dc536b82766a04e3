/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/journal.h"
#include "services/state/statement.h"

/*
 * The journals in the database: texts in meta, as a table of its own would make it one of a later
 * release. A place for each entry, so that there are never more than JOURNAL_ENTRIES of a
 * subsystem.
 */
#define EVENT    "event:"
#define CYCLES   "power_cycles:"
#define KEY_SIZE 40

static int put_entry(struct database *database, const struct subsystem *subsystem,
                     const struct journal_entry *entry)
{
	char key[KEY_SIZE], text[JOURNAL_TEXT_SIZE];

	snprintf(key, sizeof(key), EVENT "%u:%u", subsystem->number, journal_place(entry));
	journal_write(entry, text);
	return database_set_text(database, key, text);
}

int database_put_journal(struct database *database, const struct subsystem *subsystem)
{
	char key[KEY_SIZE];
	int r = 0;

	snprintf(key, sizeof(key), CYCLES "%u", subsystem->number);
	if (subsystem->power_cycles != subsystem->power_cycles_saved)
		r = database_set_number(database, key, subsystem->power_cycles);
	list_for_each (at, (struct list *)&subsystem->journal) {
		const struct journal_entry *entry = container_of(at, struct journal_entry, link);

		if (!r && entry->unsaved)
			r = put_entry(database, subsystem, entry);
	}
	return r;
}

/* With the number in the key as their first column. */
static int select_keys(struct database *database, sqlite3_stmt **ret_statement, const char *prefix)
{
	return statement_prepare(
		database,
		ret_statement,
		"SELECT CAST(substr(key, length(?1) + 1) AS INTEGER), value FROM meta"
		" WHERE key > ?1 AND key < ?1||':'",
		"t",
		prefix);
}

static int load_events(struct database *database, struct target *target)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = select_keys(database, &statement, EVENT);

	while (!r && (r = statement_step(database, statement)) == 0) {
		struct subsystem *subsystem = target_find_subsystem(
			target, (uint32_t)statement_number(statement, 0));

		if (subsystem && journal_read(subsystem, statement_text(statement, 1)) == -ENOMEM)
			return error_origin(-ENOMEM);
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

int database_load_journals(struct database *database, struct target *target)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = select_keys(database, &statement, CYCLES);

	while (!r && (r = statement_step(database, statement)) == 0) {
		struct subsystem *subsystem = target_find_subsystem(
			target, (uint32_t)statement_number(statement, 0));

		if (subsystem) {
			subsystem->power_cycles = statement_number(statement, 1);
			subsystem->power_cycles_saved = subsystem->power_cycles;
		}
	}
	return r == DATABASE_E_NONE ? load_events(database, target) : r;
}
