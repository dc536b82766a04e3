/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's capsules, decoded as an admin queue and as an I/O queue would: whatever comes in, what
 * comes out with success is in the ranges that decode.h and admission.h promise.
 *
 * Input: 4 bytes of data in the capsule, then the command. */
#include <string.h>

#include "common/base/error.h"
#include "common/nvme/decode.h"
#include "common/nvme/reservation.h"
#include "common/nvme/sgl.h"
#include "common/nvme/zns.h"
#include "common/transport/zoned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IN_CAPSULE_MAX 16384u
#define BLOCKS         1000u

#define ZONE_BLOCKS 64u

/* It is number `number`, and its blocks are of 2^shift bytes. */
#define SPACE(number, shift)                                                                       \
	.nsid = (number), .handle = (number), .ana_group = 1, .block_shift = (shift),              \
	.blocks = BLOCKS, .ready = true

static struct view_namespace namespaces[] = {{SPACE(1, 9)}, {SPACE(5, 12)}, {SPACE(6, 12)}};
static const struct view_subsystem subsystem = {.n_namespaces = 3, .namespaces = namespaces};
static struct view_port port;

static void check_transfer(const struct nvme_command *command,
                           const struct decoded_transfer *transfer, uint32_t capsule_bytes)
{
	static const struct sgl_rules rules = {.capsule_max = IN_CAPSULE_MAX};
	struct sgl_capsule capsule = {.bytes = capsule_bytes};
	struct decoded_sgl sgl;
	uint16_t location = 0;

	must(transfer->least <= transfer->most && transfer->most <= DECODE_TRANSFER_MAX);
	must(transfer->direction != NVME_TRANSFER_NONE || transfer->most == 0);
	if (!status_is_ok(
		    sgl_decode(command, &rules, &capsule, transfer->direction, &sgl, &location))) {
		must(location < sizeof(*command));
		return;
	}
	must(!sgl.in_capsule || (sgl.length == capsule_bytes && sgl.length <= IN_CAPSULE_MAX));
	must(sgl.in_capsule || capsule_bytes == 0);
}

/* False: it is no command of zones. */
static bool check_zone_command(const struct admitted *admitted)
{
	const struct link_request *wanted = &admitted->wanted;

	switch (wanted->operation) {
	case LINK_ZONE_APPEND:
		must(wanted->block_count > 0 && wanted->block_count <= ZONE_BLOCKS);
		must(admitted->transfer.most == wanted->block_count
		                                        << admitted->namespace->block_shift);
		break;
	case LINK_ZONE_SEND:
		must(link_zone_action(wanted) >= NVME_ZONE_CLOSE &&
		     link_zone_action(wanted) <= NVME_ZONE_OFFLINE);
		must(wanted->block_count == 0 && admitted->transfer.most == 0);
		break;
	case LINK_ZONE_RECEIVE:
		must(link_zone_filter(wanted) <= NVME_ZONES_OFFLINE && wanted->block_count == 0);
		must(admitted->transfer.most >= sizeof(struct nvme_zone_report) &&
		     admitted->transfer.most % 4 == 0);
		break;
	default:
		return false;
	}
	must(admitted->namespace->zone_blocks == ZONE_BLOCKS);
	must(wanted->first_block < BLOCKS && wanted->first_block % ZONE_BLOCKS == 0);
	return true;
}

static void check_admitted(const struct admitted *admitted)
{
	const struct link_request *wanted = &admitted->wanted;

	must(wanted->handle == admitted->namespace->handle);
	if (check_zone_command(admitted) || wanted->operation == LINK_FLUSH ||
	    wanted->operation == LINK_DEALLOCATE)
		return;
	must(wanted->block_count > 0);
	must(wanted->first_block < BLOCKS && wanted->block_count <= BLOCKS - wanted->first_block);
	if (wanted->operation != LINK_WRITE_ZEROES)
		must(admitted->transfer.most == wanted->block_count
		                                        << admitted->namespace->block_shift);
}

static void decode_on_io_queue(const struct nvme_command *command, uint32_t capsule_bytes)
{
	struct nvme_status status;
	struct admitted admitted;
	uint16_t location = 0;

	namespaces[2].zone_blocks = ZONE_BLOCKS;
	memset(port.ana, VIEW_ANA_OPTIMIZED, sizeof(port.ana));
	status = admission_check(&subsystem, &port, command, &admitted, &location);
	if (!status_is_ok(status))
		status = zoned_admit(&subsystem, &port, command, status, &admitted, &location);
	if (!status_is_ok(status)) {
		must(location < sizeof(*command));
		return;
	}
	check_admitted(&admitted);
	check_transfer(command, &admitted.transfer, capsule_bytes);
}

/* With the command's own bytes for its data. */
static void decode_reservation(const struct nvme_command *command, uint32_t length)
{
	const uint8_t *data = (const uint8_t *)command;
	struct decoded_reservation decoded;
	uint16_t location = 0;

	if (!status_is_ok(reservation_decode(
		    command, data, length % (sizeof(*command) + 1), &decoded, &location))) {
		must(location < sizeof(*command));
		return;
	}
	must(decoded.action <= RESERVATION_REPORT);
	must(decoded.length_bytes <= DECODE_TRANSFER_MAX && decoded.length_bytes % 4 == 0);
	if (decoded.action == RESERVATION_ACQUIRE || decoded.action == RESERVATION_PREEMPT)
		must(decoded.type >= 1 && decoded.type <= NVME_RESERVATION_TYPE_MAX);
}

static void decode_on_admin_queue(const struct nvme_command *command, uint32_t capsule_bytes)
{
	struct decoded_transfer transfer;
	struct decoded_connect connect;
	struct nvme_status status;
	uint16_t location = 0;

	if (command->opcode == NVME_FABRICS)
		status = decode_fabrics(command, &transfer, &location);
	else
		status = decode_admin(command, &transfer, &location);
	if (status_is_ok(status))
		check_transfer(command, &transfer, capsule_bytes);
	if (status_is_ok(decode_connect(command, &connect, &location)))
		must(connect.size >= 2 && connect.size <= 65536);
	must(location < sizeof(*command));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvme_command command;
	struct le32 capsule_bytes;

	if (size < sizeof(capsule_bytes) + sizeof(command))
		return 0;
	memcpy(&capsule_bytes, data, sizeof(capsule_bytes));
	memcpy(&command, data + sizeof(capsule_bytes), sizeof(command));
	decode_on_io_queue(&command, le32_get(capsule_bytes));
	decode_on_admin_queue(&command, le32_get(capsule_bytes));
	decode_reservation(&command, le32_get(capsule_bytes));
	return 0;
}
