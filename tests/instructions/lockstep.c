/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands in lockstep, for `run`: as many as the queue is deep are sent at once, the next when
 * all of them are answered. What callgrind counted meanwhile is written to a folder as
 * WORK.ROUND.PROCESS, and the number of commands in each to `commands`.
 *
 *   lockstep --environment            says what else the counts depend on
 *   lockstep FOLDER [WORK]            all works, or one
 */
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/instructions/profiler.h"
#include "tests/process/scene.h"

#define BYTES    4096u
#define QD_MAX   32u
#define COMMANDS 640u
#define ROUNDS   3u /* that count; the one before them warms up */
#define BATCH_MS 20000u
#define BLOCKS   512u

enum { ON_FILE = 1, ON_RAM = 2 }; /* namespaces */

struct work {
	const char *name;
	uint32_t nsid;
	uint8_t opcode;
	unsigned qd;
	bool digests;
};

static const struct work works[] = {
	{"read-qd1",          ON_RAM,  NVME_IO_READ,  1,  false},
	{"read-qd32",         ON_RAM,  NVME_IO_READ,  32, false},
	{"write-qd1",         ON_RAM,  NVME_IO_WRITE, 1,  false},
	{"write-qd32",        ON_RAM,  NVME_IO_WRITE, 32, false},
	{"read-digests-qd1",  ON_RAM,  NVME_IO_READ,  1,  true },
	{"read-digests-qd32", ON_RAM,  NVME_IO_READ,  32, true },
	{"file-read-qd1",     ON_FILE, NVME_IO_READ,  1,  false},
	{"file-read-qd32",    ON_FILE, NVME_IO_READ,  32, false},
};

static const char *folder;
static const char *only; /* this work; NULL: all */
static char file_path[256];
static uint8_t data[QD_MAX][BYTES];
static struct host_request requests[QD_MAX];

/* ------------------------------------------------------------------ the set */

/* With data, which then is in the page cache: io_uring is done with a read of it at once. */
static void write_file(void)
{
	int fd;

	snprintf(file_path, sizeof(file_path), "%s/disk", folder);
	fd = open(file_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		scene_fill(data[0], BYTES, i);
		ck_assert_int_eq(write(fd, data[0], BYTES), BYTES);
	}
	close(fd);
}

static void given_a_profiled_set(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	write_file();
	spaces[0] = (struct harness_namespace){
		.nsid = ON_FILE, .path = file_path, .block_bytes = BYTES, .is_buffered = true};
	spaces[1] = (struct harness_namespace){
		.nsid = ON_RAM, .path = "ram:2M", .block_bytes = BYTES};
	profiler_take_turns();
	scene.harness = harness_new(&exports);
	profiler_prepare(scene.harness);
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

/* ------------------------------------------------------------------ the load */

static bool all_are_completed(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!requests[i].completed)
			return false;
	return true;
}

/* One batch, from block `first` on. */
static void exchange(const struct work *work, unsigned first)
{
	uint64_t deadline_ns = clock_now_ns() + BATCH_MS * NS_PER_MS;

	for (unsigned i = 0; i < work->qd; i++) {
		requests[i] = host_io(
			&scene.spaces[work->nsid], work->opcode, (first + i) % BLOCKS, 1, data[i]);
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	}
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	while (!all_are_completed(work->qd)) {
		queue_must(&scene.queue, host_queue_wait(&scene.queue, deadline_ns));
		queue_must(&scene.queue, host_queue_poll(&scene.queue));
	}
	for (unsigned i = 0; i < work->qd; i++)
		expect_good(requests[i].status);
}

/* A batch of writes goes into the socket as a whole. */
static void connect_for(const struct work *work)
{
	const int bytes = 1 << 20;

	scene.options.wishes.header_digest = scene.options.wishes.data_digest = work->digests;
	scene_connect();
	ck_assert_int_eq(
		setsockopt(scene.queue.connection.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)),
		0);
}

static void profile(const struct work *work)
{
	char name[64];

	connect_for(work);
	for (unsigned round = 0; round <= ROUNDS; round++) {
		for (unsigned first = 0; first < COMMANDS; first += work->qd)
			exchange(work, first);
		snprintf(name, sizeof(name), "%s.%u", work->name, round);
		profiler_dump(scene.harness, folder, name);
	}
	scene_disconnect();
}

static void say_commands(void)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/commands", folder);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "%u\n", COMMANDS);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(answers_commands_in_lockstep)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (!only || strcmp(only, works[i].name) == 0) {
			profile(&works[i]);
			n++;
		}
	ck_assert_msg(n > 0, "there is no work called %s", only);
	say_commands();
}
END_TEST

/* ------------------------------------------------------------------ what else they depend on */

/* valgrind shows programs a processor without AVX-512. */
static void say_environment(void)
{
	bool has_avx2 = false;
#if defined(__x86_64__)
	const char *machine = "x86_64";

	has_avx2 = __builtin_cpu_supports("avx2");
#else
	const char *machine = "another machine";
#endif
#if defined(__clang__)
	const char *compiler = "clang";
	int version = __clang_major__;
#else
	const char *compiler = "gcc";
	int version = __GNUC__;
#endif
#if defined(__OPTIMIZE__)
	const char *optimised = "optimised";
#else
	const char *optimised = "not optimised";
#endif

	printf("%s %s, %s %d %s, glibc %s\n",
	       machine,
	       has_avx2 ? "with AVX2" : "without AVX2",
	       compiler,
	       version,
	       optimised,
	       gnu_get_libc_version());
}

int main(int argc, char **argv)
{
	Suite *suite;

	if (argc == 2 && strcmp(argv[1], "--environment") == 0) {
		say_environment();
		return EXIT_SUCCESS;
	}
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s --environment | FOLDER [WORK]\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	only = argv[2]; /* NULL at the end */
	suite = suite_create("lockstep");
	describe_running(suite,
	                 "a profiled set",
	                 given_a_profiled_set,
	                 scene_stop,
	                 answers_commands_in_lockstep);
	return harness_run(suite);
}
