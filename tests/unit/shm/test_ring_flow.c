/* SPDX-License-Identifier: BSD-2-Clause */
/* A link carries a flow of messages while both sides put, take, sleep and wake each other. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/shm/doorbell.h"
#include "common/shm/link.h"
#include "tests/support/spec.h"

#define MESSAGES 100000u

static struct link here;

static void given_a_link(void)
{
	ck_assert_int_eq(link_create(&here), 0);
}

static void forget_the_link(void)
{
	link_deinit(&here);
}

/* Puts numbered messages in bursts of 1 to 8; waits by yielding while the ring is full. */
static void *produce(void *argument)
{
	struct link *link = argument;
	struct link_request request = {.operation = LINK_READ};

	for (uint32_t i = 0; i < MESSAGES; i++) {
		request.id.index = i;
		request.segments[LINK_SEGMENTS_INLINE - 1].length = ~i;
		while (ring_put(&link->requests, &request) == RING_E_FULL)
			sched_yield();
		if (i % 8 < i / 1000 % 8 && i + 1 < MESSAGES)
			continue;
		ring_publish(&link->requests);
		if (ring_must_wake(&link->requests))
			doorbell_ring(link->to_worker);
	}
	return NULL;
}

/* True if all came, in order, each whole; sleeps whenever there is nothing to take. */
static bool consume_all(struct link *link)
{
	struct pollfd bell = {.fd = link->to_worker, .events = POLLIN};
	struct link_request request;

	for (uint32_t expected = 0; expected < MESSAGES;) {
		switch (ring_take(&link->requests, &request)) {
		case 0:
			if (request.id.index != expected ||
			    request.segments[LINK_SEGMENTS_INLINE - 1].length != ~expected)
				return false;
			expected++;
			continue;
		case RING_E_BROKEN:
			return false;
		}
		ring_release(&link->requests);
		if (ring_sleep(&link->requests) && poll(&bell, 1, 10000) != 1)
			return false; /* a wake-up was lost */
		ring_wake(&link->requests);
		doorbell_clear(link->to_worker);
	}
	ring_release(&link->requests);
	return true;
}

/* The worker's half of the same memory. */
static void adopt(struct link *ret_there)
{
	ck_assert_int_eq(link_adopt(ret_there,
	                            dup(here.region.fd),
	                            dup(here.to_worker),
	                            dup(here.to_transport)),
	                 0);
}

START_TEST(brings_every_message_from_thread_to_thread)
{
	struct link there;
	pthread_t producer;

	adopt(&there);
	ck_assert_int_eq(pthread_create(&producer, NULL, produce, &here), 0);
	ck_assert(consume_all(&there));
	pthread_join(producer, NULL);
	link_deinit(&there);
}
END_TEST

START_TEST(brings_every_message_from_process_to_process)
{
	struct link there;
	pid_t child = fork();
	int status;

	if (child == 0) {
		produce(&here);
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	adopt(&there);
	ck_assert(consume_all(&there));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	link_deinit(&there);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring flow");

	describe(suite,
	         "a link in use",
	         given_a_link,
	         forget_the_link,
	         brings_every_message_from_thread_to_thread,
	         brings_every_message_from_process_to_process);
	return run(suite);
}
