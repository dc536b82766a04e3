/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/spec.h"
#include "tests/rdma/queue.h"

/*
 * capsule - what a host sends to an NVMe/RDMA controller, byte for byte.
 *
 * Shape     A command and what follows it: SGL descriptors, data (RDMA 1.1 §3.3.1). `length` says
 * how much of it is sent, whatever the rest says. Promise   Nothing is put right: a capsule may say
 * anything. Trust     ours Threads   any; pure Lifetime  values
 */
#define CAPSULE_COMMAND 64u
#define CAPSULE_REST    (WIRE_CAPSULE_MAX - CAPSULE_COMMAND)

struct capsule {
	struct nvme_command command;
	uint8_t rest[CAPSULE_REST];
	size_t length;
};
_Static_assert(offsetof(struct capsule, rest) == CAPSULE_COMMAND, "no padding");

/* Base 2.1 §4.3.2.1: an SGL descriptor, with the key of a keyed data block. */
struct capsule_sgl {
	uint64_t address;
	uint8_t length[3];
	uint8_t key[4]; /* its first byte is the last of the length of all other descriptors */
	uint8_t type;
};
_Static_assert(sizeof(struct capsule_sgl) == 16, "Base 2.1 §4.3.2.1");

/* Descriptor type and subtype (§4.3.2.1; RDMA 1.1 §3.3.1 for Invalidate Key). */
enum capsule_sgl_type {
	SGL_IN_CAPSULE = 0x01,       /* SGL Data Block, Offset */
	SGL_LAST_SEGMENT = 0x31,     /* SGL Last Segment, Offset */
	SGL_KEYED = 0x40,            /* Keyed SGL Data Block, Address */
	SGL_KEYED_INVALIDATE = 0x4f, /* …, Invalidate Key */
	SGL_TRANSPORT = 0x5a,        /* Transport SGL Data Block: not of RDMA's I/O queues */
};

struct capsule_sgl sgl_of(enum capsule_sgl_type type, uint64_t address, uint32_t length,
                          uint32_t key);
/* A piece of the host's memory, with the region's key. */
struct capsule_sgl sgl_keyed(const struct wire_memory *memory, size_t offset, uint32_t length);

/* That of a command without data, as Linux writes it. */
struct capsule_sgl sgl_none(void);

/* A capsule of 64 bytes with this SGL1. PSDT says that there is an SGL. */
struct capsule capsule_of(struct nvme_command command, struct capsule_sgl sgl);
void capsule_set_sgl(struct capsule *capsule, struct capsule_sgl sgl);
/* SGL1 is a Last Segment descriptor of these, which follow the command. */
void capsule_list(struct capsule *capsule, const struct capsule_sgl *list, uint32_t count);
/* SGL1 is data of the capsule, which follows the command. */
void capsule_bring(struct capsule *capsule, const void *data, uint32_t length);

/* Commands. CID 0. Blocks are counted from what command_begin_at() says. */
void command_begin_at(uint64_t first_block);
struct nvme_command command_io(uint8_t opcode, uint32_t nsid, uint64_t first_block,
                               uint32_t blocks);
struct nvme_command command_identify(uint32_t cns, uint32_t nsid);
struct nvme_command command_log(uint8_t lid, uint32_t bytes);
struct nvme_command command_property_get(uint32_t offset, bool is_64_bit);
struct nvme_command command_property_set(uint32_t offset, uint64_t value);
/* Set Features, Number of Queues. */
struct nvme_command command_queues(uint16_t count);
struct nvme_command command_connect(uint16_t qid, uint32_t entries, uint32_t kato_ms);
