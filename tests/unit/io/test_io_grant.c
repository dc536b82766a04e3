/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport asks for the memory of a namespace: it gets what has an io grant and is granted to
 * it, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/io/link_ask.h"
#include "services/io/links.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

enum { RAM = 1, NO_GRANT, READ_ONLY, NOTHING, A_FILE, NOT_READY, UNKNOWN };

static struct player player, other;
static Nvmetd__LinkGrant *answer;
static int memory = -1; /* what came with it */

static void given_a_link(void)
{
	struct rig_namespace namespaces[] = {
		{.handle = RAM,      .path = "ram:1M",  .io_grant = true},
		{.handle = NO_GRANT,                  .path = "ram:1M"                 },
		{.handle = READ_ONLY,                  .path = "ram:1M",.io_grant = true, .read_only = true},
		{.handle = NOTHING,  .path = "null:1M",   .io_grant = true, .block_shift = 12},
		{.handle = NOT_READY,  .path = "/nowhere/at/all", .io_grant = true},
		{.handle = A_FILE, .io_grant = true                 },
	};

	rig_begin(1);
	namespaces[5].path = rig_file("disk", 1 << 20);
	rig_serve(namespaces, 6);
	until(rig_is_ready(A_FILE));
	player = other = PLAYER_NULL;
	player_begin(&player);
}

static void leave(void)
{
	if (answer)
		nvmetd__link_grant__free_unpacked(answer, NULL);
	answer = NULL;
	if (memory >= 0)
		close(memory);
	memory = -1;
	player_leave(&player);
	player_leave(&other);
	rig_end();
}

/* ------------------------------------------------------------------ asking */

static void ask(struct player *who, uint32_t handle)
{
	Nvmetd__LinkAsk message = NVMETD__LINK_ASK__INIT;
	uint8_t bytes[64];
	size_t length;

	message.handle = handle;
	length = nvmetd__link_ask__pack(&message, bytes);
	ck_assert_int_eq(send(who->connection, bytes, length, 0), (ssize_t)length);
}

static bool hears(struct player *who)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	uint8_t bytes[1024];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(who->connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length <= 0)
		return false;
	answer = nvmetd__link_grant__unpack(NULL, (size_t)length, bytes);
	ck_assert_ptr_nonnull(answer);
	if (message.msg_controllen > 0)
		memcpy(&memory, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(memory));
	return true;
}

static void expect_no_memory(uint32_t handle, const char *reason)
{
	ask(&player, handle);
	until(hears(&player));
	ck_assert_uint_eq(answer->handle, handle);
	ck_assert(!answer->good);
	ck_assert_str_eq(answer->reason, reason);
	ck_assert_int_eq(memory, -1);
	ck_assert_uint_eq(answer->bytes, 0);
}

/* And the link goes on. */
static void expect_refusal(uint32_t handle, const char *reason)
{
	expect_no_memory(handle, reason);
	ck_assert_uint_eq(player_read(&player, RAM, 0, 8), 0);
}

START_TEST(gets_the_memory_that_the_worker_uses)
{
	struct region region;

	ask(&player, RAM);
	until(hears(&player));
	ck_assert_msg(answer->good, "%s", answer->reason);
	ck_assert(answer->has_memory);
	ck_assert_uint_eq(answer->bytes, 1 << 20);
	ck_assert_uint_eq(answer->block_shift, 9);
	ck_assert_int_eq(region_adopt(&region, memory, answer->bytes), 0);
	memory = -1;
	player_fill(&player, 4096, 3);
	ck_assert_uint_eq(player_write(&player, RAM, 8, 8, 0), 0);
	ck_assert_mem_eq((char *)region.memory + 4096, player.arena.memory, 4096);
	memset(region.memory, 0x5a, 4096);
	ck_assert_uint_eq(player_read(&player, RAM, 0, 8), 0);
	ck_assert_mem_eq(player.arena.memory, region.memory, 4096);
	region_deinit(&region);
}
END_TEST

START_TEST(can_neither_shrink_nor_seal_it)
{
	ask(&player, RAM);
	until(hears(&player));
	ck_assert_int_lt(ftruncate(memory, 4096), 0);
	ck_assert_int_lt(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
}
END_TEST

START_TEST(gets_no_descriptor_where_none_is_needed)
{
	ask(&player, NOTHING);
	until(hears(&player));
	ck_assert(answer->good);
	ck_assert(!answer->has_memory);
	ck_assert_uint_eq(answer->block_shift, 12);
	ck_assert_int_eq(memory, -1);
}
END_TEST

START_TEST(may_ask_again)
{
	for (int i = 0; i < 3; i++) {
		ask(&player, RAM);
		until(hears(&player));
		ck_assert(answer->good);
		nvmetd__link_grant__free_unpacked(answer, NULL);
		close(memory);
		memory = -1;
		answer = NULL;
	}
}
END_TEST

START_TEST(does_not_get_what_has_no_io_grant)
{
	expect_refusal(NO_GRANT, "it has no io grant here (yet)");
}
END_TEST

START_TEST(does_not_get_what_is_not_there)
{
	expect_refusal(UNKNOWN, "it is not granted here (yet)");
}
END_TEST

START_TEST(does_not_get_what_is_read_only)
{
	expect_refusal(READ_ONLY, "it is read-only");
}
END_TEST

START_TEST(does_not_get_a_file)
{
	expect_refusal(A_FILE, "it is not in memory");
}
END_TEST

START_TEST(does_not_get_what_is_not_ready)
{
	expect_refusal(NOT_READY, "it is not ready");
}
END_TEST

START_TEST(does_not_get_what_had_an_io_grant_before)
{
	const struct rig_namespace without = {.handle = RAM, .path = "ram:1M"};

	rig_serve(&without, 1);
	expect_refusal(RAM, "it has no io grant here (yet)");
}
END_TEST

START_TEST(does_not_get_what_is_granted_to_another)
{
	const struct rig_namespace with = {.handle = RAM, .path = "ram:1M", .io_grant = true};

	rig_serve_only(&with, 1, "rdma");
	expect_no_memory(RAM, "it is not granted here (yet)");
}
END_TEST

/* What is kept in it survives that. */
START_TEST(keeps_its_content_when_the_io_grant_changes)
{
	struct rig_namespace one = {.handle = RAM, .path = "ram:1M", .io_grant = true};

	player_fill(&player, 4096, 9);
	ck_assert_uint_eq(player_write(&player, RAM, 0, 8, 0), 0);
	for (int i = 0; i < 4; i++) {
		one.io_grant = i % 2;
		rig_serve(&one, 1);
		memset(player.arena.memory, 0, 4096);
		ck_assert_uint_eq(player_read(&player, RAM, 0, 8), 0);
		ck_assert(player_has(&player, 4096, 9));
	}
}
END_TEST

/* ------------------------------------------------------------------ hostile ones */

START_TEST(that_says_noise_is_cut)
{
	ck_assert_int_gt(send(player.connection, "\xff\xff\xff", 3, 0), 0);
	until(player_is_cut(&player));
	until(links_count(rig.links) == 0);
}
END_TEST

START_TEST(that_says_too_much_is_cut)
{
	uint8_t bytes[1000] = {0x08, 1};

	ck_assert_int_gt(send(player.connection, bytes, sizeof(bytes), 0), 0);
	until(player_is_cut(&player));
}
END_TEST

START_TEST(that_sends_descriptors_is_cut)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	uint8_t bytes[] = {0x08, RAM};
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &player.connection, sizeof(int));
	ck_assert_int_gt(sendmsg(player.connection, &message, 0), 0);
	until(player_is_cut(&player));
}
END_TEST

/* The worker neither waits for it nor keeps what it does not take. */
START_TEST(that_takes_no_answers_is_cut)
{
	Nvmetd__LinkAsk message = NVMETD__LINK_ASK__INIT;
	uint8_t bytes[64];
	size_t length;
	ssize_t sent = 0;

	message.handle = RAM;
	length = nvmetd__link_ask__pack(&message, bytes);
	for (unsigned i = 0; i < 100000 && (sent > 0 || errno == EAGAIN || i == 0); i++) {
		sent = send(player.connection, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert_int_ge(loop_round(rig.loop, 0), 0);
	}
	ck_assert_int_lt(sent, 0);
	until(links_count(rig.links) == 0);
	player_connect(&other, (struct player_hello){.reactor = 1});
	until(player_hears(&other));
	ck_assert(other.welcome);
}
END_TEST

START_TEST(that_asks_before_it_is_welcome_is_cut)
{
	player_connect(&other, (struct player_hello){.silent = true});
	ask(&other, RAM);
	until(player_hears(&other));
	ck_assert(!other.welcome);
	until(player_is_cut(&other));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io grant");

	describe(suite,
	         "a transport that asks",
	         given_a_link,
	         leave,
	         gets_the_memory_that_the_worker_uses,
	         can_neither_shrink_nor_seal_it,
	         gets_no_descriptor_where_none_is_needed,
	         may_ask_again,
	         does_not_get_what_has_no_io_grant,
	         does_not_get_what_is_not_there,
	         does_not_get_what_is_read_only,
	         does_not_get_a_file,
	         does_not_get_what_is_not_ready,
	         does_not_get_what_had_an_io_grant_before,
	         does_not_get_what_is_granted_to_another,
	         keeps_its_content_when_the_io_grant_changes);
	describe(suite,
	         "a transport",
	         given_a_link,
	         leave,
	         that_says_noise_is_cut,
	         that_says_too_much_is_cut,
	         that_sends_descriptors_is_cut,
	         that_takes_no_answers_is_cut,
	         that_asks_before_it_is_welcome_is_cut);
	return run(suite);
}
