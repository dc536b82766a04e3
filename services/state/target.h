/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "services/state/config.h"

/*
 * target - all that is exported: the configuration, and what belongs to its objects for good.
 *
 * Shape     A config whose subsystems and namespaces point to records that outlive any
 *           configuration: a subsystem's number, a backing's handle. The records of everything
 *           that was ever configured stay, so that the same file restored again gets the same
 *           numbers.
 * Promise   What is in target->config is what the database holds: it is replaced only after a
 *           commit (apply.c). Admin and fabrics commands are answered from it alone.
 * Trust     all of it has been checked
 * Threads   one
 * Lifetime  target_deinit(); records live as long as the target
 */
#define WORKER_NAME_SIZE 32

/* One namespace's store, as the data plane knows it. Another path, another way to open it:
 * another backing. */
struct reservation; /* reservation.h */

/* As its worker says. */
struct backing_zones {
	uint64_t blocks;     /* of a zone, a power of two; 0: it is not zoned */
	uint64_t capacity;   /* blocks of it that can be written */
	uint32_t open_max;   /* 0: no limit */
	uint32_t active_max; /* the same */
};

struct backing {
	struct list link;
	uint32_t handle; /* never reused for another */
	char nqn[NVME_NQN_SIZE];
	uint32_t nsid;
	char *path;
	bool buffered_io;
	uint32_t block_size;
	struct config_zones zones_wanted;
	char worker[WORKER_NAME_SIZE]; /* who serves it; empty: nobody yet */
	char wish[WORKER_NAME_SIZE];   /* who is to; scratch of assign.c; empty: anybody */
	struct move *move;             /* on its way to another worker; NULL: it stays */
	uint64_t move_not_before_ns;   /* as the last attempt has failed */

	enum backing_use { BACKING_UNUSED, BACKING_USED, BACKING_LEAVING } use;
	bool wanted;   /* scratch of identity.c: the new configuration has it */
	bool io_grant; /* scratch of view.c: the configuration says so */
	char **faults; /* scratch of view.c, borrowed from the configuration */
	size_t n_faults;
	bool write_protected;      /* by a host (protect.h); in the database */
	uint64_t leaving_revision; /* views after this one do not have it */
	uint64_t leaving_until_ns; /* then it goes, drained or not */

	/* As the worker reported last, and kept over restarts. A namespace is shown to hosts from
	 * when this is known. */
	bool known;
	uint32_t block_shift;
	uint64_t blocks;
	bool volatile_cache;
	bool deallocate;
	uint16_t actuators; /* of a device whose media rotate; 0: they do not */
	struct identify_preference preference;
	uint64_t device_kept; /* backing_device() of the database */
	struct backing_zones zones;
	bool zones_kept; /* the database may have some of it, also where it has none (any more) */

	bool has_health; /* its device has said how it is */
	uint64_t device; /* which it is */
	struct log_health health;
	struct log_counts counts; /* as they were tallied last (tally.h) */

	bool unsaved; /* the database does not know all of this yet */

	struct reservation *reservation; /* NULL: no host has ever registered */

	/* As the worker reports now. */
	bool ready;
	char reason[160]; /* when not ready */
};

struct subsystem {
	struct list link;
	uint32_t number; /* never reused for another */
	char nqn[NVME_NQN_SIZE];
	char serial[21];
	bool discovery;
	bool identified; /* a host has asked what it is, since this process or it began */
	bool unsaved;
	uint64_t namespaces_revision; /* when what hosts see of its namespaces changed last */
	uint32_t cntlid_next;         /* where the search for a free one begins */
	uint32_t cntlid_kept;         /* the one in the database: not before this after a restart */
	/* of journal.h */
	struct list journal; /* events, the oldest first */
	unsigned n_journal;
	uint64_t journal_next; /* the number of the next */
	uint64_t power_cycles;
	uint64_t power_cycles_saved; /* in the database: what hosts are told */
	uint64_t reset_ns; /* of subsystem_reset.h: the last; 0: none since this process began */
};

struct target {
	struct config config;
	struct list backings;
	struct backing **by_handle; /* NULL: there was no memory; then the list is searched */
	size_t n_by_handle;
	struct list subsystems;
	struct subsystem *discovery;
	uint64_t revision; /* the last one given to anything */
	uint64_t
		revision_kept; /* in the database; none above it is given out before it is raised */
	uint64_t discovery_counter; /* GENCTR */
	uint32_t next_handle;
	uint32_t next_subsystem;
};

/* What its device is like, in one number. */
static inline uint64_t backing_device(const struct backing *backing)
{
	const struct identify_preference *preference = &backing->preference;

	return backing->actuators | (uint64_t)preference->write << 16 |
	       (uint64_t)preference->discard << 32 | (uint64_t)preference->optimal << 48;
}

void target_init(struct target *target);
void target_deinit(struct target *target);

struct move;

struct subsystem *subsystem_new(void);
struct subsystem *subsystem_free(struct subsystem *subsystem);
struct backing *backing_new(void);
struct backing *backing_free(struct backing *backing);
DEFINE_CLEANUP(struct backing *, backing_free)

struct subsystem *target_find_subsystem(const struct target *target, uint32_t number);
struct subsystem *target_find_subsystem_named(const struct target *target, const char *nqn);
/* Takes it. */
void target_add_backing(struct target *target, struct backing *backing);
struct backing *target_find_backing(const struct target *target, uint32_t handle);

/* The configuration of a subsystem by number; NULL for the discovery subsystem, and for one
 * that is not configured (any more). */
const struct config_subsystem *target_find_config(const struct target *target, uint32_t number);

struct session;

bool backing_zones_are_same(const struct backing_zones *a, const struct backing_zones *b);

/* NULL if there is none of that number, or if this session's host does not see it (visibility.h).
 * session: NULL for one that sees all. */
const struct config_namespace *subsystem_find_active(const struct config_subsystem *subsystem,
                                                     const struct session *session, uint32_t nsid);
/* Hosts see it, if it is not masked from them. */
bool namespace_is_active(const struct config_namespace *namespace);

/* Fills up to `most` numbers of active namespaces that the session sees above nsid, ascending.
 * Returns how many. */
unsigned subsystem_list_active(const struct config_subsystem *subsystem,
                               const struct session *session, uint32_t nsid, uint32_t *ret_nsids,
                               unsigned most);
/* It is active, and the session sees it. */
bool namespace_is_seen(const struct config_namespace *namespace, const struct session *session);
