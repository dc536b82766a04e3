/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/backlog.h"

#include <string.h>

#include "common/transport/request.h"

void backlog_init(struct backlog *backlog)
{
	list_init(&backlog->waiting);
	list_init(&backlog->held);
	list_init(&backlog->lost);
}

bool backlog_is_empty(const struct backlog *backlog)
{
	return list_is_empty(&backlog->waiting) && list_is_empty(&backlog->held) &&
	       list_is_empty(&backlog->lost);
}

struct request *backlog_next(struct backlog *backlog)
{
	struct list *first = list_take_first(&backlog->waiting);

	return first ? container_of(first, struct request, core_link) : NULL;
}

void backlog_return(struct backlog *backlog, struct request *request)
{
	list_append(backlog->waiting.next, &request->core_link); /* before the first */
}

static void put_before(struct list *later, struct list *earlier)
{
	struct list *link;

	while (!list_is_empty(earlier)) {
		link = earlier->previous;
		list_remove(link);
		list_append(later->next, link); /* before the first of later */
	}
}

void backlog_release(struct backlog *backlog)
{
	put_before(&backlog->waiting, &backlog->held);
}

void backlog_lose(struct backlog *backlog, struct request *request)
{
	request->owner = REQUEST_AT_WORKER;
	request->is_lost = true;
	list_append(&backlog->lost, &request->core_link);
}

void backlog_lose_again(struct backlog *backlog)
{
	backlog_release(backlog);
	list_for_each_safe (at, &backlog->waiting) {
		struct request *request = container_of(at, struct request, core_link);

		if (!request->is_lost)
			continue;
		list_remove(at);
		backlog_lose(backlog, request);
	}
}

void backlog_recover(struct backlog *backlog)
{
	list_for_each (at, &backlog->lost) {
		struct request *request = container_of(at, struct request, core_link);

		request->owner = REQUEST_AT_LINK;
		if (request->queue->closing || request->early != REQUEST_EARLY_NONE)
			backlog_fence(request);
	}
	put_before(&backlog->waiting, &backlog->lost);
}

void backlog_fence(struct request *request)
{
	request->wanted.operation = LINK_FLUSH;
	request->wanted.flags = 0;
	request->wanted.segment_count = 0;
	request->wanted.first_block = 0;
	request->wanted.block_count = 0;
	memset(request->wanted.segments, 0, sizeof(request->wanted.segments));
}
