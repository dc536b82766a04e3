/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/crowd.h"

#include <stdlib.h>

#include "common/base/error.h"

static struct crowd_port *find(const struct crowd *crowd, uint32_t port_id)
{
	for (size_t i = 0; i < crowd->n_ports; i++)
		if (crowd->ports[i].port_id == port_id)
			return &crowd->ports[i];
	return NULL;
}

static struct crowd_port *add(struct crowd *crowd, uint32_t port_id)
{
	size_t room = crowd->room ? 2 * crowd->room : 8;
	struct crowd_port *ports;

	if (crowd->n_ports == crowd->room) {
		ports = reallocarray(crowd->ports, room, sizeof(*ports));
		if (!ports)
			return NULL;
		crowd->ports = ports;
		crowd->room = room;
	}
	crowd->ports[crowd->n_ports] = (struct crowd_port){.port_id = port_id};
	return &crowd->ports[crowd->n_ports++];
}

bool crowd_enter(struct crowd *crowd, uint32_t port_id, uint32_t most)
{
	struct crowd_port *port = find(crowd, port_id);

	if (port && most > 0 && port->n >= most)
		return false;
	if (!port)
		port = add(crowd, port_id);
	if (!port)
		return false;
	port->n++;
	return true;
}

void crowd_leave(struct crowd *crowd, uint32_t port_id)
{
	struct crowd_port *port = find(crowd, port_id);

	must(port);
	if (--port->n == 0)
		*port = crowd->ports[--crowd->n_ports];
}

uint32_t crowd_count(const struct crowd *crowd, uint32_t port_id)
{
	const struct crowd_port *port = find(crowd, port_id);

	return port ? port->n : 0;
}

void crowd_deinit(struct crowd *crowd)
{
	free(crowd->ports);
	*crowd = (struct crowd){0};
}
