/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-io - carries out I/O commands on files, block devices and memory.
 *
 * Holds     the open backing devices, and the memory that transports have handed over. No
 *           network: its only sockets are UNIX ones in the run directory.
 * Hears     the state service (what to serve, for whom), the transports (requests)
 * On death  nothing acknowledged is lost: the transports keep a copy of every request in
 *           flight and send it to the successor, which has the devices only when the last
 *           request of its predecessor is over.
 */
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/loop/loop.h"
#include "common/proc/options.h"
#include "common/proc/service.h"
#include "common/proc/store.h"
#include "services/io/worker.h"

static bool take_device_timeout(void *context, const char *value)
{
	return option_number(value, 0, 3600, &((struct worker_options *)context)->device_timeout_s);
}

static const struct service_option options_of_role[] = {
	{"device-timeout",
         "SECONDS", "how long a device may take for a request, 1 to 3600; 0: for ever (12)",
         take_device_timeout},
};

static const char *const run_folders[] = {"io", NULL};

static const struct service_role role = {
	.program = "nvmetd-io",
	.default_name = "io-0",
	.purpose = "Serves the blocks of namespaces to the transports of nvmetd.",
	.options = options_of_role,
	.n_options = 1,
	.run_folders = run_folders,
};

int main(int argc, char **argv)
{
	_cleanup_(service_deinit) struct service service = SERVICE_NULL;
	_cleanup_(worker_freep) struct worker *worker = NULL;
	struct worker_options options = WORKER_OPTIONS;
	int r;

	r = service_init(&service, &role, &options, argc, argv);
	if (!r) {
		store_open();
		r = worker_new(&worker, &service, &options);
		if (r)
			log_err("start: failed: %s", error_words(r));
	}
	if (!r) {
		service_ready(&service);
		r = loop_run(service.loop);
	}
	worker = worker_free(worker);
	store_close();
	return service_exit_code(r);
}
