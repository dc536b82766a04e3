/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer to a transport that asked for memory, by a worker that may say anything. */
#include "common/transport/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/nvmetd.pb-c.h"
#include "tests/support/spec.h"

static int ours, theirs;
static struct handover_wish wish;
static struct handover handover;
static int memory;
static Nvmetd__LinkGrant answer;

static void given_that_7_was_asked_for(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	wish = HANDOVER_NO_WISH;
	handover = HANDOVER_NULL;
	memory = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_eq(handover_ask(ours, &wish, 7), 0);
	nvmetd__link_grant__init(&answer);
	answer.handle = 7;
	answer.good = true;
	answer.bytes = 1 << 20;
	answer.block_shift = 9;
	answer.has_memory = true;
}

static void forget_all(void)
{
	handover_deinit(&handover);
	close(memory);
	close(ours);
	close(theirs);
}

static void send_bytes(const void *bytes, size_t length, unsigned n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {0};
	struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	struct cmsghdr *rights;

	if (n_fds > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		for (unsigned i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(rights) + i * sizeof(int), &memory, sizeof(memory));
	}
	ck_assert_int_eq(sendmsg(theirs, &message, 0), (ssize_t)length);
}

static void answers(unsigned n_fds)
{
	uint8_t bytes[1024];

	send_bytes(bytes, nvmetd__link_grant__pack(&answer, bytes), n_fds);
}

static int hear(void)
{
	return handover_hear(ours, &wish, &handover);
}

/* The lowest free descriptor tells what is still open. */
static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void expect_malformed(unsigned n_fds)
{
	int before = lowest_free();

	answers(n_fds);
	ck_assert_int_eq(hear(), HANDOVER_E_MALFORMED);
	ck_assert_int_eq(handover.fd, -1);
	ck_assert_int_eq(lowest_free(), before);
}

START_TEST(says_which_namespace_it_wants)
{
	uint8_t bytes[64];
	ssize_t length = recv(theirs, bytes, sizeof(bytes), 0);
	Nvmetd__LinkAsk *ask = nvmetd__link_ask__unpack(NULL, (size_t)length, bytes);

	ck_assert_ptr_nonnull(ask);
	ck_assert_uint_eq(ask->handle, 7);
	nvmetd__link_ask__free_unpacked(ask, NULL);
}
END_TEST

START_TEST(asks_for_one_thing_at_a_time)
{
	ck_assert_int_eq(handover_ask(ours, &wish, 8), -EBUSY);
}
END_TEST

START_TEST(asks_again_once_it_was_answered)
{
	answers(1);
	ck_assert_int_eq(hear(), 0);
	ck_assert_int_eq(handover_ask(ours, &wish, 8), 0);
}
END_TEST

START_TEST(has_the_memory)
{
	answers(1);
	ck_assert_int_eq(hear(), 0);
	ck_assert(handover.good);
	ck_assert(handover.has_memory);
	ck_assert_int_ge(handover.fd, 0);
	ck_assert_uint_eq(handover.bytes, 1 << 20);
	ck_assert_uint_eq(handover.block_shift, 9);
}
END_TEST

START_TEST(has_none_where_none_is_needed)
{
	answer.has_memory = false;
	answers(0);
	ck_assert_int_eq(hear(), 0);
	ck_assert(handover.good);
	ck_assert(!handover.has_memory);
	ck_assert_int_eq(handover.fd, -1);
}
END_TEST

START_TEST(is_told_why_it_is_refused)
{
	answer.good = false;
	answer.reason = (char *)"not\n you";
	answer.has_memory = false;
	answers(0);
	ck_assert_int_eq(hear(), 0);
	ck_assert(!handover.good);
	ck_assert_str_eq(handover.reason, "not\\x0a you");
}
END_TEST

START_TEST(waits_while_nothing_is_there)
{
	ck_assert_int_eq(hear(), -EAGAIN);
}
END_TEST

START_TEST(sees_the_end)
{
	shutdown(theirs, SHUT_RDWR);
	ck_assert_int_eq(hear(), HANDOVER_E_ENDED);
}
END_TEST

START_TEST(of_another_namespace_is_refused)
{
	answer.handle = 8;
	expect_malformed(1);
}
END_TEST

START_TEST(of_what_was_not_asked_for_is_refused)
{
	wish = HANDOVER_NO_WISH;
	expect_malformed(1);
}
END_TEST

START_TEST(without_the_memory_is_refused)
{
	expect_malformed(0);
}
END_TEST

START_TEST(with_memory_that_is_none_is_refused)
{
	answer.has_memory = false;
	expect_malformed(1);
}
END_TEST

START_TEST(with_memory_but_refused_is_refused)
{
	answer.good = false;
	expect_malformed(1);
}
END_TEST

START_TEST(with_two_descriptors_is_refused)
{
	expect_malformed(2);
}
END_TEST

START_TEST(with_many_descriptors_is_refused)
{
	expect_malformed(8);
}
END_TEST

START_TEST(with_no_bytes_is_refused)
{
	answer.bytes = 0;
	expect_malformed(1);
}
END_TEST

START_TEST(with_half_a_block_is_refused)
{
	answer.bytes = 4096 + 256;
	expect_malformed(1);
}
END_TEST

START_TEST(with_more_bytes_than_there_can_be_is_refused)
{
	answer.bytes = UINT64_C(1) << 63;
	expect_malformed(1);
}
END_TEST

START_TEST(with_other_blocks_is_refused)
{
	answer.block_shift = 10;
	expect_malformed(1);
}
END_TEST

START_TEST(with_a_shift_that_wraps_is_refused)
{
	answer.block_shift = 256 + 9;
	expect_malformed(1);
}
END_TEST

START_TEST(of_noise_is_refused)
{
	send_bytes("\xff\xff\xff", 3, 0);
	ck_assert_int_eq(hear(), HANDOVER_E_MALFORMED);
}
END_TEST

START_TEST(that_is_too_long_is_refused)
{
	static uint8_t bytes[4096];

	send_bytes(bytes, sizeof(bytes), 0);
	ck_assert_int_eq(hear(), HANDOVER_E_MALFORMED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");

	describe(suite,
	         "a transport",
	         given_that_7_was_asked_for,
	         forget_all,
	         says_which_namespace_it_wants,
	         asks_for_one_thing_at_a_time,
	         asks_again_once_it_was_answered,
	         has_the_memory,
	         has_none_where_none_is_needed,
	         is_told_why_it_is_refused,
	         waits_while_nothing_is_there,
	         sees_the_end);
	describe(suite,
	         "an answer",
	         given_that_7_was_asked_for,
	         forget_all,
	         of_another_namespace_is_refused,
	         of_what_was_not_asked_for_is_refused,
	         without_the_memory_is_refused,
	         with_memory_that_is_none_is_refused,
	         with_memory_but_refused_is_refused,
	         with_two_descriptors_is_refused,
	         with_many_descriptors_is_refused,
	         with_no_bytes_is_refused,
	         with_half_a_block_is_refused,
	         with_more_bytes_than_there_can_be_is_refused,
	         with_other_blocks_is_refused,
	         with_a_shift_that_wraps_is_refused,
	         of_noise_is_refused,
	         that_is_too_long_is_refused);
	return run(suite);
}
