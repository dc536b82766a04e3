/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>

#include "common/loop/mailbox.h"

/*
 * notice - tells another thread that something has changed, however often it changes.
 *
 * Shape     A letter, and whether it is on its way. What has changed lies beside it, in atomics.
 * Promise   After notice_post() the receiver is called at least once; notice_take(), first thing
 *           in its call, makes the next change post again.
 * Trust     threads of one process
 * Threads   post: any. take: the receiver's.
 * Lifetime  as a letter's
 */
struct notice {
	struct letter letter;
	atomic_bool is_posted;
};

static inline void notice_post(struct notice *notice, struct mailbox *mailbox,
                               void (*deliver)(struct letter *letter))
{
	if (!atomic_exchange(&notice->is_posted, true))
		mailbox_post(mailbox, &notice->letter, deliver);
}

static inline void notice_take(struct notice *notice)
{
	atomic_store(&notice->is_posted, false);
}
