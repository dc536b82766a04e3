/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/protection.h"

#include <string.h>

struct decoded_protection decode_protection(const struct nvme_command *command)
{
	uint32_t prinfo = NVME_RW_PRINFO(le32_get(command->cdw12));
	uint32_t cdw15 = le32_get(command->cdw15);

	return (struct decoded_protection){
		.action = prinfo & NVME_PRINFO_ACTION,
		.check_guard = prinfo & NVME_PRINFO_GUARD,
		.check_application = prinfo & NVME_PRINFO_APPLICATION,
		.check_reference = prinfo & NVME_PRINFO_REFERENCE,
		.reference = le32_get(command->cdw14),
		.application = (uint16_t)cdw15,
		.application_mask = (uint16_t)(cdw15 >> 16),
	};
}

const char *protection_path_below(const char *path)
{
	return strncmp(path, "pi:", 3) == 0 ? path + 3 : NULL;
}
