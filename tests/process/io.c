/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O: what was written is what is read, in every size, depth and way of transfer. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define DEPTH 32u
#define MIB   (1u << 20)

static const uint32_t sizes[] = {512, 4096, 8192, 8704, 16384, 16896, 20480, 65536, 126976, MIB};

static struct harness_exports exports(void)
{
	return (struct harness_exports){
		.ports = {{.traddr = "127.0.0.1"},
	                  {.traddr = "::1"},
	                  {.traddr = "127.0.0.1", .in_capsule_bytes = "0"}},
		.subsystems =
			{{.nqn = HARNESS_NQN,
	                  .namespaces = {{.nsid = 1, .path = "disk-512", .create_bytes = 64 << 20},
	                                 {.nsid = 2,
	                                  .path = "disk-4096",
	                                  .create_bytes = 64 << 20,
	                                  .block_bytes = 4096},
	                                 {.nsid = 3, .path = "ram:64M"},
	                                 {.nsid = 4, .path = "null:1G"},
	                                 {.nsid = 5,
	                                  .path = "disk-buffered",
	                                  .create_bytes = 64 << 20,
	                                  .is_buffered = true}}}},
	};
}

static void start(unsigned port)
{
	struct harness_exports wanted = exports();

	scene_start(&wanted);
	scene.options = harness_host(scene.harness, port, 0);
}

/* ------------------------------------------------------------------ situations */

static void given_a_plain_connection(void)
{
	start(0);
}

static void given_header_digests(void)
{
	start(0);
	scene.options.wishes.header_digest = true;
}

static void given_data_digests(void)
{
	start(0);
	scene.options.wishes.data_digest = true;
}

static void given_both_digests_over_ipv6(void)
{
	start(1);
	scene.options.wishes.header_digest = true;
	scene.options.wishes.data_digest = true;
}

static void given_no_flow_control(void)
{
	start(0);
	scene.options.disable_sqflow = true;
}

static void given_an_alignment_of_128_bytes(void)
{
	start(0);
	scene.options.wishes.hpda = 31;
	scene.options.wishes.header_digest = true;
}

static void given_no_room_in_the_capsule(void)
{
	start(2);
}

/* ------------------------------------------------------------------ what then holds */

static void read_back_each_size(uint32_t nsid)
{
	uint32_t block = scene.spaces[nsid].block_bytes;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i] % block)
			continue;
		scene_write(nsid, 16 + i, sizes[i] / block, i);
		scene_read_back(nsid, 16 + i, sizes[i] / block, i);
	}
}

START_TEST(a_file_gives_back_what_was_written_in_each_size)
{
	scene_connect();
	read_back_each_size(1);
	scene_disconnect();
	shows("TCP 1.1 §3.3",
	      "data may be aligned as HPDA asks, up to 128 bytes, and have digests: each size of "
	      "Read and Write");
}
END_TEST

START_TEST(a_file_in_blocks_of_4096_gives_back_what_was_written)
{
	scene_connect();
	read_back_each_size(2);
	scene_disconnect();
}
END_TEST

START_TEST(ram_gives_back_what_was_written_in_each_size)
{
	scene_connect();
	read_back_each_size(3);
	scene_disconnect();
}
END_TEST

START_TEST(a_buffered_file_gives_back_what_was_written)
{
	scene_connect();
	read_back_each_size(5);
	scene_disconnect();
}
END_TEST

START_TEST(a_null_namespace_takes_writes_of_each_size)
{
	uint8_t *data = malloc(MIB);

	scene_connect();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		scene_write(4, 0, sizes[i] / 512, i);
	expect_good(scene_io(NVME_IO_READ, 4, 0, MIB / 512, data));
	scene_expect_zeroes(data, MIB);
	scene_disconnect();
	free(data);
}
END_TEST

/* ------------------------------------------------------------------ depth */

struct deep {
	struct host_request requests[DEPTH];
	uint8_t *data[DEPTH];
};

static struct deep *deep_new(size_t bytes)
{
	struct deep *deep = calloc(1, sizeof(*deep));

	ck_assert_ptr_nonnull(deep);
	for (unsigned i = 0; i < DEPTH; i++) {
		deep->data[i] = malloc(bytes);
		ck_assert_ptr_nonnull(deep->data[i]);
	}
	return deep;
}

static void deep_free(struct deep *deep)
{
	for (unsigned i = 0; i < DEPTH; i++)
		free(deep->data[i]);
	free(deep);
}

static void run_all(struct deep *deep, uint8_t opcode, uint32_t blocks, bool transfer)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		deep->requests[i] = host_io(
			&scene.spaces[1], opcode, (uint64_t)i * blocks, blocks, deep->data[i]);
		deep->requests[i].transfer = transfer;
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &deep->requests[i]));
	}
	for (unsigned i = 0; i < DEPTH; i++)
		queue_must(&scene.queue, host_queue_await(&scene.queue, &deep->requests[i], 20000));
}

static void read_back_deep(size_t bytes, bool transfer)
{
	struct deep *deep = deep_new(bytes);

	scene_connect();
	for (unsigned i = 0; i < DEPTH; i++)
		scene_fill(deep->data[i], bytes, 1000 + i);
	run_all(deep, NVME_IO_WRITE, (uint32_t)bytes / 512, transfer);
	for (unsigned i = 0; i < DEPTH; i++) {
		if (transfer)
			ck_assert_uint_ge(deep->requests[i].r2ts, 1);
		memset(deep->data[i], 0, bytes);
	}
	run_all(deep, NVME_IO_READ, (uint32_t)bytes / 512, false);
	for (unsigned i = 0; i < DEPTH; i++)
		scene_expect(deep->data[i], bytes, 1000 + i);
	scene_disconnect();
	deep_free(deep);
}

START_TEST(gives_back_what_was_written_at_depth_32)
{
	read_back_deep(4096, false);
}
END_TEST

START_TEST(gives_back_what_was_fetched_at_depth_32)
{
	read_back_deep(4096, true);
	shows("TCP 1.1 §3.3.2.2",
	      "R2T asks for what is not in the capsule, for many commands at once; also with both "
	      "digests, and with alignment");
}
END_TEST

START_TEST(gives_back_a_mebibyte_at_depth_32)
{
	read_back_deep(MIB, true);
}
END_TEST

/* ------------------------------------------------------------------ other commands */

START_TEST(flushes)
{
	scene_connect();
	for (uint32_t nsid = 1; nsid <= 5; nsid++)
		expect_good(scene_io(NVME_IO_FLUSH, nsid, 0, 0, NULL));
	scene_disconnect();
	shows("Base 2.1 §7.2", "Flush of each kind of namespace is carried out");
}
END_TEST

START_TEST(writes_with_fua)
{
	struct host_request request;
	uint8_t data[8192];

	scene_connect();
	for (uint32_t nsid = 1; nsid <= 5; nsid++) {
		uint32_t blocks = 8192 / scene.spaces[nsid].block_bytes;

		scene_fill(data, sizeof(data), nsid);
		request = host_io(&scene.spaces[nsid], NVME_IO_WRITE, 8, blocks, data);
		request.command.cdw12 = le32_of((blocks - 1) | NVME_RW_FUA);
		expect_good(scene_execute(&request));
		if (nsid != 4)
			scene_read_back(nsid, 8, blocks, nsid);
	}
	scene_disconnect();
	shows("NVM 1.1 §3.3.6", "a Write with FUA is carried out");
}
END_TEST

START_TEST(reads_back_zeroes_after_write_zeroes)
{
	uint8_t *data = malloc(MIB);

	scene_connect();
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		uint32_t blocks = MIB / scene.spaces[nsid].block_bytes;

		scene_write(nsid, 0, blocks, 7);
		expect_good(scene_io(NVME_IO_WRITE_ZEROES, nsid, 1, blocks - 2, NULL));
		expect_good(scene_io(NVME_IO_READ, nsid, 1, blocks - 2, data));
		scene_expect_zeroes(data, (size_t)(blocks - 2) * scene.spaces[nsid].block_bytes);
		scene_read_back(nsid, 0, 1, 7);
	}
	scene_disconnect();
	free(data);
	shows("NVM 1.1 §3.3.8",
	      "Write Zeroes: the blocks read as zeroes, their neighbours as before");
}
END_TEST

START_TEST(reads_back_zeroes_after_write_zeroes_that_deallocate)
{
	struct host_request request;
	uint8_t data[65536];

	scene_connect();
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		uint32_t blocks = sizeof(data) / scene.spaces[nsid].block_bytes;

		scene_write(nsid, 0, blocks, 9);
		request = host_io(&scene.spaces[nsid], NVME_IO_WRITE_ZEROES, 0, blocks, NULL);
		request.command.cdw12 = le32_of((blocks - 1) | NVME_RW_DEAC);
		expect_good(scene_execute(&request));
		expect_good(scene_io(NVME_IO_READ, nsid, 0, blocks, data));
		scene_expect_zeroes(data, sizeof(data));
	}
	scene_disconnect();
	shows("NVM 1.1 §3.3.8", "Write Zeroes with DEAC: the blocks read as zeroes");
}
END_TEST

/* Linux sends 4096 bytes whatever the number of ranges is. */
static struct host_request deallocate(uint32_t nsid, uint8_t *payload, uint32_t length,
                                      uint64_t slba, uint32_t blocks)
{
	struct nvme_dsm_range range = {.blocks = le32_of(blocks), .slba = le64_of(slba)};

	memset(payload, 0, length);
	memcpy(payload, &range, sizeof(range));
	return (struct host_request){
		.command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                    .nsid = le32_of(nsid),
	                    .cdw11 = le32_of(NVME_DSM_AD)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = payload,
		.length = length,
	};
}

START_TEST(deallocates_by_one_range_in_4096_bytes)
{
	struct host_request request;
	uint8_t payload[4096];

	scene_connect();
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		scene_write(nsid, 0, 64, 3);
		request = deallocate(nsid, payload, sizeof(payload), 16, 16);
		expect_good(scene_execute(&request));
		scene_read_back(nsid, 0, 1, 3);
	}
	scene_disconnect();
	shows("NVM 1.1 §3.3.3",
	      "Dataset Management with AD; 4096 bytes of ranges may come, whatever NR is");
}
END_TEST

/* Linux asks for a hole only where DLFEAT says this. */
START_TEST(says_that_what_is_deallocated_is_zeroes)
{
	static struct nvme_identify_namespace page;
	static uint8_t data[16 * 4096];
	uint8_t payload[4096];

	scene_connect();
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		struct host_request request = deallocate(nsid, payload, sizeof(payload), 16, 16);

		host_must(&scene.controller,
		          host_identify(&scene.controller, NVME_CNS_NAMESPACE, nsid, 0, &page));
		ck_assert_uint_eq(page.dlfeat, NVME_DLFEAT_ZEROES | NVME_DLFEAT_DEAC);
		scene_write(nsid, 0, 64, 3);
		expect_good(scene_execute(&request));
		expect_good(scene_io(NVME_IO_READ, nsid, 16, 16, data));
		scene_expect_zeroes(data, (size_t)16 * scene.spaces[nsid].block_bytes);
	}
	scene_disconnect();
	shows("NVM 1.1 §4.1.5.1",
	      "blocks that were deallocated read as zeroes, as DLFEAT says, which offers DEAC too");
}
END_TEST

START_TEST(deallocates_by_one_range_in_16_bytes)
{
	uint8_t payload[16];
	struct host_request request;

	scene_connect();
	request = deallocate(1, payload, sizeof(payload), 16, 16);
	expect_good(scene_execute(&request));
	scene_disconnect();
}
END_TEST

START_TEST(moves_its_queue_head_with_each_command)
{
	uint8_t data[512];

	scene.entries = 5;
	scene_connect();
	if (!scene.options.disable_sqflow)
		for (unsigned i = 0; i < 23; i++) {
			expect_good(scene_io(NVME_IO_READ, 1, i, 1, data));
			/* Connect was the first command of the queue */
			ck_assert_uint_eq(scene.queue.sqhd, (i + 2) % 5);
		}
	scene_disconnect();
	shows("Base 2.1 §3.3.2.7",
	      "SQHD of each response capsule moves on by one, and round at the queue's size");
}
END_TEST

START_TEST(answers_reads_with_success_in_the_data)
{
	uint8_t data[512];

	scene_connect();
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data));
	ck_assert_uint_eq(scene.queue.successes, 1);
	scene_disconnect();
	shows("TCP 1.1 §3.3.2.1",
	      "SUCCESS in the last C2HData takes the place of the response where SQ flow control "
	      "is disabled");
}
END_TEST

#define ALL_TRANSFERS                                                                              \
	a_file_gives_back_what_was_written_in_each_size,                                           \
		a_file_in_blocks_of_4096_gives_back_what_was_written,                              \
		ram_gives_back_what_was_written_in_each_size,                                      \
		a_buffered_file_gives_back_what_was_written,                                       \
		a_null_namespace_takes_writes_of_each_size,                                        \
		gives_back_what_was_written_at_depth_32, gives_back_what_was_fetched_at_depth_32,  \
		gives_back_a_mebibyte_at_depth_32, deallocates_by_one_range_in_4096_bytes

int main(void)
{
	Suite *suite = suite_create("I/O");

	describe_running(suite,
	                 "a plain connection",
	                 given_a_plain_connection,
	                 scene_stop,
	                 ALL_TRANSFERS,
	                 flushes,
	                 writes_with_fua,
	                 reads_back_zeroes_after_write_zeroes,
	                 reads_back_zeroes_after_write_zeroes_that_deallocate,
	                 deallocates_by_one_range_in_16_bytes,
	                 says_that_what_is_deallocated_is_zeroes,
	                 moves_its_queue_head_with_each_command);
	describe_running(suite,
	                 "a connection with header digests",
	                 given_header_digests,
	                 scene_stop,
	                 ALL_TRANSFERS);
	describe_running(suite,
	                 "a connection with data digests",
	                 given_data_digests,
	                 scene_stop,
	                 ALL_TRANSFERS);
	describe_running(suite,
	                 "a connection with both digests over IPv6",
	                 given_both_digests_over_ipv6,
	                 scene_stop,
	                 ALL_TRANSFERS);
	describe_running(suite,
	                 "a connection without flow control",
	                 given_no_flow_control,
	                 scene_stop,
	                 ALL_TRANSFERS,
	                 answers_reads_with_success_in_the_data);
	describe_running(suite,
	                 "a connection that aligns data to 128 bytes",
	                 given_an_alignment_of_128_bytes,
	                 scene_stop,
	                 ALL_TRANSFERS);
	describe_running(suite,
	                 "a port without in-capsule data",
	                 given_no_room_in_the_capsule,
	                 scene_stop,
	                 ALL_TRANSFERS);
	return harness_run(suite);
}
