/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/stamp.h"

#include <stdio.h>
#include <string.h>

#include "common/base/bytes.h"
#include "tests/host/connection.h"

#define STAMP_MAGIC UINT64_C(0x706d6174736d766e) /* "nvmstamp" */
#define BLOCK_MAX   65536u
#define GOLDEN      UINT64_C(0x9e3779b97f4a7c15)

struct stamp_head {
	struct le64 magic;
	struct le64 lba;
	struct le64 sequence;
	struct le64 seed;
	struct le32 nsid;
	struct le32 crc; /* of the block with this field zero */
	uint8_t reserved40[24];
};
_Static_assert(sizeof(struct stamp_head) == 64, "the random words follow it");

/* splitmix64 */
static uint64_t scramble(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static struct le32 crc_of(const void *block, size_t block_bytes)
{
	return le32_of(host_digest(block, block_bytes));
}

void stamp_write(const struct stamp *stamp, void *block, size_t block_bytes)
{
	struct stamp_head head = {
		.magic = le64_of(STAMP_MAGIC),
		.lba = le64_of(stamp->lba),
		.sequence = le64_of(stamp->sequence),
		.seed = le64_of(stamp->seed),
		.nsid = le32_of(stamp->nsid),
	};
	uint64_t state = scramble(stamp->seed ^ scramble(stamp->lba + GOLDEN * stamp->sequence));
	uint8_t *bytes = block;

	memcpy(bytes, &head, sizeof(head));
	for (size_t at = sizeof(head); at + sizeof(state) <= block_bytes; at += sizeof(state)) {
		uint64_t word = scramble(state += GOLDEN);

		memcpy(bytes + at, &word, sizeof(word));
	}
	head.crc = crc_of(block, block_bytes);
	memcpy(bytes, &head, sizeof(head));
}

bool stamp_check(const struct stamp *stamp, const void *block, size_t block_bytes)
{
	uint8_t wanted[BLOCK_MAX];

	stamp_write(stamp, wanted, block_bytes);
	return memcmp(wanted, block, block_bytes) == 0;
}

uint64_t stamp_sequence(const void *block)
{
	struct stamp_head head;

	memcpy(&head, block, sizeof(head));
	return le64_get(head.sequence);
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t at = 0;

	while (at < size && a[at] == b[at])
		at++;
	return at;
}

static bool is_intact(const void *block, size_t block_bytes)
{
	uint8_t copy[BLOCK_MAX];
	struct stamp_head head;
	struct le32 crc;

	memcpy(copy, block, block_bytes);
	memcpy(&head, copy, sizeof(head));
	crc = head.crc;
	head.crc = le32_of(0);
	memcpy(copy, &head, sizeof(head));
	return le32_get(crc_of(copy, block_bytes)) == le32_get(crc);
}

static bool is_zero(const uint8_t *block, size_t block_bytes)
{
	return block[0] == 0 && memcmp(block, block + 1, block_bytes - 1) == 0;
}

/* What the block is, by its own account. */
static void describe(const struct stamp *stamp, const void *block, size_t block_bytes, char *text,
                     size_t text_size)
{
	struct stamp_head head;

	memcpy(&head, block, sizeof(head));
	if (is_zero(block, block_bytes))
		snprintf(text, text_size, "zeroes");
	else if (le64_get(head.magic) != STAMP_MAGIC)
		snprintf(text, text_size, "nothing of ours");
	else
		snprintf(text,
		         text_size,
		         "%s block of namespace %u, LBA %llu, write %llu%s",
		         is_intact(block, block_bytes) ? "an intact" : "a torn",
		         le32_get(head.nsid),
		         (unsigned long long)le64_get(head.lba),
		         (unsigned long long)le64_get(head.sequence),
		         le64_get(head.seed) == stamp->seed ? "" : " of another run");
}

void stamp_explain(const struct stamp *stamp, const void *block, size_t block_bytes, char *text,
                   size_t text_size)
{
	uint8_t wanted[BLOCK_MAX];
	const uint8_t *found = block;
	char what[128];
	size_t at;

	stamp_write(stamp, wanted, block_bytes);
	at = first_difference(wanted, found, block_bytes);
	describe(stamp, block, block_bytes, what, sizeof(what));
	snprintf(text,
	         text_size,
	         "namespace %u, LBA %llu, write %llu of this run: byte %zu is %02x, expected %02x; "
	         "it holds %s",
	         stamp->nsid,
	         (unsigned long long)stamp->lba,
	         (unsigned long long)stamp->sequence,
	         at,
	         at < block_bytes ? found[at] : 0,
	         at < block_bytes ? wanted[at] : 0,
	         what);
}
