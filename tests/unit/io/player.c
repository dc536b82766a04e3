/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/nvme/spec.h"
#include "common/shm/doorbell.h"
#include "tests/unit/io/rig.h"

/* ------------------------------------------------------------------ connecting */

static int connect_to_worker(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig_path("io/data.sock"));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_hello(int fd, const Nvmetd__LinkHello *hello, const int *fds, unsigned n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	uint8_t bytes[512];
	struct iovec piece = {.iov_base = bytes, .iov_len = nvmetd__link_hello__pack(hello, bytes)};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = CMSG_SPACE(n_fds * sizeof(int))};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)piece.iov_len);
}

static Nvmetd__LinkHello hello_of(const struct player_hello *wanted)
{
	Nvmetd__LinkHello hello = NVMETD__LINK_HELLO__INIT;

	hello.version = wanted->version ? wanted->version : LINK_VERSION;
	hello.transport = (char *)(wanted->transport ? wanted->transport : "tcp");
	hello.token.data = (uint8_t *)(wanted->token ? wanted->token : "0123456789abcdef");
	hello.token.len = strlen((char *)hello.token.data);
	hello.thread = wanted->reactor;
	hello.slots = wanted->slots ? wanted->slots : LINK_SLOTS;
	hello.arena_bytes = wanted->arena_bytes ? wanted->arena_bytes : RIG_ARENA;
	hello.instance = wanted->instance ? wanted->instance : 1;
	return hello;
}

void player_connect(struct player *player, struct player_hello wanted)
{
	const Nvmetd__LinkHello hello = hello_of(&wanted);
	int fds[16];
	int unsealed = -1;

	*player = PLAYER_NULL;
	player->block_shift = 9;
	ck_assert_int_eq(link_create(&player->link), 0);
	ck_assert_int_eq(region_create(&player->arena, "arena", RIG_ARENA, false), 0);
	fds[0] = player->link.region.fd;
	fds[1] = player->arena.fd;
	fds[2] = player->link.to_worker;
	fds[3] = player->link.to_transport;
	for (int i = 4; i < 16; i++)
		fds[i] = player->arena.fd;
	if (wanted.unsealed_arena) {
		unsealed = memfd_create("unsealed", MFD_CLOEXEC);
		ck_assert_int_eq(ftruncate(unsealed, RIG_ARENA), 0);
		fds[1] = unsealed;
	}
	player->connection = connect_to_worker();
	if (!wanted.silent)
		send_hello(player->connection, &hello, fds, wanted.n_fds ? wanted.n_fds : 4);
	if (unsealed >= 0)
		close(unsealed);
}

bool player_hears(struct player *player)
{
	uint8_t bytes[1024];
	ssize_t length = recv(player->connection, bytes, sizeof(bytes), MSG_DONTWAIT);
	Nvmetd__LinkWelcome *welcome;

	if (length <= 0)
		return false;
	welcome = nvmetd__link_welcome__unpack(NULL, (size_t)length, bytes);
	ck_assert_ptr_nonnull(welcome);
	player->heard = true;
	player->welcome = welcome->good;
	player->thread = welcome->thread;
	snprintf(player->reason, sizeof(player->reason), "%s", welcome->reason);
	nvmetd__link_welcome__free_unpacked(welcome, NULL);
	return true;
}

bool player_is_cut(const struct player *player)
{
	char byte;
	ssize_t length = recv(player->connection, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return length == 0 || (length < 0 && errno != EAGAIN);
}

void player_begin(struct player *player)
{
	player_connect(player, (struct player_hello){.transport = "tcp"});
	until(player_hears(player));
	ck_assert_msg(player->welcome, "%s", player->reason);
}

void player_leave(struct player *player)
{
	if (player->connection >= 0)
		close(player->connection);
	link_deinit(&player->link);
	region_deinit(&player->arena);
	*player = PLAYER_NULL;
}

/* ------------------------------------------------------------------ requests */

uint32_t player_put(struct player *player, struct link_request request)
{
	uint32_t id = player->next_id++;

	request.id = (struct link_id){.index = id % LINK_SLOTS, .generation = id};
	ck_assert_int_eq(ring_put(&player->link.requests, &request), 0);
	ring_publish(&player->link.requests);
	if (ring_must_wake(&player->link.requests))
		doorbell_ring(player->link.to_worker);
	return id;
}

bool player_take(struct player *player, struct link_completion *ret_completion)
{
	if (ring_take(&player->link.completions, ret_completion))
		return false;
	ring_release(&player->link.completions);
	return true;
}

unsigned player_do(struct player *player, struct link_request request)
{
	uint32_t id = player_put(player, request);
	struct link_completion completion;

	until(player_take(player, &completion));
	ck_assert_uint_eq(completion.id.generation, id);
	return completion.status;
}

/* One segment, at the arena's begin. */
static struct link_request transfer(const struct player *player, uint8_t operation, uint32_t handle,
                                    uint64_t first, uint32_t blocks)
{
	return (struct link_request){
		.operation = operation,
		.handle = handle,
		.first_block = first,
		.block_count = blocks,
		.segment_count = 1,
		.segments = {{.offset = 0, .length = blocks << player->block_shift}},
	};
}

struct link_request player_reading(const struct player *player, uint32_t handle, uint64_t first,
                                   uint32_t blocks)
{
	return transfer(player, LINK_READ, handle, first, blocks);
}

struct link_request player_writing(const struct player *player, uint32_t handle, uint64_t first,
                                   uint32_t blocks)
{
	return transfer(player, LINK_WRITE, handle, first, blocks);
}

unsigned player_read(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks)
{
	memset(player->arena.memory, 0xee, (size_t)blocks << player->block_shift);
	return player_do(player, player_reading(player, handle, first, blocks));
}

unsigned player_write(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks,
                      uint8_t flags)
{
	struct link_request request = player_writing(player, handle, first, blocks);

	request.flags = flags;
	return player_do(player, request);
}

unsigned player_flush(struct player *player, uint32_t handle)
{
	return player_do(player, (struct link_request){.operation = LINK_FLUSH, .handle = handle});
}

unsigned player_zero(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks,
                     uint8_t flags)
{
	return player_do(player,
	                 (struct link_request){.operation = LINK_WRITE_ZEROES,
	                                       .flags = flags,
	                                       .handle = handle,
	                                       .first_block = first,
	                                       .block_count = blocks});
}

unsigned player_deallocate(struct player *player, uint32_t handle, uint64_t first, uint32_t blocks)
{
	const struct nvme_dsm_range ranges[] = {
		{.blocks = le32_of(0),      .slba = le64_of(0)    }, /* nothing: passed over */
		{.blocks = le32_of(blocks), .slba = le64_of(first)},
	};

	memcpy(player->arena.memory, ranges, sizeof(ranges));
	return player_do(player,
	                 (struct link_request){.operation = LINK_DEALLOCATE,
	                                       .handle = handle,
	                                       .block_count = 2,
	                                       .segment_count = 1,
	                                       .segments = {{.offset = 0, .length = 4096}}});
}

/* ------------------------------------------------------------------ data */

static uint8_t expected(uint32_t place, unsigned seed)
{
	return (uint8_t)(1 + (place * 7 + place / 251 + seed * 31) % 255); /* never 0 */
}

void player_fill(struct player *player, uint32_t bytes, unsigned seed)
{
	uint8_t *memory = player->arena.memory;

	for (uint32_t i = 0; i < bytes; i++)
		memory[i] = expected(i, seed);
}

bool player_has(const struct player *player, uint32_t bytes, unsigned seed)
{
	const uint8_t *memory = player->arena.memory;

	for (uint32_t i = 0; i < bytes; i++)
		if (memory[i] != expected(i, seed))
			return false;
	return true;
}

bool player_has_zeroes(const struct player *player, uint32_t bytes)
{
	const uint8_t *memory = player->arena.memory;

	for (uint32_t i = 0; i < bytes; i++)
		if (memory[i] != 0)
			return false;
	return true;
}
