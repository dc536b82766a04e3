/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of the machine: no memory, a date that jumps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/chaos/chaos.h"

#define MORE_BYTES (256u << 10) /* so much it still gets */

/* ------------------------------------------------------------------ memory */

static int data_bytes(int pid, rlim_t *ret_bytes)
{
	char path[64], line[256];
	unsigned long kib;
	int r = -ESRCH;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return r;
	while (r && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmData: %lu kB", &kib) == 1) {
			*ret_bytes = (rlim_t)kib * 1024;
			r = 0;
		}
	fclose(file);
	return r;
}

int fault_starve(struct chaos *chaos, struct occurrence *occurrence)
{
	struct rlimit limit;
	rlim_t bytes = 0;
	int r = fault_find_pids(chaos, occurrence);

	if (!r)
		r = data_bytes(occurrence->pids[0], &bytes);
	if (!r && prlimit(occurrence->pids[0], RLIMIT_DATA, NULL, &limit) < 0)
		r = -errno;
	if (r)
		return r;
	limit.rlim_cur = bytes + MORE_BYTES;
	return prlimit(occurrence->pids[0], RLIMIT_DATA, &limit, NULL) < 0 ? -errno : 0;
}

void fault_feed(struct chaos *chaos, struct occurrence *occurrence)
{
	struct rlimit limit;

	(void)chaos;
	/* it may have died of it: then its successor has no such limit */
	if (prlimit(occurrence->pids[0], RLIMIT_DATA, NULL, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)prlimit(occurrence->pids[0], RLIMIT_DATA, &limit, NULL);
}

/* ------------------------------------------------------------------ the date */

const char *fault_needs_clock(const struct chaos *chaos)
{
	return chaos->options.may_set_clock
	               ? NULL
	               : "it sets the machine's date: only with --clock, where nobody else is";
}

static int shift(int64_t seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += seconds;
	return clock_settime(CLOCK_REALTIME, &now) < 0 ? -errno : 0;
}

static int64_t seconds_of(const struct occurrence *occurrence)
{
	return ((int64_t)occurrence->amount - 1000) * 3600;
}

int fault_set_clock(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)chaos;
	return shift(seconds_of(occurrence));
}

void fault_set_clock_back(struct chaos *chaos, struct occurrence *occurrence)
{
	if (shift(-seconds_of(occurrence)) != 0)
		findings_add(&chaos->findings, "harness", "the date cannot be set back");
}
