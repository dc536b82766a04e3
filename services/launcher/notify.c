/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/notify.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/base/log.h"

/* At once: more than a socket holds (net.unix.max_dgram_qlen), unless that was raised. Who says
 * even more is heard again in the next round. */
#define MESSAGES_PER_ROUND 1024

static const char *value_of(const char *line, const char *key)
{
	size_t length = strlen(key);

	return strncmp(line, key, length) == 0 && line[length] == '=' ? line + length + 1 : NULL;
}

static void parse_line(struct notification *notification, const char *line)
{
	const char *value;

	if (strcmp(line, "READY=1") == 0)
		notification->is_ready = true;
	else if (strcmp(line, "WATCHDOG=1") == 0)
		notification->is_alive = true;
	else if (strcmp(line, "FDSTORE=1") == 0)
		notification->stores = true;
	else if (strcmp(line, "FDSTOREREMOVE=1") == 0)
		notification->removes = true;
	else if ((value = value_of(line, "FDNAME")))
		notification->fd_name = value;
	else if ((value = value_of(line, "STATUS")))
		notification->status = value;
}

void notification_parse(struct notification *ret_notification, char *text)
{
	char *line;

	*ret_notification = (struct notification){.fd_name = "stored"};
	while ((line = strsep(&text, "\n")))
		parse_line(ret_notification, line);
}

static void take_control(struct notification *notification, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);
		struct ucred sender;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS && bytes <= sizeof(notification->fds)) {
			memcpy(notification->fds, CMSG_DATA(c), bytes);
			notification->n_fds = (unsigned)(bytes / sizeof(int));
		} else if (c->cmsg_type == SCM_CREDENTIALS && bytes >= sizeof(sender)) {
			memcpy(&sender, CMSG_DATA(c), sizeof(sender));
			notification->pid = sender.pid;
		}
	}
}

/* True if there was a message, good or not. */
static bool hear_one(struct notify *notify)
{
	char text[NOTIFY_BYTES + 1];
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(NOTIFY_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct notification notification;
	ssize_t length = recvmsg(notify->source.fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (length < 0)
		return errno == EINTR;
	text[length] = '\0';
	notification_parse(&notification, text);
	take_control(&notification, &message);
	if ((message.msg_flags & MSG_CTRUNC) && !descriptors_are_free(1))
		log_err("process %d: what it gives to keep is dropped: no more files may be opened "
		        "here: raise the limit (LimitNOFILE=, ulimit -H -n)",
		        notification.pid);
	else if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		log_warn("process %d: its message was too long: dropped", notification.pid);
	else
		notify->heard(notify, &notification);
	for (unsigned i = 0; i < notification.n_fds; i++)
		cleanup_close(&notification.fds[i]);
	return true;
}

void notify_drain(struct notify *notify)
{
	for (unsigned n = 0; n < MESSAGES_PER_ROUND && notify->source.loop; n++)
		if (!hear_one(notify))
			return;
}

static void on_message(struct loop_source *source, uint32_t events)
{
	(void)events;
	notify_drain(container_of(source, struct notify, source));
}

static int open_socket(const struct sockaddr_un *address)
{
	_cleanup_(cleanup_close) int fd = -1;
	int on = 1;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_origin(-errno);
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return error_origin(-errno);
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return error_origin(-errno);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return error_origin(-errno);
	return take_fd(&fd);
}

int notify_init(struct notify *notify, struct loop *loop, const char *path,
                void (*heard)(struct notify *notify, struct notification *notification))
{
	_cleanup_(cleanup_close) int fd = -1;
	int r;

	*notify = (struct notify){.source = LOOP_SOURCE(on_message), .heard = heard};
	notify->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(notify->address.sun_path))
		return error_origin(-ENAMETOOLONG);
	memcpy(notify->address.sun_path, path, strlen(path) + 1);
	fd = open_socket(&notify->address);
	if (fd < 0)
		return error_trace(fd);
	r = loop_add(loop, &notify->source, fd, EPOLLIN);
	if (r)
		return error_trace(r);
	take_fd(&fd);
	return 0;
}

void notify_deinit(struct notify *notify)
{
	int fd = notify->source.fd;

	if (!notify->source.loop)
		return;
	loop_remove(&notify->source);
	close(fd);
	unlink(notify->address.sun_path);
}
