/* SPDX-License-Identifier: BSD-2-Clause */
/* The link to a worker, against a worker of our own in the same process: real rings, a real
 * socket, real descriptors. */
#include "common/transport/worker_link.h"

#include "common/shm/arena.h"
#include "common/transport/request.h"
#include "tests/support/spec.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUESTS 8

static struct loop *loop;
static struct arena *arena;
static struct worker_link *to_worker;
static struct worker_link_owner owner;
static struct view_worker address;
static struct queue queue;
static struct request requests[REQUESTS];
static unsigned times_done[REQUESTS];

/* ------------------------------------------------------------------ time */

static uint64_t ahead_ns;

/* The C library's, for all of this program: time passes as a test says. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	long r = syscall(SYS_clock_gettime, clock, ret_now);
	uint64_t ns = (uint64_t)ret_now->tv_nsec + ahead_ns;

	ret_now->tv_sec += (time_t)(ns / NS_PER_S);
	ret_now->tv_nsec = (long)(ns % NS_PER_S);
	return (int)r;
}

/* ------------------------------------------------------------------ the worker */
static struct {
	int listener;
	int connection;
	struct link rings;
	struct link_request taken[REQUESTS];
} worker;

static void worker_listens(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	strcpy(name.sun_path, address.path);
	worker.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(worker.listener, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(worker.listener, 4), 0);
}

static void worker_takes_hello(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
	uint8_t bytes[512];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &piece,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(worker.connection, &message, 0);
	Nvmetd__LinkHello *hello;
	int fds[4];

	ck_assert_int_gt(length, 0);
	hello = nvmetd__link_hello__unpack(NULL, (size_t)length, bytes);
	ck_assert_ptr_nonnull(hello);
	ck_assert_str_eq(hello->transport, "tcp");
	ck_assert_mem_eq(hello->token.data, address.token, sizeof(address.token));
	ck_assert_uint_eq(hello->arena_bytes, 2u << 20);
	nvmetd__link_hello__free_unpacked(hello, NULL);
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fds));
	close(fds[1]); /* the arena: no data in these tests */
	ck_assert_int_eq(link_adopt(&worker.rings, fds[0], fds[2], fds[3]), 0);
}

static void worker_answers(bool good)
{
	Nvmetd__LinkWelcome welcome = NVMETD__LINK_WELCOME__INIT;
	uint8_t bytes[128];
	size_t length;

	welcome.good = good;
	welcome.reason = good ? "" : "not yet";
	length = nvmetd__link_welcome__pack(&welcome, bytes);
	ck_assert_int_eq(send(worker.connection, bytes, length, 0), length);
}

static uint64_t deadline_ns(void)
{
	return clock_now_ns() + 5 * NS_PER_S;
}

static void worker_accepts(void)
{
	uint64_t end_ns = deadline_ns();

	do {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker.connection = accept(worker.listener, NULL, NULL);
	} while (worker.connection < 0 && clock_now_ns() < end_ns);
	ck_assert_int_ge(worker.connection, 0);
	worker_takes_hello();
}

static void worker_dies(void)
{
	close(worker.connection);
	close(worker.listener);
	worker.connection = worker.listener = -1;
	unlink(address.path);
	link_deinit(&worker.rings);
}

static unsigned worker_takes(void)
{
	unsigned n = 0;

	while (n < REQUESTS && ring_take(&worker.rings.requests, &worker.taken[n]) == 0)
		n++;
	ring_release(&worker.rings.requests);
	return n;
}

static void worker_takes_again(unsigned n)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;
	unsigned taken = 0;

	while (taken == 0 && clock_now_ns() < end_ns) {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker_link_push(to_worker);
		taken = worker_takes();
	}
	ck_assert_uint_eq(taken, n);
}

static void worker_completes(struct link_id id, enum nvme_status_code code)
{
	struct link_completion completion = {.id = id, .status = (uint16_t)code};

	ck_assert_int_eq(ring_put(&worker.rings.completions, &completion), 0);
	ring_publish(&worker.rings.completions);
}

/* ------------------------------------------------------------------ the transport */

static void note_done(struct request *request)
{
	times_done[request - requests]++;
}

static void rounds_until(enum worker_link_state state)
{
	uint64_t end_ns = deadline_ns();

	while (worker_link_state(to_worker) != state && clock_now_ns() < end_ns) {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker_link_look(to_worker);
		worker_link_push(to_worker);
	}
	ck_assert_int_eq(worker_link_state(to_worker), state);
}

static void given_no_worker(void)
{
	const struct loop_options options = {0};

	memset(times_done, 0, sizeof(times_done));
	memset(requests, 0, sizeof(requests));
	memset(&queue, 0, sizeof(queue));
	memset(&worker, 0, sizeof(worker));
	worker.listener = worker.connection = -1;
	worker.rings = LINK_NULL;
	ck_assert_int_eq(loop_new(&loop, &options), 0);
	ck_assert_int_eq(arena_new(&arena, "test", 2u << 20), 0);
	strcpy(address.name, "io-0");
	snprintf(address.path, sizeof(address.path), "/tmp/nvmetd-link-%d.sock", getpid());
	memset(address.token, 7, sizeof(address.token));
	owner = (struct worker_link_owner){
		.loop = loop, .arena = arena_region(arena), .transport = "tcp", .done = note_done};
	ck_assert_int_eq(worker_link_new(&to_worker, &owner, &address), 0);
	for (unsigned i = 0; i < REQUESTS; i++) {
		request_init(&requests[i], &queue, (uint16_t)i);
		requests[i].owner = REQUEST_AT_CORE;
		requests[i].wanted.operation = LINK_READ;
		requests[i].wanted.first_block = i;
	}
}

static void given_a_link(void)
{
	given_no_worker();
	worker_listens();
	worker_accepts();
	worker_answers(true);
	rounds_until(WORKER_UP);
}

static void forget_all(void)
{
	to_worker = worker_link_free(to_worker);
	worker_dies();
	arena = arena_free(arena);
	loop = loop_free(loop);
}

static void put(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		worker_link_put(to_worker, &requests[i]);
	worker_link_push(to_worker);
}

static void a_successor_comes(void)
{
	worker_listens();
	worker_accepts();
	worker_answers(true);
	rounds_until(WORKER_UP);
	worker_link_push(to_worker);
}

static void expect_taken(const unsigned *blocks, unsigned n)
{
	ck_assert_uint_eq(worker_takes(), n);
	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(worker.taken[i].first_block, blocks[i]);
}

#define EXPECT_TAKEN(...)                                                                          \
	expect_taken((const unsigned[]){__VA_ARGS__},                                              \
	             sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

/* ------------------------------------------------------------------ what holds */

START_TEST(brings_requests_in_order)
{
	put(0, 3);
	EXPECT_TAKEN(0, 1, 2);
}
END_TEST

START_TEST(shows_nothing_before_it_is_pushed)
{
	worker_link_put(to_worker, &requests[0]);
	ck_assert_uint_eq(worker_takes(), 0);
}
END_TEST

START_TEST(does_a_completed_request_once)
{
	put(0, 2);
	worker_takes();
	worker_completes(worker.taken[1].id, NVME_SC_LBA_RANGE);
	ck_assert_uint_eq(worker_link_look(to_worker), 1);
	ck_assert_uint_eq(times_done[1], 1);
	ck_assert_uint_eq(requests[1].status.value, NVME_SC_LBA_RANGE);
	ck_assert_uint_eq(times_done[0], 0);
	ck_assert_uint_eq(worker_link_in_flight(to_worker), 1);
}
END_TEST

START_TEST(does_not_sleep_over_a_completion)
{
	put(0, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	ck_assert(!worker_link_sleep(to_worker));
	worker_link_wake(to_worker);
}
END_TEST

START_TEST(rings_for_a_worker_that_sleeps)
{
	uint64_t rings = 0;

	ck_assert(ring_sleep(&worker.rings.requests));
	put(0, 1);
	ck_assert_int_eq(read(worker.rings.to_worker, &rings, sizeof(rings)), sizeof(rings));
}
END_TEST

static void expect_given_up(struct link_id id)
{
	put(0, 1);
	worker_takes();
	worker_completes(id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_int_ne(worker_link_state(to_worker), WORKER_UP);
	ck_assert_uint_eq(times_done[0], 0);
}

START_TEST(is_given_up_for_a_stale_id)
{
	put(1, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[1], 1);
	expect_given_up(worker.taken[0].id); /* the same slot again, of the generation before */
}
END_TEST

START_TEST(is_given_up_for_an_id_that_cannot_be)
{
	expect_given_up((struct link_id){.index = LINK_SLOTS, .generation = 1});
}
END_TEST

START_TEST(is_given_up_for_an_id_that_is_not_in_flight)
{
	expect_given_up((struct link_id){.index = 900, .generation = 0});
}
END_TEST

START_TEST(is_given_up_when_the_worker_speaks)
{
	worker_answers(true);
	rounds_until(WORKER_AWAY);
}
END_TEST

START_TEST(brings_what_was_in_flight_to_the_successor_in_the_old_order)
{
	put(0, 4);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	put(4, 2);
	a_successor_comes();
	EXPECT_TAKEN(0, 1, 2, 3, 4, 5);
	for (unsigned i = 0; i < REQUESTS; i++)
		ck_assert_uint_eq(times_done[i], 0);
}
END_TEST

START_TEST(takes_the_completions_that_a_dead_worker_has_left)
{
	put(0, 3);
	worker_takes();
	worker_completes(worker.taken[1].id, NVME_SC_SUCCESS);
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_done[1], 1);
	a_successor_comes();
	EXPECT_TAKEN(0, 2);
}
END_TEST

START_TEST(gives_the_successor_other_ids)
{
	struct link_id before;

	put(0, 1);
	worker_takes();
	before = worker.taken[0].id;
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	EXPECT_TAKEN(0);
	ck_assert(worker.taken[0].id.index != before.index ||
	          worker.taken[0].id.generation != before.generation);
}
END_TEST

START_TEST(brings_nothing_of_a_closed_queue_to_the_successor)
{
	struct queue closed = {.closing = true};

	requests[1].queue = &closed;
	put(0, 3);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 3);
	ck_assert_int_eq(worker.taken[0].operation, LINK_READ);
	ck_assert_int_eq(worker.taken[1].operation, LINK_FLUSH);
	ck_assert_uint_eq(worker.taken[1].segment_count, 0);
	ck_assert_int_eq(worker.taken[2].operation, LINK_READ);
}
END_TEST

/* The memory of a closed queue's request is not another's before nobody can be at it any more. */
START_TEST(does_not_do_a_lost_request_before_its_namespace_is_open_again)
{
	struct queue closed = {.closing = true};

	put(0, 1);
	worker_takes();
	requests[0].queue = &closed;
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_done[0], 0);
	ck_assert(!worker_link_is_idle(to_worker));
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 1);
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	worker_link_drop(to_worker, &requests[0]);
	ck_assert_uint_eq(times_done[0], 0);
	worker_takes_again(1);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
}
END_TEST

/* Jumps and lets the timers see it. */
static void time_passes(uint64_t ns)
{
	ahead_ns += ns;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(loop_round(loop, 1), 0);
		worker_link_look(to_worker);
		worker_link_push(to_worker);
	}
}

START_TEST(keeps_what_is_lost_when_the_patience_for_the_rest_is_over)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	put(1, 1);
	time_passes(WORKER_PATIENCE_NS);
	ck_assert_uint_eq(times_done[1], 1);
	ck_assert_uint_eq(requests[1].status.value, NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(times_done[0], 0);
	time_passes(40 * NS_PER_S);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
}
END_TEST

START_TEST(is_given_up_when_a_request_is_not_completed)
{
	put(0, 2);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	time_passes(24 * NS_PER_S);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
	time_passes(2 * NS_PER_S);
	ck_assert_int_ne(worker_link_state(to_worker), WORKER_UP);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(times_done[1], 0);
}
END_TEST

START_TEST(is_not_given_up_when_it_was_us_who_stood_still)
{
	put(0, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	time_passes(100 * NS_PER_S);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
	ck_assert_uint_eq(times_done[0], 1);
}
END_TEST

/* Its completions come, but the request ring stays full. */
START_TEST(neither_spins_nor_waits_for_ever_for_a_worker_that_frees_no_slots)
{
	for (unsigned i = 0; i < LINK_SLOTS; i++) {
		put(0, 1);
		ck_assert_int_eq(ring_take(&worker.rings.requests, &worker.taken[0]), 0);
		worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
		worker_link_look(to_worker);
	}
	ck_assert_uint_eq(times_done[0], LINK_SLOTS);
	put(1, 1);
	ck_assert(worker_link_sleep(to_worker));
	worker_link_wake(to_worker);
	time_passes(NS_PER_S);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
	time_passes(2 * NS_PER_S);
	ck_assert_int_ne(worker_link_state(to_worker), WORKER_UP);
}
END_TEST

START_TEST(sees_slots_that_come_free_without_a_ring)
{
	for (unsigned i = 0; i < LINK_SLOTS; i++) {
		put(0, 1);
		ck_assert_int_eq(ring_take(&worker.rings.requests, &worker.taken[0]), 0);
		worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
		worker_link_look(to_worker);
	}
	put(1, 1);
	ring_release(&worker.rings.requests);
	time_passes(10 * NS_PER_MS);
	EXPECT_TAKEN(1);
}
END_TEST
START_TEST(puts_a_request_again_whose_namespace_is_not_ready)
{
	uint64_t end_ns = deadline_ns();
	unsigned n = 0;

	put(0, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	while (n == 0 && clock_now_ns() < end_ns) {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker_link_push(to_worker);
		n = worker_takes();
	}
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(times_done[0], 0);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert(status_is_ok(requests[0].status));
}
END_TEST

START_TEST(does_not_put_a_request_again_that_has_waited_too_long)
{
	put(0, 1);
	worker_takes();
	requests[0].patience_ns = 1;
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
}
END_TEST

START_TEST(keeps_requests_until_there_is_one)
{
	put(0, 2);
	ck_assert(!worker_link_is_idle(to_worker));
	a_successor_comes();
	EXPECT_TAKEN(0, 1);
}
END_TEST

START_TEST(lets_go_of_a_request_that_is_dropped)
{
	put(0, 3);
	worker_link_drop(to_worker, &requests[1]);
	ck_assert_uint_eq(times_done[1], 1);
	a_successor_comes();
	EXPECT_TAKEN(0, 2);
}
END_TEST

START_TEST(tries_again_when_it_is_not_welcome)
{
	worker_listens();
	worker_accepts();
	worker_answers(false);
	rounds_until(WORKER_AWAY);
	close(worker.connection);
	link_deinit(&worker.rings);
	worker_accepts();
	worker_answers(true);
	rounds_until(WORKER_UP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker link");

	describe(suite,
	         "a link that is up",
	         given_a_link,
	         forget_all,
	         brings_requests_in_order,
	         shows_nothing_before_it_is_pushed,
	         does_a_completed_request_once,
	         does_not_sleep_over_a_completion,
	         rings_for_a_worker_that_sleeps,
	         is_given_up_for_a_stale_id,
	         is_given_up_for_an_id_that_cannot_be,
	         is_given_up_for_an_id_that_is_not_in_flight,
	         is_given_up_when_the_worker_speaks,
	         brings_what_was_in_flight_to_the_successor_in_the_old_order,
	         takes_the_completions_that_a_dead_worker_has_left,
	         gives_the_successor_other_ids,
	         brings_nothing_of_a_closed_queue_to_the_successor,
	         does_not_do_a_lost_request_before_its_namespace_is_open_again,
	         keeps_what_is_lost_when_the_patience_for_the_rest_is_over,
	         is_given_up_when_a_request_is_not_completed,
	         is_not_given_up_when_it_was_us_who_stood_still,
	         neither_spins_nor_waits_for_ever_for_a_worker_that_frees_no_slots,
	         sees_slots_that_come_free_without_a_ring,
	         puts_a_request_again_whose_namespace_is_not_ready,
	         does_not_put_a_request_again_that_has_waited_too_long);
	describe(suite,
	         "a link without a worker",
	         given_no_worker,
	         forget_all,
	         keeps_requests_until_there_is_one,
	         lets_go_of_a_request_that_is_dropped,
	         tries_again_when_it_is_not_welcome);
	return run(suite);
}
