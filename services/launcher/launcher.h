/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/proc/service.h"
#include "services/launcher/child.h"

/*
 * launcher - runs the set of processes, from the first to be ready to the last to be gone.
 *
 * Shape     The children in the order of the plan. At first each is started when the one
 *           before it is ready; later each lives by itself. They are stopped one by one, the
 *           last first.
 * Promise   One launcher for a run directory. When all are ready for the first time, the
 *           supervisor is told, and `nvmetd: ready` is printed. A child that refuses its
 *           configuration at its first start ends the set with exit code 2.
 * Trust     as child
 * Threads   the main thread
 * Lifetime  The service must outlive the launcher.
 */
struct launcher;

int launcher_new(struct launcher **ret_launcher, struct service *service,
                 const struct launcher_options *options);
struct launcher *launcher_free(struct launcher *launcher);
DEFINE_CLEANUP(struct launcher *, launcher_free)

/* Until SIGTERM or SIGINT (a second one kills what is left), or a child refuses. Returns the
 * exit code. */
int launcher_run(struct launcher *launcher);
