/* SPDX-License-Identifier: BSD-2-Clause */
/* A link joins a transport and a worker that do not trust each other. */
#include "common/shm/link.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/shm/doorbell.h"
#include "tests/support/spec.h"

static struct link transport, worker;

static void given_a_transport_with_a_link(void)
{
	worker = LINK_NULL;
	ck_assert_int_eq(link_create(&transport), 0);
}

static void forget_the_link(void)
{
	link_deinit(&worker);
	link_deinit(&transport);
}

START_TEST(carries_requests_there_and_completions_back)
{
	struct link_request request =
				    {
					    .id = {7, 1},
                                              .operation = LINK_FLUSH
        },
			    got;
	struct link_completion completion =
				       {
					       .id = {7, 1},
                                                 .status = 6
        },
			       back;

	ck_assert_int_eq(link_adopt(&worker,
	                            dup(transport.region.fd),
	                            dup(transport.to_worker),
	                            dup(transport.to_transport)),
	                 0);
	ck_assert_int_eq(ring_put(&transport.requests, &request), 0);
	ring_publish(&transport.requests);
	ck_assert_int_eq(ring_take(&worker.requests, &got), 0);
	ck_assert_uint_eq(got.operation, LINK_FLUSH);
	ck_assert_int_eq(ring_put(&worker.completions, &completion), 0);
	ring_publish(&worker.completions);
	ck_assert_int_eq(ring_take(&transport.completions, &back), 0);
	ck_assert_uint_eq(back.id.index, 7);
	ck_assert_uint_eq(back.status, 6);
}
END_TEST

START_TEST(has_room_for_as_many_completions_as_requests)
{
	struct link_completion completion = {.status = 1};

	for (unsigned i = 0; i < LINK_SLOTS; i++)
		ck_assert_int_eq(ring_put(&transport.completions, &completion), 0);
	ck_assert_int_eq(ring_put(&transport.completions, &completion), RING_E_FULL);
}
END_TEST

/* What the worker says of slot `index` is in the transport's mapping, and in no other slot. */
static void expect_stamped(uint32_t index)
{
	for (uint32_t i = 0; i <= LINK_SLOTS; i++) { /* behind the last there is room still */
		ck_assert_int_eq(transport.stamps[i].took_ns != 0, i == index);
		ck_assert_int_eq(transport.stamps[i].done_ns != 0, i == index);
	}
}

static void stamp(struct link_request request)
{
	ck_assert_int_eq(link_adopt(&worker,
	                            dup(transport.region.fd),
	                            dup(transport.to_worker),
	                            dup(transport.to_transport)),
	                 0);
	link_stamp_took(&worker, &request);
	link_stamp_done(&worker, &request);
}

START_TEST(tells_when_a_traced_request_was_taken)
{
	stamp((struct link_request){
		.id = {LINK_SLOTS - 1, 1},
                  .flags = LINK_TRACED
        });
	expect_stamped(LINK_SLOTS - 1);
	ck_assert_uint_le(transport.stamps[LINK_SLOTS - 1].took_ns,
	                  transport.stamps[LINK_SLOTS - 1].done_ns);
}
END_TEST

START_TEST(tells_nothing_of_one_that_is_not_traced)
{
	stamp((struct link_request){
		.id = {7, 1},
                  .flags = LINK_FUA
        });
	expect_stamped(UINT32_MAX);
}
END_TEST

START_TEST(is_not_written_beside_for_a_slot_that_cannot_be)
{
	stamp((struct link_request){
		.id = {LINK_SLOTS, 1},
                  .flags = LINK_TRACED
        });
	expect_stamped(UINT32_MAX);
}
END_TEST

START_TEST(is_not_adopted_without_its_memory)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(
		link_adopt(&worker, fd, dup(transport.to_worker), dup(transport.to_transport)),
		REGION_E_UNFIT);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(is_not_adopted_with_something_else_for_a_doorbell)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(
		link_adopt(&worker, dup(transport.region.fd), dup(transport.to_worker), fd),
		REGION_E_UNFIT);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(may_be_given_up_twice)
{
	link_deinit(&transport);
	link_deinit(&transport);
	ck_assert_ptr_null(transport.region.memory);
	ck_assert_int_eq(transport.to_worker, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");

	describe(suite,
	         "a link",
	         given_a_transport_with_a_link,
	         forget_the_link,
	         carries_requests_there_and_completions_back,
	         has_room_for_as_many_completions_as_requests,
	         tells_when_a_traced_request_was_taken,
	         tells_nothing_of_one_that_is_not_traced,
	         is_not_written_beside_for_a_slot_that_cannot_be,
	         is_not_adopted_without_its_memory,
	         is_not_adopted_with_something_else_for_a_doorbell,
	         may_be_given_up_twice);
	return run(suite);
}
