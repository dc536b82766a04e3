/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/nvme/sgl_stage.h"

#include <string.h>

#include "tests/support/spec.h"

struct nvme_command command;
struct nvme_keyed_sgl listed[SGL_BLOCKS_MAX + 1];
struct sgl_rules rules;
struct decoded_sgl sgl;

static uint16_t location;

/* What no result has. */
static const struct decoded_sgl untouched = {.length = 0xdddddddd, .offset = 0xdddddddd};

static void given_a_command(void)
{
	memset(&command, 0, sizeof(command));
	command.flags = 0x40; /* PSDT 01b: SGL */
	location = 0xffff;
	sgl = untouched;
}

void given_a_command_of_a_stream(void)
{
	given_a_command();
	rules = (struct sgl_rules){.capsule_max = CAPSULE_MAX};
}

void set_block(struct nvme_keyed_sgl *block, uint8_t type, uint64_t address, uint32_t length,
               uint32_t key)
{
	struct le32 wire_length = le32_of(length), wire_key = le32_of(key);

	*block = (struct nvme_keyed_sgl){.address = le64_of(address), .type = type};
	memcpy(block->length, &wire_length, sizeof(block->length));
	memcpy(block->key, &wire_key, sizeof(block->key));
}

void list_blocks(unsigned n, uint32_t length)
{
	command.sgl.type = LISTED;
	command.sgl.length = le32_of(n * BLOCK_BYTES);
	for (unsigned i = 0; i < n; i++)
		set_block(&listed[i], KEYED, 0x10000 * (i + 1), length, i + 1);
}

void given_a_command_with_keys(void)
{
	given_a_command();
	memset(listed, 0, sizeof(listed));
	rules = (struct sgl_rules){.blocks_max = SGL_BLOCKS_MAX, .capsule_max = CAPSULE_MAX};
}

void describe_data(uint8_t type, uint32_t length)
{
	command.sgl.type = type;
	command.sgl.length = le32_of(length);
}

void describe_keyed(uint8_t type, uint32_t length)
{
	struct nvme_keyed_sgl block;

	set_block(&block, type, UINT64_C(0x123456789abcdef0), length, 0xfedcba98);
	memcpy(&command.sgl, &block, sizeof(block));
}

struct nvme_status decode(enum nvme_transfer direction, uint32_t capsule_bytes)
{
	struct sgl_capsule capsule = {.bytes = capsule_bytes,
	                              .list = sgl_is_segment(&command) ? listed : NULL};

	return sgl_decode(&command, &rules, &capsule, direction, &sgl, &location);
}

void expect(struct nvme_status status, enum nvme_status_code code, size_t field)
{
	ck_assert_msg(status.value == ((unsigned)code | NVME_STATUS_DNR),
	              "status %04x (%s)",
	              status.value,
	              status_words(status));
	ck_assert_uint_eq(location, field);
	ck_assert_mem_eq(&sgl, &untouched, sizeof(sgl));
}

void expect_ok(struct nvme_status status)
{
	ck_assert_msg(status_is_ok(status), "status %04x (%s)", status.value, status_words(status));
	ck_assert_uint_eq(location, 0xffff);
}

void expect_elsewhere(uint32_t length, uint32_t n_listed)
{
	ck_assert(!sgl.in_capsule);
	ck_assert_uint_eq(sgl.offset, 0);
	ck_assert_uint_eq(sgl.length, length);
	ck_assert_uint_eq(sgl.n_listed, n_listed);
}
