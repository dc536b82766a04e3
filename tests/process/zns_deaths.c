/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes die, and are restarted, while a host writes zones: no error, and the right bytes. */
#include <stdlib.h>
#include <string.h>

#include "tests/process/zoning.h"
#include "tests/support/shows.h"

enum {
	PATIENT_MS = 25000, /* a Linux host gives an I/O 30 s */
	ZONES = 4,          /* written at the same time, by one request each, as Linux does it */
	BLOCKS = 16,        /* of 512 bytes, a request */
	ROUNDS = 24,        /* requests a zone: it has room for 128 */
	DEPTH = 8,          /* appends at the same time */
};

static void given_zones(void)
{
	zoning_start();
	scene.options.timeout_ms = PATIENT_MS;
}

static struct host_request requests[DEPTH];
static uint8_t data[DEPTH][BLOCKS * 512];

static void submit(unsigned i, uint8_t opcode, uint64_t lba, uint64_t seed)
{
	scene_fill(data[i], sizeof(data[i]), seed);
	requests[i] = host_io(&scene.spaces[ZONING_FILE], opcode, lba, BLOCKS, data[i]);
	requests[i].transfer = seed % 3 == 0;
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
}

static void await(unsigned i, uint64_t seed)
{
	int r = host_queue_await(&scene.queue, &requests[i], PATIENT_MS);

	if (r)
		ck_abort_msg("request %llu: %s, status %04xh",
		             (unsigned long long)seed,
		             scene.queue.connection.error,
		             requests[i].status.value);
}

static uint64_t lba_of(uint32_t zone, unsigned round)
{
	return zoning_lba(ZONING_FILE, zone) + round * BLOCKS;
}

static uint64_t seed_of(uint32_t zone, unsigned round)
{
	return 1 + zone * 1000 + round;
}

/* What befalls the set in the middle of writes. */
typedef void fate_fn(void);

/* Each zone from its begin on; in the middle of some rounds the set has its fate. */
static void write_through(fate_fn *fate)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (uint32_t zone = 0; zone < ZONES; zone++)
			submit(zone, NVME_IO_WRITE, lba_of(zone, round), seed_of(zone, round));
		queue_must(&scene.queue, host_queue_flush(&scene.queue));
		if (round % 8 == 3)
			fate();
		for (uint32_t zone = 0; zone < ZONES; zone++)
			await(zone, seed_of(zone, round));
	}
}

static void expect_written(void)
{
	for (uint32_t zone = 0; zone < ZONES; zone++) {
		for (unsigned round = 0; round < ROUNDS; round++)
			scene_read_back(
				ZONING_FILE, lba_of(zone, round), BLOCKS, seed_of(zone, round));
		zoning_expect(ZONING_FILE, zone, NVME_ZONE_IMPLICITLY_OPEN, ROUNDS * BLOCKS);
	}
}

static void kill_io(void)
{
	harness_kill(scene.harness, "io-0");
}

static void kill_state(void)
{
	harness_kill(scene.harness, "state");
}

static void restart(const char *name)
{
	pid_t old = harness_pid(scene.harness, name, 0);
	char text[4096];

	ck_assert_msg(harness_ctl(scene.harness, text, sizeof(text), "restart", name, NULL) == 0,
	              "nvmetctl restart %s: %s",
	              name,
	              text);
	harness_pid(scene.harness, name, old);
}

static void restart_io(void)
{
	restart("io-0");
}

static void restart_tcp(void)
{
	restart("tcp");
}

START_TEST(no_write_is_lost_with_io)
{
	zoning_connect();
	write_through(kill_io);
	expect_written();
	scene_disconnect();
	shows("Base 2.1 §9.6",
	      "zones: a Write that was carried out by an I/O process that died before its answer, "
	      "and comes again below the write pointer, is a success");
}
END_TEST

START_TEST(no_write_is_lost_with_a_restart_of_io)
{
	zoning_connect();
	write_through(restart_io);
	expect_written();
	scene_disconnect();
}
END_TEST

START_TEST(no_write_is_lost_with_state)
{
	zoning_connect();
	write_through(kill_state);
	expect_written();
	scene_disconnect();
}
END_TEST

START_TEST(no_write_is_lost_with_a_restart_of_tcp)
{
	zoning_connect();
	write_through(restart_tcp);
	expect_written();
	scene_disconnect();
}
END_TEST

/* Appends have been done at least once: each is where its answer says. */
static void append_through(fate_fn *fate)
{
	static uint64_t lbas[ROUNDS * DEPTH];

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < DEPTH; i++)
			submit(i,
			       NVME_IO_ZONE_APPEND,
			       zoning_lba(ZONING_FILE, round % ZONES),
			       1 + round * DEPTH + i);
		queue_must(&scene.queue, host_queue_flush(&scene.queue));
		if (round % 8 == 3)
			fate();
		for (unsigned i = 0; i < DEPTH; i++) {
			await(i, 1 + round * DEPTH + i);
			lbas[round * DEPTH + i] = host_zone_appended(&requests[i]);
		}
	}
	for (unsigned i = 0; i < ROUNDS * DEPTH; i++)
		scene_read_back(ZONING_FILE, lbas[i], BLOCKS, 1 + i);
}

START_TEST(no_append_is_lost_with_io)
{
	zoning_connect();
	append_through(kill_io);
	scene_disconnect();
	shows("Base 2.1 §9.6",
	      "zones: a Zone Append in flight at an I/O process that dies is carried out by the "
	      "next, at least once");
}
END_TEST

START_TEST(no_append_is_lost_with_a_restart_of_tcp)
{
	zoning_connect();
	append_through(restart_tcp);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ what is kept */

START_TEST(zones_are_what_they_were_when_io_has_died)
{
	uint64_t lba;

	zoning_connect();
	expect_good(zoning_append(ZONING_RAM, 0, 3, 1, &lba));
	expect_good(zoning_act(ZONING_RAM, 1, NVME_ZONE_FINISH));
	expect_good(zoning_append(ZONING_RAM, 2, 5, 2, &lba));
	expect_good(zoning_act(ZONING_RAM, 2, NVME_ZONE_CLOSE));
	harness_kill(scene.harness, "io-0");
	zoning_expect(ZONING_RAM, 1, NVME_ZONE_FULL, 0);
	zoning_expect(ZONING_RAM, 2, NVME_ZONE_CLOSED, 5);
	ck_assert_uint_eq(le64_get(zoning_look(ZONING_RAM, 0).wp), 3);
	expect_good(zoning_append(ZONING_RAM, 0, 1, 3, &lba));
	ck_assert_uint_eq(lba, 3);
	scene_read_back(ZONING_RAM, 0, 3, 1);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.2", "states and write pointers outlive the process that serves them");
}
END_TEST

START_TEST(a_namespace_stays_zoned_when_state_has_died)
{
	struct host_namespace space;

	zoning_connect();
	harness_kill(scene.harness, "state");
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, ZONING_RAM, &space));
	ck_assert_uint_eq(space.zone_blocks, ZONING_BLOCKS);
	ck_assert_uint_eq(space.zones_open_max, ZONING_OPEN);
	zoning_expect(ZONING_RAM, 0, NVME_ZONE_EMPTY, 0);
	scene_disconnect();
}
END_TEST

START_TEST(zones_are_what_they_were_when_all_was_stopped)
{
	uint64_t lba;

	zoning_connect();
	expect_good(zoning_append(ZONING_FILE, 0, 3, 1, &lba));
	expect_good(zoning_act(ZONING_FILE, 1, NVME_ZONE_FINISH));
	scene_disconnect();
	harness_end(scene.harness);
	harness_start(scene.harness, true);
	scene_connect();
	ck_assert_uint_eq(scene.spaces[ZONING_FILE].zone_blocks, 2048);
	ck_assert_uint_eq(le64_get(zoning_look(ZONING_FILE, 0).wp), 3);
	zoning_expect(ZONING_FILE, 1, NVME_ZONE_FULL, 0);
	scene_read_back(ZONING_FILE, 0, 3, 1);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zns_deaths");

	describe_running(suite,
	                 "in zones",
	                 given_zones,
	                 scene_stop,
	                 no_write_is_lost_with_io,
	                 no_write_is_lost_with_a_restart_of_io,
	                 no_write_is_lost_with_state,
	                 no_write_is_lost_with_a_restart_of_tcp,
	                 no_append_is_lost_with_io,
	                 no_append_is_lost_with_a_restart_of_tcp,
	                 zones_are_what_they_were_when_io_has_died,
	                 a_namespace_stays_zoned_when_state_has_died);
	describe_alone(suite,
	               "in a set",
	               given_zones,
	               scene_stop,
	               zones_are_what_they_were_when_all_was_stopped);
	return harness_run(suite);
}
