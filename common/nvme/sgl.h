/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * sgl - where the data of a command lies, as its SGL1 says (Base 2.1 §4.3.2).
 *
 * Shape     Message-based transports have three kinds of it: all follows the command in the
 *           capsule; the transport moves it by messages of its own (TCP 1.1 §3.3.2); or it lies
 *           in the host's memory, in up to `blocks_max` pieces that keys give access to
 *           (RDMA 1.1 §3.2). Several of these are listed in the capsule. ICDOFF is 0.
 * Promise   What comes out with STATUS_OK is in the ranges that the structs say, and lies in
 *           the capsule as far as it is there. Otherwise nothing is written but the location.
 * Trust     every byte is the host's
 * Threads   any; pure
 * Lifetime  values
 * Returns   STATUS_OK, or what the command is to be answered with, and the Parameter Error
 *           Location
 */
#define SGL_BLOCKS_MAX 16u        /* keyed blocks of a command; MSDBD says the same */
#define SGL_LENGTH_MAX (1u << 24) /* bytes, all blocks together: more is refused */

/* What a queue's commands may have. */
struct sgl_rules {
	uint32_t blocks_max;  /* keyed data blocks; 0: transport data blocks in their place */
	uint32_t capsule_max; /* bytes of data that a capsule may bring */
};

/* What the capsule brings behind the command. */
struct sgl_capsule {
	uint32_t bytes;
	/* The first SGL_BLOCKS_MAX descriptors' worth of it, as far as it is there, if SGL1 is a
	 * segment descriptor; not looked at otherwise. */
	const struct nvme_keyed_sgl *list;
};

struct decoded_sgl {
	uint32_t length;
	bool in_capsule; /* all of it follows the command */
	uint32_t offset; /* of its first byte in the capsule's data; 0 without keyed blocks */
	uint32_t
		n_listed; /* keyed blocks that are listed in the capsule; 0: SGL1 is the only one */
};

/* direction: of the command. */
struct nvme_status sgl_decode(const struct nvme_command *command, const struct sgl_rules *rules,
                              const struct sgl_capsule *capsule, enum nvme_transfer direction,
                              struct decoded_sgl *ret_sgl, uint16_t *ret_location);

/* SGL1 says that the descriptors are listed in the capsule. */
static inline bool sgl_is_segment(const struct nvme_command *command)
{
	return command->sgl.type == (NVME_SGL_LAST_SEGMENT << 4 | NVME_SGL_SUB_OFFSET);
}

struct sgl_block {
	uint64_t address; /* of the host */
	uint32_t length;
	uint32_t key;
	bool invalidate; /* the host wants its key to be no good any more with the answer */
};

struct sgl_block sgl_block(const struct nvme_keyed_sgl *keyed);

/* SGL1, which is a keyed block. */
static inline const struct nvme_keyed_sgl *sgl_only_block(const struct nvme_command *command)
{
	return (const struct nvme_keyed_sgl *)&command->sgl;
}
