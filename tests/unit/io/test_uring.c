/* SPDX-License-Identifier: BSD-2-Clause */
/* The way to the kernel: jobs in line, and a kernel that has no io_uring for us. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/io/uring.h"
#include "tests/support/spec.h"

#define JOBS 5000

static struct uring uring;
static struct uring_job jobs[JOBS];
static unsigned n_done;
static unsigned again; /* so many times a job that is done starts again */

static void prepare(struct uring_job *job, struct io_uring_sqe *entry)
{
	(void)job;
	io_uring_prep_nop(entry);
}

static void done(struct uring_job *job, int result)
{
	ck_assert_int_eq(result, 0);
	ck_assert_uint_le(uring.in_flight, URING_IN_FLIGHT);
	n_done++;
	if (again > 0) {
		again--;
		uring_start(&uring, job);
	}
}

static void given_a_uring(void)
{
	log_open("test");
	ck_assert_int_eq(uring_init(&uring), 0);
	n_done = 0;
	again = 0;
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = (struct uring_job){.prepare = prepare, .done = done};
		list_init(&jobs[i].link);
	}
}

static void close_it(void)
{
	uring_deinit(&uring);
}

static void go_on_until(unsigned wanted)
{
	uint64_t deadline_ns = clock_now_ns() + 10 * NS_PER_S;

	while ((n_done < wanted || uring.in_flight > 0) && clock_now_ns() < deadline_ns) {
		uring_submit(&uring);
		uring_reap(&uring);
	}
	ck_assert_uint_eq(n_done, wanted);
	ck_assert_uint_eq(uring.in_flight, 0);
}

START_TEST(does_a_job)
{
	uring_start(&uring, &jobs[0]);
	ck_assert_uint_eq(n_done, 0);
	go_on_until(1);
}
END_TEST

START_TEST(does_more_jobs_than_it_has_room_for)
{
	for (unsigned i = 0; i < JOBS; i++)
		uring_start(&uring, &jobs[i]);
	ck_assert_uint_le(uring.in_flight, URING_IN_FLIGHT);
	go_on_until(JOBS);
}
END_TEST

/* ------------------------------------------------------------------ cancel */

static int pipe_fds[2];
static int cancelled_result;
static char byte;

static void prepare_read(struct uring_job *job, struct io_uring_sqe *entry)
{
	(void)job;
	io_uring_prep_read(entry, pipe_fds[0], &byte, 1, 0);
}

static void note_result(struct uring_job *job, int result)
{
	(void)job;
	cancelled_result = result;
	n_done++;
}

/* A job that the kernel holds, as nothing is in the pipe. */
static void start_a_read(void)
{
	ck_assert_int_eq(pipe(pipe_fds), 0);
	jobs[0].prepare = prepare_read;
	jobs[0].done = note_result;
	uring_start(&uring, &jobs[0]);
}

START_TEST(stops_a_job_that_the_kernel_has)
{
	start_a_read();
	uring_submit(&uring);
	ck_assert_uint_eq(uring_reap(&uring), 0);
	uring_cancel(&uring, &jobs[0]);
	go_on_until(1);
	ck_assert_int_eq(cancelled_result, -ECANCELED);
}
END_TEST

START_TEST(stops_a_job_that_the_kernel_is_about_to_have)
{
	start_a_read();
	uring_cancel(&uring, &jobs[0]);
	go_on_until(1);
	ck_assert_int_eq(cancelled_result, -ECANCELED);
}
END_TEST

START_TEST(does_not_begin_a_job_that_waits)
{
	for (unsigned i = 1; i <= URING_IN_FLIGHT; i++)
		uring_start(&uring, &jobs[i]);
	start_a_read();
	uring_cancel(&uring, &jobs[0]);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(cancelled_result, -ECANCELED);
	go_on_until(URING_IN_FLIGHT + 1);
}
END_TEST

START_TEST(does_nothing_about_a_job_that_is_done)
{
	uring_start(&uring, &jobs[0]);
	go_on_until(1);
	uring_cancel(&uring, &jobs[0]);
	go_on_until(1);
}
END_TEST

START_TEST(lets_a_job_that_is_done_start_again)
{
	again = 10;
	uring_start(&uring, &jobs[0]);
	go_on_until(11);
}
END_TEST

START_TEST(does_not_sleep_over_what_is_not_submitted)
{
	uring_start(&uring, &jobs[0]);
	ck_assert(!uring_sleep(&uring));
	uring_wake(&uring);
	go_on_until(1);
	ck_assert(uring_sleep(&uring));
	uring_wake(&uring);
}
END_TEST

static int sleeper; /* an eventfd that a job waits for */

static void prepare_waiting(struct uring_job *job, struct io_uring_sqe *entry)
{
	(void)job;
	io_uring_prep_poll_add(entry, sleeper, POLLIN);
}

static void waiting_done(struct uring_job *job, int result)
{
	(void)job;
	ck_assert_int_gt(result, 0);
	n_done++;
}

START_TEST(rings_its_bell_when_a_job_is_done_in_our_sleep)
{
	struct pollfd bell = {.fd = uring.bell, .events = POLLIN};

	sleeper = eventfd(0, EFD_CLOEXEC);
	jobs[0].prepare = prepare_waiting;
	jobs[0].done = waiting_done;
	uring_start(&uring, &jobs[0]);
	uring_submit(&uring);
	ck_assert_uint_eq(uring_reap(&uring), 0);
	ck_assert(uring_sleep(&uring));
	ck_assert_int_eq(eventfd_write(sleeper, 1), 0);
	ck_assert_int_eq(poll(&bell, 1, 10000), 1);
	uring_wake(&uring);
	go_on_until(1);
	close(sleeper);
}
END_TEST

/* From here on io_uring_setup() is refused, as a container's seccomp profile does it. */
static void forbid_io_uring(unsigned error)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = 4, .filter = instructions};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(is_a_failure_that_is_told)
{
	forbid_io_uring(EPERM);
	ck_assert_int_eq(uring_init(&uring), -EPERM);
}
END_TEST

START_TEST(is_a_failure_also_where_it_looks_as_if_it_did_not_exist)
{
	forbid_io_uring(ENOSYS);
	ck_assert_int_eq(uring_init(&uring), -ENOSYS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uring");

	describe(suite,
	         "a uring",
	         given_a_uring,
	         close_it,
	         does_a_job,
	         does_more_jobs_than_it_has_room_for,
	         stops_a_job_that_the_kernel_has,
	         stops_a_job_that_the_kernel_is_about_to_have,
	         does_not_begin_a_job_that_waits,
	         does_nothing_about_a_job_that_is_done,
	         lets_a_job_that_is_done_start_again,
	         does_not_sleep_over_what_is_not_submitted,
	         rings_its_bell_when_a_job_is_done_in_our_sleep);
	describe(suite,
	         "a kernel that forbids it",
	         NULL,
	         NULL,
	         is_a_failure_that_is_told,
	         is_a_failure_also_where_it_looks_as_if_it_did_not_exist);
	return run(suite);
}
