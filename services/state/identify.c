/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "common/nvme/identify.h"
#include "common/nvme/zns.h"
#include "services/state/admin.h"
#include "services/state/endurance.h"
#include "services/state/identify.h"

static void identify_controller(const struct admin_request *request, struct admin_reply *reply)
{
	const struct config_subsystem *subsystem = request->subsystem;
	const struct limits *limits = &request->target->config.limits;
	struct identify_controller wanted = {
		.cntlid = request->session->cntlid,
		.mdts = config_mdts(request->port),
		.max_commands = config_queue_size(request->port),
		.in_capsule_bytes = config_in_capsule_bytes(request->port),
		.sgls = request->traits->sgls,
		.descriptors_max = request->traits->descriptors_max,
		.shutdown_ms = limits->shutdown_timeout_ms,
		.retry_delays = {(uint16_t)limits->crdt1,
	                         (uint16_t)limits->crdt2,
	                         (uint16_t)limits->crdt3},
	};
	void *data = admin_data(reply, NVME_IDENTIFY_SIZE);

	if (!data)
		return;
	if (subsystem) {
		subsystem->subsystem->identified = true;
		wanted.version = subsystem->version;
		wanted.vendor_id = subsystem->vendor_id;
		wanted.subsystem_vendor_id = subsystem->subsys_vendor_id;
		wanted.ieee_oui = subsystem->ieee_oui;
		wanted.serial = subsystem->serial;
		wanted.model = subsystem->model;
		wanted.firmware = subsystem->firmware;
		wanted.nqn = subsystem->nqn;
		wanted.is_static = subsystem->is_static;
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

/* CNS 06h. Of zones all is 0: ZASL, so that an append may be as large as any command. */
static void identify_controller_of_set(const struct admin_request *request,
                                       struct admin_reply *reply)
{
	struct nvme_identify_nvm_controller *wire;

	if (!identify_has_set(request, reply))
		return;
	wire = (struct nvme_identify_nvm_controller *)admin_data(reply, NVME_IDENTIFY_SIZE);
	if (wire && IDENTIFY_CSI(request->command) == NVME_CSI_NVM)
		wire->ver = le32_of(NVME_NVM_VERSION);
}

/* One combination: all command sets that there are. */
static void identify_command_sets(const struct admin_request *request, struct admin_reply *reply)
{
	uint16_t cntid = IDENTIFY_CNTID(request->command);
	struct nvme_command_sets *sets;

	if (cntid != 0xffff && cntid != request->session->cntlid) {
		admin_refuse_byte(reply, IDENTIFY_CNTID_BYTE);
		return;
	}
	sets = (struct nvme_command_sets *)admin_data(reply, NVME_IDENTIFY_SIZE);
	if (sets)
		sets->combination[0] = le64_of(UINT64_C(1) << NVME_CSI_NVM |
		                               UINT64_C(1) << NVME_CSI_ZNS);
}

/* From ENDGID on. A namespace that the host may not see has no group for it either. */
static void identify_endurance_groups(const struct admin_request *request,
                                      struct admin_reply *reply)
{
	uint16_t from = IDENTIFY_ENDGID(request->command), endgids[NVME_MAX_ENDURANCE_GROUPS];
	unsigned count = endurance_groups_list(request->subsystem, request->session, from, endgids);
	struct nvme_endurance_group_list *list = (struct nvme_endurance_group_list *)admin_data(
		reply, NVME_IDENTIFY_SIZE);

	if (!list)
		return;
	list->count = le16_of((uint16_t)count);
	for (unsigned i = 0; i < count; i++)
		list->endgid[i] = le16_of(endgids[i]);
}

/* What a controller that serves namespaces has besides what it says of them. */
static void identify_io(const struct admin_request *request, struct admin_reply *reply)
{
	switch (IDENTIFY_CNS(request->command)) {
	case NVME_CNS_CSI_CONTROLLER:
		identify_controller_of_set(request, reply);
		return;
	case NVME_CNS_COMMAND_SETS:
		identify_command_sets(request, reply);
		return;
	case NVME_CNS_ENDURANCE_GROUPS:
		identify_endurance_groups(request, reply);
		return;
	case NVME_CNS_NAMESPACE_CONTROLLERS:
	case NVME_CNS_CONTROLLERS:
		identify_controllers(request, reply);
		return;
	}
	if (!identify_namespaces(request, reply))
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
}

void identify_execute(const struct admin_request *request, struct admin_reply *reply)
{
	if (IDENTIFY_CNS(request->command) == NVME_CNS_CONTROLLER)
		identify_controller(request, reply);
	else if (request->subsystem)
		identify_io(request, reply);
	else
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
}
