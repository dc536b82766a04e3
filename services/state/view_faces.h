/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "proto/nvmetd.pb-c.h"
#include "services/state/config.h"
#include "services/state/scratch.h"

/*
 * view_faces - what each host that a masked namespace names sees of a subsystem, for its view.
 *
 * Shape     FaceViews of proto/nvmetd.proto: a host, and indices of SubsystemView.masked.
 * Promise   Ascending by host, and by index within one; a host that sees nothing of it has none.
 *           Takes n log n of all names.
 * Trust     the configuration has been checked
 * Threads   any; pure but for the scratch
 * Lifetime  the messages live in the scratch; names are borrowed from the configuration
 */

/* masked: the namespace of each of view->masked, in their order. */
void view_faces_put(struct scratch *scratch, Nvmetd__SubsystemView *view,
                    const struct config_namespace *const *masked);
