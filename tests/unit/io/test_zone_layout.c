/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a store that was given zones has what, and what is taken for its label and its entries. */
#include <string.h>

#include "services/io/zone_layout.h"
#include "tests/support/spec.h"

#define MIB (1ull << 20)

static struct zone_layout layout;
static unsigned char bytes[4096];

static int plan(struct zone_plan wanted, uint64_t store)
{
	return zone_layout_of(&layout, &wanted, store, 12, 9);
}

START_TEST(holds_all_of_its_zones)
{
	ck_assert_int_eq(plan((struct zone_plan){.zone_bytes = MIB}, 64 * MIB), 0);
	ck_assert_uint_eq(layout.geometry.count, 63);
	ck_assert_uint_eq(layout.geometry.blocks, 256);
	ck_assert_uint_ge(layout.data, layout.table + 63 * 512);
	ck_assert_uint_le(zone_layout_end(&layout), 64 * MIB);
}
END_TEST

START_TEST(needs_no_room_for_what_cannot_be_written)
{
	ck_assert_int_eq(plan((struct zone_plan){.zone_bytes = MIB, .capacity = MIB / 2}, 64 * MIB),
	                 0);
	ck_assert_uint_eq(layout.geometry.count, 127);
	ck_assert_uint_eq(zone_layout_stride(&layout), MIB / 2);
}
END_TEST

START_TEST(has_a_size_where_none_is_said)
{
	ck_assert_int_eq(plan((struct zone_plan){0}, 1024 * MIB), 0);
	ck_assert_uint_eq(layout.geometry.blocks << 12, ZONE_BYTES_DEFAULT);
	ck_assert_uint_eq(layout.geometry.capacity, layout.geometry.blocks);
}
END_TEST

/* Hosts are told of no more open zones than active ones. */
START_TEST(has_a_limit_of_open_zones_where_there_is_one_of_active_ones)
{
	ck_assert_int_eq(plan((struct zone_plan){.zone_bytes = MIB, .active_max = 5}, 64 * MIB), 0);
	ck_assert_uint_eq(layout.geometry.open_max, 5);
}
END_TEST

START_TEST(is_refused_if_it_cannot_be)
{
	static const struct {
		struct zone_plan plan;
		uint64_t bytes;
		int error;
	} of[] = {
		{{.zone_bytes = 3 * MIB},                             64 * MIB,   ZONE_LAYOUT_E_SIZE    },
		{{.zone_bytes = 2048},                                64 * MIB,   ZONE_LAYOUT_E_SIZE    },
		{{.zone_bytes = 2ull << 40},                          64 * MIB,   ZONE_LAYOUT_E_SIZE    },
		{{.zone_bytes = MIB, .capacity = MIB + 4096},         64 * MIB,   ZONE_LAYOUT_E_CAPACITY},
		{{.zone_bytes = MIB, .capacity = 4097},               64 * MIB,   ZONE_LAYOUT_E_CAPACITY},
		{{.zone_bytes = MIB, .capacity = 512},                64 * MIB,   ZONE_LAYOUT_E_CAPACITY},
		{{.zone_bytes = MIB, .open_max = 3, .active_max = 2},
	         64 * MIB,
	         ZONE_LAYOUT_E_LIMITS								   },
		{{.zone_bytes = MIB},                                 MIB,        ZONE_LAYOUT_E_SMALL   },
		{{.zone_bytes = MIB},                                 100,        ZONE_LAYOUT_E_SMALL   },
		{{.zone_bytes = 4096},                                1ull << 40, ZONE_LAYOUT_E_MANY    },
	};

	for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		ck_assert_int_eq(plan(of[i].plan, of[i].bytes), of[i].error);
}
END_TEST

/* ------------------------------------------------------------------ the label */

static void given_a_label(void)
{
	ck_assert_int_eq(plan((struct zone_plan){.zone_bytes = MIB,
	                                         .capacity = MIB / 2,
	                                         .open_max = 3,
	                                         .active_max = 7},
	                      64 * MIB),
	                 0);
	zone_label_write(bytes, &layout);
}

START_TEST(says_what_the_layout_is)
{
	struct zone_layout found;

	ck_assert_int_eq(zone_label_read(&found, bytes, 64 * MIB), 0);
	ck_assert_mem_eq(&found.geometry, &layout.geometry, sizeof(found.geometry));
	ck_assert_uint_eq(found.data, layout.data);
	ck_assert_uint_eq(found.table, layout.table);
	ck_assert_uint_eq(found.block_shift, 12);
	ck_assert_uint_eq(found.unit_shift, 9);
}
END_TEST

START_TEST(says_it_on_a_larger_store_too)
{
	struct zone_layout found;

	ck_assert_int_eq(zone_label_read(&found, bytes, 65 * MIB), 0);
	ck_assert_uint_eq(found.geometry.count, 127);
	ck_assert_int_eq(zone_label_read(&found, bytes, 63 * MIB), ZONE_LAYOUT_E_END);
}
END_TEST

START_TEST(is_none_or_damaged_if_a_bit_of_it_is_another)
{
	struct zone_layout found;

	for (unsigned bit = 0; bit < 128 * 8; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		ck_assert_int_eq(zone_label_read(&found, bytes, 64 * MIB),
		                 bit < 8 * 8 ? ZONE_LAYOUT_E_NONE : ZONE_LAYOUT_E_DAMAGED);
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}
END_TEST

/* ------------------------------------------------------------------ entries */

static int entry(uint32_t index, enum nvme_zone_state state, uint64_t written)
{
	enum nvme_zone_state found_state;
	uint64_t found_written;
	int r;

	zone_entry_write(bytes, 512, index, state, written);
	r = zone_entry_read(bytes, index, 100, &found_state, &found_written);
	if (r)
		return r;
	ck_assert_uint_eq(found_state, state);
	ck_assert_uint_eq(found_written, written);
	return 0;
}

START_TEST(is_found_as_it_was_written)
{
	ck_assert_int_eq(entry(3, NVME_ZONE_IMPLICITLY_OPEN, 99), 0);
	ck_assert_int_eq(entry(3, NVME_ZONE_EXPLICITLY_OPEN, 0), 0);
	ck_assert_int_eq(entry(3, NVME_ZONE_FULL, 100), 0);
	ck_assert_int_eq(entry(3, NVME_ZONE_EMPTY, 0), 0);
	ck_assert_int_eq(entry(3, NVME_ZONE_IS_OFFLINE, 7), 0);
}
END_TEST

START_TEST(is_damaged_if_it_makes_no_sense)
{
	ck_assert_int_eq(entry(3, NVME_ZONE_EMPTY, 1), ZONE_LAYOUT_E_DAMAGED);
	ck_assert_int_eq(entry(3, NVME_ZONE_CLOSED, 100), ZONE_LAYOUT_E_DAMAGED);
	ck_assert_int_eq(entry(3, NVME_ZONE_FULL, 101), ZONE_LAYOUT_E_DAMAGED);
	ck_assert_int_eq(entry(3, (enum nvme_zone_state)0, 0), ZONE_LAYOUT_E_DAMAGED);
	ck_assert_int_eq(entry(3, (enum nvme_zone_state)5, 0), ZONE_LAYOUT_E_DAMAGED);
}
END_TEST

START_TEST(is_damaged_in_another_place)
{
	enum nvme_zone_state state;
	uint64_t written;

	zone_entry_write(bytes, 512, 3, NVME_ZONE_FULL, 100);
	ck_assert_int_eq(zone_entry_read(bytes, 4, 100, &state, &written), ZONE_LAYOUT_E_DAMAGED);
}
END_TEST

START_TEST(is_of_an_empty_zone_if_it_is_all_zeroes)
{
	enum nvme_zone_state state;
	uint64_t written;

	memset(bytes, 0, sizeof(bytes));
	ck_assert_int_eq(zone_entry_read(bytes, 4, 100, &state, &written), 0);
	ck_assert_uint_eq(state, NVME_ZONE_EMPTY);
	ck_assert_uint_eq(written, 0);
}
END_TEST

START_TEST(is_damaged_if_a_bit_of_it_is_another)
{
	enum nvme_zone_state state;
	uint64_t written;

	zone_entry_write(bytes, 512, 3, NVME_ZONE_CLOSED, 50);
	for (unsigned bit = 0; bit < 64 * 8; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		ck_assert_int_eq(zone_entry_read(bytes, 3, 100, &state, &written),
		                 ZONE_LAYOUT_E_DAMAGED);
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone layout");

	describe(suite,
	         "a layout",
	         NULL,
	         NULL,
	         holds_all_of_its_zones,
	         needs_no_room_for_what_cannot_be_written,
	         has_a_size_where_none_is_said,
	         has_a_limit_of_open_zones_where_there_is_one_of_active_ones,
	         is_refused_if_it_cannot_be);
	describe(suite,
	         "a label",
	         given_a_label,
	         NULL,
	         says_what_the_layout_is,
	         says_it_on_a_larger_store_too,
	         is_none_or_damaged_if_a_bit_of_it_is_another);
	describe(suite,
	         "an entry",
	         NULL,
	         NULL,
	         is_found_as_it_was_written,
	         is_damaged_if_it_makes_no_sense,
	         is_damaged_in_another_place,
	         is_of_an_empty_zone_if_it_is_all_zeroes,
	         is_damaged_if_a_bit_of_it_is_another);
	return run(suite);
}
