/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that begin and never end: each has taken a receive of the target's, which comes back to
 * nobody where receives are shared. With --srq-size 64 a few are enough. */
#include "tests/rdma/suites.h"

#define HALVES       150u
#define PACKET_BYTES 4096u /* of a path whose MTU is that, and less than a capsule of its port */

static void send_half_a_message(void)
{
	struct wire_wishes wishes = wishes_of(1, SCENE_ENTRIES);
	struct wire_queue queue;

	open_queue(&queue, &wishes);
	wire_must(&queue, wire_queue_send_half(&queue, PACKET_BYTES));
	wire_queue_close(&queue);
}

START_TEST(take_no_receives_from_others)
{
	for (unsigned i = 0; i < HALVES; i++)
		send_half_a_message();
	others_do_not_notice();
}
END_TEST

Suite *halves_suite(void)
{
	Suite *suite = suite_create("halves");

	if (target.is_kernel || target.is_iwarp)
		return suite; /* soft-iWARP looks at all keys before it sends anything */
	describe_slow(suite,
	              "half messages",
	              60,
	              given_a_good_host,
	              good_host_leaves,
	              take_no_receives_from_others);
	return suite;
}
