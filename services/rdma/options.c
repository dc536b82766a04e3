/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/options.h"

#include <string.h>

#include "common/proc/options.h"

#define SRQ_SIZE_MIN 64
#define SRQ_SIZE_MAX 65536

static enum options_srq srq = OPTIONS_SRQ_AUTO;
static unsigned srq_size = 1024;

bool options_take_srq(void *context, const char *value)
{
	static const char *const words[] = {
		[OPTIONS_SRQ_AUTO] = "auto", [OPTIONS_SRQ_ON] = "on", [OPTIONS_SRQ_OFF] = "off"};

	(void)context;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]) != 0)
			continue;
		srq = (enum options_srq)i;
		return true;
	}
	return false;
}

bool options_take_srq_size(void *context, const char *value)
{
	(void)context;
	return option_number(value, SRQ_SIZE_MIN, SRQ_SIZE_MAX, &srq_size);
}

enum options_srq options_srq(void)
{
	return srq;
}

uint32_t options_srq_size(void)
{
	return srq_size;
}
