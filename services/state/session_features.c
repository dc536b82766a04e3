/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "services/state/session.h"

static bool take_behavior(struct session_features *features, const ProtobufCBinaryData *bytes)
{
	if (bytes->len > SESSION_BEHAVIOR_SIZE)
		return false;
	if (bytes->len > 0)
		memcpy(features->host_behavior, bytes->data, bytes->len);
	return true;
}

static bool take_error_recovery(struct session_features *features,
                                const Nvmetd__ControllerFeatures *message)
{
	if (message->n_error_recovery_nsids != message->n_error_recovery_limits)
		return false;
	for (size_t i = 0; i < message->n_error_recovery_nsids; i++) {
		uint32_t nsid = message->error_recovery_nsids[i];

		if (nsid == 0 || nsid > NVME_MAX_NAMESPACES ||
		    message->error_recovery_limits[i] > UINT16_MAX)
			return false;
		features->error_recovery[nsid - 1] = (uint16_t)message->error_recovery_limits[i];
	}
	return true;
}

/* A session of a release that had no features has none. */
bool session_features_unpack(struct session_features *features,
                             const Nvmetd__ControllerFeatures *message)
{
	if (!message)
		return true;
	if (message->over_temperature > UINT16_MAX || message->under_temperature > UINT16_MAX)
		return false;
	features->arbitration = message->arbitration;
	features->power_management = message->power_management;
	features->over_temperature = (uint16_t)message->over_temperature;
	features->under_temperature = (uint16_t)message->under_temperature;
	features->write_atomicity = message->write_atomicity;
	return take_behavior(features, &message->host_behavior) &&
	       take_error_recovery(features, message);
}

static size_t pack_error_recovery(struct session_message *packed,
                                  const struct session_features *features)
{
	size_t count = 0;

	for (uint32_t nsid = 1; nsid <= NVME_MAX_NAMESPACES; nsid++) {
		if (features->error_recovery[nsid - 1] == 0)
			continue;
		packed->error_recovery_nsids[count] = nsid;
		packed->error_recovery_limits[count] = features->error_recovery[nsid - 1];
		count++;
	}
	return count;
}

void session_features_pack(struct session_message *packed, const struct session_features *features)
{
	Nvmetd__ControllerFeatures *message = &packed->features;

	nvmetd__controller_features__init(message);
	message->arbitration = features->arbitration;
	message->power_management = features->power_management;
	message->over_temperature = features->over_temperature;
	message->under_temperature = features->under_temperature;
	message->write_atomicity = features->write_atomicity;
	message->host_behavior.data = (uint8_t *)features->host_behavior;
	message->host_behavior.len = sizeof(features->host_behavior);
	message->n_error_recovery_nsids = pack_error_recovery(packed, features);
	message->error_recovery_nsids = packed->error_recovery_nsids;
	message->n_error_recovery_limits = message->n_error_recovery_nsids;
	message->error_recovery_limits = packed->error_recovery_limits;
	packed->message.features = message;
}
