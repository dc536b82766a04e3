/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/chaos/fault.h"
#include "tests/chaos/load.h"

/*
 * options - the command line of nvmetd-chaos.
 *
 * Shape     a plain struct
 * Promise   After options_parse() returned 0 every value is in its range, and a target of the
 * user's is only there with --destroy-data. Trust     the operator's Threads   one Lifetime  points
 * into argv Returns   0, or
 */
enum options_error {
	OPTIONS_E_DONE = 1, /* --help, --version or --list was served */
	OPTIONS_E_USAGE,    /* what is wrong was said */
};

enum { OPTIONS_FAULTS = 64, OPTIONS_NSIDS = 8 };

struct options {
	uint64_t seed;
	bool has_seed;
	unsigned seconds;
	unsigned every_ms;
	unsigned overlap;
	const struct fault *faults[OPTIONS_FAULTS];
	unsigned n_faults;
	const struct load_kind *loads[LOADS_MAX];
	unsigned n_loads;
	const char *schedule; /* a file; NULL: from the seed */
	bool prints_schedule; /* and nothing else */
	const char *json;     /* a file, "-"; NULL: none */
	unsigned patience;    /* times all bounds of time */
	unsigned rate;        /* I/Os a second and host */
	uint64_t region_bytes;
	unsigned watchdog_s;
	unsigned reconnect_ms;
	unsigned kato_ms;
	const char *bin_dir;
	bool keeps;
	bool may_set_clock;

	const char *traddr; /* NULL: a set of our own */
	const char *trsvcid;
	const char *nqn;
	const char *run_dir; /* NULL: its processes are not ours to touch */
	unsigned nsids[OPTIONS_NSIDS];
	unsigned n_nsids;
	bool may_destroy_data;
};

int options_parse(struct options *ret_options, int argc, char **argv);
