/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * slow_file - a real file whose I/O takes as long as the test wants, and fails as it wants.
 *
 * Shape     A FUSE file system of one file, served by a process of its own, as a disk would be:
 *           reads and writes can be held, or failed; what arrives is counted.
 * Promise   Held requests are with the kernel, as those of a slow disk are: neither io_uring nor
 *           the death of the process that began them can take them back. When the test dies,
 *           the disk goes as well, and with it all that is held.
 * Trust     none
 * Threads   the test's; begin before there are others
 * Lifetime  slow_file_begin() to slow_file_end(); the latter lets go of all that is held
 */
#define SLOW_FILE_BYTES (1u << 20)

enum slow_file_kind {
	SLOW_FILE_WAITS, /* a thread of the kernel waits for each request */
	SLOW_FILE_ASYNC, /* none does: the request outlives the process that began it */
};

/* False: it cannot be had here (no /dev/fuse, or not root); *ret_why says so. */
bool slow_file_begin(enum slow_file_kind kind, const char **ret_why);
void slow_file_end(void);

const char *slow_file_path(void);

/* From now on reads and writes wait; or those that wait go on. */
void slow_file_hold(bool hold);
unsigned slow_file_held(void);

/* Reads and writes are answered with this errno; 0: not. */
void slow_file_fail(int error);
/* fallocate() is answered with this errno; ENOSYS at first. */
void slow_file_fail_fallocate(int error);

struct slow_file_counts {
	unsigned reads;
	unsigned writes;
	unsigned dsync_writes; /* with O_DSYNC, as RWF_DSYNC is */
	unsigned syncs;
	unsigned fallocates;
};

struct slow_file_counts slow_file_counts(void);

/* A byte of its content. */
uint8_t slow_file_byte(uint32_t place);
