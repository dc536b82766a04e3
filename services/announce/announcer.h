/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/ipc/client.h"
#include "common/proc/service.h"
#include "services/announce/mdns.h"
#include "services/announce/registrar.h"

/*
 * announcer - all of nvmetd-announce: what the state service wants announced, and who does it.
 *
 * Shape     A connection to the state service, its last view, the mDNS part, and a registrar for
 *           each CDC.
 * Promise   While the state service is away, what is announced stays. At the end it is withdrawn,
 *           which may take ANNOUNCER_END_NS; in a planned restart only what cannot stay is (mDNS),
 *           and the successor registers anew.
 * Trust     the state service may be broken: a view that makes no sense announces nothing
 * Threads   the loop's
 * Lifetime  announcer_free()
 */
#define ANNOUNCER_END_NS NS_PER_S

struct announcer;

int announcer_new(struct announcer **ret_announcer, struct service *service);
struct announcer *announcer_free(struct announcer *announcer);
DEFINE_CLEANUP(struct announcer *, announcer_free)

/* After the loop has stopped: takes back what CDCs were told. */
void announcer_withdraw(struct announcer *announcer);
