/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/link_ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/nvmetd.pb-c.h"

#define ASK_MAX   64
#define GRANT_MAX 512

int link_ask_decode(const void *bytes, uint64_t length, uint32_t *ret_handle)
{
	Nvmetd__LinkAsk *ask = nvmetd__link_ask__unpack(NULL, length, bytes);

	if (!ask)
		return LINK_ASK_E_BAD;
	*ret_handle = ask->handle;
	nvmetd__link_ask__free_unpacked(ask, NULL);
	return 0;
}

/* Without room for them the kernel hands out no descriptors, but says that there were some. */
int link_ask_receive(int connection, uint32_t *ret_handle)
{
	uint8_t bytes[ASK_MAX];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t length = recvmsg(connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? LINK_ASK_E_LATER : LINK_ASK_E_CLOSED;
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return LINK_ASK_E_BAD;
	if (length == 0)
		return LINK_ASK_E_CLOSED;
	return link_ask_decode(bytes, (uint64_t)length, ret_handle);
}

static void attach(struct msghdr *message, char *control, size_t size, int fd)
{
	struct cmsghdr *rights;

	message->msg_control = control;
	message->msg_controllen = size;
	rights = CMSG_FIRSTHDR(message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
}

bool link_grant_send(int connection, const struct link_gift *gift)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	uint8_t bytes[GRANT_MAX];
	struct iovec piece = {.iov_base = bytes};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	Nvmetd__LinkGrant grant = NVMETD__LINK_GRANT__INIT;

	grant.handle = gift->handle;
	grant.good = gift->reason == NULL;
	if (gift->reason) {
		grant.reason = (char *)gift->reason;
	} else {
		grant.bytes = gift->bytes;
		grant.block_shift = gift->block_shift;
		grant.has_memory = gift->fd >= 0;
	}
	if (nvmetd__link_grant__get_packed_size(&grant) > sizeof(bytes))
		return false;
	piece.iov_len = nvmetd__link_grant__pack(&grant, bytes);
	if (grant.has_memory)
		attach(&message, control, sizeof(control), gift->fd);
	return sendmsg(connection, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)piece.iov_len;
}
