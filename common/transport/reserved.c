/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/reserved.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/transport/admission.h"
#include "common/transport/controller.h"
#include "common/transport/request.h"

/* ------------------------------------------------------------------ the view */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, VIEW_HOST_SIZE);
}

/* A state service of an earlier release gives them one by one. */
size_t reserved_count(const Nvmetd__NamespaceView *from)
{
	return from->n_reservation_hosts + from->reservation_rights.len / VIEW_HOST_SIZE;
}

static const char *take_hosts(uint8_t *hosts, const Nvmetd__NamespaceView *from)
{
	for (size_t i = 0; i < from->n_reservation_hosts; i++, hosts += VIEW_HOST_SIZE) {
		if (from->reservation_hosts[i].len != VIEW_HOST_SIZE)
			return "a host's identifier is not of 16 bytes";
		memcpy(hosts, from->reservation_hosts[i].data, VIEW_HOST_SIZE);
	}
	if (from->reservation_rights.len % VIEW_HOST_SIZE != 0)
		return "hosts' identifiers are not of 16 bytes";
	if (from->reservation_rights.len > 0)
		memcpy(hosts, from->reservation_rights.data, from->reservation_rights.len);
	return NULL;
}

const char *reserved_take(struct view *view, struct view_namespace *namespace,
                          const Nvmetd__NamespaceView *from)
{
	uint8_t *hosts = view->reservation_hosts + view->n_reservation_hosts * VIEW_HOST_SIZE;
	const char *reason;

	if (from->reservation_type > NVME_RESERVATION_TYPE_MAX)
		return "a reservation's type is unknown";
	namespace->reservation = (uint8_t)from->reservation_type;
	namespace->reservation_hosts = hosts;
	namespace->n_reservation_hosts = (uint32_t)reserved_count(from);
	reason = take_hosts(hosts, from);
	for (uint32_t i = 1; !reason && i < namespace->n_reservation_hosts;
	     i++, hosts += VIEW_HOST_SIZE)
		if (compare(hosts, hosts + VIEW_HOST_SIZE) >= 0)
			reason = "a reservation's hosts are not in ascending order";
	view->n_reservation_hosts += namespace->n_reservation_hosts;
	return reason;
}

/* ------------------------------------------------------------------ other commands */

static unsigned rights_of(const struct queue *queue, const struct view_namespace *namespace)
{
	bool has_rights = bsearch(queue->controller->host_id,
	                          namespace->reservation_hosts,
	                          namespace->n_reservation_hosts,
	                          VIEW_HOST_SIZE,
	                          compare);

	return reservation_rights((enum nvme_reservation_type) namespace->reservation, has_rights);
}

struct nvme_status reserved_check(struct queue *queue, const struct view_namespace *namespace,
                                  const struct nvme_command *command, uint16_t *ret_location)
{
	if (queue->rights_on != namespace) {
		queue->rights_on = namespace;
		queue->rights = (uint8_t)rights_of(queue, namespace);
	}
	if (queue->rights & reservation_need(command->opcode))
		return STATUS_OK;
	*ret_location = offsetof(struct nvme_command, opcode);
	return status_dnr(NVME_SC_RESERVATION_CONFLICT);
}

/* ------------------------------------------------------------------ reservation commands */

struct nvme_status reserved_admit(struct request *request, struct nvme_status status,
                                  struct decoded_transfer *ret_transfer)
{
	const struct nvme_command *command = &request->command;
	const struct queue *queue = request->queue;
	const struct view_namespace *namespace;

	if (status_code(status) != NVME_SC_INVALID_OPCODE ||
	    !reservation_is_command(command->opcode))
		return status;
	status = admission_find(queue->subsystem,
	                        queue->port,
	                        le32_get(command->nsid),
	                        &namespace,
	                        &request->error_location);
	if (!status_is_ok(status))
		return status;
	if (!namespace->has_reservations) {
		request->error_location = offsetof(struct nvme_command, opcode);
		return status_dnr(NVME_SC_INVALID_OPCODE);
	}
	request->kind = REQUEST_CONTROL;
	return reservation_decode_transfer(command, ret_transfer, &request->error_location);
}
