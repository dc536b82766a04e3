/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "tests/chaos/fault.h"
#include "tests/chaos/service.h"

#define IO       SERVICE_BIT(IO)
#define STATE    SERVICE_BIT(STATE)
#define TCP      SERVICE_BIT(TCP)
#define LAUNCHER SERVICE_BIT(LAUNCHER)
#define ALL      (IO | STATE | TCP)
/* what is no process may be had only once at a time too */
#define NETWORK  (1u << SERVICES)
#define DISK     (2u << SERVICES)
#define CLOCK    (4u << SERVICES)

#define ENDS        FAULT_ENDS_PROCESS
#define REFUSES     FAULT_MAY_REFUSE
#define DISCONNECTS (FAULT_MAY_DISCONNECT | FAULT_MAY_REFUSE)
#define SABOTAGE    FAULT_IS_SABOTAGE

static const struct fault kill_io = {
	.name = "kill-io",
	.what = "kill -9 of a worker",
	.services = IO,
	.weight = 10,
	.most = 7,
	.recovery_ms = 1000,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_kill,
};

static const struct fault kill_state = {
	.name = "kill-state",
	.what = "kill -9 of the state service",
	.services = STATE,
	.weight = 8,
	.most = 7,
	.recovery_ms = 1000,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_kill,
};

static const struct fault kill_tcp = {
	.name = "kill-tcp",
	.what = "kill -9 of the transport",
	.services = TCP,
	.weight = 6,
	.most = 7,
	.recovery_ms = 3000,
	.effects = ENDS | DISCONNECTS,
	.why_not = fault_needs_processes,
	.begin = fault_kill,
};

static const struct fault kill_all = {
	.name = "kill-all",
	.what = "kill -9 of all of them at once, but for their keeper",
	.services = ALL,
	.weight = 3,
	.recovery_ms = 4000,
	.effects = ENDS | DISCONNECTS,
	.why_not = fault_needs_processes,
	.begin = fault_kill,
};

static const struct fault kill_set = {
	.name = "kill-set",
	.what = "kill -9 of the launcher, which takes all with it; it is started again",
	.services = ALL | LAUNCHER,
	.recovery_ms = 5000,
	.effects = ENDS | DISCONNECTS | FAULT_LOSES_RAM,
	.why_not = fault_needs_no_ram,
	.begin = fault_kill_set,
};

static const struct fault stop_io = {
	.name = "stop-io",
	.what = "SIGSTOP of a worker, for less than the watchdog allows",
	.services = IO,
	.weight = 6,
	.least_ms = 50,
	.most_ms = 1200,
	.most = 7,
	.recovery_ms = 1000,
	.effects = REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_go_on,
};

static const struct fault stop_state = {
	.name = "stop-state",
	.what = "the same of the state service",
	.services = STATE,
	.weight = 4,
	.least_ms = 50,
	.most_ms = 1200,
	.most = 7,
	.recovery_ms = 1000,
	.effects = REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_go_on,
};

static const struct fault stop_tcp = {
	.name = "stop-tcp",
	.what = "the same of the transport",
	.services = TCP,
	.weight = 4,
	.least_ms = 50,
	.most_ms = 1200,
	.most = 7,
	.recovery_ms = 1000,
	.effects = REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_go_on,
};

static const struct fault hang_io = {
	.name = "hang-io",
	.what = "SIGSTOP of a worker, for longer: its keeper must end it",
	.services = IO,
	.weight = 2,
	.least_ms = 6000,
	.most_ms = 6000,
	.most = 7,
	.recovery_ms = 1500,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_expect_end,
	.is_over = fault_has_ended,
};

static const struct fault hang_state = {
	.name = "hang-state",
	.what = "the same of the state service",
	.services = STATE,
	.weight = 2,
	.least_ms = 6000,
	.most_ms = 6000,
	.most = 7,
	.recovery_ms = 1500,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_expect_end,
	.is_over = fault_has_ended,
};

static const struct fault hang_tcp = {
	.name = "hang-tcp",
	.what = "the same of the transport",
	.services = TCP,
	.weight = 2,
	.least_ms = 6000,
	.most_ms = 6000,
	.most = 7,
	.recovery_ms = 4000,
	.effects = ENDS | DISCONNECTS,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_expect_end,
	.is_over = fault_has_ended,
};

static const struct fault restart_io = {
	.name = "restart-io",
	.what = "planned restart of a worker (SIGHUP)",
	.services = IO,
	.weight = 6,
	.most = 7,
	.recovery_ms = 1000,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_restart,
};

static const struct fault restart_state = {
	.name = "restart-state",
	.what = "planned restart of the state service",
	.services = STATE,
	.weight = 5,
	.most = 7,
	.recovery_ms = 1000,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_restart,
};

static const struct fault restart_tcp = {
	.name = "restart-tcp",
	.what = "planned restart of the transport, which hands its connections over",
	.services = TCP,
	.weight = 5,
	.most = 7,
	.recovery_ms = 1000,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_restart,
};

static const struct fault restart_all = {
	.name = "restart-all",
	.what = "planned restart of all of them, one after the other (nvmetctl restart all)",
	.services = ALL,
	.weight = 3,
	.least_ms = 4000,
	.most_ms = 4000,
	.recovery_ms = 1500,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_restart_all,
	.end = fault_restart_all_end,
	.is_over = fault_restart_all_is_over,
};

static const struct fault starve_io = {
	.name = "starve-io",
	.what = "a worker gets no more memory than it has (RLIMIT_DATA)",
	.services = IO,
	.weight = 2,
	.least_ms = 500,
	.most_ms = 2500,
	.most = 7,
	.recovery_ms = 1500,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_starve,
	.end = fault_feed,
};

static const struct fault starve_state = {
	.name = "starve-state",
	.what = "the state service gets no more memory than it has",
	.services = STATE,
	.weight = 2,
	.least_ms = 500,
	.most_ms = 2500,
	.most = 7,
	.recovery_ms = 1500,
	.effects = ENDS | REFUSES,
	.why_not = fault_needs_processes,
	.begin = fault_starve,
	.end = fault_feed,
};

static const struct fault starve_tcp = {
	.name = "starve-tcp",
	.what = "the transport gets no more memory than it has",
	.services = TCP,
	.weight = 2,
	.least_ms = 500,
	.most_ms = 2500,
	.most = 7,
	.recovery_ms = 4000,
	.effects = ENDS | DISCONNECTS,
	.why_not = fault_needs_processes,
	.begin = fault_starve,
	.end = fault_feed,
};

static const struct fault net_reset = {
	.name = "net-reset",
	.what = "all connections through the proxy are reset, twice",
	.services = NETWORK,
	.weight = 5,
	.least_ms = 100,
	.most_ms = 100,
	.recovery_ms = 2000,
	.effects = DISCONNECTS,
	.why_not = fault_needs_proxy,
	.begin = fault_reset,
	.end = fault_drop,
};

static const struct fault net_delay = {
	.name = "net-delay",
	.what = "the proxy delays each way by so many ms, and as much jitter",
	.services = NETWORK,
	.weight = 5,
	.least_ms = 1000,
	.most_ms = 5000,
	.least = 1,
	.most = 60,
	.recovery_ms = 1500,
	.why_not = fault_needs_proxy,
	.begin = fault_shape,
	.end = fault_heal,
};

static const struct fault net_slow = {
	.name = "net-slow",
	.what = "the proxy passes so many KiB/s of each connection, each way",
	.services = NETWORK,
	.weight = 3,
	.least_ms = 1000,
	.most_ms = 4000,
	.least = 300,
	.most = 4000,
	.recovery_ms = 4000,
	.why_not = fault_needs_proxy,
	.begin = fault_slow,
	.end = fault_heal,
};

static const struct fault net_freeze = {
	.name = "net-freeze",
	.what = "the proxy moves nothing, then goes on: also with what its host gave up",
	.services = NETWORK,
	.weight = 4,
	.least_ms = 100,
	.most_ms = 9000,
	.recovery_ms = 3000,
	.effects = DISCONNECTS,
	.why_not = fault_needs_proxy,
	.begin = fault_freeze,
	.end = fault_heal,
};

static const struct fault net_half_open = {
	.name = "net-half-open",
	.what = "the proxy forgets the connections there are, without ending them",
	.services = NETWORK,
	.weight = 3,
	.least_ms = 8000,
	.most_ms = 10000,
	.recovery_ms = 9000,
	.effects = DISCONNECTS,
	.why_not = fault_needs_proxy,
	.begin = fault_half_open,
	.end = fault_drop,
};

static const struct fault net_cut = {
	.name = "net-cut",
	.what = "all connections through the proxy are reset, and no new ones taken",
	.services = NETWORK,
	.weight = 3,
	.least_ms = 200,
	.most_ms = 3000,
	.recovery_ms = 2500,
	.effects = DISCONNECTS,
	.why_not = fault_needs_proxy,
	.begin = fault_cut,
	.end = fault_drop,
};

/* What was on its way on a connection that is still open must not be executed when it comes: its
 * host has lost another one, given all of them up, and written anew. */
static const struct fault net_late = {
	.name = "net-late",
	.what = "half of the connections are reset; the others deliver what they had much later",
	.services = NETWORK,
	.weight = 3,
	.least_ms = 500,
	.most_ms = 3500,
	.recovery_ms = 2500,
	.effects = DISCONNECTS,
	.why_not = fault_needs_proxy,
	.begin = fault_split,
	.end = fault_thaw,
	.is_over = fault_split_is_over,
};

static const struct fault net_loss = {
	.name = "net-loss",
	.what = "so many per cent of all packets are lost (nft)",
	.services = NETWORK,
	.weight = 4,
	.least_ms = 1000,
	.most_ms = 5000,
	.least = 1,
	.most = 8,
	.recovery_ms = 6000,
	.effects = DISCONNECTS,
	.why_not = fault_needs_nft,
	.begin = fault_lose,
	.end = fault_lose_no_more,
};

static const struct fault clock = {
	.name = "clock",
	.what = "the machine's date jumps by so many hours minus 1000, and back",
	.services = CLOCK,
	.least_ms = 1000,
	.most_ms = 3000,
	.most = 2000,
	.recovery_ms = 1000,
	.why_not = fault_needs_clock,
	.begin = fault_set_clock,
	.end = fault_set_clock_back,
};

static const struct fault disk_error = {
	.name = "disk-error",
	.what = "so many per cent of the I/Os of the disk fail",
	.services = DISK,
	.weight = 4,
	.least_ms = 500,
	.most_ms = 3000,
	.least = 1,
	.most = 20,
	.recovery_ms = 1000,
	.effects = FAULT_MAY_FAIL | FAULT_ENDS_WHEN_OVER,
	.why_not = fault_needs_disk,
	.begin = fault_disk_errors,
	.is_over = fault_disk_is_repaired,
};

static const struct fault disk_delay = {
	.name = "disk-delay",
	.what = "each I/O of the disk takes up to so many ms more",
	.services = DISK,
	.weight = 3,
	.least_ms = 500,
	.most_ms = 3000,
	.least = 5,
	.most = 200,
	.recovery_ms = 1500,
	.effects = FAULT_ENDS_WHEN_OVER,
	.why_not = fault_needs_disk,
	.begin = fault_disk_delays,
	.is_over = fault_disk_is_repaired,
};

static const struct fault disk_hang = {
	.name = "disk-hang",
	.what = "so many per cent of the I/Os of the disk have no end, until it is over",
	.services = DISK,
	.weight = 3,
	.least_ms = 500,
	.most_ms = 6000,
	.least = 5,
	.most = 50,
	.recovery_ms = 1500,
	.effects = FAULT_MAY_REFUSE | FAULT_ENDS_WHEN_OVER,
	.why_not = fault_needs_disk,
	.begin = fault_disk_hangs,
	.is_over = fault_disk_is_repaired,
};

static const struct fault disk_short = {
	.name = "disk-short",
	.what = "so many per cent of the I/Os of the disk are done in part, and fail",
	.services = DISK,
	.weight = 2,
	.least_ms = 500,
	.most_ms = 3000,
	.least = 5,
	.most = 50,
	.recovery_ms = 1000,
	.effects = FAULT_MAY_FAIL | FAULT_ENDS_WHEN_OVER,
	.why_not = fault_needs_disk,
	.begin = fault_disk_shortens,
	.is_over = fault_disk_is_repaired,
};

static const struct fault sabotage_lost = {
	.name = "sabotage-lost",
	.what = "blocks of the backing file get back what they held before a write",
	.services = DISK,
	.least_ms = 500,
	.most_ms = 500,
	.effects = SABOTAGE,
	.why_not = fault_needs_file,
	.begin = fault_sabotage,
	.end = fault_sabotage_end,
};

static const struct fault sabotage_torn = {
	.name = "sabotage-torn",
	.what = "half of each of some blocks gets back what it held",
	.services = DISK,
	.least_ms = 500,
	.most_ms = 500,
	.least = 1,
	.most = 1,
	.effects = SABOTAGE,
	.why_not = fault_needs_file,
	.begin = fault_sabotage,
	.end = fault_sabotage_end,
};

static const struct fault sabotage_swap = {
	.name = "sabotage-swap",
	.what = "neighbours of the backing file change places",
	.services = DISK,
	.least = 2,
	.most = 2,
	.effects = SABOTAGE,
	.why_not = fault_needs_file,
	.begin = fault_sabotage,
};

static const struct fault sabotage_stall = {
	.name = "sabotage-stall",
	.what = "a worker is stopped longer than is said",
	.services = IO,
	.least_ms = 3500,
	.most_ms = 3500,
	.effects = SABOTAGE,
	.why_not = fault_needs_processes,
	.begin = fault_stop,
	.end = fault_go_on,
	.is_over = fault_has_ended,
};

const struct fault *const faults[] = {
	&kill_io,    &kill_state,    &kill_tcp,      &kill_all,      &kill_set,
	&stop_io,    &stop_state,    &stop_tcp,      &hang_io,       &hang_state,
	&hang_tcp,   &restart_io,    &restart_state, &restart_tcp,   &restart_all,
	&starve_io,  &starve_state,  &starve_tcp,    &net_reset,     &net_delay,
	&net_slow,   &net_freeze,    &net_half_open, &net_cut,       &net_late,
	&net_loss,   &clock,         &disk_error,    &disk_delay,    &disk_hang,
	&disk_short, &sabotage_lost, &sabotage_torn, &sabotage_swap, &sabotage_stall,
};
const unsigned n_faults = sizeof(faults) / sizeof(faults[0]);

const struct fault *fault_named(const char *name)
{
	for (unsigned i = 0; i < n_faults; i++)
		if (strcmp(faults[i]->name, name) == 0)
			return faults[i];
	return NULL;
}
