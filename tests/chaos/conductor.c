/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/conductor.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"

#define TICK_MS       10u
#define CHECK_MS      200u
#define FILL_MS       60000u
#define REST_MS       60000u
#define QUIET_BACK_NS (1500 * NS_PER_MS) /* so long nothing was on: a quiet moment */
#define QUIET_WAIT_NS (500 * NS_PER_MS)  /* no host waits longer then */
#define QUIET_MS      4000u              /* from one to the next */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static void pause_ms(unsigned ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&pause, NULL);
}

/* ------------------------------------------------------------------ phases */

static void tell(struct chaos *chaos, enum host_task task)
{
	for (unsigned i = 0; i < chaos->n_hosts; i++) {
		atomic_store(&chaos->hosts[i].is_resting, false);
		atomic_store(&chaos->hosts[i].task, task);
	}
}

static bool do_all_rest(const struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->n_hosts; i++)
		if (!atomic_load(&chaos->hosts[i].is_resting) &&
		    !atomic_load(&chaos->hosts[i].is_lost))
			return false;
	return true;
}

/* Until all hosts have done it. */
static bool await_rest(struct chaos *chaos, unsigned timeout_ms, const char *what)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS * chaos->options.patience;

	while (!do_all_rest(chaos)) {
		if (clock_now_ns() > deadline_ns) {
			findings_add(&chaos->findings,
			             "progress",
			             "not all hosts could %s in %u ms",
			             what,
			             timeout_ms * chaos->options.patience);
			return false;
		}
		pause_ms(TICK_MS);
	}
	return true;
}

/* ------------------------------------------------------------------ faults */

static void say(const struct chaos *chaos, const struct occurrence *occurrence, const char *what,
                const char *why)
{
	fprintf(stderr,
	        "nvmetd-chaos: at %.3f s: %s (%u ms, %u)%s%s\n",
	        (double)(clock_now_ns() - chaos->findings.begin_ns) / 1e9,
	        occurrence->fault->name,
	        occurrence->length_ms,
	        occurrence->amount,
	        what,
	        why);
}

static void begin(struct chaos *chaos, struct occurrence *occurrence)
{
	const struct fault *fault = occurrence->fault;
	const char *why_not = fault->why_not ? fault->why_not(chaos) : NULL;

	if (why_not) {
		chaos->left_out++;
		say(chaos, occurrence, " is left out: ", why_not);
		return;
	}
	journal_begins(&chaos->journal, occurrence);
	occurrence->failure = fault->begin(chaos, occurrence);
	if (occurrence->failure)
		say(chaos, occurrence, " could not be: ", strerror(-occurrence->failure));
	else
		say(chaos, occurrence, "", "");
	if (occurrence->failure || (!fault->end && !occurrence->length_ms))
		journal_ends(&chaos->journal, occurrence);
}

static bool is_on(const struct occurrence *occurrence)
{
	return occurrence->begin_ns && !occurrence->end_ns;
}

static void end(struct chaos *chaos, struct occurrence *occurrence)
{
	if (occurrence->fault->end)
		occurrence->fault->end(chaos, occurrence);
	journal_ends(&chaos->journal, occurrence);
}

static bool is_due(struct chaos *chaos, struct occurrence *occurrence, uint64_t now_ns)
{
	const struct fault *fault = occurrence->fault;

	if (fault->is_over && fault->is_over(chaos, occurrence))
		return true;
	return now_ns >= occurrence->begin_ns + occurrence->length_ms * NS_PER_MS &&
	       !(fault->effects & FAULT_ENDS_WHEN_OVER);
}

static void look_at_faults(struct chaos *chaos, uint64_t now_ns, unsigned *next)
{
	struct schedule *schedule = &chaos->schedule;

	for (unsigned i = 0; i < *next; i++) {
		struct occurrence *occurrence = &schedule->occurrences[i];

		if (!is_on(occurrence))
			continue;
		if (is_due(chaos, occurrence, now_ns))
			end(chaos, occurrence);
	}
	while (*next < schedule->n &&
	       now_ns >= chaos->begin_ns + schedule->occurrences[*next].at_ms * NS_PER_MS)
		begin(chaos, &schedule->occurrences[(*next)++]);
}

static void end_all(struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->schedule.n; i++)
		if (is_on(&chaos->schedule.occurrences[i]))
			end(chaos, &chaos->schedule.occurrences[i]);
}

/* ------------------------------------------------------------------ checks */

static bool is_quiet(struct chaos *chaos, uint64_t now_ns)
{
	for (unsigned i = 0; i < chaos->n_hosts; i++) {
		uint64_t since_ns = atomic_load(&chaos->hosts[i].waits_since_ns);

		if (since_ns && now_ns > since_ns + QUIET_WAIT_NS)
			return false;
	}
	return journal_is_quiet(&chaos->journal, now_ns - QUIET_BACK_NS, now_ns);
}

static void look_at_invariants(struct chaos *chaos, uint64_t now_ns, uint64_t *quiet_ns)
{
	if (now_ns < chaos->watch.next_ns)
		return;
	chaos->watch.next_ns = now_ns + CHECK_MS * NS_PER_MS;
	invariants_check(chaos, INVARIANT_ALWAYS);
	if (now_ns < *quiet_ns || !is_quiet(chaos, now_ns))
		return;
	*quiet_ns = now_ns + QUIET_MS * NS_PER_MS;
	invariants_check(chaos, INVARIANT_QUIET);
}

/* ------------------------------------------------------------------ the whole */

static bool start(struct chaos *chaos)
{
	tell(chaos, HOST_FILL);
	for (unsigned i = 0; i < chaos->n_hosts; i++)
		if (host_start(&chaos->hosts[i]) != 0) {
			findings_add(&chaos->findings, "harness", "no thread for a host");
			return false;
		}
	return await_rest(chaos, FILL_MS, "write all blocks");
}

static void work(struct chaos *chaos)
{
	uint64_t length_ns = chaos->options.seconds * NS_PER_S;
	uint64_t quiet_ns = 0, now_ns;
	unsigned next = 0;

	tell(chaos, HOST_WORK);
	chaos->begin_ns = clock_now_ns();
	while (!is_interrupted && (now_ns = clock_now_ns()) < chaos->begin_ns + length_ns) {
		look_at_faults(chaos, now_ns, &next);
		look_at_invariants(chaos, now_ns, &quiet_ns);
		pause_ms(TICK_MS);
	}
	end_all(chaos);
}

static void conclude(struct chaos *chaos)
{
	tell(chaos, HOST_REST);
	if (!await_rest(chaos, REST_MS, "finish their I/Os"))
		return;
	for (unsigned i = 0; i < chaos->n_loads; i++)
		space_look_at_all(&chaos->spaces[i]);
	tell(chaos, HOST_READ);
	if (await_rest(chaos, REST_MS, "read all blocks at the end"))
		invariants_check(chaos, INVARIANT_END);
}

static void finish(struct chaos *chaos)
{
	tell(chaos, HOST_END);
	for (unsigned i = 0; i < chaos->n_hosts; i++)
		host_join(&chaos->hosts[i]);
	if (chaos->set.is_own && set_end(&chaos->set) != 0)
		findings_add(&chaos->findings, "stuck", "the set did not end in order in 20 s");
}

void conductor_run(struct chaos *chaos)
{
	const struct sigaction action = {.sa_handler = interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	chaos->begin_ns = clock_now_ns();
	if (start(chaos)) {
		work(chaos);
		conclude(chaos);
	}
	chaos->end_ns = clock_now_ns();
	chaos->is_interrupted = is_interrupted;
	finish(chaos);
}
