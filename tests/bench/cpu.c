/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/cpu.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

static cpu_set_t before;
static bool is_pinned;

void cpu_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	if (!is_pinned && sched_getaffinity(0, sizeof(before), &before) < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		perror("nvmetd-bench: cannot run on the CPU that --cpu says");
	else
		is_pinned = true;
}

void cpu_unpin(void)
{
	if (is_pinned && sched_setaffinity(0, sizeof(before), &before) == 0)
		is_pinned = false;
}
