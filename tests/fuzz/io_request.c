/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport that puts what it likes into a slot and into its arena: the input is a slot, and
 * then the arena's content. Whatever it is, a request that passes the check has all of its pieces
 * inside the arena, all of its blocks inside the namespace, and fits to itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/shm/memory.h"
#include "common/shm/region.h"
#include "services/io/request.h"
#include "services/io/zone.h"

#define ARENA  65536
#define BLOCKS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct region arena;
static const struct zone_geometry geometry = {.blocks = 128, .capacity = 100, .count = 7};
static struct backing backing, with_tuples = {.kind = &backing_pi},
			       with_zones = {.kind = &backing_zoned, .zones = &geometry};
static struct table *table;
static union request_scratch scratch;

/* Handles: 1 (512 bytes), 2 (4096 bytes), 3 (read-only), 4 (not ready), 5 (keeps tuples), 6
 * (zones). */
static void set_up(void)
{
	static const uint32_t handles[] = {1, 2, 3, 4, 5, 6};

	if (table)
		return;
	must(memory_guard() == 0);
	must(region_create(&arena, "arena", ARENA, false) == 0);
	table = table_new(6, 1, 6, 1);
	must(table);
	for (uint32_t i = 0; i < 6; i++)
		table->targets[i] = (struct target){
			.handle = handles[i],
			.block_shift = handles[i] == 2 ? 12 : 9,
			.read_only = handles[i] == 3,
			.blocks = BLOCKS,
			.backing = handles[i] == 4   ? NULL
		                   : handles[i] == 5 ? &with_tuples
		                   : handles[i] == 6 ? &with_zones
		                                     : &backing,
		};
	table_grant(table, "tcp", handles, 6);
}

static uint64_t sum_of_pieces(const struct request *request)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < request->n_pieces; i++) {
		const char *begin = request->pieces[i].iov_base;
		const char *memory = arena.memory;

		must(begin >= memory && request->pieces[i].iov_len > 0);
		must(request->pieces[i].iov_len <= (size_t)(memory + ARENA - begin));
		sum += request->pieces[i].iov_len;
	}
	return sum;
}

static void check_ranges(const struct request *request)
{
	for (unsigned i = 0; i < request->n_ranges; i++) {
		uint64_t first = le64_get(request->scratch->ranges[i].slba);
		uint64_t count = le32_get(request->scratch->ranges[i].blocks);

		must(first <= BLOCKS && count <= BLOCKS - first);
	}
}

static void check_admitted(struct request *request)
{
	uint8_t operation = request->wanted.operation;
	uint64_t sum = sum_of_pieces(request);
	uint64_t end = (uint64_t)BLOCKS << request->target->block_shift;

	must(request->target->backing);
	must(request->length <= end && request->offset <= end - request->length);
	must(operation == LINK_READ || operation == LINK_FLUSH || operation == LINK_ZONE_RECEIVE ||
	     !request->target->read_only);
	must(operation < LINK_ZONE_APPEND || request->target->handle == 6);
	must(operation < LINK_ZONE_APPEND || request->wanted.first_block < BLOCKS ||
	     request->wanted.application_mask & LINK_ZONE_ALL);
	if ((operation == LINK_READ || operation == LINK_WRITE) &&
	    request->wanted.flags & LINK_METADATA)
		must(request->target->handle == 5 &&
		     sum == request->length + request->wanted.block_count * UINT64_C(8));
	else if (operation == LINK_READ || operation == LINK_WRITE ||
	         operation == LINK_ZONE_APPEND || operation == LINK_ZONE_RECEIVE)
		must(sum == request->length && sum > 0);
	else
		must(sum == 0);
	check_ranges(request);
	if (sum > 512 && request->length > 512) {
		request_advance(request, 512);
		must(sum_of_pieces(request) == sum - 512);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request = {.scratch = &scratch};
	struct nvme_status status = STATUS_OK;
	const char *reason = NULL;
	int r;

	set_up();
	if (size < sizeof(request.wanted))
		return 0;
	memcpy(&request.wanted, data, sizeof(request.wanted));
	data += sizeof(request.wanted);
	size -= sizeof(request.wanted);
	memcpy(arena.memory, data, size < ARENA ? size : ARENA);
	r = request_check(&request, table_find_grant(table, "tcp"), &arena, &status, &reason);
	if (r == 0)
		check_admitted(&request);
	else if (r == REQUEST_E_REFUSED)
		must(!status_is_ok(status));
	else if (r == REQUEST_E_WORD)
		must(request_is_word(&request.wanted));
	else
		must(reason);
	return 0;
}
