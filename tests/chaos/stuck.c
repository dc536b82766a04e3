/* SPDX-License-Identifier: BSD-2-Clause */
/* Invariants: everything gets on. */
#include <signal.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/service.h"

#define BLOCKED_MS   10000u
#define ASK_EVERY_NS (2 * NS_PER_S)
#define ASK_S        10u
#define ANSWER_MS    3000u

/* ------------------------------------------------------------------ hosts */

static void complain_of(struct chaos *chaos, const struct host *host, uint64_t since_ns,
                        uint64_t now_ns, uint64_t allowed_ns)
{
	char on[200];

	journal_describe(&chaos->journal, since_ns, now_ns, on, sizeof(on));
	findings_add(&chaos->findings,
	             "progress",
	             "%s waits for %.0f ms now, and %.0f ms were allowed (%s)",
	             host->name,
	             (double)(now_ns - since_ns) / 1e6,
	             (double)allowed_ns / 1e6,
	             on);
}

void stuck_check_hosts(struct chaos *chaos)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < chaos->n_hosts; i++) {
		const struct host *host = &chaos->hosts[i];
		uint64_t since_ns = atomic_load(&host->waits_since_ns);
		uint64_t allowed_ns;

		if (!since_ns || since_ns >= now_ns || chaos->watch.reported_ns[i] == since_ns)
			continue;
		allowed_ns = journal_allowance_ns(&chaos->journal, since_ns, now_ns);
		if (now_ns - since_ns <= allowed_ns)
			continue;
		chaos->watch.reported_ns[i] = since_ns;
		complain_of(chaos, host, since_ns, now_ns, allowed_ns);
	}
}

/* ------------------------------------------------------------------ processes */

static bool is_stopped_by_us(const struct chaos *chaos, pid_t pid)
{
	for (unsigned i = 0; i < chaos->schedule.n; i++) {
		const struct occurrence *occurrence = &chaos->schedule.occurrences[i];

		for (unsigned k = 0; k < occurrence->n_pids; k++)
			if (occurrence->pids[k] == pid && occurrence->begin_ns &&
			    !occurrence->end_ns)
				return true;
	}
	return false;
}

static void look_at(struct chaos *chaos, enum service_number service, pid_t pid)
{
	uint64_t now_ns = clock_now_ns();
	struct watched *watched = watch_process(&chaos->watch, pid, now_ns);
	char state = service_state(pid);

	if ((state != 'D' && state != 'T') || is_stopped_by_us(chaos, pid)) {
		watched->blocked_ns = 0;
		return;
	}
	if (!watched->blocked_ns)
		watched->blocked_ns = now_ns;
	if (now_ns - watched->blocked_ns <
	            (uint64_t)(BLOCKED_MS * NS_PER_MS) * chaos->options.patience ||
	    watched->is_reported)
		return;
	watched->is_reported = true;
	findings_add(&chaos->findings,
	             "stuck",
	             "%s, process %d, is in state %c for %.0f s",
	             service_kinds[service].program,
	             (int)pid,
	             state,
	             (double)(now_ns - watched->blocked_ns) / 1e9);
}

void stuck_check_processes(struct chaos *chaos)
{
	pid_t pids[32];

	for (unsigned i = 0; i < SERVICES && chaos->set.has_processes; i++)
		for (unsigned n = service_pids(i, chaos->set.run_dir, pids, 32); n > 0; n--)
			look_at(chaos, i, pids[n - 1]);
}

/* ------------------------------------------------------------------ the operator */

static void hear(struct chaos *chaos, uint64_t now_ns, bool has_answered)
{
	struct watch *watch = &chaos->watch;
	uint64_t allowed_ns = ANSWER_MS * NS_PER_MS * chaos->options.patience +
	                      journal_allowance_ns(&chaos->journal, watch->asked_ns, now_ns);

	if (now_ns - watch->asked_ns > allowed_ns)
		findings_add(&chaos->findings,
		             "status",
		             "nvmetctl status %s for %.0f ms, and %.0f ms were allowed",
		             has_answered ? "took" : "has had no answer",
		             (double)(now_ns - watch->asked_ns) / 1e6,
		             (double)allowed_ns / 1e6);
	else if (!has_answered)
		return;
	if (!has_answered) {
		kill(watch->asking, SIGKILL);
		waitpid(watch->asking, NULL, 0);
	}
	watch->asking = 0;
	watch->answers += has_answered;
}

void stuck_check_status(struct chaos *chaos)
{
	struct watch *watch = &chaos->watch;
	uint64_t now_ns = clock_now_ns();
	static const char *const arguments[] = {"status", NULL};
	int status = 0;
	pid_t ended;

	if (!chaos->set.has_processes)
		return;
	if (!watch->asking) {
		if (now_ns < watch->asked_ns + ASK_EVERY_NS)
			return;
		watch->asked_ns = now_ns;
		watch->asking = set_ask(&chaos->set, ASK_S, arguments);
		return;
	}
	ended = waitpid(watch->asking, &status, WNOHANG);
	hear(chaos, now_ns, ended == watch->asking);
	if (ended > 0 && status != 0 &&
	    !journal_allows(&chaos->journal, FAULT_MAY_REFUSE, watch->asked_ns, now_ns))
		findings_add(&chaos->findings,
		             "status",
		             "nvmetctl status ended with %d, and no fault was on",
		             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
