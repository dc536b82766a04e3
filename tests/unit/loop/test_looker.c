/* SPDX-License-Identifier: BSD-2-Clause */
/* Work in shared memory is looked for under load, and rings a doorbell when the loop sleeps. */
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/loop/loop.h"
#include "tests/support/spec.h"

struct desk {
	struct looker looker;
	struct loop_source bell;
	int bell_fd;
	unsigned work;        /* to be found by looking */
	unsigned late_work;   /* comes between the last look and the sleep */
	unsigned looks, done; /* so far */
	unsigned sleeps, wakes;
	bool is_asleep;
};

static struct loop *loop;
static struct desk desk, other;

/* ------------------------------------------------------------------ time */

#define CALL_NS 100u

static uint64_t faked_ns; /* 0: time is the machine's */
static uint64_t yield_ns; /* what a yield takes of the time that is faked */

/* The C library's, for all of this program. Who else the machine has to run would end a spin: in
 * the tests that are about one, only asking for the time takes time, and a yield as long as they
 * say. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	if (faked_ns == 0)
		return (int)syscall(SYS_clock_gettime, clock, ret_now);
	faked_ns += CALL_NS;
	ret_now->tv_sec = (time_t)(faked_ns / NS_PER_S);
	ret_now->tv_nsec = (long)(faked_ns % NS_PER_S);
	return 0;
}

int sched_yield(void)
{
	if (faked_ns == 0)
		return (int)syscall(SYS_sched_yield);
	faked_ns += yield_ns;
	return 0;
}

/* ------------------------------------------------------------------ the desks */

static unsigned look(struct looker *looker)
{
	struct desk *mine = container_of(looker, struct desk, looker);

	ck_assert(!mine->is_asleep);
	mine->looks++;
	if (mine->work == 0)
		return 0;
	mine->work--;
	mine->done++;
	return 1;
}

static bool fall_asleep(struct looker *looker)
{
	struct desk *mine = container_of(looker, struct desk, looker);

	mine->sleeps++;
	mine->is_asleep = true;
	mine->work += mine->late_work;
	mine->late_work = 0;
	return mine->work == 0;
}

static void wake(struct looker *looker)
{
	struct desk *mine = container_of(looker, struct desk, looker);

	mine->wakes++;
	mine->is_asleep = false;
}

static void on_bell(struct loop_source *source, uint32_t events)
{
	struct desk *mine = container_of(source, struct desk, bell);
	eventfd_t rings;

	(void)events;
	ck_assert_int_eq(eventfd_read(mine->bell_fd, &rings), 0);
	mine->work += (unsigned)rings;
}

static void open_desk(struct desk *mine)
{
	*mine = (struct desk){
		.looker = {.look = look, .sleep = fall_asleep, .wake = wake},
		.bell = LOOP_SOURCE(on_bell)
        };
	mine->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(mine->bell_fd, 0);
	ck_assert_int_eq(loop_add(loop, &mine->bell, mine->bell_fd, EPOLLIN), 0);
	loop_look(loop, &mine->looker);
}

static void close_desk(struct desk *mine)
{
	loop_look_away(&mine->looker);
	loop_remove(&mine->bell);
	close(mine->bell_fd);
}

static void open_all(unsigned spin_max_us)
{
	struct loop_options options = {.spin_max_us = spin_max_us};

	ck_assert_int_eq(loop_new(&loop, &options), 0);
	open_desk(&desk);
	open_desk(&other);
}

static void given_a_loop_that_does_not_spin(void)
{
	open_all(0);
}

static void given_a_loop_that_spins(void)
{
	faked_ns = NS_PER_S;
	open_all(1000);
}

static void forget_the_loop(void)
{
	close_desk(&desk);
	close_desk(&other);
	loop = loop_free(loop);
	faked_ns = 0;
}

static void go_round(int timeout_ms)
{
	ck_assert_int_eq(loop_round(loop, timeout_ms), 0);
}

static unsigned look_away_from_other(struct looker *looker)
{
	loop_look_away(&other.looker);
	loop_look_away(looker);
	return 0;
}

/* The work that others make while the loop spins: it comes with the tenth look. */
static unsigned look_long(struct looker *looker)
{
	struct desk *mine = container_of(looker, struct desk, looker);

	if (mine->looks == 10)
		mine->work = 1;
	return look(looker);
}

START_TEST(are_asked_once_in_a_round)
{
	desk.work = 3;
	go_round(0);
	ck_assert_uint_eq(desk.looks, 1);
	ck_assert_uint_eq(other.looks, 1);
}
END_TEST

START_TEST(are_asked_again_while_there_is_work)
{
	desk.work = 3;
	for (unsigned i = 0; i < 3; i++)
		go_round(0);
	ck_assert_uint_eq(desk.done, 3);
}
END_TEST

START_TEST(say_that_they_sleep_before_the_loop_does)
{
	go_round(5);
	ck_assert_uint_eq(desk.sleeps, 1);
	ck_assert_uint_eq(other.sleeps, 1);
	ck_assert(!desk.is_asleep);
	ck_assert(!other.is_asleep);
}
END_TEST

START_TEST(keep_the_loop_awake_for_work_that_comes_at_the_last_moment)
{
	uint64_t before_ns = clock_now_ns();

	desk.late_work = 1;
	go_round(10000);
	ck_assert_uint_eq(desk.done, 1);
	ck_assert_uint_lt(clock_now_ns() - before_ns, 5 * NS_PER_S);
}
END_TEST

START_TEST(are_woken_by_their_doorbells)
{
	ck_assert_int_eq(eventfd_write(desk.bell_fd, 2), 0);
	go_round(10000);
	ck_assert_uint_eq(desk.done, 1); /* in the same round */
	ck_assert_uint_eq(desk.wakes, 1);
}
END_TEST

START_TEST(find_what_comes_soon_after_work_without_a_sleep)
{
	desk.looker.look = look_long;
	desk.work = 1;
	go_round(0);
	go_round(10000);
	ck_assert_uint_eq(desk.done, 2);
	ck_assert_uint_eq(desk.sleeps, 0);
}
END_TEST

START_TEST(do_not_hide_descriptors_while_the_loop_spins)
{
	desk.work = 1;
	go_round(0);
	ck_assert_int_eq(eventfd_write(other.bell_fd, 1), 0);
	go_round(10000);
	ck_assert_uint_eq(other.done, 1);
	ck_assert_uint_eq(other.sleeps, 0);
}
END_TEST

START_TEST(are_asked_at_once_when_the_next_round_is_not_to_wait)
{
	loop_again(loop);
	ck_assert_int_eq(loop_round(loop, 10000), 0);
	ck_assert_uint_eq(desk.sleeps, 0);
	ck_assert_uint_gt(desk.looks, 0);
}
END_TEST

START_TEST(let_the_loop_sleep_when_a_yield_gave_the_processor_to_a_stranger)
{
	yield_ns = NS_PER_MS;
	desk.looker.waits = true;
	desk.work = 1;
	go_round(0);
	go_round(1);
	ck_assert_uint_eq(desk.sleeps, 1);
	ck_assert_uint_eq(desk.looks, 2); /* one in each round */
}
END_TEST

START_TEST(let_the_loop_sleep_after_a_while_without_work)
{
	desk.work = 1;
	go_round(0);
	go_round(1);
	ck_assert_uint_eq(desk.sleeps, 1);
}
END_TEST

START_TEST(may_go_while_one_of_them_looks)
{
	desk.looker.look = look_away_from_other;
	go_round(0);
	go_round(5);
	ck_assert_uint_eq(other.looks, 0);
	ck_assert_uint_eq(other.sleeps, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("looker");

	describe(suite,
	         "two lookers",
	         given_a_loop_that_does_not_spin,
	         forget_the_loop,
	         are_asked_once_in_a_round,
	         are_asked_again_while_there_is_work,
	         say_that_they_sleep_before_the_loop_does,
	         keep_the_loop_awake_for_work_that_comes_at_the_last_moment,
	         are_woken_by_their_doorbells,
	         are_asked_at_once_when_the_next_round_is_not_to_wait,
	         may_go_while_one_of_them_looks);
	describe(suite,
	         "two lookers of a loop that spins",
	         given_a_loop_that_spins,
	         forget_the_loop,
	         find_what_comes_soon_after_work_without_a_sleep,
	         do_not_hide_descriptors_while_the_loop_spins,
	         let_the_loop_sleep_when_a_yield_gave_the_processor_to_a_stranger,
	         let_the_loop_sleep_after_a_while_without_work);
	return run(suite);
}
