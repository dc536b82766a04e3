/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "services/ctl/ctl.h"
#include "services/ctl/successor.h"

#define DEADLINE_MS 30000u
#define LOOK_NS     (5 * NS_PER_MS)
/* How long connections that are handed over may take to show up, when all else works already */
#define KEPT_NS     (300 * NS_PER_MS)

struct restart {
	const struct ctl *ctl;
	const char *name;
	envelope *before; /* the status */
	envelope *now;    /* NULL: not known */
	uint64_t began_ns;
	uint64_t deadline_ns;
};

/* ------------------------------------------------------------------ the wish */

static enum ctl_exit tell(const struct restart *restart)
{
	Nvmetd__CtlRestart body = NVMETD__CTL_RESTART__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r;

	body.name = (char *)(uintptr_t)restart->name;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_RESTART;
	question.ctl_restart = &body;
	r = ctl_ask(restart->ctl, &question, NVMETD__ENVELOPE__BODY_CTL_REPLY, &answer);
	return r == CTL_GOOD ? ctl_say_reply(answer->ctl_reply, "nvmetctl: restart: ") : r;
}

/* ------------------------------------------------------------------ the wait */

/* Says nothing: while the state service is restarted there is no answer. */
static void look(struct restart *restart)
{
	Nvmetd__CtlStatus body = NVMETD__CTL_STATUS__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	uint64_t now_ns = clock_now_ns();

	restart->now = envelope_free(restart->now);
	if (now_ns >= restart->deadline_ns)
		return;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_STATUS;
	question.ctl_status = &body;
	restart->now = ctl_try(restart->ctl,
	                       &question,
	                       NVMETD__ENVELOPE__BODY_CTL_STATUS_REPLY,
	                       (unsigned)((restart->deadline_ns - now_ns) / NS_PER_MS) + 1);
}

static const Nvmetd__ProcessStatus *process_before(const struct restart *restart)
{
	return successor_find(restart->before->ctl_status_reply, restart->name);
}

static bool is_there(const struct restart *restart)
{
	return restart->now &&
	       successor_is_there(process_before(restart), restart->now->ctl_status_reply);
}

static bool works(const struct restart *restart)
{
	return is_there(restart) &&
	       successor_works(restart->before->ctl_status_reply, restart->now->ctl_status_reply);
}

static unsigned count_kept(const struct restart *restart)
{
	return successor_kept(process_before(restart),
	                      successor_find(restart->now->ctl_status_reply, restart->name));
}

static bool has_all(const struct restart *restart)
{
	return works(restart) &&
	       count_kept(restart) == successor_connections(process_before(restart));
}

static bool wait_until(struct restart *restart, bool (*is_so)(const struct restart *restart),
                       uint64_t end_ns)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};

	look(restart);
	while (!is_so(restart)) {
		if (clock_now_ns() >= end_ns)
			return false;
		nanosleep(&pause, NULL);
		look(restart);
	}
	return true;
}

/* ------------------------------------------------------------------ what came of it */

static void say_good(const struct restart *restart, uint64_t took_ns)
{
	unsigned connections = successor_connections(process_before(restart));
	unsigned kept = works(restart) ? count_kept(restart) : 0;

	printf("%s: restarted in %llu ms",
	       restart->name,
	       (unsigned long long)(took_ns / NS_PER_MS));
	if (connections > 0 && kept == connections)
		printf(", %u connection%s kept", kept, kept == 1 ? "" : "s");
	else if (connections > 0)
		printf(", %u of %u connections kept; the other hosts reconnect", kept, connections);
	printf("\n");
	fflush(stdout);
}

static enum ctl_exit say_bad(const struct restart *restart)
{
	unsigned seconds = (unsigned)((restart->deadline_ns - restart->began_ns) / NS_PER_S);

	fprintf(stderr,
	        "nvmetctl: restart: %s: told to leave, but %s within %u s: see the log, and "
	        "nvmetctl status\n",
	        restart->name,
	        is_there(restart) ? "not all is again as it was" : "no successor is there",
	        seconds);
	if (restart->now)
		status_print_missing(stderr, restart->now->ctl_status_reply);
	return CTL_FAILED;
}

static enum ctl_exit run(struct restart *restart)
{
	enum ctl_exit r = status_ask(restart->ctl, &restart->before);
	unsigned timeout_ms = restart->ctl->has_timeout ? restart->ctl->timeout_ms : DEADLINE_MS;
	uint64_t works_ns;

	if (r != CTL_GOOD)
		return r;
	restart->began_ns = clock_now_ns();
	restart->deadline_ns = restart->began_ns + timeout_ms * NS_PER_MS;
	r = tell(restart);
	if (r != CTL_GOOD)
		return r;
	if (!process_before(restart)) { /* it came just now */
		printf("%s: told to leave\n", restart->name);
		return CTL_GOOD;
	}
	if (!wait_until(restart, works, restart->deadline_ns))
		return say_bad(restart);
	works_ns = clock_now_ns();
	if (!has_all(restart))
		wait_until(restart, has_all, works_ns + KEPT_NS);
	say_good(restart, works_ns - restart->began_ns);
	return CTL_GOOD;
}

static enum ctl_exit restart_one(const struct ctl *ctl, const char *name)
{
	struct restart restart = {.ctl = ctl, .name = name};
	enum ctl_exit r = run(&restart);

	envelope_free(restart.before);
	envelope_free(restart.now);
	return r;
}

/* ------------------------------------------------------------------ all */

/* The state service, the workers, the transports. */
static unsigned rank_of(const Nvmetd__ProcessStatus *process)
{
	if (strcmp(process->name, "state") == 0)
		return 0;
	return process->transport ? 2 : 1;
}

static enum ctl_exit restart_all(const struct ctl *ctl)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	const Nvmetd__CtlStatusReply *status;
	enum ctl_exit r = status_ask(ctl, &answer);

	if (r != CTL_GOOD)
		return r;
	status = answer->ctl_status_reply;
	for (unsigned rank = 0; rank <= 2; rank++)
		for (size_t i = 0; r == CTL_GOOD && i < status->n_processes; i++)
			if (rank_of(status->processes[i]) == rank)
				r = restart_one(ctl, status->processes[i]->name);
	return r;
}

enum ctl_exit ctl_restart(const struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	return strcmp(argv[0], "all") == 0 ? restart_all(ctl) : restart_one(ctl, argv[0]);
}
