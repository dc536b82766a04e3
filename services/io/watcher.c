/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/watcher.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

/* What is there now; more of it makes the descriptor ready again. */
static void read_events(struct loop_source *source, uint32_t events)
{
	struct watcher *watcher = container_of(source, struct watcher, source);
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t length = read(source->fd, bytes, sizeof(bytes));

	(void)events;
	for (ssize_t at = 0; at < length;) {
		struct inotify_event event;

		memcpy(&event, bytes + at, sizeof(event));
		at += (ssize_t)(sizeof(event) + event.len);
		if (event.mask & IN_CLOSE_WRITE)
			watcher->closed(watcher->context, event.wd);
		if (event.mask & IN_IGNORED)
			watcher->gone(watcher->context, event.wd);
	}
}

void watcher_init(struct watcher *watcher, struct loop *loop,
                  void (*closed)(void *context, int watch), void (*gone)(void *context, int watch),
                  void *context)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	*watcher = (struct watcher){.source = LOOP_SOURCE(read_events),
	                            .closed = closed,
	                            .gone = gone,
	                            .context = context};
	if (fd >= 0 && loop_add(loop, &watcher->source, fd, EPOLLIN) == 0)
		return;
	log_info("files that change their size are noticed late: no inotify: %s",
	         error_words(fd < 0 ? -errno : -ENOMEM));
	if (fd >= 0)
		close(fd);
	watcher->source.fd = -1;
}

void watcher_deinit(struct watcher *watcher)
{
	int fd = watcher->source.fd;

	if (fd < 0)
		return;
	loop_remove(&watcher->source);
	close(fd);
}

int watcher_add(struct watcher *watcher, int fd)
{
	char path[32];

	if (watcher->source.fd < 0 || fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(watcher->source.fd, path, IN_CLOSE_WRITE);
}

void watcher_remove(struct watcher *watcher, int watch)
{
	if (watcher->source.fd >= 0 && watch >= 0)
		inotify_rm_watch(watcher->source.fd, watch);
}
