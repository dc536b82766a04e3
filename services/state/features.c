/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/features.h"

#include "common/nvme/identify.h"
#include "services/state/identify.h"

#define FID(command) ((uint8_t)le32_get((command)->cdw10))
#define SEL(command) ((le32_get((command)->cdw10) >> 8) & 0x7)
#define SV           (1u << 31)

/* What SEL = 011b is answered with, dword 0 */
#define CAN_BE_OF_NAMESPACE 0x2u
#define CAN_BE_CHANGED      0x4u

static const struct feature *find(const struct feature *features, unsigned n, uint8_t fid)
{
	for (unsigned i = 0; i < n; i++)
		if (features[i].fid == (enum nvme_feature)fid)
			return &features[i];
	return NULL;
}

const struct feature *feature_find(const struct admin_request *request, uint8_t fid)
{
	const struct feature *feature = find(features_of_controller, n_features_of_controller, fid);

	if (!feature)
		feature = find(features_of_namespace, n_features_of_namespace, fid);
	return feature && (request->subsystem || feature->of_discovery) ? feature : NULL;
}

uint32_t feature_effects(const struct feature *feature)
{
	return NVME_EFFECT_SUPPORTED | feature->effects |
	       (feature->of_namespace ? NVME_SCOPE_NAMESPACE : NVME_SCOPE_CONTROLLER);
}

static bool is_attached(const struct admin_request *request, uint32_t nsid)
{
	return subsystem_find_active(request->subsystem, request->session, nsid) != NULL;
}

/* Base 2.1 §3.2.1: a number that no namespace can have, and one that none has. */
static bool check_namespace(const struct admin_request *request, struct admin_reply *reply,
                            bool may_be_all)
{
	uint32_t nsid = le32_get(request->command->nsid);

	if (nsid == NVME_NSID_ALL && may_be_all)
		return true;
	if (nsid == 0 || nsid > NVME_MAX_NAMESPACES)
		admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
	else if (!is_attached(request, nsid))
		admin_refuse_byte(reply, COMMAND_BYTE(nsid));
	return status_is_ok(reply->status);
}

/* ------------------------------------------------------------------ set */

static bool check_scope(const struct admin_request *request, const struct feature *feature,
                        struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);

	if (feature->of_namespace)
		return check_namespace(request, reply, true);
	if (nsid == 0 || nsid == NVME_NSID_ALL)
		return true;
	if (!request->subsystem || nsid > NVME_MAX_NAMESPACES)
		admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
	else
		admin_refuse_at(reply, NVME_SC_FEATURE_NOT_NAMESPACE, COMMAND_BYTE(nsid));
	return false;
}

void set_features_execute(const struct admin_request *request, struct admin_reply *reply)
{
	const struct feature *feature = feature_find(request, FID(request->command));

	if (!feature)
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
	else if (le32_get(request->command->cdw10) & SV)
		admin_refuse_at(reply, NVME_SC_FEATURE_NOT_SAVEABLE, COMMAND_BYTE(cdw10) + 3);
	else if (check_scope(request, feature, reply))
		feature->set(request, le32_get(request->command->cdw11), reply);
}

/* ------------------------------------------------------------------ get */

/* No data comes with it, whatever the feature. */
static void get_capabilities(const struct feature *feature, struct admin_reply *reply)
{
	if (feature->of_namespace)
		reply->result |= CAN_BE_OF_NAMESPACE;
	if (feature->is_changeable)
		reply->result |= CAN_BE_CHANGED;
}

/* NSID is not looked at where the feature is the controller's: nvme-cli sends that of the block
 * device that it was given. */
void get_features_execute(const struct admin_request *request, struct admin_reply *reply)
{
	const struct feature *feature = feature_find(request, FID(request->command));
	uint32_t select = SEL(request->command);

	if (!feature)
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
	else if (select > SELECT_SUPPORTED)
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10) + 1);
	else if (feature->refuses_all && le32_get(request->command->nsid) == NVME_NSID_ALL)
		admin_refuse_byte(reply, COMMAND_BYTE(nsid));
	else if (feature->of_namespace && !check_namespace(request, reply, false))
		return;
	else if (select == SELECT_SUPPORTED)
		get_capabilities(feature, reply);
	else
		feature->get(request, select == SELECT_CURRENT, reply);
}
