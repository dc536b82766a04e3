/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "tests/chaos/service.h"

#define END_MS 20000u
#define WAIT_S 1u /* the conductor has other things to do */

static int failed(const char *what, int r)
{
	fprintf(stderr, "nvmetd-chaos: %s: %s\n", what, strerror(-r));
	return r;
}

static void pause_ms(unsigned ms)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000L};

	nanosleep(&pause, NULL);
}

const char *set_path(const struct set *set, const char *name)
{
	static char paths[2][192];
	static unsigned turn;

	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", set->directory, name);
	return paths[turn];
}

void set_find_programs(struct set *set, const char *bin_dir)
{
	static const char *const places[] = {"", "/../sbin"};
	char self[200], program[300];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	snprintf(set->bin_dir, sizeof(set->bin_dir), "%s", bin_dir ? bin_dir : "/usr/sbin");
	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (bin_dir || !slash)
		return;
	*slash = 0;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(program, sizeof(program), "%s%s/nvmetctl", self, places[i]);
		if (access(program, X_OK) == 0) {
			snprintf(set->bin_dir, sizeof(set->bin_dir), "%s%s", self, places[i]);
			return;
		}
	}
}

/* ------------------------------------------------------------------ the network */

static int bring_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	_cleanup_(cleanup_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

void set_enter_network(struct set *set)
{
	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		set->has_own_network = bring_loopback_up() == 0;
}

static int pick_port(struct set *set)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	_cleanup_(cleanup_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	snprintf(set->traddr, sizeof(set->traddr), "127.0.0.1");
	snprintf(set->trsvcid, sizeof(set->trsvcid), "%u", ntohs(address.sin_port));
	return 0;
}

/* ------------------------------------------------------------------ its directory */

static int make_file(const char *path, uint64_t bytes)
{
	_cleanup_(cleanup_close) int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ? -errno : 0;
}

static void write_namespace(FILE *file, const struct set *set, const struct load_kind *kind,
                            unsigned nsid)
{
	bool is_file = !strchr(kind->backing, ':');

	fprintf(file,
	        "%s\n        {\"nsid\": %u, \"enable\": 1, \"device\": {\"path\": \"%s%s\"",
	        nsid > 1 ? "," : "",
	        nsid,
	        kind->is_faulty ? "fault:" : "",
	        is_file ? set_path(set, kind->backing) : kind->backing);
	if (kind->block_bytes)
		fprintf(file, ", \"block_size\": \"%u\"", kind->block_bytes);
	if (kind->has_io_grant)
		fprintf(file, ", \"io_grant\": 1");
	fprintf(file, "}%s}", kind->is_buffered ? ", \"buffered_io\": \"1\"" : "");
}

static int write_config(const struct set *set, const struct load_kind *const *loads,
                        unsigned n_loads)
{
	FILE *file = fopen(set_path(set, "config.json"), "we");

	if (!file)
		return -errno;
	fprintf(file,
	        "{\n  \"hosts\": [],\n  \"ports\": [\n    {\"portid\": 1, \"addr\": {\"trtype\": "
	        "\"tcp\", "
	        "\"adrfam\": \"ipv4\", \"traddr\": \"%s\", \"trsvcid\": \"%s\"},\n"
	        "      \"subsystems\": [\"%s\"]}],\n  \"subsystems\": [\n    {\"nqn\": \"%s\",\n"
	        "      \"attr\": {\"allow_any_host\": \"1\", \"serial\": \"CHAOS\"},\n"
	        "      \"allowed_hosts\": [],\n      \"namespaces\": [",
	        set->traddr,
	        set->trsvcid,
	        set->nqn,
	        set->nqn);
	for (unsigned i = 0; i < n_loads; i++)
		write_namespace(file, set, loads[i], i + 1);
	fprintf(file, "]}]\n}\n");
	return fclose(file) ? -errno : 0;
}

int set_make(struct set *set, const struct load_kind *const *loads, unsigned n_loads,
             uint64_t bytes)
{
	const char *place = getenv("TMPDIR");
	int r = 0;

	set->is_own = set->has_processes = true;
	snprintf(set->nqn, sizeof(set->nqn), SET_NQN);
	snprintf(set->directory,
	         sizeof(set->directory),
	         "%s/nvmetd-chaos-XXXXXX",
	         place && strlen(place) < 64 ? place : "/tmp"); /* a socket's path is short */
	if (!mkdtemp(set->directory)) {
		r = -errno;
		set->directory[0] = 0;
		return failed("cannot make a directory", r);
	}
	snprintf(set->run_dir, sizeof(set->run_dir), "%s/run", set->directory);
	if (mkdir(set->run_dir, 0700) < 0 || mkdir(set_path(set, "state"), 0700) < 0)
		r = -errno;
	for (unsigned i = 0; !r && i < n_loads; i++)
		if (!strchr(loads[i]->backing, ':'))
			r = make_file(set_path(set, loads[i]->backing), bytes);
	if (!r)
		r = pick_port(set);
	if (!r)
		r = write_config(set, loads, n_loads);
	return r ? failed(set->directory, r) : 0;
}

/* ------------------------------------------------------------------ its life */

static void become_launcher(const struct set *set)
{
	char program[300], config[192], state[192], watchdog[16];
	int log = open(set_path(set, "log"), O_CREAT | O_APPEND | O_WRONLY, 0600);

	snprintf(program, sizeof(program), "%s/nvmetd", set->bin_dir);
	snprintf(config, sizeof(config), "%s/config.json", set->directory);
	snprintf(state, sizeof(state), "%s/state", set->directory);
	snprintf(watchdog, sizeof(watchdog), "%u", set->watchdog_s);
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	/* of our own sessions and signals it has nothing */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(program,
	      "nvmetd",
	      "--run-dir",
	      set->run_dir,
	      "--state-dir",
	      state,
	      "--config",
	      config,
	      "--watchdog",
	      watchdog,
	      "--threads",
	      "2",
	      NULL);
	perror(program);
	_exit(127);
}

int set_start(struct set *set)
{
	pid_t pid = fork();

	if (pid < 0)
		return failed("cannot start nvmetd", -errno);
	if (pid == 0)
		become_launcher(set);
	set->launcher = pid;
	set->starts++;
	return 0;
}

pid_t set_ask(const struct set *set, unsigned timeout_s, const char *const *arguments)
{
	char timeout[16];
	const char *all[SET_ARGUMENTS + 6] = {
		"nvmetctl", "--run-dir", set->run_dir, "--timeout", timeout};
	char program[300];
	pid_t pid;
	int null;

	for (unsigned i = 0; i < SET_ARGUMENTS && arguments[i]; i++)
		all[5 + i] = arguments[i];
	snprintf(timeout, sizeof(timeout), "%u", timeout_s);
	snprintf(program, sizeof(program), "%s/nvmetctl", set->bin_dir);
	pid = fork();
	if (pid != 0)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execv(program, (char *const *)(uintptr_t)all);
	_exit(127);
}

int set_ask_and_wait(const struct set *set, const char *const *arguments)
{
	pid_t pid = set_ask(set, WAIT_S, arguments);
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static unsigned count_processes(const struct set *set)
{
	pid_t pids[32];
	unsigned n = 0;

	for (unsigned i = 0; i < SERVICES; i++)
		n += service_pids(i, set->run_dir, pids, 32);
	return n;
}

static int await_none(const struct set *set, uint64_t deadline_ns)
{
	while (count_processes(set)) {
		if (clock_now_ns() > deadline_ns)
			return -ETIMEDOUT;
		pause_ms(5);
	}
	return 0;
}

int set_reap(struct set *set)
{
	if (set->launcher)
		waitpid(set->launcher, NULL, 0);
	set->launcher = 0;
	return await_none(set, clock_now_ns() + END_MS * NS_PER_MS);
}

static void kill_all(const struct set *set)
{
	pid_t pids[32];

	for (unsigned i = 0; i < SERVICES; i++)
		for (unsigned n = service_pids(i, set->run_dir, pids, 32); n > 0; n--)
			kill(pids[n - 1], SIGKILL);
}

int set_end(struct set *set)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;
	int status = 0;
	int r;

	if (!set->launcher)
		return 0;
	kill(set->launcher, SIGTERM);
	while (waitpid(set->launcher, &status, WNOHANG) == 0 && clock_now_ns() < deadline_ns)
		pause_ms(5);
	if (clock_now_ns() >= deadline_ns) {
		kill(set->launcher, SIGKILL);
		waitpid(set->launcher, &status, 0);
	}
	set->launcher = 0;
	r = await_none(set, deadline_ns);
	if (r)
		kill_all(set);
	if (!r && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		r = -ECHILD;
	return r;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

void set_deinit(struct set *set)
{
	(void)set_end(set);
	if (set->directory[0] && !set->is_kept)
		nftw(set->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
