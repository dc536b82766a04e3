/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/shm/packet.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/descriptors.h"

static void keep(struct packet *packet, int fd)
{
	if (packet->n_fds < PACKET_FDS)
		packet->fds[packet->n_fds] = fd;
	else
		close(fd);
	packet->n_fds++;
}

static void take_descriptors(struct packet *packet, struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(fd), sizeof(fd));
			keep(packet, fd);
		}
	}
}

int packet_receive(int connection, void *ret_bytes, size_t size, struct packet *ret_packet)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * PACKET_FDS * sizeof(int))];
	struct iovec piece = {.iov_base = ret_bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*ret_packet = PACKET_NULL;
	take_descriptors(ret_packet, &message);
	ret_packet->length = (size_t)length;
	ret_packet->is_cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	ret_packet->lacks_descriptors = (message.msg_flags & MSG_CTRUNC) &&
	                                ret_packet->n_fds < PACKET_FDS && !descriptors_are_free(1);
	return 0;
}

void packet_deinit(struct packet *packet)
{
	for (unsigned i = 0; i < PACKET_FDS; i++)
		cleanup_close(&packet->fds[i]);
	*packet = PACKET_NULL;
}

static void attach(struct msghdr *message, void *control, const int *fds, unsigned n_fds)
{
	struct cmsghdr *rights;

	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	rights = CMSG_FIRSTHDR(message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
}

int packet_send(int connection, const void *bytes, size_t length, const int *fds, unsigned n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PACKET_FDS * sizeof(int))] = {0};
	struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	if (n_fds > 0)
		attach(&message, control, fds, n_fds);
	return sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}
