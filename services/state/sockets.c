/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/sockets.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/base/log.h"

static int open_socket(struct state *state, struct ipc_server **ret_server, const char *name,
                       const struct ipc_role *role)
{
	char path[108]; /* sun_path */

	if (snprintf(path, sizeof(path), "%s/%s", state->run_dir, name) >= (int)sizeof(path)) {
		log_err("run directory: \"%s\" is too long for sockets in it; choose a shorter "
		        "--run-dir",
		        state->run_dir);
		return error_origin(-ENAMETOOLONG);
	}
	return ipc_server_new(ret_server, state->loop, path, state->instance, role, state);
}

int sockets_open(struct state *state)
{
	int r = open_socket(state, &state->worker_server, "worker/worker.sock", &worker_role);

	if (!r)
		r = open_socket(state,
		                &state->transport_server,
		                "transport/transport.sock",
		                &transport_role);
	if (!r)
		r = open_socket(
			state, &state->announce_server, "announce/announce.sock", &announce_role);
	if (!r)
		r = open_socket(state, &state->ctl_server, "ctl/ctl.sock", &ctl_role);
	return r;
}
