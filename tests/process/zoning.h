/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/zns.h"
#include "tests/host/zones.h"
#include "tests/process/scene.h"

/*
 * zoning - namespaces with zones, for the tests of real processes.
 *
 * Shape     In the scene: namespace 1 in RAM, in blocks of 4096 bytes, of small zones of which
 *           less can be written than they are large, and of which few may be open and active; 2
 *           in a file, in blocks of 512 bytes, without limits; 3 without zones. A zone is said by
 *           its number.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  zoning_start(), then as scene
 */
enum {
	ZONING_RAM = 1,
	ZONING_FILE,
	ZONING_FLAT,
	ZONING_BLOCKS = 64,   /* of a zone of namespace 1 */
	ZONING_CAPACITY = 48, /* of it */
	ZONING_OPEN = 3,      /* zones of it */
	ZONING_ACTIVE = 4,
};

void zoning_start(void);
/* Connects, and empties all zones. */
void zoning_connect(void);

uint64_t zoning_lba(uint32_t nsid, uint32_t zone);
uint32_t zoning_count(uint32_t nsid);

/* Appends what follows from the seed; *ret_lba: where it is. */
struct nvme_status zoning_append(uint32_t nsid, uint32_t zone, uint32_t blocks, uint64_t seed,
                                 uint64_t *ret_lba);
/* Writes it at this block. */
struct nvme_status zoning_write(uint32_t nsid, uint64_t lba, uint32_t blocks, uint64_t seed);

/* enum nvme_zone_send_action */
struct nvme_status zoning_act(uint32_t nsid, uint32_t zone, uint8_t action);
struct nvme_status zoning_act_on_all(uint32_t nsid, uint8_t action);

/* What a report of this zone alone says of it. */
struct nvme_zone_descriptor zoning_look(uint32_t nsid, uint32_t zone);
/* Its state is this, and its write pointer so many blocks from its begin; of one that is full: 0.
 */
void zoning_expect(uint32_t nsid, uint32_t zone, enum nvme_zone_state state, uint32_t written);
