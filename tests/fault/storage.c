/* SPDX-License-Identifier: BSD-2-Clause */
/* The file system of the database is full, or the database is damaged or lost: hosts notice
 * nothing, the operator is told. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

#define END_MS 20000u

static char text[65536];

static int ctl(const char *command, const char *argument)
{
	return harness_ctl(scene.harness, text, sizeof(text), command, argument, NULL);
}

static bool status_says(const char *words)
{
	ck_assert_int_eq(ctl("status", NULL), 0);
	return strstr(text, words);
}

static void await_status(const char *words, bool says)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 20000000};

	while (status_says(words) != says) {
		if (clock_now_ns() >= deadline_ns)
			ck_abort_msg("status %s \"%s\": %s",
			             says ? "does not say" : "still says",
			             words,
			             text);
		nanosleep(&pause, NULL);
	}
}

/* With namespace 3. */
static const char *write_other(void)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[2] = (struct harness_namespace){.nsid = 3,
	                                                                 .path = "ram:1M"};
	harness_write(scene.harness, "other.json", &exports);
	return harness_path(scene.harness, "other.json");
}

static void expect_refused(const char *why)
{
	if (ctl("restore", write_other()) != 1 || !strstr(text, why) ||
	    !strstr(text, "nothing is changed"))
		ck_abort_msg("not refused because of \"%s\": %s", why, text);
}

/* Of two changes in one, of which none is to be seen. */
static void expect_edit_refused(const char *why)
{
	FILE *file = fopen(harness_path(scene.harness, "edits"), "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file,
	        "create /ports/77\n"
	        "disable /subsystems/" HARNESS_NQN "/namespaces/2\n");
	fclose(file);
	if (ctl("batch", harness_path(scene.harness, "edits")) != 1 || !strstr(text, why) ||
	    !strstr(text, "nothing is changed"))
		ck_abort_msg("not refused because of \"%s\": %s", why, text);
	ck_assert_int_eq(ctl("ls", "/ports/77"), 1);
	ck_assert(strstr(text, "there is no such object"));
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, 2, &scene.spaces[2]));
	ck_assert_uint_gt(scene.spaces[2].blocks, 0);
}

static void expect_taken(void)
{
	if (ctl("restore", write_other()) != 0)
		ck_abort_msg("a change is refused: %s", text);
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, 3, &scene.spaces[3]));
}

/* A host that was there, and one that comes. */
static void expect_service(uint64_t seed)
{
	struct host_controller other = HOST_CONTROLLER_NULL;

	scene_write(1, 8 * seed, 8, seed);
	scene_read_back(1, 8 * seed, 8, seed);
	host_must(&scene.controller, host_controller_identify(&scene.controller));
	harness_connect_as(&scene.options, &other);
	host_controller_close(&other);
}

/* ------------------------------------------------------------------ full */

#define ROOM "1M"

static const char *state_dir(void)
{
	return harness_path(scene.harness, "state");
}

/* The state directory is a small file system, which nobody but us and the set sees. */
static void given_a_small_disk(void)
{
	struct harness_exports exports = harness_plain();

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	scene.harness = harness_new(&exports);
	ck_assert_int_eq(mount("none", state_dir(), "tmpfs", 0, "size=" ROOM), 0);
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
	scene_connect();
}

static void forget_the_small_disk(void)
{
	scene_disconnect();
	harness_end(scene.harness);
	umount2(state_dir(), MNT_DETACH);
	scene_stop();
}

static const char *filler(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/filler", state_dir());
	return path;
}

/* To the last byte. */
static void fill(void)
{
	static const char block[4096];
	int fd = open(filler(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	ck_assert_int_eq(errno, ENOSPC);
	close(fd);
}

START_TEST(refuses_changes_until_there_is_room)
{
	fill();
	expect_refused("disk is full");
	expect_edit_refused("disk is full");
	ck_assert(status_says("WARNING: "));
	ck_assert(status_says("disk is full"));
	expect_service(1);
	ck_assert_int_eq(unlink(filler()), 0);
	expect_taken();
	ck_assert(!status_says("WARNING: "));
}
END_TEST

START_TEST(leaves_the_next_state_what_holds)
{
	fill();
	expect_refused("disk is full");
	harness_kill(scene.harness, "state");
	expect_service(2);
	expect_refused("disk is full");
	ck_assert_int_eq(unlink(filler()), 0);
	expect_taken();
}
END_TEST

/* Its secrets are new, and can only be kept in memory. */
START_TEST(lets_a_worker_and_a_transport_come_anew)
{
	fill();
	harness_kill(scene.harness, "io-0");
	expect_service(3);
	scene_disconnect();
	harness_kill(scene.harness, "tcp");
	harness_await_service(scene.harness);
	scene_connect();
	expect_service(4);
	harness_kill(scene.harness, "state");
	expect_service(5);
	ck_assert_int_eq(unlink(filler()), 0);
	expect_taken();
	scene_read_back(1, 24, 8, 3);
}
END_TEST

/* More than numbers are kept for. */
START_TEST(lets_many_hosts_connect)
{
	fill();
	for (unsigned i = 0; i < 150; i++) {
		struct host_controller other = HOST_CONTROLLER_NULL;

		host_must(&other, host_controller_connect(&other, &scene.options));
		host_controller_close(&other);
	}
	expect_service(6);
}
END_TEST

/* The database takes the change, but the copy does not find room. */
START_TEST(that_has_no_room_for_the_copy_alone_is_told)
{
	char old[256];
	struct stat status;

	fill();
	snprintf(old, sizeof(old), "%s/state.db.copy", state_dir());
	ck_assert_int_eq(stat(filler(), &status), 0);
	/* a little for the log of the database; not so much for a copy */
	ck_assert_int_eq(truncate(filler(), status.st_size - 24576), 0);
	if (ctl("restore", write_other()) != 0)
		return; /* there was not even that: the first test has it */
	ck_assert_ptr_nonnull(strstr(text, "warning: the copy"));
	ck_assert(status_says("WARNING: the copy"));
	ck_assert_int_lt(access(old, F_OK), 0);
	ck_assert_int_eq(unlink(filler()), 0);
	harness_restore(scene.harness, &scene.harness->exports);
	ck_assert(!status_says("WARNING: "));
	ck_assert_int_eq(access(old, F_OK), 0);
}
END_TEST

/* ------------------------------------------------------------------ damaged */

static void given_a_set(void)
{
	scene_start(NULL);
	scene_connect();
}

static void forget_the_set(void)
{
	scene_disconnect();
	scene_stop();
}

static void damage(void)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/state.db", state_dir());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (off_t at = 0; at < 65536; at += 16)
		ck_assert_int_eq(pwrite(fd, "this is no page.", 16, at), 16);
	close(fd);
}

/* Of a start with an empty log: what is in the log is not in the file yet. */
static void start_state_again(void)
{
	pid_t state = harness_pid(scene.harness, "state", 0);

	ck_assert_int_eq(kill(state, SIGTERM), 0);
	harness_pid(scene.harness, "state", state);
	expect_service(7);
}

START_TEST(at_a_start_is_replaced_by_its_copy)
{
	pid_t state;

	start_state_again();
	state = harness_pid(scene.harness, "state", 0);
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	damage();
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	expect_service(8);
	ck_assert(status_says("WARNING: the database was damaged"));
	ck_assert(status_says("nvmetctl acknowledge"));
	harness_kill(scene.harness, "state");
	await_status("WARNING: the database was damaged", true);
	ck_assert_int_eq(ctl("acknowledge", NULL), 0);
	ck_assert(!status_says("WARNING: "));
	expect_taken();
}
END_TEST

START_TEST(in_use_refuses_changes_until_state_starts_again)
{
	start_state_again();
	damage();
	expect_refused("is damaged");
	ck_assert(status_says("WARNING: the database"));
	expect_service(9);
	harness_kill(scene.harness, "state");
	expect_service(10);
	ck_assert(status_says("WARNING: the database was damaged"));
	expect_taken();
}
END_TEST

START_TEST(does_not_stop_io_when_its_copy_is_damaged_too)
{
	char path[256], elsewhere[256];

	start_state_again();
	snprintf(path, sizeof(path), "%s/state.db.copy", state_dir());
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", state_dir());
	harness_await_log(scene.harness, "state service: is there", 2);
	ck_assert_int_eq(kill(harness_pid(scene.harness, "state", 0), SIGSTOP), 0);
	ck_assert_int_eq(rename(path, elsewhere), 0);
	damage();
	ck_assert_int_eq(kill(harness_pid(scene.harness, "state", 0), SIGKILL), 0);
	harness_await_log(scene.harness, "cannot be used either", 1);
	for (uint64_t seed = 0; seed < 50; seed++) {
		scene_write(1, seed, 8, seed);
		scene_read_back(1, seed, 8, seed);
	}
	ck_assert_int_eq(rename(elsewhere, path), 0);
	expect_service(11);
	ck_assert(status_says("WARNING: the database was damaged"));
}
END_TEST

/* ------------------------------------------------------------------ lost */

/* As it is used: without a file that each new supervisor would apply again. */
static void given_a_set_without_a_file(void)
{
	struct harness_exports exports = harness_plain();

	scene.harness = harness_new(&exports);
	harness_launch(scene.harness, false);
	harness_pid(scene.harness, "tcp", 0); /* there is a log */
	harness_await_log(scene.harness, "nvmetd: ready", 1);
	harness_restore(scene.harness, &scene.harness->exports);
	harness_await_service(scene.harness);
	scene.options = harness_host(scene.harness, 0, 0);
	scene_connect();
}

__attribute__((format(printf, 1, 0))) static void in_shell(const char *format)
{
	char command[512];

	snprintf(command, sizeof(command), format, state_dir());
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* The database and all that goes with it, as where its file system is not mounted. */
static void lose(void)
{
	pid_t state = harness_pid(scene.harness, "state", 0);

	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	in_shell("mkdir %1$s.kept && mv %1$s/* %1$s.kept");
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	harness_pid(scene.harness, "state", state);
	await_status("WARNING: the database", true);
	ck_assert_ptr_nonnull(strstr(text, "is new now"));
}

static void forget_what_is_kept(void)
{
	in_shell("rm -rf %1$s.kept");
}

/* Of the host that was there. */
static void expect_io(uint64_t seed)
{
	scene_write(1, 8 * seed, 8, seed);
	scene_read_back(1, 8 * seed, 8, seed);
}

/* The association of before has ended; a new one can be made. */
static void expect_new_association(void)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;

	while (host_controller_identify(&scene.controller) == 0)
		if (clock_now_ns() >= deadline_ns)
			ck_abort_msg("the association of before goes on");
	harness_await_service(scene.harness);
	scene_disconnect();
	scene_connect();
	expect_service(20);
	ck_assert(!status_says("WARNING: "));
}

/* What needs the configuration is to be sent again. */
static void expect_interrupted(void)
{
	struct host_request identify = {
		.command = {.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = le32_of(NVME_CNS_CONTROLLER)},
		.direction = NVME_TRANSFER_TO_HOST,
		.length = 4096,
	};

	expect_status(scene_admin(&identify), NVME_SC_COMMAND_INTERRUPTED);
}

START_TEST(does_not_end_exports)
{
	lose();
	expect_io(12);
	expect_interrupted();
	harness_kill(scene.harness, "state"); /* whose successor finds a database, but */
	await_status("is new now", true);
	expect_io(13);
	forget_what_is_kept();
}
END_TEST

START_TEST(is_put_back)
{
	pid_t state;

	lose();
	expect_io(14);
	state = harness_pid(scene.harness, "state", 0);
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	in_shell("rm -f %1$s/* && mv %1$s.kept/* %1$s");
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	harness_pid(scene.harness, "state", state);
	expect_service(15); /* the host of before among it */
	ck_assert(!status_says("WARNING: "));
	expect_taken();
	forget_what_is_kept();
}
END_TEST

START_TEST(is_replaced_by_a_file)
{
	lose();
	harness_restore(scene.harness, &scene.harness->exports);
	expect_new_association();
	expect_taken();
	forget_what_is_kept();
}
END_TEST

START_TEST(is_given_up)
{
	lose();
	ck_assert_int_eq(ctl("acknowledge", NULL), 0);
	ck_assert(!status_says("WARNING: "));
	harness_restore(scene.harness, &scene.harness->exports);
	expect_new_association();
	forget_what_is_kept();
}
END_TEST

START_TEST(is_given_up_by_a_clear)
{
	lose();
	ck_assert_int_eq(ctl("clear", NULL), 0);
	ck_assert(!status_says("WARNING: "));
	harness_restore(scene.harness, &scene.harness->exports);
	expect_new_association();
	forget_what_is_kept();
}
END_TEST

/* What the supervisor's file has need not be what was in force. */
START_TEST(is_not_replaced_by_the_file_of_the_start_alone)
{
	lose();
	expect_io(16);
	harness_kill(scene.harness, "state");
	await_status("is new now", true);
	expect_io(17);
	ck_assert_int_eq(ctl("acknowledge", NULL), 0);
	expect_new_association();
	forget_what_is_kept();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("storage");

	if (geteuid() == 0)
		describe_alone(suite,
		               "a full disk of the database",
		               given_a_small_disk,
		               forget_the_small_disk,
		               refuses_changes_until_there_is_room,
		               leaves_the_next_state_what_holds,
		               lets_a_worker_and_a_transport_come_anew,
		               lets_many_hosts_connect,
		               that_has_no_room_for_the_copy_alone_is_told);
	else
		printf("# a full disk: not tried: only root may mount one\n");
	describe_alone(suite,
	               "a damaged database",
	               given_a_set,
	               forget_the_set,
	               at_a_start_is_replaced_by_its_copy,
	               in_use_refuses_changes_until_state_starts_again,
	               does_not_stop_io_when_its_copy_is_damaged_too);
	describe_alone(suite,
	               "a lost database",
	               given_a_set_without_a_file,
	               forget_the_set,
	               does_not_end_exports,
	               is_put_back,
	               is_replaced_by_a_file,
	               is_given_up,
	               is_given_up_by_a_clear);
	describe_alone(suite,
	               "a lost database of a set with a file",
	               given_a_set,
	               forget_the_set,
	               is_not_replaced_by_the_file_of_the_start_alone);
	return harness_run(suite);
}
