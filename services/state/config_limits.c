/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "services/state/config_part.h"

/* What hosts may take, as the root's "limits" of the file: common/nvme/limits.h has the table. */

static const char *const known[] = {
#define X(name, unit, standard, least, most, what) #name,
	LIMITS(X)
#undef X
		NULL,
};

void config_read_limits(const struct json_object *root, struct limits *ret_limits)
{
	const struct json_place *place = PLACE_KEY(NULL, "limits");
	struct json_object object;

	*ret_limits = LIMITS_DEFAULT;
	if (!json_read_object(root, "limits", place, &object))
		return;
	json_warn_unknown(&object, known);
	for (size_t i = 0; i < limits_count; i++) {
		const struct limit *limit = &limits_table[i];
		int64_t number = limit->standard;

		json_read_number(&object, limit->name, limit->least, limit->most, &number);
		limit_set(ret_limits, limit, (uint32_t)number);
	}
}

json_t *config_save_limits(const struct limits *limits)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < limits_count; i++) {
		const struct limit *limit = &limits_table[i];
		char text[16];

		if (limit_get(limits, limit) == limit->standard)
			continue;
		snprintf(text, sizeof(text), "%u", limit_get(limits, limit));
		if (json_object_set_new(object, limit->name, json_string(text)) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
