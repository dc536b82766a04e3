/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/zns.h"
#include "services/io/zoned.h"
#include "tests/unit/io/rig.h"

/*
 * zone_player - a rig that serves one store with zones, and what is asked of it.
 *
 * Shape     Handle 1, "zoned:" over a file "disk" of ZP_BYTES (or over what the test says), with
 *           zones of 64 KiB, of which 48 can be written: 128 blocks of 512, and 96. Two may be
 *           open, four active. Data is one byte over and over.
 * Promise   Statuses are as they came, with DNR.
 * Trust     none
 * Threads   the test's
 * Lifetime  zp_begin() to zp_end()
 */
#define ZP_BYTES    (4u << 20)
#define ZP_BLOCKS   128u
#define ZP_CAPACITY 96u

#define DNR(code) ((unsigned)(code) | NVME_STATUS_DNR)

extern struct player player, other;

/* below: NULL: the file; scheme: between "zoned:" and it. */
void zp_begin(unsigned threads, const char *scheme, const char *below, const char *rule);
void zp_end(void);
/* It is closed and opened again, as after the end of a worker; what comes again is expected only
 * for as long as all settles if `settles`, else not at all. */
void zp_open_again(bool settles);
/* It is ready; its I/O thread learns of it later than the control thread. */
void zp_wait_until_served(void);
/* The file. */
const char *zp_disk(void);
struct zoned *zp_zoned(void);
/* Its time is over: the next write finds that so. */
void zp_let_settling_end(void);
/* What was written to it last may come again. */
bool zp_is_in_doubt(uint32_t index);

/* With "fault:": a rule, in which %llu stands for where a block lies below; and none. */
void zp_rule(const char *form, uint64_t block);
void zp_no_rule(void);
/* The same for where a zone's entry in the table lies. */
void zp_rule_of_entry(const char *form, uint32_t index);

unsigned zp_write(uint64_t first, uint32_t blocks, int byte);
/* The request alone. */
struct link_request zp_writing(struct player *by, uint64_t first, uint32_t blocks, int byte,
                               uint64_t arena_offset);
unsigned zp_append(uint64_t zone, uint32_t blocks, int byte, uint64_t *ret_block);
struct link_request zp_appending(struct player *by, uint64_t zone, uint32_t blocks, int byte,
                                 uint64_t arena_offset);
unsigned zp_send(uint64_t zone, enum nvme_zone_send_action action);
unsigned zp_send_all(enum nvme_zone_send_action action);

/* Into the begin of the arena; bytes of it. */
unsigned zp_report(uint64_t first, uint32_t bytes, enum nvme_zone_filter filter, uint8_t flags);
/* What a report says of a zone. */
struct nvme_zone_descriptor zp_zone(uint32_t index);
/* State, and blocks from the begin to the pointer; UINT64_MAX: there is none. */
void zp_expect(uint32_t index, enum nvme_zone_state state, uint64_t written);
/* Blocks that are read have this byte. */
void zp_expect_data(uint64_t first, uint32_t blocks, int byte);
