/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/loop/loop.h"
#include "common/loop/pulse.h"
#include "common/proc/cpus.h"

/*
 * service - what every process of ours does at its start, while it lives, and at its end.
 *
 * Shape     Command line (the same for all: --run-dir, --state-dir, --name, --threads,
 *           --cpus, --spin-us, --log-level, --help, --version; a role may add its own), log,
 *           main loop, signals, readiness and watchdog by systemd's notify protocol, which the
 *           launcher speaks as well as systemd does.
 * Promise   SIGTERM and SIGINT stop the loop: the end. SIGHUP stops it too, but is a planned
 *           restart: the process leaves what it can to a successor (store.h) and exits with 0,
 *           and its keeper, systemd or the launcher, starts the successor at once. Without a
 *           keeper SIGHUP does nothing. (No thread made after service_init() gets these
 *           signals.) SIGPIPE is ignored; descriptors that were not handed over are closed
 *           at start; as many may be open as the hard limit allows; no new privileges can be
 *           gained. The run directory exists, with what the role writes to in it. Where
 *           WATCHDOG_USEC is set, the main loop says
 *           WATCHDOG=1 four times in that time, while it turns itself and all threads that
 *           are watched have answered since the last time; which one hangs is logged before.
 *           Where NVMETD_RETRY_MS is set, one that could not start waits so long before it
 *           ends, for a keeper that starts it again at once.
 * Trust     the command line and the environment are the operator's
 * Threads   the main thread
 * Lifetime  service_deinit() frees all of it
 * Returns   0 or a negative errno; or
 */
enum service_error {
	SERVICE_E_DONE = 1, /* --help or --version was served: leave with 0 */
	SERVICE_E_USAGE,    /* the command line is wrong, and this was said: leave with 2 */
};

struct service_option {
	const char *name;     /* "arena-mib": given as --arena-mib VALUE */
	const char *argument; /* what --help calls the value; NULL: takes none */
	const char *help;
	/* False: not a good value (this is said with name and value). */
	bool (*take)(void *context, const char *value);
};

struct service_role {
	const char *program;      /* "nvmetd-io" */
	const char *default_name; /* "io-0" */
	const char *purpose;      /* a sentence for --help */
	const struct service_option *options;
	unsigned n_options;
	bool has_state; /* the state directory is made where it is missing */
	/* In the run directory, NULL at the end: what it makes there lies in these, which are made
	 * where they are missing. NULL: it is the run directory itself that it writes to. */
	const char *const *run_folders;
};

struct service {
	const struct service_role *role;
	const char *name;      /* of this instance, [a-z0-9-], 31 at most */
	const char *run_dir;   /* sockets; default /run/nvmetd */
	const char *state_dir; /* database; default /var/lib/nvmetd */
	unsigned threads;      /* default 1, at most 64 */
	unsigned spin_us;      /* the most that a loop may spin; default 50 */
	const char *log_level; /* as given, or NULL */
	const char *cpu_list;  /* as given, or NULL */
	struct cpus cpus;      /* the process is on these already; threads take one each */
	uint64_t instance;     /* random, new at each start */
	struct loop *loop;
	/* When loop_run() has returned: this is a planned restart, not the end. Then a service
	 * leaves what it holds to its successor, instead of ending it. */
	bool is_leaving;
	/* What SIGHUP does; NULL: service_leave(). Set after service_init(). */
	void (*hung_up)(void *context);
	void *hung_up_context;
	struct loop_source signals;
	struct loop_timer watchdog;
	uint64_t watchdog_ns;
	struct list pulses; /* of the other threads */
};

#define SERVICE_NULL ((struct service){.signals = {.fd = -1}})

int service_init(struct service *service, const struct service_role *role, void *options_context,
                 int argc, char **argv);
void service_deinit(struct service *service);

/* From now on the process is alive only while this thread answers; for as long as the main loop
 * turns. */
void service_watch(struct service *service, struct pulse *pulse);
/* The thread has ended as it should: its silence means nothing. Again does no harm. */
void service_watch_no_more(struct pulse *pulse);

/* Everything is open, and work may come. */
void service_ready(struct service *service);
/* A line for `systemctl status` and the launcher. */
void service_says(struct service *service, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Somebody who keeps our descriptors and starts us again when we end: systemd or the launcher. */
bool service_has_keeper(const struct service *service);
/* Begins a planned restart, as SIGHUP does: sets is_leaving and stops the loop. who: who wants
 * it, for the log. False: there is no keeper, and nothing is done. */
bool service_leave(struct service *service, const char *who);

/* A path below the run directory, into a buffer of at least 108 bytes (sun_path). A negative
 * errno (-ENAMETOOLONG, logged with what to do) if it does not fit. */
int service_run_path(const struct service *service, char *ret_path, const char *name);

/* What main() returns for what service_init() or loop_run() returned. The last thing it calls. */
int service_exit_code(int r);
