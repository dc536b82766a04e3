/* SPDX-License-Identifier: BSD-2-Clause */
/* A listening socket is left to the successor, who looks at what it gets. */
#include "services/tcp/kept_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proc/store.h"
#include "tests/support/spec.h"

#define HANDED_OVER 3 /* SD_LISTEN_FDS_START */

static struct kept_socket kept;
static struct listener_address address;
static char port[8], reason[128];

static void given_an_address(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	close(fd);
	snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
	address = (struct listener_address){
		.port_id = 1, .adrfam = "ipv4", .traddr = "127.0.0.1", .trsvcid = port};
}

static int open_at(struct kept_socket *ret_socket, const char *adrfam, const char *traddr,
                   const char *trsvcid)
{
	struct listener_address at = {
		.port_id = 1, .adrfam = adrfam, .traddr = traddr, .trsvcid = trsvcid};

	return kept_socket_open(ret_socket, &at, reason, sizeof(reason));
}

static void open_kept(void)
{
	int r = kept_socket_open(&kept, &address, reason, sizeof(reason));

	ck_assert_msg(r == 0, "%d: %s", r, reason);
}

/* A socket of the predecessor: bound, and listening if it is to. */
static int predecessors(const char *traddr, bool listens)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, traddr, &at.sin_addr), 1);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (listens)
		ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* The descriptor becomes what a keeper hands over under this name. */
static void hand_over(int fd, const char *name)
{
	char pid[16];

	if (fd != HANDED_OVER) {
		ck_assert_int_eq(dup2(fd, HANDED_OVER), HANDED_OVER);
		close(fd);
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", name, 1);
	store_open();
}

static const char *name_of_ours(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "listen-ipv4-127.0.0.1-%s", port);
	return name;
}

static ino_t inode_of(int fd)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	return status.st_ino;
}

/* 0 or an errno. */
static int connect_to_it(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)atoi(port)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? errno : 0;

	close(fd);
	return r;
}

/* ------------------------------------------------------------------ names */

START_TEST(is_named_by_its_address)
{
	open_kept();
	ck_assert_str_eq(kept.name, name_of_ours());
}
END_TEST

START_TEST(has_a_name_without_colons)
{
	if (open_at(&kept, "ipv6", "::1", port))
		return; /* this machine has no IPv6 */
	ck_assert_ptr_null(strchr(kept.name, ':'));
	ck_assert_ptr_nonnull(strstr(kept.name, "listen-ipv6-..1-"));
}
END_TEST

START_TEST(refuses_what_is_no_address)
{
	ck_assert_int_eq(open_at(&kept, "ipv4", "localhost", port), -EINVAL);
	ck_assert_int_eq(open_at(&kept, "ib", "127.0.0.1", port), -EAFNOSUPPORT);
}
END_TEST

/* ------------------------------------------------------------------ successors */

START_TEST(is_taken_over_from_the_predecessor)
{
	int fd = predecessors("127.0.0.1", true);
	ino_t inode = inode_of(fd);

	hand_over(fd, name_of_ours());
	open_kept();
	ck_assert_uint_eq(inode_of(kept.fd), inode);
}
END_TEST

START_TEST(has_what_connected_meanwhile)
{
	int fd = predecessors("127.0.0.1", true);

	ck_assert_int_eq(connect_to_it(), 0);
	hand_over(fd, name_of_ours());
	open_kept();
	fd = accept(kept.fd, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(accept(kept.fd, NULL, NULL), -1); /* and does not wait for another */
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(is_made_anew_when_it_is_bound_elsewhere)
{
	int fd = predecessors("127.0.0.2", true);
	ino_t inode = inode_of(fd);

	hand_over(fd, name_of_ours());
	open_kept();
	ck_assert_uint_ne(inode_of(kept.fd), inode);
	ck_assert_int_eq(connect_to_it(), 0);
}
END_TEST

START_TEST(is_made_anew_when_it_does_not_listen)
{
	int fd = predecessors("127.0.0.1", false);
	ino_t inode = inode_of(fd);

	hand_over(fd, name_of_ours());
	open_kept();
	ck_assert_uint_ne(inode_of(kept.fd), inode);
	ck_assert_int_eq(connect_to_it(), 0);
}
END_TEST

START_TEST(is_made_anew_when_it_is_no_socket)
{
	hand_over(dup(STDIN_FILENO), name_of_ours());
	open_kept();
	ck_assert_int_eq(connect_to_it(), 0);
}
END_TEST

/* ------------------------------------------------------------------ systemd's */

START_TEST(is_used_whatever_its_name)
{
	int fd = predecessors("127.0.0.1", true);
	ino_t inode = inode_of(fd);

	hand_over(fd, "nvmetd-tcp.socket");
	open_kept();
	ck_assert_uint_eq(inode_of(kept.fd), inode);
}
END_TEST

START_TEST(can_be_used_again)
{
	int fd = predecessors("127.0.0.1", true);
	ino_t inode = inode_of(fd);

	hand_over(fd, "nvmetd-tcp.socket");
	open_kept();
	kept_socket_close(&kept);
	store_drop_rest();
	open_kept();
	ck_assert_uint_eq(inode_of(kept.fd), inode);
	ck_assert_int_eq(connect_to_it(), 0);
}
END_TEST

START_TEST(is_left_alone_when_it_listens_elsewhere)
{
	int fd = predecessors("127.0.0.2", true);
	ino_t inode = inode_of(fd);

	hand_over(fd, "nvmetd-tcp.socket");
	open_kept();
	ck_assert_uint_ne(inode_of(kept.fd), inode);
}
END_TEST

/* ------------------------------------------------------------------ closing */

START_TEST(refuses_hosts_though_its_keeper_has_a_copy)
{
	int copy;

	open_kept();
	copy = dup(kept.fd);
	kept_socket_close(&kept);
	ck_assert_int_eq(connect_to_it(), ECONNREFUSED);
	close(copy);
}
END_TEST

/* A port that gets another number in the configuration is closed and opened again. */
START_TEST(can_be_opened_again_at_once)
{
	int copy;

	open_kept();
	copy = dup(kept.fd);
	kept_socket_close(&kept);
	open_kept();
	ck_assert_int_eq(connect_to_it(), 0);
	close(copy);
}
END_TEST

START_TEST(goes_on_listening_in_a_planned_restart)
{
	int copy;

	open_kept();
	copy = dup(kept.fd);
	store_leave();
	kept_socket_close(&kept);
	ck_assert_int_eq(connect_to_it(), 0);
	close(copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kept socket");

	describe(suite,
	         "an address",
	         given_an_address,
	         NULL,
	         is_named_by_its_address,
	         has_a_name_without_colons,
	         refuses_what_is_no_address);
	describe(suite,
	         "a socket in the store",
	         given_an_address,
	         NULL,
	         is_taken_over_from_the_predecessor,
	         has_what_connected_meanwhile,
	         is_made_anew_when_it_is_bound_elsewhere,
	         is_made_anew_when_it_does_not_listen,
	         is_made_anew_when_it_is_no_socket);
	describe(suite,
	         "a socket of systemd",
	         given_an_address,
	         NULL,
	         is_used_whatever_its_name,
	         can_be_used_again,
	         is_left_alone_when_it_listens_elsewhere);
	describe(suite,
	         "a socket that is closed",
	         given_an_address,
	         NULL,
	         refuses_hosts_though_its_keeper_has_a_copy,
	         can_be_opened_again_at_once,
	         goes_on_listening_in_a_planned_restart);
	return run(suite);
}
