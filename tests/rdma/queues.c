/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue pairs as queues: flow control by receives (RDMA 1.1 §3.1), capsules of other sizes
 * (§3.3.1), and many of them at once. */
#include <string.h>

#include "common/base/clock.h"
#include "tests/rdma/suites.h"

#define FEW   4u
#define MANY  24u
#define CROWD 64
#define IWARP 12 /* soft-iWARP makes no more than 32 queue pairs for a process */

static struct host host;

static void given_a_queue_of_four_entries(void)
{
	given_a_good_host();
	host_come_admin(&host);
}

static void both_leave(void)
{
	host_leave(&host);
	good_host_leaves();
}

static void open_io(uint32_t entries, uint32_t sends, uint32_t receives, bool is_replenished)
{
	struct wire_wishes wishes = wishes_of(1, entries);

	wishes.request.cntlid = host.cntlid;
	wishes.sends = sends;
	wishes.receives = receives;
	wishes.is_replenished = is_replenished;
	open_queue(&host.io, &wishes);
	expect_success(connect_queue(&host.io, command_connect(1, entries, 0), host.cntlid, NULL));
	host.data = wire_memory_new(&host.io, SCENE_DATA_BYTES);
	ck_assert_ptr_nonnull(host.data);
}

static struct capsule read_of(uint16_t cid, uint32_t blocks)
{
	struct capsule capsule = capsule_of(
		command_io(NVME_IO_READ, SCENE_SPACE, cid * blocks, blocks),
		sgl_keyed(host.data, cid * blocks * SCENE_BLOCK, blocks * SCENE_BLOCK));

	capsule.command.cid = le16_of(cid);
	return capsule;
}

static void send_reads(uint16_t count, uint32_t blocks)
{
	for (uint16_t cid = 0; cid < count; cid++) {
		struct capsule capsule = read_of(cid, blocks);

		send_capsule(&host.io, &capsule);
	}
}

static void expect_responses(uint16_t count)
{
	bool seen[256] = {false};

	for (uint16_t i = 0; i < count; i++) {
		struct wire_response response;
		uint16_t cid;

		wire_must(&host.io, wire_queue_receive(&host.io, &response, SCENE_WAIT_MS));
		ck_assert_uint_eq(le16_get(response.completion.status), 0);
		cid = le16_get(response.completion.cid);
		ck_assert_uint_lt(cid, count);
		ck_assert(!seen[cid]);
		seen[cid] = true;
	}
}

/* ------------------------------------------------------------------ flow control */

START_TEST(takes_as_many_commands_as_it_has_entries)
{
	open_io(FEW, FEW, 0, true);
	for (unsigned round = 0; round < 50; round++) {
		send_reads(FEW - 1, 8);
		expect_responses(FEW - 1);
	}
	others_do_not_notice();
}
END_TEST

/* More commands than entries: what is too much finds no receive (RNR), and waits, or it ends the
 * queue, since that host has broken the rules. (An RNR costs 0.7 s: hence so few.) */
START_TEST(survives_more_commands_than_it_has_entries)
{
	uint16_t got = 0;
	int r = 0;

	open_io(FEW, MANY, MANY, true);
	send_reads(MANY, 8);
	while (!r && got < MANY) {
		struct wire_response response;

		r = wire_queue_receive(&host.io, &response, SCENE_WAIT_MS);
		if (!r)
			got++;
	}
	ck_assert_msg(r == 0 || r == WIRE_E_CLOSED, "%d responses, then %s", got, host.io.error);
	others_do_not_notice();
}
END_TEST

/* A host that posts its receives late: the responses wait for them (RNR_RETRY_COUNT 7), but for
 * iWARP, which has nothing of the kind. */
START_TEST(waits_for_a_host_that_is_slow_to_take_responses)
{
	if (target.is_iwarp)
		return;
	open_io(FEW, FEW, 1, false);
	for (unsigned round = 0; round < 2; round++) {
		struct wire_response response;

		wire_must(&host.io, wire_queue_replenish(&host.io, 0, 1));
		send_reads(3, 8);
		for (unsigned i = 0; i < 3; i++) {
			wire_must(&host.io, wire_queue_receive(&host.io, &response, SCENE_WAIT_MS));
			ck_assert_uint_eq(le16_get(response.completion.status), 0);
			if (i < 2)
				wire_must(&host.io, wire_queue_replenish(&host.io, 0, 1));
		}
	}
	others_do_not_notice();
}
END_TEST

/* One that never takes any does not keep others waiting. */
START_TEST(does_not_hold_up_others_with_responses_that_nobody_takes)
{
	uint64_t begin_ns;

	open_io(FEW, FEW, 1, false); /* that one receive was Connect's */
	send_reads(3, 128);
	begin_ns = clock_now_ns();
	for (unsigned i = 0; i < 50; i++)
		host_write(&good, 5000, 64, i);
	ck_assert_uint_lt(clock_now_ns() - begin_ns, 5 * NS_PER_S);
	others_do_not_notice();
}
END_TEST

/* ------------------------------------------------------------------ capsules of other sizes */

START_TEST(ends_with_a_capsule_of_less_than_64_bytes)
{
	static const uint8_t sizes[] = {0, 1, 16, 63};

	for (size_t i = 0; i < sizeof(sizes); i++) {
		struct capsule capsule;

		open_io(FEW, FEW, 0, true);
		capsule = read_of(0, 8);
		capsule.length = sizes[i];
		send_capsule(&host.io, &capsule);
		expect_end(&host.io, "the I/O queue");
		host_leave(&host);
		host_come_admin(&host);
	}
	others_do_not_notice();
}
END_TEST

START_TEST(ends_with_a_capsule_longer_than_identify_says)
{
	struct capsule capsule;

	open_io(FEW, FEW, 0, true);
	capsule = read_of(0, 8);
	capsule.length = CAPSULE_COMMAND + good.capsule_data_max + 1;
	ck_assert_uint_le(capsule.length, WIRE_CAPSULE_MAX);
	send_capsule(&host.io, &capsule);
	expect_end(&host.io, "the I/O queue");
	others_do_not_notice();
}
END_TEST

START_TEST(of_an_admin_queue_ends_with_a_capsule_longer_than_64_bytes)
{
	struct capsule capsule = capsule_of((struct nvme_command){.opcode = NVME_ADMIN_KEEP_ALIVE},
	                                    sgl_none());

	capsule.length = WIRE_CAPSULE_MAX;
	send_capsule(&host.admin, &capsule);
	expect_end(&host.admin, "the admin queue");
	others_do_not_notice();
}
END_TEST

/* A capsule may bring bytes that nothing speaks of. */
START_TEST(takes_a_capsule_with_more_than_its_command)
{
	struct capsule capsule;

	open_io(FEW, FEW, 0, true);
	capsule = read_of(0, 8);
	capsule.length = CAPSULE_COMMAND + good.capsule_data_max;
	send_capsule(&host.io, &capsule);
	expect_responses(1);
	others_do_not_notice();
}
END_TEST

/* ------------------------------------------------------------------ several */

START_TEST(of_64_hosts_are_served_at_once)
{
	static struct host crowd[CROWD];
	const unsigned crowd_size = target.is_iwarp ? IWARP : CROWD;

	for (unsigned i = 0; i < crowd_size; i++)
		host_come(&crowd[i]);
	for (unsigned i = 0; i < crowd_size; i++)
		host_write(&crowd[i], 8000 + 8 * i, 8, i);
	for (unsigned i = 0; i < crowd_size; i++)
		host_read(&crowd[i], 8000 + 8 * i, 8, i);
	for (unsigned i = 0; i < crowd_size; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(crowd[i].cntlid, crowd[j].cntlid);
	for (unsigned i = 0; i < crowd_size; i++)
		host_leave(&crowd[i]);
	others_do_not_notice();
}
END_TEST

START_TEST(of_one_host_are_as_many_as_it_opens)
{
	struct wire_queue queues[8];
	struct wire_memory *data[8];

	for (uint16_t i = 0; i < 8; i++)
		host_open_io(&host, &queues[i], (uint16_t)(i + 1), 32, &data[i]);
	for (uint16_t i = 0; i < 8; i++) {
		struct capsule capsule = capsule_of(command_io(NVME_IO_READ, SCENE_SPACE, 0, 64),
		                                    sgl_keyed(data[i], 0, 64 * SCENE_BLOCK));

		expect_success(execute(&queues[i], &capsule, NULL));
	}
	for (uint16_t i = 0; i < 8; i++)
		wire_queue_close(&queues[i]);
	others_do_not_notice();
}
END_TEST

START_TEST(may_have_128_entries_all_in_use)
{
	open_io(128, 128, 0, true);
	for (unsigned round = 0; round < 4; round++) {
		send_reads(127, 8);
		expect_responses(127);
	}
	others_do_not_notice();
}
END_TEST

Suite *queues_suite(void)
{
	Suite *suite = suite_create("queues");

	describe_slow(suite,
	              "a queue",
	              120,
	              given_a_queue_of_four_entries,
	              both_leave,
	              takes_as_many_commands_as_it_has_entries,
	              survives_more_commands_than_it_has_entries,
	              waits_for_a_host_that_is_slow_to_take_responses,
	              does_not_hold_up_others_with_responses_that_nobody_takes,
	              may_have_128_entries_all_in_use,
	              takes_a_capsule_with_more_than_its_command,
	              ends_with_a_capsule_longer_than_identify_says,
	              of_an_admin_queue_ends_with_a_capsule_longer_than_64_bytes);
	describe_slow(suite,
	              "queues",
	              120,
	              given_a_queue_of_four_entries,
	              both_leave,
	              of_64_hosts_are_served_at_once,
	              of_one_host_are_as_many_as_it_opens);
	if (target.is_kernel)
		return suite;
	describe(suite,
	         "a queue of a wrong host",
	         given_a_queue_of_four_entries,
	         both_leave,
	         ends_with_a_capsule_of_less_than_64_bytes);
	return suite;
}
