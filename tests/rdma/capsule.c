/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/rdma/capsule.h"

#include <string.h>

#include "common/base/error.h"

#define PSDT_SGL 0x40

struct capsule_sgl sgl_of(enum capsule_sgl_type type, uint64_t address, uint32_t length,
                          uint32_t key)
{
	struct capsule_sgl sgl = {.address = address, .type = (uint8_t)type};
	uint32_t high = length >> 24;

	memcpy(sgl.length, &length, sizeof(sgl.length));
	if (type != SGL_KEYED && type != SGL_KEYED_INVALIDATE)
		key = high;
	memcpy(sgl.key, &key, sizeof(sgl.key));
	return sgl;
}

struct capsule_sgl sgl_keyed(const struct wire_memory *memory, size_t offset, uint32_t length)
{
	return sgl_of(SGL_KEYED, (uintptr_t)memory->bytes + offset, length, memory->key);
}

void capsule_set_sgl(struct capsule *capsule, struct capsule_sgl sgl)
{
	memcpy(&capsule->command.sgl, &sgl, sizeof(capsule->command.sgl));
}

struct capsule_sgl sgl_none(void)
{
	return sgl_of(SGL_KEYED, 0, 0, 0);
}

struct capsule capsule_of(struct nvme_command command, struct capsule_sgl sgl)
{
	struct capsule capsule = {.command = command, .length = CAPSULE_COMMAND};

	capsule.command.flags = PSDT_SGL;
	capsule_set_sgl(&capsule, sgl);
	return capsule;
}

void capsule_list(struct capsule *capsule, const struct capsule_sgl *list, uint32_t count)
{
	uint32_t bytes = count * (uint32_t)sizeof(*list);

	must(bytes <= sizeof(capsule->rest));
	memcpy(capsule->rest, list, bytes);
	capsule->length = CAPSULE_COMMAND + bytes;
	capsule_set_sgl(capsule, sgl_of(SGL_LAST_SEGMENT, 0, bytes, 0));
}

void capsule_bring(struct capsule *capsule, const void *data, uint32_t length)
{
	must(length <= sizeof(capsule->rest));
	memcpy(capsule->rest, data, length);
	capsule->length = CAPSULE_COMMAND + length;
	capsule_set_sgl(capsule, sgl_of(SGL_IN_CAPSULE, 0, length, 0));
}

static uint64_t origin;

void command_begin_at(uint64_t first_block)
{
	origin = first_block;
}

struct nvme_command command_io(uint8_t opcode, uint32_t nsid, uint64_t first_block, uint32_t blocks)
{
	first_block += origin;
	return (struct nvme_command){
		.opcode = opcode,
		.nsid = le32_of(nsid),
		.cdw10 = le32_of((uint32_t)first_block),
		.cdw11 = le32_of((uint32_t)(first_block >> 32)),
		.cdw12 = le32_of(blocks - 1),
	};
}

struct nvme_command command_identify(uint32_t cns, uint32_t nsid)
{
	return (struct nvme_command){
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = le32_of(nsid),
		.cdw10 = le32_of(cns),
	};
}

struct nvme_command command_log(uint8_t lid, uint32_t bytes)
{
	return (struct nvme_command){
		.opcode = NVME_ADMIN_GET_LOG_PAGE,
		.nsid = le32_of(NVME_NSID_ALL),
		.cdw10 = le32_of((bytes / 4 - 1) << 16 | lid),
	};
}

struct nvme_command command_property_get(uint32_t offset, bool is_64_bit)
{
	struct nvme_property_command property = {
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_PROPERTY_GET,
		.attrib = is_64_bit,
		.ofst = le32_of(offset),
	};
	struct nvme_command command;

	memcpy(&command, &property, sizeof(command));
	return command;
}

struct nvme_command command_property_set(uint32_t offset, uint64_t value)
{
	struct nvme_property_command property = {
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_PROPERTY_SET,
		.ofst = le32_of(offset),
		.value = le64_of(value),
	};
	struct nvme_command command;

	memcpy(&command, &property, sizeof(command));
	return command;
}

struct nvme_command command_queues(uint16_t count)
{
	return (struct nvme_command){
		.opcode = NVME_ADMIN_SET_FEATURES,
		.cdw10 = le32_of(NVME_FEATURE_NUMBER_OF_QUEUES),
		.cdw11 = le32_of((uint32_t)(count - 1) << 16 | (count - 1u)),
	};
}

struct nvme_command command_connect(uint16_t qid, uint32_t entries, uint32_t kato_ms)
{
	struct nvme_connect_command connect = {
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_CONNECT,
		.qid = le16_of(qid),
		.sqsize_0based = le16_of((uint16_t)(entries - 1)),
		.kato_ms = le32_of(kato_ms),
	};
	struct nvme_command command;

	memcpy(&command, &connect, sizeof(command));
	return command;
}
