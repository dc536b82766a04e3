/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * store - keeps descriptors for the next instance of this process.
 *
 * Shape     systemd's file-descriptor store (sd_notify FDSTORE=1, LISTEN_FDS with names); the
 *           launcher offers the same. Names: [a-z0-9-.], unique per process.
 * Promise   What was put survives a crash and a restart of the process, not of its keeper.
 *           Without a keeper (started by hand) nothing is kept, and that is no error.
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
void store_drop(const char *name);

/* A descriptor that the caller owns now, or -1. */
int store_take(const char *name);

/* What the predecessor left, and was not taken by now, is not kept any longer. */
void store_drop_rest(void);
