/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel ends a process that has reached its memory limit: one after the other, in a memory
 * cgroup of its own. Its successor, which is not in that cgroup, takes up what it had.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

#define LIMIT_BYTES "1048576"
#define PIECE       128u /* blocks of 4 KiB */
#define MANY        400u /* subsystems */
#define PIECES      32u  /* 16 MiB: more than the limit, and than the sanitizer needs to end */

static char cgroup[128];

/* False: this cannot be done here. */
static bool put(const char *name, const char *text)
{
	char path[192];
	int fd;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* Of version 1 or 2. */
static bool make_cgroup(void)
{
	static const struct {
		const char *root, *limit;
	} kinds[] = {
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup",        "memory.max"           }
        };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(cgroup, sizeof(cgroup), "%s/nvmetd-test-%d", kinds[i].root, getpid());
		if (mkdir(cgroup, 0755) < 0)
			continue;
		if (put(kinds[i].limit, LIMIT_BYTES))
			return true;
		rmdir(cgroup);
	}
	return false;
}

static void given_a_set(void)
{
	scene_start(NULL);
}

/* Its pid; what it has by now is not counted, only what it takes from now on. */
static pid_t limit(const char *name)
{
	pid_t pid = harness_pid(scene.harness, name, 0);
	char number[16];

	snprintf(number, sizeof(number), "%d", pid);
	ck_assert(put("cgroup.procs", number));
	return pid;
}

static void await_host(void)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 20 * NS_PER_MS};
	struct host_controller controller;
	int r;

	do {
		struct host_options options = scene.options;

		options.timeout_ms = 2000;
		nanosleep(&pause, NULL);
		r = host_controller_open(&controller, &options);
		host_controller_close(&controller);
		ck_assert_msg(r == 0 || clock_now_ns() < deadline_ns, "no host can come any more");
	} while (r);
}

/* In memory, that the worker is charged for. */
START_TEST(a_worker_loses_nothing)
{
	pid_t first;

	scene_connect();
	first = limit("io-0");
	for (unsigned i = 0; i < PIECES; i++)
		scene_write(2, i * PIECE, PIECE, i);
	harness_pid(scene.harness, "io-0", first);
	for (unsigned i = 0; i < PIECES; i++)
		scene_read_back(2, i * PIECE, PIECE, i);
	scene_disconnect();
}
END_TEST

/* Until the connection ends: its memory for data is its own. */
static void write_until_the_end(void)
{
	static uint8_t data[PIECE * 4096];
	struct host_request requests[32];

	for (;;) {
		int r = 0;

		for (unsigned i = 0; !r && i < 32; i++) {
			requests[i] = host_io(&scene.spaces[2], NVME_IO_WRITE, 0, PIECE, data);
			r = host_queue_submit(&scene.queue, &requests[i]);
		}
		for (unsigned i = 0; !r && i < 32; i++)
			r = host_queue_await(&scene.queue, &requests[i], 5000);
		if (r)
			return;
	}
}

START_TEST(a_transport_is_followed_by_one_that_serves)
{
	pid_t first;

	scene_connect();
	first = limit("tcp");
	write_until_the_end();
	harness_pid(scene.harness, "tcp", first);
	scene_disconnect();
	await_host();
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	scene_disconnect();
}
END_TEST

/* With many namespaces, all of which it has to think of at once. */
static void write_large_configuration(const char *path)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "{\"hosts\": [], \"ports\": [], \"subsystems\": [");
	for (unsigned i = 0; i < MANY; i++)
		fprintf(file,
		        "%s{\"nqn\": \"nqn.2001-01.com.example:%u\", \"attr\": "
		        "{\"allow_any_host\": "
		        "\"1\"}, \"namespaces\": [{\"nsid\": 1, \"enable\": 1, \"device\": "
		        "{\"path\": "
		        "\"null:1G\"}}]}",
		        i ? ", " : "",
		        i);
	fprintf(file, "]}");
	fclose(file);
}

static unsigned count_subsystems(void)
{
	static const char key[] = "\"nqn\": \"nqn.2001-01.com.example:";
	static char text[4 << 20];
	unsigned n = 0;

	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "save", NULL), 0);
	for (const char *at = text; (at = strstr(at, key)); at++)
		n++;
	return n;
}

/* What was said to be done is done, whole; what was not is done whole, or not at all. */
START_TEST(a_state_service_is_followed_by_one_that_knows_as_much)
{
	static char text[1 << 16];
	unsigned before = count_subsystems(), after;
	pid_t first;
	int r;

	ck_assert_uint_eq(before, 1);
	write_large_configuration(harness_path(scene.harness, "large.json"));
	first = limit("state");
	r = harness_ctl(scene.harness,
	                text,
	                sizeof(text),
	                "restore",
	                harness_path(scene.harness, "large.json"),
	                NULL);
	harness_pid(scene.harness, "state", first);
	after = count_subsystems();
	ck_assert(after == MANY || (r != 0 && after == before));
	harness_restore(scene.harness, &scene.harness->exports);
	await_host();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oom");
	int r;

	if (!make_cgroup())
		harness_skip("no memory cgroup can be made here");
	describe_running(suite,
	                 "when its memory is at an end",
	                 given_a_set,
	                 scene_stop,
	                 a_worker_loses_nothing,
	                 a_transport_is_followed_by_one_that_serves,
	                 a_state_service_is_followed_by_one_that_knows_as_much);
	r = harness_run(suite);
	rmdir(cgroup);
	return r;
}
