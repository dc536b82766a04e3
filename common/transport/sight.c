/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/sight.h"

static struct view_count *oldest(const struct sight *sight)
{
	return container_of(sight->views.next, struct view_count, link);
}

static void drop_oldest(struct sight *sight)
{
	struct view_count *count = oldest(sight);

	list_remove(&count->link);
	view_drop(count->view);
}

void sight_init(struct sight *sight, unsigned reactor, void (*rose)(struct sight *sight))
{
	*sight = (struct sight){.reactor = reactor, .rose = rose};
	list_init(&sight->views);
}

void sight_deinit(struct sight *sight)
{
	while (!list_is_empty(&sight->views))
		drop_oldest(sight);
	sight->view = NULL;
}

void sight_take(struct sight *sight, struct view *view)
{
	sight->view = view;
	list_append(&sight->views, &view->counts[sight->reactor].link);
}

void sight_trim(struct sight *sight)
{
	uint64_t drained;

	while (oldest(sight)->view != sight->view && oldest(sight)->admitted == 0)
		drop_oldest(sight);
	drained = oldest(sight)->view->serial;
	if (drained == atomic_load(&sight->drained))
		return;
	atomic_store(&sight->drained, drained);
	sight->rose(sight);
}
