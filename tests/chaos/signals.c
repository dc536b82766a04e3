/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that are signals to processes: death, a stop, a hang, a planned restart. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "tests/bench/pause.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/service.h"

#define RESTART_S 30u

const char *fault_needs_processes(const struct chaos *chaos)
{
	return chaos->set.has_processes ? NULL
	                                : "the target's processes are not known: give --run-dir";
}

const char *fault_needs_own_set(const struct chaos *chaos)
{
	return chaos->set.is_own ? NULL : "the set is not ours: who keeps it must not be ended";
}

const char *fault_needs_no_ram(const struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->n_loads; i++)
		if (chaos->loads[i]->is_ram)
			return "a load is on RAM, which would be lost: choose --loads without";
	return fault_needs_own_set(chaos);
}

static void add_pids(const struct chaos *chaos, struct occurrence *occurrence,
                     enum service_number service, bool all)
{
	pid_t found[FAULT_PIDS];
	unsigned n = service_pids(service, chaos->set.run_dir, found, FAULT_PIDS);

	for (unsigned i = 0; i < n && occurrence->n_pids < FAULT_PIDS; i++)
		if (all || i == occurrence->amount % n)
			occurrence->pids[occurrence->n_pids++] = found[i];
}

/* Of a fault that concerns several services all processes, else one. */
int fault_find_pids(const struct chaos *chaos, struct occurrence *occurrence)
{
	unsigned services = occurrence->fault->services;
	bool all = services & (services - 1);

	occurrence->n_pids = 0;
	for (unsigned i = 0; i < SERVICE_LAUNCHER; i++)
		if (services & (1u << i))
			add_pids(chaos, occurrence, i, all);
	return occurrence->n_pids ? 0 : -ESRCH;
}

static int signal_all(struct chaos *chaos, struct occurrence *occurrence, int number)
{
	int r = fault_find_pids(chaos, occurrence);

	for (unsigned i = 0; !r && i < occurrence->n_pids; i++)
		if (kill(occurrence->pids[i], number) < 0)
			r = -errno;
	return r;
}

int fault_kill(struct chaos *chaos, struct occurrence *occurrence)
{
	return signal_all(chaos, occurrence, SIGKILL);
}

int fault_restart(struct chaos *chaos, struct occurrence *occurrence)
{
	return signal_all(chaos, occurrence, SIGHUP);
}

int fault_restart_all(struct chaos *chaos, struct occurrence *occurrence)
{
	const char *const arguments[] = {"restart", "all", NULL};
	pid_t pid = set_ask(&chaos->set, RESTART_S, arguments);

	if (pid < 0)
		return -errno;
	occurrence->state = (void *)(intptr_t)pid;
	return 0;
}

bool fault_restart_all_is_over(struct chaos *chaos, struct occurrence *occurrence)
{
	pid_t pid = (pid_t)(intptr_t)occurrence->state;

	(void)chaos;
	if (!pid || waitpid(pid, NULL, WNOHANG) != pid)
		return false;
	occurrence->state = NULL;
	return true;
}

void fault_restart_all_end(struct chaos *chaos, struct occurrence *occurrence)
{
	pid_t pid = (pid_t)(intptr_t)occurrence->state;

	(void)chaos;
	if (!pid)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	occurrence->state = NULL;
}

int fault_kill_set(struct chaos *chaos, struct occurrence *occurrence)
{
	int r;

	(void)occurrence;
	if (!chaos->set.launcher)
		return -ESRCH;
	kill(chaos->set.launcher, SIGKILL);
	r = set_reap(&chaos->set);
	if (r)
		findings_add(&chaos->findings, "stuck", "processes outlive their launcher by 20 s");
	return set_start(&chaos->set);
}

/* ------------------------------------------------------------------ stops */

/* Within so long a process that hangs must be ended, on a busy machine too. */
static unsigned hang_ms_of(const struct chaos *chaos, const struct fault *fault)
{
	unsigned patience = 1;

	for (unsigned i = 0; i < SERVICES; i++)
		if ((fault->services & (1u << i)) && service_kinds[i].patience > patience)
			patience = service_kinds[i].patience;
	return 2000 * chaos->set.watchdog_s * patience + 2000;
}

int fault_stop(struct chaos *chaos, struct occurrence *occurrence)
{
	unsigned hang_ms = hang_ms_of(chaos, occurrence->fault);
	struct pause *pause;
	char text[16];
	int r = fault_find_pids(chaos, occurrence);

	if (r)
		return r;
	pause = calloc(1, sizeof(*pause));
	if (!pause)
		return -ENOMEM;
	if ((occurrence->fault->effects & FAULT_ENDS_PROCESS) && occurrence->length_ms < hang_ms)
		occurrence->length_ms = hang_ms;
	snprintf(text, sizeof(text), "%d", occurrence->pids[0]);
	r = pause_init(pause, text, NULL, false);
	if (!r)
		r = pause_turn(pause, PAUSE_NONE_RUNS);
	if (r) {
		pause_deinit(pause);
		free(pause);
		return r > 0 ? -ESRCH : r;
	}
	occurrence->state = pause;
	return 0;
}

static bool is_gone(const struct pause *pause)
{
	struct pollfd end = {.fd = pause->sides[0].fds[0], .events = POLLIN};

	return poll(&end, 1, 0) == 1;
}

void fault_go_on(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)chaos;
	pause_deinit(occurrence->state);
	free(occurrence->state);
	occurrence->state = NULL;
}

bool fault_has_ended(struct chaos *chaos, struct occurrence *occurrence)
{
	struct pause *pause = occurrence->state;

	(void)chaos;
	if (is_gone(pause))
		return true;
	/* its guard lets it go on if we say nothing */
	(void)pause_turn(pause, PAUSE_NONE_RUNS);
	return false;
}

void fault_expect_end(struct chaos *chaos, struct occurrence *occurrence)
{
	uint64_t due_ns = occurrence->begin_ns + occurrence->length_ms * NS_PER_MS;

	/* at the end of the run it is let go on earlier */
	if (!is_gone(occurrence->state) && clock_now_ns() >= due_ns)
		findings_add(&chaos->findings,
		             "stuck",
		             "process %d hung for %u ms, and nobody ended it",
		             occurrence->pids[0],
		             occurrence->length_ms);
	fault_go_on(chaos, occurrence);
}
