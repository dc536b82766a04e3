/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/cleanup.h"
#include "common/proc/service.h"

/*
 * worker - all of nvmetd-io, put together.
 *
 * Shape     The I/O threads, the namespaces, the links, and the client of the state service,
 *           around the main loop.
 * Promise   worker_new() makes all threads and kernel objects that do not depend on a view;
 *           what it cannot have is logged with what to do. worker_free() finishes what is in
 *           flight, at most some seconds long.
 * Trust     see its parts
 * Threads   the main thread is the control thread
 * Lifetime  within the service's
 */
struct worker;

struct worker_options {
	unsigned device_timeout_s; /* 0: devices may take as long as they like */
};

#define WORKER_OPTIONS ((struct worker_options){.device_timeout_s = 12})

/* The options must outlive it. */
int worker_new(struct worker **ret_worker, struct service *service,
               const struct worker_options *options);
struct worker *worker_free(struct worker *worker);
DEFINE_CLEANUP(struct worker *, worker_free)
