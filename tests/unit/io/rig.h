/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/loop/loop.h"
#include "common/nvme/status.h"
#include "common/shm/doorbell.h"
#include "common/shm/link.h"
#include "services/io/namespaces.h"

/*
 * rig - a worker without a state service, and transports that the test plays.
 *
 * Shape     The worker's parts as in nvmetd-io (I/O threads, namespaces, links), whose control
 *           thread is the test; views are made of struct rig_namespace. A player is one link of
 *           a transport, with an arena of RIG_ARENA bytes.
 * Promise   until(condition) runs the control thread until the condition holds; after 15 s the
 *           test fails.
 * Trust     none
 * Threads   the test's, and the I/O threads
 * Lifetime  rig_begin() to rig_end(), which takes down all that is left
 */
#define RIG_ARENA (4u << 20)

struct rig_namespace {
	uint32_t handle;
	const char *path;
	bool buffered;
	bool read_only;
	bool io_grant;
	uint32_t block_shift;
	uint64_t zone_bytes; /* with "zoned:" */
	uint64_t zone_capacity;
	uint32_t zones_open_max;
	uint32_t zones_active_max;
	const char *faults[4]; /* with "fault:" */
	const char *release;   /* 16 characters: it goes to who has them; NULL: it stays */
	const char *from_path; /* it comes from there, with 16 characters; NULL: it does not */
	const char *from;
};

struct rig {
	struct loop *loop;
	struct namespaces *namespaces;
	struct links *links;
	char directory[64]; /* for files of the test; removed at the end */
	unsigned changes;   /* calls of changed() */
};

extern struct rig rig;

void rig_begin(unsigned threads);
/* Before that: how long a device may take; 0, as if not said: for ever. */
void rig_patience(unsigned ms);
void rig_end(void);

/* rig.directory, for one who begins it himself. */
void rig_make_directory(void);
/* The directory goes now, for one who will be killed. */
void rig_leave_no_trace(void);

/* A path in the rig's directory; valid until the tenth call after. */
const char *rig_path(const char *name);
/* Makes a file of so many bytes there, all 0. Returns the path. */
const char *rig_file(const char *name, uint64_t bytes);

/* A view with these namespaces, granted to the transports "tcp" and "rdma". */
void rig_serve(const struct rig_namespace *namespaces, unsigned n);
/* The same; the other transport is granted nothing of it. */
void rig_serve_only(const struct rig_namespace *namespaces, unsigned n, const char *transport);
/* One namespace, handle 1; returns when it is ready. */
void rig_serve_one(const char *path);
/* The same with nothing granted to anybody. */
void rig_serve_nobody(void);

/* As it would be reported; blocks 0: not ready, *ret_reason says why. */
uint64_t rig_blocks(uint32_t handle, const char **ret_reason);
bool rig_is_ready(uint32_t handle);

/* Asked until it is true, and not once more. */
#define until(condition)                                                                           \
	do {                                                                                       \
		uint64_t until_deadline_ = clock_now_ns() + 15 * NS_PER_S;                         \
		bool until_holds_ = (condition);                                                   \
		while (!until_holds_ && clock_now_ns() < until_deadline_) {                        \
			ck_assert_int_ge(loop_round(rig.loop, 2), 0);                              \
			until_holds_ = (condition);                                                \
		}                                                                                  \
		ck_assert_msg(until_holds_, "never came true: %s", #condition);                    \
	} while (0)

/* ------------------------------------------------------------------ players */

struct player {
	struct link link;
	struct region arena;
	int connection; /* -1: not connected */
	uint32_t next_id;
	bool heard;   /* a LinkWelcome */
	bool welcome; /* a good one */
	char reason[128];
	unsigned thread;
	unsigned block_shift; /* of what it reads and writes; 9 */
};

#define PLAYER_NULL ((struct player){.link = LINK_NULL, .arena = REGION_NULL, .connection = -1})

/* What a LinkHello says; .transport = "tcp", .instance = 1 if left empty. */
struct player_hello {
	const char *transport;
	uint64_t instance;
	uint32_t reactor;
	const char *token; /* 16 characters; NULL: the right one */
	uint32_t version;  /* 0: the right one */
	uint32_t slots;
	uint64_t arena_bytes;
	unsigned n_fds; /* 0: four */
	bool unsealed_arena;
	bool silent; /* connects, and says nothing */
};

void player_connect(struct player *player, struct player_hello hello);
/* Reads what the worker has said, without waiting. True: there was an answer. */
bool player_hears(struct player *player);
/* The worker has closed. */
bool player_is_cut(const struct player *player);
/* With reactor 0 of "tcp", and welcome. */
void player_begin(struct player *player);
void player_leave(struct player *player); /* closes, frees all; idempotent */

/* Puts a request (its id is set), and shows it; its id. */
uint32_t player_put(struct player *player, struct link_request request);
/* True: there was a completion. */
bool player_take(struct player *player, struct link_completion *ret_completion);
/* Puts, and waits for its completion: the status. */
unsigned player_do(struct player *player, struct link_request request);

/* With one segment, at the arena's begin. */
struct link_request player_reading(const struct player *player, uint32_t handle, uint64_t first,
                                   uint32_t blocks);
struct link_request player_writing(const struct player *player, uint32_t handle, uint64_t first,
                                   uint32_t blocks);
unsigned player_read(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks);
unsigned player_write(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks,
                      uint8_t flags);
unsigned player_flush(struct player *player, uint32_t handle);
unsigned player_zero(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks,
                     uint8_t flags);
unsigned player_deallocate(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks);

/* The arena's first bytes. */
void player_fill(struct player *player, uint32_t bytes, unsigned seed);
bool player_has(const struct player *player, uint32_t bytes, unsigned seed);
bool player_has_zeroes(const struct player *player, uint32_t bytes);
