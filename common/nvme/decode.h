/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * decode - a host's commands, as checked structs in host byte order.
 *
 * Shape     One function for each kind of command. Each makes the checks that need nothing but
 *           the command itself, in the order of the specification, and changes nothing else.
 *           What needs a namespace or a controller is checked by whoever has it.
 * Promise   What comes out with STATUS_OK is in the ranges that its struct says. Otherwise
 *           nothing is written but the location of what is wrong.
 * Trust     every byte is the host's
 * Threads   any; pure
 * Lifetime  values
 * Returns   STATUS_OK, or what the command is to be answered with; *ret_location is then the
 *           offset in the command of the field that is wrong, with its first bit in bits 10:8
 *           (Parameter Error Location)
 */
#define DECODE_TRANSFER_MAX (1u << 20) /* bytes; MDTS says the same */

/* FUSE and PSDT (Base 2.1 §4.1.1): fused commands are not supported, and over fabrics data is
 * always described by an SGL. */
struct nvme_status decode_flags(const struct nvme_command *command, uint16_t *ret_location);

/* The same of a Fabrics command (§4.1.2): PSDT is 00b where there is no data, and 00b or 10b where
 * there is; Linux and others say 01b, as with all commands. */
struct nvme_status decode_fabrics_flags(const struct nvme_command *command, uint16_t *ret_location);

/* ------------------------------------------------------------------ admin, fabrics */

struct decoded_transfer {
	enum nvme_transfer direction;
	uint32_t least; /* bytes that the data must have … */
	uint32_t most;  /* … and may have, at most DECODE_TRANSFER_MAX */
};

struct nvme_status decode_admin(const struct nvme_command *command,
                                struct decoded_transfer *ret_transfer, uint16_t *ret_location);

/* Opcode 7Fh: Connect, Disconnect, Property Get, Property Set. */
struct nvme_status decode_fabrics(const struct nvme_command *command,
                                  struct decoded_transfer *ret_transfer, uint16_t *ret_location);

enum nvme_fabrics_type decode_fabrics_type(const struct nvme_command *command);

struct decoded_connect {
	uint16_t qid;
	uint32_t size; /* entries: 2 … 65536 */
	bool sqflow_disabled;
	uint32_t kato_ms;
};

struct nvme_status decode_connect(const struct nvme_command *command,
                                  struct decoded_connect *ret_connect, uint16_t *ret_location);

/* Dword 0 of the answer to a Connect with an invalid parameter (Base 2.1 §6.3): its offset in
 * the command, or in the data. */
static inline uint32_t connect_error_in_command(uint16_t offset)
{
	return offset;
}

static inline uint32_t connect_error_in_data(uint16_t offset)
{
	return 0x10000u | offset;
}

/* ------------------------------------------------------------------ I/O */

struct decoded_io {
	enum nvme_io_opcode opcode;
	enum nvme_transfer direction;
	uint32_t nsid;
	uint64_t first_block;
	uint32_t block_count; /* Read, Write, Write Zeroes: 1 … 65536 */
	uint32_t ranges;      /* Dataset Management: 1 … 256 */
	bool fua;
	bool deallocate; /* Write Zeroes: DEAC; Dataset Management: AD */
};

struct nvme_status decode_io(const struct nvme_command *command, struct decoded_io *ret_io,
                             uint16_t *ret_location);
