/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/decode.h"

#include <stddef.h>
#include <string.h>

/* PSDT 01b: SGLs for data, and metadata, if any, in one piece. The only value over fabrics. */
#define FLAG_FUSE(flags) ((flags)&0x03u)
#define FLAG_PSDT(flags) ((flags) >> 6)
#define PSDT_SGL         1u
#define PSDT_RESERVED    3u
#define PSDT_BIT         (6u << 8) /* of the Parameter Error Location */

/* Set Features with a feature that we do not know may bring data: it is taken and refused. */
#define FEATURES_DATA_MAX    4096u
#define SEL(cdw10)           (((cdw10) >> 8) & 0x7u)
#define SEL_SUPPORTED        3u
#define EXHID                0x1u
#define HOST_IDENTIFIER_LONG 16u

static struct nvme_status wrong(enum nvme_status_code code, size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status_dnr(code);
}

static struct nvme_status wrong_flags(const struct nvme_command *command, uint16_t *ret_location)
{
	size_t location = offsetof(struct nvme_command, flags);

	if (FLAG_FUSE(command->flags) == 0)
		location |= PSDT_BIT;
	return wrong(NVME_SC_INVALID_FIELD, location, ret_location);
}

struct nvme_status decode_flags(const struct nvme_command *command, uint16_t *ret_location)
{
	if (FLAG_FUSE(command->flags) != 0 || FLAG_PSDT(command->flags) != PSDT_SGL)
		return wrong_flags(command, ret_location);
	return STATUS_OK;
}

struct nvme_status decode_fabrics_flags(const struct nvme_command *command, uint16_t *ret_location)
{
	if (FLAG_FUSE(command->flags) != 0 || FLAG_PSDT(command->flags) == PSDT_RESERVED)
		return wrong_flags(command, ret_location);
	return STATUS_OK;
}

/* ------------------------------------------------------------------ admin */

static struct decoded_transfer transfer(enum nvme_transfer direction, uint32_t least, uint32_t most)
{
	return (struct decoded_transfer){.direction = direction, .least = least, .most = most};
}

static struct decoded_transfer to_host(uint32_t length)
{
	return transfer(length > 0 ? NVME_TRANSFER_TO_HOST : NVME_TRANSFER_NONE, length, length);
}

/* NUMD, cdw10 31:16 and cdw11 15:0: dwords, 0-based (Base 2.1 §5.1.12) */
static struct nvme_status decode_get_log_page(const struct nvme_command *command,
                                              struct decoded_transfer *ret_transfer,
                                              uint16_t *ret_location)
{
	uint64_t numd = (uint64_t)(le32_get(command->cdw11) & 0xffff) << 16 |
	                le32_get(command->cdw10) >> 16;
	uint64_t length = (numd + 1) * 4;

	if (length > DECODE_TRANSFER_MAX)
		return wrong(NVME_SC_INVALID_FIELD,
		             offsetof(struct nvme_command, cdw10) + 2, /* NUMDL */
		             ret_location);
	*ret_transfer = to_host((uint32_t)length);
	return STATUS_OK;
}

/* What Get Features gives is in dword 0, but of two (Base 2.1 §5.1.25.1.14, §5.1.25.1.28). What
 * will be refused in any case, a feature that is not there or 64 bits of a Host Identifier, may
 * come with whatever its host takes it to have. */
static struct decoded_transfer decode_get_features(const struct nvme_command *command)
{
	bool is_of_capabilities = SEL(le32_get(command->cdw10)) == SEL_SUPPORTED;
	uint32_t bytes = 0;

	switch ((enum nvme_feature)(le32_get(command->cdw10) & 0xff)) {
	case NVME_FEATURE_HOST_BEHAVIOR:
		bytes = sizeof(struct nvme_host_behavior);
		break;
	case NVME_FEATURE_HOST_IDENTIFIER:
		if (!(le32_get(command->cdw11) & EXHID))
			return transfer(NVME_TRANSFER_TO_HOST, 0, FEATURES_DATA_MAX);
		bytes = HOST_IDENTIFIER_LONG;
		break;
	case NVME_FEATURE_ARBITRATION:
	case NVME_FEATURE_POWER_MANAGEMENT:
	case NVME_FEATURE_TEMPERATURE_THRESHOLD:
	case NVME_FEATURE_ERROR_RECOVERY:
	case NVME_FEATURE_VOLATILE_WRITE_CACHE:
	case NVME_FEATURE_NUMBER_OF_QUEUES:
	case NVME_FEATURE_WRITE_ATOMICITY:
	case NVME_FEATURE_ASYNC_EVENT_CONFIG:
	case NVME_FEATURE_KEEP_ALIVE_TIMER:
	case NVME_FEATURE_COMMAND_SETS:
	case NVME_FEATURE_RESERVATION_MASK:
	case NVME_FEATURE_RESERVATION_PERSISTENCE:
	case NVME_FEATURE_WRITE_PROTECTION:
		break;
	default:
		return transfer(NVME_TRANSFER_TO_HOST, 0, FEATURES_DATA_MAX);
	}
	/* capabilities are in dword 0: some hosts make room for the feature's data all the same */
	return bytes == 0 ? transfer(NVME_TRANSFER_NONE, 0, 0)
	                  : transfer(NVME_TRANSFER_TO_HOST, is_of_capabilities ? 0 : bytes, bytes);
}

struct nvme_status decode_admin(const struct nvme_command *command,
                                struct decoded_transfer *ret_transfer, uint16_t *ret_location)
{
	switch (command->opcode) {
	case NVME_ADMIN_IDENTIFY:
		*ret_transfer = to_host(NVME_IDENTIFY_SIZE);
		return STATUS_OK;
	case NVME_ADMIN_GET_LOG_PAGE:
		return decode_get_log_page(command, ret_transfer, ret_location);
	case NVME_ADMIN_GET_FEATURES:
		*ret_transfer = decode_get_features(command);
		return STATUS_OK;
	case NVME_ADMIN_SET_FEATURES:
		*ret_transfer = transfer(NVME_TRANSFER_TO_CONTROLLER, 0, FEATURES_DATA_MAX);
		return STATUS_OK;
	case NVME_ADMIN_ABORT:
	case NVME_ADMIN_ASYNC_EVENT:
	case NVME_ADMIN_KEEP_ALIVE:
		*ret_transfer = transfer(NVME_TRANSFER_NONE, 0, 0);
		return STATUS_OK;
	}
	return wrong(NVME_SC_INVALID_OPCODE, offsetof(struct nvme_command, opcode), ret_location);
}

/* ------------------------------------------------------------------ fabrics */

enum nvme_fabrics_type decode_fabrics_type(const struct nvme_command *command)
{
	return (enum nvme_fabrics_type)command->nsid.b[0];
}

struct nvme_status decode_fabrics(const struct nvme_command *command,
                                  struct decoded_transfer *ret_transfer, uint16_t *ret_location)
{
	switch ((unsigned)decode_fabrics_type(command)) {
	case NVME_FABRICS_CONNECT:
		*ret_transfer = transfer(NVME_TRANSFER_TO_CONTROLLER,
		                         NVME_CONNECT_DATA_SIZE,
		                         NVME_CONNECT_DATA_SIZE);
		return STATUS_OK;
	case NVME_FABRICS_PROPERTY_GET:
	case NVME_FABRICS_PROPERTY_SET:
	case NVME_FABRICS_DISCONNECT:
		*ret_transfer = transfer(NVME_TRANSFER_NONE, 0, 0);
		return STATUS_OK;
	}
	return wrong(NVME_SC_INVALID_FIELD, /* reserved, or not there (Base 2.1 §4.1.2) */
	             offsetof(struct nvme_connect_command, fctype),
	             ret_location);
}

struct nvme_status decode_connect(const struct nvme_command *command,
                                  struct decoded_connect *ret_connect, uint16_t *ret_location)
{
	struct nvme_connect_command wire;

	memcpy(&wire, command, sizeof(wire));
	if (le16_get(wire.recfmt) != 0)
		return wrong(NVME_SC_CONNECT_FORMAT,
		             offsetof(struct nvme_connect_command, recfmt),
		             ret_location);
	if (le16_get(wire.sqsize_0based) == 0)
		return wrong(NVME_SC_CONNECT_INVALID_PARAMETERS,
		             offsetof(struct nvme_connect_command, sqsize_0based),
		             ret_location);
	*ret_connect = (struct decoded_connect){
		.qid = le16_get(wire.qid),
		.size = le16_get(wire.sqsize_0based) + 1u,
		.sqflow_disabled = wire.cattr & NVME_CONNECT_DISABLE_SQFLOW,
		.kato_ms = le32_get(wire.kato_ms),
	};
	return STATUS_OK;
}

/* ------------------------------------------------------------------ I/O */

/* What Read, Write and Write Zeroes have in common (NVM Command Set 1.1 §3.3). */
static struct decoded_io decode_blocks(const struct nvme_command *command)
{
	uint32_t cdw12 = le32_get(command->cdw12);

	return (struct decoded_io){
		.opcode = (enum nvme_io_opcode)command->opcode,
		.nsid = le32_get(command->nsid),
		.first_block = (uint64_t)le32_get(command->cdw11) << 32 | le32_get(command->cdw10),
		.block_count = NVME_RW_NLB_0BASED(cdw12) + 1,
		.fua = cdw12 & NVME_RW_FUA,
	};
}

struct nvme_status decode_io(const struct nvme_command *command, struct decoded_io *ret_io,
                             uint16_t *ret_location)
{
	switch (command->opcode) {
	case NVME_IO_READ:
		*ret_io = decode_blocks(command);
		ret_io->direction = NVME_TRANSFER_TO_HOST;
		return STATUS_OK;
	case NVME_IO_WRITE:
		*ret_io = decode_blocks(command);
		ret_io->direction = NVME_TRANSFER_TO_CONTROLLER;
		return STATUS_OK;
	case NVME_IO_WRITE_ZEROES:
		*ret_io = decode_blocks(command);
		ret_io->deallocate = le32_get(command->cdw12) & NVME_RW_DEAC;
		return STATUS_OK;
	case NVME_IO_FLUSH:
		*ret_io = (struct decoded_io){.opcode = NVME_IO_FLUSH,
		                              .nsid = le32_get(command->nsid)};
		return STATUS_OK;
	case NVME_IO_DATASET_MANAGEMENT:
		*ret_io = (struct decoded_io){
			.opcode = NVME_IO_DATASET_MANAGEMENT,
			.direction = NVME_TRANSFER_TO_CONTROLLER,
			.nsid = le32_get(command->nsid),
			.ranges = NVME_DSM_NR_0BASED(le32_get(command->cdw10)) + 1,
			.deallocate = le32_get(command->cdw11) & NVME_DSM_AD,
		};
		return STATUS_OK;
	}
	return wrong(NVME_SC_INVALID_OPCODE, offsetof(struct nvme_command, opcode), ret_location);
}
