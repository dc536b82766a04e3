/* SPDX-License-Identifier: BSD-2-Clause */
/* A store with zones in a long run of anything, whose disk fails now and then, and which is opened
 * again now and then: what was answered with success is there, what was not is not. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/io/zone_player.h"

#define ZONES 6
#define STEPS 500

static unsigned seed;

/* Bytes of blocks: 0 of those that were not written. */
static struct {
	uint64_t written;
	bool is_full;
	unsigned char blocks[ZP_BLOCKS];
} model[ZONES];

static unsigned any(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static void given_zones(void)
{
	zp_begin(1, "fault:", NULL, "write error=EIO rate=6% seed=5");
	memset(model, 0, sizeof(model));
	seed = 1;
}

/* A failure of the disk, or one that the limits make. */
static bool may_be(unsigned status)
{
	return status == NVME_SC_WRITE_FAULT || status == DNR(NVME_SC_ZONES_OPEN) ||
	       status == DNR(NVME_SC_ZONES_ACTIVE);
}

/* True: it is written. */
static bool is_written(unsigned zone, uint32_t blocks, unsigned status)
{
	bool fits = blocks <= ZP_CAPACITY - model[zone].written;

	if (status == 0) {
		ck_assert(fits && !model[zone].is_full);
		return true;
	}
	if (model[zone].is_full)
		ck_assert_uint_eq(status, DNR(NVME_SC_ZONE_FULL));
	else if (!fits)
		ck_assert_uint_eq(status, DNR(NVME_SC_ZONE_BOUNDARY));
	else
		ck_assert_msg(may_be(status), "status %x", status);
	return false;
}

static void wrote(unsigned zone, uint32_t blocks, int byte)
{
	memset(model[zone].blocks + model[zone].written, byte, blocks);
	model[zone].written += blocks;
	model[zone].is_full = model[zone].written == ZP_CAPACITY;
}

static void write_some(unsigned zone)
{
	uint32_t blocks = 1 + any(16);
	int byte = any(4) == 0 ? 0 : 1 + (int)any(255);
	uint64_t first = (uint64_t)zone * ZP_BLOCKS + model[zone].written;
	unsigned status = byte ? zp_write(first, blocks, byte)
	                       : player_zero(&player, 1, first, blocks, LINK_DEALLOC);

	if (is_written(zone, blocks, status))
		wrote(zone, blocks, byte);
}

static void append_some(unsigned zone)
{
	uint32_t blocks = 1 + any(16);
	int byte = 1 + (int)any(255);
	uint64_t block;
	unsigned status = zp_append(zone, blocks, byte, &block);

	if (!is_written(zone, blocks, status))
		return;
	ck_assert_uint_eq(block, zone * ZP_BLOCKS + model[zone].written);
	wrote(zone, blocks, byte);
}

static void reset(unsigned zone)
{
	if (zp_send(zone, NVME_ZONE_RESET) == 0)
		memset(&model[zone], 0, sizeof(model[zone]));
}

static void finish(unsigned zone)
{
	if (zp_send(zone, NVME_ZONE_FINISH) == 0)
		model[zone].is_full = true;
}

static void read_some(void)
{
	unsigned total = ZONES * ZP_BLOCKS, first = any(total - 200), blocks = 1 + any(200);
	const unsigned char *memory = player.arena.memory;

	ck_assert_uint_eq(player_read(&player, 1, first, blocks), 0);
	for (unsigned i = 0; i < blocks; i++) {
		unsigned block = first + i;
		unsigned byte = model[block / ZP_BLOCKS].blocks[block % ZP_BLOCKS];

		ck_assert_msg(memory[i * 512] == byte && memory[i * 512 + 511] == byte,
		              "block %u is %02x, not %02x",
		              block,
		              memory[i * 512],
		              byte);
	}
}

static void do_anything(void)
{
	unsigned zone = any(ZONES), what = any(100);

	if (what < 50)
		write_some(zone);
	else if (what < 65)
		append_some(zone);
	else if (what < 72)
		reset(zone);
	else if (what < 75)
		finish(zone);
	else if (what < 80)
		zp_send(zone, any(2) ? NVME_ZONE_OPEN : NVME_ZONE_CLOSE);
	else if (what < 97)
		read_some();
	else
		zp_open_again(any(2));
}

static void expect_pointers(void)
{
	for (unsigned zone = 0; zone < ZONES; zone++) {
		const struct nvme_zone_descriptor found = zp_zone(zone);

		ck_assert_uint_eq(found.zs >> 4 == NVME_ZONE_FULL, model[zone].is_full);
		if (!model[zone].is_full)
			ck_assert_uint_eq(le64_get(found.wp),
			                  zone * ZP_BLOCKS + model[zone].written);
	}
}

START_TEST(has_what_was_answered)
{
	for (unsigned step = 0; step < STEPS; step++) {
		do_anything();
		if (step % 50 == 0)
			expect_pointers();
	}
	zp_open_again(false);
	expect_pointers();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned model");

	describe(suite, "a store with zones", given_zones, zp_end, has_what_was_answered);
	return run(suite);
}
