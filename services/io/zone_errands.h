/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "common/base/cleanup.h"
#include "common/base/list.h"
#include "services/io/zone_device.h"

/*
 * zone_errands - what a device with zones is asked for, by a thread that may wait for it.
 *
 * Shape     One thread for a device, and a line of errands, each of which is embedded in what wants
 *           it done.
 * Promise   One at a time, in the order in which they were given. An errand for one zone looks
 *           at it afterwards, whether that has succeeded or not. One for many in a row does not,
 *           but tells with how many of them it has succeeded. Nothing is allocated for one, and a
 *           host whose writes fail does not fill the log.
 * Trust     a device that does not answer holds up its own errands, and no I/O thread
 * Threads   zone_errands_give(): any, and it does not wait. done() is called on the errands'
 *           thread: it posts the errand to whoever has given it.
 * Lifetime  zone_errands_free() when all are done; it waits for the thread's end, which is at
 *           once then. An errand is the thread's from giving until done().
 */
struct zone_errand {
	struct list link;
	uint32_t zone;
	uint32_t count;                    /* zones in a row, from that one on */
	enum nvme_zone_send_action action; /* 0: only look */
	void (*done)(struct zone_errand *errand);

	/* of done() */
	int result; /* 0 or a negative errno: of the action, with the first that it failed with */
	uint32_t n_done; /* zones of them before that, or all */
	bool is_found;   /* false: what the zone is, cannot be said */
	struct zone_found found;
};

struct zone_errands;

/* The device must outlive it. 0 or a negative errno. */
int zone_errands_new(struct zone_errands **ret_errands, const struct zone_device *device);
struct zone_errands *zone_errands_free(struct zone_errands *errands);
DEFINE_CLEANUP(struct zone_errands *, zone_errands_free)

void zone_errands_give(struct zone_errands *errands, struct zone_errand *errand);
