/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "common/loop/loop.h"

/*
 * notify - hears what the children say by sd_notify(3).
 *
 * Shape     A datagram socket below the run directory; a message is lines of KEY=VALUE and
 *           perhaps descriptors.
 * Promise   The sender's process id is the kernel's word. notify_drain() has heard all that a
 *           process has said before its end.
 * Trust     whoever may write to the socket; the receiver asks whether it knows the sender.
 *           What is longer than NOTIFY_BYTES is dropped.
 * Threads   the loop's
 * Lifetime  Descriptors that heard() does not take (by setting them to -1) are closed after it.
 */
#define NOTIFY_BYTES 4096
#define NOTIFY_FDS   16

struct notification {
	pid_t pid;
	bool is_ready;
	bool is_alive;       /* WATCHDOG=1 */
	bool stores;         /* FDSTORE=1: keep the descriptors under fd_name */
	bool removes;        /* FDSTOREREMOVE=1: drop fd_name */
	const char *fd_name; /* "stored" without */
	const char *status;  /* NULL without */
	int fds[NOTIFY_FDS];
	unsigned n_fds;
};

struct notify {
	struct loop_source source;
	struct sockaddr_un address;
	void (*heard)(struct notify *notify, struct notification *notification);
};

#define NOTIFY_NULL ((struct notify){.source = {.fd = -1}})

int notify_init(struct notify *notify, struct loop *loop, const char *path,
                void (*heard)(struct notify *notify, struct notification *notification));
void notify_deinit(struct notify *notify);

/* Hears what has been said already. */
void notify_drain(struct notify *notify);

/* The lines of a message; changes the text, which the result points into. */
void notification_parse(struct notification *ret_notification, char *text);
