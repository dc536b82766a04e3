/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * store - keeps descriptors for the next instance of this process.
 *
 * Shape     systemd's file-descriptor store (sd_notify FDSTORE=1, LISTEN_FDS with names); the
 *           launcher offers the same. Names: [a-z0-9-.], unique per process.
 * Promise   What was put survives a crash and a restart of the process, not of its keeper.
 *           Without a keeper (started by hand) nothing is kept, and that is no error. What
 *           systemd opened for a socket unit comes the same way, under that unit's name.
 * Trust     the keeper is systemd or the launcher
 * Threads   the main thread
 * Lifetime  The store holds copies; the caller keeps its descriptor. store_take() hands out
 *           what the predecessor left, once.
 */

/* After service_init(): takes over what the keeper hands us. */
void store_open(void);
void store_close(void);

/* 0 or a negative errno. A name in use is dropped before it is put again. */
int store_put(const char *name, int fd);
/* False, and not dropped: all is the successor's by now. */
bool store_drop(const char *name);

/* A descriptor that the caller owns now, or -1. */
int store_take(const char *name);
/* The same, of the first that is wanted. */
int store_take_if(bool (*is_wanted)(const char *name, int fd));

/* What the predecessor left, and was not taken by now, is not kept any longer. */
void store_drop_rest(void);

/* A planned restart has begun: what is in the store stays there (service_leave() calls this). */
void store_leave(void);
