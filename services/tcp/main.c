/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-tcp - speaks NVMe/TCP with hosts.
 *
 * Holds     its listeners, its connections, its arenas. No configuration, no backing device.
 * Hears     hosts; the state service (what to listen on, what to admit); the I/O workers.
 * On death  its hosts reconnect to the next one; other transports notice nothing.
 */
#include "services/tcp/wire.h"

int main(int argc, char **argv)
{
	return transport_main(&tcp_wire, argc, argv);
}
