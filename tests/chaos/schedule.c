/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "tests/chaos/dice.h"

#define FIRST_MS      500u
#define APART_MS      700u /* two faults of one service: what was there is at work again */
#define REST_EVERY_MS 20000u
#define REST_MS       5000u /* at the end of those */
#define LIMIT         100000u
#define TRIES         20u

static int add(struct schedule *schedule, const struct occurrence *occurrence)
{
	struct occurrence *more;

	if (schedule->n == LIMIT)
		return -E2BIG;
	if ((schedule->n & (schedule->n - 1)) == 0) { /* full: 0, 1, 2, 4, 8 … */
		more = reallocarray(schedule->occurrences,
		                    schedule->n ? 2 * (size_t)schedule->n : 1,
		                    sizeof(*more));
		if (!more)
			return -ENOMEM;
		schedule->occurrences = more;
	}
	schedule->occurrences[schedule->n++] = *occurrence;
	return 0;
}

void schedule_deinit(struct schedule *schedule)
{
	free(schedule->occurrences);
	*schedule = (struct schedule){0};
}

/* ------------------------------------------------------------------ from a seed */

static const struct fault *pick(const struct schedule_wishes *wishes, struct dice *dice)
{
	uint64_t all = 0, at;

	for (unsigned i = 0; i < wishes->n_faults; i++)
		all += wishes->faults[i]->weight ? wishes->faults[i]->weight : 1;
	at = dice_below(dice, all);
	for (unsigned i = 0;; i++) {
		unsigned weight = wishes->faults[i]->weight ? wishes->faults[i]->weight : 1;

		if (at < weight)
			return wishes->faults[i];
		at -= weight;
	}
}

static bool is_in_a_rest(unsigned from_ms, unsigned to_ms)
{
	return from_ms / REST_EVERY_MS != to_ms / REST_EVERY_MS ||
	       to_ms % REST_EVERY_MS > REST_EVERY_MS - REST_MS;
}

static bool fits(const struct schedule *schedule, const struct schedule_wishes *wishes,
                 const struct occurrence *occurrence)
{
	unsigned begin_ms = occurrence->at_ms, end_ms = begin_ms + occurrence->length_ms;
	unsigned beside = 0;

	if (end_ms + SCHEDULE_TAIL_MS > wishes->length_ms)
		return false;
	if (wishes->length_ms > 2 * REST_EVERY_MS && is_in_a_rest(begin_ms, end_ms))
		return false;
	for (unsigned i = 0; i < schedule->n; i++) {
		const struct occurrence *other = &schedule->occurrences[i];
		unsigned other_end_ms = other->at_ms + other->length_ms;

		if (other_end_ms >= begin_ms && other->at_ms <= end_ms)
			beside++;
		if ((other->fault->services & occurrence->fault->services) &&
		    other_end_ms + APART_MS > begin_ms)
			return false;
	}
	return beside < wishes->overlap;
}

static struct occurrence roll(const struct schedule_wishes *wishes, struct dice *dice,
                              unsigned at_ms)
{
	const struct fault *fault = pick(wishes, dice);

	return (struct occurrence){
		.fault = fault,
		.at_ms = at_ms,
		.length_ms = dice_between(dice, fault->least_ms, fault->most_ms),
		.amount = dice_between(dice, fault->least, fault->most),
	};
}

int schedule_make(struct schedule *schedule, const struct schedule_wishes *wishes)
{
	struct dice dice = {.state = wishes->seed};
	unsigned at_ms = FIRST_MS;
	int r = 0;

	*schedule = (struct schedule){0};
	while (!r && wishes->n_faults && at_ms + SCHEDULE_TAIL_MS < wishes->length_ms) {
		for (unsigned i = 0; i < TRIES; i++) {
			struct occurrence occurrence = roll(wishes, &dice, at_ms);

			if (!fits(schedule, wishes, &occurrence))
				continue;
			r = add(schedule, &occurrence);
			break;
		}
		at_ms += dice_between(&dice, wishes->every_ms / 2, wishes->every_ms * 3 / 2);
	}
	return r;
}

/* ------------------------------------------------------------------ as text */

void schedule_write(const struct schedule *schedule, FILE *file)
{
	for (unsigned i = 0; i < schedule->n; i++)
		fprintf(file,
		        "%u %s %u %u\n",
		        schedule->occurrences[i].at_ms,
		        schedule->occurrences[i].fault->name,
		        schedule->occurrences[i].length_ms,
		        schedule->occurrences[i].amount);
}

static bool parse(const char *line, struct occurrence *ret_occurrence)
{
	struct occurrence occurrence = {0};
	char name[64], more;

	if (sscanf(line,
	           "%9u %63s %9u %9u %c",
	           &occurrence.at_ms,
	           name,
	           &occurrence.length_ms,
	           &occurrence.amount,
	           &more) != 4)
		return false;
	occurrence.fault = fault_named(name);
	*ret_occurrence = occurrence;
	return occurrence.fault;
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

int schedule_read(struct schedule *schedule, const char *path)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	unsigned number = 0, last_ms = 0;
	struct occurrence occurrence;
	char line[256];
	int r = 0;

	*schedule = (struct schedule){0};
	if (!file) {
		fprintf(stderr, "nvmetd-chaos: \"%s\": %s\n", path, strerror(errno));
		return SCHEDULE_E_BAD;
	}
	while (!r && fgets(line, sizeof(line), file)) {
		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!parse(line, &occurrence) || occurrence.at_ms < last_ms) {
			fprintf(stderr,
			        "nvmetd-chaos: %s:%u: not \"MILLISECONDS FAULT LENGTH AMOUNT\", in "
			        "the "
			        "order of time, with a fault of --list\n",
			        path,
			        number);
			return SCHEDULE_E_BAD;
		}
		last_ms = occurrence.at_ms;
		r = add(schedule, &occurrence);
	}
	return r;
}
