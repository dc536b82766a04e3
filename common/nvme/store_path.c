/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/store_path.h"

#include "common/nvme/fault_rule.h"
#include "common/nvme/protection.h"
#include "common/nvme/zns.h"

const char *store_path(const char *path)
{
	const char *below = fault_path_below(path);

	if (!below)
		below = protection_path_below(path);
	if (!below)
		below = zoned_path_below(path);
	return below ? below : path;
}
