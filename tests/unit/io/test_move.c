/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace that goes to another worker, and one that comes: closed here before it is opened
 * there, with all that it had in memory. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "services/io/legacy.h"
#include "services/io/namespace.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

#define MIB   (1u << 20)
#define MANY  16
#define TOKEN "0123456789ABCDEF"

static struct player player;
static int holder; /* a descriptor of the test */

static void given_a_worker(void)
{
	rig_begin(1);
	player = PLAYER_NULL;
	holder = -1;
}

static void leave(void)
{
	player_leave(&player);
	if (holder >= 0)
		close(holder);
	rig_end();
}

static void serve(const char *path, const char *release)
{
	const struct rig_namespace one = {.handle = 1, .path = path, .release = release};

	rig_serve(&one, 1);
}

static bool is_free(void)
{
	return namespace_is_free(namespaces_find(rig.namespaces, 1));
}

/* ------------------------------------------------------------------ going */

START_TEST(is_closed_before_that_is_said)
{
	const char *reason;

	rig_serve_one(rig_file("disk", MIB));
	holder = open(rig_path("disk"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(holder, LOCK_EX | LOCK_NB), -1);
	serve(rig_path("disk"), TOKEN);
	until(is_free());
	ck_assert_int_eq(flock(holder, LOCK_EX | LOCK_NB), 0);
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_str_eq(reason, "it goes to another worker");
}
END_TEST

START_TEST(is_said_when_it_is_closed)
{
	unsigned before;

	rig_serve_one(rig_file("disk", MIB));
	before = rig.changes;
	serve(rig_path("disk"), TOKEN);
	until(is_free());
	ck_assert_uint_ge(rig.changes, before + 2); /* it is not ready; it is closed */
}
END_TEST

START_TEST(answers_that_it_is_not_ready)
{
	rig_serve_one("ram:1M");
	player_begin(&player);
	serve("ram:1M", TOKEN);
	until(is_free());
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), NVME_SC_NAMESPACE_NOT_READY);
}
END_TEST

START_TEST(has_all_again_if_it_stays)
{
	rig_serve_one("ram:1M");
	player_begin(&player);
	player_fill(&player, 4096, 7);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	serve("ram:1M", TOKEN);
	until(is_free());
	serve("ram:1M", NULL);
	until(rig_is_ready(1));
	player_fill(&player, 4096, 8);
	until(player_read(&player, 1, 0, 8) == 0); /* its thread hears of it last */
	ck_assert(player_has(&player, 4096, 7));
}
END_TEST

START_TEST(is_free_at_once_where_it_was_never_opened)
{
	serve("ram:1M", TOKEN);
	ck_assert(is_free());
}
END_TEST

/* ------------------------------------------------------------------ asking for the memory */

struct question {
	const char *token;
	uint32_t handle;
	int memory;
	int r;
	bool is_over;
	char reason[BACKING_REASON_SIZE];
};

static void *ask(void *context)
{
	struct question *question = context;

	question->r = legacy_fetch(rig_path("io/data.sock"),
	                           (const uint8_t *)question->token,
	                           question->handle,
	                           &question->memory,
	                           question->reason,
	                           sizeof(question->reason));
	__atomic_store_n(&question->is_over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* As the other worker does, whose control thread is another. */
static struct question put(uint32_t handle, const char *token)
{
	static struct question question;
	pthread_t thread;

	question = (struct question){.token = token, .handle = handle, .memory = -1};
	ck_assert_int_eq(pthread_create(&thread, NULL, ask, &question), 0);
	until(__atomic_load_n(&question.is_over, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	holder = question.memory;
	return question;
}

static void expect_no_memory(struct question question, const char *words)
{
	ck_assert_int_eq(question.r, BACKING_E_HELD);
	ck_assert_int_eq(question.memory, -1);
	ck_assert_str_eq(question.reason, words);
}

START_TEST(is_given_to_who_has_the_token)
{
	uint8_t byte = 0;

	rig_serve_one("ram:1M");
	player_begin(&player);
	player_fill(&player, 4096, 7);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	serve("ram:1M", TOKEN);
	until(is_free());
	ck_assert_int_eq(put(1, TOKEN).r, 0);
	ck_assert_int_eq(pread(holder, &byte, 1, 0), 1);
	player_fill(&player, 4096, 7);
	ck_assert_uint_eq(byte, *(uint8_t *)player.arena.memory);
}
END_TEST

START_TEST(is_given_without_what_stands_on_it)
{
	rig_serve_one("pi:fault:ram:1M");
	serve("pi:fault:ram:1M", TOKEN);
	until(is_free());
	ck_assert_int_eq(put(1, TOKEN).r, 0);
	ck_assert_int_eq(lseek(holder, 0, SEEK_END), MIB);
}
END_TEST

START_TEST(is_given_to_nobody_else)
{
	rig_serve_one("ram:1M");
	serve("ram:1M", TOKEN);
	until(is_free());
	expect_no_memory(put(1, "0123456789ABCDEX"),
	                 "its memory is with another worker: it does not go anywhere (yet)");
}
END_TEST

START_TEST(is_not_given_while_it_is_served)
{
	rig_serve_one("ram:1M");
	expect_no_memory(put(1, TOKEN),
	                 "its memory is with another worker: it does not go anywhere (yet)");
}
END_TEST

START_TEST(is_not_there_for_a_file)
{
	rig_serve_one(rig_file("disk", MIB));
	serve(rig_path("disk"), TOKEN);
	until(is_free());
	expect_no_memory(put(1, TOKEN), "its memory is with another worker: it has no memory here");
}
END_TEST

/* ------------------------------------------------------------------ coming */

static void expect_waiting(const char *path, const char *words)
{
	const struct rig_namespace one = {
		.handle = 1, .path = path, .from_path = rig_path("nobody"), .from = TOKEN};
	const char *reason;

	rig_serve(&one, 1);
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_str_eq(reason, words);
}

START_TEST(is_not_opened_without_its_memory)
{
	expect_waiting("ram:1M", "its memory is with another worker: No such file or directory");
	expect_waiting("pi:ram:1M", "its memory is with another worker: No such file or directory");
}
END_TEST

/* It stands still: it takes connections, and says nothing. */
static void a_silent_worker(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	ck_assert_uint_lt(strlen(path), sizeof(name.sun_path));
	memcpy(name.sun_path, path, strlen(path));
	holder = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(holder, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(holder, 128), 0);
}

/* As many as there may be, which all ask: the watchdog would not wait for that. */
START_TEST(does_not_hold_up_the_worker_as_often_as_others_come)
{
	const char *path = rig_path("silent");
	struct rig_namespace many[MANY];
	uint64_t begin_ns;

	a_silent_worker(path);
	for (unsigned i = 0; i < MANY; i++)
		many[i] = (struct rig_namespace){
			.handle = i + 1, .path = "ram:1M", .from_path = path, .from = TOKEN};
	begin_ns = clock_now_ns();
	rig_serve(many, MANY);
	ck_assert_uint_lt(clock_now_ns() - begin_ns, 1000 * NS_PER_MS);
	ck_assert(!rig_is_ready(1));
	ck_assert(!rig_is_ready(MANY));
}
END_TEST

START_TEST(is_opened_at_once_if_it_is_a_file)
{
	const struct rig_namespace one = {.handle = 1,
	                                  .path = rig_file("disk", MIB),
	                                  .from_path = rig_path("nobody"),
	                                  .from = TOKEN};

	rig_serve(&one, 1);
	ck_assert(rig_is_ready(1));
}
END_TEST

START_TEST(has_the_memory_that_was_given)
{
	char reason[BACKING_REASON_SIZE];
	struct backing_wish wish = {.handle = 5, .path = "ram:1M"};
	struct backing *first, *second;
	char byte = 'x';
	int memory;

	ck_assert_int_eq(backing_open(&first, &wish, reason, sizeof(reason)), 0);
	memory = backing_memory(first);
	wish.memory = &memory;
	ck_assert_int_eq(backing_open(&second, &wish, reason, sizeof(reason)), 0);
	ck_assert_int_eq(second->kind->save(second, 77, &byte, 1), 0);
	byte = 0;
	ck_assert_int_eq(first->kind->load(first, 77, &byte, 1), 0);
	ck_assert_int_eq(byte, 'x');
	backing_release(second);
	wish.path = "ram:2M";
	ck_assert_int_eq(backing_open(&second, &wish, reason, sizeof(reason)), BACKING_E_NOT_READY);
	ck_assert_str_eq(reason, "the memory that it had elsewhere does not fit it");
	backing_release(first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("move");

	describe(suite,
	         "a namespace that goes to another worker",
	         given_a_worker,
	         leave,
	         is_closed_before_that_is_said,
	         is_said_when_it_is_closed,
	         answers_that_it_is_not_ready,
	         has_all_again_if_it_stays,
	         is_free_at_once_where_it_was_never_opened);
	describe(suite,
	         "its memory",
	         given_a_worker,
	         leave,
	         is_given_to_who_has_the_token,
	         is_given_without_what_stands_on_it,
	         is_given_to_nobody_else,
	         is_not_given_while_it_is_served,
	         is_not_there_for_a_file);
	describe(suite,
	         "a namespace that comes from another worker",
	         given_a_worker,
	         leave,
	         is_not_opened_without_its_memory,
	         does_not_hold_up_the_worker_as_often_as_others_come,
	         is_opened_at_once_if_it_is_a_file,
	         has_the_memory_that_was_given);
	return run(suite);
}
