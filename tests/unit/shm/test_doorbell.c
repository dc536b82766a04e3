/* SPDX-License-Identifier: BSD-2-Clause */
/* A doorbell wakes a process that sleeps. */
#include "common/shm/doorbell.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/spec.h"

static int bell;

static void given_a_doorbell(void)
{
	bell = doorbell_create();
	ck_assert_int_ge(bell, 0);
}

static void forget_the_doorbell(void)
{
	close(bell);
}

static bool is_ringing(void)
{
	struct pollfd poll_bell = {.fd = bell, .events = POLLIN};

	return poll(&poll_bell, 1, 0) == 1;
}

START_TEST(is_silent_at_first)
{
	ck_assert(!is_ringing());
}
END_TEST

START_TEST(rings_until_it_is_cleared)
{
	doorbell_ring(bell);
	doorbell_ring(bell);
	ck_assert(is_ringing());
	doorbell_clear(bell);
	ck_assert(!is_ringing());
}
END_TEST

START_TEST(does_not_block_who_rings_too_often)
{
	ck_assert_int_eq(eventfd_write(bell, UINT64_MAX - 1), 0);
	doorbell_ring(bell);
	ck_assert(is_ringing());
}
END_TEST

START_TEST(does_not_block_who_clears_too_often)
{
	doorbell_clear(bell);
	ck_assert(!is_ringing());
}
END_TEST

START_TEST(is_sound)
{
	ck_assert(doorbell_is_sound(bell));
}
END_TEST

START_TEST(is_made_not_to_block_when_it_comes_from_a_peer)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	ck_assert(doorbell_is_sound(fd));
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}
END_TEST

START_TEST(is_not_anything_else_that_a_peer_hands_over)
{
	int fds[] = {
		open("/dev/null", O_RDWR), epoll_create1(0), socket(AF_UNIX, SOCK_DGRAM, 0), -1};

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		ck_assert(!doorbell_is_sound(fds[i]));
		close(fds[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doorbell");

	describe(suite,
	         "a doorbell",
	         given_a_doorbell,
	         forget_the_doorbell,
	         is_silent_at_first,
	         rings_until_it_is_cleared,
	         does_not_block_who_rings_too_often,
	         does_not_block_who_clears_too_often,
	         is_sound,
	         is_made_not_to_block_when_it_comes_from_a_peer,
	         is_not_anything_else_that_a_peer_hands_over);
	return run(suite);
}
