/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/chaos/dice.h"
#include "tests/chaos/proxy.h"

/*
 * pipe - one direction of a proxied connection: bytes that are due some time after they came.
 *
 * Shape     A ring of bytes, and marks: up to this byte they are due at that time.
 * Promise   In the order in which they came, each once; an end of the stream comes after all of
 * them. Never waits. Trust     the sockets may do anything Threads   the proxy's Lifetime  The
 * sockets are the connection's. pipe_deinit() frees.
 */
enum { PIPE_BYTES = 1 << 18, PIPE_MARKS = 256 };

struct pipe {
	int from;
	int to;
	uint8_t *ring;
	uint64_t put; /* bytes, since the beginning */
	uint64_t got;
	struct {
		uint64_t end;
		uint64_t due_ns;
	} marks[PIPE_MARKS];
	unsigned first_mark;
	unsigned n_marks;
	uint64_t free_ns; /* not before then may the next byte go, with a limit of speed */
	bool has_end;     /* the sender has said that nothing more comes */
	bool is_over;     /* … and so have we */
};

int pipe_init(struct pipe *pipe, int from, int to);
void pipe_deinit(struct pipe *pipe);

/* Moves what can be. Not 0: the connection is broken. */
int pipe_move(struct pipe *pipe, const struct proxy_weather *weather, struct dice *dice,
              uint64_t now_ns, uint64_t *bytes);
/* What poll(2) is to wait for on the two ends; and until when at most, 0: no matter. */
short pipe_events_from(const struct pipe *pipe);
short pipe_events_to(const struct pipe *pipe, uint64_t now_ns);
uint64_t pipe_due_ns(const struct pipe *pipe, uint64_t now_ns);
