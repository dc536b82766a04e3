/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/legacy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/shm/link.h"
#include "common/shm/packet.h"
#include "proto/nvmetd.pb-c.h"
#include "services/io/backing.h"

#define HELLO_MAX 128
#define GRANT_MAX 512

#define SILENT_MAX 8
#define SILENT_NS  NS_PER_S

/* Other workers that have not answered. Each is waited for once in a while, not once for each
 * namespace that comes from it: a hundred of them would take longer than the watchdog allows. */
static struct silent {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint64_t until_ns;
} silent[SILENT_MAX];

static bool is_silent(const char *path)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < SILENT_MAX; i++)
		if (now_ns < silent[i].until_ns && strcmp(silent[i].path, path) == 0)
			return true;
	return false;
}

/* In the place of the one that is to be asked again first. */
static void note_silent(const char *path)
{
	struct silent *place = &silent[0];

	for (unsigned i = 1; i < SILENT_MAX; i++)
		if (silent[i].until_ns < place->until_ns)
			place = &silent[i];
	snprintf(place->path, sizeof(place->path), "%s", path);
	place->until_ns = clock_now_ns() + SILENT_NS;
}

/* It is tried again soon: the other worker may just be starting. */
static int fail(char *reason, size_t reason_size, const char *words)
{
	snprintf(reason, reason_size, "its memory is with another worker: %s", words);
	return BACKING_E_HELD;
}

static int dial(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return error_origin(-ENAMETOOLONG);
	memcpy(address.sun_path, path, strlen(path));
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0
	               ? error_origin(-errno)
	               : 0;
}

static int ask(int fd, const uint8_t token[static 16], uint32_t handle)
{
	Nvmetd__LinkHello hello = NVMETD__LINK_HELLO__INIT;
	uint8_t bytes[HELLO_MAX];

	hello.version = LINK_VERSION;
	hello.memory_of = handle;
	hello.token.data = (uint8_t *)token;
	hello.token.len = 16;
	if (nvmetd__link_hello__get_packed_size(&hello) > sizeof(bytes))
		return error_origin(-EMSGSIZE);
	return packet_send(fd, bytes, nvmetd__link_hello__pack(&hello, bytes), NULL, 0);
}

static int await(int fd)
{
	struct pollfd answer = {.fd = fd, .events = POLLIN};
	int r = poll(&answer, 1, LEGACY_WAIT_MS);

	return r < 0 ? error_origin(-errno) : r == 0 ? error_origin(-ETIMEDOUT) : 0;
}

static void free_grant(Nvmetd__LinkGrant **grant)
{
	nvmetd__link_grant__free_unpacked(*grant, NULL);
}

static int take_answer(int fd, uint32_t handle, int *ret_memory, char *reason, size_t reason_size)
{
	_cleanup_(packet_deinit) struct packet packet = PACKET_NULL;
	_cleanup_(free_grant) Nvmetd__LinkGrant *grant = NULL;
	uint8_t bytes[GRANT_MAX];
	int r = packet_receive(fd, bytes, sizeof(bytes), &packet);

	if (r)
		return fail(reason, reason_size, error_words(r));
	if (packet.length > 0 && !packet.is_cut)
		grant = nvmetd__link_grant__unpack(NULL, packet.length, bytes);
	if (!grant)
		return fail(reason, reason_size, "it has closed the connection");
	if (!grant->good || grant->handle != handle || packet.n_fds != 1)
		return fail(reason, reason_size, grant->good ? "it gave none" : grant->reason);
	*ret_memory = take_fd(&packet.fds[0]);
	return 0;
}

int legacy_fetch(const char *path, const uint8_t token[static 16], uint32_t handle, int *ret_memory,
                 char *reason, size_t reason_size)
{
	_cleanup_(cleanup_close) int fd = -1;
	int r;

	if (is_silent(path))
		return fail(reason, reason_size, error_words(-ETIMEDOUT));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? error_origin(-errno) : dial(fd, path);
	if (!r)
		r = ask(fd, token, handle);
	if (!r)
		r = await(fd);
	if (r == -ETIMEDOUT)
		note_silent(path);
	if (r)
		return fail(reason, reason_size, error_words(r));
	return take_answer(fd, handle, ret_memory, reason, reason_size);
}
