/* SPDX-License-Identifier: BSD-2-Clause */
/* How queue pairs end: in the middle of transfers, one of several, with the host's process
 * (RDMA 1.1 §3.5). */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/rdma/suites.h"

#define BLOCKS 128u /* 64 KiB a command */
#define DEPTH  31u

static struct host host;

static void given_another_host(void)
{
	given_a_good_host();
	host_come(&host);
}

static void both_leave(void)
{
	host_leave(&host);
	good_host_leaves();
}

/* Reads and writes of 64 KiB, as many as the queue takes. */
static void fill_the_queue(struct host *of)
{
	for (uint16_t i = 0; i < DEPTH; i++) {
		struct capsule capsule = capsule_of(command_io(i % 2 ? NVME_IO_READ : NVME_IO_WRITE,
		                                               SCENE_SPACE,
		                                               10000 + BLOCKS * i,
		                                               BLOCKS),
		                                    sgl_keyed(of->data,
		                                              (size_t)i * BLOCKS * SCENE_BLOCK,
		                                              BLOCKS * SCENE_BLOCK));

		capsule.command.cid = le16_of(i);
		send_capsule(&of->io, &capsule);
	}
}

START_TEST(in_the_middle_of_transfers_is_no_matter)
{
	for (unsigned round = 0; round < 5; round++) {
		fill_the_queue(&host);
		wire_queue_disconnect(&host.io);
		host_leave(&host);
		host_come(&host);
	}
	others_do_not_notice();
}
END_TEST

/* The memory that the target reads from or writes to is gone while it is at it. */
START_TEST(without_a_word_is_no_matter)
{
	for (unsigned round = 0; round < 5; round++) {
		fill_the_queue(&host);
		rdma_destroy_qp(host.io.id);
		host_leave(&host);
		host_come(&host);
	}
	others_do_not_notice();
}
END_TEST

START_TEST(of_an_admin_queue_takes_its_io_queues_along)
{
	wire_queue_close(&host.admin);
	expect_end(&host.io, "the I/O queue");
	others_do_not_notice();
}
END_TEST

START_TEST(dies_with_io_in_flight)
{
	static struct host mortal;

	host_come(&mortal);
	for (;;) {
		struct wire_response response;

		fill_the_queue(&mortal);
		for (unsigned i = 0; i < DEPTH; i++) {
			wire_must(&mortal.io,
			          wire_queue_receive(&mortal.io, &response, SCENE_WAIT_MS));
			if (i == DEPTH / 2)
				kill(getpid(), SIGKILL);
		}
	}
}
END_TEST

START_TEST(with_the_hosts_process_is_no_matter)
{
	for (unsigned round = 0; round < 5; round++) {
		pid_t pid = fork();
		int status;

		ck_assert_int_ge(pid, 0);
		/* a program of its own: what librdmacm has opened, a fork may not use */
		if (pid == 0) {
			execl("/proc/self/exe",
			      "nvmetd-test-rdma",
			      "--dying",
			      "--trsvcid",
			      target.trsvcid,
			      "--subnqn",
			      target.subnqn,
			      "--begin-at",
			      target.begin_at,
			      target.traddr,
			      NULL);
			_exit(127);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	others_do_not_notice();
}
END_TEST

/* The I/O queue's number is free again. */
START_TEST(of_an_io_queue_makes_room_for_another)
{
	for (unsigned round = 0; round < 5; round++) {
		host_leave(&host);
		host_come(&host);
		host_write(&host, 9000, 8, round);
		host_read(&host, 9000, 8, round);
	}
	others_do_not_notice();
}
END_TEST

Suite *ends_suite(void)
{
	Suite *suite = suite_create("ends");

	describe_slow(suite,
	              "the end of a queue pair",
	              60,
	              given_another_host,
	              both_leave,
	              in_the_middle_of_transfers_is_no_matter,
	              without_a_word_is_no_matter,
	              of_an_io_queue_makes_room_for_another,
	              with_the_hosts_process_is_no_matter);
	if (target.is_kernel)
		return suite;
	describe(suite,
	         "the end of an admin queue",
	         given_another_host,
	         both_leave,
	         of_an_admin_queue_takes_its_io_queues_along);
	return suite;
}

Suite *dying_suite(void)
{
	Suite *suite = suite_create("dying");

	describe(suite, "a host", NULL, NULL, dies_with_io_in_flight);
	return suite;
}
