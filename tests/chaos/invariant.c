/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/invariant.h"

#include <string.h>

#include "tests/chaos/chaos.h"

const struct invariant invariants[] = {
	{"bytes",
         "each block that is read is one that was written, whole",                      INVARIANT_WITH_EACH_IO,
         NULL														     },
	{"linearizable",
         "it is of a version that can be there: none lost, none stale",                 INVARIANT_WITH_EACH_IO,
         NULL														     },
	{"errors",
         "no command is answered with an error that the faults do not allow",           INVARIANT_WITH_EACH_IO,
         NULL														     },
	{"connection",
         "no connection is lost that the faults do not allow",                          INVARIANT_WITH_EACH_IO,
         NULL														     },
	{"identity",     "a namespace comes back as it was",                            INVARIANT_WITH_EACH_IO, NULL              },
	{"pause",
         "no I/O takes longer, and no host waits longer, than the faults allow",        INVARIANT_WITH_EACH_IO,
         NULL														     },
	{"progress",
         "who waits for an answer gets it within the same bounds",                      INVARIANT_ALWAYS,
         stuck_check_hosts													},
	{"stuck",
         "no process is blocked or stopped for long, but by a fault",                   INVARIANT_ALWAYS,
         stuck_check_processes												    },
	{"status",       "nvmetctl status answers",                                     INVARIANT_ALWAYS,       stuck_check_status},
	{"leak",
         "a process has no more descriptors and memory than in its first quiet moment", INVARIANT_QUIET,
         leak_check_processes												     },
	{"in flight",
         "nothing is in flight in the target when no host waits",                       INVARIANT_END,
         leak_check_in_flight												     },
	{"log",
         "no sanitizer has found anything in a process of our own set",                 INVARIANT_END,
         leak_check_log													   },
};
const unsigned n_invariants = sizeof(invariants) / sizeof(invariants[0]);

void invariants_check(struct chaos *chaos, enum invariant_when when)
{
	for (unsigned i = 0; i < n_invariants; i++)
		if (invariants[i].when == when && invariants[i].check)
			invariants[i].check(chaos);
}

struct watched *watch_process(struct watch *watch, pid_t pid, uint64_t now_ns)
{
	struct watched *watched;

	for (unsigned i = 0; i < WATCH_PROCESSES; i++)
		if (watch->processes[i].pid == pid)
			return &watch->processes[i];
	watched = &watch->processes[watch->n_processes++ % WATCH_PROCESSES];
	*watched = (struct watched){.pid = pid, .seen_ns = now_ns};
	return watched;
}
