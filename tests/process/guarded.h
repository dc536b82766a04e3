/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/protection.h"
#include "tests/process/scene.h"

/*
 * guarded - a scene with protection information, and data that is mixed with tuples.
 *
 * Shape     Namespaces with it: 1 and 2 in files ("disk", "disk-4096"), of 512 and 4096 bytes; 3 in
 *           RAM. 4: a plain file ("plain"). Port 0 shows it, port 1 does not. Data is
 *           GUARDED_BLOCKS blocks with a tuple behind each: what is put, and what was got.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  guarded_start() … scene_stop(); in between guarded_connect() … scene_disconnect()
 */
#define GUARDED_BLOCKS 8u

/* PRINFO: PRCHK bits. */
#define GUARD       (NVME_PRINFO_GUARD << 26)
#define APPLICATION (NVME_PRINFO_APPLICATION << 26)
#define REFERENCE   (NVME_PRINFO_REFERENCE << 26)

#define GUARDED_BYTES (GUARDED_BLOCKS * (4096 + 8))

extern uint8_t guarded_data[GUARDED_BYTES];  /* to be put */
extern uint8_t guarded_found[GUARDED_BYTES]; /* that was got */

void guarded_start(void);
void guarded_connect(unsigned port);

/* T10's polynomial, a bit at a time. */
uint16_t guarded_crc(const uint8_t *at, size_t length);

/* The tuple of block i in such data. */
struct nvme_protection *guarded_tuple(uint8_t *bytes, uint32_t nsid, unsigned i);
/* guarded_data has good tuples for this place. */
void guarded_fill(uint32_t nsid, uint64_t lba, uint16_t application, uint64_t seed);

/* Without PRACT: the tuples are in the data. tags: LBATM, LBAT. */
struct nvme_status guarded_put(uint32_t nsid, uint64_t lba, uint32_t prinfo, uint32_t tags);
struct nvme_status guarded_get(uint32_t nsid, uint64_t lba, uint32_t prinfo, uint32_t tags);
/* What was got is what was put. */
void guarded_expect_same(uint32_t nsid);
