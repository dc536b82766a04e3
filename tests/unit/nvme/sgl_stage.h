/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#include "common/nvme/sgl.h"

/*
 * sgl_stage - a command whose SGL is decoded.
 *
 * Shape     given_…(), then SGL1 is described and blocks are listed, then decode() and what is
 *           expected of it.
 * Promise   none
 * Trust     none
 * Threads   one
 * Lifetime  the program
 */
#define KIB         1024u
#define CAPSULE_MAX (16 * KIB)
#define IN_CAPSULE  0x01
#define TRANSPORT   0x5a
#define KEYED       0x40
#define KEYED_ONCE  0x4f
#define LISTED      0x31
#define BLOCK_BYTES ((uint32_t)sizeof(struct nvme_keyed_sgl))

/* Parameter Error Locations (Base 2.1 §5.1.12.1.2) */
#define AT_ADDRESS 24u
#define AT_LENGTH  32u
#define AT_TYPE    39u

extern struct nvme_command command;
extern struct nvme_keyed_sgl listed[SGL_BLOCKS_MAX + 1];
extern struct sgl_rules rules;
extern struct decoded_sgl sgl;

void given_a_command_of_a_stream(void);
void given_a_command_with_keys(void);

/* SGL1, by its length; or as a keyed block, which has an address and a key, too. */
void describe_data(uint8_t type, uint32_t length);
void describe_keyed(uint8_t type, uint32_t length);

/* In the capsule: n blocks of this length, and SGL1 that says so; or one block for itself. */
void list_blocks(unsigned n, uint32_t length);
void set_block(struct nvme_keyed_sgl *block, uint8_t type, uint64_t address, uint32_t length,
               uint32_t key);

struct nvme_status decode(enum nvme_transfer direction, uint32_t capsule_bytes);

/* Nothing was written then. */
void expect(struct nvme_status status, enum nvme_status_code code, size_t field);
void expect_ok(struct nvme_status status);
/* Not in the capsule. */
void expect_elsewhere(uint32_t length, uint32_t n_listed);
