/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/zoned.h"

#include <stddef.h>

#include "common/nvme/zone_command.h"
#include "common/transport/error_log.h"

#define AT(field) offsetof(struct nvme_command, field)

static struct nvme_status wrong(enum nvme_status_code code, size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status_dnr(code);
}

const char *zoned_take(struct view_namespace *namespace, const Nvmetd__NamespaceView *from)
{
	if (from->zone_blocks & (from->zone_blocks - 1))
		return "a zone's size is not a power of two";
	namespace->zone_blocks = from->zone_blocks;
	if (namespace->zone_blocks == 0)
		return NULL;
	namespace->is_plain = false;
	namespace->grant = 0; /* who writes zones keeps their write pointers */
	return NULL;
}

bool zoned_is_hint(const struct view_namespace *namespace, const struct link_request *wanted)
{
	return namespace->zone_blocks > 0 && wanted->operation == LINK_DEALLOCATE;
}

/* ------------------------------------------------------------------ admission */

static struct nvme_status find(const struct view_subsystem *subsystem, const struct view_port *port,
                               const struct nvme_command *command,
                               const struct view_namespace **ret_namespace, uint16_t *ret_location)
{
	const struct view_namespace *namespace;
	struct nvme_status status = admission_find(
		subsystem, port, le32_get(command->nsid), &namespace, ret_location);

	if (!status_is_ok(status))
		return status;
	if (!namespace->ready && namespace->blocks == 0) { /* what it is, is not known */
		*ret_location = AT(nsid);
		return status_of(NVME_SC_INTERNAL_PATH_ERROR);
	}
	if (namespace->zone_blocks == 0)
		return wrong(NVME_SC_INVALID_OPCODE, AT(opcode), ret_location);
	if (namespace->write_protected && command->opcode != NVME_IO_ZONE_MANAGEMENT_RECEIVE)
		return wrong(NVME_SC_NAMESPACE_WRITE_PROTECTED, AT(opcode), ret_location);
	*ret_namespace = namespace;
	return STATUS_OK;
}

/* ZSLBA, or SLBA of what is not of all zones (ZNS 1.1 §3.4.1, §3.4.3). */
static struct nvme_status check_zone(const struct view_namespace *namespace, uint64_t first_block,
                                     uint16_t *ret_location)
{
	if (first_block >= namespace->blocks)
		return wrong(NVME_SC_LBA_RANGE, AT(cdw10), ret_location);
	if (first_block & (namespace->zone_blocks - 1))
		return wrong(NVME_SC_INVALID_FIELD, AT(cdw10), ret_location);
	return STATUS_OK;
}

static struct nvme_status want_append(struct admitted *admitted,
                                      const struct decoded_zone_command *zone,
                                      uint16_t *ret_location)
{
	const struct view_namespace *namespace = admitted->namespace;
	struct nvme_status status;
	uint32_t bytes;

	if (zone->block_count > DECODE_TRANSFER_MAX >> namespace->block_shift) /* ZASL is 0: MDTS */
		return wrong(NVME_SC_INVALID_FIELD, AT(cdw12), ret_location);
	status = check_zone(namespace, zone->first_block, ret_location);
	if (!status_is_ok(status))
		return status;
	if (zone->block_count > namespace->zone_blocks)
		return wrong(NVME_SC_ZONE_BOUNDARY, AT(cdw12), ret_location);
	bytes = zone->block_count << namespace->block_shift;
	admitted->wanted.operation = LINK_ZONE_APPEND;
	admitted->wanted.flags = zone->fua ? LINK_FUA : 0;
	admitted->wanted.first_block = zone->first_block;
	admitted->wanted.block_count = zone->block_count;
	admitted->transfer = (struct decoded_transfer){
		.direction = NVME_TRANSFER_TO_CONTROLLER, .least = bytes, .most = bytes};
	return STATUS_OK;
}

static struct nvme_status want_send(struct admitted *admitted,
                                    const struct decoded_zone_command *zone, uint16_t *ret_location)
{
	struct nvme_status status = STATUS_OK;

	if (!zone->is_of_all)
		status = check_zone(admitted->namespace, zone->first_block, ret_location);
	if (!status_is_ok(status))
		return status;
	admitted->wanted.operation = LINK_ZONE_SEND;
	admitted->wanted.first_block = zone->is_of_all ? 0 : zone->first_block;
	admitted->wanted.application_tag = LINK_ZONE(zone->action, 0);
	admitted->wanted.application_mask = zone->is_of_all ? LINK_ZONE_ALL : 0;
	return STATUS_OK;
}

/* A report begins with the zone that has the block. */
static struct nvme_status want_receive(struct admitted *admitted,
                                       const struct decoded_zone_command *zone,
                                       uint16_t *ret_location)
{
	const struct view_namespace *namespace = admitted->namespace;

	if (zone->first_block >= namespace->blocks)
		return wrong(NVME_SC_LBA_RANGE, AT(cdw10), ret_location);
	admitted->wanted.operation = LINK_ZONE_RECEIVE;
	admitted->wanted.first_block = zone->first_block & ~(namespace->zone_blocks - 1);
	admitted->wanted.application_tag = LINK_ZONE(zone->action, zone->filter);
	admitted->wanted.application_mask = zone->is_partial ? LINK_ZONE_PARTIAL : 0;
	admitted->transfer = (struct decoded_transfer){
		.direction = NVME_TRANSFER_TO_HOST, .least = zone->bytes, .most = zone->bytes};
	return STATUS_OK;
}

static struct nvme_status want(struct admitted *admitted, const struct nvme_command *command,
                               uint16_t *ret_location)
{
	struct decoded_zone_command zone;
	struct nvme_status status = zone_command_decode(command, &zone, ret_location);

	if (!status_is_ok(status))
		return status;
	admitted->wanted.handle = admitted->namespace->handle;
	switch (command->opcode) {
	case NVME_IO_ZONE_APPEND:
		return want_append(admitted, &zone, ret_location);
	case NVME_IO_ZONE_MANAGEMENT_SEND:
		return want_send(admitted, &zone, ret_location);
	default:
		return want_receive(admitted, &zone, ret_location);
	}
}

struct nvme_status zoned_admit(const struct view_subsystem *subsystem, const struct view_port *port,
                               const struct nvme_command *command, struct nvme_status status,
                               struct admitted *ret_admitted, uint16_t *ret_location)
{
	struct admitted admitted = {.transfer = {.direction = NVME_TRANSFER_NONE}};

	if (status_code(status) != NVME_SC_INVALID_OPCODE || !zone_command_is(command->opcode))
		return status;
	status = find(subsystem, port, command, &admitted.namespace, ret_location);
	if (status_is_ok(status))
		status = want(&admitted, command, ret_location);
	if (!status_is_ok(status))
		return status;
	*ret_admitted = admitted;
	*ret_location = ERROR_LOG_NO_LOCATION; /* the opcode is wrong no more */
	return status;
}
