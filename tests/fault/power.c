/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 of everything at once, under load, on a disk that loses what was not flushed: what is
 * there afterwards is what a host was promised.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define DEPTH      16u
#define BLOCKS     4096u /* of the region */
#define BLOCK      512u
#define RUN_BLOCKS 16u /* of a write, at most */
#define ROUNDS     2u
#define LOAD_MS    400u
#define PATIENT_MS 25000u

/* A block says which block it is and which write of it; the rest follows from that. */
struct stamp {
	uint64_t lba;
	uint64_t version;
	uint64_t rest[BLOCK / 8 - 2];
};
_Static_assert(sizeof(struct stamp) == BLOCK, "a block");

/* Versions of each block: that must be there, that was acknowledged, that was begun. */
static struct history {
	uint32_t durable;
	uint32_t acknowledged;
	uint32_t at_flush; /* acknowledged before the flush in flight was sent */
	uint32_t begun;
	bool is_busy; /* a write of it is in flight: there is one at a time */
} blocks[BLOCKS];

struct slot {
	struct host_request request;
	struct stamp data[RUN_BLOCKS];
	uint32_t first;
	uint32_t count;
	bool is_durable; /* when it is acknowledged: FUA */
	bool is_flush;
	bool is_used;
};

static struct slot slots[DEPTH];
static bool flush_is_out;
static uint64_t dice, n_acknowledged, n_flushed, n_forced;

static uint64_t throw_dice(void)
{
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return dice >> 33;
}

/* ------------------------------------------------------------------ stamps */

static void fill(struct stamp *stamp, uint64_t lba, uint64_t version)
{
	stamp->lba = lba;
	stamp->version = version;
	for (unsigned i = 0; i < BLOCK / 8 - 2; i++)
		stamp->rest[i] = (lba << 32 | version) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

/* The version of what is there; 0: it was never written. Anything else fails the test. */
static uint64_t version_of(const struct stamp *stamp, uint64_t lba)
{
	static const struct stamp zero;
	struct stamp expected;

	if (memcmp(stamp, &zero, sizeof(zero)) == 0)
		return 0;
	ck_assert_msg(stamp->lba == lba,
	              "block %llu has what belongs to block %llu",
	              (unsigned long long)lba,
	              (unsigned long long)stamp->lba);
	fill(&expected, lba, stamp->version);
	ck_assert_msg(memcmp(stamp, &expected, sizeof(expected)) == 0,
	              "block %llu is torn",
	              (unsigned long long)lba);
	return stamp->version;
}

/* ------------------------------------------------------------------ load */

static void send(struct slot *slot)
{
	slot->is_used = true;
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &slot->request));
}

static void send_flush(struct slot *slot)
{
	slot->is_flush = true;
	slot->request = host_io(&scene.spaces[1], NVME_IO_FLUSH, 0, 0, NULL);
	for (uint32_t i = 0; i < BLOCKS; i++)
		blocks[i].at_flush = blocks[i].acknowledged;
	flush_is_out = true;
	send(slot);
}

static bool is_free(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		if (blocks[i].is_busy)
			return false;
	return true;
}

static void send_write(struct slot *slot)
{
	slot->count = 1 + (uint32_t)(throw_dice() % RUN_BLOCKS);
	do
		slot->first = (uint32_t)(throw_dice() % (BLOCKS - RUN_BLOCKS));
	while (!is_free(slot->first, slot->count));
	for (uint32_t i = 0; i < slot->count; i++) {
		struct history *block = &blocks[slot->first + i];

		block->is_busy = true;
		fill(&slot->data[i], slot->first + i, ++block->begun);
	}
	slot->is_flush = false;
	slot->is_durable = throw_dice() % 8 == 0;
	slot->request = host_io(
		&scene.spaces[1], NVME_IO_WRITE, slot->first, slot->count, slot->data);
	if (slot->is_durable)
		slot->request.command.cdw12 = le32_of((slot->count - 1) | NVME_RW_FUA);
	send(slot);
}

static void take_flush(void)
{
	flush_is_out = false;
	n_flushed++;
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (blocks[i].at_flush > blocks[i].durable)
			blocks[i].durable = blocks[i].at_flush;
}

static void take_answer(struct slot *slot)
{
	expect_good(slot->request.status);
	slot->is_used = false;
	if (slot->is_flush) {
		take_flush();
		return;
	}
	n_acknowledged++;
	n_forced += slot->is_durable;
	for (uint32_t i = 0; i < slot->count; i++) {
		struct history *block = &blocks[slot->first + i];

		block->is_busy = false;
		block->acknowledged = block->begun;
		if (slot->is_durable)
			block->durable = block->begun;
	}
}

/* For a while; and on a busy machine until there is something of each kind to be promised. */
static bool goes_on(uint64_t end_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns >= end_ns + PATIENT_MS * NS_PER_MS)
		return false;
	return now_ns < end_ns || n_acknowledged == 0 || n_forced == 0 || n_flushed == 0;
}

static void do_load(uint64_t end_ns)
{
	int r;

	while (goes_on(end_ns)) {
		for (unsigned i = 0; i < DEPTH; i++) {
			if (slots[i].is_used && slots[i].request.completed)
				take_answer(&slots[i]);
			if (slots[i].is_used)
				continue;
			if (!flush_is_out && throw_dice() % 64 == 0)
				send_flush(&slots[i]);
			else
				send_write(&slots[i]);
		}
		queue_must(&scene.queue, host_queue_flush(&scene.queue));
		r = host_queue_wait(&scene.queue, clock_now_ns() + 20 * NS_PER_MS);
		if (r != HOST_E_DEADLINE)
			queue_must(&scene.queue, r);
		queue_must(&scene.queue, host_queue_poll(&scene.queue));
	}
}

/* ------------------------------------------------------------------ the death of all */

static void await_gone(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	uint64_t deadline_ns = clock_now_ns() + 10 * NS_PER_S;

	while (kill(pid, 0) == 0) {
		ck_assert_msg(clock_now_ns() < deadline_ns, "process %d lives on", (int)pid);
		nanosleep(&pause, NULL);
	}
}

/* The launcher first, so that it starts nothing any more. */
static void kill_all(void)
{
	const char *const names[] = {"state", "tcp", "io-0"};
	pid_t pids[3];

	for (unsigned i = 0; i < 3; i++)
		pids[i] = harness_pid(scene.harness, names[i], 0);
	kill(scene.harness->launcher, SIGKILL);
	for (unsigned i = 0; i < 3; i++)
		kill(pids[i], SIGKILL);
	harness_forget(scene.harness);
	for (unsigned i = 0; i < 3; i++)
		await_gone(pids[i]);
}

static void start_again(void)
{
	scene_disconnect();
	harness_start(scene.harness, false);
	scene_connect();
}

/* Each block is what it must be at least, and at most what was begun. It is what counts from now
 * on. */
static void expect_promised(void)
{
	static struct stamp data[128];

	for (uint32_t first = 0; first < BLOCKS; first += 128) {
		expect_good(scene_io(NVME_IO_READ, 1, first, 128, data));
		for (uint32_t i = 0; i < 128; i++) {
			struct history *block = &blocks[first + i];
			uint64_t version = version_of(&data[i], first + i);

			ck_assert_msg(version >= block->durable,
			              "block %u has version %llu, and was promised %u",
			              first + i,
			              (unsigned long long)version,
			              block->durable);
			ck_assert_uint_le(version, block->begun);
			block->durable = block->acknowledged = (uint32_t)version;
			block->is_busy = false;
		}
	}
	memset(slots, 0, sizeof(slots));
	flush_is_out = false;
}

/* ------------------------------------------------------------------ situations */

static void given(const char *rule)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[0].has_faults = true;
	exports.subsystems[0].namespaces[0].faults[0] = rule;
	scene_start(&exports);
	scene.options.timeout_ms = PATIENT_MS;
	dice = clock_now_ns();
	memset(blocks, 0, sizeof(blocks));
}

static void given_a_cache_that_holds_all(void)
{
	given("write lose");
}

static void given_a_small_cache(void)
{
	given("write lose cache=64K");
}

static void given_no_faults(void)
{
	given(NULL);
}

static void survive(void)
{
	uint64_t seed = dice;

	scene_connect();
	for (unsigned round = 0; round < ROUNDS; round++) {
		do_load(clock_now_ns() + LOAD_MS * NS_PER_MS);
		kill_all();
		start_again();
		expect_promised();
	}
	printf("# seed %llu: %llu writes acknowledged, %llu of them with FUA; %llu flushes\n",
	       (unsigned long long)seed,
	       (unsigned long long)n_acknowledged,
	       (unsigned long long)n_forced,
	       (unsigned long long)n_flushed);
	ck_assert_uint_gt(n_acknowledged, 0);
	ck_assert_uint_gt(n_forced, 0);
	ck_assert_uint_gt(n_flushed, 0);
	scene_disconnect();
}

START_TEST(what_was_promised_is_there)
{
	survive();
	shows("Base 2.1 §5.1.25.1.4",
	      "what was flushed, or written with FUA, survives a loss of power");
}
END_TEST

/* A file's writes are the kernel's when they are acknowledged, whoever dies then. */
START_TEST(what_was_acknowledged_is_there)
{
	scene_connect();
	do_load(clock_now_ns() + LOAD_MS * NS_PER_MS);
	ck_assert_uint_gt(n_acknowledged, 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		blocks[i].durable = blocks[i].acknowledged;
	kill_all();
	start_again();
	expect_promised();
	scene_disconnect();
}
END_TEST

/* Without this the other tests would show nothing. */
START_TEST(what_was_not_flushed_is_lost)
{
	scene_connect();
	scene_write(1, 0, 8, 1);
	expect_good(scene_io(NVME_IO_FLUSH, 1, 0, 0, NULL));
	scene_write(1, 0, 8, 2);
	scene_read_back(1, 0, 8, 2);
	kill_all();
	start_again();
	scene_read_back(1, 0, 8, 1);
	scene_disconnect();
}
END_TEST

START_TEST(what_was_in_ram_is_lost)
{
	uint8_t data[4096];

	scene_connect();
	scene_write(2, 0, 1, 1);
	expect_good(scene_io(NVME_IO_FLUSH, 2, 0, 0, NULL));
	kill_all();
	start_again();
	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	scene_expect_zeroes(data, sizeof(data));
	scene_disconnect();
}
END_TEST

/* Killed as soon as it was acknowledged. */
START_TEST(the_configuration_that_was_acknowledged_is_there)
{
	static char text[65536];
	struct harness_exports exports = scene.harness->exports;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		char path[16], wanted[32];

		snprintf(path, sizeof(path), "ram:%uM", round);
		snprintf(wanted, sizeof(wanted), "\"path\": \"%s\"", path);
		exports.subsystems[0].namespaces[2] = (struct harness_namespace){.nsid = 3,
		                                                                 .path = path};
		harness_restore(scene.harness, &exports);
		kill_all();
		harness_start(scene.harness, false);
		ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "save", NULL), 0);
		if (!strstr(text, wanted))
			ck_abort_msg("there is no %s in: %s", wanted, text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("power");

	describe_alone(suite,
	               "the death of all at once, with a volatile cache",
	               given_a_cache_that_holds_all,
	               scene_stop,
	               what_was_promised_is_there,
	               what_was_not_flushed_is_lost);
	describe_alone(suite,
	               "the death of all at once, with a small volatile cache",
	               given_a_small_cache,
	               scene_stop,
	               what_was_promised_is_there);
	describe_alone(suite,
	               "the death of all at once",
	               given_no_faults,
	               scene_stop,
	               what_was_acknowledged_is_there,
	               what_was_in_ram_is_lost,
	               the_configuration_that_was_acknowledged_is_there);
	return harness_run(suite);
}
