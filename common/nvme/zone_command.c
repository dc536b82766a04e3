/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/zone_command.h"

#include <stddef.h>

#include "common/nvme/decode.h"
#include "common/nvme/zns.h"

/* cdw13 */
#define ACTION(cdw13)       ((uint8_t)(cdw13))
#define SELECT_ALL          (1u << 8)                 /* of Send */
#define SEND_OPTION         (1u << 9)                 /* of Open: with a random write area */
#define FILTER(cdw13)       ((uint8_t)((cdw13) >> 8)) /* of Receive */
#define PARTIAL_REPORT      (1u << 16)
#define ACTION_BYTE         offsetof(struct nvme_command, cdw13)
#define SEND_OPTION_BIT     ((ACTION_BYTE + 1) | 1u << 8) /* as a Parameter Error Location */
#define RECEIVE_ASPECT_BYTE (ACTION_BYTE + 1)

static struct nvme_status wrong(size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status_dnr(NVME_SC_INVALID_FIELD);
}

bool zone_command_is(uint8_t opcode)
{
	return opcode == NVME_IO_ZONE_APPEND || opcode == NVME_IO_ZONE_MANAGEMENT_SEND ||
	       opcode == NVME_IO_ZONE_MANAGEMENT_RECEIVE;
}

/* There are no descriptor extensions to be set (ZDES is 0), and no random write area (ZRWASUP is
 * 0). */
static struct nvme_status decode_send(uint32_t cdw13, struct decoded_zone_command *decoded,
                                      uint16_t *ret_location)
{
	decoded->action = ACTION(cdw13);
	decoded->is_of_all = cdw13 & SELECT_ALL;
	switch ((enum nvme_zone_send_action)decoded->action) {
	case NVME_ZONE_OPEN:
		if (cdw13 & SEND_OPTION)
			return wrong(SEND_OPTION_BIT, ret_location);
		return STATUS_OK;
	case NVME_ZONE_CLOSE:
	case NVME_ZONE_FINISH:
	case NVME_ZONE_RESET:
	case NVME_ZONE_OFFLINE:
		return STATUS_OK;
	case NVME_ZONE_SET_EXTENSION:
	case NVME_ZONE_FLUSH_ZRWA:
		break;
	}
	return wrong(ACTION_BYTE, ret_location);
}

static struct nvme_status decode_receive(const struct nvme_command *command,
                                         struct decoded_zone_command *decoded,
                                         uint16_t *ret_location)
{
	uint64_t bytes = ((uint64_t)le32_get(command->cdw12) + 1) * 4; /* NUMD, 0-based */
	uint32_t cdw13 = le32_get(command->cdw13);

	if (bytes > DECODE_TRANSFER_MAX || bytes < sizeof(struct nvme_zone_report))
		return wrong(offsetof(struct nvme_command, cdw12), ret_location);
	if (ACTION(cdw13) != NVME_ZONE_REPORT)
		return wrong(ACTION_BYTE, ret_location);
	if (FILTER(cdw13) > NVME_ZONES_OFFLINE)
		return wrong(RECEIVE_ASPECT_BYTE, ret_location);
	decoded->bytes = (uint32_t)bytes;
	decoded->action = ACTION(cdw13);
	decoded->filter = FILTER(cdw13);
	decoded->is_partial = cdw13 & PARTIAL_REPORT;
	return STATUS_OK;
}

struct nvme_status zone_command_decode(const struct nvme_command *command,
                                       struct decoded_zone_command *ret_decoded,
                                       uint16_t *ret_location)
{
	uint32_t cdw12 = le32_get(command->cdw12);
	struct decoded_zone_command decoded = {
		.first_block = (uint64_t)le32_get(command->cdw11) << 32 | le32_get(command->cdw10),
	};
	struct nvme_status status = STATUS_OK;

	if (command->opcode == NVME_IO_ZONE_MANAGEMENT_SEND) {
		status = decode_send(le32_get(command->cdw13), &decoded, ret_location);
	} else if (command->opcode == NVME_IO_ZONE_MANAGEMENT_RECEIVE) {
		status = decode_receive(command, &decoded, ret_location);
	} else {
		decoded.block_count = NVME_RW_NLB_0BASED(cdw12) + 1;
		decoded.fua = cdw12 & NVME_RW_FUA;
	}
	if (status_is_ok(status))
		*ret_decoded = decoded;
	return status;
}
