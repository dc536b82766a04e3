/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/identify.h"

#include <string.h>

/*
 * The controllers that there are: those of the sessions that transports have presented. One whose
 * transport is away is not there until it is presented again.
 */

#define IDS (UINT16_MAX + 1u)

static bool is_wanted(const struct session *session, const struct admin_request *request,
                      const struct config_namespace *namespace)
{
	return session->subsystem == request->session->subsystem &&
	       session->cntlid >= IDENTIFY_CNTID(request->command) &&
	       (!namespace || namespace_is_seen(namespace, session));
}

/* namespace: NULL: attached to whatever. */
static void list_controllers(const struct admin_request *request, struct admin_reply *reply,
                             const struct config_namespace *namespace)
{
	struct nvme_controller_list *list;
	uint8_t there[IDS / 8];
	uint32_t count = 0;

	list = (struct nvme_controller_list *)admin_data(reply, NVME_IDENTIFY_SIZE);
	if (!list)
		return;
	memset(there, 0, sizeof(there));
	list_for_each (at, (struct list *)request->sessions) {
		const struct session *session = container_of(at, struct session, link);

		if (is_wanted(session, request, namespace))
			there[session->cntlid / 8] |= (uint8_t)(1u << (session->cntlid % 8));
	}
	for (uint32_t id = 0; id < IDS && count < NVME_CONTROLLER_LIST_MAX; id++)
		if (there[id / 8] & 1u << (id % 8))
			list->cntlid[count++] = le16_of((uint16_t)id);
	list->count = le16_of((uint16_t)count);
}

/* Base 2.1 §5.1.13.2.12: of one namespace, so that FFFFFFFFh is no value of the field. */
static void list_attached(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);
	const struct config_namespace *namespace = subsystem_find_active(
		request->subsystem, request->session, nsid);

	if (nsid == NVME_NSID_ALL)
		admin_refuse_byte(reply, COMMAND_BYTE(nsid));
	else if (nsid == 0 || nsid > NVME_MAX_NAMESPACES)
		admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
	else if (!namespace) /* it is attached to none */
		admin_data(reply, NVME_IDENTIFY_SIZE);
	else
		list_controllers(request, reply, namespace);
}

void identify_controllers(const struct admin_request *request, struct admin_reply *reply)
{
	if (IDENTIFY_CNS(request->command) == NVME_CNS_CONTROLLERS)
		list_controllers(request, reply, NULL);
	else
		list_attached(request, reply);
}
