/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/transport/reserved.h"
#include "common/transport/zoned.h"

#define BLOCK_SHIFT_MIN 9
#define BLOCK_SHIFT_MAX 12

static void free_view(struct view *view)
{
	free(view->ports);
	free(view->subsystems);
	free(view->workers);
	free(view->namespaces);
	free(view->faces);
	free(view->glimpses);
	free(view->reservation_hosts);
	free(view->counts);
	free(view);
}

struct view *view_hold(struct view *view)
{
	atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
	return view;
}

struct view *view_drop(struct view *view)
{
	if (view && atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) == 1)
		free_view(view);
	return NULL;
}

static bool copy_string(char *to, size_t size, const char *from)
{
	size_t length = from ? strnlen(from, size) : 0;

	if (length >= size)
		return false;
	memcpy(to, from ? from : "", length);
	to[length] = 0;
	return true;
}

/* ------------------------------------------------------------------ ports */

static bool is_ana_state(uint32_t state)
{
	return (state >= VIEW_ANA_OPTIMIZED && state <= VIEW_ANA_PERSISTENT_LOSS) ||
	       state == VIEW_ANA_CHANGE;
}

/* Groups that are not named are as nvmet has them at first: group 1 optimized, others not
 * accessible. */
static const char *take_ana(struct view_port *port, const Nvmetd__ListenerView *from)
{
	memset(port->ana, VIEW_ANA_INACCESSIBLE, sizeof(port->ana));
	port->ana[1] = VIEW_ANA_OPTIMIZED;
	for (size_t i = 0; i < from->n_ana_groups; i++) {
		const Nvmetd__AnaGroupView *group = from->ana_groups[i];

		if (group->group == 0 || group->group > VIEW_ANA_GROUPS_MAX)
			return "an ANA group's number is out of range";
		if (!is_ana_state(group->state))
			return "an ANA state is unknown";
		port->ana[group->group] = (uint8_t)group->state;
	}
	return NULL;
}

static const char *take_port(struct view_port *port, const Nvmetd__ListenerView *from)
{
	port->id = from->port_id;
	port->in_capsule_bytes = from->in_capsule_bytes;
	port->max_queue_size = from->max_queue_size;
	port->pi_enable = from->pi_enable;
	if (!copy_string(port->adrfam, sizeof(port->adrfam), from->adrfam) ||
	    !copy_string(port->traddr, sizeof(port->traddr), from->traddr) ||
	    !copy_string(port->trsvcid, sizeof(port->trsvcid), from->trsvcid))
		return "a port's address is too long";
	if (port->in_capsule_bytes % 16 != 0 || port->in_capsule_bytes > 1u << 20)
		return "a port's in-capsule size is not possible";
	if (port->max_queue_size < 2 || port->max_queue_size > VIEW_QUEUE_SIZE_MAX)
		return "a port's queue size is out of range";
	return take_ana(port, from);
}

static const char *take_ports(struct view *view, const Nvmetd__TransportView *message)
{
	for (uint32_t i = 0; i < view->n_ports; i++) {
		const char *reason = take_port(&view->ports[i], message->listeners[i]);

		if (reason)
			return reason;
		for (uint32_t j = 0; j < i; j++)
			if (view->ports[j].id == view->ports[i].id)
				return "a port is there twice";
	}
	return NULL;
}

/* ------------------------------------------------------------------ workers */

static const char *take_workers(struct view *view, const Nvmetd__TransportView *message)
{
	for (uint32_t i = 0; i < view->n_workers; i++) {
		const Nvmetd__WorkerAddress *from = message->workers[i];
		struct view_worker *worker = &view->workers[i];

		if (!copy_string(worker->name, sizeof(worker->name), from->name) ||
		    !worker->name[0])
			return "a worker's name is empty or too long";
		if (!copy_string(worker->path, sizeof(worker->path), from->path))
			return "a worker's path is too long";
		if (from->token.len != sizeof(worker->token))
			return "a worker's token is not of 16 bytes";
		memcpy(worker->token, from->token.data, sizeof(worker->token));
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(view->workers[j].name, worker->name) == 0)
				return "a worker is there twice";
	}
	return NULL;
}

static uint16_t find_worker(const struct view *view, const char *name)
{
	for (uint32_t i = 0; i < view->n_workers; i++)
		if (name && strcmp(view->workers[i].name, name) == 0)
			return (uint16_t)i;
	return VIEW_NO_WORKER;
}

/* ------------------------------------------------------------------ subsystems */

static int compare_namespaces(const void *a, const void *b)
{
	const struct view_namespace *left = a, *right = b;

	return (left->nsid > right->nsid) - (left->nsid < right->nsid);
}

static const struct view_namespace *find_in(const struct view_namespace *namespaces, uint32_t count,
                                            uint32_t nsid)
{
	const struct view_namespace key = {.nsid = nsid};

	return bsearch(&key, namespaces, count, sizeof(namespaces[0]), compare_namespaces);
}

/* Masked or not. */
static const struct view_namespace *find_any(const struct view_subsystem *subsystem, uint32_t nsid)
{
	const struct view_namespace *found = find_in(
		subsystem->namespaces, subsystem->n_namespaces, nsid);

	return found ? found
	             : find_in(subsystem->namespaces + subsystem->n_namespaces,
	                       subsystem->n_hidden,
	                       nsid);
}

/* A namespace whose backing store is away keeps the time when it went, and its last known size:
 * commands to it can still be checked, and then wait. */
static void take_over(struct view_namespace *namespace, const struct view *before,
                      uint32_t subsystem, uint64_t now_ns)
{
	const struct view_subsystem *old_subsystem;
	const struct view_namespace *old;

	namespace->unready_since_ns = now_ns;
	old_subsystem = before ? view_subsystem(before, subsystem) : NULL;
	old = old_subsystem ? find_any(old_subsystem, namespace->nsid) : NULL;
	if (!old || old->handle != namespace->handle)
		return;
	if (!old->ready)
	namespace->unready_since_ns = old->unready_since_ns;
	if (namespace->blocks == 0) {
		namespace->blocks = old->blocks;
		namespace->block_shift = old->block_shift;
		namespace->zone_blocks = old->zone_blocks;
	}
}

static bool is_block_shift(uint32_t shift)
{
	return shift >= BLOCK_SHIFT_MIN && shift <= BLOCK_SHIFT_MAX;
}

static const char *take_namespace(struct view *view, struct view_namespace *namespace,
                                  const Nvmetd__NamespaceView *from)
{
	const char *reason;

	if (from->nsid == 0 || from->nsid == UINT32_MAX)
		return "a namespace's number is out of range";
	if (from->ready && !is_block_shift(from->block_shift))
		return "a namespace's block size is out of range";
	if (from->blocks > UINT64_MAX >> BLOCK_SHIFT_MAX)
		return "a namespace's size is out of range";
	if (from->ana_group == 0 || from->ana_group > VIEW_ANA_GROUPS_MAX)
		return "a namespace's ANA group is out of range";
	*namespace = (struct view_namespace){
		.nsid = from->nsid,
		.handle = from->handle,
		.worker = find_worker(view, from->worker),
		.ana_group = (uint8_t)from->ana_group,
		.block_shift = BLOCK_SHIFT_MIN,
		.write_protected = from->write_protected,
	};
	if (is_block_shift(from->block_shift)) {
		namespace->block_shift = (uint8_t)from->block_shift;
		namespace->blocks = from->blocks;
	}
	namespace->ready = from->ready && namespace->worker != VIEW_NO_WORKER;
	namespace->in_memory = from->in_memory;
	namespace->protection = from->protection;
	namespace->grant = from->granted && namespace->worker != VIEW_NO_WORKER; /* which: below */
	namespace->has_reservations = from->reservations;
	namespace->is_plain = namespace->ready && !from->reservation_type;
	reason = zoned_take(namespace, from);
	view->has_zones |= namespace->zone_blocks > 0;
	return reason ? reason : reserved_take(view, namespace, from);
}

static const char *take_namespaces(struct view *view, const struct view_subsystem *subsystem,
                                   struct view_namespace *namespaces,
                                   Nvmetd__NamespaceView *const *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *reason = take_namespace(view, &namespaces[i], from[i]);

		if (reason)
			return reason;
		if (i > 0 && namespaces[i].nsid <= namespaces[i - 1].nsid)
			return "a subsystem's namespaces are not in ascending order";
		if (namespaces != subsystem->namespaces &&
		    find_in(subsystem->namespaces, subsystem->n_namespaces, namespaces[i].nsid))
			return "a namespace is masked, and is not";
	}
	return NULL;
}

static const char *take_subsystem(struct view *view, struct view_subsystem *subsystem,
                                  const Nvmetd__SubsystemView *from, const struct view *before,
                                  uint64_t now_ns)
{
	const char *reason;

	subsystem->number = from->subsystem;
	subsystem->cap = from->cap;
	subsystem->vs = from->vs;
	subsystem->discovery = from->discovery;
	if (!copy_string(subsystem->nqn, sizeof(subsystem->nqn), from->nqn))
		return "a subsystem's name is too long";
	reason = take_namespaces(
		view, subsystem, subsystem->namespaces, from->namespaces, from->n_namespaces);
	if (!reason)
		reason = take_namespaces(view,
		                         subsystem,
		                         subsystem->namespaces + subsystem->n_namespaces,
		                         from->masked,
		                         from->n_masked);
	for (uint32_t i = 0; !reason && i < subsystem->n_namespaces + subsystem->n_hidden; i++)
		if (!subsystem->namespaces[i].ready)
			take_over(&subsystem->namespaces[i], before, subsystem->number, now_ns);
	return reason;
}

/* ------------------------------------------------------------------ faces */

static const char *take_face(struct view *view, struct view_face *face,
                             const struct view_subsystem *subsystem, const Nvmetd__FaceView *from)
{
	struct view_subsystem *seen = &face->subsystem;

	*seen = *subsystem;
	seen->n_hidden = 0;
	seen->n_faces = 0;
	seen->faces = NULL;
	seen->masked = view->glimpses + view->n_glimpses;
	if (!copy_string(face->host_nqn, sizeof(face->host_nqn), from->host_nqn))
		return "a host's name is too long";
	for (size_t i = 0; i < from->n_masked; i++) {
		if (from->masked[i] >= subsystem->n_hidden)
			return "a host sees a namespace that is not there";
		if (i > 0 && from->masked[i] <= from->masked[i - 1])
			return "what a host sees is not in ascending order";
		seen->masked[seen->n_masked++] =
			&subsystem->namespaces[subsystem->n_namespaces + from->masked[i]];
	}
	view->n_glimpses += seen->n_masked;
	return NULL;
}

static const char *take_faces(struct view *view, struct view_subsystem *subsystem,
                              const Nvmetd__SubsystemView *from)
{
	subsystem->faces = view->faces + view->n_faces;
	for (size_t i = 0; i < from->n_faces; i++) {
		struct view_face *face = &subsystem->faces[i];
		const char *reason = take_face(view, face, subsystem, from->faces[i]);

		if (reason)
			return reason;
		if (i > 0 && strcmp(face[-1].host_nqn, face->host_nqn) >= 0)
			return "a subsystem's hosts are not in ascending order";
	}
	subsystem->n_faces = (uint32_t)from->n_faces;
	view->n_faces += subsystem->n_faces;
	return NULL;
}

/* ------------------------------------------------------------------ all subsystems */

static int compare_subsystems(const void *a, const void *b)
{
	const struct view_subsystem *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

static const char *take_subsystems(struct view *view, const Nvmetd__TransportView *message,
                                   const struct view *before, uint64_t now_ns)
{
	struct view_namespace *next = view->namespaces;

	for (uint32_t i = 0; i < view->n_subsystems; i++) {
		struct view_subsystem *subsystem = &view->subsystems[i];
		const char *reason;

		subsystem->namespaces = next;
		subsystem->n_namespaces = (uint32_t)message->subsystems[i]->n_namespaces;
		subsystem->n_hidden = (uint32_t)message->subsystems[i]->n_masked;
		next += subsystem->n_namespaces + subsystem->n_hidden;
		reason = take_subsystem(view, subsystem, message->subsystems[i], before, now_ns);
		if (!reason)
			reason = take_faces(view, subsystem, message->subsystems[i]);
		if (reason)
			return reason;
	}
	qsort(view->subsystems,
	      view->n_subsystems,
	      sizeof(view->subsystems[0]),
	      compare_subsystems);
	for (uint32_t i = 1; i < view->n_subsystems; i++)
		if (view->subsystems[i].number == view->subsystems[i - 1].number)
			return "a subsystem is there twice";
	return NULL;
}

static void number_grants(struct view *view)
{
	for (uint32_t i = 0; i < view->n_namespaces; i++) {
		struct view_namespace *namespace = &view->namespaces[i];

		if (namespace->grant && view->n_grants < VIEW_GRANTS_MAX)
		namespace->grant = (uint16_t)++view->n_grants;
		else namespace->grant = 0;
	}
}

/* ------------------------------------------------------------------ the whole */

/* How many there are, of all subsystems. */
struct room {
	size_t namespaces;
	size_t faces;
	size_t glimpses;
	size_t hosts; /* with rights on what is reserved */
};

static size_t count_hosts(Nvmetd__NamespaceView *const *namespaces, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += reserved_count(namespaces[i]);
	return count;
}

/* False: it is more than a transport can hold. */
static bool count_room(const Nvmetd__TransportView *message, struct room *ret_room)
{
	struct room room = {0};

	if (message->n_listeners > VIEW_PORTS_MAX || message->n_workers > VIEW_WORKERS_MAX ||
	    message->n_subsystems > VIEW_SUBSYSTEMS_MAX)
		return false;
	for (size_t i = 0; i < message->n_subsystems; i++) {
		const Nvmetd__SubsystemView *subsystem = message->subsystems[i];

		room.namespaces += subsystem->n_namespaces + subsystem->n_masked;
		room.faces += subsystem->n_faces;
		for (size_t j = 0; j < subsystem->n_faces; j++)
			room.glimpses += subsystem->faces[j]->n_masked;
		room.hosts += count_hosts(subsystem->namespaces, subsystem->n_namespaces) +
		              count_hosts(subsystem->masked, subsystem->n_masked);
	}
	*ret_room = room;
	return room.namespaces <= VIEW_NAMESPACES_MAX && room.faces <= VIEW_GLIMPSES_MAX &&
	       room.glimpses <= VIEW_GLIMPSES_MAX && room.hosts <= VIEW_HOSTS_MAX;
}

static void *array_of(size_t count, size_t size)
{
	return calloc(count > 0 ? count : 1, size);
}

static int allocate(struct view **ret_view, const Nvmetd__TransportView *message,
                    const struct room *room, unsigned n_reactors)
{
	_cleanup_(view_dropp) struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return error_origin(-ENOMEM);
	atomic_init(&view->references, 1);
	view->n_ports = (uint32_t)message->n_listeners;
	view->n_workers = (uint32_t)message->n_workers;
	view->n_subsystems = (uint32_t)message->n_subsystems;
	view->n_namespaces = (uint32_t)room->namespaces;
	view->ports = array_of(view->n_ports, sizeof(view->ports[0]));
	view->workers = array_of(view->n_workers, sizeof(view->workers[0]));
	view->subsystems = array_of(view->n_subsystems, sizeof(view->subsystems[0]));
	view->namespaces = array_of(room->namespaces, sizeof(view->namespaces[0]));
	view->faces = array_of(room->faces, sizeof(view->faces[0]));
	view->glimpses = array_of(room->glimpses, sizeof(void *));
	view->reservation_hosts = array_of(room->hosts, VIEW_HOST_SIZE);
	view->counts = line_alloc(sizeof(view->counts[0]) * n_reactors);
	if (!view->ports || !view->workers || !view->subsystems || !view->namespaces ||
	    !view->faces || !view->glimpses || !view->reservation_hosts || !view->counts)
		return error_origin(-ENOMEM);
	for (unsigned i = 0; i < n_reactors; i++)
		view->counts[i] = (struct view_count){.view = view};
	*ret_view = take(&view);
	return 0;
}

/* A state service of an earlier release says none. */
static void take_limits(struct view *view, const Nvmetd__Limits *limits)
{
	view->limits = LIMITS_DEFAULT;
	if (!limits)
		return;
#define X(name, unit, standard, least, most, what) view->limits.name = limits->name;
	LIMITS(X)
#undef X
	limits_mend(&view->limits);
}

int view_new(struct view **ret_view, const Nvmetd__TransportView *message,
             const struct view *before, uint64_t now_ns, unsigned n_reactors,
             const char **ret_reason)
{
	_cleanup_(view_dropp) struct view *view = NULL;
	struct room room;
	const char *reason;
	int r;

	if (!count_room(message, &room)) {
		*ret_reason = "there is more in it than a transport can hold";
		return VIEW_E_UNSOUND;
	}
	r = allocate(&view, message, &room, n_reactors);
	if (r)
		return error_trace(r);
	view->revision = message->revision;
	view->serial = before ? before->serial + 1 : 1;
	reason = take_ports(view, message);
	if (!reason)
		reason = take_workers(view, message);
	if (!reason)
		reason = take_subsystems(view, message, before, now_ns);
	if (reason) {
		*ret_reason = reason;
		return VIEW_E_UNSOUND;
	}
	take_limits(view, message->limits);
	number_grants(view);
	*ret_view = take(&view);
	return 0;
}

/* ------------------------------------------------------------------ finding */

const struct view_port *view_port(const struct view *view, uint32_t id)
{
	for (uint32_t i = 0; i < view->n_ports; i++)
		if (view->ports[i].id == id)
			return &view->ports[i];
	return NULL;
}

const struct view_subsystem *view_subsystem(const struct view *view, uint32_t number)
{
	const struct view_subsystem key = {.number = number};

	return bsearch(&key,
	               view->subsystems,
	               view->n_subsystems,
	               sizeof(view->subsystems[0]),
	               compare_subsystems);
}

static int compare_host(const void *host_nqn, const void *face)
{
	return strcmp(host_nqn, ((const struct view_face *)face)->host_nqn);
}

const struct view_subsystem *view_subsystem_of(const struct view *view, uint32_t number,
                                               const char *host_nqn)
{
	const struct view_subsystem *subsystem = view_subsystem(view, number);
	const struct view_face *face;

	if (!subsystem || subsystem->n_faces == 0)
		return subsystem;
	face = bsearch(host_nqn,
	               subsystem->faces,
	               subsystem->n_faces,
	               sizeof(subsystem->faces[0]),
	               compare_host);
	return face ? &face->subsystem : subsystem;
}

static int compare_masked(const void *nsid, const void *masked)
{
	uint32_t left = *(const uint32_t *)nsid,
		 right = (*(const struct view_namespace *const *)masked)->nsid;

	return (left > right) - (left < right);
}

const struct view_namespace *view_namespace_search(const struct view_subsystem *subsystem,
                                                   uint32_t nsid)
{
	const struct view_namespace *found = find_in(
		subsystem->namespaces, subsystem->n_namespaces, nsid);
	const struct view_namespace **masked;

	if (found || subsystem->n_masked == 0)
		return found;
	masked = bsearch(&nsid,
	                 subsystem->masked,
	                 subsystem->n_masked,
	                 sizeof(subsystem->masked[0]),
	                 compare_masked);
	return masked ? *masked : NULL;
}

bool view_has_handle(const struct view *view, uint32_t handle)
{
	for (uint32_t i = 0; i < view->n_namespaces; i++)
		if (view->namespaces[i].handle == handle)
			return true;
	return false;
}
