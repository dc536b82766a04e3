/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/features.h"

#include "common/nvme/identify.h"
#include "services/state/reservation_notice.h"
#include "services/state/reservations.h"

/*
 * The features of a namespace. That it may be set, features.c has seen; with NSID FFFFFFFFh it is
 * for all namespaces that are attached.
 */

/* ------------------------------------------------------------------ 05h Error Recovery */

#define TLER(value) ((uint16_t)(value))
#define DULBE       (1u << 16)

static void set_of_all(const struct admin_request *request, uint16_t limit)
{
	const struct config_subsystem *subsystem = request->subsystem;

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = &subsystem->namespaces[i];

		if (namespace_is_seen(namespace, request->session))
			request->session->features.error_recovery[namespace->nsid - 1] = limit;
	}
}

/* No namespace tells deallocated blocks from others (NSFEAT bit 2). Reads and writes are not tried
 * again for longer than a limit, as each is tried once. */
static void set_error_recovery(const struct admin_request *request, uint32_t value,
                               struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);

	if (value & DULBE) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11) + 2);
		return;
	}
	if (nsid == NVME_NSID_ALL)
		set_of_all(request, TLER(value));
	else
		request->session->features.error_recovery[nsid - 1] = TLER(value);
	reply->session_changed = true;
}

static void get_error_recovery(const struct admin_request *request, bool now,
                               struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);

	reply->result = now ? request->session->features.error_recovery[nsid - 1] : 0;
}

/* ------------------------------------------------------------------ 84h Namespace Write Protection
 * Config */

/* NWPC offers states 0 and 1. protect.c carries it out. */
static void set_protection(const struct admin_request *request, uint32_t value,
                           struct admin_reply *reply)
{
	(void)request;
	if (NVME_WPS(value) > NVME_WPS_PROTECTED)
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
	else
		reply->protects = true;
}

static void get_protection(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	const struct config_namespace *namespace = subsystem_find_active(
		request->subsystem, request->session, le32_get(request->command->nsid));

	reply->result = now && namespace->backing->write_protected ? NVME_WPS_PROTECTED
	                                                           : NVME_WPS_NONE;
}

/* ------------------------------------------------------------------ the table */

const struct feature features_of_namespace[] = {
	{NVME_FEATURE_ERROR_RECOVERY,
         .of_namespace = true,
         .is_changeable = true,
         .set = set_error_recovery,
         .get = get_error_recovery          },
	{ NVME_FEATURE_WRITE_PROTECTION,
         .of_namespace = true,
         .is_changeable = true,
         .effects = NVME_EFFECT_NAMESPACE,
         .set = set_protection,
         .get = get_protection},
	{	       NVME_FEATURE_RESERVATION_MASK,
         .of_namespace = true,
         .is_changeable = true,
         .refuses_all = true,
         .set = reservation_mask_set,
         .get = reservation_mask_get},
	{	 NVME_FEATURE_RESERVATION_PERSISTENCE,
         .of_namespace = true,
         .is_changeable = true,
         .refuses_all = true,
         .set = reservations_set_persistence,
         .get = reservations_get_persistence},
};

const unsigned n_features_of_namespace = sizeof(features_of_namespace) /
                                         sizeof(features_of_namespace[0]);
