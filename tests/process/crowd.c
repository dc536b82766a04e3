/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Very many hosts, each with an admin queue, an I/O queue, an Asynchronous Event Request and a
 * keep-alive of 5 s as Linux has them, all from one address. What they cost is printed; the limits
 * are wide, so that a machine on which others work does not break them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/process/usage.h"

enum { HOSTS = USAGE_IS_SANITIZED ? 100 : 1000 };

#define KATO_MS        5000u /* what Linux asks for, and sends one each half of it */
#define WINDOW_S       20u
#define CONNECT_S      60.0
#define CPU_PERCENT    9.0  /* three times the goal */
#define CONNECTION_KIB 20.0 /* the goal is 64, and 10 what it takes */
#define ENTRIES        128u
#define DESCRIPTORS    (2u * HOSTS + 64)

struct host {
	struct host_options options;
	char nqn[96];
	struct host_controller controller;
	struct host_queue queue;
	struct host_request event;
};

static struct host *hosts;
static struct usage usage;
static double connect_seconds;
static unsigned empty_kib, empty_buffers_kib;

/* ------------------------------------------------------------------ coming */

static void connect_host(unsigned i)
{
	struct host *host = &hosts[i];
	uint16_t granted;

	snprintf(host->nqn, sizeof(host->nqn), "nqn.2014-08.org.nvmexpress:host-%u", i);
	host->options = harness_host(scene.harness, 0, 0);
	host->options.hostnqn = host->nqn;
	host->options.kato_ms = KATO_MS;
	memcpy(host->options.hostid, &i, sizeof(i));
	harness_connect_as(&host->options, &host->controller);
	host_must(&host->controller, host_controller_queues(&host->controller, 1, &granted));
	host_must(&host->controller,
	          host_controller_open_queue(&host->controller, &host->queue, 1, ENTRIES, 4));
	host->event.command.opcode = NVME_ADMIN_ASYNC_EVENT;
	queue_must(&host->controller.admin,
	           host_queue_submit(&host->controller.admin, &host->event));
	queue_must(&host->controller.admin, host_queue_flush(&host->controller.admin));
}

/* Those that are connected already must not expire while the rest come. */
static void keep_alive(unsigned n)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < n; i++) {
		struct host_controller *controller = &hosts[i].controller;

		if (now_ns >= controller->last_sent_ns + KATO_MS / 2 * NS_PER_MS)
			host_must(controller, host_keep_alive(controller));
	}
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < DESCRIPTORS)
		harness_skip("RLIMIT_NOFILE is too low for so many connections");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		harness_skip("RLIMIT_NOFILE cannot be raised to its maximum");
}

static void given_a_set_with_very_many_hosts(void)
{
	struct harness_exports exports = harness_plain();
	uint64_t since_ns;

	exports.subsystems[0].hosts[0] = NULL;
	hosts = calloc(HOSTS, sizeof(*hosts));
	ck_assert_ptr_nonnull(hosts);
	scene_start(&exports);
	usage = usage_of_set(scene.harness);
	empty_kib = usage_sum_kib(&usage);
	empty_buffers_kib = usage_tcp_buffers_kib();
	printf("# no host: %.1f MiB (%s)\n", empty_kib / 1024.0, usage_words(&usage));
	since_ns = clock_now_ns();
	for (unsigned i = 0; i < HOSTS; i++) {
		connect_host(i);
		keep_alive(i + 1);
	}
	connect_seconds = (double)(clock_now_ns() - since_ns) / 1e9;
	fflush(stdout);
}

/* ------------------------------------------------------------------ being there */

/* A command on each of the I/O queues. */
static void read_a_block_each(void)
{
	static uint8_t block[4096];

	for (unsigned i = 0; i < HOSTS; i++) {
		const struct host_namespace space = {.nsid = 2, .block_bytes = sizeof(block)};
		struct host_request request = host_io(&space, NVME_IO_READ, 0, 1, block);

		queue_must(&hosts[i].queue, host_queue_execute(&hosts[i].queue, &request, 20000));
		keep_alive(HOSTS);
	}
}

START_TEST(has_them_all_in_a_minute)
{
	keep_alive(HOSTS);
	printf("# %d hosts connected in %.2f s, one after the other\n", HOSTS, connect_seconds);
	fflush(stdout);
	ck_assert_double_lt(connect_seconds, CONNECT_S);
}
END_TEST

START_TEST(serves_each_of_them)
{
	read_a_block_each();
}
END_TEST

START_TEST(has_less_than_20_kibibytes_for_each_connection)
{
	const unsigned connections = 2 * HOSTS;
	unsigned sum;
	double each;

	read_a_block_each();
	sum = usage_sum_kib(&usage);
	each = ((double)sum - empty_kib) / connections;
	printf("# %u connections: %.1f MiB (%s), %.2f KiB each, and %.2f KiB in the kernel's "
	       "buffers at both ends\n",
	       connections,
	       sum / 1024.0,
	       usage_words(&usage),
	       each,
	       ((double)usage_tcp_buffers_kib() - empty_buffers_kib) / connections);
	fflush(stdout);
	if (!USAGE_IS_SANITIZED)
		ck_assert_double_lt(each, CONNECTION_KIB);
}
END_TEST

/* As hosts do that came one after the other. */
static void spread_keep_alives(void)
{
	uint64_t now_ns;

	for (unsigned i = 0; i < HOSTS; i++)
		host_must(&hosts[i].controller, host_keep_alive(&hosts[i].controller));
	now_ns = clock_now_ns();
	for (unsigned i = 0; i < HOSTS; i++)
		hosts[i].controller.last_sent_ns = now_ns - i * (KATO_MS / 2 * NS_PER_MS / HOSTS);
}

START_TEST(takes_little_of_a_core_while_they_are_idle)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	double before, percent;
	uint64_t end_ns;

	spread_keep_alives();
	before = usage_busy_seconds(&usage);
	end_ns = clock_now_ns() + WINDOW_S * NS_PER_S;
	while (clock_now_ns() < end_ns) {
		keep_alive(HOSTS);
		nanosleep(&pause, NULL);
	}
	percent = 100 * (usage_busy_seconds(&usage) - before) / WINDOW_S;
	printf("# %d idle hosts with a keep-alive timeout of %u s: %.2f %% of a core\n",
	       HOSTS,
	       KATO_MS / 1000,
	       percent);
	fflush(stdout);
	if (!USAGE_IS_SANITIZED)
		ck_assert_double_lt(percent, CPU_PERCENT);
}
END_TEST

START_TEST(shows_all_of_their_queues)
{
	static char status[8 << 20];
	const char *at = status;
	unsigned n = 0;

	keep_alive(HOSTS);
	ck_assert_int_eq(
		harness_ctl(scene.harness, status, sizeof(status), "status", "--json", NULL), 0);
	for (; (at = strstr(at, "\"qid\": ")); at++)
		n++;
	ck_assert_uint_eq(n, 2 * HOSTS);
}
END_TEST

/* Which is told of all of them, and asked again for the event that each waits for. */
START_TEST(keeps_them_when_the_state_service_is_killed)
{
	struct host_namespace space;

	keep_alive(HOSTS);
	harness_kill(scene.harness, "state");
	for (unsigned i = 0; i < HOSTS; i++) {
		host_must(&hosts[i].controller,
		          host_namespace_identify(&hosts[i].controller, 2, &space));
		keep_alive(HOSTS);
	}
}
END_TEST

START_TEST(has_lost_none_of_them)
{
	for (unsigned i = 0; i < HOSTS; i++)
		host_must(&hosts[i].controller, host_keep_alive(&hosts[i].controller));
	ck_assert_uint_eq(harness_log_count(scene.harness, "keep-alive expired"), 0);
}
END_TEST

/* ------------------------------------------------------------------ too many of them */

enum { FEW = 128, SILENT = 2 * FEW };

static void given_a_set_that_may_open_few_files(void)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(&plain);
	scene.harness->files = FEW;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

static void connect_silently(struct host_connection *silent, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		connection_must(
			&silent[i],
			host_connection_open_silent(&silent[i], &scene.options.address, 5000));
}

START_TEST(says_so)
{
	harness_await_log(scene.harness, "open files: ", 1);
}
END_TEST

START_TEST(serves_those_who_came_before_too_many_did)
{
	static struct host_connection silent[SILENT];

	scene_connect();
	connect_silently(silent, SILENT);
	harness_await_log(scene.harness, "cannot accept connections", 1);
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	scene_expect_ready();
	for (unsigned i = 0; i < SILENT; i++)
		host_connection_close(&silent[i]);
	scene_disconnect();
}
END_TEST

START_TEST(serves_others_when_these_have_gone)
{
	static struct host_connection silent[SILENT];

	connect_silently(silent, SILENT);
	for (unsigned i = 0; i < SILENT; i++)
		host_connection_close(&silent[i]);
	scene_connect();
	scene_write(1, 0, 64, 2);
	scene_read_back(1, 0, 64, 2);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crowd");

	raise_limit();
	describe_running(suite,
	                 "a set with very many hosts",
	                 given_a_set_with_very_many_hosts,
	                 scene_stop,
	                 has_them_all_in_a_minute,
	                 serves_each_of_them,
	                 has_less_than_20_kibibytes_for_each_connection,
	                 takes_little_of_a_core_while_they_are_idle,
	                 shows_all_of_their_queues,
	                 keeps_them_when_the_state_service_is_killed,
	                 has_lost_none_of_them);
	describe_running(suite,
	                 "a set that may open few files",
	                 given_a_set_that_may_open_few_files,
	                 scene_stop,
	                 says_so,
	                 serves_those_who_came_before_too_many_did,
	                 serves_others_when_these_have_gone);
	return harness_run(suite);
}
