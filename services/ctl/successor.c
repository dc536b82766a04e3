/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/successor.h"

#include <string.h>

const Nvmetd__ProcessStatus *successor_find(const Nvmetd__CtlStatusReply *status, const char *name)
{
	for (size_t i = 0; i < status->n_processes; i++)
		if (strcmp(status->processes[i]->name, name) == 0)
			return status->processes[i];
	return NULL;
}

bool successor_is_there(const Nvmetd__ProcessStatus *before, const Nvmetd__CtlStatusReply *now)
{
	const Nvmetd__ProcessStatus *process = successor_find(now, before->name);

	return process && process->instance != before->instance && process->answered;
}

/* ------------------------------------------------------------------ works */

static bool is_up(const Nvmetd__LinkStatus *link)
{
	return strcmp(link->state, "up") == 0;
}

static bool has_link(const Nvmetd__TransportStatus *transport, const Nvmetd__LinkStatus *wanted)
{
	for (size_t i = 0; i < transport->n_links; i++)
		if (transport->links[i]->thread == wanted->thread && is_up(transport->links[i]) &&
		    strcmp(transport->links[i]->worker, wanted->worker) == 0)
			return true;
	return false;
}

static bool process_works(const Nvmetd__ProcessStatus *before, const Nvmetd__ProcessStatus *now)
{
	if (!before->answered)
		return true;
	if (!now || !now->answered)
		return false;
	if (!before->transport || !now->transport)
		return true;
	for (size_t i = 0; i < before->transport->n_links; i++)
		if (is_up(before->transport->links[i]) &&
		    !has_link(now->transport, before->transport->links[i]))
			return false;
	return true;
}

static bool listens_if_there(const Nvmetd__CtlStatusReply *status, uint32_t port_id)
{
	for (size_t i = 0; i < status->n_ports; i++)
		if (status->ports[i]->port_id == port_id)
			return status->ports[i]->listening;
	return true;
}

static bool is_ready_if_there(const Nvmetd__CtlStatusReply *status, uint32_t handle)
{
	for (size_t i = 0; i < status->n_subsystems; i++) {
		const Nvmetd__SubsystemStatus *subsystem = status->subsystems[i];

		for (size_t k = 0; k < subsystem->n_namespaces; k++)
			if (subsystem->namespaces[k]->enabled &&
			    subsystem->namespaces[k]->handle == handle)
				return subsystem->namespaces[k]->ready;
	}
	return true;
}

static bool subsystem_works(const Nvmetd__SubsystemStatus *before,
                            const Nvmetd__CtlStatusReply *now)
{
	for (size_t i = 0; i < before->n_namespaces; i++)
		if (before->namespaces[i]->ready &&
		    !is_ready_if_there(now, before->namespaces[i]->handle))
			return false;
	return true;
}

bool successor_works(const Nvmetd__CtlStatusReply *before, const Nvmetd__CtlStatusReply *now)
{
	for (size_t i = 0; i < before->n_processes; i++)
		if (!process_works(before->processes[i],
		                   successor_find(now, before->processes[i]->name)))
			return false;
	for (size_t i = 0; i < before->n_ports; i++)
		if (before->ports[i]->listening &&
		    !listens_if_there(now, before->ports[i]->port_id))
			return false;
	for (size_t i = 0; i < before->n_subsystems; i++)
		if (!subsystem_works(before->subsystems[i], now))
			return false;
	return true;
}

/* ------------------------------------------------------------------ connections */

unsigned successor_connections(const Nvmetd__ProcessStatus *process)
{
	unsigned sum = 0;

	for (size_t i = 0; process->transport && i < process->transport->n_controllers; i++)
		sum += (unsigned)process->transport->controllers[i]->n_queues;
	return sum;
}

static const Nvmetd__ControllerStatus *find_controller(const Nvmetd__TransportStatus *transport,
                                                       const Nvmetd__ControllerStatus *wanted)
{
	for (size_t i = 0; transport && i < transport->n_controllers; i++)
		if (transport->controllers[i]->subsystem == wanted->subsystem &&
		    transport->controllers[i]->cntlid == wanted->cntlid)
			return transport->controllers[i];
	return NULL;
}

/* The host's port is another one in a connection that was made anew. */
static bool has_queue(const Nvmetd__ControllerStatus *controller, const Nvmetd__QueueStatus *wanted)
{
	for (size_t i = 0; controller && i < controller->n_queues; i++)
		if (controller->queues[i]->qid == wanted->qid &&
		    strcmp(controller->queues[i]->host_address, wanted->host_address) == 0)
			return true;
	return false;
}

unsigned successor_kept(const Nvmetd__ProcessStatus *before, const Nvmetd__ProcessStatus *now)
{
	unsigned kept = 0;

	for (size_t i = 0; before->transport && i < before->transport->n_controllers; i++) {
		const Nvmetd__ControllerStatus *old = before->transport->controllers[i];
		const Nvmetd__ControllerStatus *controller = find_controller(now->transport, old);

		for (size_t k = 0; k < old->n_queues; k++)
			kept += has_queue(controller, old->queues[k]);
	}
	return kept;
}
