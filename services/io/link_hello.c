/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/link_hello.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/error.h"
#include "common/shm/packet.h"

#define HELLO_MAX   1024
#define WELCOME_MAX 512

#define ARENA_UNIT (UINT64_C(1) << 20)
#define ARENA_MAX  (UINT64_C(1) << 30)

/* In the order of the .proto */
enum { FD_RINGS, FD_ARENA, FD_TO_WORKER, FD_TO_TRANSPORT };

/* ------------------------------------------------------------------ checking */

static const char *find_fault(const struct packet *packet, const Nvmetd__LinkHello *hello)
{
	if (packet->lacks_descriptors)
		return "the worker may open no more files: raise its limit (LimitNOFILE=)";
	if (packet->is_cut)
		return "the hello is too long";
	if (!hello)
		return "the hello is malformed";
	if (hello->version != LINK_VERSION)
		return "another version of the link";
	if (hello->token.len > LINK_TOKEN_MAX)
		return "a token that is too long";
	if (hello->memory_of)
		return packet->n_fds > 0 ? "descriptors, where none belong" : NULL;
	if (packet->n_fds != PACKET_FDS)
		return "not the four descriptors";
	if (hello->slots != LINK_SLOTS)
		return "another number of slots";
	if (hello->arena_bytes == 0 || hello->arena_bytes % ARENA_UNIT != 0 ||
	    hello->arena_bytes > ARENA_MAX)
		return "an arena of a size that is not taken: a multiple of 1 MiB, 1 GiB at most";
	if (strlen(hello->transport) >= sizeof(((struct lane *)0)->transport))
		return "a name that is too long";
	return NULL;
}

/* A descriptor belongs to whom it is handed, also when that fails. */
static int adopt_memory(struct link *ret_link, struct region *ret_arena, struct packet *packet,
                        uint64_t arena_bytes)
{
	int r = region_adopt(ret_arena, take_fd(&packet->fds[FD_ARENA]), arena_bytes);

	if (r)
		return r;
	r = link_adopt(ret_link,
	               take_fd(&packet->fds[FD_RINGS]),
	               take_fd(&packet->fds[FD_TO_WORKER]),
	               take_fd(&packet->fds[FD_TO_TRANSPORT]));
	if (r)
		region_deinit(ret_arena);
	return r;
}

static struct lane *make_lane(struct packet *packet, const Nvmetd__LinkHello *hello,
                              const char **ret_reason)
{
	struct link link = LINK_NULL;
	struct region arena = REGION_NULL;
	struct lane *lane;
	int r = adopt_memory(&link, &arena, packet, hello->arena_bytes);

	if (r) {
		*ret_reason = r > 0 ? "its memory is not sealed, or not of the size said"
		                    : "its memory cannot be mapped";
		return NULL;
	}
	lane = lane_new(&link, &arena);
	if (!lane) {
		*ret_reason = "no memory";
		return NULL;
	}
	strncpy(lane->transport, hello->transport, sizeof(lane->transport) - 1);
	lane->instance = hello->instance;
	lane->reactor = hello->thread;
	return lane;
}

static void free_hello(Nvmetd__LinkHello **hello)
{
	nvmetd__link_hello__free_unpacked(*hello, NULL);
}

int link_hello_receive(int fd, struct link_hello *ret_hello, const char **ret_reason)
{
	_cleanup_(packet_deinit) struct packet packet = PACKET_NULL;
	_cleanup_(free_hello) Nvmetd__LinkHello *hello = NULL;
	uint8_t bytes[HELLO_MAX];
	struct lane *lane;
	int r = packet_receive(fd, bytes, sizeof(bytes), &packet);

	if (r)
		return r == -EAGAIN ? LINK_HELLO_E_LATER : LINK_HELLO_E_CLOSED;
	if (packet.length == 0)
		return LINK_HELLO_E_CLOSED;
	if (!packet.is_cut)
		hello = nvmetd__link_hello__unpack(NULL, packet.length, bytes);
	*ret_reason = find_fault(&packet, hello);
	if (*ret_reason)
		return LINK_HELLO_E_BAD;
	lane = hello->memory_of ? NULL : make_lane(&packet, hello, ret_reason);
	if (!lane && !hello->memory_of)
		return LINK_HELLO_E_BAD;
	ret_hello->lane = lane;
	ret_hello->memory_of = hello->memory_of;
	ret_hello->token_size = hello->token.len;
	if (hello->token.len > 0)
		memcpy(ret_hello->token, hello->token.data, hello->token.len);
	return 0;
}

/* ------------------------------------------------------------------ answering */

bool link_welcome_send(int fd, const char *reason, unsigned thread)
{
	Nvmetd__LinkWelcome welcome = NVMETD__LINK_WELCOME__INIT;
	unsigned char bytes[WELCOME_MAX];
	size_t length;

	welcome.good = reason == NULL;
	welcome.thread = thread;
	welcome.cancels = true;
	welcome.doubts = true;
	if (reason)
		welcome.reason = (char *)reason;
	if (nvmetd__link_welcome__get_packed_size(&welcome) > sizeof(bytes))
		return false;
	length = nvmetd__link_welcome__pack(&welcome, bytes);
	return send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}
