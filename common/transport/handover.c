/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "proto/nvmetd.pb-c.h"

#define ASK_MAX   64
#define GRANT_MAX 512

void handover_deinit(struct handover *handover)
{
	cleanup_close(&handover->fd);
	*handover = HANDOVER_NULL;
}

int handover_ask(int connection, struct handover_wish *wish, uint32_t handle)
{
	Nvmetd__LinkAsk ask = NVMETD__LINK_ASK__INIT;
	uint8_t bytes[ASK_MAX];
	size_t length;

	if (wish->is_open)
		return -EBUSY;
	ask.handle = handle;
	length = nvmetd__link_ask__pack(&ask, bytes);
	if (send(connection, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	*wish = (struct handover_wish){.is_open = true, .handle = handle};
	return 0;
}

/* ------------------------------------------------------------------ the answer */

static bool is_sound(const Nvmetd__LinkGrant *grant)
{
	return !grant->good ||
	       ((grant->block_shift == 9 || grant->block_shift == 12) && grant->bytes > 0 &&
	        grant->bytes <= INT64_MAX && grant->bytes % (1u << grant->block_shift) == 0);
}

int handover_decode(const void *bytes, uint64_t length, struct handover *ret_handover)
{
	Nvmetd__LinkGrant *grant = nvmetd__link_grant__unpack(NULL, length, bytes);
	int r = HANDOVER_E_MALFORMED;

	if (grant && is_sound(grant)) {
		ret_handover->handle = grant->handle;
		ret_handover->good = grant->good;
		ret_handover->has_memory = grant->good && grant->has_memory;
		ret_handover->block_shift = (uint8_t)grant->block_shift;
		ret_handover->bytes = grant->bytes;
		log_safe(ret_handover->reason,
		         sizeof(ret_handover->reason),
		         grant->reason,
		         strlen(grant->reason));
		r = 0;
	}
	if (grant)
		nvmetd__link_grant__free_unpacked(grant, NULL);
	return r;
}

/* The one descriptor; -1 if there is none, or more than one: then all are closed. */
static int take_descriptor(struct msghdr *message)
{
	unsigned count = 0;
	int first = -1;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (count++ == 0)
				first = fd;
			else
				close(fd);
		}
	}
	if (count > 1)
		cleanup_close(&first);
	return count == 1 ? first : -1;
}

int handover_hear(int connection, struct handover_wish *wish, struct handover *ret_handover)
{
	_cleanup_(handover_deinit) struct handover handover = HANDOVER_NULL;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	uint8_t bytes[GRANT_MAX];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int r;

	if (length < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	handover.fd = take_descriptor(&message);
	if (length == 0)
		return HANDOVER_E_ENDED;
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return HANDOVER_E_MALFORMED;
	r = handover_decode(bytes, (uint64_t)length, &handover);
	if (r)
		return r;
	if (handover.has_memory != (handover.fd >= 0) || !wish->is_open ||
	    handover.handle != wish->handle)
		return HANDOVER_E_MALFORMED;
	*wish = HANDOVER_NO_WISH;
	*ret_handover = handover;
	handover = HANDOVER_NULL;
	return 0;
}
