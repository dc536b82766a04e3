/* SPDX-License-Identifier: BSD-2-Clause */
/* A store with zones of which two threads want everything at once, and half of it not any more: all
 * of it is answered once, and nothing is left. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/io/zone_player.h"

#define FULL      4u /* zones, which are only read */
#define ZONES     4u
#define IN_FLIGHT 400u
#define REQUESTS  3000u

static unsigned seed;

/* Of a link: which requests are not answered yet, by the index of their id. */
struct crowd {
	struct player *player;
	bool is_out[LINK_SLOTS];
	unsigned n_out;
	unsigned n_put;
};

static struct crowd crowds[2];

static unsigned any(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static void given_zones(void)
{
	zp_begin(2, "fault:", NULL, "read delay=10ms-20ms rate=95%");
	player_connect(&other, (struct player_hello){.transport = "rdma", .reactor = 1});
	until(player_hears(&other));
	ck_assert(other.welcome);
	for (uint64_t zone = 0; zone < FULL; zone++)
		ck_assert_uint_eq(zp_write(zone * ZP_BLOCKS, ZP_CAPACITY, 7), 0);
	seed = 1;
	crowds[0] = (struct crowd){.player = &player};
	crowds[1] = (struct crowd){.player = &other};
}

/* ------------------------------------------------------------------ what is wanted */

static struct link_request sending(uint64_t zone, bool of_all)
{
	return (struct link_request){
		.operation = LINK_ZONE_SEND,
		.handle = 1,
		.first_block = zone * ZP_BLOCKS,
		.application_tag = LINK_ZONE(NVME_ZONE_CLOSE + any(of_all ? 3 : 4), 0),
		.application_mask = of_all ? LINK_ZONE_ALL : 0,
	};
}

static struct link_request reporting(void)
{
	return (struct link_request){
		.operation = LINK_ZONE_RECEIVE,
		.handle = 1,
		.application_tag = LINK_ZONE(NVME_ZONE_REPORT, any(8)),
		.segment_count = 1,
		.segments = {{.offset = 1 << 20, .length = 4096}},
	};
}

static struct link_request anything(struct player *by)
{
	uint64_t zone = FULL + any(ZONES);
	unsigned what = any(100);
	struct link_request request;

	if (what < 20)
		return zp_appending(by, zone, 1 + any(4), 7, 0);
	if (what < 25)
		return zp_writing(by, zone * ZP_BLOCKS + any(8), 1, 7, 0);
	if (what < 80) {
		request = player_reading(by, 1, any(FULL * ZP_BLOCKS - 200), 1 + any(200));
		request.segments[0].offset = 2 << 20;
		return request;
	}
	if (what < 83)
		return (struct link_request){.operation = LINK_FLUSH, .handle = 1};
	return what < 86 ? reporting() : sending(zone, what > 97);
}

static void call_off(struct player *by, uint32_t id)
{
	const struct link_request words = {
		.id = {.index = id % LINK_SLOTS, .generation = id},
                  .operation = LINK_CANCEL
        };

	if (ring_put(&by->link.requests, &words))
		return;
	ring_publish(&by->link.requests);
	if (ring_must_wake(&by->link.requests))
		doorbell_ring(by->link.to_worker);
}

/* ------------------------------------------------------------------ what comes of it */

static bool take_answers(struct crowd *crowd)
{
	struct link_completion completion;

	while (player_take(crowd->player, &completion)) {
		ck_assert(crowd->is_out[completion.id.index]);
		crowd->is_out[completion.id.index] = false;
		crowd->n_out--;
	}
	return crowd->n_out == 0;
}

static void put_some(struct crowd *crowd, unsigned total)
{
	while (crowd->n_out < IN_FLIGHT && crowd->n_put < total) {
		uint32_t id;

		if (crowd->is_out[crowd->player->next_id % LINK_SLOTS])
			return; /* one is that late */
		id = player_put(crowd->player, anything(crowd->player));
		crowd->is_out[id % LINK_SLOTS] = true;
		crowd->n_out++;
		crowd->n_put++;
		if (any(3) == 0)
			call_off(crowd->player, id - any(IN_FLIGHT));
	}
}

static bool is_through(unsigned total)
{
	bool is_over = true;

	for (unsigned i = 0; i < 2; i++) {
		if (!crowds[i].player)
			continue;
		put_some(&crowds[i], total);
		is_over &= take_answers(&crowds[i]) && crowds[i].n_put == total;
	}
	return is_over;
}

static uint32_t length(const struct list *list)
{
	uint32_t n = 0;

	list_for_each (link, (struct list *)list)
		n++;
	return n;
}

static bool is_at_rest(void)
{
	struct zoned *zoned = zp_zoned();
	bool is;

	pthread_mutex_lock(&zoned->lock);
	is = zoned->n_busy == 0 && !zoned->is_all_busy && length(&zoned->free) == ZONED_WORKS &&
	     list_is_empty(&zoned->waiting) && list_is_empty(&zoned->everybody);
	pthread_mutex_unlock(&zoned->lock);
	return is;
}

static unsigned count(enum nvme_zone_filter filter)
{
	ck_assert_uint_eq(zp_report(0, 64, filter, 0), 0);
	return (unsigned)le64_get(((const struct nvme_zone_report *)player.arena.memory)->nr_zones);
}

static void expect_limits_kept(void)
{
	const struct zones *zones = &zp_zoned()->zones;
	unsigned implicit = count(NVME_ZONES_IMPLICITLY_OPEN);
	unsigned n_open = implicit + count(NVME_ZONES_EXPLICITLY_OPEN);
	unsigned n_active = n_open + count(NVME_ZONES_CLOSED);

	ck_assert_uint_le(n_open, 2);
	ck_assert_uint_le(n_active, 4);
	ck_assert_uint_eq(zones->n_open, n_open);
	ck_assert_uint_eq(zones->n_active, n_active);
	ck_assert_uint_eq(length(&zones->implicit), implicit);
}

START_TEST(is_answered_once)
{
	until(is_through(REQUESTS));
	until(is_at_rest());
	expect_limits_kept();
}
END_TEST

START_TEST(is_let_go_with_the_link_that_wanted_it)
{
	put_some(&crowds[0], IN_FLIGHT);
	put_some(&crowds[1], IN_FLIGHT);
	crowds[1].player = NULL;
	player_leave(&other);
	until(is_through(REQUESTS / 4));
	until(is_at_rest());
	expect_limits_kept();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned crowd");

	describe(suite,
	         "what many want of zones at once",
	         given_zones,
	         zp_end,
	         is_answered_once,
	         is_let_go_with_the_link_that_wanted_it);
	return run(suite);
}
