/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/reservation.h"

/* cdw10: the action in bits 2:0, IEKEY bit 3, RTYPE bits 15:8, CPTPL bits 31:30. DISNSRS (bit 4)
 * says what a host can do with dispersed namespaces, of which there are none here. */
#define ACTION(cdw10)  ((cdw10)&0x7u)
#define IEKEY(cdw10)   (((cdw10) >> 3) & 0x1u)
#define RTYPE(cdw10)   (((cdw10) >> 8) & 0xffu)
#define CPTPL(cdw10)   ((cdw10) >> 30)
#define RTYPE_BYTE     (offsetof(struct nvme_command, cdw10) + 1)
#define CPTPL_BYTE     (offsetof(struct nvme_command, cdw10) + 3)
#define ACTION_BYTE    offsetof(struct nvme_command, cdw10)
#define CPTPL_RESERVED 1u
#define EDS            0x1u /* cdw11 of Report: with host identifiers of 128 bits */
#define KEY_BYTES      8u

unsigned reservation_rights(enum nvme_reservation_type type, bool has_rights)
{
	if (type == NVME_RESERVATION_NONE || has_rights)
		return RESERVATION_MAY_READ | RESERVATION_MAY_WRITE;
	switch (type) {
	case NVME_RESERVATION_WRITE_EXCLUSIVE:
	case NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS:
	case NVME_RESERVATION_WRITE_EXCLUSIVE_ALL:
		return RESERVATION_MAY_READ;
	default:
		return 0;
	}
}

enum reservation_right reservation_need(uint8_t opcode)
{
	return opcode == NVME_IO_READ || opcode == NVME_IO_ZONE_MANAGEMENT_RECEIVE
	               ? RESERVATION_MAY_READ
	               : RESERVATION_MAY_WRITE;
}

/* ------------------------------------------------------------------ commands */

bool reservation_is_command(uint8_t opcode)
{
	return opcode == NVME_IO_RESERVATION_REGISTER || opcode == NVME_IO_RESERVATION_REPORT ||
	       opcode == NVME_IO_RESERVATION_ACQUIRE || opcode == NVME_IO_RESERVATION_RELEASE;
}

static struct nvme_status wrong(size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status_dnr(NVME_SC_INVALID_FIELD);
}

static struct nvme_status decode_report_transfer(const struct nvme_command *command,
                                                 struct decoded_transfer *ret_transfer,
                                                 uint16_t *ret_location)
{
	uint64_t length = ((uint64_t)le32_get(command->cdw10) + 1) * 4; /* NUMD, 0-based */

	if (length > DECODE_TRANSFER_MAX)
		return wrong(offsetof(struct nvme_command, cdw10), ret_location);
	*ret_transfer = (struct decoded_transfer){.direction = NVME_TRANSFER_TO_HOST,
	                                          .least = (uint32_t)length,
	                                          .most = (uint32_t)length};
	return STATUS_OK;
}

/* Release has one key; Linux before 6.16 sends room for two. */
struct nvme_status reservation_decode_transfer(const struct nvme_command *command,
                                               struct decoded_transfer *ret_transfer,
                                               uint16_t *ret_location)
{
	if (command->opcode == NVME_IO_RESERVATION_REPORT)
		return decode_report_transfer(command, ret_transfer, ret_location);
	*ret_transfer = (struct decoded_transfer){
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.least = command->opcode == NVME_IO_RESERVATION_RELEASE ? KEY_BYTES : 2 * KEY_BYTES,
		.most = 2 * KEY_BYTES,
	};
	return STATUS_OK;
}

static uint64_t key_at(const uint8_t *data)
{
	const struct le64 *key = (const struct le64 *)data;

	return le64_get(*key);
}

static struct nvme_status decode_register(uint32_t cdw10, const uint8_t *data,
                                          struct decoded_reservation *decoded,
                                          uint16_t *ret_location)
{
	if (ACTION(cdw10) > 2)
		return wrong(ACTION_BYTE, ret_location);
	if (CPTPL(cdw10) == CPTPL_RESERVED)
		return wrong(CPTPL_BYTE, ret_location);
	decoded->action = (enum reservation_action)(RESERVATION_REGISTER + ACTION(cdw10));
	decoded->ignores_key = IEKEY(cdw10);
	decoded->persist = (enum reservation_persist)CPTPL(cdw10);
	decoded->key = key_at(data);
	decoded->new_key = key_at(data + KEY_BYTES);
	return STATUS_OK;
}

/* Of Acquire and Release IEKEY must be 0. */
static struct nvme_status decode_acquire(uint32_t cdw10, const uint8_t *data,
                                         struct decoded_reservation *decoded,
                                         uint16_t *ret_location)
{
	if (ACTION(cdw10) > 2 || IEKEY(cdw10))
		return wrong(ACTION_BYTE, ret_location);
	if (RTYPE(cdw10) == NVME_RESERVATION_NONE || RTYPE(cdw10) > NVME_RESERVATION_TYPE_MAX)
		return wrong(RTYPE_BYTE, ret_location);
	decoded->action = ACTION(cdw10) == 0 ? RESERVATION_ACQUIRE : RESERVATION_PREEMPT;
	decoded->type = (enum nvme_reservation_type)RTYPE(cdw10);
	decoded->key = key_at(data);
	decoded->new_key = key_at(data + KEY_BYTES);
	return STATUS_OK;
}

static struct nvme_status decode_release(uint32_t cdw10, const uint8_t *data,
                                         struct decoded_reservation *decoded,
                                         uint16_t *ret_location)
{
	if (ACTION(cdw10) > 1 || IEKEY(cdw10))
		return wrong(ACTION_BYTE, ret_location);
	decoded->action = ACTION(cdw10) == 0 ? RESERVATION_RELEASE : RESERVATION_CLEAR;
	decoded->type = (enum nvme_reservation_type)RTYPE(cdw10);
	decoded->key = key_at(data);
	return STATUS_OK;
}

/* All our hosts have identifiers of 128 bits. */
static struct nvme_status decode_report(const struct nvme_command *command,
                                        struct decoded_reservation *decoded, uint16_t *ret_location)
{
	struct decoded_transfer transfer;
	struct nvme_status status = decode_report_transfer(command, &transfer, ret_location);

	if (!status_is_ok(status))
		return status;
	if (!(le32_get(command->cdw11) & EDS)) {
		*ret_location = offsetof(struct nvme_command, cdw11);
		return status_dnr(NVME_SC_HOST_ID_INCONSISTENT);
	}
	decoded->action = RESERVATION_REPORT;
	decoded->length_bytes = transfer.least;
	return STATUS_OK;
}

struct nvme_status reservation_decode(const struct nvme_command *command, const uint8_t *data,
                                      size_t length, struct decoded_reservation *ret_decoded,
                                      uint16_t *ret_location)
{
	struct decoded_reservation decoded = {.action = RESERVATION_REPORT};
	struct decoded_transfer transfer;
	uint32_t cdw10 = le32_get(command->cdw10);
	struct nvme_status status = reservation_decode_transfer(command, &transfer, ret_location);

	if (!status_is_ok(status))
		return status;
	if (transfer.direction == NVME_TRANSFER_TO_CONTROLLER &&
	    (length < transfer.least || length > transfer.most)) {
		*ret_location = offsetof(struct nvme_command, sgl.length);
		return status_dnr(NVME_SC_SGL_DATA_LENGTH);
	}
	switch (command->opcode) {
	case NVME_IO_RESERVATION_REGISTER:
		status = decode_register(cdw10, data, &decoded, ret_location);
		break;
	case NVME_IO_RESERVATION_ACQUIRE:
		status = decode_acquire(cdw10, data, &decoded, ret_location);
		break;
	case NVME_IO_RESERVATION_RELEASE:
		status = decode_release(cdw10, data, &decoded, ret_location);
		break;
	default:
		status = decode_report(command, &decoded, ret_location);
	}
	if (status_is_ok(status))
		*ret_decoded = decoded;
	return status;
}
