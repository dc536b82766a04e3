/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd - starts, watches and restarts the processes of a target.
 *
 * Holds     the descriptors that the others leave to their successors
 * Hears     what the others say by sd_notify(3)
 * On death  the others end with it; whoever started it starts it again
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/options.h"
#include "services/launcher/launcher.h"

static bool take_config(void *context, const char *value)
{
	((struct launcher_options *)context)->config = value;
	return *value != '\0';
}

static bool take_bin_dir(void *context, const char *value)
{
	((struct launcher_options *)context)->bin_dir = value;
	return *value != '\0';
}

static bool take_io(void *context, const char *value)
{
	return option_number(value, 1, PLAN_IO_MAX, &((struct launcher_options *)context)->n_io);
}

static bool take_watchdog(void *context, const char *value)
{
	struct launcher_options *options = context;

	return option_number(value, 0, 3600, &options->watchdog_s);
}

static bool take_when(enum plan_when *ret_when, const char *value)
{
	static const char *const words[] = {
		[PLAN_AUTO] = "auto", [PLAN_YES] = "yes", [PLAN_NO] = "no"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]) != 0)
			continue;
		*ret_when = (enum plan_when)i;
		return true;
	}
	return false;
}

static bool take_rdma(void *context, const char *value)
{
	return take_when(&((struct launcher_options *)context)->rdma, value);
}

static bool take_announce(void *context, const char *value)
{
	return take_when(&((struct launcher_options *)context)->announce, value);
}

/* nvmetd-rdma's */
static bool take_srq(void *context, const char *value)
{
	((struct launcher_options *)context)->srq = value;
	return strcmp(value, "on") == 0 || strcmp(value, "off") == 0 || strcmp(value, "auto") == 0;
}

/* The transports': that it would be refused is better said here. */
static bool take_trace(void *context, const char *value)
{
	unsigned number;

	((struct launcher_options *)context)->trace = value;
	return option_number(value, 0, 1000000, &number);
}

/* nvmetd-tcp's; it says whether the kernel has it. */
static bool take_congestion(void *context, const char *value)
{
	((struct launcher_options *)context)->congestion = value;
	return value[0] != '\0';
}

/* nvmetd-io's */
static bool take_device_timeout(void *context, const char *value)
{
	unsigned number;

	((struct launcher_options *)context)->device_timeout = value;
	return option_number(value, 0, 3600, &number);
}

static const struct service_option options_of_role[] = {
	{"announce",
         "WHEN",                   "runs nvmetd-announce: yes, no, or auto: if it is installed (auto)",
         take_announce											      },
	{"config",         "FILE", "exports to start with, in nvmetcli's format",                        take_config},
	{"io",             "N",    "I/O processes, 1 to 16 (default 1)",                                 take_io    },
	{"watchdog",
         "SECONDS",                "kills what hangs so long, 1 to 3600; 0 is never (5)",
         take_watchdog											      },
	{"bin-dir",
         "DIR",                    "where the other programs are (default: where this one is)",
         take_bin_dir											       },
	{"congestion",
         "NAME",                   "TCP congestion control of connections (the system's)",
         take_congestion											    },
	{"device-timeout",
         "SECONDS",                "how long a device may take for a request; 0: for ever (12)",
         take_device_timeout											},
	{"rdma",
         "WHEN",                   "runs nvmetd-rdma: yes, no, or auto: if the machine has RDMA (auto)",
         take_rdma												  },
	{"srq",
         "HOW",                    "shared receive queues of RDMA: on, off or auto (see nvmetd-rdma)",
         take_srq												   },
	{"trace",          "N",    "trace every Nth I/O command (see nvmetctl trace); 0: none (0)",      take_trace },
};

static const struct service_role role = {
	.program = "nvmetd",
	.default_name = "nvmetd",
	.purpose = "Runs an NVMe over Fabrics target: the processes nvmetd-state, nvmetd-io, "
		   "nvmetd-tcp, nvmetd-rdma and nvmetd-announce.",
	.options = options_of_role,
	.n_options = sizeof(options_of_role) / sizeof(options_of_role[0]),
	.has_state = true,
};

/* What the others notify us through is said by an absolute path (sd_notify(3)). */
static int make_absolute(const char **path, char *buffer)
{
	if (**path == '/')
		return 0;
	if (!realpath(*path, buffer)) {
		int r = -errno;

		log_err("\"%s\": has no absolute path: %s", *path, error_words(r));
		return r;
	}
	*path = buffer;
	return 0;
}

int main(int argc, char **argv)
{
	static char run_dir[PATH_MAX], state_dir[PATH_MAX];
	struct launcher_options options = {.n_io = 1, .watchdog_s = 5};
	_cleanup_(service_deinit) struct service service = SERVICE_NULL;
	_cleanup_(launcher_freep) struct launcher *launcher = NULL;
	int r;

	r = service_init(&service, &role, &options, argc, argv);
	if (r)
		return service_exit_code(r);
	r = make_absolute(&service.run_dir, run_dir);
	if (!r)
		r = make_absolute(&service.state_dir, state_dir);
	if (r)
		return service_exit_code(r);
	r = launcher_new(&launcher, &service, &options);
	if (r)
		return service_exit_code(r);
	return launcher_run(launcher);
}
