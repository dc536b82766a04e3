/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/shm/region.h"
#include "common/transport/counts.h"
#include "common/transport/port.h"
#include "common/transport/view.h"

/*
 * direct - a reactor's I/O on namespaces whose memory it was handed, without the worker.
 *
 * Shape     A grant for each namespace with an io grant in the view, found by its number there.
 *           Reads, writes and flushes are done at once, by copying between that memory and the
 *           arena; everything else, and everything while the memory is not here, goes through
 *           the worker, which works on the same memory. Where the wire may borrow (port.h),
 *           what is read is not copied but lent to it until it is sent.
 *
 *             WANTED ── asked ──► ASKED ── handed over ──► HELD
 *                ▲                  └── refused ──► REFUSED ── a second ──► WANTED
 *                └── a link of any reactor has come up: the worker may be another, which has
 *                    other memory. What was HELD is asked for again, and not used meanwhile.
 * Promise   After direct_show() of a view without the grant nothing is mapped any more, so a
 *           Drained of that view says that too: what is lent then the wire has to keep
 *           first, however slow its host is. The process never uses memory of two workers
 *           at a time: `epoch`, which all reactors share, rises before a command is put on a
 *           new link, and is looked at before each direct command. A page that cannot be had
 *           makes the command go through the worker, which answers it.
 * Trust     The memory's size is the one that the kernel says; the worker, and other transports,
 *           may change its bytes at any time. A command must have passed admission.
 * Threads   the reactor's; the counts may be read by any
 * Lifetime  direct_deinit() unmaps
 */
enum direct_state { DIRECT_OFF, DIRECT_WANTED, DIRECT_ASKED, DIRECT_REFUSED, DIRECT_HELD };

struct direct_grant {
	struct list link;
	uint32_t handle;
	uint16_t worker; /* index in the view */
	uint8_t state;   /* enum direct_state; OFF: revoked, only its counts are kept */
	uint8_t block_shift;
	bool is_null;   /* no memory: reads as zeroes */
	bool is_wanted; /* scratch of direct_show() */
	bool has_warned;
	uint64_t bytes;
	struct region region; /* its descriptor is closed */
	uint64_t device, inode;
	struct list lent; /* requests whose data is in it, by core_link; the wire has them */
	struct counts counts;
};

struct direct {
	atomic_ullong *epoch; /* of the process */
	unsigned long long seen;
	uint64_t serial;   /* of the view */
	bool must_ask;     /* something is WANTED */
	uint32_t n_grants; /* of the view */
	struct list grants;
	struct direct_grant *by_number[VIEW_GRANTS_MAX + 1];
};

void direct_init(struct direct *direct, atomic_ullong *epoch);
void direct_deinit(struct direct *direct);

/* Commands are admitted against this view from now on. */
void direct_show(struct direct *direct, const struct view *view);

/* A link has come up: nothing that is held is used before its worker has been asked again. */
void direct_doubt_all(struct direct *direct);

/* The next to ask this worker for; NULL: none. Asked: direct_asked(). */
struct direct_grant *direct_next(struct direct *direct, uint16_t worker);
void direct_asked(struct direct_grant *grant);

/* The answer. True: it was refused, and should be asked for again later (direct_ask_again()). */
struct handover;
bool direct_take(struct direct *direct, struct handover *handover);
void direct_ask_again(struct direct *direct);

/* The grant by which an admitted command can be done here; NULL: it is the worker's. */
struct direct_grant *direct_find(struct direct *direct, const struct request *request);
/* Does it. False: it is the worker's after all. */
bool direct_do(struct direct_grant *grant, struct request *request);
