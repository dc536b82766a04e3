/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real nvmetd-io, between a state service and a keeper of descriptors that the test plays,
 * is killed and comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/ipc/server.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

static char token[] = "0123456789abcdef";

static pid_t worker;
static struct player player;

/* The state service. */
static struct ipc_server *state;
static struct ipc_peer *peer; /* the worker, from its Hello on */
static const char *path;      /* of namespace 7; NULL: it is not in the view */
static uint64_t revision;
static uint64_t reported;
static bool ready;
static uint64_t blocks;
static bool has_status;
static uint64_t reads, writes, errors, links;
static size_t counted; /* namespaces in a status */

/* The keeper. */
static int notify = -1;
static int kept = -1;

/* ------------------------------------------------------------------ the state service */

static void send_view(void)
{
	Nvmetd__BackingView backing = NVMETD__BACKING_VIEW__INIT, *backings[] = {&backing};
	Nvmetd__Grant grant = NVMETD__GRANT__INIT, *grants[] = {&grant};
	Nvmetd__WorkerView view = NVMETD__WORKER_VIEW__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	uint32_t handle = 7;

	backing.handle = handle;
	backing.path = (char *)path;
	grant.transport = (char *)"tcp";
	grant.token.data = (uint8_t *)token;
	grant.token.len = 16;
	grant.n_handles = path ? 1 : 0;
	grant.handles = &handle;
	view.revision = revision;
	view.n_namespaces = path ? 1 : 0;
	view.namespaces = backings;
	view.n_grants = 1;
	view.grants = grants;
	message.body_case = NVMETD__ENVELOPE__BODY_WORKER_VIEW;
	message.worker_view = &view;
	ipc_server_send(peer, 0, &message);
}

static void hear_report(void *context, struct ipc_peer *from, const envelope *message)
{
	const Nvmetd__WorkerReport *report = message->worker_report;

	(void)context;
	(void)from;
	reported = report->revision;
	ready = report->n_namespaces == 1 && report->namespaces[0]->ready;
	blocks = ready ? report->namespaces[0]->blocks : 0;
}

static void hear_status(void *context, struct ipc_peer *from, const envelope *message)
{
	const Nvmetd__WorkerStatus *status = message->worker_status;

	(void)context;
	(void)from;
	counted = status->n_namespaces;
	links = status->links;
	has_status = true;
	if (counted == 0)
		return;
	ck_assert_uint_eq(status->namespaces[0]->in_flight, 0);
	reads = status->namespaces[0]->counters->reads;
	writes = status->namespaces[0]->counters->writes;
	errors = status->namespaces[0]->counters->errors;
}

static void arrived(void *context, struct ipc_peer *who, const Nvmetd__Hello *hello)
{
	(void)context;
	ck_assert_str_eq(who->name, "data");
	ck_assert_uint_eq(hello->threads, 2);
	peer = who;
	ready = false;
	send_view();
}

static void gone(void *context, struct ipc_peer *who, const char *reason)
{
	(void)context;
	(void)reason;
	if (peer == who)
		peer = NULL;
}

static const struct ipc_rule rules[] = {
	{NVMETD__ENVELOPE__BODY_WORKER_REPORT, IPC_AFTER_HELLO, hear_report},
	{NVMETD__ENVELOPE__BODY_WORKER_STATUS, IPC_AFTER_HELLO, hear_status},
};

static const struct ipc_role role = {
	.name = "worker",
	.mode = 0600,
	.needs_hello = true,
	.rules = rules,
	.n_rules = 2,
	.arrived = arrived,
	.gone = gone,
};

/* ------------------------------------------------------------------ the keeper */

static void open_keeper(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig_path("notify"));
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(notify, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void keep(int fd)
{
	if (kept >= 0)
		close(kept);
	kept = fd;
}

/* Hears what the worker has said to its keeper. True: it said this. */
static bool keeper_hears(const char *words)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char text[512];
	struct iovec piece = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(notify, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights;

	if (length < 0)
		return false;
	text[length] = '\0';
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS) {
		int fd;

		memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
		keep(fd);
	}
	if (strstr(text, "FDSTOREREMOVE=1"))
		keep(-1);
	return strstr(text, words) != NULL;
}

/* ------------------------------------------------------------------ the worker */

static void become_worker(void)
{
	char number[16];

	setenv("NOTIFY_SOCKET", rig_path("notify"), 1);
	if (kept >= 0) {
		snprintf(number, sizeof(number), "%d", getpid());
		setenv("LISTEN_PID", number, 1);
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_FDNAMES", "ram-7", 1);
		dup2(kept, 3);
		fcntl(3, F_SETFD, 0);
	}
	execl(NVMETD_IO,
	      NVMETD_IO,
	      "--name",
	      "data",
	      "--run-dir",
	      rig.directory,
	      "--state-dir",
	      rig.directory,
	      "--threads",
	      "2",
	      NULL);
	_exit(127);
}

static void start_worker(void)
{
	while (keeper_hears("")) /* what its predecessor has said */
		;
	ready = false;
	worker = fork();
	if (worker == 0)
		become_worker();
	ck_assert_int_gt(worker, 0);
}

static bool is_over(int *ret_status)
{
	return waitpid(worker, ret_status, WNOHANG) == worker;
}

static void end_worker(int signal_number)
{
	int status;

	kill(worker, signal_number);
	until(is_over(&status));
	worker = 0;
	if (signal_number == SIGTERM) {
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	}
	until(peer == NULL);
}

static void serve(const char *what)
{
	path = what;
	revision++;
	send_view();
	until(reported == revision && ready == (what != NULL));
}

static void given_a_worker_that_serves_ram(void)
{
	const struct loop_options options = {.spin_max_us = 0};

	log_open("test");
	rig_make_directory();
	ck_assert_int_eq(loop_new(&rig.loop, &options), 0);
	ck_assert_int_eq(
		ipc_server_new(&state, rig.loop, rig_path("worker/worker.sock"), 1, &role, NULL),
		0);
	open_keeper();
	path = "ram:1M";
	revision = 1;
	player = PLAYER_NULL;
	start_worker();
	until(ready);
}

static void leave(void)
{
	player_leave(&player);
	if (worker)
		end_worker(SIGTERM);
	ipc_server_free(state);
	loop_free(rig.loop);
	close(notify);
	keep(-1);
	rig_leave_no_trace();
}

/* ------------------------------------------------------------------ tests */

START_TEST(serves_what_the_state_service_says)
{
	ck_assert_uint_eq(reported, 1);
	ck_assert_uint_eq(blocks, 2048);
	player_begin(&player);
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 7, 0, 8, 0), 0);
	ck_assert_uint_eq(player_read(&player, 7, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
}
END_TEST

static void ask_for_status(uint32_t handle)
{
	envelope question = NVMETD__ENVELOPE__INIT;
	Nvmetd__StatusRequest request = NVMETD__STATUS_REQUEST__INIT;

	request.handle = handle;
	question.body_case = NVMETD__ENVELOPE__BODY_STATUS_REQUEST;
	question.status_request = &request;
	has_status = false;
	ipc_server_send(peer, ipc_server_request_id(state), &question);
	until(has_status);
}

START_TEST(counts_what_it_does)
{
	player_begin(&player);
	ck_assert_uint_eq(player_write(&player, 7, 0, 8, 0), 0);
	ck_assert_uint_eq(player_read(&player, 7, 0, 8), 0);
	ck_assert_uint_eq(player_read(&player, 7, 8, 8), 0);
	ask_for_status(0);
	ck_assert_uint_eq(writes, 1);
	ck_assert_uint_eq(reads, 2);
	ck_assert_uint_eq(errors, 0);
	ck_assert_uint_eq(links, 1);
}
END_TEST

START_TEST(says_only_of_the_namespace_that_is_asked_for)
{
	ask_for_status(7);
	ck_assert_uint_eq(counted, 1);
	ask_for_status(8);
	ck_assert_uint_eq(counted, 0);
}
END_TEST

START_TEST(finds_its_ram_again_after_kill_9)
{
	player_begin(&player);
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 7, 100, 8, 0), 0);
	until(kept >= 0 || keeper_hears("FDNAME=ram-7"));
	end_worker(SIGKILL);
	player_leave(&player);
	start_worker();
	until(ready);
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 7, 100, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
}
END_TEST

START_TEST(starts_empty_when_what_is_kept_has_another_size)
{
	until(kept >= 0 || keeper_hears("FDNAME=ram-7"));
	end_worker(SIGKILL);
	path = "ram:2M";
	start_worker();
	until(ready);
	ck_assert_uint_eq(blocks, 4096);
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 7, 0, 8), 0);
	ck_assert(player_has_zeroes(&player, 4096));
}
END_TEST

START_TEST(has_its_ram_forgotten_when_it_is_not_to_be_served_any_more)
{
	until(kept >= 0 || keeper_hears("FDNAME=ram-7"));
	serve(NULL);
	until(keeper_hears("FDSTOREREMOVE=1"));
	ck_assert_int_eq(kept, -1);
}
END_TEST

START_TEST(has_ram_forgotten_that_was_removed_while_it_was_away)
{
	until(kept >= 0 || keeper_hears("FDNAME=ram-7"));
	end_worker(SIGKILL);
	path = NULL;
	start_worker();
	until(keeper_hears("FDSTOREREMOVE=1"));
}
END_TEST

START_TEST(welcomes_who_came_before_its_first_view)
{
	end_worker(SIGKILL);
	ipc_server_free(state); /* no state service for a while */
	state = NULL;
	start_worker();
	until(keeper_hears("READY=1"));
	player_connect(&player, (struct player_hello){.transport = "tcp"});
	ck_assert(!player_hears(&player));
	ck_assert_int_eq(
		ipc_server_new(&state, rig.loop, rig_path("worker/worker.sock"), 2, &role, NULL),
		0);
	until(player_hears(&player));
	ck_assert(player.welcome);
}
END_TEST

START_TEST(goes_on_without_the_state_service_and_reports_to_its_successor)
{
	player_begin(&player);
	ipc_server_free(state);
	state = NULL;
	ck_assert_uint_eq(player_read(&player, 7, 0, 8), 0);
	reported = 0;
	ck_assert_int_eq(
		ipc_server_new(&state, rig.loop, rig_path("worker/worker.sock"), 2, &role, NULL),
		0);
	until(reported == revision && ready);
	ck_assert_uint_eq(player_read(&player, 7, 0, 8), 0); /* on the same link */
}
END_TEST

START_TEST(ends_cleanly_under_load)
{
	player_begin(&player);
	for (unsigned i = 0; i < 500; i++)
		player_put(&player, player_reading(&player, 7, 0, 8));
	end_worker(SIGTERM);
}
END_TEST

START_TEST(takes_its_socket_away_when_it_is_told_to_stop)
{
	ck_assert_int_eq(access(rig_path("io/data.sock"), F_OK), 0);
	end_worker(SIGTERM);
	ck_assert_int_eq(access(rig_path("io/data.sock"), F_OK), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nvmetd-io");

	describe(suite,
	         "a worker",
	         given_a_worker_that_serves_ram,
	         leave,
	         serves_what_the_state_service_says,
	         counts_what_it_does,
	         says_only_of_the_namespace_that_is_asked_for,
	         finds_its_ram_again_after_kill_9,
	         starts_empty_when_what_is_kept_has_another_size,
	         has_its_ram_forgotten_when_it_is_not_to_be_served_any_more,
	         has_ram_forgotten_that_was_removed_while_it_was_away,
	         welcomes_who_came_before_its_first_view,
	         goes_on_without_the_state_service_and_reports_to_its_successor,
	         ends_cleanly_under_load,
	         takes_its_socket_away_when_it_is_told_to_stop);
	return run(suite);
}
