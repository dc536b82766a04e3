/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"

/*
 * identify - the data structures that an Identify command returns (Base 2.1 §5.1.13).
 *
 * Shape     The wire structs of 4096 bytes, and for each a plain struct of what varies and a
 *           builder that fills the first from the second.
 * Promise   A builder writes every byte; what this target does not have is reported as not
 *           there. Texts are padded with blanks, as §1.4.2 has it.
 * Trust     the caller's own values
 * Threads   any; pure
 * Lifetime  values
 */

/* What this target offers, in the terms of Identify Controller. */
#define NVME_MDTS           8    /* 2^8 units of 4 KiB: 1 MiB a command */
#define NVME_MAX_NAMESPACES 1024 /* NN, MNAN */
#define NVME_MAX_ANA_GROUPS 128  /* ANAGRPMAX, NANAGRPID */
#define NVME_ERROR_ENTRIES  128  /* ELPE + 1 */
#define NVME_AER_LIMIT      4    /* AERL + 1 */
#define NVME_ABORT_LIMIT    4    /* ACL + 1 */
#define NVME_EVENT_LOG_SIZE 5    /* PELS: 256 events of 1 KiB at most, and a header */
#define NVME_KAS_UNITS      10   /* keep-alive granularity, in 100 ms */
#define NVME_CSI_NVM        0

/* ENDGIDMAX: each namespace has a group of its own, of the same number */
#define NVME_MAX_ENDURANCE_GROUPS NVME_MAX_NAMESPACES

#define NVME_CMIC_MULTI_PORT       0x01
#define NVME_CMIC_MULTI_CONTROLLER 0x02
#define NVME_CMIC_ANA              0x08
#define NVME_OAES_NAMESPACE        (1u << 8)
#define NVME_OAES_ANA              (1u << 11)
#define NVME_OAES_DISCOVERY        (1u << 31)
#define NVME_CTRATT_HOSTID_128     (1u << 0)
#define NVME_CTRATT_EGS            (1u << 4) /* endurance groups */
#define NVME_CTRATT_TBKAS          (1u << 6)
#define NVME_CTRATT_RHII           (1u << 18) /* reservations need a Host Identifier other than 0 */
#define NVME_LPA_NAMESPACE_HEALTH  0x01
#define NVME_LPA_EFFECTS           0x02
#define NVME_LPA_EXTENDED_DATA     0x04
#define NVME_LPA_PERSISTENT_EVENT  0x10
#define NVME_LPA_MISCELLANEOUS     0x20 /* logs 00h, 12h, 13h; scopes in log 05h */
#define NVME_ONCS_DSM              0x04
#define NVME_ONCS_WRITE_ZEROES     0x08
#define NVME_ONCS_SAVE_SELECT      0x10
#define NVME_ONCS_RESERVATIONS     0x20
#define NVME_NWPC_WRITE_PROTECT    0x01 /* states 0 and 1; not 2, 3 */
#define NVME_FCATT_STATIC          0x01
#define NVME_OFCS_DISCONNECT       0x01
#define NVME_SGLS_SUPPORTED        (1u << 0)
#define NVME_SGLS_KEYED            (1u << 2)  /* keyed SGL data block descriptors */
#define NVME_SGLS_OFFSET           (1u << 20) /* the address is an offset, also in a capsule */

/* CNS 01h: Identify Controller (Figure 312) */
struct nvme_identify_controller {
	struct le16 vid;
	struct le16 ssvid;
	char sn[20];
	char mn[40];
	char fr[8];
	uint8_t rab;
	uint8_t ieee[3]; /* least significant byte first */
	uint8_t cmic;
	uint8_t mdts;
	struct le16 cntlid;
	struct le32 ver;
	struct le32 rtd3r;
	struct le32 rtd3e;
	struct le32 oaes;
	struct le32 ctratt;
	uint8_t reserved100[11];
	uint8_t cntrltype;
	uint8_t fguid[16];
	struct le16 crdt[3];
	uint8_t reserved134[122];
	struct le16 oacs;
	uint8_t acl_0based;
	uint8_t aerl_0based;
	uint8_t frmw;
	uint8_t lpa;
	uint8_t elpe_0based;
	uint8_t npss_0based;
	uint8_t reserved264[2];
	struct le16 wctemp; /* 0: not reported, and so the next */
	struct le16 cctemp;
	uint8_t reserved270[50];
	struct le16 kas;
	uint8_t reserved322[18];
	struct le16 endgidmax;
	uint8_t anatt;
	uint8_t anacap;
	struct le32 anagrpmax;
	struct le32 nanagrpid;
	struct le32 pels; /* in 64 KiB */
	uint8_t reserved356[156];
	uint8_t sqes;
	uint8_t cqes;
	struct le16 maxcmd;
	struct le32 nn;
	struct le16 oncs;
	struct le16 fuses;
	uint8_t fna;
	uint8_t vwc;
	struct le16 awun_0based;
	struct le16 awupf_0based;
	uint8_t icsvscc;
	uint8_t nwpc;
	uint8_t reserved532[4];
	struct le32 sgls;
	struct le32 mnan;
	uint8_t reserved544[224];
	char subnqn[NVME_NQN_SIZE];
	uint8_t reserved1024[768];
	struct le32 ioccsz; /* in 16 bytes */
	struct le32 iorcsz;
	struct le16 icdoff;
	uint8_t fcatt;
	uint8_t msdbd;
	struct le16 ofcs;
	uint8_t dctype;
	uint8_t reserved1807[241];
	uint8_t psd[32][32];
	uint8_t vendor[1024];
};
_Static_assert(sizeof(struct nvme_identify_controller) == NVME_IDENTIFY_SIZE,
               "Base 2.1 Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, cntrltype) == 111, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, oacs) == 256, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, kas) == 320, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, endgidmax) == 340, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, sqes) == 512, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, subnqn) == 768, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, ioccsz) == 1792, "Figure 312");
_Static_assert(offsetof(struct nvme_identify_controller, ofcs) == 1804, "Figure 312");

_Static_assert(offsetof(struct nvme_identify_controller, nwpc) == 531, "Figure 312");

struct identify_controller {
	bool discovery;
	uint16_t cntlid;
	uint32_t version;
	uint16_t vendor_id;
	uint16_t subsystem_vendor_id;
	uint32_t ieee_oui;
	const char *serial;
	const char *model;
	const char *firmware;
	const char *nqn;
	uint8_t mdts;
	uint32_t max_commands;
	uint32_t in_capsule_bytes;
	uint32_t sgls;
	uint8_t descriptors_max;  /* MSDBD */
	bool is_static;           /* its controllers are there before hosts come */
	uint32_t shutdown_ms;     /* that a normal shutdown may take */
	uint16_t retry_delays[3]; /* CRDT1 to 3, in 100 ms */
};

void identify_controller_build(struct nvme_identify_controller *ret_wire,
                               const struct identify_controller *from);

/* Of protection information (NVM Command Set 1.1 Figure 114): metadata lies behind the data of each
 * block, the only place over fabrics; Type 1, in the last (and first) eight bytes of the metadata.
 */
#define NVME_FLBAS_EXTENDED 0x10
#define NVME_MC_EXTENDED    0x01
#define NVME_DPC_TYPE_1     0x01
#define NVME_DPC_FIRST      0x08
#define NVME_DPC_LAST       0x10
#define NVME_DPS_TYPE_1     0x01

struct nvme_lba_format {
	struct le16 ms;
	uint8_t lbads;
	uint8_t rp;
};

/* CNS 00h: Identify Namespace of the NVM Command Set (NVM Command Set 1.1 Figure 114) */
struct nvme_identify_namespace {
	struct le64 nsze;
	struct le64 ncap;
	struct le64 nuse;
	uint8_t nsfeat;
	uint8_t nlbaf_0based;
	uint8_t flbas;
	uint8_t mc;
	uint8_t dpc;
	uint8_t dps;
	uint8_t nmic;
	uint8_t rescap;
	uint8_t fpi;
	uint8_t dlfeat;
	uint8_t reserved34[30];
	struct le16 npwg_0based; /* with OPTPERF, in blocks, and so the next */
	struct le16 npwa_0based;
	struct le16 npdg_0based;
	struct le16 npda_0based;
	struct le16 nows_0based;
	uint8_t reserved74[18];
	struct le32 anagrpid;
	uint8_t reserved96[3];
	uint8_t nsattr; /* bit 0: write protected */
	struct le16 nvmsetid;
	struct le16 endgid;
	uint8_t nguid[16];
	uint8_t eui64[8];
	struct nvme_lba_format lbaf[64];
	uint8_t vendor[3712];
};
_Static_assert(sizeof(struct nvme_identify_namespace) == NVME_IDENTIFY_SIZE, "NVM 1.1 Figure 114");
_Static_assert(offsetof(struct nvme_identify_namespace, npwg_0based) == 64, "NVM 1.1 Figure 114");
_Static_assert(offsetof(struct nvme_identify_namespace, anagrpid) == 92, "NVM 1.1 Figure 114");

#define NVME_NSFEAT_OPTPERF 0x10 /* 01b: NPWG, NPWA, NPDG, NPDA, NOWS are given */
_Static_assert(offsetof(struct nvme_identify_namespace, endgid) == 102, "NVM 1.1 Figure 114");
_Static_assert(offsetof(struct nvme_identify_namespace, nguid) == 104, "NVM 1.1 Figure 114");
_Static_assert(offsetof(struct nvme_identify_namespace, lbaf) == 128, "NVM 1.1 Figure 114");

/* DLFEAT: deallocated blocks read as 00h (bits 2:0), and their guards as FFFFh (bit 4); Write
 * Zeroes has DEAC (bit 3) */
#define NVME_DLFEAT_ZEROES 0x01
#define NVME_DLFEAT_DEAC   0x08

/* What a store likes best: 0-based counts of blocks. All 0: any block, as far as anybody knows. */
struct identify_preference {
	uint16_t write; /* the least that is written, or deallocated, without more ado */
	uint16_t discard;
	uint16_t optimal; /* that is written fastest */
};

struct identify_namespace {
	uint64_t blocks;
	uint32_t block_shift;
	uint32_t ana_group;
	uint16_t endurance_group;
	bool write_protected;
	bool volatile_cache;
	bool rotational;
	bool deallocate; /* gives blocks back, which are zeroes then */
	struct identify_preference preference;
	uint8_t csi;
	uint8_t rescap;
	bool protection;   /* Type 1; its tuples follow the blocks in their data */
	uint8_t uuid[16];  /* in the order of its text */
	uint8_t nguid[16]; /* zeroes: none */
	uint8_t eui64[8];  /* the same */
};

void identify_namespace_build(struct nvme_identify_namespace *ret_wire,
                              const struct identify_namespace *from);

/* CNS 03h: Namespace Identification Descriptors (Figure 315): one after the other, then zeroes */
enum nvme_identifier_type {
	NVME_NIDT_EUI64 = 1,
	NVME_NIDT_NGUID = 2,
	NVME_NIDT_UUID = 3,
	NVME_NIDT_CSI = 4,
};

struct nvme_identifier_descriptor {
	uint8_t nidt;
	uint8_t nidl;
	uint8_t reserved2[2];
	/* nidl bytes of identifier */
};
_Static_assert(sizeof(struct nvme_identifier_descriptor) == 4, "Base 2.1 Figure 315");

void identify_descriptors_build(uint8_t ret_wire[static NVME_IDENTIFY_SIZE],
                                const struct identify_namespace *from);

/* CNS 08h: I/O Command Set Independent Identify Namespace (Figure 319) */
struct nvme_independent_namespace {
	uint8_t nsfeat;
	uint8_t nmic;
	uint8_t rescap;
	uint8_t fpi;
	struct le32 anagrpid;
	uint8_t nsattr;
	uint8_t reserved9;
	struct le16 nvmsetid;
	struct le16 endgid;
	uint8_t nstat; /* bit 0: ready */
	uint8_t reserved15[4081];
};
_Static_assert(sizeof(struct nvme_independent_namespace) == NVME_IDENTIFY_SIZE, "Figure 319");

#define NVME_NSFEAT_ROTATIONAL     0x10 /* RMEDIA */
#define NVME_NSFEAT_NO_WRITE_CACHE 0x20

void identify_independent_build(struct nvme_independent_namespace *ret_wire,
                                const struct identify_namespace *from);

/* CNS 06h of the NVM command set (NVM Command Set 1.1 §4.1.5.4): 0 is "no limit of its own": Write
 * Zeroes is as long as NLB can say, Dataset Management has as many ranges as NR can say, of any
 * length; Verify and Write Uncorrectable are not there. */
struct nvme_identify_nvm_controller {
	uint8_t vsl;
	uint8_t wzsl;
	uint8_t wusl;
	uint8_t dmrl;
	struct le32 dmrsl;
	struct le64 dmsl;
	uint8_t kpiocap;
	uint8_t wzdsl;
	struct le16 aocs;
	struct le32 ver;
	uint8_t reserved24[4072];
};
_Static_assert(sizeof(struct nvme_identify_nvm_controller) == NVME_IDENTIFY_SIZE,
               "NVM 1.1 §4.1.5.4");

#define NVME_NVM_VERSION 0x00010100u /* of the command set's specification: 1.1 */

/* CNS 12h, 13h (Figure 136): CNTLIDs, ascending */
struct nvme_controller_list {
	struct le16 count;
	struct le16 cntlid[2047];
};
_Static_assert(sizeof(struct nvme_controller_list) == NVME_IDENTIFY_SIZE, "Base 2.1 §4.6.1");

#define NVME_CONTROLLER_LIST_MAX 2047u

/* CNS 19h (Base 2.1 §5.1.13.2.18): ENDGIDs, ascending */
struct nvme_endurance_group_list {
	struct le16 count;
	struct le16 endgid[2047];
};
_Static_assert(sizeof(struct nvme_endurance_group_list) == NVME_IDENTIFY_SIZE,
               "Base 2.1 §5.1.13.2.18");

/* CNS 02h, 07h, 10h, 1Ah: up to 1,024 NSIDs, ascending, ended by 0 if there are fewer */
struct nvme_namespace_list {
	struct le32 nsid[1024];
};
_Static_assert(sizeof(struct nvme_namespace_list) == NVME_IDENTIFY_SIZE, "Base 2.1 §5.1.13.2.2");

/* CNS 1Ch: I/O Command Set combinations (Figure 333): bit n of one stands for CSI n */
struct nvme_command_sets {
	struct le64 combination[512];
};
_Static_assert(sizeof(struct nvme_command_sets) == NVME_IDENTIFY_SIZE, "Figure 333");
