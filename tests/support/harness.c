/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/support/harness.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

#define END_MS 15000u

void harness_keep_log(const struct harness *harness); /* journal.c */

void harness_pause(unsigned ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&pause, NULL);
}

const char *harness_path(const struct harness *harness, const char *name)
{
	static char paths[2][192];
	static unsigned turn;

	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", harness->directory, name);
	return paths[turn];
}

/* ------------------------------------------------------------------ ports and files */

static void pick_port(struct harness_port *port)
{
	bool is_ipv6 = strchr(port->traddr, ':');
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr *address = is_ipv6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t size = is_ipv6 ? sizeof(six) : sizeof(four);
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, address, size), 0);
	ck_assert_int_eq(getsockname(fd, address, &size), 0);
	snprintf(port->trsvcid,
	         sizeof(port->trsvcid),
	         "%u",
	         ntohs(is_ipv6 ? six.sin6_port : four.sin_port));
	close(fd);
}

static void create_file(const struct harness *harness, const struct harness_namespace *space)
{
	int fd = open(harness_path(harness, space->path), O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)space->create_bytes), 0);
	if (harness->run_as)
		ck_assert_int_eq(fchown(fd, harness->run_as, (gid_t)harness->run_as), 0);
	close(fd);
}

static unsigned wanted_threads(void)
{
	const char *text = getenv("NVMETD_TEST_THREADS");

	return text ? (unsigned)strtoul(text, NULL, 10) : 1;
}

struct harness *harness_new(const struct harness_exports *exports)
{
	struct harness *harness = calloc(1, sizeof(*harness));

	ck_assert_ptr_nonnull(harness);
	harness->threads = wanted_threads();
	harness->exports = *exports;
	snprintf(harness->directory, sizeof(harness->directory), "/tmp/nvmetd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(harness->directory));
	ck_assert_int_eq(mkdir(harness_path(harness, "run"), 0700), 0);
	ck_assert_int_eq(mkdir(harness_path(harness, "state"), 0700), 0);
	for (unsigned p = 0; p < HARNESS_PORTS; p++)
		if (exports->ports[p].traddr && !exports->ports[p].trsvcid[0])
			pick_port(&harness->exports.ports[p]);
	for (unsigned s = 0; s < HARNESS_SUBSYSTEMS; s++)
		for (unsigned i = 0; i < HARNESS_NAMESPACES; i++)
			if (exports->subsystems[s].namespaces[i].create_bytes)
				create_file(harness, &exports->subsystems[s].namespaces[i]);
	return harness;
}

/* ------------------------------------------------------------------ the set */

static void become_user(uid_t user)
{
	if (user && (setgroups(0, NULL) < 0 || setgid((gid_t)user) < 0 || setuid(user) < 0)) {
		perror("cannot become another user");
		_exit(126);
	}
}

static void limit_files(unsigned files)
{
	const struct rlimit limit = {files, files};

	if (files && setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		perror("cannot limit open files");
		_exit(126);
	}
}

/* Another user may not reach the build: a checkout below /root is root's. */
static void bring_programs(const struct harness *harness)
{
	static const char *const names[] = {"nvmetd", "nvmetd-state", "nvmetd-io", "nvmetd-tcp"};
	char command[1024];

	if (mkdir(harness_path(harness, "bin"), 0755) < 0)
		return; /* brought before */
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(command,
		         sizeof(command),
		         "cp '" NVMETD_BIN_DIR "/%s' '%s'",
		         names[i],
		         harness_path(harness, "bin"));
		ck_assert_int_eq(system(command), 0);
	}
}

static const char *bin_dir_of(const struct harness *harness)
{
	if (harness->bin_dir)
		return harness->bin_dir;
	return harness->run_as ? harness_path(harness, "bin") : NVMETD_BIN_DIR;
}

static void become_launcher(const struct harness *harness, bool has_config)
{
	char threads[16], workers[16], config[128], run[128], state[128], bin[512], program[520];
	const char *arguments[32] = {"nvmetd",
	                             "--run-dir",
	                             run,
	                             "--state-dir",
	                             state,
	                             "--bin-dir",
	                             bin,
	                             "--threads",
	                             threads,
	                             "--rdma",
	                             harness->rdma ? harness->rdma : "no",
	                             "--announce",
	                             harness->announce ? harness->announce : "no"};
	unsigned n = 13;
	int log = open(harness_path(harness, "log"), O_CREAT | O_APPEND | O_WRONLY, 0666);

	snprintf(threads, sizeof(threads), "%u", harness->threads);
	snprintf(bin, sizeof(bin), "%s", bin_dir_of(harness));
	snprintf(program, sizeof(program), "%s/nvmetd", bin);
	snprintf(run, sizeof(run), "%s/run", harness->directory);
	snprintf(state, sizeof(state), "%s/state", harness->directory);
	snprintf(config, sizeof(config), "%s/config.json", harness->directory);
	if (has_config) {
		arguments[n++] = "--config";
		arguments[n++] = config;
	}
	if (harness->workers) {
		snprintf(workers, sizeof(workers), "%u", harness->workers);
		arguments[n++] = "--io";
		arguments[n++] = workers;
	}
	if (harness->watchdog) {
		arguments[n++] = "--watchdog";
		arguments[n++] = harness->watchdog;
	}
	if (harness->device_timeout) {
		arguments[n++] = "--device-timeout";
		arguments[n++] = harness->device_timeout;
	}
	if (harness->trace) {
		arguments[n++] = "--trace";
		arguments[n++] = harness->trace;
	}
	if (harness->spin_us) {
		arguments[n++] = "--spin-us";
		arguments[n++] = harness->spin_us;
	}
	if (harness->cpus) {
		arguments[n++] = "--cpus";
		arguments[n++] = harness->cpus;
	}
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	limit_files(harness->files);
	become_user(harness->run_as);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execv(program, (char *const *)(uintptr_t)arguments);
	perror(program);
	_exit(127);
}

static void give_to_user(const struct harness *harness)
{
	const char *const names[] = {"", "run", "state", "config.json"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)!chown(
			harness_path(harness, names[i]), harness->run_as, (gid_t)harness->run_as);
}

void harness_launch(struct harness *harness, bool has_config)
{
	pid_t pid;

	if (has_config)
		harness_write(harness, "config.json", &harness->exports);
	if (harness->run_as) {
		bring_programs(harness);
		give_to_user(harness);
	}
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become_launcher(harness, has_config);
	harness->launcher = pid;
}

void harness_start(struct harness *harness, bool has_config)
{
	harness_launch(harness, has_config);
	harness_await_service(harness);
}

static bool has_children(pid_t parent)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	bool has = false;

	while (processes && !has && (entry = readdir(processes))) {
		char path[64], line[256] = "";
		int found = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%.16s/stat", entry->d_name);
		file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "re")
		                                                          : NULL;
		if (!file)
			continue;
		has = fgets(line, sizeof(line), file) &&
		      sscanf(line, "%*d (%*[^)]) %*c %d", &found) == 1 && found == parent;
		fclose(file);
	}
	if (processes)
		closedir(processes);
	return has;
}

void harness_end(struct harness *harness)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;
	bool had_children;
	int status;

	if (!harness->launcher)
		return;
	kill(harness->launcher, SIGTERM);
	while (waitpid(harness->launcher, &status, WNOHANG) == 0 && clock_now_ns() < deadline_ns)
		harness_pause(5);
	if (clock_now_ns() >= deadline_ns) {
		kill(harness->launcher, SIGKILL);
		waitpid(harness->launcher, &status, 0);
		harness->launcher = 0;
		ck_abort_msg("the launcher did not end in %u ms after SIGTERM", END_MS);
	}
	had_children = has_children(harness->launcher);
	harness->launcher = 0;
	ck_assert_msg(!had_children, "processes outlived their launcher");
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	              "the launcher ended with wait status %x",
	              status);
}

void harness_forget(struct harness *harness)
{
	ck_assert_int_eq(waitpid(harness->launcher, NULL, 0), harness->launcher);
	harness->launcher = 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

void harness_stop(struct harness *harness)
{
	struct harness copy;

	if (!harness)
		return;
	/* the end may fail the test: then the directory stays */
	harness_end(harness);
	copy = *harness;
	free(harness);
	harness_keep_log(&copy);
	nftw(copy.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ------------------------------------------------------------------ is it there? */

struct host_options harness_host(const struct harness *harness, unsigned port, unsigned subsystem)
{
	const struct harness_port *at = &harness->exports.ports[port];
	const struct harness_subsystem *what = &harness->exports.subsystems[subsystem];
	const char *traddr = at->traddr;

	if (!strcmp(traddr, "0.0.0.0"))
		traddr = "127.0.0.1";
	if (!strcmp(traddr, "::"))
		traddr = "::1";
	return (struct host_options){
		.address = {.traddr = traddr, .trsvcid = at->trsvcid},
		.subnqn = what->nqn,
		.hostnqn = what->hosts[0] ? what->hosts[0] : HARNESS_HOSTNQN,
		.hostid = "harness-host-id",
		.cntlid = what->is_static ? NVME_CNTLID_STATIC_ANY : 0,
	};
}

void harness_connect_as(const struct host_options *options, struct host_controller *ret_controller)
{
	host_must(ret_controller, host_controller_open(ret_controller, options));
}

void harness_connect(const struct harness *harness, struct host_controller *ret_controller)
{
	struct host_options options = harness_host(harness, 0, 0);

	harness_connect_as(&options, ret_controller);
}

static int try_namespaces(const struct harness_subsystem *subsystem,
                          struct host_controller *controller)
{
	struct host_namespace space;
	int r = 0;

	for (unsigned i = 0; !r && i < HARNESS_NAMESPACES; i++)
		if (subsystem->namespaces[i].nsid && !subsystem->namespaces[i].is_disabled &&
		    !subsystem->namespaces[i].is_missing && !subsystem->namespaces[i].is_masked &&
		    !subsystem->namespaces[i].hosts[0])
			r = host_namespace_identify(
				controller, subsystem->namespaces[i].nsid, &space);
	return r;
}

static int try_service(const struct harness *harness, unsigned port, unsigned subsystem,
                       char *ret_error, size_t error_size)
{
	struct host_options options = harness_host(harness, port, subsystem);
	struct host_controller controller;
	int r;

	options.timeout_ms = 2000;
	r = host_controller_open(&controller, &options);
	if (!r)
		r = try_namespaces(&harness->exports.subsystems[subsystem], &controller);
	snprintf(ret_error, error_size, "%s", host_controller_error(&controller));
	host_controller_close(&controller);
	return r;
}

static void await_one(struct harness *harness, unsigned port, unsigned subsystem,
                      uint64_t deadline_ns)
{
	char error[256];

	while (try_service(harness, port, subsystem, error, sizeof(error)) != 0) {
		if (waitpid(harness->launcher, NULL, WNOHANG) > 0) {
			harness->launcher = 0;
			harness_keep_log(harness);
			ck_abort_msg("the launcher ended at once; see the log");
		}
		if (clock_now_ns() >= deadline_ns) {
			harness_end(harness);
			harness_keep_log(harness);
			ck_abort_msg("no service in %u ms: %s", HARNESS_WAIT_MS, error);
		}
		harness_pause(10);
	}
}

void harness_await_service(struct harness *harness)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	for (unsigned p = 0; p < HARNESS_PORTS; p++)
		for (unsigned s = 0; s < HARNESS_SUBSYSTEMS; s++)
			if (harness->exports.ports[p].traddr && !harness->exports.ports[p].trtype &&
			    harness->exports.subsystems[s].nqn)
				await_one(harness, p, s, deadline_ns);
}
