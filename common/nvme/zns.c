/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/zns.h"

#include <string.h>

const char *zoned_path_below(const char *path)
{
	return strncmp(path, "zoned:", 6) == 0 ? path + 6 : NULL;
}
