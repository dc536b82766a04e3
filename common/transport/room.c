/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/room.h"

#include "common/base/error.h"

int room_init(struct room *room, size_t size)
{
	int r;

	*room = (struct room){.transfer_bytes_max = size / 2};
	list_init(&room->capsules);
	list_init(&room->transfers);
	list_init(&room->answers);
	r = arena_new(&room->arena, "nvmetd-arena", size);
	return r ? error_trace(r) : 0;
}

void room_deinit(struct room *room)
{
	room->arena = arena_free(room->arena);
}

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

static bool is_within_share(const struct room *room, const struct request *transfer)
{
	return room->transfer_bytes + block_bytes(transfer->length) <= room->transfer_bytes_max;
}

static bool try(struct room *room, struct request *request)
{
	if (arena_take(room->arena, request->length, &request->arena_offset) != 0)
		return false;
	request->data = arena_at(room->arena, request->arena_offset);
	if (is_transfer(request))
		room->transfer_bytes += block_bytes(request->length);
	return true;
}

static struct request *first_of(const struct list *line)
{
	return list_is_empty(line) ? NULL : container_of(line->next, struct request, core_link);
}

/* Of those who wait in turn, the one who may have memory now and came first. */
static struct request *first_in_turn(const struct room *room)
{
	struct request *transfer = first_of(&room->transfers);
	struct request *answer = first_of(&room->answers);

	if (transfer && !is_within_share(room, transfer))
		transfer = NULL;
	if (!transfer || !answer)
		return transfer ? transfer : answer;
	return transfer->ticket < answer->ticket ? transfer : answer;
}

static bool must_wait(const struct room *room, const struct request *request)
{
	if (request->source == REQUEST_IN_CAPSULE)
		return !list_is_empty(&room->capsules);
	if (is_transfer(request) &&
	    (!is_within_share(room, request) || !list_is_empty(&room->transfers)))
		return true;
	return first_in_turn(room);
}

static struct list *line_of(struct room *room, const struct request *request)
{
	if (request->source == REQUEST_IN_CAPSULE)
		return &room->capsules;
	return is_transfer(request) ? &room->transfers : &room->answers;
}

bool room_take(struct room *room, struct request *request)
{
	if (!must_wait(room, request) && try(room, request))
		return true;
	request->ticket = ++room->tickets;
	list_append(line_of(room, request), &request->core_link);
	return false;
}

void room_give(struct room *room, struct request *request)
{
	room->is_given = true; /* also by leaving the line: another is the first now */
	if (!request->data) {
		list_remove(&request->core_link);
		return;
	}
	if (is_transfer(request))
		room->transfer_bytes -= block_bytes(request->length);
	arena_give(room->arena, request->arena_offset);
	request->data = NULL;
}

struct request *room_next(struct room *room)
{
	struct request *next;

	if (!room->is_given)
		return NULL;
	next = first_of(&room->capsules);
	if (!next || !try(room, next)) {
		next = first_in_turn(room);
		if (!next || !try(room, next)) {
			room->is_given = false;
			return NULL;
		}
	}
	list_remove(&next->core_link);
	return next;
}
