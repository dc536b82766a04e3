/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/reservation.h"
#include "common/transport/port.h"
#include "common/transport/view.h"

/*
 * reserved - what reservations of namespaces mean for the commands of a queue.
 *
 * Shape     The state service decides; a view says which hosts have rights. What a queue's host may
 *           do on the namespace that it used last is kept with the queue, until the next view.
 *           The commands that make reservations are I/O commands that go to the state service, as
 *           admin commands do.
 * Promise   A command of a host without the right is answered with Reservation Conflict, also one
 *           that was decoded under an earlier view. Nothing here is done for a namespace that is
 *           not reserved.
 * Trust     the command is a host's; the view was checked
 * Threads   the reactor's; reserved_take() is the control thread's
 * Lifetime  the hosts are the view's
 */

/* How many hosts have rights. */
size_t reserved_count(const Nvmetd__NamespaceView *from);
/* The hosts of a namespace's view, into the view's room for them. NULL, or what is wrong. */
const char *reserved_take(struct view *view, struct view_namespace *namespace,
                          const Nvmetd__NamespaceView *from);

/* An I/O command that was admitted otherwise, to a namespace with a reservation. */
__attribute__((noinline)) struct nvme_status reserved_check(struct queue *queue,
                                                            const struct view_namespace *namespace,
                                                            const struct nvme_command *command,
                                                            uint16_t *ret_location);

/* An I/O command that was not admitted, with `status`: if it is a reservation command, it may still
 * be good, and is for the control thread. */
__attribute__((cold)) struct nvme_status reserved_admit(struct request *request,
                                                        struct nvme_status status,
                                                        struct decoded_transfer *ret_transfer);
