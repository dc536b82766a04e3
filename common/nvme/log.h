/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * log - the log pages, and what a Get Log Page command asks of them (Base 2.1 §5.1.12).
 *
 * Shape     Wire structs, sizes asserted; the command decoded; builders for the pages whose
 *           content is the same for all controllers of a kind.
 * Promise   get_log_decode() makes every check that needs no state, in the order of the
 *           command's dwords.
 * Trust     the command is a host's
 * Threads   any; pure
 * Lifetime  values
 */
struct get_log {
	uint8_t page;
	uint8_t specific; /* LSP */
	bool retain;      /* RAE: the event stays masked, the log uncleared */
	uint8_t csi;
	uint16_t identifier; /* LSI */
	uint32_t nsid;
	uint32_t length_bytes;
	uint64_t offset_bytes;
};

/* OK, or why not; *ret_location is then the byte of the command in error. max_bytes is what
 * MDTS allows. */
struct nvme_status get_log_decode(const struct nvme_command *command, uint32_t max_bytes,
                                  struct get_log *ret_asked, uint16_t *ret_location);

/* LID 00h (Figure 202): bit 0 of an entry: supported; bit 1: may be read by index, which none is;
 * bits 31:16: what LSP can say, where that is not in the page's own description */
#define NVME_LOG_LSUPP (1u << 0)

struct nvme_log_supported {
	struct le32 page[256];
};
_Static_assert(sizeof(struct nvme_log_supported) == 1024, "Base 2.1 Figure 202");

bool log_is_supported(uint8_t page, bool discovery);
void log_supported_build(struct nvme_log_supported *ret_log, bool discovery);

/* LID 02h (Figure 206) */
struct nvme_log_smart {
	uint8_t critical_warning;
	struct le16 temperature; /* Kelvin; 0 where there is no sensor */
	uint8_t available_spare;
	uint8_t spare_threshold;
	uint8_t percentage_used;
	uint8_t endurance_warning; /* of any endurance group: bits as in CRITICAL WARNING */
	uint8_t reserved7[25];
	struct le64 data_units_read[2]; /* 128 bits; in 1,000 units of 512 bytes, rounded up */
	struct le64 data_units_written[2];
	struct le64 host_reads[2];
	struct le64 host_writes[2];
	struct le64 busy_minutes[2];
	struct le64 power_cycles[2];
	struct le64 power_on_hours[2];
	struct le64 unsafe_shutdowns[2];
	struct le64 media_errors[2];
	struct le64 error_entries[2];
	struct le32 warning_minutes; /* above WCTEMP, CCTEMP: which we do not report */
	struct le32 critical_minutes;
	uint8_t reserved200[312];
};
_Static_assert(sizeof(struct nvme_log_smart) == 512, "Base 2.1 Figure 206");
_Static_assert(offsetof(struct nvme_log_smart, data_units_read) == 32, "Figure 206");
_Static_assert(offsetof(struct nvme_log_smart, error_entries) == 176, "Figure 206");

struct log_counts {
	uint64_t reads;
	uint64_t writes;
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t errors;
};

/* CRITICAL WARNING */
#define NVME_WARNING_SPARE       0x01
#define NVME_WARNING_TEMPERATURE 0x02
#define NVME_WARNING_RELIABILITY 0x04
#define NVME_WARNING_READ_ONLY   0x08 /* of all media, and not as a host wants it */
#define NVME_WARNING_BACKUP      0x10
#define NVME_WARNING_ALL         0x1f
#define NVME_WARNING_ENDURANCE   0x0d /* those that an endurance group can have */

/* What the devices below say of themselves. */
struct log_health {
	uint8_t critical_warning;
	uint8_t spare; /* percent */
	uint8_t spare_threshold;
	uint8_t used;         /* percent of its life, may be more than 100 */
	uint16_t temperature; /* Kelvin; 0: nobody knows */
	uint64_t media_errors;
	uint8_t endurance_warning; /* of any endurance group */
};

#define LOG_HEALTH_GOOD ((struct log_health){.spare = 100})

/* What a device says in its own log. */
struct log_health log_smart_read(const struct nvme_log_smart *log);

void log_smart_build(struct nvme_log_smart *ret_log, const struct log_counts *counts,
                     const struct log_health *health);

/* LID 09h (§5.1.12.1.10): of the endurance group in LSI */
struct nvme_log_endurance {
	uint8_t egcw;
	uint8_t egfeat;
	uint8_t reserved2;
	uint8_t avsp;
	uint8_t avspt;
	uint8_t pused;
	struct le16 did;
	uint8_t reserved8[24];
	struct le64 ee[2];  /* 128 bits, in 1,000,000,000 bytes; 0: not reported */
	struct le64 dur[2]; /* in 1,000,000,000 bytes, rounded up, and so the next */
	struct le64 duw[2];
	struct le64 muw[2]; /* 0: not reported */
	struct le64 hrc[2];
	struct le64 hwc[2];
	struct le64 mdie[2];
	struct le64 neile[2];
	struct le64 tegcap[2]; /* in bytes */
	struct le64 uegcap[2];
	uint8_t reserved192[320];
};
_Static_assert(sizeof(struct nvme_log_endurance) == 512, "Base 2.1 §5.1.12.1.10");
_Static_assert(offsetof(struct nvme_log_endurance, ee) == 32, "§5.1.12.1.10");
_Static_assert(offsetof(struct nvme_log_endurance, uegcap) == 176, "§5.1.12.1.10");

#define NVME_EGFEAT_ROTATIONAL 0x01 /* EGRMEDIA */

/* counts: of the group, whoever has read and written. */
void log_endurance_build(struct nvme_log_endurance *ret_log, const struct log_counts *counts,
                         const struct log_health *health, uint64_t capacity_bytes, bool rotational);

/* LID 16h (§5.1.12.1.22): of the endurance group in LSI. Nobody tells us of speed and spin-ups. */
struct nvme_log_rotational {
	struct le16 endgid;
	struct le16 numa; /* actuators */
	struct le16 nrs;  /* nominal rotations per minute; 0: not reported */
	uint8_t reserved6[2];
	struct le32 spinc;
	struct le32 fspinc;
	struct le32 ldc;
	struct le32 fldc;
	uint8_t reserved24[488];
};
_Static_assert(sizeof(struct nvme_log_rotational) == 512, "Base 2.1 §5.1.12.1.22");

void log_rotational_build(struct nvme_log_rotational *ret_log, uint16_t endgid, uint16_t actuators);

/* LID 03h (Figure 207) */
struct nvme_log_firmware {
	uint8_t afi; /* active slot, bits 2:0 */
	uint8_t reserved1[7];
	char frs[7][8];
	uint8_t reserved64[448];
};
_Static_assert(sizeof(struct nvme_log_firmware) == 512, "Base 2.1 Figure 207");

void log_firmware_build(struct nvme_log_firmware *ret_log, const char *revision);

/* LID 04h: up to 1,024 NSIDs, ended by 0; FFFFFFFFh first: more than that */
#define NVME_LOG_CHANGED_SIZE 4096

/* LID 05h (Figure 210): bit 0: supported; bit 1: changes blocks; bits 31:20: the scope */
struct nvme_log_effects {
	struct le32 admin[256];
	struct le32 io[256];
	uint8_t reserved2048[2048];
};
_Static_assert(sizeof(struct nvme_log_effects) == 4096, "Base 2.1 Figure 210");

#define NVME_EFFECT_SUPPORTED      (1u << 0)
#define NVME_EFFECT_BLOCKS_CHANGED (1u << 1)
#define NVME_EFFECT_NAMESPACE      (1u << 2) /* NCC: what a namespace can may change */
#define NVME_SCOPE_NAMESPACE       (1u << 20)
#define NVME_SCOPE_CONTROLLER      (1u << 21)

/* csi: NVM, or ZNS, which is NVM and its own. */
void log_effects_build(struct nvme_log_effects *ret_log, uint8_t csi);

/* LID 12h (Figure 255): for each feature the same bits as in log 05h */
struct nvme_log_features {
	struct le32 feature[256];
};
_Static_assert(sizeof(struct nvme_log_features) == 1024, "Base 2.1 Figure 255");

/* LID 13h (Figure 257): NVMe-MI commands that could be sent here */
struct nvme_log_mi {
	struct le32 command[256];
};
_Static_assert(sizeof(struct nvme_log_mi) == 1024, "Base 2.1 Figure 257");

/* LID 0Ch (Figures 224, 225): header, then for each group a descriptor and its NSIDs */
struct nvme_log_ana {
	struct le64 chgcnt;
	struct le16 ngrps;
	uint8_t reserved10[6];
};
_Static_assert(sizeof(struct nvme_log_ana) == 16, "Base 2.1 Figure 224");

struct nvme_log_ana_group {
	struct le32 grpid;
	struct le32 nnsids;
	struct le64 chgcnt;
	uint8_t state; /* bits 3:0 */
	uint8_t reserved17[15];
};
_Static_assert(sizeof(struct nvme_log_ana_group) == 32, "Base 2.1 Figure 225");

#define NVME_LOG_ANA_RGO 0x01 /* LSP: groups only, no NSIDs */

enum nvme_ana_state {
	NVME_ANA_OPTIMIZED = 1,
	NVME_ANA_NON_OPTIMIZED = 2,
	NVME_ANA_INACCESSIBLE = 3,
	NVME_ANA_PERSISTENT_LOSS = 4,
	NVME_ANA_CHANGE = 15,
};

/* LID 70h (Figures 288, 289): header, then entries, with a tail if extended */
struct nvme_log_discovery {
	struct le64 genctr;
	struct le64 numrec;
	struct le16 recfmt;
	uint8_t dlpf; /* of LSP's bits, those that were followed */
	uint8_t reserved19;
	struct le32 tdlpl; /* bytes of the whole log; with extended entries only */
	uint8_t reserved24[1000];
};
_Static_assert(sizeof(struct nvme_log_discovery) == 1024, "Base 2.1 Figure 288");

enum nvme_discovery_subtype {
	NVME_SUBTYPE_REFERRAL = 1,
	NVME_SUBTYPE_NVME = 2,
	NVME_SUBTYPE_CURRENT = 3,
};

struct nvme_discovery_entry {
	uint8_t trtype;
	uint8_t adrfam;
	uint8_t subtype;
	uint8_t treq; /* bits 1:0 secure channel; bit 2: SQ flow control may be off */
	struct le16 portid;
	struct le16 cntlid;
	struct le16 asqsz;
	struct le16 eflags;
	uint8_t reserved12[20];
	char trsvcid[32];
	uint8_t reserved64[192];
	char subnqn[NVME_NQN_SIZE];
	char traddr[256];
	uint8_t tsas[256];
};
_Static_assert(sizeof(struct nvme_discovery_entry) == 1024, "Base 2.1 Figure 289");

/* LSP of a Get Log Page for it, DLPF of the header; and what of it is supported, in bits 31:16 of
 * the log's entry in LID 00h */
#define NVME_LOG_DISCOVERY_EXTDLPE 0x01 /* extended entries */
#define NVME_LOG_DISCOVERY_PLEO    0x02 /* only what is reached through the port that is asked */
#define NVME_LOG_DISCOVERY_ALLSUBE 0x04 /* also what the host may not use */

/* Behind an entry that is extended; then its attributes, of which each is a multiple of 4 bytes */
struct nvme_discovery_tail {
	struct le32 tel; /* bytes of the whole entry */
	struct le16 numexat;
	uint8_t reserved6[2];
};
_Static_assert(sizeof(struct nvme_discovery_tail) == 8, "Base 2.1 §5.1.12.3.1");

struct nvme_extended_attribute {
	struct le16 exattype;
	struct le16 exatlen; /* bytes of the value */
};

enum nvme_exattype {
	NVME_EXATTYPE_HOST_ID = 1,
	NVME_EXATTYPE_ADMIN_LABEL = 2, /* ASCII */
	NVME_EXATTYPE_ADMIN_LABEL_UTF8 = 3,
};

#define NVME_TREQ_NOT_SPECIFIED  0
#define NVME_TREQ_REQUIRED       1
#define NVME_TREQ_NOT_REQUIRED   2
#define NVME_TREQ_DISABLE_SQFLOW 0x04
#define NVME_EFLAGS_DUPRETINFO   0x0001 /* who asks another entry with this bit is told the same */
#define NVME_EFLAGS_EPCSD        0x0002 /* explicit persistent connections */

/* Transport type and address family of an entry (Figure 289, §6.1) */
enum nvme_trtype {
	NVME_TRTYPE_RDMA = 1,
	NVME_TRTYPE_FC = 2,
	NVME_TRTYPE_TCP = 3,
	NVME_TRTYPE_LOOP = 254
};
/* TSAS of RDMA (Figure 291): queue pair, provider, connection management */
enum nvme_rdma_qptype { NVME_RDMA_QPTYPE_CONNECTED = 1 };
enum nvme_rdma_prtype { NVME_RDMA_PRTYPE_NONE = 1 }; /* not specified */
enum nvme_rdma_cms { NVME_RDMA_CMS_RDMA_CM = 1 };

/* TSAS of TCP: SECTYPE */
enum nvme_tcp_sectype { NVME_TCP_SECTYPE_NONE = 0, NVME_TCP_SECTYPE_TLS13 = 2 };

enum nvme_adrfam {
	NVME_ADRFAM_IPV4 = 1,
	NVME_ADRFAM_IPV6 = 2,
	NVME_ADRFAM_IB = 3,
	NVME_ADRFAM_FC = 4,
	NVME_ADRFAM_LOOP = 254
};

/* Dword 0 of the answer to an Asynchronous Event Request (§5.1.2): type bits 2:0, information
 * 15:8, log page 23:16 */
#define NVME_EVENT_TYPE_HEALTH      1
#define NVME_EVENT_TYPE_NOTICE      2
#define NVME_EVENT_TYPE_COMMAND_SET 6 /* I/O Command Specific: of reservations */
enum nvme_health_event {
	NVME_HEALTH_RELIABILITY = 0x00,
	NVME_HEALTH_TEMPERATURE = 0x01,
	NVME_HEALTH_SPARE = 0x02,
};
enum nvme_notice {
	NVME_NOTICE_NAMESPACE = 0x00,
	NVME_NOTICE_ANA = 0x03,
	NVME_NOTICE_DISCOVERY = 0xf0,
};
