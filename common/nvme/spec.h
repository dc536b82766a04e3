/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"

/*
 * spec - the structs and numbers of the NVM Express specifications, as they lie on the wire.
 *
 * Shape     NVMe Base 2.1 and NVM Command Set 1.1; names are the specification's, so that a
 *           reader can search the PDF. Structs of bytes, alignment 1, sizes asserted.
 *           Zero-based counts end in _0based, and live only here.
 * Promise   none
 * Trust     These are a host's bytes: decode.h and its like turn them into checked structs.
 * Threads   any; pure
 * Lifetime  values
 */
#define NVME_NQN_SIZE          256 /* the field; 223 bytes of name at most (§4.7) */
#define NVME_NQN_MAX           223
#define NVME_DISCOVERY_NQN     "nqn.2014-08.org.nvmexpress.discovery"
#define NVME_NSID_ALL          0xffffffffu
#define NVME_CNTLID_STATIC_ANY 0xfffe
#define NVME_CNTLID_DYNAMIC    0xffff
#define NVME_CNTLID_MAX        0xffef
#define NVME_IDENTIFY_SIZE     4096
#define NVME_CONNECT_DATA_SIZE 1024

enum nvme_admin_opcode {
	NVME_ADMIN_GET_LOG_PAGE = 0x02,
	NVME_ADMIN_IDENTIFY = 0x06,
	NVME_ADMIN_ABORT = 0x08,
	NVME_ADMIN_SET_FEATURES = 0x09,
	NVME_ADMIN_GET_FEATURES = 0x0a,
	NVME_ADMIN_ASYNC_EVENT = 0x0c,
	NVME_ADMIN_KEEP_ALIVE = 0x18,
	NVME_ADMIN_DISCOVERY_MANAGEMENT = 0x21,
	NVME_FABRICS = 0x7f,
};

enum nvme_io_opcode {
	NVME_IO_FLUSH = 0x00,
	NVME_IO_WRITE = 0x01,
	NVME_IO_READ = 0x02,
	NVME_IO_WRITE_ZEROES = 0x08,
	NVME_IO_DATASET_MANAGEMENT = 0x09,
};

/* Zoned Namespace Command Set 1.1 §3.4 */
enum nvme_zone_opcode {
	NVME_IO_ZONE_MANAGEMENT_SEND = 0x79,
	NVME_IO_ZONE_MANAGEMENT_RECEIVE = 0x7a,
	NVME_IO_ZONE_APPEND = 0x7d,
};

/* Also of an I/O queue, but for the state service (Base 2.1 §7.5 to §7.8) */
enum nvme_reservation_opcode {
	NVME_IO_RESERVATION_REGISTER = 0x0d,
	NVME_IO_RESERVATION_REPORT = 0x0e,
	NVME_IO_RESERVATION_ACQUIRE = 0x11,
	NVME_IO_RESERVATION_RELEASE = 0x15,
};

/* Base 2.1 §6: Fabrics Command Type, byte 4 of the command */
enum nvme_fabrics_type {
	NVME_FABRICS_PROPERTY_SET = 0x00,
	NVME_FABRICS_CONNECT = 0x01,
	NVME_FABRICS_PROPERTY_GET = 0x04,
	NVME_FABRICS_AUTH_SEND = 0x05,
	NVME_FABRICS_AUTH_RECEIVE = 0x06,
	NVME_FABRICS_DISCONNECT = 0x08,
};

/* Data transfer direction, bits 1:0 of an opcode (and of a fabrics type) (§4.1.1.1) */
enum nvme_transfer {
	NVME_TRANSFER_NONE = 0,
	NVME_TRANSFER_TO_CONTROLLER = 1,
	NVME_TRANSFER_TO_HOST = 2,
	NVME_TRANSFER_BOTH = 3
};

/* Base 2.1 §4.3.2: SGL descriptor */
struct nvme_sgl {
	struct le64
		address; /* of an in-capsule (offset) descriptor: offset into the capsule's data */
	struct le32 length;
	uint8_t reserved[3];
	uint8_t type; /* type bits 7:4, sub type bits 3:0 */
};

#define NVME_SGL_DATA_BLOCK       0x0
#define NVME_SGL_SEGMENT          0x2
#define NVME_SGL_LAST_SEGMENT     0x3
#define NVME_SGL_KEYED_DATA_BLOCK 0x4
#define NVME_SGL_TRANSPORT        0x5
#define NVME_SGL_SUB_ADDRESS      0x0
#define NVME_SGL_SUB_OFFSET       0x1
#define NVME_SGL_SUB_TRANSPORT    0xa
#define NVME_SGL_SUB_INVALIDATE   0xf /* of a keyed block (RDMA 1.1 §3.2.2) */

/* Keyed SGL Data Block descriptor */
struct nvme_keyed_sgl {
	struct le64 address;
	uint8_t length[3];
	uint8_t key[4];
	uint8_t type;
};
_Static_assert(sizeof(struct nvme_keyed_sgl) == sizeof(struct nvme_sgl), "Base 2.1 §4.3.2");

/* Base 2.1 §4.1: submission queue entry */
struct nvme_command {
	uint8_t opcode;
	uint8_t flags; /* FUSE bits 1:0, PSDT bits 7:6 */
	struct le16 cid;
	struct le32 nsid; /* byte 4 of it is FCTYPE for opcode 7Fh */
	struct le32 cdw2;
	struct le32 cdw3;
	struct le64 mptr;
	struct nvme_sgl sgl;
	struct le32 cdw10;
	struct le32 cdw11;
	struct le32 cdw12;
	struct le32 cdw13;
	struct le32 cdw14;
	struct le32 cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "Base 2.1 §4.1");

/* Base 2.1 §4.2: completion queue entry. Status: phase bit 0, the rest above it. */
struct nvme_completion {
	struct le32 dw0;
	struct le32 dw1;
	struct le16 sqhd;
	struct le16 sqid;
	struct le16 cid;
	struct le16 status;
};
_Static_assert(sizeof(struct nvme_completion) == 16, "Base 2.1 §4.2");

/* Base 2.1 §6.3: Connect command and data */
struct nvme_connect_command {
	uint8_t opcode;
	uint8_t flags;
	struct le16 cid;
	uint8_t fctype;
	uint8_t reserved5[19];
	struct nvme_sgl sgl;
	struct le16 recfmt;
	struct le16 qid;
	struct le16 sqsize_0based;
	uint8_t cattr;
	uint8_t reserved47;
	struct le32 kato_ms;
	uint8_t reserved52[12];
};
_Static_assert(sizeof(struct nvme_connect_command) == 64, "Base 2.1 §6.3");
#define NVME_CONNECT_DISABLE_SQFLOW 0x04 /* CATTR bit 2 */

struct nvme_connect_data {
	uint8_t hostid[16];
	struct le16 cntlid;
	uint8_t reserved18[238];
	char subnqn[NVME_NQN_SIZE];
	char hostnqn[NVME_NQN_SIZE];
	uint8_t reserved768[256];
};
_Static_assert(sizeof(struct nvme_connect_data) == NVME_CONNECT_DATA_SIZE, "Base 2.1 §6.3");

/* Base 2.1 §6.5, §6.6: Property Set, Property Get */
struct nvme_property_command {
	uint8_t opcode;
	uint8_t flags;
	struct le16 cid;
	uint8_t fctype;
	uint8_t reserved5[35];
	uint8_t attrib; /* bits 2:0: 0 = 4 bytes, 1 = 8 bytes */
	uint8_t reserved41[3];
	struct le32 ofst;
	struct le64 value; /* set */
	uint8_t reserved56[8];
};
_Static_assert(sizeof(struct nvme_property_command) == 64, "Base 2.1 §6.5");

/* Base 2.1 §6.4: Disconnect */
struct nvme_disconnect_command {
	uint8_t opcode;
	uint8_t flags;
	struct le16 cid;
	uint8_t fctype;
	uint8_t reserved5[35];
	struct le16 recfmt;
	uint8_t reserved42[22];
};
_Static_assert(sizeof(struct nvme_disconnect_command) == 64, "Base 2.1 §6.4");

/* Base 2.1 §3.1.4: properties */
enum nvme_property {
	NVME_PROPERTY_CAP = 0x00,
	NVME_PROPERTY_VS = 0x08,
	NVME_PROPERTY_CC = 0x14,
	NVME_PROPERTY_CSTS = 0x1c,
	NVME_PROPERTY_NSSR = 0x20,
	NVME_PROPERTY_CRTO = 0x68,
};

#define NVME_CC_EN              0x1u
#define NVME_CC_CSS(cc)         (((cc) >> 4) & 0x7u)
#define NVME_CC_MPS(cc)         (((cc) >> 7) & 0xfu)
#define NVME_CC_AMS(cc)         (((cc) >> 11) & 0x7u)
#define NVME_CC_SHN(cc)         (((cc) >> 14) & 0x3u)
#define NVME_CC_IOSQES(cc)      (((cc) >> 16) & 0xfu)
#define NVME_CC_IOCQES(cc)      (((cc) >> 20) & 0xfu)
#define NVME_CSTS_RDY           0x1u
#define NVME_CSTS_CFS           0x2u
#define NVME_CSTS_SHST          0xcu /* both bits: */
#define NVME_CSTS_SHST_OCCURS   0x4u
#define NVME_CSTS_SHST_COMPLETE 0x8u
#define NVME_CSTS_NSSRO         0x10u
#define NVME_NSSR_MAGIC         0x4e564d65u /* "NVMe" */
#define NVME_SHN_ABRUPT         2u

/* Base 2.1 §5.1.13: Identify CNS values (cdw10 bits 7:0) */
enum nvme_identify_cns {
	NVME_CNS_NAMESPACE = 0x00,
	NVME_CNS_CONTROLLER = 0x01,
	NVME_CNS_ACTIVE_NAMESPACES = 0x02,
	NVME_CNS_NAMESPACE_DESCRIPTORS = 0x03,
	NVME_CNS_CSI_NAMESPACE = 0x05,
	NVME_CNS_CSI_CONTROLLER = 0x06,
	NVME_CNS_CSI_ACTIVE_NAMESPACES = 0x07,
	NVME_CNS_INDEPENDENT_NAMESPACE = 0x08,
	NVME_CNS_ALLOCATED_NAMESPACES = 0x10,
	NVME_CNS_ALLOCATED_NAMESPACE = 0x11,
	NVME_CNS_NAMESPACE_CONTROLLERS = 0x12,
	NVME_CNS_CONTROLLERS = 0x13,
	NVME_CNS_ENDURANCE_GROUPS = 0x19,
	NVME_CNS_CSI_ALLOCATED_NAMESPACES = 0x1a,
	NVME_CNS_CSI_ALLOCATED_NAMESPACE = 0x1b,
	NVME_CNS_COMMAND_SETS = 0x1c,
	NVME_CNS_INDEPENDENT_ALLOCATED_NAMESPACE = 0x1f,
};

/* Base 2.1 §5.1.12: log pages */
enum nvme_log_page {
	NVME_LOG_SUPPORTED = 0x00,
	NVME_LOG_ERROR = 0x01,
	NVME_LOG_SMART = 0x02,
	NVME_LOG_FIRMWARE_SLOT = 0x03,
	NVME_LOG_CHANGED_NAMESPACES = 0x04,
	NVME_LOG_COMMAND_EFFECTS = 0x05,
	NVME_LOG_ENDURANCE_GROUP = 0x09,
	NVME_LOG_ANA = 0x0c,
	NVME_LOG_PERSISTENT_EVENT = 0x0d,
	NVME_LOG_FEATURES = 0x12,
	NVME_LOG_MI = 0x13, /* NVMe-MI Commands Supported and Effects */
	NVME_LOG_ROTATIONAL_MEDIA = 0x16,
	NVME_LOG_DISCOVERY = 0x70,
	NVME_LOG_RESERVATION = 0x80,
};

/* Base 2.1 §5.1.25: features */
enum nvme_feature {
	NVME_FEATURE_ARBITRATION = 0x01,
	NVME_FEATURE_POWER_MANAGEMENT = 0x02,
	NVME_FEATURE_TEMPERATURE_THRESHOLD = 0x04,
	NVME_FEATURE_ERROR_RECOVERY = 0x05, /* of the NVM command set */
	NVME_FEATURE_VOLATILE_WRITE_CACHE = 0x06,
	NVME_FEATURE_NUMBER_OF_QUEUES = 0x07,
	NVME_FEATURE_WRITE_ATOMICITY = 0x0a, /* of the NVM command set */
	NVME_FEATURE_ASYNC_EVENT_CONFIG = 0x0b,
	NVME_FEATURE_KEEP_ALIVE_TIMER = 0x0f,
	NVME_FEATURE_HOST_BEHAVIOR = 0x16,
	NVME_FEATURE_COMMAND_SETS = 0x19, /* I/O Command Set Profile */
	NVME_FEATURE_HOST_IDENTIFIER = 0x81,
	NVME_FEATURE_RESERVATION_MASK = 0x82,
	NVME_FEATURE_RESERVATION_PERSISTENCE = 0x83,
	NVME_FEATURE_WRITE_PROTECTION = 0x84, /* of a namespace */
};

/* Base 2.1 §5.1.25.1.31: Namespace Write Protection Config, cdw11 */
#define NVME_WPS(cdw11) ((cdw11)&0x7u)
enum nvme_write_protection {
	NVME_WPS_NONE = 0,
	NVME_WPS_PROTECTED = 1,
	NVME_WPS_UNTIL_POWER_CYCLE = 2,
	NVME_WPS_PERMANENT = 3,
};

/* Base 2.1 §5.1.25.1.14: Host Behavior Support, the data of feature 16h */
struct nvme_host_behavior {
	uint8_t acre;     /* advanced command retry: CRD of a status is heeded */
	uint8_t etdas;    /* extended telemetry data area 4 */
	uint8_t lbafee;   /* more than 16 LBA formats */
	uint8_t hdisns;   /* dispersed namespaces */
	struct le16 cdfe; /* descriptor formats of Copy */
	uint8_t reserved6[506];
};
_Static_assert(sizeof(struct nvme_host_behavior) == 512, "Base 2.1 §5.1.25.1.14");

/* NVM Command Set 1.1 §3.3: the fields of Read, Write, Write Zeroes:
 * cdw10/11 SLBA; cdw12 NLB bits 15:0 (0-based), DEAC bit 25 (Write Zeroes), PRINFO 29:26,
 * FUA bit 30, LR bit 31 */
#define NVME_RW_NLB_0BASED(cdw12) ((cdw12)&0xffffu)
#define NVME_RW_DEAC              (1u << 25)
#define NVME_RW_PRINFO(cdw12)     (((cdw12) >> 26) & 0xfu)
#define NVME_RW_FUA               (1u << 30)

/* NVM Command Set 1.1 §3.3.3: Dataset Management: cdw10 NR bits 7:0 (0-based), cdw11 bit 2 AD */
#define NVME_DSM_NR_0BASED(cdw10) ((cdw10)&0xffu)
#define NVME_DSM_AD               (1u << 2)

struct nvme_dsm_range {
	struct le32 attributes;
	struct le32 blocks;
	struct le64 slba;
};
_Static_assert(sizeof(struct nvme_dsm_range) == 16, "NVM Command Set 1.1 §3.3.3");

/* Base 2.1 §5.1.12.1.2: Error Information log entry */
struct nvme_error_entry {
	struct le64 error_count;
	struct le16 sqid;
	struct le16 cid;
	struct le16 status;             /* with the phase bit */
	struct le16 parameter_location; /* byte in bits 7:0, bit in bits 10:8; FFFFh = none */
	struct le64 lba;                /* of a command that names blocks */
	struct le32 nsid;
	uint8_t vendor;
	uint8_t trtype;
	uint8_t csi;
	uint8_t opcode;
	struct le64 command_specific;
	struct le16 transport_specific;
	uint8_t reserved42[21];
	uint8_t version; /* 1: CSI and OPCODE are there */
};
_Static_assert(sizeof(struct nvme_error_entry) == 64, "Base 2.1 §5.1.12.1.2");
#define NVME_ERROR_ENTRY_VERSION 1
