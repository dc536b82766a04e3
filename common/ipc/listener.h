/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/types.h>

/*
 * listener - a UNIX stream socket in the file system that listens.
 *
 * Shape     a path of at most 107 bytes, with the file mode given
 * Promise   The mode holds before the first connection can be made. What a dead process left
 *           at the path is replaced; the socket of a living one is not, nor any other file.
 * Trust     the run directory is the operator's
 * Threads   any; the mode is set without umask(), which is the whole process's
 * Lifetime  the descriptor is the caller's; the file goes with listener_remove()
 * Returns   listener_open(): a descriptor; -EADDRINUSE, -EEXIST or another negative errno
 */
struct listener_file {
	dev_t device;
	ino_t inode;
};

int listener_open(const char *path, mode_t mode, struct listener_file *ret_file);

/* Takes the file away, if it is still ours. */
void listener_remove(const char *path, const struct listener_file *file);
