/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/nqn.h"

#include <string.h>

const char *nqn_objection(const char *name)
{
	size_t length = strnlen(name, NVME_NQN_SIZE);

	if (length > NVME_NQN_MAX)
		return "is longer than 223 bytes";
	if (length == 0)
		return "is empty";
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)name[i];

		if (byte <= ' ' || byte == 0x7f || byte == '/')
			return "holds a blank, a control character or a \"/\"";
	}
	return NULL;
}

const char *nqn_of_field(const char field[static NVME_NQN_SIZE])
{
	return memchr(field, '\0', NVME_NQN_SIZE) ? field : NULL;
}

bool nqn_is_discovery(const char *name)
{
	return strcmp(name, NVME_DISCOVERY_NQN) == 0;
}
