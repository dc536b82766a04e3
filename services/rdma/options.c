/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/options.h"

#include <string.h>

#include "common/proc/options.h"

#define SRQ_SIZE_MIN 64
#define SRQ_SIZE_MAX 65536

static bool has_srq = true;
static unsigned srq_size = 1024;

bool options_take_srq(void *context, const char *value)
{
	(void)context;
	has_srq = strcmp(value, "on") == 0;
	return has_srq || strcmp(value, "off") == 0;
}

bool options_take_srq_size(void *context, const char *value)
{
	(void)context;
	return option_number(value, SRQ_SIZE_MIN, SRQ_SIZE_MAX, &srq_size);
}

bool options_srq(void)
{
	return has_srq;
}

uint32_t options_srq_size(void)
{
	return srq_size;
}
