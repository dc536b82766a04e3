/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nvmetd-tcp finds when it starts, left by a predecessor of another release. Here the test is
 * that predecessor, and the keeper; the host's end of the connection is the test's too.
 *
 * handover-v1 is the content of a parcel as format 1 has it: each item with its length before
 * it, little-endian, in 4 bytes. An admin queue of controller 7: one Asynchronous Event Request is
 * parked, the end of an answer is unsent, and the first 20 bytes of an Identify have come.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/proc/parcel.h"
#include "proto/handover.pb-c.h"
#include "tests/process/scene.h"

#define WAIT_MS     20000
#define UNSENT      14 /* bytes of the answer */
#define GOLDEN_PORT "55555"
#define LEFT_NAME   "handover"

static int keeper = -1, host_end = -1, targets_end = -1;
static char keeper_path[100];
static pid_t successor;

/* ------------------------------------------------------------------ keeper, connection */

static void given_a_set(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	scene_start(NULL);
	/* the launcher would start another one */
	ck_assert_int_eq(kill(scene.harness->launcher, SIGSTOP), 0);
	ck_assert_int_eq(kill(harness_pid(scene.harness, "tcp", 0), SIGKILL), 0);
	snprintf(keeper_path, sizeof(keeper_path), "%s", harness_path(scene.harness, "keeper"));
	strcpy(address.sun_path, keeper_path);
	keeper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(keeper, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", keeper_path, 1), 0);
}

static void forget_all(void)
{
	if (successor > 0) {
		kill(successor, SIGKILL);
		waitpid(successor, NULL, 0);
	}
	kill(scene.harness->launcher, SIGCONT);
	scene_stop();
}

static void connect_a_pair(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	host_end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(host_end, (struct sockaddr *)&address, size), 0);
	targets_end = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(targets_end, 0);
	close(listener);
}

/* The descriptor that the parcel is in the store. */
static int what_is_kept(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char text[256];
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	int fd;

	ck_assert_int_gt(recvmsg(keeper, &message, MSG_CMSG_CLOEXEC), 0);
	ck_assert_uint_gt(message.msg_controllen, 0);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* ------------------------------------------------------------------ what is left */

/* The port that the host came in on, in place of that of the file: ours is another each time. */
static void set_port(uint8_t *bytes, size_t size)
{
	uint8_t *at = memmem(bytes, size, GOLDEN_PORT, 5);

	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(strlen(scene.options.address.trsvcid), 5);
	memcpy(at, scene.options.address.trsvcid, 5);
}

static size_t read_golden(uint8_t *ret_bytes, size_t size)
{
	int file = open(HANDOVER_V1, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(file, 0);
	n = read(file, ret_bytes, size);
	ck_assert_int_gt(n, 0);
	close(file);
	set_port(ret_bytes, (size_t)n);
	return (size_t)n;
}

static void add_head(struct parcel *parcel, uint32_t version)
{
	Nvmetd__HandoverHead head = NVMETD__HANDOVER_HEAD__INIT;
	Nvmetd__Handover item = NVMETD__HANDOVER__INIT;
	uint8_t bytes[64];

	head.version = version;
	head.release = (char *)"9.9";
	item.body_case = NVMETD__HANDOVER__BODY_HEAD;
	item.head = &head;
	ck_assert_int_eq(parcel_add(parcel, bytes, nvmetd__handover__pack(&item, bytes), -1), 0);
}

/* The golden items, the last of which is the connection; with another head, if version is not 0;
 * the connection's bytes cut short by `cut`. */
static int leave(uint32_t version, uint32_t cut)
{
	static uint8_t golden[16384];
	size_t size = read_golden(golden, sizeof(golden)), at = 0;
	struct parcel *parcel;
	int fd;

	ck_assert_int_eq(parcel_new(&parcel), 0);
	if (version)
		add_head(parcel, version);
	for (unsigned i = 0; at < size; i++) {
		struct le32 length;
		uint32_t bytes;
		bool is_last;

		memcpy(&length, golden + at, sizeof(length));
		bytes = le32_get(length);
		is_last = at + 4 + bytes == size;
		if (i > 0 || !version)
			ck_assert_int_eq(parcel_add(parcel,
			                            golden + at + 4,
			                            is_last ? bytes - cut : bytes,
			                            is_last ? targets_end : -1),
			                 0);
		at += 4 + bytes;
	}
	ck_assert_int_eq(parcel_leave(parcel, LEFT_NAME), 0);
	fd = what_is_kept();
	parcel_free(parcel);
	close(targets_end);
	return fd;
}

static void become_successor(int kept)
{
	char run[128], path[512], pid[16], log[128];
	int output;

	snprintf(run, sizeof(run), "%s", harness_path(scene.harness, "run"));
	snprintf(log, sizeof(log), "%s", harness_path(scene.harness, "log"));
	snprintf(path, sizeof(path), "%s/nvmetd-tcp", BIN_DIR);
	output = open(log, O_WRONLY | O_APPEND);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	dup2(kept, 3);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", LEFT_NAME, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(path, "nvmetd-tcp", "--name", "tcp", "--run-dir", run, NULL);
	_exit(127);
}

static void start_successor(int kept)
{
	successor = fork();
	ck_assert_int_ge(successor, 0);
	if (successor == 0)
		become_successor(kept);
	close(kept);
}

/* ------------------------------------------------------------------ what the host sees */

static void receive(void *bytes, size_t length)
{
	size_t have = 0;

	while (have < length) {
		struct pollfd readable = {.fd = host_end, .events = POLLIN};
		ssize_t n;

		ck_assert_int_eq(poll(&readable, 1, WAIT_MS), 1);
		n = recv(host_end, (uint8_t *)bytes + have, length - have, 0);
		ck_assert_msg(n > 0, "the connection ended");
		have += (size_t)n;
	}
}

static void expect_the_end(void)
{
	struct pollfd readable = {.fd = host_end, .events = POLLIN};
	char byte;

	ck_assert_int_eq(poll(&readable, 1, WAIT_MS), 1);
	ck_assert_int_le(recv(host_end, &byte, 1, 0), 0);
}

START_TEST(of_format_1_is_taken_over)
{
	struct tcp_capsule_command identify = {
		.header = {.type = TCP_PDU_CAPSULE_COMMAND, .hlen = 72, .plen = le32_of(72)},
		.command = { .opcode = NVME_ADMIN_IDENTIFY,
                           .flags = 0x40,
                           .cid = le16_of(0x21),
                           .cdw10 = le32_of(NVME_CNS_CONTROLLER)},
	};
	static uint8_t page[NVME_IDENTIFY_SIZE];
	uint8_t unsent[UNSENT];
	struct tcp_data data;
	struct tcp_capsule_response response;

	identify.command.sgl.length = le32_of(NVME_IDENTIFY_SIZE);
	((uint8_t *)&identify.command.sgl)[15] = 0x5a;
	connect_a_pair();
	start_successor(leave(0, 0));
	receive(unsent, sizeof(unsent));
	ck_assert_uint_eq(unsent[UNSENT - 4], 0x20); /* the CID of that answer */
	ck_assert_int_eq(send(host_end, (uint8_t *)&identify + 20, 52, 0), 52);
	receive(&data, sizeof(data));
	ck_assert_uint_eq(data.header.type, TCP_PDU_C2H_DATA);
	ck_assert_uint_eq(le16_get(data.cccid), 0x21);
	receive(page, sizeof(page));
	receive(&response, sizeof(response));
	ck_assert_uint_eq(le16_get(response.completion.sqhd), 6);
	ck_assert_uint_eq(page[78], 7); /* CNTLID */
	harness_await_log(scene.harness, "1 connections of the predecessor are taken over", 1);
}
END_TEST

START_TEST(of_a_format_that_is_not_known_is_closed)
{
	connect_a_pair();
	start_successor(leave(99, 0));
	expect_the_end();
	harness_await_log(scene.harness, "in format 99, which is not understood here", 1);
}
END_TEST

START_TEST(cut_short_is_closed)
{
	connect_a_pair();
	start_successor(leave(0, 9));
	expect_the_end();
	harness_await_log(scene.harness, "not understood to its end", 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("legacy");

	describe_alone(suite,
	               "what a predecessor has left",
	               given_a_set,
	               forget_all,
	               of_format_1_is_taken_over,
	               of_a_format_that_is_not_known_is_closed,
	               cut_short_is_closed);
	return harness_run(suite);
}
