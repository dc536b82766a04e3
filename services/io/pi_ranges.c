/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/pi_ranges.h"

#include <stddef.h>

void pi_ranges_init(struct pi_ranges *ranges)
{
	list_init(&ranges->in);
	list_init(&ranges->waiting);
}

static struct pi_range *range_at(struct list *link)
{
	return container_of(link, struct pi_range, link);
}

static bool overlap(const struct pi_range *a, const struct pi_range *b)
{
	return a->first < b->end && b->first < a->end;
}

static bool collide(const struct pi_range *a, const struct pi_range *b)
{
	if (!a->writes && !b->writes)
		return false;
	if (overlap(a, b))
		return true;
	return a->writes && b->writes && a->units.first < b->units.end &&
	       b->units.first < a->units.end;
}

/* Of those in the list before `end`. */
static bool is_in_the_way(struct list *head, const struct list *end, const struct pi_range *range)
{
	for (struct list *link = head->next; link != head && link != end; link = link->next)
		if (collide(range_at(link), range))
			return true;
	return false;
}

bool pi_ranges_enter(struct pi_ranges *ranges, struct pi_range *range)
{
	bool waits = is_in_the_way(&ranges->in, NULL, range) ||
	             is_in_the_way(&ranges->waiting, NULL, range);

	list_append(waits ? &ranges->waiting : &ranges->in, &range->link);
	return !waits;
}

/* With the leader and its followers it may have units in common, but no blocks. (Somebody whose
 * leader was another one in the same memory is elsewhere: he would be in the leader's way.) */
static bool may_follow(struct pi_ranges *ranges, const struct pi_range *range,
                       const struct pi_range *leader)
{
	if (!range->may_follow || range->units.first < leader->units.first ||
	    range->units.end > leader->units.end)
		return false;
	list_for_each (link, &ranges->in) {
		const struct pi_range *other = range_at(link);
		bool is_of_them = other == leader || other->leader == leader;

		if (is_of_them ? overlap(other, range) : collide(other, range))
			return false;
	}
	return !is_in_the_way(&ranges->waiting, &range->link, range);
}

struct pi_range *pi_ranges_follow(struct pi_ranges *ranges, const struct pi_range *leader)
{
	list_for_each_safe (link, &ranges->waiting) {
		struct pi_range *range = range_at(link);

		if (!may_follow(ranges, range, leader))
			continue;
		list_remove(link);
		list_append(&ranges->in, link);
		range->leader = leader;
		return range;
	}
	return NULL;
}

void pi_ranges_leave(struct pi_range *range)
{
	list_remove(&range->link);
}

struct pi_range *pi_ranges_admit(struct pi_ranges *ranges)
{
	list_for_each_safe (link, &ranges->waiting) {
		struct pi_range *range = range_at(link);

		if (is_in_the_way(&ranges->in, NULL, range) ||
		    is_in_the_way(&ranges->waiting, link, range))
			continue;
		list_remove(link);
		list_append(&ranges->in, link);
		return range;
	}
	return NULL;
}
