/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * list - a doubly linked list whose links lie in its members.
 *
 * Shape     A ring with a head; a link that is in no list points to itself.
 * Promise   Adding, taking out and asking for emptiness take constant time, and taking out
 *           what is in no list is allowed.
 * Trust     private memory only
 * Threads   one at a time
 * Lifetime  the list owns nothing
 */
struct list {
	struct list *next;
	struct list *previous;
};

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define list_for_each(link, head)                                                                  \
	for (struct list *link = (head)->next; link != (head); link = link->next)

/* As above; the current link may be taken out. */
#define list_for_each_safe(link, head)                                                             \
	for (struct list *link = (head)->next, *link##_next_ = link->next; link != (head);         \
	     link = link##_next_, link##_next_ = link->next)

static inline void list_init(struct list *head)
{
	head->next = head;
	head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->previous = head->previous;
	link->next = head;
	head->previous->next = link;
	head->previous = link;
}

static inline void list_remove(struct list *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

/* The first link, taken out; NULL of an empty list. */
static inline struct list *list_take_first(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}
