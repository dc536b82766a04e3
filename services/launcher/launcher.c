/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/launcher/machine.h"

/* Until a process is ready, times its patience (plan.h): hosts may be waiting for it. */
#define START_MS 10000u

struct launcher {
	struct service *service;
	struct child_limits limits;
	struct plan plan;
	struct notify notify;
	struct loop_hook hook;
	int lock_fd;
	unsigned n_children;
	unsigned n_started; /* the last of these may not be ready yet */
	bool is_announced;
	bool is_stopping;
	unsigned n_renewed; /* of the children, in a planned restart of all; n_children: none */
	unsigned old_starts[PLAN_COMMANDS_MAX]; /* of each child, when that began */
	struct child children[PLAN_COMMANDS_MAX];
};

/* ------------------------------------------------------------------ one for a run directory */

static int say_who_has_it(const struct service *service, int fd)
{
	char pid[16] = "";
	ssize_t length = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[length > 0 ? length : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	log_err("run directory \"%s\": another nvmetd, process %s, uses it; "
	        "stop that one, or give another directory with --run-dir",
	        service->run_dir,
	        *pid ? pid : "unknown");
	return -EBUSY;
}

/* The descriptor of the locked file, or a negative errno. */
static int lock_run_dir(const struct service *service)
{
	_cleanup_(cleanup_close) int fd = -1;
	char path[108];
	int r;

	r = service_run_path(service, path, "nvmetd.pid");
	if (r)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		r = -errno;
		log_err("\"%s\": cannot be opened: %s", path, error_words(r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return say_who_has_it(service, fd);
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0) {
		r = -errno;
		log_err("\"%s\": cannot be written: %s", path, error_words(r));
		return r;
	}
	return take_fd(&fd);
}

/* ------------------------------------------------------------------ the set */

static void on_notification(struct notify *notify, struct notification *notification)
{
	struct launcher *launcher = container_of(notify, struct launcher, notify);

	for (unsigned i = 0; i < launcher->n_children; i++) {
		if (launcher->children[i].pid != notification->pid)
			continue;
		child_hear(&launcher->children[i], notification);
		return;
	}
	log_debug("process %d: not ours, but notifies us", notification->pid);
}

/* What nobody has asked for keeps the others from nothing. */
static bool has_refused(const struct launcher *launcher)
{
	for (unsigned i = 0; i < launcher->n_children; i++)
		if (launcher->children[i].is_refused && !launcher->children[i].command->is_optional)
			return true;
	return false;
}

static unsigned count_ready(const struct launcher *launcher)
{
	unsigned count = 0;

	for (unsigned i = 0; i < launcher->n_children; i++)
		count += launcher->children[i].was_ready;
	return count;
}

static void announce(struct launcher *launcher)
{
	launcher->is_announced = true;
	if (count_ready(launcher) == launcher->n_children)
		log_info("all %u processes are ready", launcher->n_children);
	else
		log_warn("%u of %u processes are ready: the others are tried on, see above",
		         count_ready(launcher),
		         launcher->n_children);
	service_says(launcher->service, "%u processes", launcher->n_children);
	service_ready(launcher->service);
	printf("nvmetd: ready\n");
	fflush(stdout);
}

/* It is ready for the first time; or has failed once, where nobody has asked for it. */
static bool has_come(const struct child *child)
{
	return child->was_ready ||
	       (child->command->is_optional &&
	        (child->is_refused || child->n_starts > 1 || child->state == CHILD_WAITING));
}

/* The next one, when the one before has come. */
static void start_next(struct launcher *launcher)
{
	unsigned n = launcher->n_started;

	if (n > 0 && !has_come(&launcher->children[n - 1]))
		return;
	if (n < launcher->n_children) {
		launcher->n_started++;
		child_start(&launcher->children[n]);
	} else if (!launcher->is_announced) {
		announce(launcher);
	}
}

/* SIGHUP: a planned restart of all, from the first to the last. We stay ourselves: our end would
 * be that of all of them. */
static void renew_all(void *context)
{
	struct launcher *launcher = context;

	if (!launcher->is_announced) {
		log_info("SIGHUP: not all processes are ready yet: nothing to restart");
		return;
	}
	log_info("SIGHUP: all %u processes are restarted, one after the other",
	         launcher->n_children);
	for (unsigned i = 0; i < launcher->n_children; i++)
		launcher->old_starts[i] = launcher->children[i].n_starts;
	launcher->n_renewed = 0;
}

/* The next one leaves when the successor of the one before is ready. One that has died meanwhile
 * has a successor already. */
static void renew_next(struct launcher *launcher)
{
	while (launcher->n_renewed < launcher->n_children) {
		struct child *child = &launcher->children[launcher->n_renewed];

		if (child->state != CHILD_READY)
			return;
		if (child->n_starts == launcher->old_starts[launcher->n_renewed]) {
			child_renew(child);
			return;
		}
		launcher->n_renewed++;
		if (launcher->n_renewed == launcher->n_children)
			log_info("all %u processes have been restarted", launcher->n_children);
	}
}

/* The last of those that have not ended; true if there is none. */
static bool stop_next(struct launcher *launcher)
{
	for (unsigned i = launcher->n_children; i > 0; i--) {
		struct child *child = &launcher->children[i - 1];

		if (child->is_wanted)
			child_stop(child);
		if (child->state != CHILD_ENDED)
			return false;
	}
	return true;
}

/* Once a round, whatever has happened in it. */
static void go_on(struct loop_hook *hook)
{
	struct launcher *launcher = container_of(hook, struct launcher, hook);

	if (!launcher->is_stopping && has_refused(launcher)) {
		log_err("a process refuses to start so, see above: all are stopped");
		launcher->is_stopping = true;
	}
	if (!launcher->is_stopping && launcher->is_announced)
		renew_next(launcher);
	else if (!launcher->is_stopping)
		start_next(launcher);
	else if (stop_next(launcher))
		loop_stop(launcher->service->loop);
}

/* ------------------------------------------------------------------ life */

static int find_bin_dir(const struct launcher_options *options, char *ret_path, size_t size)
{
	char own[PATH_MAX];
	ssize_t length;

	if (options->bin_dir) {
		snprintf(ret_path, size, "%s", options->bin_dir);
		return 0;
	}
	length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (length < 0)
		return error_origin(-errno);
	own[length] = '\0';
	snprintf(ret_path, size, "%s", dirname(own));
	return 0;
}

static int make_children(struct launcher *launcher)
{
	for (unsigned i = 0; i < launcher->plan.n; i++) {
		int r = child_init(&launcher->children[i],
		                   launcher->service->loop,
		                   &launcher->notify,
		                   &launcher->plan.commands[i],
		                   &launcher->limits);

		if (r)
			return error_trace(r);
		launcher->n_children++;
	}
	launcher->n_renewed = launcher->n_children;
	return 0;
}

static int set_up(struct launcher *launcher, const struct launcher_options *given)
{
	struct launcher_options options = *given;
	char bin_dir[PATH_MAX], path[108];
	int r;

	launcher->lock_fd = lock_run_dir(launcher->service);
	if (launcher->lock_fd < 0)
		return launcher->lock_fd;
	r = find_bin_dir(&options, bin_dir, sizeof(bin_dir));
	if (!r) {
		options.can_rdma = machine_has_rdma("") &&
		                   machine_has_program(bin_dir, "nvmetd-rdma");
		if (options.rdma == PLAN_AUTO && !options.can_rdma)
			log_info("nvmetd-rdma is not run: this machine has no RDMA, or no such "
			         "program; "
			         "--rdma yes runs it all the same");
		options.can_announce = machine_has_program(bin_dir, "nvmetd-announce");
		r = plan_make(&launcher->plan, &options, launcher->service, bin_dir);
	}
	if (!r)
		r = service_run_path(launcher->service, path, "notify.sock");
	if (!r)
		r = notify_init(&launcher->notify, launcher->service->loop, path, on_notification);
	if (!r)
		r = make_children(launcher);
	if (r)
		log_err("start: failed: %s", error_words(r));
	return r;
}

int launcher_new(struct launcher **ret_launcher, struct service *service,
                 const struct launcher_options *options)
{
	_cleanup_(launcher_freep) struct launcher *launcher = calloc(1, sizeof(*launcher));
	int r;

	if (!launcher) {
		log_err("start: failed: %s", error_words(ENOMEM));
		return error_origin(-ENOMEM);
	}
	launcher->service = service;
	launcher->limits = (struct child_limits){
		.start_ms = START_MS,
		.watchdog_ms = options->watchdog_s * 1000,
		.stop_ms = 5000,
		.backoff_first_ms = 100,
		.backoff_most_ms = 5000,
		.good_life_ms = 1000,
		.short_life_ms = 1000,
	};
	launcher->notify = NOTIFY_NULL;
	launcher->lock_fd = -1;
	r = set_up(launcher, options);
	if (r)
		return error_trace(r);
	launcher->hook.round_ends = go_on;
	loop_hook_add(service->loop, &launcher->hook);
	service->hung_up = renew_all;
	service->hung_up_context = launcher;
	*ret_launcher = take(&launcher);
	return 0;
}

struct launcher *launcher_free(struct launcher *launcher)
{
	if (!launcher)
		return NULL;
	loop_hook_remove(&launcher->hook);
	launcher->service->hung_up = NULL;
	for (unsigned i = 0; i < launcher->n_children; i++)
		child_deinit(&launcher->children[i]);
	notify_deinit(&launcher->notify);
	cleanup_close(&launcher->lock_fd);
	free(launcher);
	return NULL;
}

static bool all_ended(const struct launcher *launcher)
{
	for (unsigned i = 0; i < launcher->n_children; i++)
		if (launcher->children[i].state != CHILD_ENDED)
			return false;
	return true;
}

int launcher_run(struct launcher *launcher)
{
	struct loop *loop = launcher->service->loop;
	int r = loop_round(loop, 0); /* starts the first */

	if (!r)
		r = loop_run(loop);
	launcher->is_stopping = true;
	if (!r && !stop_next(launcher))
		r = loop_run(loop);
	if (!r && !all_ended(launcher)) {
		log_warn("told to stop again: what is left is killed");
		for (unsigned i = 0; i < launcher->n_children; i++)
			child_kill(&launcher->children[i]);
		r = loop_run(loop);
	}
	return has_refused(launcher) ? 2 : service_exit_code(r);
}
