/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/stamp.h"

#define SAY_AT_MOST 10

int verify_init(struct verify *verify, const struct host_namespace *space, uint32_t blocks,
                uint64_t places, uint64_t seed)
{
	*verify = (struct verify){.space = space, .blocks = blocks, .places = places, .seed = seed};
	verify->written = calloc(places, sizeof(*verify->written));
	verify->busy = calloc(places, sizeof(*verify->busy));
	if (verify->written && verify->busy)
		return 0;
	verify_deinit(verify);
	return -ENOMEM;
}

void verify_deinit(struct verify *verify)
{
	free(verify->written);
	free(verify->busy);
	verify->written = NULL;
	verify->busy = NULL;
}

uint64_t verify_take_place(struct verify *verify, uint64_t place)
{
	/* there are always more places than I/Os in flight */
	while (verify->busy[place])
		place = place + 1 < verify->places ? place + 1 : 0;
	verify->busy[place] = 1;
	return place;
}

void verify_give_place(struct verify *verify, uint64_t place)
{
	verify->busy[place] = 0;
}

static struct stamp stamp_of(const struct verify *verify, uint64_t place, uint32_t block,
                             uint32_t number)
{
	return (struct stamp){
		.nsid = verify->space->nsid,
		.lba = place * verify->blocks + block,
		.sequence = number,
		.seed = verify->seed,
	};
}

uint32_t verify_stamp(struct verify *verify, uint64_t place, void *data)
{
	uint32_t size = verify->space->block_bytes;

	if (++verify->last_write == 0)
		verify->last_write = 1;
	for (uint32_t i = 0; i < verify->blocks; i++) {
		struct stamp stamp = stamp_of(verify, place, i, verify->last_write);

		stamp_write(&stamp, (uint8_t *)data + (size_t)i * size, size);
	}
	return verify->last_write;
}

void verify_written(struct verify *verify, uint64_t place, uint32_t number, bool is_good)
{
	verify->written[place] = is_good ? number : 0;
}

static bool is_write(const struct verify *verify, uint64_t place, uint32_t block, uint32_t number,
                     const void *data)
{
	struct stamp stamp = stamp_of(verify, place, block, number);

	return number && stamp_check(&stamp, data, verify->space->block_bytes);
}

static void complain(struct verify *verify, uint64_t place, uint32_t block, const void *data)
{
	struct stamp stamp = stamp_of(verify, place, block, verify->written[place]);
	char text[400];

	verify->mismatches++;
	if (verify->mismatches > SAY_AT_MOST)
		return;
	stamp_explain(&stamp, data, verify->space->block_bytes, text, sizeof(text));
	fprintf(stderr, "nvmetd-bench: wrong data: %s\n", text);
}

void verify_check(struct verify *verify, uint64_t place, const void *data, uint32_t or_number)
{
	uint32_t size = verify->space->block_bytes;

	if (!verify->written[place])
		return;
	for (uint32_t i = 0; i < verify->blocks; i++) {
		const uint8_t *block = (const uint8_t *)data + (size_t)i * size;

		verify->checked++;
		if (!is_write(verify, place, i, verify->written[place], block) &&
		    !is_write(verify, place, i, or_number, block))
			complain(verify, place, i, block);
	}
}
