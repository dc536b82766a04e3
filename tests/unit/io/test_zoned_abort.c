/* SPDX-License-Identifier: BSD-2-Clause */
/* A store with zones: requests that are called off, wherever they are. */
#include <string.h>

#include "common/shm/doorbell.h"
#include "services/io/fault.h"
#include "services/io/zoned.h"
#include "tests/support/spec.h"
#include "tests/unit/io/zone_player.h"

static void given_zones_in_memory(void)
{
	zp_begin(1, "", "ram:4M", NULL);
}

static void given_zones_on_a_disk_with_faults(void)
{
	zp_begin(1, "fault:", NULL, NULL);
}

static bool fault_is_hanging(void)
{
	struct fault_report report;

	fault_describe(fault_of(&zp_zoned()->backing), &report);
	return report.hanging > 0;
}

static void call_off(uint32_t id)
{
	const struct link_request words = {
		.id = {.index = id, .generation = id},
                  .operation = LINK_CANCEL
        };

	ck_assert_int_eq(ring_put(&player.link.requests, &words), 0);
	ring_publish(&player.link.requests);
	if (ring_must_wake(&player.link.requests))
		doorbell_ring(player.link.to_worker);
}

static bool somebody_waits(void)
{
	struct zoned *zoned = zp_zoned();
	bool waits;

	pthread_mutex_lock(&zoned->lock);
	waits = !list_is_empty(&zoned->lines[0].waiting);
	pthread_mutex_unlock(&zoned->lock);
	return waits;
}

START_TEST(are_called_off_while_they_wait)
{
	struct link_completion first, second;
	uint32_t id;

	zp_rule("write hang lba=%llu", 0);
	player_put(&player, zp_writing(&player, 0, 1, 1, 0));
	id = player_put(&player, zp_writing(&player, 1, 1, 1, 0));
	until(somebody_waits());
	call_off(id);
	until(player_take(&player, &first));
	ck_assert_uint_eq(first.id.generation, id);
	ck_assert_uint_eq(first.status, NVME_SC_ABORT_REQUESTED);
	zp_no_rule();
	until(player_take(&player, &second));
	ck_assert_uint_eq(second.status, 0);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 1);
}
END_TEST

START_TEST(are_called_off_while_their_data_is_on_its_way)
{
	struct link_completion completion;
	uint32_t id;

	zp_rule("write hang lba=%llu", 0);
	id = player_put(&player, zp_writing(&player, 0, 1, 1, 0));
	until(fault_is_hanging());
	call_off(id);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, NVME_SC_ABORT_REQUESTED);
	zp_no_rule();
	ck_assert_uint_eq(zp_write(0, 1, 2), 0);
	zp_expect_data(0, 1, 2);
}
END_TEST

static bool n_wait_for_a_work(uint32_t wanted)
{
	struct zoned *zoned = zp_zoned();
	uint32_t n = 0;

	pthread_mutex_lock(&zoned->lock);
	list_for_each (link, &zoned->waiting)
		n++;
	pthread_mutex_unlock(&zoned->lock);
	return n == wanted;
}

/* All works are with reads that hang; a write has its zone, and another one waits behind it. */
START_TEST(are_called_off_while_all_works_are_with_others)
{
	struct link_completion completion;
	uint32_t read, write;

	ck_assert_uint_eq(zp_write(0, 1, 1), 0);
	zp_rule("read hang lba=%llu", 0);
	for (unsigned i = 0; i < ZONED_WORKS; i++)
		player_put(&player, player_reading(&player, 1, 0, 1));
	read = player_put(&player, player_reading(&player, 1, 0, 1));
	write = player_put(&player, zp_writing(&player, 1, 1, 2, 512));
	until(n_wait_for_a_work(2));
	player_put(&player, zp_writing(&player, 1, 1, 3, 1024));
	call_off(write);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.id.generation, write);
	ck_assert_uint_eq(completion.status, NVME_SC_ABORT_REQUESTED);
	call_off(read);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.id.generation, read);
	ck_assert_uint_eq(completion.status, NVME_SC_ABORT_REQUESTED);
	zp_no_rule();
	for (unsigned i = 0; i < ZONED_WORKS + 1; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 2);
	zp_expect_data(1, 1, 3);
}
END_TEST

START_TEST(are_called_off_while_they_flush)
{
	struct link_completion completion;
	uint32_t id;

	zp_rule("flush hang", 0);
	id = player_put(&player, (struct link_request){.operation = LINK_FLUSH, .handle = 1});
	until(fault_is_hanging());
	call_off(id);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, NVME_SC_ABORT_REQUESTED);
	zp_no_rule();
	ck_assert_uint_eq(player_flush(&player, 1), 0);
}
END_TEST

/* Both come in one look: the worker hears that it is not wanted when it has checked the request,
 * and not begun. The ranges, at the begin of the arena, are good. */
START_TEST(is_called_off_wherever_it_says_it_begins)
{
	const uint64_t wild[] = {UINT64_MAX, 1ull << 60, zp_zoned()->zones.geometry.count * 128ull};
	struct link_completion completion;

	for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		struct link_request hint = {
			.id = {.index = player.next_id % LINK_SLOTS, .generation = player.next_id},
			.operation = LINK_DEALLOCATE,
			.handle = 1,
			.first_block = wild[i],
			.block_count = 1,
			.segment_count = 1,
			.segments = {{.offset = 0, .length = 512}                                   },
		};

		memset(player.arena.memory, 0, 512);
		ck_assert_int_eq(ring_put(&player.link.requests, &hint), 0);
		call_off(player.next_id++);
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	ck_assert(!player_is_cut(&player));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned, called off");

	describe(suite,
	         "requests of which one hangs",
	         given_zones_on_a_disk_with_faults,
	         zp_end,
	         are_called_off_while_they_wait,
	         are_called_off_while_their_data_is_on_its_way,
	         are_called_off_while_all_works_are_with_others,
	         are_called_off_while_they_flush);
	describe(suite,
	         "a hint",
	         given_zones_in_memory,
	         zp_end,
	         is_called_off_wherever_it_says_it_begins);
	return run(suite);
}
