/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/proc/service.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/options.h"
#include "common/proc/store.h"
#include "common/proc/supervisor.h"
#include "common/proc/watchdog.h"

#define NAME_MAX_LENGTH 31
#define THREADS_MAX     64
#define SPIN_US_MAX     10000
#define RETRY_MS_MAX    60000

/* How long a supervisor may take to hear what it must know, and what it may miss. */
#define READY_MS  5000u
#define STATUS_MS 100u

/* ------------------------------------------------------------------ command line */

struct command_line {
	struct service *service;
	bool wants_help;
	bool wants_version;
	bool is_named;
};

static bool take_run_dir(void *context, const char *value)
{
	struct command_line *line = context;

	line->service->run_dir = value;
	return *value != '\0';
}

static bool take_state_dir(void *context, const char *value)
{
	struct command_line *line = context;

	line->service->state_dir = value;
	return *value != '\0';
}

static bool take_name(void *context, const char *value)
{
	struct command_line *line = context;
	size_t length = strlen(value);

	line->service->name = value;
	line->is_named = true;
	return length > 0 && length <= NAME_MAX_LENGTH &&
	       strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool take_threads(void *context, const char *value)
{
	struct command_line *line = context;

	return option_number(value, 1, THREADS_MAX, &line->service->threads);
}

static bool take_cpus(void *context, const char *value)
{
	struct command_line *line = context;

	line->service->cpu_list = value;
	return cpus_parse(value, &line->service->cpus);
}

static bool take_spin_us(void *context, const char *value)
{
	struct command_line *line = context;

	return option_number(value, 0, SPIN_US_MAX, &line->service->spin_us);
}

static bool take_log_level(void *context, const char *value)
{
	struct command_line *line = context;

	line->service->log_level = value;
	return log_set_level(value);
}

static bool take_help(void *context, const char *value)
{
	(void)value;
	((struct command_line *)context)->wants_help = true;
	return true;
}

static bool take_version(void *context, const char *value)
{
	(void)value;
	((struct command_line *)context)->wants_version = true;
	return true;
}

static const struct service_option common_options[] = {
	{"run-dir",   "DIR",   "a directory for sockets (default /run/nvmetd)",        take_run_dir  },
	{"state-dir", "DIR",   "a directory for what is kept (/var/lib/nvmetd)",       take_state_dir},
	{"name",      "NAME",  "of this instance: a-z, 0-9, -; 31 characters at most", take_name     },
	{"threads",   "N",     "of I/O or connections, 1 to 64 (default 1)",           take_threads  },
	{"cpus",      "LIST",  "to run on, one for each thread in turn (all): 0,2-5",  take_cpus     },
	{"spin-us",   "N",     "longest look for work before sleep, 0 to 10000 (50)",  take_spin_us  },
	{"log-level", "LEVEL", "err, warn, info or debug (default info)",              take_log_level},
	{"help",      NULL,    "shows this",					   take_help     },
	{"version",   NULL,    "shows the version",                                    take_version  },
};

static void print_help(const struct service_role *role, const struct option_group *groups,
                       unsigned n_groups)
{
	printf("Usage: %s [OPTION]...\n%s\n\n", role->program, role->purpose);
	options_print(stdout, groups, n_groups);
}

/* "nvmetd-io[io-1]"; but "nvmetd-tcp" for the one that is called "tcp". */
static void log_as(const struct service *service)
{
	const char *program = service->role->program, *dash = strrchr(program, '-');
	char shown[32];

	if (strcmp(service->name, dash ? dash + 1 : program) == 0)
		return;
	snprintf(shown, sizeof(shown), "%s[%.18s]", program, service->name);
	log_open(shown);
	if (service->log_level)
		log_set_level(service->log_level);
}

static int read_command_line(struct service *service, void *options_context, int argc, char **argv)
{
	const struct service_role *role = service->role;
	struct command_line line = {.service = service};
	const struct option_group groups[] = {
		{role->options,  role->n_options,                                    options_context},
		{common_options, sizeof(common_options) / sizeof(common_options[0]), &line          },
	};
	int r;

	r = options_parse(groups, 2, argc, argv);
	if (r)
		return r;
	if (line.wants_help)
		print_help(role, groups, 2);
	else if (line.wants_version)
		printf("%s %s\n", role->program, NVMETD_VERSION);
	if (line.wants_help || line.wants_version)
		return SERVICE_E_DONE;
	if (line.is_named)
		log_as(service);
	return 0;
}

/* ------------------------------------------------------------------ process */

/* 0, 1 and 2 are open, whoever started us; so nothing of ours lands there. */
static int open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return error_origin(-errno);
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

/* How many descriptors, from 3 on, were handed to this process (sd_listen_fds(3)). */
static unsigned count_handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned n;

	if (!pid || !fds || strtol(pid, NULL, 10) != getpid())
		return 0;
	return option_number(fds, 0, 1u << 20, &n) ? n : 0;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warn("open files: limit not raised: %s", error_words(errno));
}

/* What the neediest of us opens until it is ready, and what each thread adds, with some to spare.
 */
#define START_DESCRIPTORS  32u
#define THREAD_DESCRIPTORS 8u

static int check_descriptors(const struct service *service)
{
	if (descriptors_are_free(START_DESCRIPTORS + service->threads * THREAD_DESCRIPTORS))
		return 0;
	log_err("open files: %u are allowed, which is too few to start: raise the hard limit "
	        "(LimitNOFILE=, ulimit -H -n)",
	        descriptors_allowed());
	return error_origin(-EMFILE);
}

static int set_up_process(void)
{
	int r = open_standard_descriptors();

	if (r)
		return error_trace(r);
	close_range(STDERR_FILENO + 1 + count_handed_over(), ~0U, 0);
	raise_descriptor_limit();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_origin(-errno);
	signal(SIGPIPE, SIG_IGN);
	/* Until watch_signals() hears it: a process that is only just starting has nothing to leave
	 * to a successor. */
	signal(SIGHUP, SIG_IGN);
	return 0;
}

/* need: what access(2) must allow */
static int make_directory(const char *path, mode_t mode, int need, const char *what,
                          const char *option)
{
	_cleanup_(cleanup_free) char *part = strdup(path);
	struct stat status;
	int r = 0;

	if (!part)
		return error_origin(-ENOMEM);
	for (char *slash = part; !r && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			r = -errno;
		*slash = '/';
	}
	if (!r && mkdir(path, mode) < 0 && errno != EEXIST)
		r = -errno;
	if (!r && (stat(path, &status) < 0 || access(path, need) < 0))
		r = -errno;
	if (!r && !S_ISDIR(status.st_mode))
		r = -ENOTDIR;
	if (r)
		log_err("%s directory \"%s\": cannot be used: %s; give another with %s",
		        what,
		        path,
		        error_words(r),
		        option);
	return r;
}

/* Before there are other threads. */
static int choose_cpus(const struct service *service)
{
	int r = cpus_confine(&service->cpus);

	if (r)
		log_err("--cpus: \"%s\": none of them can be used: %s; nproc(1) and taskset(1) say "
		        "which can",
		        service->cpu_list,
		        error_words(r));
	return r;
}

/* Those that somebody else has made, for processes of several users, are left as they are. */
static int make_run_folders(const struct service *service)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int r = 0;

	for (const char *const *folder = service->role->run_folders; !r && *folder; folder++) {
		r = service_run_path(service, path, *folder);
		if (!r)
			r = make_directory(path, 0700, W_OK | X_OK, "run", "--run-dir");
	}
	return r;
}

static int make_directories(const struct service *service)
{
	bool has_folders = service->role->run_folders;
	int r = make_directory(
		service->run_dir, 0750, has_folders ? X_OK : W_OK | X_OK, "run", "--run-dir");

	if (!r && has_folders)
		r = make_run_folders(service);
	if (!r && service->role->has_state)
		r = make_directory(service->state_dir, 0750, W_OK | X_OK, "state", "--state-dir");
	return r;
}

/* ------------------------------------------------------------------ life */

bool service_has_keeper(const struct service *service)
{
	const char *keeper = getenv("NOTIFY_SOCKET");

	(void)service;
	return keeper && *keeper;
}

bool service_leave(struct service *service, const char *who)
{
	if (service->is_leaving)
		return true;
	if (!service_has_keeper(service)) {
		log_warn("%s: not leaving: there is no supervisor that would start a successor",
		         who);
		return false;
	}
	log_info("%s: leaving to a successor", who);
	service->is_leaving = true;
	store_leave();
	loop_stop(service->loop);
	return true;
}

static void stop(struct service *service, const char *who)
{
	log_info("%s: stopping", who);
	service->is_leaving = false;
	supervisor_tell("STOPPING=1", -1, STATUS_MS);
	loop_stop(service->loop);
}

static void take_signal(struct loop_source *source, uint32_t events)
{
	struct service *service = container_of(source, struct service, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP)
		stop(service, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	else if (service->hung_up)
		service->hung_up(service->hung_up_context);
	else
		service_leave(service, "SIGHUP");
}

static int watch_signals(struct service *service)
{
	_cleanup_(cleanup_close) int fd = -1;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_origin(-errno);
	service->signals = LOOP_SOURCE(take_signal);
	r = loop_add(service->loop, &service->signals, fd, EPOLLIN);
	if (r)
		return error_trace(r);
	take_fd(&fd);
	return 0;
}

static int choose_instance(struct service *service)
{
	do {
		if (getrandom(&service->instance, sizeof(service->instance), 0) !=
		    sizeof(service->instance))
			return error_origin(-errno);
	} while (service->instance == 0);
	return 0;
}

static int begin_life(struct service *service)
{
	struct loop_options options = {.spin_max_us = service->spin_us};
	int r;

	r = choose_instance(service);
	if (!r)
		r = supervisor_open();
	if (!r)
		r = loop_new(&service->loop, &options);
	if (!r)
		r = watch_signals(service);
	if (!r)
		r = watchdog_start(service);
	if (r)
		log_err("start: failed: %s", error_words(r));
	return r;
}

int service_init(struct service *service, const struct service_role *role, void *options_context,
                 int argc, char **argv)
{
	int r;

	*service = SERVICE_NULL;
	service->role = role;
	list_init(&service->pulses);
	service->name = role->default_name;
	service->run_dir = "/run/nvmetd";
	service->state_dir = "/var/lib/nvmetd";
	service->threads = 1;
	service->spin_us = 50;
	log_open(role->program);
	r = read_command_line(service, options_context, argc, argv);
	if (r)
		return r;
	r = set_up_process();
	if (r) {
		log_err("start: failed: %s", error_words(r));
		return r;
	}
	r = check_descriptors(service);
	if (!r)
		r = choose_cpus(service);
	if (!r)
		r = make_directories(service);
	if (!r)
		r = begin_life(service);
	return r;
}

void service_deinit(struct service *service)
{
	int fd = service->signals.fd;

	loop_timer_clear(&service->watchdog);
	loop_remove(&service->signals);
	cleanup_close(&fd);
	service->loop = loop_free(service->loop);
	supervisor_close();
	*service = SERVICE_NULL;
}

static bool was_ready;

void service_ready(struct service *service)
{
	(void)service;
	was_ready = true;
	supervisor_tell("READY=1", -1, READY_MS);
}

void service_says(struct service *service, const char *format, ...)
{
	char line[256] = "STATUS=";
	const size_t key = strlen(line);
	va_list arguments;

	(void)service;
	va_start(arguments, format);
	vsnprintf(line + key, sizeof(line) - key, format, arguments);
	va_end(arguments);
	line[strcspn(line, "\n")] = '\0';
	supervisor_tell(line, -1, STATUS_MS);
}

int service_run_path(const struct service *service, char *ret_path, const char *name)
{
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int length = snprintf(path, sizeof(path), "%s/%s", service->run_dir, name);

	if (length < 0 || (size_t)length >= room) {
		log_err("\"%s/%s\": too long for a socket, which may have %zu characters; "
		        "give a shorter --run-dir",
		        service->run_dir,
		        name,
		        room - 1);
		return -ENAMETOOLONG;
	}
	memcpy(ret_path, path, (size_t)length + 1);
	return 0;
}

/* Until it is told to stop, at the longest. */
static void put_the_next_start_off(void)
{
	const char *text = getenv("NVMETD_RETRY_MS");
	struct timespec pause;
	sigset_t set;
	unsigned ms;

	if (!text || !option_number(text, 0, RETRY_MS_MAX, &ms))
		return;
	pause = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigtimedwait(&set, NULL, &pause);
}

int service_exit_code(int r)
{
	if (!was_ready && (r < 0 || r == SERVICE_E_USAGE))
		put_the_next_start_off();
	if (r == SERVICE_E_USAGE)
		return 2;
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
