/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "common/base/cleanup.h"
#include "services/state/target.h"

/*
 * database - what must outlive the process: SQLite, in one file, and a copy of it (copy.h).
 *
 * Shape     objects(kind, place, body): the configuration, an object a row, in nvmetcli's JSON.
 *           subsystem, backing, identity: the numbers, serials, handles and UUIDs that were
 *           ever given out, and what is known of each backing. token: who may link to whom.
 *           meta: single numbers. Each row has a sum (schema.h).
 * Promise   What was committed survives kill -9 and power loss (WAL, synchronous=FULL). A change
 *           is whole or not at all. Only one process has the file open. A file that is damaged
 *           at the start is replaced by its copy, and that is said until it is acknowledged;
 *           one that is found damaged later is written no more, and all calls that would
 *           fail with -EUCLEAN.
 * Trust     The file may hold anything. One of a later release is refused, and left alone.
 * Threads   one; every call may wait for the disk
 * Lifetime  database_free() closes it
 * Returns   0, a negative errno (logged where it is first seen), or
 */
enum database_error {
	DATABASE_E_NONE = 1, /* there is no such row */
};

#define DATABASE_WORDS_SIZE  512
#define DATABASE_NOTICE_SIZE 1024
#define DATABASE_PATH_MAX    4000

struct database;

/* The directory must be there. */
int database_open(struct database **ret_database, const char *path);
struct database *database_free(struct database *database);
DEFINE_CLEANUP(struct database *, database_free)

/* What an operator has to know. The texts are empty where there is nothing. */
struct database_health {
	const char *path;
	bool damaged;             /* it is written no more */
	const char *trouble;      /* why the last change could not be written */
	const char *copy_trouble; /* why the copy is not up to date */
	const char *notice;       /* what has happened, until database_acknowledge() */
};

struct database_health database_health(const struct database *database);
int database_acknowledge(struct database *database);
/* Has it say this until then. */
int database_notice(struct database *database, const char *words);

/* Reads all of it from the disk: whether it is still what was written. */
int database_verify(struct database *database);

/* The copy lacks something. */
bool database_is_uncopied(const struct database *database);
/* Brings it up to date; whether it could be is in database_health(). */
void database_copy(struct database *database);

int database_begin(struct database *database);
int database_commit(struct database *database);
void database_rollback(struct database *database); /* nothing, if nothing was begun */

/* The configuration as nvmetcli's JSON. load: an empty one if there is none. */
int database_load_config(struct database *database, json_t **ret_root);
int database_store_config(struct database *database, const json_t *root);

int database_get_number(struct database *database, const char *key, uint64_t *ret_number);
int database_set_number(struct database *database, const char *key, uint64_t number);
int database_get_text(struct database *database, const char *key, char *ret_text, size_t size);
int database_set_text(struct database *database, const char *key, const char *text);

/* All that were ever there, into the target's lists. */
int database_load_records(struct database *database, struct target *target);
int database_load_journals(struct database *database, struct target *target);
int database_put_subsystem(struct database *database, const struct subsystem *subsystem);
int database_put_backing(struct database *database, const struct backing *backing);
int database_put_device(struct database *database, const struct backing *backing);

/* What is unsaved of the subsystem's journal. */
int database_put_journal(struct database *database, const struct subsystem *subsystem);

/* Whether hosts may write to it: its records say so when they are loaded. */
int database_put_protection(struct database *database, uint32_t handle, bool is_protected);

int database_find_uuid(struct database *database, const char *nqn, uint32_t nsid, const char *path,
                       uint8_t ret_uuid[static 16]);
int database_put_uuid(struct database *database, const char *nqn, uint32_t nsid, const char *path,
                      const uint8_t uuid[static 16]);

/* What a transport's instance and a worker have in common. put: those of the transport's earlier
 * instances are forgotten. */
int database_put_token(struct database *database, const char *transport, uint64_t instance,
                       const char *worker, const uint8_t token[static 16]);

/* Each of them; the call's negative errno ends it. */
int database_each_token(struct database *database,
                        int (*call)(void *context, const char *transport, uint64_t instance,
                                    const char *worker, const uint8_t token[static 16]),
                        void *context);
