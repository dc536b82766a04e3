/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet with descriptors, from somebody who may send anything. */
#include "common/shm/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/spec.h"

static int ours, theirs;
static struct packet packet;
static char bytes[16];

static void given_a_connection(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	packet = PACKET_NULL;
}

static void forget_it(void)
{
	packet_deinit(&packet);
	close(ours);
	close(theirs);
}

static void receive(void)
{
	ck_assert_int_eq(packet_receive(ours, bytes, sizeof(bytes), &packet), 0);
}

static unsigned count_open(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* More than packet_send() would. */
static void send_descriptors(unsigned n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(32 * sizeof(int))] = {0};
	struct iovec piece = {.iov_base = (char[]){"x"}, .iov_len = 1};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (unsigned i = 0; i < n; i++)
		memcpy(CMSG_DATA(rights) + i * sizeof(int), &theirs, sizeof(theirs));
	ck_assert_int_eq(sendmsg(theirs, &message, 0), 1);
}

static void expect_same_file(int a, int b)
{
	struct stat first, second;

	ck_assert_int_eq(fstat(a, &first), 0);
	ck_assert_int_eq(fstat(b, &second), 0);
	ck_assert(first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

START_TEST(has_not_come_yet)
{
	ck_assert_int_eq(packet_receive(ours, bytes, sizeof(bytes), &packet), -EAGAIN);
}
END_TEST

START_TEST(brings_bytes)
{
	ck_assert_int_eq(packet_send(theirs, "hello", 5, NULL, 0), 0);
	receive();
	ck_assert_uint_eq(packet.length, 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	ck_assert_uint_eq(packet.n_fds, 0);
	ck_assert(!packet.is_cut);
}
END_TEST

START_TEST(brings_descriptors_in_order)
{
	const int fds[] = {ours, theirs};

	ck_assert_int_eq(packet_send(theirs, "x", 1, fds, 2), 0);
	receive();
	ck_assert_uint_eq(packet.n_fds, 2);
	expect_same_file(packet.fds[0], ours);
	expect_same_file(packet.fds[1], theirs);
	ck_assert_int_eq(packet.fds[2], -1);
}
END_TEST

START_TEST(closes_what_was_not_taken)
{
	unsigned before = count_open();
	int taken;

	send_descriptors(2);
	receive();
	taken = take_fd(&packet.fds[0]);
	packet_deinit(&packet);
	ck_assert_int_eq(close(taken), 0);
	ck_assert_uint_eq(count_open(), before);
}
END_TEST

START_TEST(counts_what_it_has_no_place_for)
{
	send_descriptors(PACKET_FDS + 2);
	receive();
	ck_assert_uint_eq(packet.n_fds, PACKET_FDS + 2);
}
END_TEST

START_TEST(keeps_no_more_open_than_it_has_places_for)
{
	unsigned before = count_open();

	send_descriptors(32);
	receive();
	ck_assert(packet.is_cut);
	ck_assert_uint_eq(count_open(), before + PACKET_FDS);
}
END_TEST

/* It was said to be malformed, which ended the link of him who had sent it. */
START_TEST(tells_when_this_process_may_open_no_more)
{
	struct rlimit before, few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){1, before.rlim_max};
	send_descriptors(1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	receive();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert(packet.is_cut);
	ck_assert(packet.lacks_descriptors);
	ck_assert_uint_eq(packet.n_fds, 0);
}
END_TEST

START_TEST(is_cut_where_it_is_too_long)
{
	ck_assert_int_eq(packet_send(theirs, "more than there is room for", 27, NULL, 0), 0);
	receive();
	ck_assert(packet.is_cut);
	ck_assert(!packet.lacks_descriptors);
}
END_TEST

START_TEST(is_empty_when_the_other_side_has_closed)
{
	close(theirs);
	theirs = -1;
	receive();
	ck_assert_uint_eq(packet.length, 0);
}
END_TEST

START_TEST(cannot_be_sent_to_who_has_closed)
{
	close(ours);
	ours = -1;
	ck_assert_int_eq(packet_send(theirs, "x", 1, NULL, 0), -EPIPE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packet");

	describe(suite,
	         "a packet",
	         given_a_connection,
	         forget_it,
	         has_not_come_yet,
	         brings_bytes,
	         brings_descriptors_in_order,
	         closes_what_was_not_taken,
	         counts_what_it_has_no_place_for,
	         keeps_no_more_open_than_it_has_places_for,
	         tells_when_this_process_may_open_no_more,
	         is_cut_where_it_is_too_long,
	         is_empty_when_the_other_side_has_closed,
	         cannot_be_sent_to_who_has_closed);
	return run(suite);
}
