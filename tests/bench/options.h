/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/words.h"
#include "tests/host/controller.h"

/*
 * options - the command line of nvmetd-bench.
 *
 * Shape     a plain struct
 * Promise   After options_parse() returned 0 every value is in its range.
 * Trust     the operator's
 * Threads   one
 * Lifetime  points into argv
 * Returns   0, or
 */
enum options_error {
	OPTIONS_E_DONE = 1, /* --help or --version was served */
	OPTIONS_E_USAGE,    /* what is wrong was said */
};

/* How the program ends. */
enum { EXIT_BAD_IO = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

#define OPTIONS_DEPTHS 16u
#define OPTIONS_NO_MIX 101u

struct options {
	struct host_options host;
	uint32_t nsid;
	uint32_t block_bytes; /* of an I/O */
	unsigned connections;
	unsigned mix_percent; /* OPTIONS_NO_MIX: as the pattern has it */

	/* What was asked for, one or several with compare; and the one it is about now. */
	const struct pattern *patterns[WORDS_PATTERNS];
	unsigned n_patterns;
	unsigned depths[OPTIONS_DEPTHS];
	unsigned n_depths;
	const struct pattern *pattern;
	unsigned depth; /* per connection */
	unsigned read_percent;

	bool lockstep; /* a connection's next I/Os start when all of it have been answered */
	unsigned seconds;
	uint64_t ios; /* measured, instead of seconds; 0: seconds */
	unsigned warmup_seconds;
	uint64_t region_bytes; /* 0: all of the namespace */
	bool transfer;         /* writes by R2T also where they fit into the capsule */
	bool verify;
	unsigned reconnect_seconds; /* 0: do not */
	unsigned io_timeout_seconds;
	bool json;
	bool ceiling;
	int cpu;        /* -1: any */
	int target_cpu; /* -1: any but cpu */
	uint64_t seed;

	/* nvmetd-bench compare A B */
	bool is_compare;
	const char *a, *b;
	const char *pause_a, *pause_b;
	bool has_tree;
	const char *svg;
};

int options_parse(struct options *ret_options, int argc, char **argv);
/* It is about the pattern and the depth of these places in their lists. */
void options_choose(struct options *options, unsigned pattern, unsigned depth);
