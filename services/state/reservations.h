/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/admin.h"
#include "services/state/scratch.h"
#include "services/state/state.h"

/*
 * reservations - of all namespaces: the one authority over them (Base 2.1 §8.1.22).
 *
 * Shape     A reservation belongs to a backing: one namespace of one subsystem, for all of its
 *           controllers, on all transports. Commands come as AdminRequests of an I/O queue.
 * Promise   A change is in the database before anybody sees it. It is answered when no transport
 *           admits by what was before, and nothing that was admitted so is in flight. A command
 *           that is asked again, as its answer was lost, is carried out once. Reservations outlive
 *           all of our processes; those without PTPL end when the machine starts anew, and all when
 *           their namespace is disabled, is made another, or resv.enable is taken away.
 * Trust     commands are hosts'
 * Threads   one; waits for the disk
 * Lifetime  a backing's reservation is freed with it
 * Returns   0 or a negative errno
 */
#define RESERVATIONS_REGISTRANTS_MAX 65536 /* of all namespaces */

/* A command of an I/O queue: AdminRequest with a qid. */
void reservations_execute(const struct admin_request *request, const Nvmetd__AdminRequest *asked,
                          struct admin_reply *reply);

/* Feature 83h, as features.h has it. */
void reservations_set_persistence(const struct admin_request *request, uint32_t value,
                                  struct admin_reply *reply);
void reservations_get_persistence(const struct admin_request *request, bool now,
                                  struct admin_reply *reply);

/* Of a feature of reservations: false, and refused, if the namespace, of those that the host sees,
 * has none. NSID FFFFFFFFh is for those that have. */
bool reservations_check(const struct admin_request *request, struct admin_reply *reply);

/* Of a namespace's view: who has rights. */
void reservations_put_view(struct scratch *scratch, Nvmetd__NamespaceView *view,
                           const struct config_namespace *namespace);

/* A view for a transport of an earlier release: the same, in the form that it knows. */
void reservations_spread_view(struct scratch *scratch, Nvmetd__TransportView *view);

/* Of its status, for an operator. */
void reservations_put_status(struct scratch *scratch, Nvmetd__NamespaceStatus *status,
                             const struct backing *backing);

/* RESCAP of Identify. */
uint8_t reservations_capabilities(const struct config_namespace *namespace);

/* A configuration takes the place of that in force: first, within its transaction, what is not
 * wanted any more goes from the database; after the commit from memory. */
int reservations_store(struct state *state, const struct config *after);
void reservations_install(struct state *state);

/* At the start. boot: names this run of the machine; other than the last one: there was a loss of
 * power. */
int reservations_load(struct state *state);
int reservations_power_on(struct state *state, const char *boot);
