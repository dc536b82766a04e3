/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/load.h"
#include "tests/bench/stream.h"

/*
 * ceiling - what bare TCP over loopback does with the bytes of a load.
 *
 * Shape     A forked process answers messages of the sizes that the target's PDUs have, on as many
 *           connections as the load has, each as deep; data comes from 64 MiB of memory at
 *           random places. Both sides poll and gather as the host library does, and do
 *           nothing else: no NVMe, no digests, no second process behind.
 * Promise   While no round is run it sleeps, and takes no CPU from the target.
 * Trust     both ends are ours
 * Threads   one
 * Lifetime  ceiling_deinit() ends the process, which also ends when we do. Zeroed before init.
 * Returns   0 or a negative errno
 */
struct ceiling {
	const struct load *load;
	struct stream_sizes sizes;
	struct stream *streams;
	pid_t server;
	uint8_t *data;
	uint64_t random;
	unsigned empty_looks;
	bool is_stopping;
	bool is_measuring;
	unsigned n_out;
	uint64_t done;
	uint64_t measured_ns;
};

/* After the load has run for a moment: how the target answers is seen from that. */
int ceiling_init(struct ceiling *ceiling, const struct load *load);
/* Of the duration after the ramp. */
int ceiling_run(struct ceiling *ceiling, uint64_t ramp_ns, uint64_t duration_ns, double *ret_iops);
void ceiling_deinit(struct ceiling *ceiling);

/* Bytes of an I/O in both directions, by our table; what the load's I/Os had is to be the same. */
double ceiling_bytes_per_io(const struct ceiling *ceiling, double read_share);
