/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/cache_line.h"
#include "common/base/cleanup.h"
#include "common/base/list.h"
#include "common/nvme/limits.h"
#include "proto/nvmetd.pb-c.h"

/*
 * view - what commands are admitted against, at one revision.
 *
 * Shape     A checked, private copy of the state service's TransportView: ports, subsystems with
 *           their namespaces, workers. Beside it each reactor has a count of the commands that
 *           it admitted under this view and has not completed.
 * Promise   Never changes after view_new(), but for these counts. Finding a namespace takes
 *           constant time if the subsystem's are numbered 1, 2, 3 …, else a binary search. Masked
 *           ones are found in a subsystem that was looked for with the name of a host that sees
 *           them, and in no other.
 *           Numbers are in range: a worker's index is of this view, a block is 512 … 4096 bytes,
 *           a subsystem's or port's number is there once.
 * Trust     The state service may be broken: a view that breaks its own rules is not taken.
 * Threads   Any may read. A count belongs to its reactor.
 * Lifetime  counted: view_hold(), view_drop()
 * Returns   0, a negative errno, or
 */
enum view_error {
	VIEW_E_UNSOUND = 1, /* new: *ret_reason is a constant sentence */
};

#define VIEW_PORTS_MAX      1024u
#define VIEW_SUBSYSTEMS_MAX 4096u
#define VIEW_NAMESPACES_MAX 65536u /* of all subsystems together */
#define VIEW_WORKERS_MAX    64u
#define VIEW_GLIMPSES_MAX   65536u /* a host that sees a masked namespace */
#define VIEW_GRANTS_MAX     256u   /* what there is beyond goes through the worker */
#define VIEW_ANA_GROUPS_MAX 128u
#define VIEW_QUEUE_SIZE_MAX 1024u /* entries */
#define VIEW_NO_WORKER      UINT16_MAX
#define VIEW_TOKEN_SIZE     16u
#define VIEW_HOST_SIZE      16u        /* a host identifier */
#define VIEW_HOSTS_MAX      (1u << 18) /* with rights on reserved namespaces, all together */

/* ANA states (Base 2.1 §8.1.1) */
enum view_ana {
	VIEW_ANA_OPTIMIZED = 1,
	VIEW_ANA_NON_OPTIMIZED = 2,
	VIEW_ANA_INACCESSIBLE = 3,
	VIEW_ANA_PERSISTENT_LOSS = 4,
	VIEW_ANA_CHANGE = 15,
};

struct view_port {
	uint32_t id;
	char adrfam[8];
	char traddr[64];
	char trsvcid[16];
	uint32_t in_capsule_bytes;
	uint32_t max_queue_size;              /* entries, 2 … VIEW_QUEUE_SIZE_MAX */
	bool pi_enable;                       /* its hosts see protection information */
	uint8_t ana[VIEW_ANA_GROUPS_MAX + 1]; /* by group: enum view_ana */
};

struct view_namespace {
	uint32_t nsid;
	uint32_t handle;
	uint16_t worker; /* index, or VIEW_NO_WORKER */
	uint8_t ana_group;
	uint8_t block_shift;
	bool write_protected;
	bool ready;
	bool in_memory;        /* served at once: see room.h */
	bool protection;       /* to hosts of ports with pi_enable */
	bool has_reservations; /* its hosts may reserve it */
	uint8_t reservation;   /* enum nvme_reservation_type: that holds */
	bool is_plain;   /* ready, not reserved, not zoned: there is nothing more to look at */
	uint16_t grant;  /* 1 … n_grants: it has an io grant; 0: none */
	uint64_t blocks; /* not ready: as last known, 0 if never */
	uint64_t unready_since_ns; /* if not ready; kept from view to view */
	/* of a reservation: who has its rights, ascending, of the view's */
	const uint8_t *reservation_hosts;
	uint32_t n_reservation_hosts;
	uint64_t zone_blocks; /* of a zone, a power of two; 0: it has none */
};

/* As a host sees it: what all see, and what it sees of what is masked from others. */
struct view_subsystem {
	uint32_t number;
	char nqn[224];
	uint64_t cap;
	uint32_t vs;
	bool discovery;
	uint32_t n_namespaces;
	struct view_namespace *namespaces; /* that all see; ascending by nsid */
	uint32_t n_masked;
	const struct view_namespace **masked; /* that this host sees; ascending by nsid */
	/* in the view's own list only: */
	uint32_t n_hidden; /* behind the namespaces that all see; ascending by nsid */
	uint32_t n_faces;
	struct view_face *faces; /* ascending by host_nqn */
};

/* A subsystem for one host, which sees more of it than all do. */
struct view_face {
	char host_nqn[224];
	struct view_subsystem subsystem;
};

struct view_worker {
	char name[32];
	char path[108];
	uint8_t token[VIEW_TOKEN_SIZE];
};

/* What a reactor keeps of a view: a line of the cache for each. */
struct view_count {
	_Alignas(CACHE_LINE) uint32_t admitted;
	struct view *view;
	struct list link; /* in the reactor's list of views, the oldest first */
};

struct view {
	atomic_uint references;
	uint64_t revision; /* the state service's number of it */
	uint64_t serial;   /* ours: rises with each view, whatever the state service says */
	uint32_t n_ports;
	uint32_t n_subsystems;
	uint32_t n_workers;
	uint32_t n_namespaces; /* of all subsystems */
	uint32_t n_grants;
	uint32_t n_faces;    /* of all subsystems */
	uint32_t n_glimpses; /* of all faces */
	uint32_t n_reservation_hosts;
	bool has_zones;             /* a namespace that is served has */
	uint8_t *reservation_hosts; /* of VIEW_HOST_SIZE each */
	struct view_port *ports;
	struct view_subsystem *subsystems; /* ascending by number */
	struct view_worker *workers;
	struct view_namespace *namespaces;      /* of all subsystems */
	struct view_face *faces;                /* of all subsystems */
	const struct view_namespace **glimpses; /* of all faces */
	struct view_count *counts;              /* of each reactor */
	struct list link; /* in the control thread's list of views that are not drained */
	struct limits limits;
};

/* before: the view that this one follows, or NULL. */
int view_new(struct view **ret_view, const Nvmetd__TransportView *message,
             const struct view *before, uint64_t now_ns, unsigned n_reactors,
             const char **ret_reason);
struct view *view_hold(struct view *view);
struct view *view_drop(struct view *view);
DEFINE_CLEANUP(struct view *, view_drop)

/* NULL if there is none. */
const struct view_port *view_port(const struct view *view, uint32_t id);
const struct view_subsystem *view_subsystem(const struct view *view, uint32_t number);

/* As this host sees it; NULL if there is none. */
const struct view_subsystem *view_subsystem_of(const struct view *view, uint32_t number,
                                               const char *host_nqn);

const struct view_namespace *view_namespace_search(const struct view_subsystem *subsystem,
                                                   uint32_t nsid);

/* Of any subsystem. Looks at all of them. */
bool view_has_handle(const struct view *view, uint32_t handle);

static inline const struct view_namespace *view_namespace(const struct view_subsystem *subsystem,
                                                          uint32_t nsid)
{
	/* nsid 0 becomes the greatest index */
	if (nsid - 1 < subsystem->n_namespaces && subsystem->namespaces[nsid - 1].nsid == nsid)
		return &subsystem->namespaces[nsid - 1];
	return view_namespace_search(subsystem, nsid);
}
