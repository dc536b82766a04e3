/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/event_log.h"
#include "services/state/target.h"

/*
 * journal - what has happened to a subsystem: the events of its Persistent Event log.
 *
 * Shape     The last JOURNAL_ENTRIES events of each subsystem, as they lie on the wire, numbered
 *           from 1 without end. The database has them in as many places, one after the other.
 * Promise   Bounded: the oldest goes when one more comes, and no event is larger than
 *           JOURNAL_EVENT_MAX. What is recorded is in the database with the next state_save(),
 *           which reconcile() does at once, and each second again where it failed; before that no
 *           host can read it, so that what a host has read is never lost. Without memory an event
 *           is lost, and nothing else.
 * Trust     texts of the database are checked; what is no event is passed over
 * Threads   one
 * Lifetime  the subsystem's; journal_free()
 */
#define JOURNAL_ENTRIES   256u
#define JOURNAL_EVENT_MAX 1024u

struct journal_entry {
	struct list link; /* the oldest first */
	uint64_t number;
	bool unsaved;
	size_t length;
	uint8_t wire[]; /* struct nvme_event_head, and what its type has */
};

/* session: of the controller that it is about; NULL: of none. */
void journal_record(struct subsystem *subsystem, enum nvme_event_type type,
                    const struct session *session, const void *data, size_t length);
void journal_free(struct subsystem *subsystem);

/* There is something that the database does not have; it has it now. */
bool journal_is_unsaved(const struct subsystem *subsystem);
void journal_saved(struct subsystem *subsystem);

/* For the database: an entry as a text, and its place; and back. -EINVAL: it is none. */
#define JOURNAL_TEXT_SIZE (2 * (8 + JOURNAL_EVENT_MAX) + 1)
void journal_write(const struct journal_entry *entry, char ret_text[static JOURNAL_TEXT_SIZE]);
static inline unsigned journal_place(const struct journal_entry *entry)
{
	return (unsigned)(entry->number % JOURNAL_ENTRIES);
}
int journal_read(struct subsystem *subsystem, const char *text);

/* Events from number `from` on, less than `to`: how many there are (still), and their bytes. */
struct journal_part {
	uint64_t from;
	uint64_t to;
};

/* All there are now, and are saved. */
struct journal_part journal_all(const struct subsystem *subsystem);
/* False: some of them have gone since. */
bool journal_has(const struct subsystem *subsystem, struct journal_part part);
size_t journal_bytes(const struct subsystem *subsystem, struct journal_part part);
/* The newest first. */
void journal_copy(const struct subsystem *subsystem, struct journal_part part, uint8_t *ret_bytes);

/* Milliseconds since 1970, as the log has them. */
uint64_t journal_now(void);

/* ------------------------------------------------------------------ what is recorded */

/* A transport has begun its life: the controllers that there were are no more. */
void journal_power_on(struct target *target);
/* Namespaces that have come or gone since that configuration. */
void journal_configuration(struct target *target, const struct config *before);
/* One that its worker has found now. */
void journal_appeared(struct target *target, const struct backing *backing);
/* The critical warnings of a backing's device are other than before. */
void journal_health(struct target *target, const struct backing *backing);
