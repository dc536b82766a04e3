/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/uio.h>

#include "common/nvme/spec.h"
#include "common/nvme/status.h"
#include "common/shm/link.h"
#include "services/io/table.h"
#include "services/io/uring.h"

/*
 * request - one command of a transport, from the ring until it is answered.
 *
 * Shape     A private copy of the slot, what the check made of it (where its bytes lie in the
 *           arena and on the backing), and how far its backing has come.
 * Promise   Check, then do: after request_check() has returned 0 no field needs a further
 *           check. What it looks at in the arena (tables of segments, ranges to deallocate) it
 *           copies first. Each request is answered once, by request_finish().
 * Trust     The slot is a transport's: its check is ours to make again. What a host can cause
 *           is a status; what only a broken transport can cause ends the link.
 * Threads   the I/O thread of its lane
 * Lifetime  In its lane's table, all of it made when the link is
 * Returns   0, or one of
 */
enum request_error {
	REQUEST_E_REFUSED = 1, /* check: answer it with this status */
	REQUEST_E_BROKEN,      /* check: the transport broke the contract, for this reason */
	REQUEST_E_WORD,        /* check: it is no request, but a word about some */
};

/* What a command may need beside the request itself, touched only when it does. */
union request_scratch {
	struct iovec pieces[LINK_SEGMENTS_MAX];
	struct nvme_dsm_range ranges[LINK_SEGMENTS_MAX];
};
_Static_assert(sizeof(union request_scratch) == 4096, "a page");

struct lane;
struct region;

struct request {
	struct link_request wanted; /* private copy */
	struct lane *lane;
	struct hold *hold;
	const struct target *target;
	struct list link; /* free, or nowhere */
	union request_scratch *scratch;

	/* data: pieces of the arena not dealt with yet */
	struct iovec *pieces;
	uint32_t n_pieces;
	struct iovec few[LINK_SEGMENTS_INLINE];

	/* blocks: bytes of the backing not dealt with yet */
	uint64_t offset;
	uint64_t length;

	/* the backing's own */
	struct uring_job job;
	uint8_t step;
	uint8_t tries;
	uint16_t range; /* LINK_DEALLOCATE: index in scratch->ranges */
	uint16_t n_ranges;
	void *held; /* of fault:, while it holds the request up; NULL else, whatever the backing */
};

/* A request that a backing makes of another one that it stands on (fault:). Beside the operation
 * and the blocks it has pieces of its own; its target names the other backing. */
struct request_inner {
	struct request request;
	/* Instead of an answer; it may be made anew from within. */
	void (*done)(struct request_inner *inner, struct nvme_status status);
};

/* In wanted.flags of an inner one; on a link it would be an unknown flag. */
#define REQUEST_INNER 0x80

/* It takes no slot, and is not completed. */
static inline bool request_is_word(const struct link_request *wanted)
{
	return wanted->operation == LINK_CANCEL || wanted->operation == LINK_DOUBT;
}

/* Checks request->wanted against what is granted, and fills in the rest. */
int request_check(struct request *request, const struct grant *grant, const struct region *arena,
                  struct nvme_status *ret_status, const char **ret_reason);

/* Moves the pieces, offset and length on by so many bytes, at most length. */
void request_advance(struct request *request, uint64_t bytes);

/* The answer. The request is its lane's again. */
void request_finish(struct request *request, struct nvme_status status);

/* The same of a LINK_ZONE_APPEND that has succeeded, from this block on. */
void request_finish_at(struct request *request, uint64_t block);

/* No answer: its link is ending, and what is not answered is put again on the next one. It has not
 * reached any store. */
void request_drop(struct request *request);

/* The outer one's link is served still. If not, whoever holds the request up lets go of it. */
bool request_is_wanted(const struct request *request);

/* The host of a request from a link may send it again, as it has taken too long (LINK_UNDECIDED),
 * or as the connection was lost (LINK_DOUBT). */
bool request_may_come_again(const struct request *request);

/* Makes an inner request on the outer one's I/O thread, all of it but pieces and blocks. */
void request_begin_inner(struct request_inner *inner, const struct request *outer,
                         const struct target *target, enum link_operation operation, uint8_t flags);

/* On the request's I/O thread: its loop; a letter to it. */
struct loop *request_loop(const struct request *request);
void request_post(const struct request *request, struct letter *letter,
                  void (*deliver)(struct letter *letter));

/* Where the request's I/O goes: its thread's uring, its arena's registered buffer (or -1). */
struct uring *request_uring(const struct request *request);
int request_buffer(const struct request *request);
