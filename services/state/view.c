/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/view.h"

#include <stdio.h>
#include <string.h>

#include "common/nvme/protection.h"
#include "services/state/move.h"
#include "services/state/reservations.h"
#include "services/state/view_faces.h"
#include "services/state/visibility.h"

#define CAP_TO_MS 500

/* CAP (Base 2.1 §3.1.4.1): CQR, as all our queues are contiguous to the host; TO; NSSRS; the NVM
 * command set, and on I/O controllers that there is a list of them (CSS bits 37, 43); ready when
 * its media are (CRWMS, bit 59, which 2.0 made mandatory). DSTRD, MPSMIN and MPSMAX are 0: a
 * transport maps no pages. */
uint64_t view_cap(const struct limits *limits, const struct config_subsystem *subsystem)
{
	uint64_t to = (limits->ready_timeout_ms + CAP_TO_MS - 1) / CAP_TO_MS;
	uint64_t cap = UINT64_C(1) << 16 | to << 24 | UINT64_C(1) << 37 | UINT64_C(1) << 59;

	if (!subsystem) /* discovery */
		return cap;
	return cap | UINT64_C(1) << 43 | (uint64_t)subsystem->enable_nssr << 36;
}

static void put_limits(struct scratch *scratch, Nvmetd__TransportView *view,
                       const struct limits *limits)
{
	view->limits = scratch_take(scratch, sizeof(*view->limits));
	if (!view->limits)
		return;
	nvmetd__limits__init(view->limits);
#define X(name, unit, standard, least, most, what) view->limits->name = limits->name;
	LIMITS(X)
#undef X
}

/* ------------------------------------------------------------------ transports */

/* Groups that a port does not name are inaccessible there, and said to be so, as a transport
 * admits nothing of a group that it does not know. */
static size_t put_groups(struct scratch *scratch, Nvmetd__ListenerView *listener,
                         const struct config_port *port, const bool *used)
{
	Nvmetd__AnaGroupView **groups;
	size_t count = 0;

	groups = (Nvmetd__AnaGroupView **)scratch_array(
		scratch, NVME_MAX_ANA_GROUPS, sizeof(**groups));
	for (uint32_t group = 1; groups && group <= NVME_MAX_ANA_GROUPS; group++) {
		bool named = false;

		for (size_t i = 0; i < port->n_groups; i++)
			named |= port->groups[i].group == group;
		if (!named && !used[group])
			continue;
		nvmetd__ana_group_view__init(groups[count]);
		groups[count]->group = group;
		groups[count]->state = config_ana_state(port, group);
		count++;
	}
	listener->ana_groups = groups;
	return count;
}

static void put_listener(struct scratch *scratch, Nvmetd__ListenerView *listener,
                         const struct config_port *port, const bool *used)
{
	nvmetd__listener_view__init(listener);
	listener->port_id = port->port_id;
	listener->adrfam = (char *)port->address.adrfam;
	listener->traddr = (char *)port->address.traddr;
	listener->trsvcid = (char *)port->address.trsvcid;
	listener->in_capsule_bytes = config_in_capsule_bytes(port);
	listener->max_queue_size = config_queue_size(port);
	listener->pi_enable = port->pi_enable;
	listener->n_ana_groups = put_groups(scratch, listener, port, used);
}

static void find_used_groups(const struct target *target, bool *used)
{
	for (size_t i = 0; i < target->config.n_subsystems; i++) {
		const struct config_subsystem *subsystem = &target->config.subsystems[i];

		for (size_t j = 0; j < subsystem->n_namespaces; j++)
			used[subsystem->namespaces[j].ana_group] = true;
	}
}

static void put_listeners(struct scratch *scratch, Nvmetd__TransportView *view,
                          const struct target *target, const char *trtype)
{
	bool used[NVME_MAX_ANA_GROUPS + 1] = {false};

	find_used_groups(target, used);
	view->listeners = (Nvmetd__ListenerView **)scratch_array(
		scratch, target->config.n_ports, sizeof(**view->listeners));
	for (size_t i = 0; view->listeners && i < target->config.n_ports; i++) {
		const struct config_port *port = &target->config.ports[i];

		if (config_port_listens(port) && strcmp(port->address.trtype, trtype) == 0)
			put_listener(scratch, view->listeners[view->n_listeners++], port, used);
	}
}

static void put_namespace(struct scratch *scratch, Nvmetd__NamespaceView *view,
                          const struct config_subsystem *subsystem,
                          const struct config_namespace *namespace)
{
	const struct backing *backing = namespace->backing;

	nvmetd__namespace_view__init(view);
	view->nsid = namespace->nsid;
	view->handle = backing->handle;
	view->worker = (char *)backing->worker;
	view->block_shift = backing->block_shift;
	view->blocks = backing->blocks;
	view->ana_group = namespace->ana_group;
	view->write_protected = backing->write_protected;
	view->ready = backing->ready && !backing->move;
	view->granted = namespace->io_grant && !backing->move && backing->zones.blocks == 0;
	view->in_memory = config_is_in_memory(backing->path);
	view->protection = subsystem->pi_enable && protection_path_below(backing->path);
	view->zone_blocks = backing->zones.blocks;
	reservations_put_view(scratch, view, namespace);
}

static size_t count_masked(const struct config_subsystem *subsystem)
{
	size_t count = 0;

	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		count += namespace_is_masked(&subsystem->namespaces[i]);
	return count;
}

/* What all hosts see, and what only some do. */
static void put_namespaces(struct scratch *scratch, Nvmetd__SubsystemView *view,
                           const struct config_subsystem *subsystem)
{
	size_t room = count_masked(subsystem);
	const struct config_namespace **masked = scratch_take(scratch, room * sizeof(*masked));

	view->namespaces = (Nvmetd__NamespaceView **)scratch_array(
		scratch, subsystem->n_namespaces - room, sizeof(**view->namespaces));
	view->masked = (Nvmetd__NamespaceView **)scratch_array(
		scratch, room, sizeof(**view->masked));
	if (!view->namespaces || !view->masked || !masked)
		return;
	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = subsystem->sorted[i];

		if (!namespace_is_active(namespace))
			continue;
		if (!namespace_is_masked(namespace)) {
			put_namespace(scratch,
			              view->namespaces[view->n_namespaces++],
			              subsystem,
			              namespace);
			continue;
		}
		masked[view->n_masked] = namespace;
		put_namespace(scratch, view->masked[view->n_masked++], subsystem, namespace);
	}
	view_faces_put(scratch, view, masked);
}

static void put_subsystem(struct scratch *scratch, Nvmetd__SubsystemView *view,
                          const struct config_subsystem *subsystem, const struct limits *limits)
{
	nvmetd__subsystem_view__init(view);
	view->subsystem = subsystem->subsystem->number;
	view->nqn = (char *)subsystem->nqn;
	view->cap = view_cap(limits, subsystem);
	view->vs = subsystem->version;
	put_namespaces(scratch, view, subsystem);
}

static void put_discovery(Nvmetd__SubsystemView *view, const struct target *target)
{
	nvmetd__subsystem_view__init(view);
	view->subsystem = target->discovery->number;
	view->nqn = (char *)target->config.discovery_nqn;
	view->cap = view_cap(&target->config.limits, NULL);
	view->vs = 0x20100;
	view->discovery = true;
}

static void put_workers(struct scratch *scratch, Nvmetd__TransportView *view,
                        const struct view_token *workers, size_t n_workers)
{
	view->workers = (Nvmetd__WorkerAddress **)scratch_array(
		scratch, n_workers, sizeof(**view->workers));
	for (size_t i = 0; view->workers && i < n_workers; i++) {
		Nvmetd__WorkerAddress *address = view->workers[view->n_workers++];

		nvmetd__worker_address__init(address);
		address->name = (char *)workers[i].peer;
		address->path = (char *)workers[i].path;
		address->token.data = (uint8_t *)workers[i].token;
		address->token.len = 16;
	}
}

Nvmetd__TransportView *view_of_transport(struct scratch *scratch, const struct target *target,
                                         const char *trtype, const struct view_token *workers,
                                         size_t n_workers)
{
	Nvmetd__TransportView *view = scratch_take(scratch, sizeof(*view));

	if (!view)
		return NULL;
	nvmetd__transport_view__init(view);
	put_listeners(scratch, view, target, trtype);
	view->subsystems = (Nvmetd__SubsystemView **)scratch_array(
		scratch, target->config.n_subsystems + 1, sizeof(**view->subsystems));
	if (view->subsystems)
		put_discovery(view->subsystems[view->n_subsystems++], target);
	for (size_t i = 0; view->subsystems && i < target->config.n_subsystems; i++)
		put_subsystem(scratch,
		              view->subsystems[view->n_subsystems++],
		              &target->config.subsystems[i],
		              &target->config.limits);
	put_limits(scratch, view, &target->config.limits);
	put_workers(scratch, view, workers, n_workers);
	return scratch->failed ? NULL : view;
}

/* ------------------------------------------------------------------ workers */

static bool is_served_by(const struct backing *backing, const char *worker)
{
	const struct move *move = backing->move;

	return backing->use != BACKING_UNUSED &&
	       (strcmp(backing->worker, worker) == 0 ||
	        (move && move->phase == MOVE_OPENING && strcmp(move->to, worker) == 0));
}

/* It is closed by the one that has it, and opened by the other one with what that has kept. */
static void put_move(Nvmetd__BackingView *view, const struct backing *backing, const char *worker)
{
	struct move *move = backing->move;

	if (!move || move->phase == MOVE_DRAINING)
		return;
	if (strcmp(backing->worker, worker) == 0) {
		view->release.data = move->token;
		view->release.len = sizeof(move->token);
		return;
	}
	view->from_path = (char *)move->from_path;
	view->from_token.data = move->token;
	view->from_token.len = sizeof(move->token);
}

/* The configuration has this, not the backing: a change of only this keeps the store open. */
static void mark_backings(const struct target *target)
{
	list_for_each (at, (struct list *)&target->backings) {
		struct backing *backing = container_of(at, struct backing, link);

		backing->io_grant = false;
		backing->faults = NULL;
		backing->n_faults = 0;
	}
	for (size_t i = 0; i < target->config.n_subsystems; i++) {
		const struct config_subsystem *subsystem = &target->config.subsystems[i];

		for (size_t j = 0; j < subsystem->n_namespaces; j++) {
			const struct config_namespace *namespace = &subsystem->namespaces[j];

			if (!namespace->backing)
				continue;
			namespace->backing->io_grant = namespace->io_grant;
			namespace->backing->faults = namespace->faults;
			namespace->backing->n_faults = namespace->n_faults;
		}
	}
}

static void put_backing(struct scratch *scratch, Nvmetd__BackingView *view,
                        const struct backing *backing)
{
	size_t label_size = strlen(backing->nqn) + 16;

	nvmetd__backing_view__init(view);
	view->handle = backing->handle;
	view->path = backing->path;
	view->buffered = backing->buffered_io;
	if (backing->block_size)
		view->block_shift = backing->block_size == 4096 ? 12 : 9;
	view->zone_bytes = backing->zones_wanted.bytes;
	view->zone_capacity = backing->zones_wanted.capacity;
	view->zones_open_max = backing->zones_wanted.open_max;
	view->zones_active_max = backing->zones_wanted.active_max;
	view->io_grant = backing->io_grant;
	view->faults = backing->faults;
	view->n_faults = backing->n_faults;
	view->label = scratch_take(scratch, label_size);
	if (view->label)
		snprintf(view->label, label_size, "%s:%u", backing->nqn, backing->nsid);
}

static void put_grant(struct scratch *scratch, Nvmetd__Grant *grant,
                      const struct view_token *transport, const Nvmetd__WorkerView *view)
{
	nvmetd__grant__init(grant);
	grant->transport = (char *)transport->peer;
	grant->token.data = (uint8_t *)transport->token;
	grant->token.len = 16;
	grant->handles = scratch_take(scratch, view->n_namespaces * sizeof(*grant->handles));
	for (size_t i = 0; grant->handles && i < view->n_namespaces; i++)
		grant->handles[grant->n_handles++] = view->namespaces[i]->handle;
}

Nvmetd__WorkerView *view_of_worker(struct scratch *scratch, const struct target *target,
                                   const char *worker, const struct view_token *transports,
                                   size_t n_transports)
{
	Nvmetd__WorkerView *view = scratch_take(scratch, sizeof(*view));
	size_t room = 0;

	if (!view)
		return NULL;
	nvmetd__worker_view__init(view);
	mark_backings(target);
	list_for_each (at, (struct list *)&target->backings)
		room += is_served_by(container_of(at, struct backing, link), worker);
	view->namespaces = (Nvmetd__BackingView **)scratch_array(
		scratch, room, sizeof(**view->namespaces));
	if (!view->namespaces)
		return NULL;
	list_for_each (at, (struct list *)&target->backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (!is_served_by(backing, worker))
			continue;
		put_backing(scratch, view->namespaces[view->n_namespaces], backing);
		put_move(view->namespaces[view->n_namespaces++], backing, worker);
	}
	view->grants = (Nvmetd__Grant **)scratch_array(
		scratch, n_transports, sizeof(**view->grants));
	for (size_t i = 0; view->grants && i < n_transports; i++)
		put_grant(scratch, view->grants[view->n_grants++], &transports[i], view);
	return scratch->failed ? NULL : view;
}
