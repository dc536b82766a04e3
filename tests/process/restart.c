/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes are restarted, planned or not, and hosts wait instead of being refused. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

#define CONNECTS  500u  /* fewer than a listening socket queues */
#define ANSWER_MS 5000u /* with a sanitizer, on a machine that others use; alone it is 50 */

static void given_a_set(void)
{
	scene_start(NULL);
}

#define await(condition)                                                                           \
	do {                                                                                       \
		uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;                    \
		while (!(condition)) {                                                             \
			ck_assert_msg(clock_now_ns() < end_ns, "never: %s", #condition);           \
			usleep(5000);                                                              \
		}                                                                                  \
	} while (0)

/* ------------------------------------------------------------------ listening sockets */

/* Whether it is a matter of the past. */
static bool has_ended(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	return poll(&ended, 1, 0) == 1;
}

static void connect_silently(struct host_connection *connection)
{
	connection_must(connection,
	                host_connection_open_silent(connection, &scene.options.address, ANSWER_MS));
}

static void ask_for_icresp(struct host_connection *connection)
{
	struct host_wishes wishes = {0};
	struct tcp_icreq icreq = host_icreq(&wishes);

	connection_must(connection,
	                host_connection_send(connection, &icreq, sizeof(icreq), ANSWER_MS));
}

static bool is_answered(const struct host_connection *connection)
{
	struct pollfd answered = {.fd = connection->fd, .events = POLLIN};

	return poll(&answered, 1, 0) == 1;
}

/* kill -9 of nvmetd-tcp: from then on a host connects again and again, and another one asks for an
 * answer as soon as the process is dead. */
static void connect_while_there_is_no_tcp(void)
{
	struct host_connection first = HOST_CONNECTION_NULL, next;
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);
	int pidfd = pidfd_open(tcp, 0);
	uint64_t killed_ns, answered_ns;

	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(kill(tcp, SIGKILL), 0);
	killed_ns = clock_now_ns();
	for (unsigned i = 0; i < CONNECTS && !(first.fd >= 0 && is_answered(&first)); i++) {
		connect_silently(&next);
		host_connection_close(&next);
		if (first.fd < 0 && has_ended(pidfd)) {
			connect_silently(&first);
			ask_for_icresp(&first);
		}
	}
	ck_assert_int_ge(first.fd, 0);
	connection_must(&first, host_connection_await_icresp(&first, ANSWER_MS));
	answered_ns = clock_now_ns();
	fprintf(stderr,
	        "# nvmetd-tcp answers %llu ms after its kill -9\n",
	        (unsigned long long)((answered_ns - killed_ns) / NS_PER_MS));
	host_connection_close(&first);
	close(pidfd);
}

START_TEST(hosts_are_never_refused_while_tcp_is_dead)
{
	connect_while_there_is_no_tcp();
	harness_await_service(scene.harness);
}
END_TEST

static bool is_refused(void)
{
	struct host_connection connection;
	int r = host_connection_open_silent(&connection, &scene.options.address, ANSWER_MS);

	host_connection_close(&connection);
	return r == -ECONNREFUSED;
}

START_TEST(hosts_are_refused_when_their_port_is_taken_away)
{
	struct harness_exports exports = scene.harness->exports, none = exports;

	none.ports[0].traddr = NULL;
	harness_restore(scene.harness, &none);
	await(is_refused());
	harness_restore(scene.harness, &exports);
	await(!is_refused());
}
END_TEST

/* The first view that the successor gets does not have the port any more, but the store has. */
START_TEST(hosts_are_refused_when_their_port_was_taken_away_meanwhile)
{
	struct harness_exports exports = scene.harness->exports, none = exports;
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);

	none.ports[0].traddr = NULL;
	ck_assert_int_eq(kill(tcp, SIGSTOP), 0);
	harness_restore(scene.harness, &none);
	ck_assert(!is_refused());
	ck_assert_int_eq(kill(tcp, SIGKILL), 0);
	await(is_refused());
	harness_restore(scene.harness, &exports);
	harness_await_service(scene.harness);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");

	describe_running(suite,
	                 "a listening socket",
	                 given_a_set,
	                 scene_stop,
	                 hosts_are_never_refused_while_tcp_is_dead,
	                 hosts_are_refused_when_their_port_is_taken_away,
	                 hosts_are_refused_when_their_port_was_taken_away_meanwhile);
	return harness_run(suite);
}
