/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/transport/link_stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/shm/arena.h"
#include "common/transport/handover.h"

struct loop *loop;
struct worker_link *to_worker;
struct request requests[REQUESTS];
unsigned times_done[REQUESTS], times_early[REQUESTS];
bool is_served;
struct stage_worker worker;
unsigned times_up, times_granted;
uint32_t granted;

static struct arena *arena;
static struct worker_link_owner owner;
static struct view_worker address;
static struct queue queue;

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

void worker_listens(void)
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

bool worker_cancels = true, worker_doubts = true;

void worker_answers(bool good)
{
	Nvmetd__LinkWelcome welcome = NVMETD__LINK_WELCOME__INIT;
	uint8_t bytes[128];
	size_t length;

	welcome.good = good;
	welcome.reason = good ? "" : "not yet";
	welcome.cancels = worker_cancels;
	welcome.doubts = worker_doubts;
	length = nvmetd__link_welcome__pack(&welcome, bytes);
	ck_assert_int_eq(send(worker.connection, bytes, length, 0), length);
}

void worker_grants(uint32_t handle)
{
	Nvmetd__LinkGrant grant = NVMETD__LINK_GRANT__INIT;
	uint8_t bytes[64];
	size_t length;

	grant.handle = handle;
	grant.good = true;
	grant.bytes = 4096;
	grant.block_shift = 9;
	length = nvmetd__link_grant__pack(&grant, bytes);
	ck_assert_int_eq(send(worker.connection, bytes, length, 0), length);
}

uint64_t deadline_ns(void)
{
	return clock_now_ns() + 5 * NS_PER_S;
}

void worker_accepts(void)
{
	uint64_t end_ns = deadline_ns();

	do {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker.connection = accept(worker.listener, NULL, NULL);
	} while (worker.connection < 0 && clock_now_ns() < end_ns);
	ck_assert_int_ge(worker.connection, 0);
	worker_takes_hello();
}

void worker_dies(void)
{
	close(worker.connection);
	close(worker.listener);
	worker.connection = worker.listener = -1;
	unlink(address.path);
	link_deinit(&worker.rings);
}

unsigned worker_takes(void)
{
	unsigned n = 0;

	while (n < REQUESTS && ring_take(&worker.rings.requests, &worker.taken[n]) == 0)
		n++;
	ring_release(&worker.rings.requests);
	return n;
}

void worker_takes_again(unsigned n)
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

void worker_cannot_say(struct link_id id)
{
	worker_completes(id, LINK_UNDECIDED);
}

void worker_completes(struct link_id id, enum nvme_status_code code)
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

static void note_early(struct request *request)
{
	times_early[request - requests]++;
	request->early = REQUEST_EARLY_GONE;
}

static bool may_abandon(struct request *request)
{
	(void)request;
	return !is_served;
}

static void note_up(const struct worker_link_owner *who)
{
	ck_assert_ptr_eq(who, &owner);
	times_up++;
}

static void note_granted(const struct worker_link_owner *who, struct handover *handover)
{
	ck_assert_ptr_eq(who, &owner);
	times_granted++;
	granted = handover->handle;
}

void rounds_until(enum worker_link_state state)
{
	uint64_t end_ns = deadline_ns();

	while (worker_link_state(to_worker) != state && clock_now_ns() < end_ns) {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker_link_look(to_worker);
		worker_link_push(to_worker);
	}
	ck_assert_int_eq(worker_link_state(to_worker), state);
}

void given_no_worker(void)
{
	const struct loop_options options = {0};

	memset(times_done, 0, sizeof(times_done));
	memset(times_early, 0, sizeof(times_early));
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
	owner = (struct worker_link_owner){.loop = loop,
	                                   .arena = arena_region(arena),
	                                   .transport = "tcp",
	                                   .done = note_done,
	                                   .answer_early = note_early,
	                                   .abandon = may_abandon,
	                                   .came_up = note_up,
	                                   .answered = note_granted};
	times_up = times_granted = 0;
	is_served = true;
	ck_assert_int_eq(worker_link_new(&to_worker, &owner, &address), 0);
	for (unsigned i = 0; i < REQUESTS; i++) {
		request_init(&requests[i], &queue, (uint16_t)i);
		requests[i].owner = REQUEST_AT_CORE;
		requests[i].wanted.operation = LINK_READ;
		requests[i].wanted.first_block = i;
	}
}

void given_a_link(void)
{
	given_no_worker();
	worker_listens();
	worker_accepts();
	worker_answers(true);
	rounds_until(WORKER_UP);
}

void forget_all(void)
{
	to_worker = worker_link_free(to_worker);
	worker_dies();
	arena = arena_free(arena);
	loop = loop_free(loop);
}

void put(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		worker_link_put(to_worker, &requests[i]);
	worker_link_push(to_worker);
}

void a_successor_comes(void)
{
	worker_listens();
	worker_accepts();
	worker_answers(true);
	rounds_until(WORKER_UP);
	worker_link_push(to_worker);
}

void expect_taken(const unsigned *blocks, unsigned n)
{
	ck_assert_uint_eq(worker_takes(), n);
	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(worker.taken[i].first_block, blocks[i]);
}

void time_passes(uint64_t ns)
{
	ahead_ns += ns;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(loop_round(loop, 1), 0);
		worker_link_look(to_worker);
		worker_link_push(to_worker);
	}
}
