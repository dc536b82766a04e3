/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"

/*
 * protection - T10 protection information, as it lies beside a block and in a command.
 *
 * Shape     The tuple of 8 bytes that belongs to a block (NVM Command Set 1.1 §5.3.1.1, 16b Guard:
 *           T10-DIF, Type 1), and what Read, Write and Write Zeroes say of it (PRINFO and command
 *           dwords 14 and 15).
 * Promise   none
 * Trust     bytes are a host's, or a disk's
 * Threads   any; pure
 * Lifetime  values
 */
struct nvme_protection {
	struct be16 guard; /* CRC-16 of the block, T10's polynomial */
	struct be16 application;
	struct be32 reference; /* Type 1: the low 32 bits of the block's number */
};
_Static_assert(sizeof(struct nvme_protection) == 8, "NVM Command Set 1.1 §5.3.1.1");

#define NVME_PROTECTION_SIZE 8u

/* An application tag that says: nothing of this block is to be checked (Type 1). */
#define NVME_PROTECTION_ESCAPE 0xffff

/* cdw12 bits 29:26 */
#define NVME_PRINFO_REFERENCE   0x1u
#define NVME_PRINFO_APPLICATION 0x2u
#define NVME_PRINFO_GUARD       0x4u
#define NVME_PRINFO_ACTION      0x8u

struct decoded_protection {
	bool action; /* PRACT: tuples are not transferred */
	bool check_guard;
	bool check_application;
	bool check_reference;
	uint32_t reference; /* of the first block: ILBRT, EILBRT */
	uint16_t application;
	uint16_t application_mask;
};

struct decoded_protection decode_protection(const struct nvme_command *command);

/* What stands behind "pi:" in the path of a namespace: another path. NULL: it is not of that kind,
 * and its worker keeps no tuples. */
const char *protection_path_below(const char *path);
