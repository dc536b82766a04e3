/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * supervisor - who started this process, watches it, and keeps descriptors for it.
 *
 * Shape     systemd, or the launcher: datagrams of KEY=VALUE lines to NOTIFY_SOCKET, as
 *           sd_notify(3) sends them.
 * Promise   No message waits for longer than it may, whatever the other side does, and those that
 *           follow one which was not taken do not wait at all. The socket is open from the start:
 *           a process that has no descriptor left can still say that it is alive.
 * Trust     the supervisor may hang; what it does not take is not said
 * Threads   the main thread
 * Lifetime  supervisor_open() … supervisor_close(); the first message opens it as well
 * Returns   0, also without a supervisor, or a negative errno
 */
int supervisor_open(void);
void supervisor_close(void);

/* A descriptor goes with it unless fd is -1; the caller keeps his. */
int supervisor_tell(const char *text, int fd, unsigned patience_ms);
