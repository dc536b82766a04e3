/* SPDX-License-Identifier: BSD-2-Clause */
/* The Identify pages, read by offset as the specification prints them (Base 2.1 §5.1.13). */
#include <string.h>

#include "common/nvme/identify.h"
#include "common/nvme/protection.h"
#include "common/nvme/zns.h"
#include "tests/host/controller.h"

static uint16_t u16_at(const uint8_t *page, unsigned offset)
{
	struct le16 wire;

	memcpy(&wire, page + offset, sizeof(wire));
	return le16_get(wire);
}

static uint32_t u32_at(const uint8_t *page, unsigned offset)
{
	struct le32 wire;

	memcpy(&wire, page + offset, sizeof(wire));
	return le32_get(wire);
}

static uint64_t u64_at(const uint8_t *page, unsigned offset)
{
	struct le64 wire;

	memcpy(&wire, page + offset, sizeof(wire));
	return le64_get(wire);
}

/* Text padded with spaces. */
static void text_at(char *to, const uint8_t *from, size_t size)
{
	memcpy(to, from, size);
	while (size > 0 && to[size - 1] == ' ')
		size--;
	to[size] = 0;
}

void host_identity_read(const uint8_t page[NVME_IDENTIFY_SIZE], struct host_identity *ret_identity)
{
	uint8_t mdts = page[77];
	uint32_t ioccsz = u32_at(page, 1792);

	*ret_identity = (struct host_identity){
		.cntlid = u16_at(page, 78),
		.transfer_max = mdts && mdts < 20 ? 4096u << mdts : UINT32_MAX,
		.oaes = u32_at(page, 92),
		.ctratt = u32_at(page, 96),
		.type = page[111],
		.acl_0based = page[258],
		.aerl_0based = page[259],
		.kas_100ms = u16_at(page, 320),
		.maxcmd = u16_at(page, 514),
		.namespaces = u32_at(page, 516),
		.oncs = u16_at(page, 520),
		.vwc = page[525],
		.in_capsule_bytes = ioccsz > 4 && ioccsz < 1 << 20 ? ioccsz * 16 - 64 : 0,
	};
	text_at(ret_identity->serial, page + 4, 20);
	text_at(ret_identity->model, page + 24, 40);
	text_at(ret_identity->firmware, page + 64, 8);
	memcpy(ret_identity->subnqn, page + 768, NVME_NQN_SIZE - 1);
}

/* Namespace Identification Descriptors: NIDT, NIDL, two reserved bytes, NID (§5.1.13.2.3). NULL:
 * there is none of this type and length. */
static const uint8_t *find_descriptor(const uint8_t *page, uint8_t type, uint8_t length)
{
	for (unsigned at = 0; at + 4 <= NVME_IDENTIFY_SIZE && page[at + 1]; at += 4u + page[at + 1])
		if (page[at] == type && page[at + 1] == length &&
		    at + 4 + length <= NVME_IDENTIFY_SIZE)
			return page + at + 4;
	return NULL;
}

/* 0's based, without a limit all ones. */
static uint32_t zones_at(const uint8_t *page, unsigned offset)
{
	return u32_at(page, offset) + 1;
}

static int identify_zones(struct host_controller *controller, struct host_namespace *space)
{
	uint8_t page[NVME_IDENTIFY_SIZE];
	int r = host_identify(controller,
	                      NVME_CNS_CSI_NAMESPACE,
	                      space->nsid,
	                      (uint32_t)NVME_CSI_ZNS << 24,
	                      page);

	if (r)
		return r;
	space->zones_active_max = zones_at(page, 4);
	space->zones_open_max = zones_at(page, 8);
	space->zone_blocks = u64_at(page, 2816);
	if (space->zone_blocks == 0 || space->zone_blocks & (space->zone_blocks - 1))
		return host_connection_says(&controller->admin.connection,
		                            HOST_E_BROKEN,
		                            "namespace %u: zones of %llu blocks",
		                            space->nsid,
		                            (unsigned long long)space->zone_blocks);
	return 0;
}

static int read_descriptors(struct host_controller *controller, const uint8_t *page,
                            struct host_namespace *space)
{
	const uint8_t *uuid = find_descriptor(page, NVME_NIDT_UUID, sizeof(space->uuid));
	const uint8_t *csi = find_descriptor(page, NVME_NIDT_CSI, 1);

	if (uuid)
		memcpy(space->uuid, uuid, sizeof(space->uuid));
	return csi && *csi == NVME_CSI_ZNS ? identify_zones(controller, space) : 0;
}

/* Protection information of Type 1 in extended blocks; other metadata we cannot handle. */
static bool has_protection(const uint8_t *page, bool *ret_is_strange)
{
	unsigned format = 128 + (page[26] & 0xf) * 4u;
	unsigned metadata_bytes = page[format] | (unsigned)page[format + 1] << 8;
	bool has = metadata_bytes == NVME_PROTECTION_SIZE && (page[29] & 7) == 1;

	*ret_is_strange = metadata_bytes != 0 && !(has && page[26] & NVME_FLBAS_EXTENDED);
	return has;
}

int host_namespace_identify(struct host_controller *controller, uint32_t nsid,
                            struct host_namespace *ret_namespace)
{
	struct host_namespace space = {.nsid = nsid};
	uint8_t page[NVME_IDENTIFY_SIZE];
	bool is_strange;
	uint8_t lbads;
	int r;

	r = host_identify(controller, NVME_CNS_NAMESPACE, nsid, 0, page);
	if (r)
		return r;
	space.blocks = u64_at(page, 0);
	space.ana_group = u32_at(page, 92);
	space.is_read_only = page[99] & 1;
	memcpy(space.nguid, page + 104, sizeof(space.nguid));
	lbads = page[128 + (page[26] & 0xf) * 4 + 2];
	if (space.blocks == 0)
		return host_connection_says(&controller->admin.connection,
		                            HOST_E_BROKEN,
		                            "namespace %u is not active",
		                            nsid);
	if (lbads < 9 || lbads > 16)
		return host_connection_says(&controller->admin.connection,
		                            HOST_E_BROKEN,
		                            "namespace %u: LBADS %u",
		                            nsid,
		                            lbads);
	space.block_bytes = 1u << lbads;
	space.has_protection = has_protection(page, &is_strange);
	if (is_strange)
		return host_connection_says(&controller->admin.connection,
		                            HOST_E_BROKEN,
		                            "namespace %u: metadata that is no protection "
		                            "information",
		                            nsid);
	r = host_identify(controller, NVME_CNS_NAMESPACE_DESCRIPTORS, nsid, 0, page);
	if (r)
		return r;
	r = read_descriptors(controller, page, &space);
	if (!r)
		*ret_namespace = space;
	return r;
}

struct host_request host_io(const struct host_namespace *space, uint8_t opcode, uint64_t first_lba,
                            uint32_t blocks, void *data)
{
	enum nvme_transfer direction = (enum nvme_transfer)(opcode & 3);
	uint32_t prinfo = 0;

	if (space->has_protection && opcode != NVME_IO_FLUSH)
		prinfo = NVME_PRINFO_ACTION << 26;
	/* Write Zeroes has the bits of no transfer; Flush has no blocks */
	return (struct host_request){
		.command = {.opcode = opcode,
	                    .nsid = le32_of(space->nsid),
	                    .cdw10 = le32_of((uint32_t)first_lba),
	                    .cdw11 = le32_of((uint32_t)(first_lba >> 32)),
	                    .cdw12 = le32_of(blocks ? (blocks - 1) | prinfo : 0),
	                    .cdw14 = le32_of(prinfo ? (uint32_t)first_lba : 0)},
		.direction = direction,
		.data = data,
		.length = direction == NVME_TRANSFER_NONE ? 0 : blocks * space->block_bytes,
	};
}
