/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/loop/mailbox.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/error.h"

/* In one round; the rest waits for the next, so that others have their turn. */
#define LETTERS_PER_ROUND 64

static struct letter *take_letter(struct mailbox *mailbox)
{
	struct list *link;

	pthread_mutex_lock(&mailbox->lock);
	link = list_take_first(&mailbox->letters);
	pthread_mutex_unlock(&mailbox->lock);
	return link ? container_of(link, struct letter, link) : NULL;
}

static void deliver_letters(struct loop_source *source, uint32_t events)
{
	struct mailbox *mailbox = container_of(source, struct mailbox, source);
	bool ended = false;
	eventfd_t rings;

	(void)events;
	eventfd_read(source->fd, &rings);
	mailbox->ended = &ended;
	for (unsigned n = 0; n < LETTERS_PER_ROUND; n++) {
		struct letter *letter = take_letter(mailbox);

		if (!letter) {
			mailbox->ended = NULL;
			return;
		}
		letter->deliver(letter);
		if (ended)
			return;
	}
	mailbox->ended = NULL;
	eventfd_write(source->fd, 1); /* there may be more */
}

int mailbox_init(struct mailbox *mailbox, struct loop *loop)
{
	int fd, r;

	*mailbox = (struct mailbox){.source = LOOP_SOURCE(deliver_letters)};
	list_init(&mailbox->letters);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return error_origin(-errno);
	r = loop_add(loop, &mailbox->source, fd, EPOLLIN);
	if (r) {
		close(fd);
		return error_trace(r);
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	return 0;
}

void mailbox_deinit(struct mailbox *mailbox)
{
	int fd = mailbox->source.fd;

	if (!mailbox->source.loop)
		return;
	if (mailbox->ended)
		*mailbox->ended = true;
	loop_remove(&mailbox->source);
	close(fd);
	pthread_mutex_destroy(&mailbox->lock);
}

void mailbox_post(struct mailbox *mailbox, struct letter *letter,
                  void (*deliver)(struct letter *letter))
{
	bool was_empty;

	letter->deliver = deliver;
	pthread_mutex_lock(&mailbox->lock);
	was_empty = list_is_empty(&mailbox->letters);
	list_append(&mailbox->letters, &letter->link);
	if (was_empty)
		eventfd_write(mailbox->source.fd,
		              1); /* under the lock: the mailbox may end after it */
	pthread_mutex_unlock(&mailbox->lock);
}

bool mailbox_is_empty(struct mailbox *mailbox)
{
	bool is_empty;

	pthread_mutex_lock(&mailbox->lock);
	is_empty = list_is_empty(&mailbox->letters);
	pthread_mutex_unlock(&mailbox->lock);
	return is_empty;
}
