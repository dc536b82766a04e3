/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of the host's memory: those that are to be invalidated with the response, and those that are
 * none (RDMA 1.1 §3.3.1, §3.6). */
#include <string.h>

#include "tests/rdma/suites.h"

#define KEY_BLOCK 400u
#define BLOCKS    8u
#define LENGTH    (BLOCKS * SCENE_BLOCK)

static struct host bad;
static uint32_t key;

static void given_known_blocks(void)
{
	given_a_good_host();
	host_write(&good, KEY_BLOCK, BLOCKS, 1);
}

static struct capsule io_of(uint8_t opcode, enum capsule_sgl_type type, uint32_t with_key)
{
	return capsule_of(command_io(opcode, SCENE_SPACE, KEY_BLOCK, BLOCKS),
	                  sgl_of(type, (uintptr_t)good.data->bytes, LENGTH, with_key));
}

static void given_a_key_for_once(void)
{
	given_known_blocks();
	wire_must(&good.io, wire_memory_bind(&good.io, good.data, 0, good.data->size, &key));
}

/* The controller may invalidate the key, or not (§3.6); ours does wherever verbs have it, which
 * soft-RoCE shows. A response never invalidates anything else. */
static void expect_invalidated(const struct wire_response *response, uint32_t wanted)
{
	if (!target.is_iwarp)
		ck_assert(response->invalidated);
	if (response->invalidated)
		ck_assert_uint_eq(response->key, wanted);
}

/* ------------------------------------------------------------------ Invalidate Key */

START_TEST(is_invalidated_with_the_response_of_a_read)
{
	struct capsule capsule = io_of(NVME_IO_READ, SGL_KEYED_INVALIDATE, key);
	struct wire_response response;

	memset(good.data->bytes, 0, LENGTH);
	expect_success(execute(&good.io, &capsule, &response));
	expect_invalidated(&response, key);
	expect_filled(good.data->bytes, LENGTH, 1);
}
END_TEST

START_TEST(is_invalidated_with_the_response_of_a_write)
{
	struct capsule capsule = io_of(NVME_IO_WRITE, SGL_KEYED_INVALIDATE, key);
	struct wire_response response;

	fill(good.data->bytes, LENGTH, 2);
	expect_success(execute(&good.io, &capsule, &response));
	expect_invalidated(&response, key);
}
END_TEST

START_TEST(is_not_invalidated_if_that_is_not_asked_for)
{
	struct capsule capsule = io_of(NVME_IO_READ, SGL_KEYED, key);
	struct wire_response response;

	for (unsigned i = 0; i < 3; i++) {
		expect_success(execute(&good.io, &capsule, &response));
		ck_assert(!response.invalidated);
	}
}
END_TEST

START_TEST(can_be_had_anew_each_time)
{
	for (unsigned i = 0; i < 50; i++) {
		struct capsule capsule = io_of(NVME_IO_READ, SGL_KEYED_INVALIDATE, key);
		struct wire_response response;

		if (target.is_iwarp) /* its region is no good any more */
			break;
		expect_success(execute(&good.io, &capsule, &response));
		expect_invalidated(&response, key);
		wire_must(&good.io,
		          wire_memory_bind(&good.io, good.data, 0, good.data->size, &key));
	}
	others_do_not_notice();
}
END_TEST

/* §3.6: of several, only the key of the last descriptor that asks for it. */
START_TEST(is_invalidated_of_several_if_it_is_the_last)
{
	struct capsule capsule = io_of(NVME_IO_READ, SGL_KEYED, 0);
	struct wire_response response;
	uint64_t address = (uintptr_t)good.data->bytes;
	struct capsule_sgl list[2] = {
		sgl_of(SGL_KEYED, address, LENGTH / 2, good.data->key),
		sgl_of(SGL_KEYED_INVALIDATE, address + LENGTH / 2, LENGTH / 2, key),
	};

	memset(good.data->bytes, 0, LENGTH);
	capsule_list(&capsule, list, 2);
	expect_success(execute(&good.io, &capsule, &response));
	expect_invalidated(&response, key);
	expect_filled(good.data->bytes, LENGTH, 1);
}
END_TEST

START_TEST(is_not_invalidated_of_several_if_a_later_one_is)
{
	struct capsule capsule = io_of(NVME_IO_READ, SGL_KEYED, 0);
	struct wire_memory *other = wire_memory_new(&good.io, LENGTH);
	struct wire_response response;
	struct capsule_sgl list[2];
	uint32_t later;

	wire_must(&good.io, wire_memory_bind(&good.io, other, 0, LENGTH, &later));
	list[0] = sgl_of(SGL_KEYED_INVALIDATE, (uintptr_t)good.data->bytes, LENGTH / 2, key);
	list[1] = sgl_of(SGL_KEYED_INVALIDATE, (uintptr_t)other->bytes, LENGTH / 2, later);
	capsule_list(&capsule, list, 2);
	expect_success(execute(&good.io, &capsule, &response));
	expect_invalidated(&response, later);
	/* the first is as good as it was */
	capsule = io_of(NVME_IO_READ, SGL_KEYED, key);
	expect_success(execute(&good.io, &capsule, NULL));
	expect_filled(good.data->bytes, LENGTH, 1);
}
END_TEST

/* ------------------------------------------------------------------ a wrong key */

static void given_a_bad_host(void)
{
	given_known_blocks();
	host_come(&bad);
}

static void both_leave(void)
{
	host_leave(&bad);
	good_host_leaves();
}

/* RDMA 1.1 §3.5: a protection error tears down the queue pair. With it go the other I/O queues of
 * its controller, whose host has to give up all of them; and nothing else. */
static void expect_only_it_ends(struct capsule_sgl sgl, uint8_t opcode)
{
	struct capsule capsule = capsule_of(command_io(opcode, SCENE_SPACE, KEY_BLOCK, BLOCKS),
	                                    sgl);
	struct wire_memory *data;
	struct wire_queue second;

	host_open_io(&bad, &second, 2, SCENE_ENTRIES, &data);
	send_capsule(&bad.io, &capsule);
	expect_end(&bad.io, "the I/O queue");
	if (!target.is_kernel) /* which does not notice a TERMINATE of iWARP */
		expect_end(&second, "the second I/O queue");
	else
		wire_queue_close(&second);
	host_read(&good, KEY_BLOCK, BLOCKS, 1);
	others_do_not_notice();
}

START_TEST(for_a_read_ends_its_controller_only)
{
	expect_only_it_ends(
		sgl_of(SGL_KEYED, (uintptr_t)bad.data->bytes, LENGTH, bad.data->key ^ 0x5500),
		NVME_IO_READ);
}
END_TEST

START_TEST(for_a_write_ends_its_controller_only)
{
	expect_only_it_ends(
		sgl_of(SGL_KEYED, (uintptr_t)bad.data->bytes, LENGTH, bad.data->key ^ 0x5500),
		NVME_IO_WRITE);
}
END_TEST

START_TEST(at_a_wrong_address_ends_its_controller_only)
{
	expect_only_it_ends(sgl_of(SGL_KEYED, 0x1000, LENGTH, bad.data->key), NVME_IO_READ);
}
END_TEST

START_TEST(past_the_end_of_its_memory_ends_its_controller_only)
{
	expect_only_it_ends(sgl_of(SGL_KEYED,
	                           (uintptr_t)bad.data->bytes + bad.data->size - SCENE_BLOCK,
	                           LENGTH,
	                           bad.data->key),
	                    NVME_IO_WRITE);
}
END_TEST

/* Many commands in flight, one of which is bad: they end, and nothing of their memory is lost; the
 * same again and again. */
START_TEST(among_good_ones_ends_its_controller_only)
{
	for (unsigned round = 0; round < 5; round++) {
		for (uint16_t i = 0; i < SCENE_ENTRIES - 1; i++) {
			struct capsule capsule = capsule_of(
				command_io(i % 2 ? NVME_IO_READ : NVME_IO_WRITE,
			                   SCENE_SPACE,
			                   2000 + 100u * i,
			                   64),
				sgl_keyed(bad.data, i * 32768u, 32768));

			capsule.command.cid = le16_of(i);
			if (i == 15)
				capsule_set_sgl(&capsule,
				                sgl_of(SGL_KEYED, 0, 32768, bad.data->key ^ 0x100));
			send_capsule(&bad.io, &capsule);
		}
		expect_end(&bad.io, "the I/O queue");
		host_leave(&bad);
		host_come(&bad);
	}
	others_do_not_notice();
}
END_TEST

Suite *keys_suite(void)
{
	Suite *suite = suite_create("keys");

	describe(suite,
	         "a key for once",
	         given_a_key_for_once,
	         good_host_leaves,
	         is_invalidated_with_the_response_of_a_read,
	         is_invalidated_with_the_response_of_a_write,
	         is_not_invalidated_if_that_is_not_asked_for,
	         can_be_had_anew_each_time);
	describe(suite,
	         "a wrong key",
	         given_a_bad_host,
	         both_leave,
	         for_a_write_ends_its_controller_only,
	         past_the_end_of_its_memory_ends_its_controller_only);
	if (target.is_kernel)
		return suite; /* does not notice that an RDMA WRITE has failed */
	describe(suite,
	         "a wrong key to write to",
	         given_a_bad_host,
	         both_leave,
	         for_a_read_ends_its_controller_only,
	         at_a_wrong_address_ends_its_controller_only,
	         among_good_ones_ends_its_controller_only);
	describe(suite,
	         "a key for once in a list",
	         given_a_key_for_once,
	         good_host_leaves,
	         is_invalidated_of_several_if_it_is_the_last,
	         is_not_invalidated_of_several_if_a_later_one_is);
	return suite;
}
