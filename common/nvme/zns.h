/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/identify.h"

/*
 * zns - what the Zoned Namespace Command Set has on the wire.
 *
 * Shape     Values and layouts of the Zoned Namespace Command Set Specification 1.1, little-endian;
 *           its statuses are in status.h, its opcodes in spec.h.
 * Promise   Sizes and offsets are asserted.
 * Trust     None is needed: commands are checked by zone_command.h.
 * Threads   any; pure
 * Lifetime  values
 */
#define NVME_CSI_ZNS 2

/* Zone Send Action (§3.4.3) */
enum nvme_zone_send_action {
	NVME_ZONE_CLOSE = 0x01,
	NVME_ZONE_FINISH = 0x02,
	NVME_ZONE_OPEN = 0x03,
	NVME_ZONE_RESET = 0x04,
	NVME_ZONE_OFFLINE = 0x05,
	NVME_ZONE_SET_EXTENSION = 0x10,
	NVME_ZONE_FLUSH_ZRWA = 0x11,
};

/* Zone Receive Action (§3.4.2) */
enum nvme_zone_receive_action {
	NVME_ZONE_REPORT = 0x00,
	NVME_ZONE_REPORT_EXTENDED = 0x01,
};

/* Zone state (§2.1.1.2) */
enum nvme_zone_state {
	NVME_ZONE_EMPTY = 0x1,
	NVME_ZONE_IMPLICITLY_OPEN = 0x2,
	NVME_ZONE_EXPLICITLY_OPEN = 0x3,
	NVME_ZONE_CLOSED = 0x4,
	NVME_ZONE_READ_ONLY = 0xd,
	NVME_ZONE_FULL = 0xe,
	NVME_ZONE_IS_OFFLINE = 0xf,
};

/* Reporting Options, the action-specific field of a report: which zones. 0: all; the others a
 * state. */
enum nvme_zone_filter {
	NVME_ZONES_ALL = 0,
	NVME_ZONES_EMPTY = 1,
	NVME_ZONES_IMPLICITLY_OPEN = 2,
	NVME_ZONES_EXPLICITLY_OPEN = 3,
	NVME_ZONES_CLOSED = 4,
	NVME_ZONES_FULL = 5,
	NVME_ZONES_READ_ONLY = 6,
	NVME_ZONES_OFFLINE = 7,
};

#define NVME_ZONE_TYPE_SEQUENTIAL 0x2

struct nvme_zone_descriptor {
	uint8_t zt;
	uint8_t zs; /* bits 7:4: the state */
	uint8_t za;
	uint8_t zai;
	uint8_t reserved4[4];
	struct le64 zcap;
	struct le64 zslba;
	struct le64 wp; /* all ones where there is none: full, read-only, offline */
	uint8_t reserved32[32];
};
_Static_assert(sizeof(struct nvme_zone_descriptor) == 64, "Figure 37");

struct nvme_zone_report {
	struct le64 nr_zones;
	uint8_t reserved8[56];
};
_Static_assert(sizeof(struct nvme_zone_report) == 64, "Figure 36");

/* CNS 05h, CSI 2 (§4.1.5.1) */
struct nvme_zns_format {
	struct le64 zsze; /* blocks of a zone */
	uint8_t zdes;     /* units of 64 bytes of a Zone Descriptor Extension */
	uint8_t reserved9[7];
};

struct nvme_identify_zns_namespace {
	struct le16 zoc;
	struct le16 ozcs;
	struct le32 mar; /* 0's based; all ones: no limit */
	struct le32 mor;
	struct le32 rrl;
	struct le32 frl;
	uint8_t reserved20[2796];
	struct nvme_zns_format lbafe[64];
	uint8_t vs[256];
};
_Static_assert(sizeof(struct nvme_identify_zns_namespace) == NVME_IDENTIFY_SIZE, "CNS 05h");
_Static_assert(offsetof(struct nvme_identify_zns_namespace, lbafe) == 2816, "CNS 05h");

#define NVME_OZCS_READS_ACROSS 0x0001 /* a Read may go from one zone into the next */

struct identify_zones {
	uint64_t zone_blocks;
	uint32_t open_max; /* 0: no limit */
	uint32_t active_max;
};

void identify_zns_namespace_build(struct nvme_identify_zns_namespace *ret_wire,
                                  const struct identify_zones *from);

/* CNS 06h, CSI 2 (§4.1.5.2) */
struct nvme_identify_zns_controller {
	uint8_t zasl; /* 0: an append may be as large as MDTS says */
	uint8_t reserved1[4095];
};
_Static_assert(sizeof(struct nvme_identify_zns_controller) == NVME_IDENTIFY_SIZE, "CNS 06h");

/* What stands behind "zoned:" in a path, of a store that is given zones: another path. NULL: the
 * path is not of that kind. */
const char *zoned_path_below(const char *path);
