/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "services/io/backing.h"

/*
 * file - a backing that is an ordinary file or a block device.
 *
 * Shape     backing_file.c opens, fences and measures it; file_io.c carries out requests in
 *           steps through io_uring.
 * Promise   Never mapped: a file that is cut short makes a request fail, not the process.
 *           Short transfers are continued; one that makes no progress is an error.
 * Trust     what the kernel answers is the truth about the file
 * Threads   the descriptor and flags are read by all I/O threads; what they learn about the
 *           file system (no_…) is atomic, and only a hint
 * Lifetime  as backing
 */
struct zone_disk;

struct file {
	struct backing backing;
	int fd;
	bool direct; /* O_DIRECT */
	bool blocks; /* its file system waits where it should say EAGAIN */
	bool is_device;
	dev_t device;              /* which file it is: st_dev, or st_rdev of a device */
	ino_t inode;               /* 0: a device */
	struct zone_disk *zones;   /* of a device that has zones; else NULL */
	atomic_bool no_zero_range; /* fallocate() of that kind is not supported */
	atomic_bool no_punch_hole;
};

void file_cancel(struct backing *backing, struct request *request);
void file_start(struct backing *backing, struct request *request);
