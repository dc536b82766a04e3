/* SPDX-License-Identifier: BSD-2-Clause */
/* ISA-L's crc32_iscsi() neither inverts at the start nor at the end: both are done here. */
#include "services/tcp/digest.h"

#include <isa-l/crc.h>
#include <limits.h>

uint32_t digest_add(uint32_t digest, const void *bytes, size_t length)
{
	/* ISA-L does not write to it; it knows no const. */
	unsigned char *at = (unsigned char *)(uintptr_t)bytes;

	while (length > INT_MAX) {
		digest = crc32_iscsi(at, INT_MAX, digest);
		at += INT_MAX;
		length -= INT_MAX;
	}
	return crc32_iscsi(at, (int)length, digest);
}

struct le32 digest_end(uint32_t digest)
{
	return le32_of(~digest);
}

struct le32 digest_of(const void *bytes, size_t length)
{
	return digest_end(digest_add(DIGEST_BEGIN, bytes, length));
}
