/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/decode.h"

/*
 * reservation - the commands, the report and the notices of reservations (Base 2.1 §7.5 to §7.8,
 * §8.1.22).
 *
 * Shape     A host's command decoded; wire structs of its answers; who may do what while a
 *           namespace is reserved.
 * Promise   What is decoded with STATUS_OK has an action and, where it counts, a type that there
 *           are. A transport and the state service make the same checks with this.
 * Trust     every byte is the host's
 * Threads   any; pure
 * Lifetime  values
 * Returns   as decode.h
 */
enum nvme_reservation_type {
	NVME_RESERVATION_NONE = 0,
	NVME_RESERVATION_WRITE_EXCLUSIVE = 1,
	NVME_RESERVATION_EXCLUSIVE_ACCESS = 2,
	NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS = 3, /* Registrants Only */
	NVME_RESERVATION_EXCLUSIVE_ACCESS_REGISTRANTS = 4,
	NVME_RESERVATION_WRITE_EXCLUSIVE_ALL = 5, /* All Registrants: each of them holds it */
	NVME_RESERVATION_EXCLUSIVE_ACCESS_ALL = 6,
};

#define NVME_RESERVATION_TYPE_MAX NVME_RESERVATION_EXCLUSIVE_ACCESS_ALL
#define NVME_RESCAP_ALL           0xff /* PTPL, the six types, IEKEY as 1.3 and later have it */

static inline bool reservation_is_of_all(enum nvme_reservation_type type)
{
	return type >= NVME_RESERVATION_WRITE_EXCLUSIVE_ALL;
}

/* What a host may do on a namespace (§8.1.22, Command Behavior in the Presence of a Reservation).
 */
enum reservation_right {
	RESERVATION_MAY_READ = 1 << 0,
	RESERVATION_MAY_WRITE = 1 << 1,
};

/* has_rights: the host holds the reservation; or is registered, where the type is of registrants.
 */
unsigned reservation_rights(enum nvme_reservation_type type, bool has_rights);
/* Types of which all registrants have the holder's rights. */
static inline bool reservation_is_shared(enum nvme_reservation_type type)
{
	return type >= NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS;
}

/* The right that an I/O command needs: Flush and Dataset Management count as writes; of zones'
 * commands all but a report (ZNS 1.1 §3.4). */
enum reservation_right reservation_need(uint8_t opcode);

/* ------------------------------------------------------------------ commands */

bool reservation_is_command(uint8_t opcode);

/* Of one of them: the data that it brings or takes. */
struct nvme_status reservation_decode_transfer(const struct nvme_command *command,
                                               struct decoded_transfer *ret_transfer,
                                               uint16_t *ret_location);

enum reservation_action {
	RESERVATION_REGISTER,
	RESERVATION_UNREGISTER,
	RESERVATION_REPLACE,
	RESERVATION_ACQUIRE,
	RESERVATION_PREEMPT, /* and abort: the same, as each preempt waits for what is in flight */
	RESERVATION_RELEASE,
	RESERVATION_CLEAR,
	RESERVATION_REPORT,
};

enum reservation_persist {
	RESERVATION_PERSIST_AS_IT_IS,
	RESERVATION_PERSIST_NO = 2,
	RESERVATION_PERSIST_YES = 3
};

struct decoded_reservation {
	enum reservation_action action;
	enum nvme_reservation_type type;  /* of Acquire, Preempt; of Release: any number */
	bool ignores_key;                 /* Unregister, Replace */
	enum reservation_persist persist; /* CPTPL */
	uint64_t key;                     /* the host's own, as it says: CRKEY */
	uint64_t new_key;                 /* NRKEY of Register, Replace; PRKEY of Preempt */
	uint32_t length_bytes;            /* of a report */
};

/* data: what the host brought, of the length that its transfer allows. */
struct nvme_status reservation_decode(const struct nvme_command *command, const uint8_t *data,
                                      size_t length, struct decoded_reservation *ret_decoded,
                                      uint16_t *ret_location);

/* ------------------------------------------------------------------ the report */

/* Reservation Status, extended (Figure "Reservation Status Extended Data Structure") */
struct nvme_reservation_status {
	struct le32 gen;
	uint8_t rtype;
	struct le16 regstrnt;
	uint8_t reserved7[2];
	uint8_t ptpls;
	uint8_t reserved10[54];
};
_Static_assert(sizeof(struct nvme_reservation_status) == 64, "Base 2.1 §7.8");

struct nvme_registrant {
	struct le16 cntlid;
	uint8_t rcsts; /* bit 0: holds the reservation */
	uint8_t reserved3[5];
	struct le64 rkey;
	uint8_t hostid[16];
	uint8_t reserved32[32];
};
_Static_assert(sizeof(struct nvme_registrant) == 64, "Base 2.1 §7.8");

/* ------------------------------------------------------------------ LID 80h */

enum nvme_reservation_notice {
	NVME_RESERVATION_NOTICE_NONE = 0,
	NVME_RESERVATION_REGISTRATION_PREEMPTED = 1,
	NVME_RESERVATION_RELEASED = 2,
	NVME_RESERVATION_PREEMPTED = 3,
};

#define NVME_RESERVATION_MASK_ALL 0x0eu /* feature 82h: a bit for each of these */

struct nvme_log_reservation {
	struct le64 lpc;
	uint8_t rnlpt; /* enum nvme_reservation_notice */
	uint8_t nalp;  /* more of them, 255 at most */
	uint8_t reserved10[2];
	struct le32 nsid;
	uint8_t reserved16[48];
};
_Static_assert(sizeof(struct nvme_log_reservation) == 64, "Base 2.1 §5.1.12.1.32");
