/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "common/base/list.h"
#include "common/loop/loop.h"

/*
 * mailbox - hands work to another thread's loop.
 *
 * Shape     A locked list of letters and an eventfd. A letter is embedded in what it carries.
 * Promise   Letters are delivered once, in the order in which each thread posted them, as
 *           calls on the loop's thread; a delivery may deinit the mailbox. For what is
 *           rare: control, not I/O.
 * Trust     threads of one process
 * Threads   post: any. The rest: the loop's.
 * Lifetime  A letter belongs to the mailbox from post until its delivery is called, which may
 *           free it. mailbox_deinit() delivers nothing: letters left are the owners' to find.
 */
struct letter {
	void (*deliver)(struct letter *letter);
	struct list link;
};

struct mailbox {
	pthread_mutex_t lock;
	struct list letters;
	struct loop_source source; /* an eventfd */
	bool *ended;               /* set by deinit, if it comes from within a delivery */
};

int mailbox_init(struct mailbox *mailbox, struct loop *loop);
void mailbox_deinit(struct mailbox *mailbox);
/* No letter waits; of use where nobody else posts. */
bool mailbox_is_empty(struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct letter *letter,
                  void (*deliver)(struct letter *letter));
