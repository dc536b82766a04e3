/* SPDX-License-Identifier: BSD-2-Clause */
/* The state service is killed at a step of a change, while a host does I/O: in the end all of the
 * set is at the old configuration or at the new one, and what the change does not touch has noticed
 * nothing. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/steps.h"

#define ROUNDS        10u /* of all steps, if not NVMETD_TEST_STEPS=all */
#define ROUNDS_A_SET  3u  /* the launcher lets one that dies often wait */
#define IO_MS         5000u
#define END_MS        20000u
#define OTHER_NQN     "nqn.2001-01.com.example:other"
#define THIRD_NQN     "nqn.2001-01.com.example:third"
#define OTHER_HOSTNQN "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-000000000002"
#define NAMESPACES    (1u << 8) /* of Asynchronous Event Configuration */
#define SAVED_BYTES   16384

static struct harness_exports before, after;
static char saved_before[SAVED_BYTES], saved_after[SAVED_BYTES];
static struct host_controller other, third; /* of hosts that `after` has no room for */
static struct host_request event;

/* ------------------------------------------------------------------ two configurations */

/* A namespace goes, one comes; a host may not come in any more; a serial number changes. */
static void make_exports(const struct harness *harness)
{
	before = harness->exports;
	after = before;
	after.subsystems[0].namespaces[1] = (struct harness_namespace){.nsid = 3, .path = "ram:1M"};
	after.subsystems[1].hosts[0] = OTHER_HOSTNQN;
	after.subsystems[2].serial = "AFTER";
}

/* The same change, one object after the other. */
static void write_edits(const char *name)
{
	FILE *file = fopen(harness_path(scene.harness, name), "we");

	ck_assert_ptr_nonnull(file);
	fputs("delete /subsystems/" HARNESS_NQN "/namespaces/2\n"
	      "cd /subsystems/" HARNESS_NQN "/namespaces\n"
	      "create 3\n"
	      "3 set device path=ram:1M\n"
	      "3 enable\n"
	      "create /hosts/" OTHER_HOSTNQN "\n"
	      "link /subsystems/" OTHER_NQN " " OTHER_HOSTNQN "\n"
	      "set /subsystems/" OTHER_NQN " attr allow_any_host=0\n"
	      /* a host has asked for its serial number, which stays its own */
	      "unlink /ports/1 " THIRD_NQN "\n"
	      "delete /subsystems/" THIRD_NQN "\n"
	      "create /subsystems/" THIRD_NQN "\n"
	      "cd /subsystems/" THIRD_NQN "\n"
	      "set attr serial=AFTER allow_any_host=1\n"
	      "create namespaces/1\n"
	      "namespaces/1 set device path=ram:1M\n"
	      "namespaces/1 enable\n"
	      "link /ports/1 " THIRD_NQN "\n",
	      file);
	fclose(file);
}

static struct harness_exports first_exports(void)
{
	struct harness_exports exports = harness_plain();
	const struct harness_namespace small = {.nsid = 1, .path = "ram:1M"};

	exports.subsystems[1] = (struct harness_subsystem){
		.nqn = OTHER_NQN, .serial = "OTHER", .namespaces = {small}};
	exports.subsystems[2] = (struct harness_subsystem){
		.nqn = THIRD_NQN, .serial = "BEFORE", .namespaces = {small}};
	return exports;
}

static void save(char ret_text[static SAVED_BYTES])
{
	if (harness_ctl(scene.harness, ret_text, SAVED_BYTES, "save", NULL) != 0)
		ck_abort_msg("nvmetctl save: %s", ret_text);
}

/* ------------------------------------------------------------------ hosts */

static void connect_to(unsigned subsystem, struct host_controller *controller)
{
	struct host_options options = harness_host(scene.harness, 0, subsystem);

	options.hostnqn = HARNESS_HOSTNQN;
	harness_connect_as(&options, controller);
}

static void ask_for_event(void)
{
	event = host_event_request();
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
}

static void take_event(void)
{
	uint8_t log[4096];

	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, END_MS));
	ck_assert_uint_eq(le32_get(event.completion.dw0) >> 16, NVME_LOG_CHANGED_NAMESPACES);
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_CHANGED_NAMESPACES,
	                       false,
	                       0,
	                       log,
	                       sizeof(log)));
	ask_for_event();
}

static void begin_set(void)
{
	struct harness_exports exports = first_exports();

	scene_start(&exports);
	make_exports(scene.harness);
	save(saved_before);
	harness_restore(scene.harness, &after);
	save(saved_after);
	harness_restore(scene.harness, &before);
	scene_connect();
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NAMESPACES));
	ask_for_event();
}

static void end_set(void)
{
	scene_disconnect();
	scene_stop();
}

/* I/O that the change has nothing to do with, at any time. */
static void do_io(uint64_t seed)
{
	uint64_t begin_ns = clock_now_ns();

	scene_write(1, seed % 1000, 1, seed);
	scene_read_back(1, seed % 1000, 1, seed);
	ck_assert_uint_lt(clock_now_ns() - begin_ns, IO_MS * NS_PER_MS);
}

/* ------------------------------------------------------------------ what holds in the end */

static bool has_namespace(uint32_t nsid)
{
	uint8_t list[NVME_IDENTIFY_SIZE];

	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_ACTIVE_NAMESPACES, 0, 0, list));
	for (unsigned i = 0; i < 8; i++)
		if (((list[4 * i]) | (uint32_t)list[4 * i + 1] << 8) == nsid)
			return true;
	return false;
}

/* By Identify, and by I/O. */
static void await_namespace(uint32_t nsid, bool there)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;
	const unsigned wanted = there ? 0 : DNR(NVME_SC_INVALID_NAMESPACE);
	uint8_t data[4096];
	struct nvme_status status;
	uint32_t block = nsid == 2 ? 4096 : 512;

	for (;;) {
		scene.spaces[nsid] = (struct host_namespace){
			.nsid = nsid, .blocks = 100, .block_bytes = block};
		status = scene_io(NVME_IO_READ, nsid, 0, 1, data);
		if (has_namespace(nsid) == there && status.value == wanted)
			return;
		if (clock_now_ns() >= deadline_ns)
			ck_abort_msg("namespace %u: status %04xh, to be %s",
			             nsid,
			             status.value,
			             there ? "there" : "gone");
		usleep(5000);
	}
}

static void expect_association(struct host_controller *controller, bool lives)
{
	struct host_connection *connection = &controller->admin.connection;

	if (lives)
		host_must(controller, host_controller_identify(controller));
	else
		connection_must(connection, host_connection_await_end(connection, END_MS));
	host_controller_close(controller);
}

static void expect_all_of(bool is_after)
{
	await_namespace(2, !is_after);
	await_namespace(3, is_after);
	expect_association(&other, !is_after);
	expect_association(&third, !is_after);
	if (is_after)
		take_event();
	do_io(7);
}

/* ------------------------------------------------------------------ a round */

static pid_t spawn(const char *command, const char *path)
{
	char run_dir[128], file[128];
	char *arguments[] = {
		(char[]){"nvmetctl"}, (char[]){"--run-dir"}, run_dir, (char *)command, file, NULL};

	snprintf(run_dir, sizeof(run_dir), "%s", harness_path(scene.harness, "run"));
	snprintf(file, sizeof(file), "%s", path);
	return harness_spawn("nvmetctl", harness_path(scene.harness, "ctl-output"), arguments);
}

/* With I/O meanwhile. */
static int await_with_io(pid_t program)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;
	int status;

	for (uint64_t seed = 1; waitpid(program, &status, WNOHANG) == 0; seed++) {
		ck_assert_uint_lt(clock_now_ns(), deadline_ns);
		do_io(seed);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void go_back(void)
{
	harness_restore(scene.harness, &before);
	await_namespace(2, true);
	await_namespace(3, false);
	take_event();
}

static pid_t spawn_change(bool by_edits)
{
	if (by_edits)
		write_edits("change");
	else
		harness_write(scene.harness, "change", &after);
	return spawn(by_edits ? "batch" : "restore", harness_path(scene.harness, "change"));
}

/* Changes the configuration, and kills the state service at that step; returns how many there
 * were until then. */
static unsigned change(unsigned kill_at, bool by_edits)
{
	pid_t state = harness_pid(scene.harness, "state", 0);
	const char *why = "";
	struct steps *steps;
	char found[SAVED_BYTES], where[400];
	bool has_killed, is_after;
	int status;

	connect_to(1, &other);
	connect_to(2, &third);
	steps = steps_begin(state, kill_at, &why);
	if (!steps)
		ck_abort_msg("nvmetd-state cannot be traced: %s", why);
	status = await_with_io(spawn_change(by_edits));
	has_killed = steps_has_killed(steps);
	snprintf(where, sizeof(where), "step %u, %s", kill_at, steps_last(steps));
	kill_at = steps_end(steps);
	if (has_killed)
		harness_pid(scene.harness, "state", state);
	save(found);
	is_after = strcmp(found, saved_after) == 0;
	ck_assert_msg(
		is_after || strcmp(found, saved_before) == 0, "%s: neither: %s", where, found);
	ck_assert_msg(is_after || status != 0, "%s: acknowledged, and lost", where);
	ck_assert_msg(is_after || has_killed, "nobody was killed, and it is not done");
	expect_all_of(is_after);
	if (is_after)
		go_back();
	return kill_at;
}

START_TEST(leaves_the_old_or_the_new_one)
{
	const char *wanted = getenv("NVMETD_TEST_STEPS");
	unsigned steps, rounds, stride;

	begin_set();
	change(0, true);
	steps = change(0, false);
	ck_assert_uint_gt(steps, 2 * ROUNDS);
	rounds = wanted && strcmp(wanted, "all") == 0 ? steps : ROUNDS;
	stride = steps / rounds;
	for (unsigned i = 0; i < rounds; i++) {
		if (i > 0 && i % ROUNDS_A_SET == 0) {
			end_set();
			begin_set();
		}
		change(1 + i * stride, i % 2 == 1);
	}
	end_set();
}
END_TEST

static void given_permission(void)
{
	const char *why = "";
	pid_t child = fork();
	struct steps *steps;

	if (child == 0) {
		pause();
		_exit(0);
	}
	steps = steps_begin(child, 0, &why);
	if (steps)
		steps_end(steps);
	harness_end_program(child);
	if (!steps || geteuid() != 0)
		harness_skip("processes that are not our children may not be traced");
}

int main(void)
{
	Suite *suite = suite_create("a transaction");

	given_permission();
	describe_running(
		suite, "a death at a step of a change", NULL, NULL, leaves_the_old_or_the_new_one);
	return harness_run(suite);
}
