/* SPDX-License-Identifier: BSD-2-Clause */
/* Where connections and threads are: queue by queue over the reactors, and a reactor on the
 * processor of the I/O thread that its link goes to. */
#include <dirent.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

enum { THREADS = 2, HOSTS = 4 };

static char cpu_list[32];
static struct host_controller controllers[HOSTS];
static struct host_queue queues[HOSTS][THREADS];

static void given_a_set_of_two_threads(void)
{
	setenv("NVMETD_TEST_THREADS", "2", 1);
	scene_start(NULL);
}

/* ------------------------------------------------------------------ queues */

static void connect_admin(unsigned i)
{
	uint16_t granted;

	for (unsigned q = 0; q < THREADS; q++)
		queues[i][q] = HOST_QUEUE_NULL;
	harness_connect_as(&scene.options, &controllers[i]);
	host_must(&controllers[i], host_controller_queues(&controllers[i], THREADS, &granted));
	ck_assert_uint_ge(granted, THREADS);
}

static void connect_io(unsigned i, unsigned q)
{
	host_must(&controllers[i],
	          host_controller_open_queue(
			  &controllers[i], &queues[i][q], (uint16_t)(q + 1), 32, 4));
}

/* All of them at once, a queue of each in turns, as hosts do that come up together. */
static void connect_hosts(void)
{
	for (unsigned i = 0; i < HOSTS; i++)
		connect_admin(i);
	for (unsigned q = 0; q < THREADS; q++)
		for (unsigned i = 0; i < HOSTS; i++)
			connect_io(i, q);
}

static void disconnect_hosts(void)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		for (unsigned q = 0; q < THREADS; q++)
			host_queue_close(&queues[i][q]);
		host_controller_close(&controllers[i]);
	}
}

static char status[1 << 18];

static void read_status(void)
{
	ck_assert_int_eq(
		harness_ctl(scene.harness, status, sizeof(status), "status", "--json", NULL), 0);
}

static void await_that_all_have_gone(void)
{
	uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	do
		read_status();
	while (!strstr(status, "\"connections\": 0") && clock_now_ns() < end_ns);
	ck_assert_msg(clock_now_ns() < end_ns, "there are still connections");
}

/* The I/O queues of each thread, as `nvmetctl status --json` has them. */
static void count_io_queues(unsigned n[static THREADS])
{
	const char *at = status;

	memset(n, 0, THREADS * sizeof(n[0]));
	read_status();
	while ((at = strstr(at, "\"qid\":"))) {
		unsigned qid, thread;
		const char *where = strstr(at, "\"thread\":");

		ck_assert_ptr_nonnull(where);
		ck_assert_int_eq(sscanf(at, "\"qid\": %u", &qid), 1);
		ck_assert_int_eq(sscanf(where, "\"thread\": %u", &thread), 1);
		ck_assert_uint_lt(thread, THREADS);
		n[thread] += qid > 0;
		at = where;
	}
}

START_TEST(has_as_many_io_queues_on_each_thread)
{
	unsigned n[THREADS];

	await_that_all_have_gone();
	connect_hosts();
	count_io_queues(n);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_uint_eq(n[i], HOSTS);
	disconnect_hosts();
}
END_TEST

/* Whose admin queues come in between: if they counted, one thread would have all of the others. */
START_TEST(has_them_so_of_hosts_that_have_one_each)
{
	unsigned n[THREADS];

	await_that_all_have_gone();
	for (unsigned i = 0; i < HOSTS; i++) {
		connect_admin(i);
		connect_io(i, 0);
	}
	count_io_queues(n);
	ck_assert_uint_eq(n[0], n[1]);
	disconnect_hosts();
}
END_TEST

/* Hosts that have gone, and others that were refused, leave no trace in the counts. */
START_TEST(has_them_so_after_many_have_come_and_gone)
{
	unsigned n[THREADS];

	for (unsigned i = 0; i < 10; i++) {
		struct host_connection silent;

		connect_hosts();
		connection_must(&silent,
		                host_connection_open_silent(&silent, &scene.options.address, 5000));
		host_connection_close(&silent);
		disconnect_hosts();
	}
	await_that_all_have_gone();
	connect_hosts();
	count_io_queues(n);
	ck_assert_uint_eq(n[0], n[1]);
	disconnect_hosts();
}
END_TEST

/* ------------------------------------------------------------------ processors */

/* The first two that we may use, or the only one, the higher one first. */
static void pick_cpus(void)
{
	unsigned found[2] = {0, 0}, n = 0;
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			found[n++] = cpu;
	snprintf(cpu_list, sizeof(cpu_list), "%u,%u", n > 1 ? found[1] : found[0], found[0]);
}

static void given_a_set_with_processors(void)
{
	struct harness_exports plain = harness_plain();

	setenv("NVMETD_TEST_THREADS", "2", 1);
	pick_cpus();
	scene.harness = harness_new(&plain);
	scene.harness->cpus = cpu_list;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

static bool read_line(const char *path, const char *key, char *ret_value, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key);
	char line[256];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		is_found = strncmp(line, key, length) == 0;
		if (is_found)
			snprintf(ret_value,
			         size,
			         "%.*s",
			         (int)strcspn(line + length, "\n"),
			         line + length);
	}
	if (file)
		fclose(file);
	return is_found;
}

/* Of the thread of that name. */
static unsigned cpu_of(const char *process, const char *thread)
{
	char path[320], name[64], cpus[64];
	const struct dirent *entry;
	unsigned cpu = UINT32_MAX, length = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", harness_pid(scene.harness, process, 0));
	tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	while (cpu == UINT32_MAX && (entry = readdir(tasks))) {
		snprintf(path,
		         sizeof(path),
		         "/proc/%d/task/%.16s/status",
		         harness_pid(scene.harness, process, 0),
		         entry->d_name);
		if (!read_line(path, "Name:\t", name, sizeof(name)) || strcmp(name, thread) != 0)
			continue;
		ck_assert(read_line(path, "Cpus_allowed_list:\t", cpus, sizeof(cpus)));
		ck_assert_msg(sscanf(cpus, "%u%n", &cpu, (int *)&length) == 1 &&
		                      length == strlen(cpus),
		              "%s of %s may run on %s",
		              thread,
		              process,
		              cpus);
	}
	closedir(tasks);
	ck_assert_msg(cpu != UINT32_MAX, "%s has no thread \"%s\"", process, thread);
	return cpu;
}

START_TEST(has_each_thread_on_the_processor_of_its_number)
{
	unsigned first, second;

	ck_assert_int_eq(sscanf(cpu_list, "%u,%u", &first, &second), 2);
	ck_assert_uint_eq(cpu_of("tcp", "reactor 0"), first);
	ck_assert_uint_eq(cpu_of("tcp", "reactor 1"), second);
	ck_assert_uint_eq(cpu_of("io-0", "io 0"), first);
	ck_assert_uint_eq(cpu_of("io-0", "io 1"), second);
}
END_TEST

START_TEST(serves_on_all_of_them)
{
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spread");

	describe_running(suite,
	                 "a set of two threads",
	                 given_a_set_of_two_threads,
	                 scene_stop,
	                 has_as_many_io_queues_on_each_thread,
	                 has_them_so_of_hosts_that_have_one_each,
	                 has_them_so_after_many_have_come_and_gone);
	describe_running(suite,
	                 "a set that was given processors",
	                 given_a_set_with_processors,
	                 scene_stop,
	                 has_each_thread_on_the_processor_of_its_number,
	                 serves_on_all_of_them);
	return harness_run(suite);
}
