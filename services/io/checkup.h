/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/loop/mailbox.h"
#include "services/io/health.h"

/*
 * checkup - knows how the devices are, without ever waiting for one.
 *
 * Shape     A thread of its own, as asking a device may take as long as that likes, goes through
 * the paths that it was given each CHECKUP_PERIOD_S. There is none while there are no paths.
 * Promise   changed() is called where what is known of any path has become other. However many
 *           paths are on a device, it is asked once each time.
 * Trust     as health.h
 * Threads   the control thread, whose mailbox it is
 * Lifetime  checkup_free() waits a moment for the thread. One that a device holds up is left to the
 *           end of the process, with what it may still write to.
 */
#define CHECKUP_PERIOD_S 30

struct checkup;

/* sysfs: "/sys"; must outlive it, as must the context. */
int checkup_new(struct checkup **ret_checkup, struct mailbox *control, const char *sysfs,
                void (*changed)(void *context), void *context);
struct checkup *checkup_free(struct checkup *checkup);
DEFINE_CLEANUP(struct checkup *, checkup_free)

/* These paths from now on, copied; new ones are looked at soon. -ENOMEM: as before. */
int checkup_watch(struct checkup *checkup, const char *const *paths, size_t n);

/* False: nothing is known (yet). */
bool checkup_find(struct checkup *checkup, const char *path, struct health *ret_health);
