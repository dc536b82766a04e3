/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * zone_command - the commands that only a namespace with zones has, as a checked struct.
 *
 * Shape     Zone Append, Zone Management Send and Zone Management Receive (Zoned Namespace Command
 *           Set 1.1 §3.4) in one struct; what a command does not have is 0.
 * Promise   What comes out with STATUS_OK is something that this target does: of the actions those
 *           that need no descriptor extensions and no random write area. Blocks are not looked
 *           at: whoever has the namespace does.
 * Trust     every byte is the host's
 * Threads   any; pure
 * Lifetime  values
 * Returns   as decode.h has it
 */
struct decoded_zone_command {
	uint64_t first_block;
	uint32_t block_count; /* Append: 1 … 65536 */
	uint32_t bytes;       /* Receive: of the report; a multiple of 4, its header at least */
	uint8_t action;       /* Send, Receive */
	uint8_t filter;       /* Receive: enum nvme_zone_filter */
	bool is_of_all;       /* Send: first_block means nothing */
	bool is_partial;      /* Receive: the count is of what there was room for */
	bool fua;             /* Append */
};

bool zone_command_is(uint8_t opcode);

/* Of an opcode that zone_command_is(). */
struct nvme_status zone_command_decode(const struct nvme_command *command,
                                       struct decoded_zone_command *ret_decoded,
                                       uint16_t *ret_location);
