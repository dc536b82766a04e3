/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sd_notify(3) makes a socket for each message, and waits for ever while the receiver's queue is
 * full: with ten datagrams, as the kernel has it by default, a supervisor that does not read
 * would soon hang all that it supervises; and whoever has no descriptor left would be taken for
 * dead.
 */
#include "common/proc/supervisor.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

#define PAUSE_MS 5u

static int sender = -1;
static bool is_deaf; /* it did not take the last message */

/* False: nobody is there to be told. */
static bool find_address(struct sockaddr_un *ret_address, socklen_t *ret_size)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (length < 2 || length >= sizeof(ret_address->sun_path))
		return false;
	memcpy(ret_address->sun_path, path, length);
	if (path[0] == '@')
		ret_address->sun_path[0] = '\0';
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return true;
}

int supervisor_open(void)
{
	if (sender >= 0 || !getenv("NOTIFY_SOCKET"))
		return 0;
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sender < 0 ? error_origin(-errno) : 0;
}

void supervisor_close(void)
{
	if (sender >= 0)
		close(sender);
	sender = -1;
	is_deaf = false;
}

static void attach(struct msghdr *message, void *control, int fd)
{
	struct cmsghdr *rights = control;

	*rights = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
	                           .cmsg_type = SCM_RIGHTS,
	                           .cmsg_len = CMSG_LEN(sizeof(fd))};
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(sizeof(fd));
}

static int send_in_time(const struct msghdr *message, unsigned patience_ms)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * NS_PER_MS};

	for (unsigned waited_ms = 0;; waited_ms += PAUSE_MS) {
		if (sendmsg(sender, message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR && (errno != EAGAIN || waited_ms >= patience_ms))
			return -errno;
		nanosleep(&pause, NULL);
	}
}

int supervisor_tell(const char *text, int fd, unsigned patience_ms)
{
	struct iovec part = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {0};
	struct sockaddr_un address;
	struct msghdr message = {.msg_name = &address, .msg_iov = &part, .msg_iovlen = 1};
	int r;

	if (!find_address(&address, &message.msg_namelen))
		return 0;
	r = supervisor_open();
	if (r)
		return error_trace(r);
	if (fd >= 0)
		attach(&message, control, fd);
	r = send_in_time(&message, is_deaf ? 0 : patience_ms);
	if (r && !is_deaf)
		log_warn("supervisor: does not hear \"%.*s\": %s",
		         (int)strcspn(text, "\n"),
		         text,
		         error_words(r));
	is_deaf = r != 0;
	return r ? error_origin(r) : 0;
}
