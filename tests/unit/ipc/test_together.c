/* SPDX-License-Identifier: BSD-2-Clause */
/* A server and its clients find each other, talk, and are told of each other's end. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "party.h"
#include "tests/support/spec.h"

static struct host host;
static struct guest guest;

static void given_a_server_with_its_client(void)
{
	party_begin();
	host_open(&host, 0xa1);
	guest_open(&guest, "tcp");
	until(guest.arrived == 1 && host.arrived == 1);
}

static void end_all(void)
{
	guest_close(&guest);
	host_close(&host);
	party_end();
}

START_TEST(the_server_knows_who_came)
{
	ck_assert_str_eq(host.peer->name, "tcp");
	ck_assert_uint_eq(host.peer->instance, 0x1111);
	ck_assert_uint_eq(host.peer->pid, (uint32_t)getpid());
	ck_assert_uint_eq(host.peer->threads, 3);
	ck_assert_str_eq(host.peer->release, NVMETD_VERSION);
	ck_assert_ptr_eq(ipc_server_find(host.server, "tcp"), host.peer);
	ck_assert_ptr_null(ipc_server_find(host.server, "io-0"));
}
END_TEST

START_TEST(a_client_is_as_old_to_the_next_server_as_it_is)
{
	uint64_t first_ns = host.peer->since_ns;

	host_close(&host);
	until(guest.left == 1 && clock_now_ns() - first_ns > 1100 * NS_PER_MS);
	host_open(&host, 0xa2);
	until(guest.arrived == 2 && host.arrived == 1);
	ck_assert_uint_ge(clock_now_ns() - host.peer->since_ns, NS_PER_S);
	ck_assert_uint_lt(host.peer->since_ns, first_ns + NS_PER_S);
}
END_TEST

START_TEST(the_client_knows_the_servers_instance)
{
	ck_assert_uint_eq(guest.state_instance, 0xa1);
	ck_assert(ipc_client_is_connected(guest.client));
}
END_TEST

START_TEST(a_request_is_answered_by_its_number)
{
	ck_assert(guest_asks(&guest, 77));
	until(guest.answers == 1);
	ck_assert_uint_eq(guest.last_id, 77);
}
END_TEST

START_TEST(ten_thousand_requests_are_answered_in_order)
{
	for (uint64_t i = 1; i <= 10000; i++)
		ck_assert(guest_asks(&guest, i));
	until(guest.answers == 10000);
	ck_assert_uint_eq(guest.last_id, 10000);
	ck_assert_uint_eq(guest.last_count, 10000);
}
END_TEST

START_TEST(a_body_that_is_not_in_the_table_is_refused_by_its_name)
{
	Nvmetd__CtlClear body = NVMETD__CTL_CLEAR__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	message.body_case = NVMETD__ENVELOPE__BODY_CTL_CLEAR;
	message.ctl_clear = &body;
	ck_assert(ipc_client_send(guest.client, 5, &message));
	until(guest.refusals == 1);
	ck_assert_uint_eq(guest.last_id, 5);
	ck_assert_str_eq(guest.last_refusal, "ctl_clear is not heard on this socket");
	ck_assert_uint_eq(guest.left, 0);
}
END_TEST

START_TEST(a_client_that_ends_is_gone_at_once)
{
	uint64_t ended_ns = clock_now_ns();

	guest_close(&guest);
	until(host.gone == 1);
	ck_assert_uint_lt(clock_now_ns() - ended_ns, NS_PER_S);
	ck_assert_ptr_null(ipc_server_find(host.server, "tcp"));
}
END_TEST

START_TEST(a_second_client_of_the_same_name_replaces_the_first)
{
	struct guest second;

	guest_open(&second, "tcp");
	until(second.arrived == 1);
	until(host.arrived >= 2);
	ck_assert_int_eq(strncmp(host.order, "AGA", 3), 0);
	guest_close(&second);
}
END_TEST

START_TEST(a_client_that_was_replaced_comes_back_once_the_other_has_gone)
{
	struct guest second;

	guest_open(&second, "tcp");
	until(second.arrived == 1);
	guest_close(&second);
	until(guest.arrived == 2);
	ck_assert_uint_eq(guest.left, 1);
	ck_assert(guest_asks(&guest, 9));
	until(guest.answers == 1);
}
END_TEST

START_TEST(a_successor_of_the_server_is_greeted_anew)
{
	host_close(&host);
	host_open(&host, 0xa2);
	until(guest.arrived == 2);
	ck_assert_uint_eq(guest.left, 1);
	ck_assert_uint_eq(guest.state_instance, 0xa2);
	ck_assert_ptr_nonnull(ipc_server_find(host.server, "tcp"));
}
END_TEST

START_TEST(what_was_said_to_one_server_does_not_reach_its_successor)
{
	host_close(&host);
	guest_says_drained(&guest, 41); /* the client does not know yet */
	host_open(&host, 0xa2);
	guest_says_drained(&guest, 42);
	until(guest.arrived == 2);
	ck_assert(guest_says_drained(&guest, 43));
	ck_assert(guest_asks(&guest, 1));
	until(guest.answers == 1);
	ck_assert_uint_eq(host.drained, 43);
}
END_TEST

START_TEST(the_end_of_the_server_tells_of_every_peer)
{
	host_close(&host);
	ck_assert_uint_eq(host.gone, 1);
}
END_TEST

START_TEST(the_socket_has_the_mode_of_its_role)
{
	struct stat file;

	ck_assert_int_eq(stat(party.path, &file), 0);
	ck_assert_uint_eq(file.st_mode & 07777, 0640);
}
END_TEST

START_TEST(a_second_server_does_not_take_the_place_of_the_living)
{
	const struct ipc_role nothing = {.name = "second", .mode = 0600};
	struct ipc_server *second = NULL;

	ck_assert_int_eq(ipc_server_new(&second, party.loop, party.path, 2, &nothing, NULL),
	                 -EADDRINUSE);
	ck_assert(guest_asks(&guest, 1));
	until(guest.answers == 1);
}
END_TEST

/* ---- processes that die */

static void given_nobody(void)
{
	party_begin();
	host = (struct host){0};
	guest = (struct guest){0};
}

START_TEST(a_client_killed_is_gone_long_before_it_could_be_silent)
{
	pid_t process = guest_start("io-0");
	uint64_t killed_ns;

	host_open(&host, 1);
	until(host.arrived == 1);
	killed_ns = clock_now_ns();
	kill_hard(process);
	until(host.gone == 1);
	ck_assert_uint_lt(clock_now_ns() - killed_ns, NS_PER_S);
	ck_assert_str_eq(host.order, "AG");
}
END_TEST

START_TEST(a_client_that_hangs_is_gone_then_comes_back_when_it_goes_on)
{
	pid_t process = guest_start("io-0");

	host_open(&host, 1);
	until(host.arrived == 1);
	kill(process, SIGSTOP);
	until(host.gone == 1);
	ck_assert_str_eq(host.last_words, "was silent for 5 s");
	kill(process, SIGCONT);
	until(host.arrived == 2);
	ck_assert_str_eq(host.order, "AGA");
}
END_TEST

START_TEST(a_client_that_does_not_read_is_gone_when_its_queue_is_full)
{
	pid_t process = guest_start("io-0");
	Nvmetd__StatusRequest body = NVMETD__STATUS_REQUEST__INIT;

	host_open(&host, 1);
	until(host.arrived == 1);
	kill(process, SIGSTOP);
	for (unsigned i = 0; i < 200000 && host.gone == 0; i++) {
		envelope message = NVMETD__ENVELOPE__INIT;

		message.body_case = NVMETD__ENVELOPE__BODY_STATUS_REQUEST;
		message.status_request = &body;
		ipc_server_send(host.peer, i + 1, &message);
		if (i % 1000 == 0)
			loop_round(party.loop, 0);
	}
	ck_assert_uint_eq(host.gone, 1);
	ck_assert_str_eq(host.last_words, "does not read what is sent to it");
}
END_TEST

START_TEST(a_server_killed_is_left_then_its_successor_greeted)
{
	pid_t process = host_start(1);

	guest_open(&guest, "tcp");
	until(guest.arrived == 1);
	kill_hard(process);
	host_start(2);
	until(guest.arrived == 2);
	ck_assert_uint_eq(guest.left, 1);
	ck_assert_uint_eq(guest.state_instance, 2);
	ck_assert(guest_asks(&guest, 3));
	until(guest.answers == 1);
}
END_TEST

START_TEST(a_server_that_does_not_read_is_left_when_the_queue_is_full)
{
	pid_t process = host_start(1);

	guest_open(&guest, "tcp");
	until(guest.arrived == 1);
	kill(process, SIGSTOP);
	for (uint64_t i = 1; i < 200000 && guest_asks(&guest, i); i++)
		;
	ck_assert(!ipc_client_is_connected(guest.client));
	until(guest.left == 1);
	kill(process, SIGCONT);
	until(guest.arrived == 2);
}
END_TEST

START_TEST(a_server_that_hangs_is_left_after_ten_seconds)
{
	pid_t process = host_start(1);

	guest_open(&guest, "tcp");
	until(guest.arrived == 1);
	kill(process, SIGSTOP);
	until(guest.left == 1);
	kill(process, SIGCONT);
	until(guest.arrived == 2);
}
END_TEST

START_TEST(a_client_waits_for_a_server_that_comes_later)
{
	guest_open(&guest, "tcp");
	ck_assert(!guest_asks(&guest, 1));
	for (unsigned i = 0; i < 10; i++)
		loop_round(party.loop, 10);
	ck_assert_uint_eq(guest.arrived, 0);
	host_start(1);
	until(guest.arrived == 1);
	ck_assert_uint_eq(guest.left, 0);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_said_so)
{
	const struct ipc_role nothing = {.name = "long", .mode = 0600};
	struct ipc_server *server = NULL;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(ipc_server_new(&server, party.loop, path, 1, &nothing, NULL),
	                 -ENAMETOOLONG);
}
END_TEST

/* ---- one question, without a loop */

static const char *ask(envelope **ret_answer, int body_case, unsigned timeout_ms)
{
	Nvmetd__CtlStatus body = NVMETD__CTL_STATUS__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	const char *reason = "";

	message.body_case = (Nvmetd__Envelope__BodyCase)body_case;
	message.ctl_status = &body;
	*ret_answer = ipc_ask(party.path, &message, timeout_ms, &reason);
	return reason;
}

START_TEST(a_question_without_hello_is_told_to_say_it)
{
	envelope *answer = NULL;

	host_start(1);
	ask(&answer, NVMETD__ENVELOPE__BODY_CTL_STATUS, 5000);
	ck_assert_ptr_nonnull(answer);
	ck_assert_int_eq(answer->body_case, NVMETD__ENVELOPE__BODY_REFUSAL);
	ck_assert(answer->refusal->say_hello);
	envelope_free(answer);
}
END_TEST

START_TEST(a_question_to_nobody_says_that_there_is_no_socket)
{
	envelope *answer = NULL;

	ck_assert_str_eq(ask(&answer, NVMETD__ENVELOPE__BODY_CTL_STATUS, 100),
	                 "there is no such socket");
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(a_question_to_a_server_that_hangs_ends_in_time)
{
	pid_t process = host_start(1);
	envelope *answer = NULL;
	uint64_t begun_ns;

	ask(&answer, NVMETD__ENVELOPE__BODY_CTL_STATUS, 5000);
	envelope_free(answer);
	kill(process, SIGSTOP);
	begun_ns = clock_now_ns();
	ck_assert_str_eq(ask(&answer, NVMETD__ENVELOPE__BODY_CTL_STATUS, 300),
	                 "the state service did not answer in time");
	ck_assert_uint_lt(clock_now_ns() - begun_ns, 2 * NS_PER_S);
}
END_TEST

/* Lets two connections in, and drops them: the look whether anybody listens, and ZeroMQ's. Then
 * the next server takes its place. */
static pid_t start_one_who_is_just_being_replaced(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t process;

	strcpy(address.sun_path, party.path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 2), 0);
	process = fork();
	ck_assert_int_ge(process, 0);
	if (process > 0) {
		close(fd);
		return process;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(accept(fd, NULL, NULL));
	close(accept(fd, NULL, NULL));
	close(fd);
	unlink(address.sun_path);
	host_start(1);
	pause();
	_exit(1);
}

/* It was asked until the time was over, since its first connection had failed. */
START_TEST(a_question_to_a_server_that_is_being_replaced_is_answered_by_the_next)
{
	pid_t process = start_one_who_is_just_being_replaced();
	envelope *answer = NULL;

	ask(&answer, NVMETD__ENVELOPE__BODY_CTL_STATUS, 15000);
	ck_assert_ptr_nonnull(answer);
	envelope_free(answer);
	kill_hard(process);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control plane");

	describe(suite,
	         "a server with its client",
	         given_a_server_with_its_client,
	         end_all,
	         the_server_knows_who_came,
	         a_client_is_as_old_to_the_next_server_as_it_is,
	         the_client_knows_the_servers_instance,
	         a_request_is_answered_by_its_number,
	         ten_thousand_requests_are_answered_in_order,
	         a_body_that_is_not_in_the_table_is_refused_by_its_name,
	         a_client_that_ends_is_gone_at_once,
	         a_second_client_of_the_same_name_replaces_the_first,
	         a_client_that_was_replaced_comes_back_once_the_other_has_gone,
	         a_successor_of_the_server_is_greeted_anew,
	         what_was_said_to_one_server_does_not_reach_its_successor,
	         the_end_of_the_server_tells_of_every_peer,
	         the_socket_has_the_mode_of_its_role,
	         a_second_server_does_not_take_the_place_of_the_living);
	describe(suite,
	         "processes that die",
	         given_nobody,
	         end_all,
	         a_client_killed_is_gone_long_before_it_could_be_silent,
	         a_client_that_hangs_is_gone_then_comes_back_when_it_goes_on,
	         a_client_that_does_not_read_is_gone_when_its_queue_is_full,
	         a_server_killed_is_left_then_its_successor_greeted,
	         a_server_that_does_not_read_is_left_when_the_queue_is_full,
	         a_server_that_hangs_is_left_after_ten_seconds,
	         a_client_waits_for_a_server_that_comes_later,
	         a_path_that_is_too_long_is_said_so);
	describe(suite,
	         "one question",
	         given_nobody,
	         end_all,
	         a_question_without_hello_is_told_to_say_it,
	         a_question_to_nobody_says_that_there_is_no_socket,
	         a_question_to_a_server_that_hangs_ends_in_time,
	         a_question_to_a_server_that_is_being_replaced_is_answered_by_the_next);

	return run(suite);
}
