/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/room.h"

#include "common/base/error.h"

/* Why there is no memory for a request. */
enum lack {
	LACK_NOTHING = 0,
	LACK_SHARE,    /* its share is used up: nobody else has to wait for that */
	LACK_TRANSFER, /* transfers have all that is for them */
	LACK_MEMORY,
};

/* ------------------------------------------------------------------ how much there is */

static uint64_t whole(const struct room *room)
{
	return arena_region(room->arena)->size - room->lent_bytes;
}

/* Of a share, twice the largest request at least, since a transfer must fit into half. */
static uint64_t share_max(const struct room *room, bool is_hosts)
{
	uint64_t size = whole(room), most = is_hosts ? size / 2 : size / 8;

	if (is_hosts && most > room->hosts_max)
		most = room->hosts_max;
	return most < 2 * ARENA_BLOCK_MAX ? 2 * ARENA_BLOCK_MAX : most;
}

static void measure(struct room *room)
{
	uint64_t size = whole(room), reserve = size / 4;

	room->sizes[ROOM_COMMON] = size - reserve;
	room->sizes[ROOM_RESERVE] = reserve;
	for (unsigned is_hosts = 0; is_hosts < 2; is_hosts++) {
		room->share_sizes[is_hosts][ROOM_COMMON] = share_max(room, is_hosts);
		room->share_sizes[is_hosts][ROOM_RESERVE] = reserve / 16;
	}
}

void room_limit_hosts(struct room *room, uint64_t bytes)
{
	uint64_t most = bytes > 0 ? bytes : UINT64_MAX;

	room->is_given |= most != room->hosts_max;
	room->hosts_max = most;
	measure(room);
}

/* ------------------------------------------------------------------ beginning and end */

int room_init(struct room *room, size_t size)
{
	int r;

	*room = (struct room){.hosts_max = UINT64_MAX};
	must(size >= ROOM_SIZE_MIN);
	room_share_init(&room->unborn, false);
	room_share_init(&room->discovery, false);
	room_share_init(&room->admin, false);
	list_init(&room->waiting);
	r = arena_new(&room->arena, "nvmetd-arena", size);
	if (r)
		return error_trace(r);
	measure(room);
	return 0;
}

void room_deinit(struct room *room)
{
	room->arena = arena_free(room->arena);
}

void room_share_init(struct room_share *share, bool is_hosts)
{
	if (share->waiting.next)
		return;
	share->is_hosts = is_hosts;
	for (unsigned i = 0; i < ROOM_LINES; i++)
		list_init(&share->lines[i]);
	list_init(&share->waiting);
}

/* ------------------------------------------------------------------ what a request takes */

static uint64_t block_bytes(uint32_t length)
{
	return length <= ARENA_BLOCK_MIN
	               ? ARENA_BLOCK_MIN
	               : UINT64_C(1) << (64 - __builtin_clzll(length - UINT64_C(1)));
}

static bool is_transfer(const struct request *request)
{
	return request->source == REQUEST_TRANSFER;
}

static enum room_line line_of(const struct request *request)
{
	if (request->source == REQUEST_IN_CAPSULE)
		return ROOM_CAPSULES;
	if (is_transfer(request))
		return ROOM_TRANSFERS;
	return request->is_in_memory && request->length >= ROOM_LARGE ? ROOM_COPIES : ROOM_ANSWERS;
}

static enum lack find_lack(const struct room_use *use, uint64_t most, const struct request *request,
                           uint64_t bytes)
{
	if (use->bytes + bytes > most)
		return LACK_MEMORY;
	if (is_transfer(request) && use->transfer_bytes + bytes > most / 2)
		return LACK_TRANSFER;
	return LACK_NOTHING;
}

static void use(struct room_use *of, const struct request *request, uint64_t bytes)
{
	of->bytes += bytes;
	if (is_transfer(request))
		of->transfer_bytes += bytes;
}

/* ------------------------------------------------------------------ taking */

/* It would have to be brought back to the caches: measured with 128 KiB at QD 32, 10 % slower. */
static bool is_cold(const struct request *request, uint64_t bytes)
{
	uint64_t used = request->share->copy_bytes;

	return request->line == ROOM_COPIES && used > 0 && used + bytes > ROOM_WARM;
}

static enum lack take_of(struct room *room, struct request *request, enum room_part part)
{
	struct room_share *share = request->share;
	uint64_t bytes = block_bytes(request->length);
	enum lack lack;

	if (is_cold(request, bytes))
		return LACK_SHARE;
	if (find_lack(&share->uses[part], room->share_sizes[share->is_hosts][part], request, bytes))
		return LACK_SHARE;
	lack = find_lack(&room->uses[part], room->sizes[part], request, bytes);
	if (lack)
		return lack;
	if (arena_take(room->arena, request->length, &request->arena_offset) != 0)
		return LACK_MEMORY;
	request->data = arena_at(room->arena, request->arena_offset);
	request->part = (uint8_t)part;
	if (request->line == ROOM_COPIES)
		share->copy_bytes += bytes;
	use(&share->uses[part], request, bytes);
	use(&room->uses[part], request, bytes);
	return LACK_NOTHING;
}

/* The common part is for another, whose turn it is. Capsules do not wait for that. */
static bool is_anothers(const struct room *room, const struct request *request)
{
	return request->source != REQUEST_IN_CAPSULE &&
	       (room->lacks_memory || (is_transfer(request) && room->lacks_for_transfer));
}

static bool try(struct room *room, struct request *request)
{
	enum lack lack = is_anothers(room, request) ? LACK_SHARE
	                                            : take_of(room, request, ROOM_COMMON);

	if (lack == LACK_NOTHING)
		return true;
	if (request->length <= ROOM_SMALL && take_of(room, request, ROOM_RESERVE) == LACK_NOTHING)
		return true;
	room->lacks_memory |= lack == LACK_MEMORY;
	room->lacks_for_transfer |= lack == LACK_TRANSFER;
	return false;
}

bool room_take(struct room *room, struct request *request)
{
	struct room_share *share = request->queue->share;
	struct list *line;

	request->share = share;
	request->line = (uint8_t)line_of(request);
	line = &share->lines[request->line];
	if (list_is_empty(line) && try(room, request))
		return true;
	list_append(line, &request->core_link);
	if (list_is_empty(&share->waiting))
		list_append(&room->waiting, &share->waiting);
	return false;
}

/* ------------------------------------------------------------------ giving */

static void leave_line(struct request *request)
{
	struct room_share *share = request->share;

	list_remove(&request->core_link);
	for (unsigned i = 0; i < ROOM_LINES; i++)
		if (!list_is_empty(&share->lines[i]))
			return;
	list_remove(&share->waiting);
}

static void unuse(struct room_use *of, const struct request *request, uint64_t bytes)
{
	of->bytes -= bytes;
	if (is_transfer(request))
		of->transfer_bytes -= bytes;
}

static void leave_share(struct room *room, struct request *request, uint64_t bytes)
{
	room->is_given = true;
	if (request->line == ROOM_COPIES)
		request->share->copy_bytes -= bytes;
	unuse(&request->share->uses[request->part], request, bytes);
	request->data = NULL;
}

void room_give(struct room *room, struct request *request)
{
	uint64_t bytes = block_bytes(request->length);

	if (!request->data) {
		if (list_is_empty(&request->core_link))
			return;
		leave_line(request);
		room->is_given = true; /* another is the first now */
		return;
	}
	leave_share(room, request, bytes);
	unuse(&room->uses[request->part], request, bytes);
	arena_give(room->arena, request->arena_offset);
}

void room_forfeit(struct room *room, struct request *request)
{
	if (request->data)
		leave_share(room, request, block_bytes(request->length));
}

/* ------------------------------------------------------------------ lending */

bool room_lend(struct room *room, uint32_t bytes, uint64_t *ret_offset)
{
	uint64_t block = block_bytes(bytes);

	if (room->lent_bytes + block > arena_region(room->arena)->size / 2 ||
	    whole(room) < block + ROOM_SIZE_MIN || arena_take(room->arena, bytes, ret_offset) != 0)
		return false;
	room->lent_bytes += block;
	measure(room);
	return true;
}

void room_take_back(struct room *room, uint32_t bytes, uint64_t offset)
{
	room->lent_bytes -= block_bytes(bytes);
	measure(room);
	arena_give(room->arena, offset);
	room->is_given = true;
}

/* ------------------------------------------------------------------ who waits */

static struct request *next_of(struct room *room, struct room_share *share)
{
	for (unsigned i = 0; i < ROOM_LINES; i++) {
		struct list *line = &share->lines[i];
		struct request *first;

		if (list_is_empty(line))
			continue;
		first = container_of(line->next, struct request, core_link);
		if (try(room, first))
			return first;
	}
	return NULL;
}

struct request *room_next(struct room *room)
{
	if (!room->is_given)
		return NULL;
	room->lacks_memory = room->lacks_for_transfer = false;
	list_for_each (link, &room->waiting) {
		struct room_share *share = container_of(link, struct room_share, waiting);
		struct request *next = next_of(room, share);

		if (!next)
			continue;
		list_remove(link); /* who had a turn has the last one of the next time */
		list_append(&room->waiting, link);
		leave_line(next);
		return next;
	}
	room->is_given = false;
	return NULL;
}
