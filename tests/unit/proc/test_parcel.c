/* SPDX-License-Identifier: BSD-2-Clause */
/* A parcel takes records and descriptors from a process to its successor. */
#include "common/proc/parcel.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/proc/store.h"
#include "tests/support/spec.h"

#define MANY 700u /* more descriptors than one message takes */

static int keeper;
static char path[64];
static struct parcel *parcel;

static void given_a_keeper(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(path, sizeof(path), "/tmp/nvmetd-parcel-%d", getpid());
	strcpy(address.sun_path, path);
	keeper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(keeper, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
	ck_assert_int_eq(parcel_new(&parcel), 0);
}

static void forget_the_keeper(void)
{
	parcel_free(parcel);
	store_close();
	close(keeper);
	unlink(path);
}

/* What the keeper was given becomes what the successor finds. */
static void hand_over(int fd)
{
	char pid[16];

	if (fd != 3) {
		ck_assert_int_eq(dup2(fd, 3), 3);
		close(fd);
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "box", 1);
	store_open();
}

static void leave(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char text[256];
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	int fd;

	ck_assert_int_eq(parcel_leave(parcel, "box"), 0);
	parcel = parcel_free(parcel);
	ck_assert_int_gt(recvmsg(keeper, &message, MSG_CMSG_CLOEXEC), 0);
	ck_assert_uint_gt(message.msg_controllen, 0);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	hand_over(fd);
}

static int file_of(unsigned number)
{
	int fd = memfd_create("thing", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)number), 0);
	return fd;
}

static void expect_file(int fd, unsigned number)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_size, (off_t)number);
	close(fd);
}

START_TEST(arrives_whole_and_in_order)
{
	const uint8_t *bytes;
	size_t length;
	char text[16];
	int fd;

	for (unsigned i = 0; i < MANY; i++) {
		fd = i % 3 ? file_of(i) : -1;
		snprintf(text, sizeof(text), "%0*u", (int)(i % 11), i);
		ck_assert_int_eq(parcel_add(parcel, text, strlen(text), fd), 0);
	}
	leave();
	ck_assert_int_eq(parcel_take(&parcel, "box"), 0);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert(parcel_next(parcel, &bytes, &length, &fd));
		snprintf(text, sizeof(text), "%0*u", (int)(i % 11), i);
		ck_assert_uint_eq(length, strlen(text));
		ck_assert_mem_eq(bytes, text, length);
		if (i % 3)
			expect_file(fd, i);
		else
			ck_assert_int_eq(fd, -1);
	}
	ck_assert(!parcel_next(parcel, &bytes, &length, &fd));
}
END_TEST

START_TEST(may_be_large)
{
	static uint8_t large[3 << 20];
	const uint8_t *bytes;
	size_t length;
	int fd;

	memset(large, 0x5a, sizeof(large));
	ck_assert_int_eq(parcel_add(parcel, large, sizeof(large), -1), 0);
	leave();
	ck_assert_int_eq(parcel_take(&parcel, "box"), 0);
	ck_assert(parcel_next(parcel, &bytes, &length, &fd));
	ck_assert_uint_eq(length, sizeof(large));
	ck_assert_mem_eq(bytes, large, length);
}
END_TEST

START_TEST(is_taken_once)
{
	struct parcel *again;

	ck_assert_int_eq(parcel_add(parcel, "x", 1, -1), 0);
	leave();
	ck_assert_int_eq(parcel_take(&parcel, "box"), 0);
	ck_assert_int_eq(parcel_take(&again, "box"), PARCEL_E_NONE);
}
END_TEST

START_TEST(that_is_something_else_is_not_taken)
{
	int ends[2];

	parcel = parcel_free(parcel);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(send(ends[0], "hello", 5, 0), 5);
	close(ends[0]);
	hand_over(ends[1]);
	ck_assert_int_eq(parcel_take(&parcel, "box"), PARCEL_E_UNSOUND);
	parcel = NULL;
}
END_TEST

START_TEST(that_is_not_there_is_not_taken)
{
	parcel = parcel_free(parcel);
	ck_assert_int_eq(parcel_take(&parcel, "box"), PARCEL_E_NONE);
	parcel = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parcel");

	describe(suite,
	         "a parcel",
	         given_a_keeper,
	         forget_the_keeper,
	         arrives_whole_and_in_order,
	         may_be_large,
	         is_taken_once,
	         that_is_something_else_is_not_taken,
	         that_is_not_there_is_not_taken);
	return run(suite);
}
