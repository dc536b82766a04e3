/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/reservation_records.h"

#include <errno.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/statement.h"

/* ------------------------------------------------------------------ loading */

static int read_16(struct database *database, sqlite3_stmt *statement, int column,
                   uint8_t ret[static 16])
{
	if (sqlite3_column_bytes(statement, column) != 16)
		return database_damaged(database, "a host identifier in it is not of 16 bytes");
	memcpy(ret, sqlite3_column_blob(statement, column), 16);
	return 0;
}

static int count_registrants(struct database *database, uint32_t handle, size_t *ret_count)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "SELECT count(*) FROM registrant WHERE handle=?",
	                          "n",
	                          (uint64_t)handle);

	if (!r)
		r = statement_step(database, statement);
	if (!r)
		*ret_count = (size_t)statement_number(statement, 0);
	return r;
}

static int load_registrants(struct database *database, uint32_t handle,
                            struct reservation *reservation)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	size_t count = 0;
	int r = count_registrants(database, handle, &count);

	if (!r)
		r = statement_prepare(database,
		                      &statement,
		                      "SELECT host_id, key FROM registrant WHERE handle=?"
		                      " ORDER BY host_id",
		                      "n",
		                      (uint64_t)handle);
	if (r)
		return r;
	reservation->registrants = calloc(count + 1, sizeof(*reservation->registrants));
	if (!reservation->registrants)
		return error_origin(-ENOMEM);
	while (!r && reservation->n_registrants < count &&
	       (r = statement_step(database, statement)) == 0) {
		struct registrant *next = &reservation->registrants[reservation->n_registrants];

		r = read_16(database, statement, 0, next->host_id);
		next->key = statement_number(statement, 1);
		reservation->n_registrants += !r;
	}
	return r == DATABASE_E_NONE ? 0 : r;
}

static int read_reservation(struct database *database, sqlite3_stmt *statement,
                            struct reservation *reservation)
{
	uint64_t type = statement_number(statement, 1);
	int r = read_16(database, statement, 2, reservation->holder);

	if (!r)
		r = load_registrants(
			database, (uint32_t)statement_number(statement, 0), reservation);
	if (r)
		return r;
	reservation->generation = (uint32_t)statement_number(statement, 3);
	reservation->persists = statement_number(statement, 4) != 0;
	if (type <= NVME_RESERVATION_TYPE_MAX && reservation->n_registrants > 0 &&
	    (reservation_is_of_all((enum nvme_reservation_type)type) ||
	     reservation_find(reservation, reservation->holder)))
		reservation->type = (enum nvme_reservation_type)type;
	return 0;
}

static int load_one(struct database *database, sqlite3_stmt *statement, struct target *target)
{
	struct backing *backing = target_find_backing(target,
	                                              (uint32_t)statement_number(statement, 0));

	if (!backing || backing->reservation)
		return 0;
	backing->reservation = calloc(1, sizeof(*backing->reservation));
	if (!backing->reservation)
		return error_origin(-ENOMEM);
	return read_reservation(database, statement, backing->reservation);
}

int reservation_records_load(struct database *database, struct target *target)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "SELECT handle, type, holder, generation, persists"
	                          " FROM reservation",
	                          "");

	while (!r && (r = statement_step(database, statement)) == 0)
		r = load_one(database, statement, target);
	return r == DATABASE_E_NONE ? 0 : r;
}

/* ------------------------------------------------------------------ what differs */

static int put_head(struct database *database, uint32_t handle,
                    const struct reservation *reservation)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "REPLACE INTO reservation"
	                          " VALUES(?1,?2,?3,?4,?5,row_sum(?1,?2,?3,?4,?5))",
	                          "nnunn",
	                          (uint64_t)handle,
	                          (uint64_t)reservation->type,
	                          reservation->holder,
	                          (uint64_t)reservation->generation,
	                          (uint64_t)reservation->persists);

	return r ? r : statement_finish(database, statement);
}

static int put_registrant(struct database *database, uint32_t handle,
                          const struct registrant *registrant)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "REPLACE INTO registrant VALUES(?1,?2,?3,row_sum(?1,?2,?3))",
	                          "nun",
	                          (uint64_t)handle,
	                          registrant->host_id,
	                          registrant->key);

	return r ? r : statement_finish(database, statement);
}

static int drop_registrant(struct database *database, uint32_t handle,
                           const struct registrant *registrant)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "DELETE FROM registrant WHERE handle=? AND host_id=?",
	                          "nu",
	                          (uint64_t)handle,
	                          registrant->host_id);

	return r ? r : statement_finish(database, statement);
}

static int drop_from(struct database *database, const char *sql, uint32_t handle)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database, &statement, sql, "n", (uint64_t)handle);

	return r ? r : statement_finish(database, statement);
}

int reservation_records_drop(struct database *database, uint32_t handle)
{
	int r = drop_from(database, "DELETE FROM reservation WHERE handle=?", handle);

	return r ? r : drop_from(database, "DELETE FROM registrant WHERE handle=?", handle);
}

/* Both are in the order of their hosts: as long as there are registrants, and no longer. */
static int put_difference(struct database *database, uint32_t handle,
                          const struct reservation *before, const struct reservation *after)
{
	size_t n_before = before ? before->n_registrants : 0, i = 0, j = 0;
	int r = 0;

	while (!r && (i < n_before || j < after->n_registrants)) {
		const struct registrant *was = i < n_before ? &before->registrants[i] : NULL;
		const struct registrant *is = j < after->n_registrants ? &after->registrants[j]
		                                                       : NULL;
		int order = !was  ? 1
		            : !is ? -1
		                  : memcmp(was->host_id, is->host_id, sizeof(is->host_id));

		if (order < 0)
			r = drop_registrant(database, handle, was);
		else if (order > 0 || was->key != is->key)
			r = put_registrant(database, handle, is);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

int reservation_records_put(struct database *database, uint32_t handle,
                            const struct reservation *before, const struct reservation *after)
{
	/* what may be there is of a loss of power that could not be written */
	int r = before ? 0 : reservation_records_drop(database, handle);

	if (!r)
		r = put_head(database, handle, after);
	return r ? r : put_difference(database, handle, before, after);
}

/* ------------------------------------------------------------------ commands */

static int forget_oldest(struct database *database)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "DELETE FROM reservation_command WHERE serial <="
	                          " (SELECT max(serial) FROM reservation_command) - ?",
	                          "n",
	                          (uint64_t)RESERVATION_COMMANDS_KEPT);

	return r ? r : statement_finish(database, statement);
}

int reservation_records_note(struct database *database,
                             const uint8_t identity[static RESERVATION_IDENTITY_SIZE])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(
		database,
		&statement,
		"INSERT INTO reservation_command SELECT n, ?1, row_sum(n, ?1) FROM"
		" (SELECT ifnull(max(serial), 0) + 1 AS n FROM reservation_command)",
		"u",
		identity);

	if (!r)
		r = statement_finish(database, statement);
	return r ? r : forget_oldest(database);
}

int reservation_records_forget(struct database *database,
                               const uint8_t identity[static RESERVATION_IDENTITY_SIZE])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "DELETE FROM reservation_command WHERE identity=?",
	                          "u",
	                          identity);

	return r ? r : statement_finish(database, statement);
}

int reservation_records_find(struct database *database,
                             const uint8_t identity[static RESERVATION_IDENTITY_SIZE])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "SELECT serial FROM reservation_command WHERE identity=?",
	                          "u",
	                          identity);

	return r ? r : statement_step(database, statement);
}
