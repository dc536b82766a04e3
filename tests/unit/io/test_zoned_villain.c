/* SPDX-License-Identifier: BSD-2-Clause */
/* Two transports that put anything into their rings, for a store with zones: requests of all
 * operations, words that call off what is in flight or is not, the end of a link at any moment.
 * The worker lives on, and serves the next one. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/io/zone_player.h"

#define ROUNDS     600u
#define FLYING_MAX 400u
#define ARENA_USED 1000u /* sectors */

static unsigned seed;
static struct {
	struct player *player;
	unsigned flying;
} villains[2] = {
	{&player, 0},
        {&other,  0}
};

static unsigned any(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static uint64_t any_block(void)
{
	uint64_t far = (uint64_t)any(1u << 31) << 33 | any(1u << 31);

	if (any(3) > 0)
		return any(40) * (uint64_t)ZP_BLOCKS;
	return any(3) > 0 ? any(6000) : far;
}

static void make_zone_send(struct link_request *request)
{
	request->application_tag = (uint16_t)(any(10) ? 1 + any(5) : any(65536));
	request->application_mask = any(12) == 0 ? LINK_ZONE_ALL : 0;
	request->block_count = 0;
	request->segment_count = 0;
}

/* In one piece or in two, which end anywhere. */
static void make_zone_receive(struct link_request *request)
{
	uint32_t first = 1 + any(700);

	request->application_tag = LINK_ZONE(any(50) ? 0 : any(256), any(10));
	request->application_mask = (uint16_t)any(3);
	request->block_count = 0;
	request->segments[0].length = 4 * (1 + any(10000));
	if (any(3) > 0)
		return;
	request->segment_count = 2;
	request->segments[1] = request->segments[0];
	request->segments[0].length = first;
	request->segments[1].length = 8 - first % 4 + 4 * any(100);
}

static struct link_request anything(struct player *by)
{
	uint32_t blocks = any(10) ? 1 + any(20) : any(200);
	struct link_request request = zp_appending(
		by, 0, 1, any(2) ? (int)any(256) : 0, any(ARENA_USED) * 512ull);

	request.operation = (uint8_t)(any(4) ? LINK_ZONE_APPEND + any(3) : LINK_READ + any(5));
	request.first_block = any_block();
	request.block_count = blocks;
	request.segments[0].length = blocks * 512;
	if (request.operation == LINK_ZONE_SEND)
		make_zone_send(&request);
	else if (request.operation == LINK_ZONE_RECEIVE)
		make_zone_receive(&request);
	else if (request.operation == LINK_FLUSH || request.operation == LINK_WRITE_ZEROES)
		request.segment_count = 0;
	else if (request.operation == LINK_DEALLOCATE)
		request.block_count = 1 + any(4);
	if (any(10) == 0)
		request.flags |= LINK_FUA;
	if (any(300) == 0) /* behind the id */
		((uint8_t *)&request)[8 + any(sizeof(request) - 8)] = (uint8_t)any(256);
	return request;
}

/* The worker is shown it with the request that comes next. */
static void put_quietly(struct player *by, struct link_request request)
{
	uint32_t id = by->next_id++;

	request.id = (struct link_id){.index = id % LINK_SLOTS, .generation = id};
	ck_assert_int_eq(ring_put(&by->link.requests, &request), 0);
}

/* Of those that were put last, or one that there is not. */
static void call_somebody_off(struct player *by)
{
	uint32_t id = by->next_id - any(any(2) ? 3 : 60);
	const struct link_request words = {
		.id = {.index = id % LINK_SLOTS, .generation = id},
		.operation = LINK_CANCEL,
		.handle = 1
        };

	if (by->link.requests.here - by->link.requests.there < LINK_SLOTS / 2)
		ck_assert_int_eq(ring_put(&by->link.requests, &words), 0);
}

static void connect_again(unsigned i)
{
	struct player *by = villains[i].player;

	player_leave(by);
	*by = PLAYER_NULL;
	player_connect(by, (struct player_hello){.reactor = i});
	until(player_hears(by));
	ck_assert_msg(by->welcome, "%s", by->reason);
	villains[i].flying = 0;
}

/* Each request is answered, sooner or later, or the link ends. */
static bool can_go_on(unsigned i)
{
	struct player *by = villains[i].player;
	struct link_completion completion;

	while (player_take(by, &completion))
		villains[i].flying--;
	player_hears(by);
	return villains[i].flying < FLYING_MAX || player_is_cut(by);
}

static void play(unsigned i)
{
	struct player *by = villains[i].player;

	for (unsigned n = any(40); n > 0 && villains[i].flying < FLYING_MAX; n--) {
		struct link_request request = anything(by);
		const struct ring *ring = &by->link.requests;

		if (ring->here - ring->there >= LINK_SLOTS - 1) /* as last seen */
			break;
		if (any(3) > 0) {
			player_put(by, request);
		} else {
			put_quietly(by, request);
			call_somebody_off(by);
		}
		villains[i].flying++;
	}
	ck_assert_int_ge(loop_round(rig.loop, 0), 0);
	until(can_go_on(i));
	if (player_is_cut(by) || any(100) == 0)
		connect_again(i);
}

static void given_zones_in_memory(void)
{
	zp_begin(2, "", "ram:4M", NULL);
}

static void given_zones_on_a_disk_that_fails(void)
{
	zp_begin(2, "fault:", NULL, "write error=EIO rate=6% seed=5");
}

START_TEST(outlives_transports_that_say_anything)
{
	seed = (unsigned)_i + 1;
	connect_again(0);
	connect_again(1);
	for (unsigned round = 0; round < ROUNDS; round++)
		play(round % 2);
	connect_again(0);
	zp_wait_until_served();
	ck_assert_uint_eq(player_read(&player, 1, 0, 1), 0);
}
END_TEST

static void describe_villains(Suite *suite, const char *situation, SFun given)
{
	TCase *tcase = tcase_create(situation);

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, given, zp_end);
	tcase_add_loop_test(tcase, outlives_transports_that_say_anything, 0, 2);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("zoned villain");

	describe_villains(suite, "a store in memory", given_zones_in_memory);
	describe_villains(suite, "a disk that fails", given_zones_on_a_disk_that_fails);
	return run(suite);
}
