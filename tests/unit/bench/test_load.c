/* SPDX-License-Identifier: BSD-2-Clause */
/* A load ends after the I/Os it was told to do, and in lockstep it waits for a whole batch. The
 * target here is a child process that answers writes. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/load.h"
#include "tests/support/spec.h"

#define WAIT_MS  5000u
#define QUIET_MS 20 /* that a host of a whole batch has nothing to say */
#define DEPTH    8u
#define BYTES    512u
#define CAPSULE  (sizeof(struct tcp_capsule_command) + BYTES)

enum { TARGET_GOOD, TARGET_BROKEN, TARGET_SAW_TOO_MUCH };

static const struct pattern writes = {"randwrite", 0, false};
static struct options options;
static struct load load;
static struct host_queue queue;
static struct load_job jobs[DEPTH];
static uint8_t data[BYTES];
static pid_t target;

/* ------------------------------------------------------------------ the target */

static void take(int fd, void *bytes, size_t length)
{
	ssize_t n = recv(fd, bytes, length, MSG_WAITALL);

	if (n != (ssize_t)length)
		_exit(n == 0 ? TARGET_GOOD : TARGET_BROKEN);
}

static void answer(int fd, const uint8_t *capsule)
{
	const struct tcp_capsule_command *command = (const struct tcp_capsule_command *)capsule;
	struct tcp_capsule_response response = {
		.header = {.type = TCP_PDU_CAPSULE_RESPONSE, .hlen = 24, .plen = le32_of(24)},
		.completion = {.cid = command->command.cid            },
	};

	if (write(fd, &response, sizeof(response)) != sizeof(response))
		_exit(TARGET_BROKEN);
}

/* Answers `DEPTH` commands when it has them; before the last answer nothing else may come. */
static void answer_in_batches(int fd)
{
	static uint8_t capsules[DEPTH][CAPSULE];
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	for (;;) {
		for (unsigned i = 0; i < DEPTH; i++)
			take(fd, capsules[i], CAPSULE);
		for (unsigned i = 0; i + 1 < DEPTH; i++)
			answer(fd, capsules[i]);
		if (poll(&readable, 1, QUIET_MS) != 0)
			_exit(TARGET_SAW_TOO_MUCH);
		answer(fd, capsules[DEPTH - 1]);
	}
}

static void answer_each(int fd)
{
	static uint8_t capsule[CAPSULE];

	for (;;) {
		take(fd, capsule, CAPSULE);
		answer(fd, capsule);
	}
}

static void be_a_target(int listener)
{
	struct tcp_icreq icreq;
	struct tcp_icresp icresp = {
		.header = {.type = TCP_PDU_ICRESP, .hlen = 128, .plen = le32_of(128)},
		.maxh2cdata = le32_of(65536),
	};
	int fd = accept(listener, NULL, NULL);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	take(fd, &icreq, sizeof(icreq));
	if (write(fd, &icresp, sizeof(icresp)) != sizeof(icresp))
		_exit(TARGET_BROKEN);
	if (options.lockstep)
		answer_in_batches(fd);
	answer_each(fd);
}

/* ------------------------------------------------------------------ the load */

static void connect_queue(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct host_address address = {.traddr = "127.0.0.1"};
	struct host_wishes wishes = {0};
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char port[8];

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	target = fork();
	ck_assert_int_ge(target, 0);
	if (target == 0)
		be_a_target(listener);
	close(listener);
	snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
	address.trsvcid = port;
	ck_assert_int_eq(host_queue_open(&queue, &address, &wishes, DEPTH, WAIT_MS), 0);
	queue.sqflow_disabled = true;
}

static void given_a_load_of_writes(void)
{
	options = (struct options){.block_bytes = BYTES,
	                           .depth = DEPTH,
	                           .pattern = &writes,
	                           .connections = 1,
	                           .io_timeout_seconds = 5};
	load = LOAD_NULL;
	load.options = &options;
	load.space = (struct host_namespace){.nsid = 1, .blocks = 64, .block_bytes = BYTES};
	load.queues = &queue;
	load.jobs = jobs;
	load.n_jobs = DEPTH;
	load.blocks = 1;
	load.places = 64;
	load.chores_ns = UINT64_MAX; /* there is no admin queue */
	for (unsigned i = 0; i < DEPTH; i++)
		jobs[i] = (struct load_job){.load = &load, .queue = &queue, .data = data};
}

static void given_a_load_in_lockstep(void)
{
	given_a_load_of_writes();
	options.lockstep = true;
}

static void forget_the_load(void)
{
	host_queue_close(&queue);
	if (target > 0) {
		kill(target, SIGKILL);
		waitpid(target, NULL, 0);
	}
	target = 0;
}

/* The target's verdict; it ends with the connection. */
static int ask_the_target(void)
{
	int status;

	host_queue_close(&queue);
	ck_assert_int_eq(waitpid(target, &status, 0), target);
	target = 0;
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void run_for_ios(uint64_t ios)
{
	options.ios = ios;
	connect_queue();
	ck_assert_int_eq(load_run(&load, LOAD_RUN, 0, true), 0);
}

START_TEST(does_as_many_as_it_was_told)
{
	run_for_ios(1003);
	ck_assert_uint_eq(load.totals.writes, 1003);
	ck_assert_uint_eq(load.totals.latency.count, 1003);
	ck_assert_uint_eq(queue.completions, 1003);
}
END_TEST

START_TEST(does_fewer_than_its_depth)
{
	run_for_ios(3);
	ck_assert_uint_eq(load.totals.latency.count, 3);
	ck_assert_uint_eq(queue.completions, 3);
}
END_TEST

START_TEST(does_not_count_what_is_not_measured)
{
	options.ios = 100;
	connect_queue();
	ck_assert_int_eq(load_run(&load, LOAD_RUN, 20000000, false), 0);
	ck_assert_uint_eq(load.totals.latency.count, 0);
	ck_assert_int_eq(load_run(&load, LOAD_RUN, 0, true), 0);
	ck_assert_uint_eq(load.totals.latency.count, 100);
}
END_TEST

START_TEST(sends_nothing_before_the_last_answer_of_a_batch)
{
	run_for_ios(5 * DEPTH);
	ck_assert_uint_eq(load.totals.latency.count, 5 * DEPTH);
	ck_assert_int_eq(ask_the_target(), TARGET_GOOD);
}
END_TEST

START_TEST(ends_with_its_time)
{
	connect_queue();
	ck_assert_int_eq(load_run(&load, LOAD_RUN, 100000000, true), 0);
	ck_assert_uint_ge(load.totals.latency.count, DEPTH);
	ck_assert_uint_eq(queue.completions % DEPTH, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");

	describe(suite,
	         "a load with a number of I/Os",
	         given_a_load_of_writes,
	         forget_the_load,
	         does_as_many_as_it_was_told,
	         does_fewer_than_its_depth,
	         does_not_count_what_is_not_measured);
	describe(suite,
	         "a load in lockstep",
	         given_a_load_in_lockstep,
	         forget_the_load,
	         sends_nothing_before_the_last_answer_of_a_batch,
	         ends_with_its_time);
	return run(suite);
}
