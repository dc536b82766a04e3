/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/base/size.h"

#include <ctype.h>
#include <string.h>

/* The power of two that a suffix stands for; -1 if it is none. */
static int shift_of(char suffix)
{
	static const char suffixes[] = "KMGTP";
	const char *at = strchr(suffixes, toupper((unsigned char)suffix));

	return at && *at ? ((int)(at - suffixes) + 1) * 10 : -1;
}

int size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t value = 0;
	int shift = 0;

	if (!isdigit((unsigned char)*text))
		return SIZE_E_FORM;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return SIZE_E_RANGE;
	if (*text) {
		shift = shift_of(*text++);
		if (shift < 0 || *text)
			return SIZE_E_FORM;
	}
	if (value > UINT64_MAX >> shift)
		return SIZE_E_RANGE;
	*ret_bytes = value << shift;
	return 0;
}
