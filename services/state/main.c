/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-state - knows what is exported to whom, and answers for it.
 *
 * Holds     the configuration and its database. No network, no devices.
 * Hears     transports (Connect, admin commands, their sessions), workers (what is ready),
 *           nvmetctl (restore, clear, save, status). Tells nvmetd-announce what to announce.
 * On death  I/O goes on; Connects and admin commands wait for the next one, which gets the
 *           sessions back from the transports and everything else from the database.
 */
#include <errno.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/service.h"
#include "services/state/fault.h"
#include "services/state/reconcile.h"
#include "services/state/sockets.h"
#include "services/state/startup.h"
#include "services/state/status.h"

struct options {
	const char *config;
};

static bool take_config(void *context, const char *value)
{
	struct options *options = context;

	options->config = value;
	return *value != '\0';
}

static const struct service_option options[] = {
	{"config", "FILE", "make this the configuration (nvmetcli's JSON)", take_config},
};

static const char *const run_folders[] = {"announce", "ctl", "transport", "worker", NULL};

static const struct service_role role = {
	.program = "nvmetd-state",
	.default_name = "state",
	.purpose = "Keeps what nvmetd exports, and answers Connect and admin commands.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.run_folders = run_folders,
};

static int serve(struct service *service, const struct options *given)
{
	struct state state;
	int r;

	state_init(&state, service->loop, service->run_dir, service->instance);
	state.service = service;
	r = startup(&state, service->state_dir, given->config);
	if (!r)
		r = sockets_open(&state);
	if (r < 0)
		log_err("start: failed: %s", error_words(r));
	if (!r) {
		reconcile(&state);
		service_ready(service);
		service_says(service, "%zu subsystems", state.target.config.n_subsystems);
		r = loop_run(service->loop);
	}
	status_deinit(&state);
	fault_deinit(&state);
	state_deinit(&state);
	return r == STARTUP_E_CONFIG ? SERVICE_E_USAGE : r;
}

int main(int argc, char **argv)
{
	struct service service = SERVICE_NULL;
	struct options given = {0};
	int r = service_init(&service, &role, &given, argc, argv);

	if (!r)
		r = serve(&service, &given);
	service_deinit(&service);
	return service_exit_code(r);
}
