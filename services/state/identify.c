/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "common/nvme/identify.h"
#include "common/nvme/protection.h"
#include "services/state/admin.h"

#define CNS(command) (le32_get((command)->cdw10) & 0xff)
#define CSI(command) (le32_get((command)->cdw11) >> 24)
#define CSI_BYTE     (COMMAND_BYTE(cdw11) + 3)

static struct identify_namespace describe(const struct admin_request *request,
                                          const struct config_namespace *namespace)
{
	struct identify_namespace wanted = {
		.blocks = namespace->backing->blocks,
		.block_shift = namespace->backing->block_shift,
		.ana_group = namespace->ana_group,
		.volatile_cache = namespace->backing->volatile_cache,
		.protection = request->port->pi_enable && request->subsystem->pi_enable &&
	                      protection_path_below(namespace->path),
	};

	memcpy(wanted.uuid, namespace->uuid, sizeof(wanted.uuid));
	memcpy(wanted.nguid, namespace->nguid, sizeof(wanted.nguid));
	return wanted;
}

static void identify_controller(const struct admin_request *request, struct admin_reply *reply)
{
	const struct config_subsystem *subsystem = request->subsystem;
	struct identify_controller wanted = {
		.cntlid = request->session->cntlid,
		.mdts = config_mdts(request->port),
		.max_commands = config_queue_size(request->port),
		.in_capsule_bytes = config_in_capsule_bytes(request->port),
		.sgls = request->traits->sgls,
		.descriptors_max = request->traits->descriptors_max,
	};
	void *data = admin_data(reply, NVME_IDENTIFY_SIZE);

	if (!data)
		return;
	if (subsystem) {
		wanted.version = subsystem->version;
		wanted.vendor_id = subsystem->vendor_id;
		wanted.subsystem_vendor_id = subsystem->subsys_vendor_id;
		wanted.ieee_oui = subsystem->ieee_oui;
		wanted.serial = subsystem->serial;
		wanted.model = subsystem->model;
		wanted.firmware = subsystem->firmware;
		wanted.nqn = subsystem->nqn;
	} else {
		wanted.discovery = true;
		wanted.version = 0x20100;
		wanted.serial = request->target->discovery->serial;
		wanted.model = CONFIG_DEFAULT_MODEL;
		wanted.firmware = NVMETD_VERSION;
		wanted.nqn = request->target->config.discovery_nqn;
	}
	identify_controller_build(data, &wanted);
}

/* Of a namespace that is not active but could be, all is zero (Base 2.1 §5.1.13.2.1). */
static bool is_possible(uint32_t nsid)
{
	return nsid >= 1 && nsid <= NVME_MAX_NAMESPACES;
}

enum form { FORM_NVM, FORM_NVM_SPECIFIC, FORM_INDEPENDENT };

static void identify_namespace(const struct admin_request *request, struct admin_reply *reply,
                               enum form form)
{
	uint32_t nsid = le32_get(request->command->nsid);
	const struct config_namespace *namespace = subsystem_find_active(
		request->subsystem, request->session, nsid);
	struct identify_namespace wanted;
	void *data;

	if (!is_possible(nsid)) {
		admin_refuse(reply, NVME_SC_INVALID_NAMESPACE);
		return;
	}
	data = admin_data(reply, NVME_IDENTIFY_SIZE);
	if (!data || !namespace)
		return;
	wanted = describe(request, namespace);
	switch (form) {
	case FORM_NVM:
		identify_namespace_build(data, &wanted);
		break;
	case FORM_NVM_SPECIFIC: /* no storage tags, no extended formats: all zero */
		break;
	case FORM_INDEPENDENT:
		identify_independent_build(data, &wanted);
		break;
	}
}

static void identify_descriptors(const struct admin_request *request, struct admin_reply *reply)
{
	const struct config_namespace *namespace = subsystem_find_active(
		request->subsystem, request->session, le32_get(request->command->nsid));
	struct identify_namespace wanted;
	uint8_t *data;

	if (!namespace) {
		admin_refuse(reply, NVME_SC_INVALID_NAMESPACE);
		return;
	}
	wanted = describe(request, namespace);
	data = admin_data(reply, NVME_IDENTIFY_SIZE);
	if (data)
		identify_descriptors_build(data, &wanted);
}

static void identify_list(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t above = le32_get(request->command->nsid), nsids[NVME_MAX_NAMESPACES];
	struct nvme_namespace_list *list;
	unsigned count;

	if (above >= 0xfffffffe) {
		admin_refuse(reply, NVME_SC_INVALID_NAMESPACE);
		return;
	}
	list = (struct nvme_namespace_list *)admin_data(reply, NVME_IDENTIFY_SIZE);
	if (!list)
		return;
	count = subsystem_list_active(
		request->subsystem, request->session, above, nsids, NVME_MAX_NAMESPACES);
	for (unsigned i = 0; i < count; i++)
		list->nsid[i] = le32_of(nsids[i]);
}

/* One combination: the NVM command set. */
static void identify_command_sets(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t cntid = le32_get(request->command->cdw10) >> 16;
	struct nvme_command_sets *sets;

	if (cntid != 0xffff && cntid != request->session->cntlid) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10) + 2);
		return;
	}
	sets = (struct nvme_command_sets *)admin_data(reply, NVME_IDENTIFY_SIZE);
	if (sets)
		sets->combination[0] = le64_of(UINT64_C(1) << NVME_CSI_NVM);
}

static void identify_of_command_set(const struct admin_request *request, struct admin_reply *reply)
{
	if (CSI(request->command) != NVME_CSI_NVM) {
		admin_refuse_byte(reply, CSI_BYTE);
		return;
	}
	switch (CNS(request->command)) {
	case NVME_CNS_CSI_NAMESPACE:
		identify_namespace(request, reply, FORM_NVM_SPECIFIC);
		break;
	case NVME_CNS_CSI_ACTIVE_NAMESPACES:
		identify_list(request, reply);
		break;
	default: /* CNS 06h, the controller: no limits of its own (NVM 1.1 §4.1.5.2) */
		admin_data(reply, NVME_IDENTIFY_SIZE);
	}
}

void identify_execute(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t cns = CNS(request->command);

	if (cns != NVME_CNS_CONTROLLER && !request->subsystem) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
		return;
	}
	switch (cns) {
	case NVME_CNS_NAMESPACE:
		identify_namespace(request, reply, FORM_NVM);
		break;
	case NVME_CNS_CONTROLLER:
		identify_controller(request, reply);
		break;
	case NVME_CNS_ACTIVE_NAMESPACES:
		identify_list(request, reply);
		break;
	case NVME_CNS_NAMESPACE_DESCRIPTORS:
		identify_descriptors(request, reply);
		break;
	case NVME_CNS_CSI_NAMESPACE:
	case NVME_CNS_CSI_CONTROLLER:
	case NVME_CNS_CSI_ACTIVE_NAMESPACES:
		identify_of_command_set(request, reply);
		break;
	case NVME_CNS_INDEPENDENT_NAMESPACE:
		identify_namespace(request, reply, FORM_INDEPENDENT);
		break;
	case NVME_CNS_COMMAND_SETS:
		identify_command_sets(request, reply);
		break;
	default:
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
	}
}
