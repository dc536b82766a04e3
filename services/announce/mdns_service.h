/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/list.h"
#include "common/nvme/spec.h"
#include "proto/nvmetd.pb-c.h"
#include "services/announce/bus.h"
#include "services/announce/mdns_name.h"

/*
 * mdns_service - one port of this target, announced by avahi-daemon as a discovery service
 * (_nvme-disc._tcp, TP8009).
 *
 * Shape     An entry group of avahi's: a service with a TXT record of p= and nqn=; and, where the
 *           port listens on one address, a host name with only that. mdns_service.c has the table
 *           of its steps.
 * Promise   A name that somebody else has is replaced by another one. What takes too long, or is
 *           refused, has FAILED, with a reason, and is begun again by its owner.
 * Trust     avahi-daemon may be broken: whatever it says, nothing waits for it without a deadline
 * Threads   the loop's
 * Lifetime  mdns_service_free(), also from within a callback of the bus
 */
struct mdns_service {
	struct list link;
	struct bus *bus;
	void (*changed)(struct mdns_service *service); /* has been announced, or has FAILED */
	void *context;
	uint32_t port_id;
	char trtype[8];
	char traddr[64];
	uint16_t trsvcid;
	char nqn[NVME_NQN_SIZE];
	char name[MDNS_LABEL_SIZE];
	char host[MDNS_HOST_SIZE]; /* empty: all of the machine's addresses */
	unsigned attempt;          /* at a name that nobody else has */
	enum mdns_step {
		MDNS_IDLE,
		MDNS_MAKES,
		MDNS_ADDS_ADDRESS,
		MDNS_ADDS_SERVICE,
		MDNS_COMMITS,
		MDNS_PROBES,
		MDNS_ANNOUNCED,
		MDNS_FAILED,
	} step;
	bool was_said;
	char path[128];    /* of the entry group; empty: none */
	sd_bus_slot *call; /* under way; NULL: none */
	struct loop_timer deadline;
	char reason[160];
};

/* NULL if there is no memory, or if the listener is none that can be announced. */
struct mdns_service *mdns_service_new(struct bus *bus, const Nvmetd__AnnounceListener *listener,
                                      const char *nqn);
void mdns_service_free(struct mdns_service *service);
bool mdns_service_is_for(const struct mdns_service *service,
                         const Nvmetd__AnnounceListener *listener, const char *nqn);

/* avahi-daemon is running. From IDLE or FAILED. */
void mdns_service_begin(struct mdns_service *service);
/* Back to IDLE. tell: avahi-daemon is still there, and has the entry group. */
void mdns_service_stop(struct mdns_service *service, bool tell);

/* StateChanged of its entry group. */
void mdns_service_hear(struct mdns_service *service, int state, const char *error);
