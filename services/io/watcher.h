/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/loop/loop.h"

/*
 * watcher - hears when somebody else has had a file open for writing, and has closed it.
 *
 * Shape     inotify(7), for IN_CLOSE_WRITE alone: that is how truncate(1), fallocate(1) and their
 *           like leave a file whose size they have changed. Our own writes, by a descriptor that
 *           stays open, are no events and cost nothing (IN_MODIFY would be one for each).
 * Promise   Only a hint: who changes a size without opening the file, or keeps it open, is found
 *           out when the sizes are looked at anyway. Where there are no watches (fs.inotify), so is
 *           everybody.
 * Trust     whoever may open the file may cause events; each costs a look at one size
 * Threads   the control thread
 * Lifetime  watcher_deinit(); a watch is the file's until it is removed. It is one, however often
 * it was added: where it is removed, gone() is called, later, for who has it still.
 */
struct watcher {
	struct loop_source source; /* fd -1: there is none */
	void (*closed)(void *context, int watch);
	void (*gone)(void *context, int watch);
	void *context;
};

void watcher_init(struct watcher *watcher, struct loop *loop,
                  void (*closed)(void *context, int watch), void (*gone)(void *context, int watch),
                  void *context);
void watcher_deinit(struct watcher *watcher);

/* The watch, or -1. */
int watcher_add(struct watcher *watcher, int fd);
void watcher_remove(struct watcher *watcher, int watch);
