/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a host waits when the worker is killed again and again under load. The figures are
 * printed; what is tested is generous, since other programs run meanwhile. NVMETD_TEST_KILLS
 * says how often (5).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

#define KILLS_MAX  1000u
#define BETWEEN_MS 1200u
#define MOST_MS    10000.0 /* a host waits for 30 s */

static double pauses_ms[KILLS_MAX];
static unsigned kills = 5;

static void given_a_set(void)
{
	const char *wanted = getenv("NVMETD_TEST_KILLS");

	if (wanted)
		kills = (unsigned)strtoul(wanted, NULL, 10);
	ck_assert_uint_gt(kills, 0);
	ck_assert_uint_le(kills, KILLS_MAX);
	scene_start(NULL);
}

static double ms_since(uint64_t ns)
{
	return (double)(clock_now_ns() - ns) / NS_PER_MS;
}

/* I/O, one after the other, for some time: the longest took so long. */
static double longest_ms(uint32_t nsid, unsigned ms)
{
	static uint8_t data[4096];
	uint32_t blocks = sizeof(data) / scene.spaces[nsid].block_bytes;
	uint64_t begin_ns = clock_now_ns(), at_ns = begin_ns;
	double longest = 0;

	for (unsigned i = 0; at_ns < begin_ns + ms * NS_PER_MS; i++) {
		uint64_t since_ns = at_ns;

		expect_good(scene_io(
			i % 2 ? NVME_IO_READ : NVME_IO_WRITE, nsid, i % 64 * blocks, blocks, data));
		at_ns = clock_now_ns();
		if ((double)(at_ns - since_ns) / NS_PER_MS > longest)
			longest = (double)(at_ns - since_ns) / NS_PER_MS;
	}
	return longest;
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static void kill_and_measure(const char *name, const char *what, uint32_t nsid)
{
	pid_t victim = 0;

	for (unsigned i = 0; i < kills; i++) {
		victim = harness_pid(scene.harness, name, victim);
		longest_ms(nsid, BETWEEN_MS);
		ck_assert_int_eq(kill(victim, SIGKILL), 0);
		pauses_ms[i] = longest_ms(nsid, 50);
	}
	qsort(pauses_ms, kills, sizeof(pauses_ms[0]), compare);
	printf("# %s: %u kills of %s: pauses of %.0f ms at the median, %.0f ms at the worst\n",
	       what,
	       kills,
	       name,
	       pauses_ms[kills / 2],
	       pauses_ms[kills - 1]);
	fflush(stdout);
	ck_assert_double_lt(pauses_ms[kills - 1], MOST_MS);
}

static void measure_under_load(const char *what, const char *nsid)
{
	uint64_t begin_ns = clock_now_ns();
	char seconds[16];
	pid_t load;

	snprintf(seconds, sizeof(seconds), "%u", kills * (BETWEEN_MS + 50) / 1000 + 1);
	load = load_start_verified(nsid, seconds, "--qd", "16", NULL);
	scene_connect();
	/* what the load has written is not ours to write over */
	kill_and_measure("io-0", what, nsid[0] == '1' ? 2 : 1);
	scene_disconnect();
	load_expect_good_end(load);
	printf("# it took %.1f s\n", ms_since(begin_ns) / 1000);
}

START_TEST(ends_soon_while_a_file_is_under_load)
{
	measure_under_load("memory, with a load on a file", "1");
}
END_TEST

START_TEST(ends_soon_while_memory_is_under_load)
{
	measure_under_load("a file, with a load in memory", "2");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pause");

	describe_alone(suite,
	               "the pause of a host whose worker is killed",
	               given_a_set,
	               scene_stop,
	               ends_soon_while_a_file_is_under_load,
	               ends_soon_while_memory_is_under_load);
	return harness_run(suite);
}
