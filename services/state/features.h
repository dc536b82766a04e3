/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/state/admin.h"

/*
 * features - Set Features and Get Features (Base 2.1 §5.1.11, §5.1.25).
 *
 * Shape     A table of what there is: of the controller (features_controller.c) or of a namespace
 *           (features_namespace.c). features.c makes the checks that are the same for all, in this
 *           order: the feature, SV or SEL, NSID.
 * Promise   A setter changes the session only if it does not refuse. None can be saved: values
 *           last until a Controller Level Reset.
 * Trust     the command and its data are a host's
 * Threads   one; pure but for malloc()
 * Lifetime  the reply's
 */
enum feature_select { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_SUPPORTED };

struct feature {
	enum nvme_feature fid;
	bool of_discovery; /* discovery controllers have it too */
	bool of_namespace; /* else NSID is 0, or all */
	bool is_changeable;
	bool refuses_all; /* Get with NSID FFFFFFFFh: Invalid Field, where others are of no such
	                   * namespace */
	uint32_t effects; /* besides being supported, and the scope: for log 12h */
	void (*set)(const struct admin_request *request, uint32_t value, struct admin_reply *reply);
	/* Dword 0, or data, or both. Of those that are not selected as they are now: the default.
	 */
	void (*get)(const struct admin_request *request, bool now, struct admin_reply *reply);
};

/* NULL: the controller does not have it. */
const struct feature *feature_find(const struct admin_request *request, uint8_t fid);

/* An entry of log 12h (Figure 256). */
uint32_t feature_effects(const struct feature *feature);

extern const struct feature features_of_controller[], features_of_namespace[];
extern const unsigned n_features_of_controller, n_features_of_namespace;
