/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/launcher/spawn.h"

enum event {
	START,
	SAID_READY,
	SAID_ALIVE,
	EXITED,
	LEFT, /* exited with 0, after it was ready */
	DEADLINE,
	RENEW,
	STOP,
	KILL,
};

/*        state     ends when                                             step       */
#define CHILD_STATES(X)                                                                            \
	X(IDLE, "it is to be started, or is not wanted", idle)                                     \
	X(STARTING, "it is ready, ends, hangs, or is not wanted", alive)                           \
	X(READY, "it ends, hangs, or is not wanted", alive)                                        \
	X(LEAVING, "it ends, or the time for that is over", leaving)                               \
	X(WAITING, "the back-off is over, or it is not wanted", waiting)                           \
	X(STOPPING, "it ends, or the time for that is over", stopping)                             \
	X(KILLED, "it ends: the kernel owes us that", killed)                                      \
	X(ENDED, "never", ended)

static const char *const state_names[] = {
#define NAME(state, ends_when, step) [CHILD_##state] = #state,
	CHILD_STATES(NAME)
#undef NAME
};

static const char *name_of(const struct child *child)
{
	return child->command->name;
}

/* ------------------------------------------------------------------ the process */

static void send_signal(struct child *child, int signal)
{
	if (child->exit.loop && pidfd_send_signal(child->exit.fd, signal, NULL, 0) < 0)
		log_debug("%s: signal %d not sent: %s", name_of(child), signal, error_words(errno));
}

static void on_exit_of_process(struct loop_source *source, uint32_t events);

static int watch_process(struct child *child)
{
	_cleanup_(cleanup_close) int fd = pidfd_open(child->pid, 0);
	int r;

	if (fd < 0)
		return error_origin(-errno);
	r = loop_add(child->loop, &child->exit, fd, EPOLLIN);
	if (r)
		return error_trace(r);
	take_fd(&fd);
	return 0;
}

static void forget_process(struct child *child)
{
	int fd = child->exit.fd;

	if (child->exit.loop) {
		loop_remove(&child->exit);
		close(fd);
	}
	child->pid = 0;
}

static unsigned watchdog_ms(const struct child *child)
{
	return child->limits->watchdog_ms * child->command->patience;
}

static int start_process(struct child *child)
{
	const struct spawn how = {
		.argv = child->command->argv,
		.notify_path = child->notify->address.sun_path,
		.watchdog_s = (watchdog_ms(child) + 999) / 1000,
		.keeper = &child->keeper,
	};
	pid_t pid = spawn(&how);
	int r;

	if (pid < 0)
		return error_trace(pid);
	child->pid = pid;
	r = watch_process(child);
	if (r) { /* what cannot be watched must not be */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		child->pid = 0;
		return error_trace(r);
	}
	return 0;
}

/* ------------------------------------------------------------------ steps */

/* Who was killed at work, even again and again, is needed at once; who fails at its work as soon
 * as it has begun would only do so again. */
static bool has_lived_well(const struct child *child)
{
	return child->ready_ns > 0 &&
	       clock_now_ns() >= child->ready_ns + child->limits->good_life_ms * NS_PER_MS;
}

/* The time until the next start, which grows from one failure to the next. */
static enum child_state back_off(struct child *child)
{
	const struct child_limits *limits = child->limits;
	unsigned next_ms;

	if (!child->is_wanted)
		return CHILD_ENDED;
	if (has_lived_well(child))
		child->backoff_ms = 0;
	if (child->backoff_ms > 0)
		log_info("%s: started again in %u ms", name_of(child), child->backoff_ms);
	next_ms = child->backoff_ms ? 2 * child->backoff_ms : limits->backoff_first_ms;
	loop_timer_set(
		child->loop, &child->deadline, clock_now_ns() + child->backoff_ms * NS_PER_MS);
	child->backoff_ms = next_ms < limits->backoff_most_ms ? next_ms : limits->backoff_most_ms;
	return CHILD_WAITING;
}

static enum child_state kill_process(struct child *child)
{
	send_signal(child, SIGKILL);
	loop_timer_clear(&child->deadline);
	return CHILD_KILLED;
}

/* 0: whenever it likes. */
static void expect_sign_of_life(struct child *child, unsigned limit_ms)
{
	child->patience_ms = limit_ms;
	if (limit_ms == 0) {
		loop_timer_clear(&child->deadline);
		return;
	}
	child->due_ns = clock_now_ns() + limit_ms * NS_PER_MS;
	loop_timer_set(child->loop, &child->deadline, child->due_ns);
}

/* A launcher that has stood still itself (stopped, frozen with its container) comes late to the
 * deadline, and then knows nothing of its child: it may have stood still as well. */
static bool have_we_stood_still(const struct child *child)
{
	return clock_now_ns() > child->due_ns + child->patience_ms * NS_PER_MS / 2;
}

static enum child_state hang(struct child *child)
{
	if (have_we_stood_still(child)) {
		log_warn("%s: process %d: nothing was heard from it, but we stood still: it gets "
		         "its time again",
		         name_of(child),
		         child->pid);
		expect_sign_of_life(child, child->patience_ms);
		return child->state;
	}
	log_err("%s: process %d hangs: killed%s%s",
	        name_of(child),
	        child->pid,
	        child->status[0] ? ": it said last: " : "",
	        child->status);
	return kill_process(child);
}

static enum child_state begin(struct child *child)
{
	int r;

	child->started_ns = clock_now_ns();
	child->ready_ns = 0;
	child->n_starts++;
	child->status[0] = '\0';
	r = start_process(child);
	if (r) {
		log_err("%s: cannot be started: %s", name_of(child), error_words(r));
		return back_off(child);
	}
	log_info(
		"%s: started: %s, process %d", name_of(child), child->command->program, child->pid);
	expect_sign_of_life(child, child->limits->start_ms * child->command->patience);
	return CHILD_STARTING;
}

/* Its predecessor has left to it: it is not the one that is to blame for anything. */
static enum child_state succeed(struct child *child)
{
	uint64_t lived_ms = (clock_now_ns() - child->started_ns) / NS_PER_MS;

	if (!child->is_wanted)
		return CHILD_ENDED;
	if (lived_ms >= child->limits->short_life_ms)
		return begin(child);
	/* Not in a tight loop; but hosts may be waiting, so not longer each time. */
	loop_timer_set(child->loop,
	               &child->deadline,
	               clock_now_ns() + child->limits->backoff_first_ms * NS_PER_MS);
	return CHILD_WAITING;
}

static enum child_state stop_process(struct child *child, int signal, enum child_state state)
{
	send_signal(child, signal);
	expect_sign_of_life(child, child->limits->stop_ms);
	return state;
}

static enum child_state step_idle(struct child *child, enum event event)
{
	if (event == START)
		return begin(child);
	return event == STOP || event == KILL ? CHILD_ENDED : CHILD_IDLE;
}

static enum child_state step_alive(struct child *child, enum event event)
{
	switch (event) {
	case SAID_READY:
		if (child->state != CHILD_READY) {
			log_info("%s: ready", name_of(child));
			child->ready_ns = clock_now_ns();
		}
		child->was_ready = true;
		expect_sign_of_life(child, watchdog_ms(child));
		return CHILD_READY;
	case SAID_ALIVE:
		expect_sign_of_life(child, watchdog_ms(child));
		return child->state;
	case EXITED:
		return back_off(child);
	case LEFT:
		return succeed(child);
	case DEADLINE:
		return hang(child);
	case RENEW:
		return child->state == CHILD_READY ? stop_process(child, SIGHUP, CHILD_LEAVING)
		                                   : child->state;
	case STOP:
		return stop_process(child, SIGTERM, CHILD_STOPPING);
	case KILL:
		return kill_process(child);
	case START:
		return child->state;
	}
	return child->state;
}

static enum child_state step_leaving(struct child *child, enum event event)
{
	switch (event) {
	case EXITED:
		return back_off(child);
	case LEFT:
		return succeed(child);
	case DEADLINE:
		log_warn("%s: process %d does not leave: killed", name_of(child), child->pid);
		return kill_process(child);
	case STOP:
		return stop_process(child, SIGTERM, CHILD_STOPPING);
	case KILL:
		return kill_process(child);
	case START:
	case SAID_READY:
	case SAID_ALIVE:
	case RENEW:
		return CHILD_LEAVING;
	}
	return CHILD_LEAVING;
}

static enum child_state step_waiting(struct child *child, enum event event)
{
	if (event == DEADLINE || event == START)
		return begin(child);
	if (event != STOP && event != KILL)
		return CHILD_WAITING;
	loop_timer_clear(&child->deadline);
	return CHILD_ENDED;
}

static enum child_state step_stopping(struct child *child, enum event event)
{
	if (event == EXITED || event == LEFT) {
		loop_timer_clear(&child->deadline);
		return CHILD_ENDED;
	}
	if (event == DEADLINE)
		log_warn("%s: process %d does not stop: killed", name_of(child), child->pid);
	return event == DEADLINE || event == KILL ? kill_process(child) : CHILD_STOPPING;
}

static enum child_state step_killed(struct child *child, enum event event)
{
	return event == EXITED || event == LEFT ? back_off(child) : CHILD_KILLED;
}

static enum child_state step_ended(struct child *child, enum event event)
{
	(void)child;
	(void)event;
	return CHILD_ENDED;
}

static void happen(struct child *child, enum event event)
{
	static enum child_state (*const steps[])(struct child * child, enum event event) = {
#define STEP(state, ends_when, step) [CHILD_##state] = step_##step,
		CHILD_STATES(STEP)
#undef STEP
	};
	enum child_state before = child->state;

	child->state = steps[before](child, event);
	if (child->state != before)
		log_debug("%s: %s -> %s",
		          name_of(child),
		          state_names[before],
		          state_names[child->state]);
}

/* ------------------------------------------------------------------ events */

static bool has_left(const struct child *child, const siginfo_t *info)
{
	return info->si_code == CLD_EXITED && info->si_status == 0 &&
	       (child->state == CHILD_READY || child->state == CHILD_LEAVING);
}

static void log_end(struct child *child, const siginfo_t *info)
{
	bool by_signal = info->si_code != CLD_EXITED;
	bool expected = child->is_wanted ? has_left(child, info)
	                                 : child->state == CHILD_KILLED || info->si_status == 0;

	log_line(expected ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	         "%s: process %d ended: %s %d%s%s%s",
	         name_of(child),
	         child->pid,
	         by_signal ? "signal" : "exit code",
	         info->si_status,
	         by_signal ? " (" : "",
	         by_signal ? strsignal(info->si_status) : "",
	         by_signal ? ")" : "");
}

static void on_exit_of_process(struct loop_source *source, uint32_t events)
{
	struct child *child = container_of(source, struct child, exit);
	siginfo_t info = {0};
	enum event event;

	(void)events;
	notify_drain(child->notify); /* its last words */
	if (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	log_end(child, &info);
	event = has_left(child, &info) ? LEFT : EXITED;
	if (!child->was_ready && info.si_code == CLD_EXITED && info.si_status == 2) {
		child->is_refused = true;
		child->is_wanted = false;
	}
	forget_process(child);
	happen(child, event);
}

/* It may have said something that has not been heard yet, which puts the deadline off. */
static void on_deadline(struct loop_timer *timer)
{
	struct child *child = container_of(timer, struct child, deadline);

	notify_drain(child->notify);
	if (timer->due_ns == 0)
		happen(child, DEADLINE);
}

static void keep(struct child *child, struct notification *notification)
{
	char safe[80];

	log_safe(safe, sizeof(safe), notification->fd_name, KEEPER_NAME_MAX);
	for (unsigned i = 0; i < notification->n_fds; i++) {
		int fd = take_fd(&notification->fds[i]);

		switch (keeper_put(&child->keeper, notification->fd_name, fd)) {
		case KEEPER_E_NAME:
			log_warn(
				"%s: descriptor not kept: \"%s\" is no name", name_of(child), safe);
			break;
		case KEEPER_E_FULL:
			log_warn("%s: \"%s\": not kept: it has stored %d descriptors already",
			         name_of(child),
			         safe,
			         KEEPER_MAX);
			break;
		}
	}
}

void child_hear(struct child *child, struct notification *notification)
{
	if (notification->stores)
		keep(child, notification);
	if (notification->removes)
		keeper_drop(&child->keeper, notification->fd_name);
	if (notification->status) {
		log_safe(child->status, sizeof(child->status), notification->status, NOTIFY_BYTES);
		log_debug("%s: says: %s", name_of(child), child->status);
	}
	if (notification->is_ready)
		happen(child, SAID_READY);
	if (notification->is_alive)
		happen(child, SAID_ALIVE);
}

int child_init(struct child *child, struct loop *loop, struct notify *notify,
               const struct command *command, const struct child_limits *limits)
{
	*child = (struct child){
		.command = command,
		.limits = limits,
		.notify = notify,
		.loop = loop,
		.is_wanted = true,
		.exit = LOOP_SOURCE(on_exit_of_process),
		.deadline = LOOP_TIMER(on_deadline),
	};
	/* Set now, so that there is room in the loop and setting it later cannot fail. */
	return loop_timer_set(loop, &child->deadline, UINT64_MAX);
}

void child_deinit(struct child *child)
{
	send_signal(child, SIGKILL);
	forget_process(child);
	loop_timer_clear(&child->deadline);
	keeper_deinit(&child->keeper);
}

void child_start(struct child *child)
{
	happen(child, START);
}

void child_stop(struct child *child)
{
	child->is_wanted = false;
	happen(child, STOP);
}

void child_renew(struct child *child)
{
	happen(child, RENEW);
}

void child_kill(struct child *child)
{
	child->is_wanted = false;
	happen(child, KILL);
}
