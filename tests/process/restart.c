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

static bool has_ended(int pidfd, int within_ms)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	return poll(&ended, 1, within_ms) == 1;
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
		/* Half of them are for the time after its end. */
		if (first.fd < 0 && has_ended(pidfd, i == CONNECTS / 2 ? ANSWER_MS : 0)) {
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

/* ------------------------------------------------------------------ nvmetctl restart */

static char text[65536];

#define ctl(...) harness_ctl(scene.harness, text, sizeof(text), __VA_ARGS__, NULL)

static void expect_text(const char *words)
{
	ck_assert_msg(strstr(text, words), "\"%s\" does not say \"%s\"", text, words);
}

static void restart(const char *name)
{
	pid_t before = harness_pid(scene.harness, name, 0);
	char words[64];
	int r = ctl("restart", name);

	ck_assert_msg(r == 0, "nvmetctl restart %s ended with %d: %s", name, r, text);
	snprintf(words, sizeof(words), "%s: restarted in ", name);
	expect_text(words);
	ck_assert_int_ne(kill(before, 0), 0);
	ck_assert_int_ne(harness_pid(scene.harness, name, before), before);
}

START_TEST(restarts_the_state_service)
{
	restart("state");
}
END_TEST

START_TEST(restarts_a_worker)
{
	restart("io-0");
}
END_TEST

START_TEST(restarts_a_transport)
{
	restart("tcp");
}
END_TEST

START_TEST(says_how_many_connections_were_kept)
{
	scene_connect();
	scene_write(2, 0, 16, 7);
	restart("tcp");
	expect_text(", 2 connections kept");
	scene_read_back(2, 0, 16, 7);
	scene_disconnect();
}
END_TEST

/* At once, without a wait. */
START_TEST(returns_when_all_works_again)
{
	scene_connect();
	restart("io-0");
	scene_disconnect();
	ck_assert_int_eq(ctl("status", "--json"), 0);
	ck_assert_ptr_null(strstr(text, "\"ready\": false"));
	ck_assert_ptr_null(strstr(text, "\"connecting\""));
}
END_TEST

START_TEST(restarts_all_in_the_order_of_their_start)
{
	const char *state, *io, *tcp;

	ck_assert_int_eq(ctl("restart", "all"), 0);
	state = strstr(text, "state: restarted in ");
	io = strstr(text, "io-0: restarted in ");
	tcp = strstr(text, "tcp: restarted in ");
	ck_assert_msg(state && state < io && io < tcp, "%s", text);
}
END_TEST

START_TEST(says_who_there_is_when_it_is_asked_for_somebody_else)
{
	ck_assert_int_eq(ctl("restart", "io-7"), 1);
	expect_text("'io-7' is no process that is there now; there are: state, io-0, tcp");
}
END_TEST

START_TEST(is_used_wrongly_without_a_name)
{
	ck_assert_int_eq(ctl("restart"), 2);
	expect_text("usage: nvmetctl restart NAME|all");
}
END_TEST

static bool is_known(const char *name)
{
	return ctl("status", "--json") == 0 && strstr(text, name);
}

/* One that was started by hand. */
START_TEST(leaves_alone_who_would_not_be_started_again)
{
	char run_dir[128];
	char *arguments[] = {(char[]){"nvmetd-io"},
	                     (char[]){"--name"},
	                     (char[]){"io-9"},
	                     (char[]){"--run-dir"},
	                     run_dir,
	                     NULL};
	pid_t worker;

	unsetenv("NOTIFY_SOCKET");
	snprintf(run_dir, sizeof(run_dir), "%s/run", scene.harness->directory);
	worker = harness_spawn("nvmetd-io", harness_path(scene.harness, "io-9"), arguments);
	await(is_known("\"name\": \"io-9\""));
	ck_assert_int_eq(ctl("restart", "io-9"), 1);
	expect_text("io-9 has no supervisor");
	ck_assert(is_known("\"name\": \"io-9\""));
	harness_end_program(worker);
	await(!is_known("\"name\": \"io-9\""));
}
END_TEST

START_TEST(says_when_there_is_no_successor_in_time)
{
	pid_t worker = harness_pid(scene.harness, "io-0", 0);

	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	ck_assert_int_eq(ctl("--timeout", "2", "restart", "io-0"), 1);
	expect_text("io-0: told to leave, but no successor is there within 2 s");
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	harness_pid(scene.harness, "io-0", worker);
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
	describe_running(suite,
	                 "nvmetctl restart",
	                 given_a_set,
	                 scene_stop,
	                 restarts_the_state_service,
	                 restarts_a_worker,
	                 restarts_a_transport,
	                 says_how_many_connections_were_kept,
	                 returns_when_all_works_again,
	                 restarts_all_in_the_order_of_their_start,
	                 says_who_there_is_when_it_is_asked_for_somebody_else,
	                 is_used_wrongly_without_a_name,
	                 leaves_alone_who_would_not_be_started_again,
	                 says_when_there_is_no_successor_in_time);
	return harness_run(suite);
}
