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
#include "common/loop/loop.h"
#include "common/proc/service.h"
#include "common/proc/store.h"
#include "services/io/worker.h"

static const char *const run_folders[] = {"io", NULL};

static const struct service_role role = {
	.program = "nvmetd-io",
	.default_name = "io-0",
	.purpose = "Serves the blocks of namespaces to the transports of nvmetd.",
	.run_folders = run_folders,
};

int main(int argc, char **argv)
{
	_cleanup_(service_deinit) struct service service = SERVICE_NULL;
	_cleanup_(worker_freep) struct worker *worker = NULL;
	int r;

	r = service_init(&service, &role, NULL, argc, argv);
	if (!r) {
		store_open();
		r = worker_new(&worker, &service);
	}
	if (!r) {
		service_ready(&service);
		r = loop_run(service.loop);
	}
	worker = worker_free(worker);
	store_close();
	return service_exit_code(r);
}
