/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-rdma - speaks NVMe/RDMA with hosts.
 *
 * Holds     its listeners, its queue pairs, its arenas. No configuration, no backing device.
 * Hears     hosts; the state service (what to listen on, what to admit); the I/O workers.
 * On death  its hosts reconnect to the next one; other transports notice nothing. So they do in
 *           a planned restart: the objects of verbs belong to the process that made them.
 */
#include "services/rdma/wire.h"

int main(int argc, char **argv)
{
	return transport_main(&rdma_wire, argc, argv);
}
