/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/pi_tuples.h"

#include <errno.h>
#include <string.h>

#include <isa-l/crc.h>

#include "common/shm/memory.h"

/* ------------------------------------------------------------------ pieces */

/* The next bytes in a row, at most `most`. */
static uint8_t *next_run(struct pi_cursor *cursor, size_t most, size_t *ret_length)
{
	uint8_t *run = (uint8_t *)cursor->piece->iov_base + cursor->at;
	size_t left = cursor->piece->iov_len - cursor->at;

	*ret_length = left < most ? left : most;
	cursor->at += *ret_length;
	if (cursor->at == cursor->piece->iov_len) {
		cursor->piece++;
		cursor->at = 0;
	}
	return run;
}

uint32_t pi_pieces_of(struct pi_cursor *cursor, uint64_t bytes, struct iovec *ret_pieces)
{
	uint32_t n = 0;

	for (; bytes > 0; n++) {
		ret_pieces[n].iov_base = next_run(cursor, bytes, &ret_pieces[n].iov_len);
		bytes -= ret_pieces[n].iov_len;
	}
	return n;
}

static int copy_out(struct pi_cursor *cursor, void *to, size_t bytes)
{
	int r = 0;

	while (!r && bytes > 0) {
		size_t length;
		const uint8_t *run = next_run(cursor, bytes, &length);

		r = memory_copy(to, run, length);
		to = (uint8_t *)to + length;
		bytes -= length;
	}
	return r;
}

static int copy_in(struct pi_cursor *cursor, const void *from, size_t bytes)
{
	int r = 0;

	while (!r && bytes > 0) {
		size_t length;
		uint8_t *run = next_run(cursor, bytes, &length);

		r = memory_copy(run, from, length);
		from = (const uint8_t *)from + length;
		bytes -= length;
	}
	return r;
}

static uint16_t guard_of(struct pi_cursor *cursor, size_t bytes)
{
	uint16_t guard = 0;

	while (bytes > 0) {
		size_t length;
		const uint8_t *run = next_run(cursor, bytes, &length);

		guard = crc16_t10dif(guard, run, length);
		bytes -= length;
	}
	return guard;
}

/* ------------------------------------------------------------------ tuples */

static bool is_zero(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	return at[0] == 0 && memcmp(at, at + 1, length - 1) == 0;
}

static struct nvme_protection tuple_of(uint16_t guard, uint16_t application, uint64_t block)
{
	return (struct nvme_protection){
		.guard = be16_of(guard),
		.application = be16_of(application),
		.reference = be32_of((uint32_t)block),
	};
}

void pi_make_zeroes(const struct pi_blocks *blocks, uint16_t application,
                    struct nvme_protection *ret_tuples)
{
	for (uint32_t i = 0; i < blocks->count; i++)
		ret_tuples[i] = tuple_of(0, application, blocks->first + i);
}

struct making {
	struct pi_cursor *cursor;
	const struct pi_blocks *blocks;
	uint16_t application;
	struct nvme_protection *tuples;
};

static void make(void *context)
{
	const struct making *making = context;
	const struct pi_blocks *blocks = making->blocks;

	for (uint32_t i = 0; i < blocks->count; i++)
		making->tuples[i] = tuple_of(guard_of(making->cursor, (size_t)1 << blocks->shift),
		                             making->application,
		                             blocks->first + i);
}

int pi_make(struct pi_cursor *cursor, const struct pi_blocks *blocks, uint16_t application,
            struct nvme_protection *ret_tuples)
{
	struct making making = {cursor, blocks, application, ret_tuples};

	return memory_visit(make, &making);
}

/* ------------------------------------------------------------------ checks */

static bool is_escape(const struct nvme_protection *tuple)
{
	return be16_get(tuple->application) == NVME_PROTECTION_ESCAPE;
}

static bool is_zero_block(struct pi_cursor cursor, size_t bytes)
{
	while (bytes > 0) {
		size_t length;
		const uint8_t *run = next_run(&cursor, bytes, &length);

		if (!is_zero(run, length))
			return false;
		bytes -= length;
	}
	return true;
}

/* The guard first: of a block that is not what was written the tags mean nothing. */
static enum nvme_status_code check_one(struct pi_cursor *cursor, size_t block_bytes,
                                       uint64_t number, const struct pi_checks *checks,
                                       const struct nvme_protection *tuple)
{
	const struct pi_cursor begin = *cursor;
	uint16_t guard = guard_of(cursor, block_bytes);

	if (is_escape(tuple))
		return NVME_SC_SUCCESS;
	if (checks->are_stored && is_zero(tuple, sizeof(*tuple)) && guard == 0 &&
	    is_zero_block(begin, block_bytes))
		return NVME_SC_SUCCESS;
	if (checks->guard && be16_get(tuple->guard) != guard)
		return NVME_SC_GUARD_CHECK;
	if ((be16_get(tuple->application) ^ checks->application) & checks->application_mask)
		return NVME_SC_APPLICATION_TAG_CHECK;
	if (checks->reference && be32_get(tuple->reference) != (uint32_t)number)
		return NVME_SC_REFERENCE_TAG_CHECK;
	return NVME_SC_SUCCESS;
}

struct checking {
	struct pi_cursor *cursor;
	const struct pi_blocks *blocks;
	const struct pi_checks *checks;
	const struct nvme_protection *tuples;
	enum nvme_status_code code;
};

static void check(void *context)
{
	struct checking *checking = context;
	const struct pi_blocks *blocks = checking->blocks;

	for (uint32_t i = 0; i < blocks->count && checking->code == NVME_SC_SUCCESS; i++)
		checking->code = check_one(checking->cursor,
		                           (size_t)1 << blocks->shift,
		                           blocks->first + i,
		                           checking->checks,
		                           &checking->tuples[i]);
}

struct nvme_status pi_check(struct pi_cursor *cursor, const struct pi_blocks *blocks,
                            const struct pi_checks *checks, const struct nvme_protection *tuples)
{
	struct checking checking = {cursor, blocks, checks, tuples, NVME_SC_SUCCESS};

	if (memory_visit(check, &checking))
		return status_of(NVME_SC_DATA_TRANSFER_ERROR);
	return status_of(checking.code);
}

/* ------------------------------------------------------------------ blocks with tuples behind them
 */

int pi_split(struct pi_cursor *cursor, const struct pi_blocks *blocks, void *ret_data,
             struct nvme_protection *ret_tuples)
{
	size_t bytes = (size_t)1 << blocks->shift;
	int r = 0;

	for (uint32_t i = 0; !r && i < blocks->count; i++) {
		r = copy_out(cursor, (uint8_t *)ret_data + i * bytes, bytes);
		if (!r)
			r = copy_out(cursor, &ret_tuples[i], sizeof(ret_tuples[i]));
	}
	return r;
}

int pi_join(struct pi_cursor *cursor, const struct pi_blocks *blocks, const void *data,
            const struct nvme_protection *tuples)
{
	size_t bytes = (size_t)1 << blocks->shift;
	int r = 0;

	for (uint32_t i = 0; !r && i < blocks->count; i++) {
		const uint8_t *block = (const uint8_t *)data + i * bytes;
		struct nvme_protection tuple = tuples[i];

		if (is_zero(&tuple, sizeof(tuple)) && is_zero(block, bytes))
			memset(&tuple, 0xff, sizeof(tuple));
		r = copy_in(cursor, block, bytes);
		if (!r)
			r = copy_in(cursor, &tuple, sizeof(tuple));
	}
	return r;
}
