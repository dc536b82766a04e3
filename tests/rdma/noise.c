/* SPDX-License-Identifier: BSD-2-Clause */
/* Capsules and private data that no host would send, a few thousand of them: whatever becomes of
 * their queue, the target lives, and others do not notice. */
#include <string.h>

#include "tests/rdma/suites.h"

#define CAPSULES 1500u
#define REQUESTS 100u

static struct host villain;
static uint64_t state;

static void given_a_villain(void)
{
	given_a_good_host();
	host_come(&villain);
	state = 0x243f6a8885a308d3u;
}

static void both_leave(void)
{
	host_leave(&villain);
	good_host_leaves();
}

static uint64_t dice(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t one_of(uint32_t n)
{
	return (uint32_t)(dice() >> 32) % n;
}

static struct capsule_sgl random_sgl(const struct wire_memory *memory)
{
	static const uint8_t types[] = {0x40, 0x40, 0x4f, 0x01, 0x31, 0x00, 0x30, 0x5a, 0x41};
	struct capsule_sgl sgl = sgl_keyed(memory, one_of(65536), one_of(65536));

	sgl.type = one_of(8) ? types[one_of(sizeof(types))] : (uint8_t)dice();
	if (sgl.type == SGL_IN_CAPSULE || sgl.type == SGL_LAST_SEGMENT)
		sgl = sgl_of((enum capsule_sgl_type)sgl.type,
		             one_of(4) ? 0 : one_of(70000),
		             one_of(2) ? 16 * one_of(24) : one_of(20000),
		             0);
	return sgl;
}

/* Mostly a command, with fields that may be wrong; now and then nothing but noise. Writes go to
 * where nobody reads: cdw10 is kept small and above the others' blocks. */
static struct capsule random_capsule(const struct wire_memory *memory, uint32_t room)
{
	static const uint8_t opcodes[] = {
		0x00, 0x01, 0x02, 0x01, 0x02, 0x08, 0x09, 0x06, 0x7f, 0x0c};
	struct nvme_command command = command_io(opcodes[one_of(sizeof(opcodes))],
	                                         one_of(8) ? SCENE_SPACE : one_of(5),
	                                         20000 + one_of(10000),
	                                         1 + one_of(one_of(8) ? 64 : 65536));
	struct capsule capsule;

	if (command.opcode == NVME_IO_DATASET_MANAGEMENT || command.opcode == NVME_IO_WRITE_ZEROES)
		command.opcode = NVME_IO_READ; /* they could reach the others' blocks */
	if (one_of(4) == 0)
		command.cdw12 = le32_of(one_of(64));
	capsule = capsule_of(command, random_sgl(memory));
	capsule.command.cid = le16_of((uint16_t)dice());
	if (one_of(16) == 0)
		capsule.command.flags = (uint8_t)dice();
	for (size_t i = 0; i + sizeof(struct capsule_sgl) <= 512; i += sizeof(struct capsule_sgl)) {
		struct capsule_sgl sgl = random_sgl(memory);

		memcpy(capsule.rest + i, &sgl, sizeof(sgl));
	}
	capsule.length += one_of(3) ? one_of(room + 1) : 0;
	if (one_of(200) == 0)
		capsule.length = one_of(CAPSULE_COMMAND);
	return capsule;
}

/* Until the queue has ended or is full: its responses, whatever they say. */
static bool survives(struct wire_queue *queue, const struct capsule *capsule)
{
	struct wire_response response;
	int r = wire_queue_send(queue, &capsule->command, capsule->length);

	while (r == WIRE_E_FULL) {
		r = wire_queue_receive(queue, &response, SCENE_WAIT_MS);
		if (!r)
			r = wire_queue_send(queue, &capsule->command, capsule->length);
	}
	while (!r)
		r = wire_queue_receive(queue, &response, 0);
	return r == WIRE_E_DEADLINE && !queue->has_ended;
}

START_TEST(on_an_io_queue_disturbs_nobody)
{
	unsigned ends = 0;

	for (unsigned i = 0; i < CAPSULES; i++) {
		struct capsule capsule = random_capsule(villain.data, villain.capsule_data_max);

		if (!survives(&villain.io, &capsule)) {
			host_leave(&villain);
			host_come(&villain);
			ends++;
		}
		if (i % 256 == 0)
			others_do_not_notice();
	}
	ck_assert_uint_gt(ends, 0); /* or it was not bad enough */
	others_do_not_notice();
}
END_TEST

START_TEST(on_an_admin_queue_disturbs_nobody)
{
	for (unsigned i = 0; i < CAPSULES / 4; i++) {
		struct capsule capsule = random_capsule(villain.page, 0);

		if (!survives(&villain.admin, &capsule)) {
			host_leave(&villain);
			host_come(&villain);
		}
	}
	others_do_not_notice();
}
END_TEST

START_TEST(before_connect_disturbs_nobody)
{
	for (unsigned i = 0; i < 20; i++) {
		struct wire_wishes wishes = wishes_of((uint16_t)(i % 2), 32);
		struct wire_queue queue;
		struct wire_memory *memory;
		bool lives = true;

		open_queue(&queue, &wishes);
		memory = wire_memory_new(&queue, 1u << 20);
		ck_assert_ptr_nonnull(memory);
		for (unsigned n = 0; n < 20 && lives; n++) {
			struct capsule capsule = random_capsule(memory, 512);

			lives = survives(&queue, &capsule);
		}
		wire_queue_close(&queue);
	}
	others_do_not_notice();
}
END_TEST

START_TEST(in_private_data_disturbs_nobody)
{
	uint8_t bytes[56];

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct wire_wishes wishes = wishes_of(0, 32);

		fill(bytes, sizeof(bytes), dice());
		if (one_of(4))
			memset(bytes, 0, 2); /* RECFMT is good */
		if (one_of(4))
			memset(bytes + 2 + 2 * one_of(4), 0, 2);
		wishes.private_data = bytes;
		wishes.private_bytes = one_of(sizeof(bytes) + 1);
		wishes.has_private_data = true;
		(void)reject_status(&wishes);
	}
	others_do_not_notice();
}
END_TEST

Suite *noise_suite(void)
{
	Suite *suite = suite_create("noise");

	if (target.is_kernel)
		return suite; /* it may well fall over, and the guest with it */
	describe_slow(suite,
	              "noise",
	              60,
	              given_a_villain,
	              both_leave,
	              on_an_io_queue_disturbs_nobody,
	              on_an_admin_queue_disturbs_nobody,
	              before_connect_disturbs_nobody,
	              in_private_data_disturbs_nobody);
	return suite;
}
