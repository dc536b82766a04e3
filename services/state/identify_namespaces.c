/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/identify.h"

#include <string.h>

#include "common/nvme/protection.h"
#include "common/nvme/zns.h"
#include "services/state/endurance.h"
#include "services/state/reservations.h"

enum form { FORM_NVM, FORM_SPECIFIC, FORM_INDEPENDENT };

/* What a host may not see is not there for it, nor allocated; all else is attached to it. So each
 * CNS of allocated namespaces comes to the same as that of active ones. */
static const struct config_namespace *find(const struct admin_request *request)
{
	return subsystem_find_active(
		request->subsystem, request->session, le32_get(request->command->nsid));
}

static uint8_t csi_of(const struct config_namespace *namespace)
{
	return namespace->backing->zones.blocks > 0 ? NVME_CSI_ZNS : NVME_CSI_NVM;
}

static struct identify_namespace describe(const struct admin_request *request,
                                          const struct config_namespace *namespace)
{
	struct identify_namespace wanted = {
		.blocks = namespace->backing->blocks,
		.block_shift = namespace->backing->block_shift,
		.ana_group = namespace->ana_group,
		.endurance_group = endurance_group_of(namespace),
		.volatile_cache = namespace->backing->volatile_cache,
		.rotational = namespace->backing->actuators > 0,
		.deallocate = namespace->backing->deallocate &&
	                      namespace->backing->zones.blocks == 0,
		.preference = namespace->backing->preference,
		.write_protected = namespace->backing->write_protected,
		.csi = csi_of(namespace),
		.rescap = reservations_capabilities(namespace),
		.protection = request->port->pi_enable && request->subsystem->pi_enable &&
	                      protection_path_below(namespace->path),
	};

	memcpy(wanted.uuid, namespace->uuid, sizeof(wanted.uuid));
	memcpy(wanted.nguid, namespace->nguid, sizeof(wanted.nguid));
	memcpy(wanted.eui64, namespace->eui64, sizeof(wanted.eui64));
	return wanted;
}

/* Of a namespace that is not active but could be, all is zero (Base 2.1 §5.1.13.2.1). FFFFFFFFh,
 * what is common to all namespaces, is for controllers with Namespace Management (NVM 1.1
 * §4.1.5.1). */
static bool is_possible(uint32_t nsid)
{
	return nsid >= 1 && nsid <= NVME_MAX_NAMESPACES;
}

bool identify_has_set(const struct admin_request *request, struct admin_reply *reply)
{
	switch (IDENTIFY_CSI(request->command)) {
	case NVME_CSI_NVM:
	case NVME_CSI_ZNS:
		return true;
	}
	admin_refuse_byte(reply, IDENTIFY_CSI_BYTE);
	return false;
}

/* In the terms of the NVM command set it is all zero: no storage tags, no extended formats. */
static void build_specific(void *data, uint8_t csi, const struct backing_zones *zones)
{
	const struct identify_zones wanted = {
		.zone_blocks = zones->blocks,
		.open_max = zones->open_max,
		.active_max = zones->active_max,
	};

	if (csi == NVME_CSI_ZNS)
		identify_zns_namespace_build(data, &wanted);
}

static void build(void *data, const struct admin_request *request,
                  const struct config_namespace *namespace, enum form form)
{
	const struct identify_namespace wanted = describe(request, namespace);

	switch (form) {
	case FORM_NVM:
		identify_namespace_build(data, &wanted);
		break;
	case FORM_SPECIFIC:
		build_specific(data, IDENTIFY_CSI(request->command), &namespace->backing->zones);
		break;
	case FORM_INDEPENDENT:
		identify_independent_build(data, &wanted);
		break;
	}
}

/* A namespace says nothing in the terms of a command set that is not its own, but that zones are
 * based on the NVM command set (ZNS 1.1 §4.1.5); of one that is not there, it can only be a command
 * set that the controller does not have. */
static bool check_set(const struct admin_request *request, struct admin_reply *reply,
                      const struct config_namespace *namespace)
{
	uint8_t csi = IDENTIFY_CSI(request->command);

	if (!namespace)
		return identify_has_set(request, reply);
	if (csi == NVME_CSI_NVM || csi == csi_of(namespace))
		return true;
	admin_refuse_at(reply, NVME_SC_INVALID_COMMAND_SET, IDENTIFY_CSI_BYTE);
	return false;
}

static void identify_one(const struct admin_request *request, struct admin_reply *reply,
                         enum form form)
{
	const struct config_namespace *namespace = find(request);
	void *data;

	if (!is_possible(le32_get(request->command->nsid))) {
		admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
		return;
	}
	if (form == FORM_SPECIFIC && !check_set(request, reply, namespace))
		return;
	data = admin_data(reply, NVME_IDENTIFY_SIZE);
	if (data && namespace)
		build(data, request, namespace, form);
}

static void identify_descriptors(const struct admin_request *request, struct admin_reply *reply)
{
	const struct config_namespace *namespace = find(request);
	struct identify_namespace wanted;
	uint8_t *data;

	if (!namespace) {
		admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
		return;
	}
	wanted = describe(request, namespace);
	data = admin_data(reply, NVME_IDENTIFY_SIZE);
	if (data)
		identify_descriptors_build(data, &wanted);
}

/* ------------------------------------------------------------------ lists */

/* Of this command set, or, with -1, of each. */
static void put_list(const struct admin_request *request, struct nvme_namespace_list *list, int csi)
{
	uint32_t nsids[NVME_MAX_NAMESPACES];
	unsigned at = 0, count = subsystem_list_active(request->subsystem,
	                                               request->session,
	                                               le32_get(request->command->nsid),
	                                               nsids,
	                                               NVME_MAX_NAMESPACES);

	for (unsigned i = 0; i < count; i++)
		if (csi < 0 || csi_of(subsystem_find_active(
				       request->subsystem, request->session, nsids[i])) == csi)
			list->nsid[at++] = le32_of(nsids[i]);
}

static void identify_list(const struct admin_request *request, struct admin_reply *reply, int csi)
{
	struct nvme_namespace_list *list;

	if (le32_get(request->command->nsid) >= 0xfffffffe) {
		admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
		return;
	}
	list = (struct nvme_namespace_list *)admin_data(reply, NVME_IDENTIFY_SIZE);
	if (list)
		put_list(request, list, csi);
}

/* NSID first, as in the others. */
static void identify_list_of_set(const struct admin_request *request, struct admin_reply *reply)
{
	if (le32_get(request->command->nsid) < 0xfffffffe && !identify_has_set(request, reply))
		return;
	identify_list(request, reply, IDENTIFY_CSI(request->command));
}

bool identify_namespaces(const struct admin_request *request, struct admin_reply *reply)
{
	switch (IDENTIFY_CNS(request->command)) {
	case NVME_CNS_NAMESPACE:
	case NVME_CNS_ALLOCATED_NAMESPACE:
		identify_one(request, reply, FORM_NVM);
		return true;
	case NVME_CNS_CSI_NAMESPACE:
	case NVME_CNS_CSI_ALLOCATED_NAMESPACE:
		identify_one(request, reply, FORM_SPECIFIC);
		return true;
	case NVME_CNS_INDEPENDENT_NAMESPACE:
	case NVME_CNS_INDEPENDENT_ALLOCATED_NAMESPACE:
		identify_one(request, reply, FORM_INDEPENDENT);
		return true;
	case NVME_CNS_NAMESPACE_DESCRIPTORS:
		identify_descriptors(request, reply);
		return true;
	case NVME_CNS_ACTIVE_NAMESPACES:
	case NVME_CNS_ALLOCATED_NAMESPACES:
		identify_list(request, reply, -1);
		return true;
	case NVME_CNS_CSI_ACTIVE_NAMESPACES:
	case NVME_CNS_CSI_ALLOCATED_NAMESPACES:
		identify_list_of_set(request, reply);
		return true;
	}
	return false;
}
