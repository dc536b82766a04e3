/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/host/controller.h"

/*
 * verify - remembers what every place of the namespace must hold, and checks it.
 *
 * Shape     A place is as many blocks as an I/O has. Of each we know the number of the last write
 * that was answered with success, from 1; 0 is unknown. No two I/Os are at the same place at a
 * time. Promise   What does not hold is said on stderr, ten times at most, and counted always.
 * Trust     what is checked may be anything
 * Threads   one
 * Lifetime  verify_deinit() frees; safe on zeroes
 */
struct verify {
	const struct host_namespace *space;
	uint32_t blocks; /* of a place */
	uint64_t seed;
	uint64_t places;
	uint32_t *written;
	uint8_t *busy;
	uint32_t last_write; /* its number */
	uint64_t checked;    /* blocks */
	uint64_t mismatches; /* blocks */
};

int verify_init(struct verify *verify, const struct host_namespace *space, uint32_t blocks,
                uint64_t places, uint64_t seed);
void verify_deinit(struct verify *verify);

/* A place that is not busy, from this one on; it is busy then. */
uint64_t verify_take_place(struct verify *verify, uint64_t place);
void verify_give_place(struct verify *verify, uint64_t place);

/* The next write's number, with its data. */
uint32_t verify_stamp(struct verify *verify, uint64_t place, void *data);
/* It was answered. */
void verify_written(struct verify *verify, uint64_t place, uint32_t number, bool is_good);
/* What was read of a place; or_number, if not 0, may be there as well, block by block. */
void verify_check(struct verify *verify, uint64_t place, const void *data, uint32_t or_number);
