/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/admission.h"

/*
 * zoned - what is to be looked at of a namespace with zones.
 *
 * Shape     Functions for the three that look: the view that takes a namespace from the state
 *           service, the admission of a command, and the way of one that has been admitted. Zones'
 *           states and write pointers are the worker's: what is checked here needs none of them.
 * Promise   What is admitted names the first block of one of the namespace's zones, and is not
 *           longer than a zone.
 * Trust     the command is a host's, the message may be a broken state service's
 * Threads   any; pure
 * Lifetime  none
 */

/* NULL, or what is wrong, a constant sentence. */
const char *zoned_take(struct view_namespace *namespace, const Nvmetd__NamespaceView *from);

/* After admission_check() has answered with `status`: a command of zones, which it does not know,
 * is admitted here; of all others the answer stays. */
__attribute__((cold)) struct nvme_status
zoned_admit(const struct view_subsystem *subsystem, const struct view_port *port,
            const struct nvme_command *command, struct nvme_status status,
            struct admitted *ret_admitted, uint16_t *ret_location);

/* Of a namespace that may be zoned: is there nothing to do, as what the command asks for is a hint
 * that does not go with zones? */
bool zoned_is_hint(const struct view_namespace *namespace, const struct link_request *wanted);
