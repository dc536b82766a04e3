/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * status - what a command is answered with (NVMe Base 2.1 §4.2.3).
 *
 * Shape     The Status field without its Phase Tag bit: SC bits 7:0, SCT bits 10:8,
 *           CRD 12:11, M 13, DNR 14. A struct, so that it cannot be mixed with an int.
 * Promise   STATUS_OK is 0.
 * Trust     none
 * Threads   any; pure
 * Lifetime  values
 */
struct nvme_status {
	uint16_t value;
};

#define NVME_STATUS_DNR  0x4000
#define NVME_STATUS_MORE 0x2000
#define NVME_STATUS_MAX  0x7fff

/* The codes carry their SCT: 0x0xx generic, 0x1xx command specific, 0x2xx media and data
 * integrity, 0x3xx path related. */
enum nvme_status_code {
	NVME_SC_SUCCESS = 0x000,
	NVME_SC_INVALID_OPCODE = 0x001,
	NVME_SC_INVALID_FIELD = 0x002,
	NVME_SC_CID_CONFLICT = 0x003,
	NVME_SC_DATA_TRANSFER_ERROR = 0x004,
	NVME_SC_INTERNAL = 0x006,
	NVME_SC_ABORT_REQUESTED = 0x007,
	NVME_SC_ABORT_SQ_DELETION = 0x008,
	NVME_SC_INVALID_NAMESPACE = 0x00b,
	NVME_SC_COMMAND_SEQUENCE = 0x00c,
	NVME_SC_INVALID_SGL_SEGMENT = 0x00d,
	NVME_SC_SGL_COUNT_INVALID = 0x00e,
	NVME_SC_SGL_DATA_LENGTH = 0x00f,
	NVME_SC_SGL_METADATA_LENGTH = 0x010,
	NVME_SC_SGL_TYPE = 0x011,
	NVME_SC_SGL_OFFSET = 0x016,
	NVME_SC_HOST_ID_INCONSISTENT = 0x018,
	NVME_SC_KEEP_ALIVE_EXPIRED = 0x019,
	NVME_SC_KEEP_ALIVE_INVALID = 0x01a,
	NVME_SC_NAMESPACE_WRITE_PROTECTED = 0x020,
	NVME_SC_COMMAND_INTERRUPTED = 0x021,
	NVME_SC_TRANSIENT_TRANSPORT = 0x022,
	NVME_SC_HOST_ID_NOT_INITIALIZED = 0x027,
	NVME_SC_LBA_RANGE = 0x080,
	NVME_SC_CAPACITY_EXCEEDED = 0x081,
	NVME_SC_NAMESPACE_NOT_READY = 0x082,
	NVME_SC_RESERVATION_CONFLICT = 0x083,
	NVME_SC_ABORT_LIMIT = 0x103,
	NVME_SC_AER_LIMIT = 0x105,
	NVME_SC_INVALID_LOG_PAGE = 0x109,
	NVME_SC_FEATURE_NOT_SAVEABLE = 0x10d,
	NVME_SC_FEATURE_NOT_CHANGEABLE = 0x10e,
	NVME_SC_FEATURE_NOT_NAMESPACE = 0x10f,
	NVME_SC_COMMAND_SETS_REJECTED = 0x12b,
	NVME_SC_INVALID_COMMAND_SET = 0x12c,
	NVME_SC_CONNECT_FORMAT = 0x180,
	NVME_SC_CONNECT_BUSY = 0x181,
	NVME_SC_CONNECT_INVALID_PARAMETERS = 0x182,
	NVME_SC_CONNECT_RESTART_DISCOVERY = 0x183,
	NVME_SC_CONNECT_INVALID_HOST = 0x184,
	NVME_SC_INVALID_QUEUE_TYPE = 0x185,
	NVME_SC_INVALID_PROTECTION = 0x181, /* of the NVM command set: another meaning of 181h */
	NVME_SC_ZONE_BOUNDARY = 0x1b8,      /* of the Zoned Namespace command set, to 1bfh */
	NVME_SC_ZONE_FULL = 0x1b9,
	NVME_SC_ZONE_READ_ONLY = 0x1ba,
	NVME_SC_ZONE_OFFLINE = 0x1bb,
	NVME_SC_ZONE_INVALID_WRITE = 0x1bc,
	NVME_SC_ZONES_ACTIVE = 0x1bd,
	NVME_SC_ZONES_OPEN = 0x1be,
	NVME_SC_ZONE_TRANSITION = 0x1bf,
	NVME_SC_WRITE_FAULT = 0x280,
	NVME_SC_UNRECOVERED_READ = 0x281,
	NVME_SC_GUARD_CHECK = 0x282,
	NVME_SC_APPLICATION_TAG_CHECK = 0x283,
	NVME_SC_REFERENCE_TAG_CHECK = 0x284,
	NVME_SC_COMPARE_FAILURE = 0x285,
	NVME_SC_INTERNAL_PATH_ERROR = 0x300,
	NVME_SC_ANA_PERSISTENT_LOSS = 0x301,
	NVME_SC_ANA_INACCESSIBLE = 0x302,
	NVME_SC_ANA_TRANSITION = 0x303,
};

#define STATUS_OK ((struct nvme_status){0})

/* May be retried by the host. */
static inline struct nvme_status status_of(enum nvme_status_code code)
{
	return (struct nvme_status){(uint16_t)code};
}

/* Do Not Retry. */
static inline struct nvme_status status_dnr(enum nvme_status_code code)
{
	return (struct nvme_status){(uint16_t)((unsigned)code | NVME_STATUS_DNR)};
}

/* CRD: to be retried when the time of CRDT1 to 3 has passed. */
static inline struct nvme_status status_with_delay(struct nvme_status status, unsigned crdt)
{
	return (struct nvme_status){(uint16_t)((status.value & ~0x1800u) | (crdt & 3u) << 11)};
}

static inline bool status_is_ok(struct nvme_status status)
{
	return status.value == 0;
}

/* SCT and SC, without DNR, M, CRD. */
static inline enum nvme_status_code status_code(struct nvme_status status)
{
	return (enum nvme_status_code)(status.value & 0x7ff);
}

/* As the specification calls it; "unknown status" for others. */
const char *status_words(struct nvme_status status);
