/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/greeting.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/packet.h"

#define HELLO_MAX   512
#define WELCOME_MAX 1024

int greeting_connect(const char *path)
{
	_cleanup_(cleanup_close) int fd = -1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return error_origin(-ENAMETOOLONG);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_origin(-errno);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno; /* its state, not a failure of ours */
	return take_fd(&fd);
}

int greeting_say(int connection, const Nvmetd__LinkHello *hello, const struct link *link,
                 int arena_fd)
{
	const int fds[PACKET_FDS] = {
		link->region.fd, arena_fd, link->to_worker, link->to_transport};
	uint8_t bytes[HELLO_MAX];

	if (nvmetd__link_hello__get_packed_size(hello) > sizeof(bytes))
		return error_origin(-EMSGSIZE);
	return packet_send(
		connection, bytes, nvmetd__link_hello__pack(hello, bytes), fds, PACKET_FDS);
}

static int take_answer(const uint8_t *bytes, size_t length, struct greeting_words *ret_words,
                       char *ret_reason, size_t reason_size)
{
	Nvmetd__LinkWelcome *welcome = nvmetd__link_welcome__unpack(NULL, length, bytes);
	bool good;

	if (!welcome)
		return GREETING_E_MALFORMED;
	good = welcome->good;
	*ret_words = (struct greeting_words){
		.can_cancel = welcome->cancels,
		.can_doubt = welcome->doubts,
	};
	if (!good)
		log_safe(ret_reason, reason_size, welcome->reason, strlen(welcome->reason));
	nvmetd__link_welcome__free_unpacked(welcome, NULL);
	return good ? 0 : GREETING_E_REFUSED;
}

int greeting_hear(int connection, struct greeting_words *ret_words, char *ret_reason,
                  size_t reason_size)
{
	uint8_t bytes[WELCOME_MAX];
	ssize_t length = recv(connection, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (length < 0)
		return -errno;
	if (length == 0)
		return GREETING_E_ENDED;
	return take_answer(bytes, (size_t)length, ret_words, ret_reason, reason_size);
}
