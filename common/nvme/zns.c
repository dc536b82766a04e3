/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/zns.h"

#include <string.h>

/* 0's based, and all ones without a limit. */
static struct le32 limit_of(uint32_t zones)
{
	return le32_of(zones - 1);
}

void identify_zns_namespace_build(struct nvme_identify_zns_namespace *ret_wire,
                                  const struct identify_zones *from)
{
	uint32_t open_max = from->open_max;

	if (from->active_max && (open_max == 0 || open_max > from->active_max))
		open_max = from->active_max; /* an open zone is an active one */
	memset(ret_wire, 0, sizeof(*ret_wire));
	ret_wire->ozcs = le16_of(NVME_OZCS_READS_ACROSS);
	ret_wire->mar = limit_of(from->active_max);
	ret_wire->mor = limit_of(open_max);
	ret_wire->lbafe[0].zsze = le64_of(from->zone_blocks);
}

const char *zoned_path_below(const char *path)
{
	return strncmp(path, "zoned:", 6) == 0 ? path + 6 : NULL;
}
