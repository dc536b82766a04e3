/* SPDX-License-Identifier: BSD-2-Clause */
/* What is given zones when it is opened, and what is not. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/io/backing.h"
#include "services/io/zoned.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

#define KIB   1024u
#define MIB   (1u << 20)
#define BYTES (4 * MIB)

static char disk[160], path[256], reason[BACKING_REASON_SIZE];
static struct backing *backing;

static void given_a_file(void)
{
	rig_make_directory();
	snprintf(disk, sizeof(disk), "%s", rig_file("disk", BYTES));
	snprintf(path, sizeof(path), "zoned:%s", disk);
	backing = NULL;
}

static void leave_the_file(void)
{
	backing = backing_release(backing);
	rig_leave_no_trace();
}

static const struct backing_wish good = {.zone_bytes = 64 * KIB};

static int open_it(struct backing_wish wish)
{
	wish.path = path;
	backing = backing_release(backing);
	return backing_open(&backing, &wish, reason, sizeof(reason));
}

static void expect_refusal(struct backing_wish wish, const char *words)
{
	ck_assert_int_eq(open_it(wish), BACKING_E_NOT_READY);
	ck_assert_msg(strstr(reason, words) != NULL, "the reason is \"%s\"", reason);
}

static void put(off_t offset, const void *bytes, size_t length)
{
	int fd = open(disk, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

START_TEST(has_zones_as_they_are_wanted)
{
	struct backing_wish wish = good;

	wish.zone_capacity = 48 * KIB;
	wish.zones_open_max = 2;
	wish.zones_active_max = 3;
	ck_assert_int_eq(open_it(wish), 0);
	ck_assert_uint_eq(backing->zones->blocks, 128);
	ck_assert_uint_eq(backing->zones->capacity, 96);
	ck_assert_uint_eq(backing->zones->open_max, 2);
	ck_assert_uint_eq(backing->zones->active_max, 3);
	ck_assert_uint_eq(backing->bytes, backing->zones->count * 64ull * KIB);
}
END_TEST

START_TEST(keeps_the_zones_that_it_has)
{
	uint64_t bytes;

	ck_assert_int_eq(open_it((struct backing_wish){.zone_bytes = 64 * KIB, .block_shift = 12}),
	                 0);
	bytes = backing->bytes;
	ck_assert_int_eq(open_it((struct backing_wish){.zone_bytes = 128 * KIB}), 0);
	ck_assert_uint_eq(backing->bytes, bytes);
	ck_assert_uint_eq(backing->zones->blocks, 16);
	ck_assert_uint_eq(backing->block_shift, 12);
	expect_refusal((struct backing_wish){.block_shift = 9}, "blocks of 4096 bytes");
}
END_TEST

START_TEST(says_which_zones_cannot_be)
{
	expect_refusal((struct backing_wish){.zone_bytes = 100000}, "a power of two");
	expect_refusal((struct backing_wish){.zone_bytes = 64 * KIB, .zone_capacity = 65 * KIB},
	               "capacity");
	expect_refusal((struct backing_wish){.zone_bytes = 64 * KIB,
	                                     .zones_open_max = 2,
	                                     .zones_active_max = 1},
	               "2 zones cannot be open where 1 may be active");
	expect_refusal((struct backing_wish){.zone_bytes = 8 * MIB},
	               "too small for a zone: it has 4194304 bytes, and a zone of 8388608");
	ck_assert_int_eq(truncate(disk, 1ll << 33), 0);
	expect_refusal((struct backing_wish){.zone_bytes = 4096}, "have to be larger");
}
END_TEST

START_TEST(is_not_made_over_data)
{
	put(8192, "data", 4);
	expect_refusal(good, "it has no label of zoned:");
	put(8192, "\0\0\0\0", 4);
	put(BYTES - 4096, "data", 4);
	expect_refusal(good, "it has no label of zoned:");
}
END_TEST

START_TEST(is_not_made_over_zones_whose_label_is_damaged)
{
	ck_assert_int_eq(open_it(good), 0);
	put(16, "data", 4);
	expect_refusal(good, "its label of zoned: is damaged");
}
END_TEST

/* What looks new may have anything where neither its begin nor its end is. */
START_TEST(has_empty_zones_whatever_was_in_their_table_before)
{
	char junk[512];

	ck_assert_int_eq(truncate(disk, 256 * MIB), 0);
	memset(junk, 0x5a, sizeof(junk));
	put(4096 + 1000 * 512, junk, sizeof(junk));
	ck_assert_int_eq(open_it((struct backing_wish){.zone_bytes = 64 * KIB}), 0);
	ck_assert_uint_eq(zoned_of(backing)->zones.zones[1000].state, NVME_ZONE_EMPTY);
	ck_assert_uint_eq(zones_find_listed(&zoned_of(backing)->zones, NVME_ZONES_READ_ONLY, 0),
	                  backing->zones->count);
}
END_TEST

START_TEST(is_not_made_where_nothing_may_be_written)
{
	struct backing_wish wish = good;

	wish.read_only = true;
	expect_refusal(wish, "new, and read-only");
	ck_assert_int_eq(open_it(good), 0);
	ck_assert_int_eq(open_it(wish), 0);
}
END_TEST

START_TEST(stands_only_on_what_can_have_zones)
{
	static const char *const of[][2] = {
		{"zoned:zoned:/x", "another zoned:"          },
		{"zoned:pi:/x",    "does not stand on pi:"   },
		{"pi:zoned:/x",    "does not stand on zoned:"},
		{"fault:zoned:/x", "zoned:fault: may be"     },
		{"zoned:null:1G",  "null: cannot have zones" },
	};

	for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		snprintf(path, sizeof(path), "%s", of[i][0]);
		expect_refusal(good, of[i][1]);
	}
}
END_TEST

START_TEST(has_as_many_zones_when_its_file_has_grown)
{
	uint64_t bytes;

	ck_assert_int_eq(open_it(good), 0);
	bytes = backing->bytes;
	ck_assert_int_eq(truncate(disk, 2 * BYTES), 0);
	ck_assert_int_eq(backing_measure(backing), (int64_t)bytes);
	ck_assert_int_eq(open_it(good), 0);
	ck_assert_uint_eq(backing->bytes, bytes);
}
END_TEST

START_TEST(is_of_no_use_when_its_file_has_shrunk)
{
	ck_assert_int_eq(open_it(good), 0);
	ck_assert_int_eq(truncate(disk, BYTES / 2), 0);
	ck_assert_int_lt(backing_measure(backing), 0);
	expect_refusal(good, "does not fit its size");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned open");

	describe(suite,
	         "a store with zones",
	         given_a_file,
	         leave_the_file,
	         has_zones_as_they_are_wanted,
	         keeps_the_zones_that_it_has,
	         says_which_zones_cannot_be,
	         is_not_made_over_data,
	         is_not_made_over_zones_whose_label_is_damaged,
	         has_empty_zones_whatever_was_in_their_table_before,
	         is_not_made_where_nothing_may_be_written,
	         stands_only_on_what_can_have_zones,
	         has_as_many_zones_when_its_file_has_grown,
	         is_of_no_use_when_its_file_has_shrunk);
	return run(suite);
}
