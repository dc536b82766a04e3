/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/guarded.h"

#include <string.h>

static struct harness_exports exports(void)
{
	return (struct harness_exports){
		.ports = {{.traddr = "127.0.0.1", .shows_protection = true},
	                  {.traddr = "127.0.0.1"}},
		.subsystems =
			{{.nqn = HARNESS_NQN,
	                  .shows_protection = true,
	                  .namespaces = {{.nsid = 1,
	                                  .path = "disk",
	                                  .create_bytes = 64 << 20,
	                                  .has_protection = true},
	                                 {.nsid = 2,
	                                  .path = "disk-4096",
	                                  .create_bytes = 64 << 20,
	                                  .block_bytes = 4096,
	                                  .has_protection = true},
	                                 {.nsid = 3, .path = "ram:32M", .has_protection = true},
	                                 {.nsid = 4, .path = "plain", .create_bytes = 16 << 20}}}                                                },
	};
}

void guarded_start(void)
{
	const struct harness_exports all = exports();

	scene_start(&all);
}

void guarded_connect(unsigned port)
{
	scene.options = harness_host(scene.harness, port, 0);
	scene_connect();
}

/* ------------------------------------------------------------------ blocks with tuples */

uint8_t guarded_data[GUARDED_BYTES], guarded_found[GUARDED_BYTES];

uint16_t guarded_crc(const uint8_t *at, size_t length)
{
	unsigned crc = 0;

	for (; length > 0; length--, at++) {
		crc ^= (unsigned)*at << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ 0x8bb7 : crc << 1;
	}
	return (uint16_t)crc;
}

struct nvme_protection *guarded_tuple(uint8_t *bytes, uint32_t nsid, unsigned i)
{
	uint32_t block_bytes = scene.spaces[nsid].block_bytes;

	return (struct nvme_protection *)(bytes + i * (block_bytes + 8) + block_bytes);
}

void guarded_fill(uint32_t nsid, uint64_t lba, uint16_t application, uint64_t seed)
{
	uint32_t block_bytes = scene.spaces[nsid].block_bytes;

	for (unsigned i = 0; i < GUARDED_BLOCKS; i++) {
		uint8_t *block = guarded_data + i * (block_bytes + 8);

		scene_fill(block, block_bytes, seed + i);
		*guarded_tuple(guarded_data, nsid, i) = (struct nvme_protection){
			.guard = be16_of(guarded_crc(block, block_bytes)),
			.application = be16_of(application),
			.reference = be32_of((uint32_t)(lba + i)),
		};
	}
}

static struct nvme_status move(uint8_t opcode, uint32_t nsid, uint64_t lba, uint32_t prinfo,
                               uint32_t tags, void *bytes)
{
	struct host_request request = host_io(
		&scene.spaces[nsid], opcode, lba, GUARDED_BLOCKS, bytes);

	request.command.cdw12 = le32_of((GUARDED_BLOCKS - 1) | prinfo);
	request.command.cdw14 = le32_of((uint32_t)lba);
	request.command.cdw15 = le32_of(tags);
	request.length += GUARDED_BLOCKS * 8;
	return scene_execute(&request);
}

struct nvme_status guarded_put(uint32_t nsid, uint64_t lba, uint32_t prinfo, uint32_t tags)
{
	return move(NVME_IO_WRITE, nsid, lba, prinfo, tags, guarded_data);
}

struct nvme_status guarded_get(uint32_t nsid, uint64_t lba, uint32_t prinfo, uint32_t tags)
{
	memset(guarded_found, 0xee, sizeof(guarded_found));
	return move(NVME_IO_READ, nsid, lba, prinfo, tags, guarded_found);
}

void guarded_expect_same(uint32_t nsid)
{
	ck_assert_mem_eq(
		guarded_data, guarded_found, GUARDED_BLOCKS * (scene.spaces[nsid].block_bytes + 8));
}
