/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-announce - tells the network where this target's discovery service is.
 *
 * Holds     a connection to the system's D-Bus, and outgoing TCP connections. No listeners, no
 *           devices, no files.
 * Hears     the state service (what to announce), avahi-daemon, central discovery controllers
 * On death  avahi-daemon withdraws what it announced; central discovery controllers hear nothing
 *           until the successor registers anew. Nothing else waits for it.
 */
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/loop/loop.h"
#include "common/proc/service.h"
#include "services/announce/announcer.h"

static const char *const run_folders[] = {NULL};

static const struct service_role role = {
	.program = "nvmetd-announce",
	.default_name = "announce",
	.purpose = "Announces nvmetd's discovery service by mDNS and to central discovery "
		   "controllers.",
	.run_folders = run_folders,
};

int main(int argc, char **argv)
{
	_cleanup_(service_deinit) struct service service = SERVICE_NULL;
	_cleanup_(announcer_freep) struct announcer *announcer = NULL;
	int r;

	r = service_init(&service, &role, NULL, argc, argv);
	if (!r) {
		r = announcer_new(&announcer, &service);
		if (r)
			log_err("start: failed: %s", error_words(r));
	}
	if (!r) {
		service_ready(&service);
		r = loop_run(service.loop);
		announcer_withdraw(announcer);
	}
	announcer = announcer_free(announcer);
	return service_exit_code(r);
}
