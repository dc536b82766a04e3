/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/journal.h"

#include <string.h>

#include "common/base/clock.h"

/* A keeper waits longer each time: nvmetd 100 ms at the second end, twice that at the next, 5 s at
 * most, and anew when one has lived for 10 s. */
#define GOOD_LIFE_NS   (10 * NS_PER_S)
#define BACKOFF_NS     (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (5 * NS_PER_S)

void journal_init(struct journal *journal)
{
	pthread_mutex_init(&journal->lock, NULL);
}

/* ------------------------------------------------------------------ the lock is held */

static bool is_at(const struct occurrence *occurrence, uint64_t from_ns, uint64_t to_ns)
{
	if (!occurrence->begin_ns || occurrence->failure || occurrence->begin_ns > to_ns ||
	    (occurrence->fault->effects & FAULT_IS_SABOTAGE))
		return false;
	return !occurrence->end_ns || occurrence->end_ns + occurrence->allowance_ns >= from_ns;
}

bool journal_is_near(const struct occurrence *occurrence, uint64_t from_ns, uint64_t to_ns)
{
	if (!occurrence->begin_ns || occurrence->failure || occurrence->begin_ns > to_ns)
		return false;
	return !occurrence->end_ns || occurrence->end_ns + JOURNAL_NEAR_NS >= from_ns;
}

/* The only fault that a pause can come from; NULL: there is none, or there are several. */
static struct occurrence *find_cause(const struct journal *journal, uint64_t from_ns,
                                     uint64_t to_ns)
{
	struct occurrence *cause = NULL;

	for (unsigned i = 0; i < journal->n; i++) {
		if (!journal_is_near(&journal->occurrences[i], from_ns, to_ns))
			continue;
		if (cause)
			return NULL;
		cause = &journal->occurrences[i];
	}
	return cause;
}

static uint64_t backoff_ns(const struct journal *journal, const struct occurrence *occurrence)
{
	uint64_t backoff = 0, before_ns = occurrence->begin_ns;

	for (unsigned i = journal->n; i-- > 0;) {
		const struct occurrence *earlier = &journal->occurrences[i];

		if (earlier == occurrence || !earlier->begin_ns || earlier->begin_ns > before_ns ||
		    !(earlier->fault->effects & FAULT_ENDS_PROCESS) ||
		    !(earlier->fault->services & occurrence->fault->services))
			continue;
		/* what it took to start is no part of its life */
		if (before_ns - earlier->begin_ns > GOOD_LIFE_NS + BACKOFF_MAX_NS)
			break;
		backoff = backoff ? 2 * backoff : BACKOFF_NS;
		before_ns = earlier->begin_ns;
	}
	return backoff < BACKOFF_MAX_NS ? backoff : BACKOFF_MAX_NS;
}

static uint64_t allowance_ns(const struct journal *journal, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t allowed = (uint64_t)(journal->quiet_ms * NS_PER_MS * journal->patience);

	for (unsigned i = 0; i < journal->n; i++) {
		const struct occurrence *occurrence = &journal->occurrences[i];
		uint64_t end_ns = occurrence->end_ns ? occurrence->end_ns : to_ns;

		if (!is_at(occurrence, from_ns, to_ns))
			continue;
		allowed += occurrence->allowance_ns;
		if (end_ns > occurrence->begin_ns)
			allowed += end_ns - occurrence->begin_ns;
	}
	return allowed;
}

static void describe(const struct journal *journal, uint64_t from_ns, uint64_t to_ns, char *text,
                     size_t size)
{
	size_t length = 0;

	snprintf(text, size, "no fault");
	for (unsigned i = 0; i < journal->n && length < size; i++)
		if (is_at(&journal->occurrences[i], from_ns, to_ns))
			length += (size_t)snprintf(text + length,
			                           size - length,
			                           "%s%s",
			                           length ? " " : "",
			                           journal->occurrences[i].fault->name);
}

static void complain(struct journal *journal, const char *host, const char *what, uint64_t from_ns,
                     uint64_t to_ns, uint64_t allowed_ns)
{
	char on[200];

	describe(journal, from_ns, to_ns, on, sizeof(on));
	findings_add(journal->findings,
	             "pause",
	             "%s: %s %.0f ms, and %.0f ms were allowed (%s)",
	             host,
	             what,
	             (double)(to_ns - from_ns) / 1e6,
	             (double)allowed_ns / 1e6,
	             on);
}

/* ------------------------------------------------------------------ for all */

void journal_begins(struct journal *journal, struct occurrence *occurrence)
{
	pthread_mutex_lock(&journal->lock);
	occurrence->begin_ns = clock_now_ns();
	occurrence->allowance_ns = (uint64_t)(occurrence->fault->recovery_ms * NS_PER_MS *
	                                      journal->patience);
	if (occurrence->fault->effects & FAULT_ENDS_PROCESS)
		occurrence->allowance_ns += backoff_ns(journal, occurrence);
	pthread_mutex_unlock(&journal->lock);
}

void journal_ends(struct journal *journal, struct occurrence *occurrence)
{
	pthread_mutex_lock(&journal->lock);
	occurrence->end_ns = clock_now_ns();
	pthread_mutex_unlock(&journal->lock);
}

bool journal_allows(struct journal *journal, enum fault_effect effect, uint64_t from_ns,
                    uint64_t to_ns)
{
	bool allows = false;

	pthread_mutex_lock(&journal->lock);
	for (unsigned i = 0; i < journal->n; i++)
		allows |= (journal->occurrences[i].fault->effects & effect) &&
		          is_at(&journal->occurrences[i], from_ns, to_ns);
	pthread_mutex_unlock(&journal->lock);
	return allows;
}

bool journal_is_quiet(struct journal *journal, uint64_t from_ns, uint64_t to_ns)
{
	bool is_quiet = true;

	pthread_mutex_lock(&journal->lock);
	for (unsigned i = 0; i < journal->n; i++)
		is_quiet &= !journal_is_near(&journal->occurrences[i], from_ns, to_ns);
	pthread_mutex_unlock(&journal->lock);
	return is_quiet;
}

uint64_t journal_allowance_ns(struct journal *journal, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t allowed;

	pthread_mutex_lock(&journal->lock);
	allowed = allowance_ns(journal, from_ns, to_ns);
	pthread_mutex_unlock(&journal->lock);
	return allowed;
}

void journal_pause(struct journal *journal, const char *host, uint64_t from_ns, uint64_t to_ns)
{
	struct occurrence *cause;
	uint64_t allowed;

	if (to_ns - from_ns < JOURNAL_PAUSE_NS)
		return;
	pthread_mutex_lock(&journal->lock);
	histogram_add(&journal->pauses, to_ns - from_ns);
	cause = find_cause(journal, from_ns, to_ns);
	if (cause && cause->longest_pause_ns < to_ns - from_ns)
		cause->longest_pause_ns = to_ns - from_ns;
	allowed = allowance_ns(journal, from_ns, to_ns);
	if (to_ns - from_ns > allowed)
		complain(journal, host, "no answer for", from_ns, to_ns, allowed);
	pthread_mutex_unlock(&journal->lock);
}

void journal_io(struct journal *journal, const char *host, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t allowed;

	if (to_ns - from_ns < JOURNAL_PAUSE_NS)
		return;
	pthread_mutex_lock(&journal->lock);
	allowed = allowance_ns(journal, from_ns, to_ns);
	if (to_ns - from_ns > allowed)
		complain(journal, host, "an I/O took", from_ns, to_ns, allowed);
	pthread_mutex_unlock(&journal->lock);
}

void journal_describe(struct journal *journal, uint64_t from_ns, uint64_t to_ns, char *text,
                      size_t size)
{
	pthread_mutex_lock(&journal->lock);
	describe(journal, from_ns, to_ns, text, size);
	pthread_mutex_unlock(&journal->lock);
}
