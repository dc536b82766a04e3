/* SPDX-License-Identifier: BSD-2-Clause */
/* Transports come and go, and some of them lie. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/io/links.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

static struct player player, other;

static void given_a_worker(void)
{
	rig_begin(1);
	rig_serve_one("ram:1M");
	player = PLAYER_NULL;
	other = PLAYER_NULL;
}

static void given_a_worker_of_two_threads(void)
{
	rig_begin(2);
	rig_serve_one("ram:1M");
	player = PLAYER_NULL;
	other = PLAYER_NULL;
}

static void given_a_link(void)
{
	given_a_worker();
	player_begin(&player);
}

static void leave(void)
{
	player_leave(&player);
	player_leave(&other);
	rig_end();
}

/* ------------------------------------------------------------------ hello */

static void expect_refusal(struct player_hello hello, const char *reason)
{
	player_connect(&player, hello);
	until(player_hears(&player));
	ck_assert(!player.welcome);
	ck_assert_str_eq(player.reason, reason);
	until(player_is_cut(&player));
	ck_assert_uint_eq(links_count(rig.links), 0);
}

START_TEST(a_good_one_is_welcome)
{
	player_begin(&player);
	ck_assert_uint_eq(links_count(rig.links), 1);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
}
END_TEST

START_TEST(a_wrong_token_is_refused)
{
	expect_refusal((struct player_hello){.token = "0123456789abcdeX"},
	               "its token is not known here (yet)");
}
END_TEST

START_TEST(a_part_of_the_token_is_refused)
{
	expect_refusal((struct player_hello){.token = "01234567"},
	               "its token is not known here (yet)");
}
END_TEST

START_TEST(the_token_of_another_transport_is_refused)
{
	expect_refusal((struct player_hello){.transport = "fc"},
	               "its token is not known here (yet)");
}
END_TEST

START_TEST(another_version_is_refused)
{
	expect_refusal((struct player_hello){.version = 99}, "another version of the link");
}
END_TEST

START_TEST(another_number_of_slots_is_refused)
{
	expect_refusal((struct player_hello){.slots = 512}, "another number of slots");
}
END_TEST

START_TEST(an_odd_arena_is_refused)
{
	expect_refusal((struct player_hello){.arena_bytes = RIG_ARENA + 4096},
	               "an arena of a size that is not taken: a multiple of 1 MiB, 1 GiB at most");
}
END_TEST

START_TEST(a_huge_arena_is_refused)
{
	expect_refusal((struct player_hello){.arena_bytes = UINT64_C(2) << 30},
	               "an arena of a size that is not taken: a multiple of 1 MiB, 1 GiB at most");
}
END_TEST

START_TEST(an_arena_smaller_than_said_is_refused)
{
	expect_refusal((struct player_hello){.arena_bytes = 2 * (uint64_t)RIG_ARENA},
	               "its memory is not sealed, or not of the size said");
}
END_TEST

START_TEST(an_arena_that_may_shrink_is_refused)
{
	expect_refusal((struct player_hello){.unsealed_arena = true},
	               "its memory is not sealed, or not of the size said");
}
END_TEST

START_TEST(too_few_descriptors_are_refused)
{
	expect_refusal((struct player_hello){.n_fds = 3}, "not the four descriptors");
}
END_TEST

START_TEST(too_many_descriptors_are_refused)
{
	expect_refusal((struct player_hello){.n_fds = 5}, "not the four descriptors");
}
END_TEST

START_TEST(far_too_many_descriptors_are_refused)
{
	expect_refusal((struct player_hello){.n_fds = 16}, "the hello is too long");
}
END_TEST

START_TEST(silence_is_cut_after_a_second)
{
	uint64_t before_ns = clock_now_ns();

	player_connect(&player, (struct player_hello){.silent = true});
	until(player_hears(&player));
	ck_assert_str_eq(player.reason, "no hello came in a second");
	ck_assert_uint_ge(clock_now_ns() - before_ns, NS_PER_S);
}
END_TEST

START_TEST(noise_is_refused)
{
	static const char noise[] = "\xff\xff\xff\xff\xff what is this";

	player_connect(&player, (struct player_hello){.silent = true});
	ck_assert_int_gt(send(player.connection, noise, sizeof(noise), 0), 0);
	until(player_hears(&player));
	ck_assert_str_eq(player.reason, "the hello is malformed");
}
END_TEST

START_TEST(a_caller_that_leaves_at_once_is_forgotten)
{
	player_connect(&player, (struct player_hello){.silent = true});
	player_leave(&player);
	player_begin(&other);
}
END_TEST

/* ------------------------------------------------------------------ the end */

START_TEST(ends_when_the_transport_closes)
{
	player_leave(&player);
	until(links_count(rig.links) == 0);
}
END_TEST

START_TEST(ends_when_the_transport_talks)
{
	ck_assert_int_eq(send(player.connection, "x", 1, 0), 1);
	until(player_is_cut(&player));
}
END_TEST

START_TEST(ends_when_nothing_is_granted_any_more)
{
	rig_serve_nobody();
	until(player_is_cut(&player));
	ck_assert_uint_eq(links_count(rig.links), 0);
}
END_TEST

START_TEST(ends_at_a_request_that_breaks_the_contract)
{
	struct link_request request = player_reading(&player, 1, 0, 8);
	struct link_completion completion;

	request.segments[0].offset = RIG_ARENA;
	player_put(&player, request);
	until(player_is_cut(&player));
	ck_assert(!player_take(&player, &completion));
}
END_TEST

START_TEST(ends_at_a_counter_that_makes_no_sense)
{
	/* the producer's counter is the first word of the region */
	*(volatile uint32_t *)player.link.region.memory = LINK_SLOTS + 1;
	doorbell_ring(player.link.to_worker);
	until(player_is_cut(&player));
}
END_TEST

START_TEST(ends_when_completions_are_not_taken)
{
	struct link_completion completion;
	uint32_t put = 0;

	while (!player_is_cut(&player) && put < 3 * LINK_SLOTS) {
		struct link_request request = player_reading(&player, 1, 0, 1);

		if (ring_put(&player.link.requests, &request) == 0)
			put++;
		ring_publish(&player.link.requests);
		doorbell_ring(player.link.to_worker);
		ck_assert_int_eq(loop_round(rig.loop, 0), 0);
	}
	until(player_is_cut(&player));
	ck_assert(player_take(&player, &completion)); /* what fitted is there */
}
END_TEST

START_TEST(another_link_does_not_notice_that_one_breaks)
{
	player_connect(&other, (struct player_hello){.transport = "rdma"});
	until(player_hears(&other));
	ck_assert(other.welcome);
	*(volatile uint32_t *)player.link.region.memory = 0x80000000u;
	doorbell_ring(player.link.to_worker);
	until(player_is_cut(&player));
	ck_assert_uint_eq(player_read(&other, 1, 0, 8), 0);
	ck_assert_uint_eq(links_count(rig.links), 1);
}
END_TEST

START_TEST(a_ring_that_spins_its_doorbell_changes_nothing)
{
	for (int i = 0; i < 1000; i++)
		doorbell_ring(player.link.to_worker);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
}
END_TEST

static void expect_stamps(struct link_request request)
{
	const struct link_stamps *stamps = player.link.stamps;
	uint64_t before_ns = clock_now_ns();

	request.flags |= LINK_TRACED;
	player_do(&player, request); /* of slot 0 */
	ck_assert_uint_ge(stamps[0].took_ns, before_ns);
	ck_assert_uint_ge(stamps[0].done_ns, stamps[0].took_ns);
	ck_assert_uint_le(stamps[0].done_ns, clock_now_ns());
}

START_TEST(says_when_it_had_a_traced_request)
{
	expect_stamps(player_reading(&player, 1, 0, 8));
}
END_TEST

START_TEST(says_when_it_had_a_traced_request_that_it_refused)
{
	expect_stamps(player_reading(&player, 1, UINT64_C(1) << 40, 8));
}
END_TEST

START_TEST(says_no_times_of_others)
{
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert_uint_eq(player.link.stamps[0].took_ns, 0);
	ck_assert_uint_eq(player.link.stamps[0].done_ns, 0);
}
END_TEST

/* ------------------------------------------------------------------ successors */

START_TEST(a_new_link_of_the_same_reactor_replaces_it)
{
	player_connect(&other, (struct player_hello){.reactor = 0});
	until(player_hears(&other));
	ck_assert(other.welcome);
	until(player_is_cut(&player));
	ck_assert_uint_eq(links_count(rig.links), 1);
	ck_assert_uint_eq(player_read(&other, 1, 0, 8), 0);
}
END_TEST

START_TEST(a_link_of_another_reactor_stands_beside_it)
{
	player_connect(&other, (struct player_hello){.reactor = 1});
	until(player_hears(&other));
	ck_assert(other.welcome);
	ck_assert_uint_eq(player_read(&other, 1, 0, 8), 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert_uint_eq(links_count(rig.links), 2);
}
END_TEST

START_TEST(a_successor_of_the_transport_ends_all_links_of_the_old_one)
{
	player_connect(&other, (struct player_hello){.reactor = 1, .instance = 2});
	until(player_hears(&other));
	ck_assert(other.welcome);
	until(player_is_cut(&player));
}
END_TEST

/* ------------------------------------------------------------------ threads */

START_TEST(have_the_links_of_the_reactors_of_their_number)
{
	player_begin(&player);
	player_connect(&other, (struct player_hello){.reactor = 3});
	until(player_hears(&other));
	ck_assert_uint_eq(player.thread, 0);
	ck_assert_uint_eq(other.thread, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(player_read(&other, 1, 0, 8), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("links");

	describe(suite,
	         "a hello",
	         given_a_worker,
	         leave,
	         a_good_one_is_welcome,
	         a_wrong_token_is_refused,
	         a_part_of_the_token_is_refused,
	         the_token_of_another_transport_is_refused,
	         another_version_is_refused,
	         another_number_of_slots_is_refused,
	         an_odd_arena_is_refused,
	         a_huge_arena_is_refused,
	         an_arena_smaller_than_said_is_refused,
	         an_arena_that_may_shrink_is_refused,
	         too_few_descriptors_are_refused,
	         too_many_descriptors_are_refused,
	         far_too_many_descriptors_are_refused,
	         silence_is_cut_after_a_second,
	         noise_is_refused,
	         a_caller_that_leaves_at_once_is_forgotten);
	describe(suite,
	         "a link",
	         given_a_link,
	         leave,
	         ends_when_the_transport_closes,
	         ends_when_the_transport_talks,
	         ends_when_nothing_is_granted_any_more,
	         ends_at_a_request_that_breaks_the_contract,
	         ends_at_a_counter_that_makes_no_sense,
	         ends_when_completions_are_not_taken,
	         another_link_does_not_notice_that_one_breaks,
	         a_ring_that_spins_its_doorbell_changes_nothing,
	         says_when_it_had_a_traced_request,
	         says_when_it_had_a_traced_request_that_it_refused,
	         says_no_times_of_others);
	describe(suite,
	         "a link that has a successor",
	         given_a_link,
	         leave,
	         a_new_link_of_the_same_reactor_replaces_it,
	         a_link_of_another_reactor_stands_beside_it,
	         a_successor_of_the_transport_ends_all_links_of_the_old_one);
	describe(suite,
	         "two threads",
	         given_a_worker_of_two_threads,
	         leave,
	         have_the_links_of_the_reactors_of_their_number);
	return run(suite);
}
