/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"

/*
 * dim - the Discovery Information Management command, by which a host or a target registers with a
 * central discovery controller (Base 2.1 §5.3.3).
 *
 * Shape     The data's header and its extended entries as they lie on the wire; a plain struct for
 *           what varies in an entry, and a builder.
 * Promise   dim_build() writes every byte that it says; names are cut to their fields. DIM_ENTRIES
 *           entries fit in the capsule of an admin command over TCP (8192 bytes).
 * Trust     the caller's own values
 * Threads   any; pure
 * Lifetime  values
 */

/* cdw10 bits 3:0 */
enum nvme_dim_task { NVME_DIM_REGISTER = 0, NVME_DIM_DEREGISTER = 1, NVME_DIM_UPDATE = 2 };

enum nvme_dim_format { NVME_DIM_BASIC = 1, NVME_DIM_EXTENDED = 2 };

enum nvme_dim_entity { NVME_DIM_HOST = 1, NVME_DIM_DDC = 2, NVME_DIM_CDC = 3 };

/* EKTYPE: the fields by which an entry is known; the only value there is. */
#define NVME_DIM_KEY 0x5f

struct nvme_dim_data {
	struct le32 tdl; /* of all of it, in bytes */
	uint8_t reserved4[4];
	struct le64 nument;
	struct le16 entfmt;
	struct le16 etype;
	uint8_t portlcl;
	uint8_t reserved21;
	struct le16 ektype;
	char eid[NVME_NQN_SIZE]; /* who registers */
	char ename[256];
	char ever[64];
	uint8_t reserved600[424];
};
_Static_assert(sizeof(struct nvme_dim_data) == 1024, "Base 2.1 §5.3.3");
_Static_assert(offsetof(struct nvme_dim_data, eid) == 24, "Base 2.1 §5.3.3");

/* Extended Discovery Information Entry, without attributes */
struct nvme_dim_entry {
	uint8_t trtype;
	uint8_t adrfam;
	uint8_t subtype;
	uint8_t treq;
	struct le16 portid;
	struct le16 cntlid;
	struct le16 asqsz;
	uint8_t reserved10[22];
	char trsvcid[32];
	uint8_t reserved64[192];
	char nqn[NVME_NQN_SIZE];
	char traddr[256];
	uint8_t tsas[256];
	struct le32 tel; /* of the entry, in bytes */
	struct le16 numexat;
	uint8_t reserved1030[2];
};
_Static_assert(sizeof(struct nvme_dim_entry) == 1032, "Base 2.1 §5.3.3");
_Static_assert(offsetof(struct nvme_dim_entry, nqn) == 256, "Base 2.1 §5.3.3");
_Static_assert(offsetof(struct nvme_dim_entry, tel) == 1024, "Base 2.1 §5.3.3");

#define DIM_ENTRIES 6

struct dim_message {
	struct nvme_dim_data head;
	struct nvme_dim_entry entries[DIM_ENTRIES];
};
_Static_assert(sizeof(struct dim_message) <= 8192, "TCP 1.1 §3.3.2.2");

/* One way to a subsystem. Without padding: equal ones have equal bytes. */
struct dim_entry {
	uint16_t port_id;
	uint8_t trtype;
	uint8_t adrfam;
	uint8_t subtype;
	uint8_t zero;
	char trsvcid[32];
	char traddr[64];
	char nqn[NVME_NQN_SIZE];
};
_Static_assert(sizeof(struct dim_entry) == 6 + 32 + 64 + NVME_NQN_SIZE, "no padding");

struct dim_entity {
	const char *nqn; /* of the discovery subsystem */
	const char *name;
	const char *version;
};

/* Of up to DIM_ENTRIES entries of a direct discovery controller. Returns the length. */
size_t dim_build(struct dim_message *ret_message, const struct dim_entity *entity,
                 const struct dim_entry *const *entries, size_t n_entries);
