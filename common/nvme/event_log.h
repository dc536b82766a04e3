/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"

/*
 * event_log - the Persistent Event log, LID 0Dh (Base 2.1 §5.1.12.1.14), as it lies on the wire.
 *
 * Shape     A header, then events, the newest first: each a head and what its type has.
 * Promise   none
 * Trust     the caller's own values
 * Threads   any; pure
 * Lifetime  values
 */

/* LSP bits 1:0 */
enum nvme_event_log_action {
	NVME_EVENT_LOG_READ = 0,
	NVME_EVENT_LOG_ESTABLISH = 1, /* and read */
	NVME_EVENT_LOG_RELEASE = 2,
	NVME_EVENT_LOG_ESTABLISH_HEADER = 3, /* where log 00h says so */
};
#define NVME_EVENT_LOG_ACTION(specific) ((specific)&0x3u)

enum nvme_event_type {
	NVME_EVENT_HEALTH = 0x01,
	NVME_EVENT_POWER_ON = 0x04, /* or reset */
	NVME_EVENT_NAMESPACE = 0x06,
	NVME_EVENT_SET_FEATURE = 0x0b,
};

/* Timestamp (Base 2.1 §5.1.25.1.7): milliseconds in 48 bits; origin in bits 51:49 */
#define NVME_TIMESTAMP_HOST (UINT64_C(1) << 49) /* since 1970: as if a host had set it */
#define NVME_TIMESTAMP_MAX  ((UINT64_C(1) << 48) - 1)

struct nvme_event_log {
	uint8_t lid;
	uint8_t reserved1[3];
	struct le32 tnev;
	struct le64 tll; /* with this header */
	uint8_t rv;
	uint8_t reserved17;
	struct le16 lhl; /* bytes of the header that follow */
	struct le64 timestamp;
	struct le64 power_on_hours[2];
	struct le64 power_cycles;
	struct le16 vid;
	struct le16 ssvid;
	char sn[20];
	char mn[40];
	char subnqn[NVME_NQN_SIZE];
	struct le16 generation;
	struct le32 rci;
	uint8_t reserved378[102];
	uint8_t supported[32]; /* a bit for each type of event */
};
_Static_assert(sizeof(struct nvme_event_log) == 512, "Base 2.1 §5.1.12.1.14");
_Static_assert(offsetof(struct nvme_event_log, subnqn) == 116, "Base 2.1 §5.1.12.1.14");
_Static_assert(offsetof(struct nvme_event_log, supported) == 480, "Base 2.1 §5.1.12.1.14");

#define NVME_EVENT_LOG_REVISION 3
#define NVME_EVENT_LOG_LHL      (512 - 20)
/* RCI: who established the context: a port of the subsystem; and there was one before */
#define NVME_RCI_PORT(id)       ((uint32_t)(uint16_t)(id))
#define NVME_RCI_BY_PORT        (1u << 16)
#define NVME_RCI_EXISTED        (1u << 18)

struct nvme_event_head {
	uint8_t type;
	uint8_t revision;
	uint8_t ehl;  /* bytes of the head that follow */
	uint8_t ehai; /* bits 1:0: what portid is */
	struct le16 cntlid;
	struct le64 timestamp;
	struct le16 portid;
	uint8_t reserved16[4];
	struct le16 vsil; /* vendor specific information: none of ours has any */
	struct le16 el;   /* bytes after the head */
};
_Static_assert(sizeof(struct nvme_event_head) == 24, "Base 2.1 §5.1.12.1.14");

#define NVME_EVENT_EHL       21
#define NVME_EVENT_AT_PORT   1 /* of the subsystem */
#define NVME_EVENT_AT_NONE   3
#define NVME_EVENT_NO_CNTLID 0xffff

/* Type 06h: what Namespace Management would have been told */
struct nvme_event_namespace {
	struct le32 cdw10; /* 0: made, 1: gone */
	uint8_t reserved4[4];
	struct le64 nsze;
	uint8_t reserved16[8];
	struct le64 ncap;
	uint8_t flbas;
	uint8_t dps;
	uint8_t nmic;
	uint8_t reserved35;
	struct le32 anagrpid;
	struct le16 nvmsetid;
	uint8_t reserved42[2];
	struct le32 nsid;
};
_Static_assert(sizeof(struct nvme_event_namespace) == 48, "Base 2.1 §5.1.12.1.14");

/* Type 0Bh: dwords 10 to 15 of the command */
struct nvme_event_set_feature {
	struct le32 layout; /* bits 2:0: how many dwords */
	struct le32 cdw[6];
};
#define NVME_EVENT_DWORDS 6

/* Type 04h: then a list of controllers, which ours leaves empty */
struct nvme_event_power_on {
	char firmware[8];
};
