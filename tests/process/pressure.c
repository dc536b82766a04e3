/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host behaves, and others use up what there is for all: connections, the memory for data, the
 * rings of a link, what the control thread can have waiting. The host that behaves reads and
 * writes all the while, and no command of its takes long. The memory is the least there can be.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

enum {
	CROWD = 150,     /* connections that say nothing, and as many that stop after ICReq */
	HELD = 32,       /* commands that stand still, of each queue */
	QUEUES = 4,      /* of a host that floods */
	FLOOD = 400,     /* commands on each of them: together more than a ring has slots */
	COMERS = 40,     /* hosts that come while there is no state service */
	LARGE = 1 << 20, /* bytes: MDTS */
};

#define BOUND_MS                                                                                   \
	2000u /* ASan, and a machine with others on it; a deadline of ours is 10 s at least */
#define WHILE_MS 700u

static const struct host_namespace space = {.nsid = 2, .blocks = 4096, .block_bytes = 4096};

/* ------------------------------------------------------------------ a set with 4 MiB for data */

static void write_script(const char *name, const char *more)
{
	char path[256], real[512];
	ssize_t n = readlink("/proc/self/exe", real, sizeof(real) - 1);
	FILE *file;

	ck_assert_int_gt(n, 0);
	real[n] = '\0';
	strrchr(real, '/')[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", harness_path(scene.harness, "bin"), name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\nexec '%s/../bin/%s' %s \"$@\"\n", real, name, more);
	ck_assert_int_eq(fchmod(fileno(file), 0755), 0);
	fclose(file);
}

static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();
	static char bin[128];

	exports.subsystems[0].hosts[0] = NULL;
	scene.harness = harness_new(&exports);
	snprintf(bin, sizeof(bin), "%s", harness_path(scene.harness, "bin"));
	ck_assert_int_eq(mkdir(bin, 0755), 0);
	write_script("nvmetd-state", "");
	write_script("nvmetd-io", "");
	write_script("nvmetd-tcp", "--arena-mib 4");
	write_script("nvmetd", "");
	scene.harness->bin_dir = bin;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

/* ------------------------------------------------------------------ the host that behaves */

static unsigned worst_ms;

static void do_one(unsigned seed)
{
	static uint8_t written[16384], found[16384];
	uint64_t since_ns = clock_now_ns();
	unsigned took_ms;

	scene_fill(written, sizeof(written), seed);
	expect_good(scene_io(NVME_IO_WRITE, 2, seed % 64 * 4, 4, written));
	expect_good(scene_io(NVME_IO_READ, 2, seed % 64 * 4, 4, found));
	ck_assert_mem_eq(written, found, sizeof(found));
	took_ms = (unsigned)((clock_now_ns() - since_ns) / NS_PER_MS);
	worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
}

/* Reads and writes for a while, as if it were alone. */
static void expect_service(const char *while_what)
{
	uint64_t end_ns = clock_now_ns() + WHILE_MS * NS_PER_MS;
	unsigned n = 0;

	worst_ms = 0;
	while (clock_now_ns() < end_ns)
		do_one(n++);
	printf("# %s: %u times, the longest of %u ms\n", while_what, n, worst_ms);
	fflush(stdout);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(worst_ms, BOUND_MS);
}

/* ------------------------------------------------------------------ those that do not */

struct rogue {
	char nqn[96];
	struct host_options options;
	struct host_controller controller;
	struct host_queue queues[QUEUES];
	struct host_request requests[QUEUES][FLOOD];
};

static struct rogue *rogues;

static void open_rogue(struct rogue *rogue, unsigned number, unsigned queues, unsigned commands)
{
	uint16_t granted;

	snprintf(rogue->nqn, sizeof(rogue->nqn), "nqn.2014-08.org.nvmexpress:rogue-%u", number);
	rogue->options = scene.options;
	rogue->options.hostnqn = rogue->nqn;
	memcpy(rogue->options.hostid, &number, sizeof(number));
	harness_connect_as(&rogue->options, &rogue->controller);
	host_must(&rogue->controller,
	          host_controller_queues(&rogue->controller, (uint16_t)queues, &granted));
	for (unsigned i = 0; i < queues; i++)
		host_must(&rogue->controller,
		          host_controller_open_queue(&rogue->controller,
		                                     &rogue->queues[i],
		                                     (uint16_t)(i + 1),
		                                     commands + 1,
		                                     commands));
}

static void close_rogue(struct rogue *rogue, unsigned queues)
{
	for (unsigned i = 0; i < queues; i++)
		host_queue_close(&rogue->queues[i]);
	host_controller_close(&rogue->controller);
}

static struct rogue *new_rogues(unsigned n)
{
	rogues = calloc(n, sizeof(*rogues));
	ck_assert_ptr_nonnull(rogues);
	return rogues;
}

/* Says its commands, and neither sends data nor takes any. */
static void stand_still(struct rogue *rogue, uint8_t opcode)
{
	static uint8_t data[LARGE];

	for (unsigned i = 0; i < HELD; i++) {
		struct host_request *request = &rogue->requests[0][i];

		*request = host_io(&space, opcode, 0, LARGE / space.block_bytes, data);
		request->transfer = true;
		queue_must(&rogue->queues[0], host_queue_submit(&rogue->queues[0], request));
	}
	queue_must(&rogue->queues[0], host_queue_flush(&rogue->queues[0]));
}

/* Of the memory for data, of all threads; as nvmetctl says it. */
static uint64_t bytes_used(void)
{
	static const char key[] = "\"bytes_used\": ";
	static char status[1 << 20];
	uint64_t sum = 0;

	ck_assert_int_eq(
		harness_ctl(scene.harness, status, sizeof(status), "status", "--json", NULL), 0);
	ck_assert_ptr_nonnull(strstr(status, key));
	for (const char *at = status; (at = strstr(at, key)); at++)
		sum += strtoull(at + strlen(key), NULL, 10);
	return sum;
}

/* When nothing is in flight any more. */
static void expect_nothing_left(void)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS, used;
	const struct timespec pause = {.tv_nsec = 50 * NS_PER_MS};

	while ((used = bytes_used()) > 0) {
		ck_assert_msg(clock_now_ns() < deadline_ns,
		              "%llu bytes for data stay in use",
		              (unsigned long long)used);
		nanosleep(&pause, NULL);
	}
}

START_TEST(connections_that_say_nothing_delay_nobody)
{
	static struct host_connection silent[2 * CROWD];

	scene_connect();
	for (unsigned i = 0; i < CROWD; i++) {
		connection_must(
			&silent[i],
			host_connection_open_silent(&silent[i], &scene.options.address, 5000));
		connection_must(&silent[CROWD + i],
		                host_connection_open(&silent[CROWD + i],
		                                     &scene.options.address,
		                                     &scene.options.wishes,
		                                     5000));
	}
	expect_service("idle connections");
	for (unsigned i = 0; i < 2 * CROWD; i++)
		host_connection_close(&silent[i]);
	scene_disconnect();
	expect_nothing_left();
}
END_TEST

static void expect_service_beside(uint8_t opcode, const char *while_what)
{
	struct rogue *two = new_rogues(2);

	scene_connect();
	for (unsigned i = 0; i < 2; i++) {
		open_rogue(&two[i], i, 1, HELD);
		stand_still(&two[i], opcode);
	}
	expect_service(while_what);
	ck_assert_uint_gt(bytes_used(), 0);
	for (unsigned i = 0; i < 2; i++)
		close_rogue(&two[i], 1);
	expect_service("when they have gone");
	scene_disconnect();
	expect_nothing_left();
}

START_TEST(writes_whose_data_never_comes_delay_nobody)
{
	expect_service_beside(NVME_IO_WRITE, "writes without data");
}
END_TEST

START_TEST(reads_that_nobody_takes_delay_nobody)
{
	expect_service_beside(NVME_IO_READ, "reads that are not taken");
}
END_TEST

static void flood(struct rogue *rogue)
{
	static uint8_t data[4096];

	for (unsigned q = 0; q < QUEUES; q++) {
		for (unsigned i = 0; i < FLOOD; i++) {
			rogue->requests[q][i] = host_io(&space, NVME_IO_READ, i, 1, data);
			queue_must(&rogue->queues[q],
			           host_queue_submit(&rogue->queues[q], &rogue->requests[q][i]));
		}
		queue_must(&rogue->queues[q], host_queue_flush(&rogue->queues[q]));
	}
}

/* More than the link's rings have slots, to a worker that stands still. */
START_TEST(requests_for_a_worker_that_stands_still_are_done_when_it_goes_on)
{
	struct rogue *rogue = new_rogues(1);
	pid_t worker = harness_pid(scene.harness, "io-0", 0);
	const struct timespec pause = {.tv_nsec = 500 * NS_PER_MS};

	scene_connect();
	open_rogue(rogue, 7, QUEUES, FLOOD);
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	flood(rogue);
	nanosleep(&pause, NULL); /* not for luck: so long it stands still */
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	do_one(1);
	for (unsigned q = 0; q < QUEUES; q++)
		for (unsigned i = 0; i < FLOOD; i++)
			queue_must(
				&rogue->queues[q],
				host_queue_await(&rogue->queues[q], &rogue->requests[q][i], 20000));
	ck_assert_int_eq(harness_pid(scene.harness, "io-0", 0), worker);
	expect_service("after a worker that stood still");
	close_rogue(rogue, QUEUES);
	scene_disconnect();
	expect_nothing_left();
}
END_TEST

/* ------------------------------------------------------------------ the control thread */

static void ask_for_much(struct rogue *rogue)
{
	static uint8_t page[4096];

	for (unsigned i = 0; i < 31; i++) {
		struct host_request *request = &rogue->requests[0][i];

		*request = (struct host_request){
			.command = {.opcode = i % 2 ? NVME_ADMIN_IDENTIFY : NVME_ADMIN_GET_LOG_PAGE,
		                    .cdw10 = le32_of(i % 2 ? 1 : 0x00ff0002)},
			.direction = NVME_TRANSFER_TO_HOST,
			.data = page,
			.length = i % 2 ? 4096 : 1024,
		};
		queue_must(&rogue->controller.admin,
		           host_queue_submit(&rogue->controller.admin, request));
	}
	queue_must(&rogue->controller.admin, host_queue_flush(&rogue->controller.admin));
}

/* Each sends Connect, which waits. */
static void come(struct host_queue *queues)
{
	static struct host_request requests[COMERS];
	static struct nvme_connect_data data[COMERS];
	struct nvme_connect_command command;
	const struct host_connect connect = {
		.entries = 32,
		.cntlid = 0xffff,
		.subnqn = scene.options.subnqn,
		.hostnqn = "nqn.2014-08.org.nvmexpress:comer",
		.hostid = "comer",
	};

	for (unsigned i = 0; i < COMERS; i++) {
		queue_must(&queues[i],
		           host_queue_open(&queues[i],
		                           &scene.options.address,
		                           &scene.options.wishes,
		                           4,
		                           5000));
		host_connect_fill(&connect, &command, &data[i]);
		requests[i] = host_connect_request(&command, &data[i]);
		queue_must(&queues[i], host_queue_submit(&queues[i], &requests[i]));
		queue_must(&queues[i], host_queue_flush(&queues[i]));
	}
}

START_TEST(a_flood_of_admin_commands_without_a_state_service_delays_no_io)
{
	static struct host_queue comers[COMERS];
	struct rogue *several = new_rogues(4);
	struct host_namespace found;
	pid_t state;

	scene_connect();
	for (unsigned i = 0; i < 4; i++)
		open_rogue(&several[i], 20 + i, 1, 4);
	state = harness_pid(scene.harness, "state", 0);
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	for (unsigned i = 0; i < 4; i++)
		ask_for_much(&several[i]);
	come(comers);
	expect_service("a state service that stands still");
	ck_assert_int_eq(kill(state, SIGCONT), 0);
	host_must(&scene.controller, host_namespace_identify(&scene.controller, 2, &found));
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 31; j++) {
			int r = host_queue_await(
				&several[i].controller.admin, &several[i].requests[0][j], 20000);

			ck_assert(r == 0 || r == HOST_E_STATUS);
		}
	for (unsigned i = 0; i < 4; i++)
		close_rogue(&several[i], 1);
	for (unsigned i = 0; i < COMERS; i++)
		host_queue_close(&comers[i]);
	scene_disconnect();
	expect_nothing_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pressure");

	describe_running(suite,
	                 "a host beside others",
	                 given_a_set,
	                 scene_stop,
	                 connections_that_say_nothing_delay_nobody,
	                 writes_whose_data_never_comes_delay_nobody,
	                 reads_that_nobody_takes_delay_nobody,
	                 requests_for_a_worker_that_stands_still_are_done_when_it_goes_on,
	                 a_flood_of_admin_commands_without_a_state_service_delays_no_io);
	return harness_run(suite);
}
