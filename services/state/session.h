/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/nvme/identify.h"
#include "proto/nvmetd.pb-c.h"

/*
 * session - a live controller, as its transport presents it.
 *
 * Shape     The Session message as a plain struct, and who holds it. Events are a set of bits:
 *           of each kind at most one waits, as one covers all changes until its log is read.
 * Promise   A session unpacked has texts that end, counts in range, and only events that there
 *           are. Packing it gives the message back.
 * Trust     A transport may be broken: what does not fit is refused.
 * Threads   one
 * Lifetime  session_free() takes it out of its list; the packed message borrows from it
 * Returns   session_unpack(): 0, -ENOMEM, or
 */
enum session_error {
	SESSION_E_MALFORMED = 1,
};

enum session_event {
	SESSION_EVENT_NAMESPACE = 1 << 0,   /* log page 04h */
	SESSION_EVENT_ANA = 1 << 1,         /* log page 0Ch */
	SESSION_EVENT_DISCOVERY = 1 << 2,   /* log page 70h */
	SESSION_EVENT_RESERVATION = 1 << 3, /* log page 80h */
	/* log page 02h, by what there is to tell */
	SESSION_EVENT_RELIABILITY = 1 << 8,
	SESSION_EVENT_TEMPERATURE = 1 << 9,
	SESSION_EVENT_SPARE = 1 << 10,
	SESSION_EVENTS_HEALTH = 7 << 8,
};

#define SESSION_EVENTS      7
#define SESSION_NOTICES_MAX 255u /* NALP counts no further */

/* Of log page 80h. */
struct session_notice {
	uint64_t count;
	uint32_t nsid;
	uint8_t notice; /* enum nvme_reservation_notice */
};

struct transport;

/* The values of features that last until the controller is reset (features.h). */
#define SESSION_BEHAVIOR_SIZE 6 /* of struct nvme_host_behavior: what is not reserved */

struct session_features {
	uint32_t arbitration;
	uint32_t power_management;
	uint16_t over_temperature; /* Kelvin */
	uint16_t under_temperature;
	uint32_t write_atomicity;
	uint8_t host_behavior[SESSION_BEHAVIOR_SIZE];
	uint16_t error_recovery[NVME_MAX_NAMESPACES]; /* TLER, by nsid from 1 */
};

/* AB: no limit. No temperature is too high. */
#define SESSION_FEATURES_DEFAULT                                                                   \
	{                                                                                          \
		.arbitration = 7, .over_temperature = UINT16_MAX                                   \
	}

/* A reporting context of the Persistent Event log: the events that are in it, by journal.h's
 * numbers.
 */
struct session_context {
	bool is_there;
	uint64_t from;
	uint64_t to;
	uint64_t timestamp;
	uint32_t generation; /* of the last one there was */
};

struct session {
	struct list link;
	struct transport *transport; /* that holds it; NULL in tests */
	uint32_t subsystem;
	uint16_t cntlid;
	char subsystem_nqn[NVME_NQN_SIZE];
	char host_nqn[NVME_NQN_SIZE];
	uint8_t host_id[16];
	uint32_t port_id;
	char host_address[64];
	char local_address[64];
	char local_service[16];
	bool discovery;
	uint32_t kato_ms;
	uint32_t io_queues;
	uint32_t async_event_config;
	unsigned events;                  /* waiting to be told, enum session_event */
	unsigned masked;                  /* told, and their log not read since */
	uint64_t told_to[SESSION_EVENTS]; /* in an answer to which request; 0: not known */
	uint8_t warned; /* critical warnings that there are, and that were events when they came */
	/* A bit for each nsid from 1. */
	uint8_t changed[NVME_MAX_NAMESPACES / 8];
	bool changed_overflow;
	struct session_features features;
	struct session_context context;
	uint64_t revision;
	uint64_t discovery_counter;
	uint64_t discovery_sum; /* of what it can be told; 0: not known */
	bool persistent;        /* of discovery: its host has asked for events when it connected */
	uint32_t admin_sqsize;  /* entries */
	/* of reservation_notice.h */
	struct session_notice *notices; /* room for SESSION_NOTICES_MAX; NULL: none yet */
	unsigned n_notices;
	uint64_t notice_count;                          /* of the last one, kept or lost */
	uint8_t reservation_masks[NVME_MAX_NAMESPACES]; /* feature 82h, by nsid from 1 */
	struct list parked; /* Asynchronous Event Requests that wait, event.h */
	unsigned n_parked;
	bool holds_ana; /* its ANA event is not told before a change is over: ana_change.h */
	bool is_ending; /* its transport was told to end it */
	bool untold;    /* changed, and its transport does not know yet */
};

struct session *session_new(void);
struct session *session_free(struct session *session);

int session_unpack(struct session **ret_session, const Nvmetd__Session *message);

/* Room for what a packed session points to. */
struct session_message {
	Nvmetd__Session message;
	Nvmetd__AsyncEvent event[2 * SESSION_EVENTS];
	Nvmetd__AsyncEvent *waiting[SESSION_EVENTS];
	Nvmetd__AsyncEvent *masked[SESSION_EVENTS];
	uint32_t changed[NVME_MAX_NAMESPACES];
	Nvmetd__ControllerFeatures features;
	uint32_t error_recovery_nsids[NVME_MAX_NAMESPACES];
	uint32_t error_recovery_limits[NVME_MAX_NAMESPACES];
	Nvmetd__EventContext context;
	Nvmetd__ReservationNotice notice[SESSION_NOTICES_MAX];
	Nvmetd__ReservationNotice *notices[SESSION_NOTICES_MAX];
};

void session_pack(struct session_message *ret_packed, const struct session *session);
/* Who it is, for people: without what its host has set, which may be much. Points into it. */
void session_describe(Nvmetd__Session *ret_message, const struct session *session);

/* Controller Level Reset: what a host has set is as after its Connect, but for its keep-alive. */
void session_reset(struct session *session);

/* session_features.c, for session.c. unpack: false: what is in it does not fit. */
bool session_features_unpack(struct session_features *features,
                             const Nvmetd__ControllerFeatures *message);
void session_features_pack(struct session_message *packed, const struct session_features *features);

/* Asynchronous Event Configuration before its host has set it. */
static inline uint32_t session_default_events(const struct session *session)
{
	return session->persistent ? NVME_OAES_DISCOVERY : 0;
}

/* Whether they are of the same host: NQN and identifier. */
bool session_is_of(const struct session *session, const char *host_nqn,
                   const uint8_t host_id[static 16]);

/* What an Asynchronous Event Request is answered with, dword 0. */
uint32_t session_event_result(enum session_event event);

void session_mark_changed(struct session *session, uint32_t nsid);
void session_forget_changed(struct session *session);

/* NULL if that transport has none of that number. */
struct session *session_find(const struct list *sessions, const struct transport *transport,
                             uint32_t subsystem, uint32_t cntlid);
