/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A service that says what it is like, in lines of "key value" on its standard output, and then
 * is ready and waits to be told to stop; at its end it says whether it leaves to a successor.
 * `--linger MS` stops its loop for so long at first, `--stall MS` that of another thread, which
 * is watched.
 */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/proc/options.h"
#include "common/proc/service.h"

struct wishes {
	unsigned linger_ms;
	unsigned stall_ms;
};

static bool take_linger(void *context, const char *value)
{
	return option_number(value, 0, 10000, &((struct wishes *)context)->linger_ms);
}

static bool take_stall(void *context, const char *value)
{
	return option_number(value, 0, 10000, &((struct wishes *)context)->stall_ms);
}

static const struct service_option options[] = {
	{"linger", "MS", "0 to 10000", take_linger},
	{"stall",  "MS", "0 to 10000", take_stall },
};

static const char *const run_folders[] = {"s", NULL};

static const struct service_role role = {
	.program = "probe",
	.default_name = "probe",
	.purpose = "Shows what service_init() makes of a process.",
	.options = options,
	.n_options = 2,
	.has_state = true,
	.run_folders = run_folders,
};

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n - 3; /* ".", ".." and the directory itself */
}

static bool is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void show(const struct service *service)
{
	struct rlimit limit;
	char path[108];

	getrlimit(RLIMIT_NOFILE, &limit);
	printf("name %s\n", service->name);
	printf("threads %u\n", service->threads);
	printf("spin_us %u\n", service->spin_us);
	printf("instance %" PRIx64 "\n", service->instance);
	printf("descriptors %u\n", count_descriptors());
	printf("limit_raised %d\n", limit.rlim_cur == limit.rlim_max);
	printf("no_new_privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("ignores_pipe %d\n", is_ignored(SIGPIPE));
	printf("run_path %d\n", service_run_path(service, path, "x.sock"));
}

/* ------------------------------------------------------------------ a thread that hangs */

static struct pulse pulse;
static unsigned stall_ms;

static void *stall(void *context)
{
	const struct loop_options none = {0};
	struct loop *loop;

	(void)context;
	usleep(stall_ms * 1000);
	if (loop_new(&loop, &none) == 0 && pulse_beat(&pulse, loop) == 0)
		loop_run(loop);
	return NULL;
}

static void start_stalling(struct service *service)
{
	pthread_t thread;

	if (stall_ms == 0 || pulse_init(&pulse, "io 0") ||
	    pthread_create(&thread, NULL, stall, NULL))
		return;
	pthread_detach(thread);
	service_watch(service, &pulse);
}

int main(int argc, char **argv)
{
	_cleanup_(service_deinit) struct service service = SERVICE_NULL;
	struct wishes wishes = {0};
	int r;

	r = service_init(&service, &role, &wishes, argc, argv);
	if (r)
		return service_exit_code(r);
	show(&service);
	fflush(stdout);
	usleep(wishes.linger_ms * 1000);
	service_says(&service, "on line %d\nand no further", 1);
	stall_ms = wishes.stall_ms;
	start_stalling(&service);
	service_ready(&service);
	r = loop_run(service.loop);
	printf("is_leaving %d\n", service.is_leaving);
	return service_exit_code(r);
}
