/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/proc/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "common/base/error.h"

/* A number at *text, which is moved behind it. */
static bool take_number(const char **text, unsigned *ret_number)
{
	const char *at = *text;
	unsigned number = 0;

	while (*at >= '0' && *at <= '9' && number < CPU_SETSIZE)
		number = 10 * number + (unsigned)(*at++ - '0');
	if (at == *text || number >= CPU_SETSIZE)
		return false;
	*text = at;
	*ret_number = number;
	return true;
}

/* "3" or "3-7" at *text. */
static bool take_range(const char **text, struct cpus *cpus)
{
	unsigned first, last;

	if (!take_number(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (!take_number(text, &last) || last < first)
			return false;
	}
	for (unsigned cpu = first; cpu <= last; cpu++) {
		if (cpus->n == CPUS_MAX)
			return false;
		cpus->cpus[cpus->n++] = (uint16_t)cpu;
	}
	return true;
}

bool cpus_parse(const char *text, struct cpus *ret_cpus)
{
	struct cpus cpus = {0};

	do {
		if (!take_range(&text, &cpus))
			return false;
	} while (*text == ',' && *++text);
	if (*text || text[-1] == ',')
		return false;
	*ret_cpus = cpus;
	return true;
}

static int run_on(const cpu_set_t *set)
{
	return sched_setaffinity(0, sizeof(*set), set) < 0 ? error_origin(-errno) : 0;
}

int cpus_confine(const struct cpus *cpus)
{
	cpu_set_t set;

	if (cpus->n == 0)
		return 0;
	CPU_ZERO(&set);
	for (unsigned i = 0; i < cpus->n; i++)
		CPU_SET(cpus->cpus[i], &set);
	return run_on(&set);
}

int cpus_pin(const struct cpus *cpus, unsigned index)
{
	cpu_set_t set;

	if (cpus->n == 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpus->cpus[index % cpus->n], &set);
	return run_on(&set);
}
