/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of a device with zones, as a made-up one has it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/blkzoned.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "services/io/zone_device.h"
#include "services/io/zone_errands.h"
#include "tests/support/spec.h"

#define DEVICE       makedev(259, 7)
#define ZONES        100u
#define ZONE_SECTORS 2048u
#define ZONE_BYTES   (ZONE_SECTORS * 512u)

static char root[64], reason[160];
static struct blk_zone disk[ZONES];
static unsigned n_reported; /* too few, when it is not 0 */
static int refusal;         /* of what is to be changed */
static unsigned n_changes;  /* asked for */
static unsigned long last_what;
static struct blk_zone_range last_range;
static struct zone_device zones;
static struct zone_found found[ZONES];

/* ------------------------------------------------------------------ a device */

static int report(struct blk_zone_report *wanted)
{
	uint64_t first = wanted->sector / ZONE_SECTORS;

	if (n_reported)
		wanted->nr_zones = n_reported;
	for (uint32_t i = 0; i < wanted->nr_zones; i++)
		wanted->zones[i] = disk[first + i];
	wanted->flags = BLK_ZONE_REP_CAPACITY;
	return 0;
}

/* Resets and finishes, as far as the tests need. */
static int control(int fd, unsigned long what, void *argument)
{
	struct blk_zone *zone;

	ck_assert_int_eq(fd, 33);
	if (what == BLKREPORTZONE)
		return report(argument);
	last_what = what;
	last_range = *(const struct blk_zone_range *)argument;
	n_changes++;
	if (refusal)
		return refusal;
	zone = &disk[last_range.sector / ZONE_SECTORS];
	for (uint64_t i = 0; i < last_range.nr_sectors / ZONE_SECTORS; i++, zone++) {
		if (zone->cond == BLK_ZONE_COND_READONLY)
			return -EIO;
		zone->cond = what == BLKRESETZONE ? BLK_ZONE_COND_EMPTY : BLK_ZONE_COND_FULL;
		zone->wp = zone->start;
	}
	return 0;
}

static void attribute(const char *name, const char *value)
{
	char command[512];

	snprintf(command,
	         sizeof(command),
	         "mkdir -p %s/dev/block/259:7/queue && echo '%s' >%s/dev/block/259:7/queue/%s",
	         root,
	         value,
	         root,
	         name);
	ck_assert_int_eq(system(command), 0);
}

static int init(void)
{
	int r = zone_device_init(
		&zones, 33, root, DEVICE, (uint64_t)ZONES * ZONE_BYTES, 12, reason, sizeof(reason));

	zones.control = control;
	return r;
}

static void given_a_device(void)
{
	strcpy(root, "/tmp/nvmetd-zones-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	attribute("zoned", "host-managed");
	attribute("chunk_sectors", "2048");
	attribute("max_open_zones", "7");
	attribute("max_active_zones", "9");
	attribute("zone_write_granularity", "4096");
	for (uint32_t i = 0; i < ZONES; i++)
		disk[i] = (struct blk_zone){
			.start = (uint64_t)i * ZONE_SECTORS,
			.len = ZONE_SECTORS,
			.wp = (uint64_t)i * ZONE_SECTORS,
			.capacity = 1600,
			.type = BLK_ZONE_TYPE_SEQWRITE_REQ,
			.cond = BLK_ZONE_COND_EMPTY,
		};
	ck_assert_int_eq(init(), 0);
}

static void forget_the_device(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

static int look(void)
{
	return zone_device_report(&zones, 0, ZONES, found, reason, sizeof(reason));
}

#define ck_assert_reason(text) ck_assert_msg(strstr(reason, text), "%s", reason)

/* ------------------------------------------------------------------ what it is */

START_TEST(is_one_only_if_the_host_must_manage_it)
{
	ck_assert(zone_device_is(root, DEVICE));
	ck_assert(!zone_device_is(root, makedev(259, 8)));
	attribute("zoned", "none");
	ck_assert(!zone_device_is(root, DEVICE));
}
END_TEST

START_TEST(has_the_zones_and_limits_of_its_queue)
{
	ck_assert_uint_eq(zones.count, ZONES);
	ck_assert_uint_eq(zones.blocks, ZONE_BYTES / 4096);
	ck_assert_uint_eq(zones.open_max, 7);
	ck_assert_uint_eq(zones.active_max, 9);
	ck_assert_uint_eq(zone_device_granularity(root, DEVICE), 4096);
}
END_TEST

START_TEST(has_no_limit_where_none_is_said)
{
	attribute("max_open_zones", "0");
	attribute("max_active_zones", "-1");
	ck_assert_int_eq(init(), 0);
	ck_assert_uint_eq(zones.open_max, 0);
	ck_assert_uint_eq(zones.active_max, 0);
}
END_TEST

START_TEST(is_refused_if_its_zones_are_no_power_of_two)
{
	attribute("chunk_sectors", "2000");
	ck_assert_int_eq(init(), ZONE_DEVICE_E_UNFIT);
	ck_assert_reason("not a power of two");
}
END_TEST

START_TEST(is_refused_if_its_last_zone_is_smaller)
{
	attribute("chunk_sectors", "8192");
	ck_assert_int_eq(zone_device_init(&zones,
	                                  33,
	                                  root,
	                                  DEVICE,
	                                  (uint64_t)8192 * 512 + 4096,
	                                  12,
	                                  reason,
	                                  sizeof(reason)),
	                 ZONE_DEVICE_E_UNFIT);
	ck_assert_reason("last zone");
}
END_TEST

START_TEST(is_refused_if_it_has_too_many)
{
	attribute("chunk_sectors", "8");
	ck_assert_int_eq(
		zone_device_init(
			&zones, 33, root, DEVICE, (1ull << 22) * 4096, 12, reason, sizeof(reason)),
		0);
	ck_assert_int_eq(zone_device_init(&zones,
	                                  33,
	                                  root,
	                                  DEVICE,
	                                  ((1ull << 22) + 1) * 4096,
	                                  12,
	                                  reason,
	                                  sizeof(reason)),
	                 ZONE_DEVICE_E_UNFIT);
	ck_assert_reason("zones, more than");
}
END_TEST

START_TEST(is_refused_if_it_does_not_say_how_large_its_zones_are)
{
	attribute("chunk_sectors", "many");
	ck_assert_int_eq(init(), ZONE_DEVICE_E_UNFIT);
}
END_TEST

/* ------------------------------------------------------------------ a report */

START_TEST(tells_state_capacity_and_pointer_of_each_zone_in_blocks)
{
	disk[70].cond = BLK_ZONE_COND_CLOSED;
	disk[70].wp += 80;
	disk[99].cond = BLK_ZONE_COND_FULL;
	disk[99].wp = UINT64_MAX;
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(found[0].state, NVME_ZONE_EMPTY);
	ck_assert_uint_eq(found[0].capacity, 200);
	ck_assert_uint_eq(found[0].written, 0);
	ck_assert_int_eq(found[70].state, NVME_ZONE_CLOSED);
	ck_assert_uint_eq(found[70].written, 10);
	ck_assert_int_eq(found[99].state, NVME_ZONE_FULL);
}
END_TEST

static void expect_refused(const char *why)
{
	ck_assert_int_eq(look(), ZONE_DEVICE_E_UNFIT);
	ck_assert_reason("zone 64");
	ck_assert_reason(why);
}

START_TEST(is_refused_if_a_zone_need_not_be_written_in_sequence)
{
	disk[64].type = BLK_ZONE_TYPE_CONVENTIONAL;
	expect_refused("conventional");
	disk[64].type = BLK_ZONE_TYPE_SEQWRITE_PREF;
	expect_refused("in sequence");
}
END_TEST

START_TEST(is_refused_if_a_zone_is_elsewhere)
{
	disk[64].start += 8;
	expect_refused("not where");
	disk[64].start -= 8;
	disk[64].len += 8;
	expect_refused("not of the size");
}
END_TEST

START_TEST(is_refused_if_a_zone_has_an_unknown_state)
{
	disk[64].cond = 7;
	expect_refused("unknown state 7");
}
END_TEST

START_TEST(is_refused_if_a_capacity_cannot_be)
{
	const uint64_t capacities[] = {0, 1601, ZONE_SECTORS + 8};

	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
		disk[64].capacity = capacities[i];
		expect_refused("capacity");
	}
}
END_TEST

START_TEST(is_refused_if_a_pointer_is_not_in_its_zone)
{
	const int64_t places[] = {-8, 4, 1608};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		disk[64].wp = disk[64].start + (uint64_t)places[i];
		expect_refused("write pointer");
	}
}
END_TEST

START_TEST(is_refused_if_it_is_of_fewer_zones_than_were_asked_for)
{
	n_reported = 3;
	ck_assert_int_eq(look(), ZONE_DEVICE_E_UNFIT);
}
END_TEST

/* ------------------------------------------------------------------ errands */

static atomic_uint n_done;
static struct zone_errand *order[4];

static void done(struct zone_errand *errand)
{
	order[atomic_load(&n_done)] = errand;
	atomic_fetch_add(&n_done, 1);
}

static void wait_for(unsigned n)
{
	uint64_t until_ns = clock_now_ns() + 10 * NS_PER_S;

	while (atomic_load(&n_done) < n)
		ck_assert_uint_lt(clock_now_ns(), until_ns);
}

START_TEST(are_done_in_their_order)
{
	_cleanup_(zone_errands_freep) struct zone_errands *errands = NULL;
	struct zone_errand line[] = {
		{.zone = 5,     .count = 1, .action = NVME_ZONE_FINISH, .done = done},
		{.zone = 5,             .count = 1,               .action = NVME_ZONE_RESET,                   .done = done},
		{.zone = 6, .count = 1,           .done = done          },
	};

	ck_assert_int_eq(zone_errands_new(&errands, &zones), 0);
	for (int i = 0; i < 3; i++)
		zone_errands_give(errands, &line[i]);
	wait_for(3);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_eq(order[i], &line[i]);
	ck_assert_int_eq(line[0].found.state, NVME_ZONE_FULL);
	ck_assert_int_eq(line[1].found.state, NVME_ZONE_EMPTY);
	ck_assert_uint_eq(last_what, BLKRESETZONE);
	ck_assert_uint_eq(last_range.sector, 5 * ZONE_SECTORS);
	ck_assert_uint_eq(last_range.nr_sectors, ZONE_SECTORS);
}
END_TEST

START_TEST(that_failed_have_looked_at_the_zone_too)
{
	_cleanup_(zone_errands_freep) struct zone_errands *errands = NULL;
	struct zone_errand errand = {.zone = 9, .count = 1, .action = NVME_ZONE_OPEN, .done = done};

	refusal = -EIO;
	disk[9].cond = BLK_ZONE_COND_READONLY;
	ck_assert_int_eq(zone_errands_new(&errands, &zones), 0);
	zone_errands_give(errands, &errand);
	wait_for(1);
	ck_assert_int_eq(errand.result, -EIO);
	ck_assert(errand.is_found);
	ck_assert_int_eq(errand.found.state, NVME_ZONE_READ_ONLY);
}
END_TEST

START_TEST(that_found_a_zone_that_cannot_be_say_so)
{
	_cleanup_(zone_errands_freep) struct zone_errands *errands = NULL;
	struct zone_errand errand = {.zone = 9, .count = 1, .done = done};

	disk[9].wp = 0;
	ck_assert_int_eq(zone_errands_new(&errands, &zones), 0);
	zone_errands_give(errands, &errand);
	wait_for(1);
	ck_assert_int_eq(errand.result, 0);
	ck_assert(!errand.is_found);
}
END_TEST

/* As often as a host likes. */
START_TEST(that_fail_do_not_fill_the_log)
{
	_cleanup_(zone_errands_freep) struct zone_errands *errands = NULL;
	struct zone_errand errand = {.zone = 9, .count = 1, .done = done};
	int lines[2], all = 0, standard = dup(STDERR_FILENO);

	disk[9].wp = 0;
	ck_assert_int_eq(pipe2(lines, O_CLOEXEC), 0);
	dup2(lines[1], STDERR_FILENO);
	ck_assert_int_eq(zone_errands_new(&errands, &zones), 0);
	for (unsigned i = 0; i < 50; i++) {
		atomic_store(&n_done, 0);
		zone_errands_give(errands, &errand);
		wait_for(1);
	}
	dup2(standard, STDERR_FILENO);
	ck_assert_int_eq(ioctl(lines[0], FIONREAD, &all), 0);
	ck_assert_int_gt(all, 0);
	ck_assert_int_lt(all, 10 * 160);
	close(lines[0]);
	close(lines[1]);
	close(standard);
}
END_TEST

START_TEST(for_many_zones_are_done_at_once)
{
	_cleanup_(zone_errands_freep) struct zone_errands *errands = NULL;
	struct zone_errand errand = {
		.zone = 0, .count = ZONES, .action = NVME_ZONE_RESET, .done = done};

	ck_assert_int_eq(zone_errands_new(&errands, &zones), 0);
	zone_errands_give(errands, &errand);
	wait_for(1);
	ck_assert_int_eq(errand.result, 0);
	ck_assert_uint_eq(errand.n_done, ZONES);
	ck_assert_uint_eq(n_changes, 1);
	ck_assert_uint_eq(last_range.nr_sectors, ZONES * ZONE_SECTORS);
}
END_TEST

START_TEST(for_many_zones_tell_which_was_the_first_to_fail)
{
	_cleanup_(zone_errands_freep) struct zone_errands *errands = NULL;
	struct zone_errand errand = {
		.zone = 10, .count = 50, .action = NVME_ZONE_FINISH, .done = done};

	disk[13].cond = BLK_ZONE_COND_READONLY;
	ck_assert_int_eq(zone_errands_new(&errands, &zones), 0);
	zone_errands_give(errands, &errand);
	wait_for(1);
	ck_assert_int_eq(errand.result, -EIO);
	ck_assert_uint_eq(errand.n_done, 3);
	ck_assert_int_eq(disk[12].cond, BLK_ZONE_COND_FULL);
	ck_assert_int_eq(disk[14].cond, BLK_ZONE_COND_EMPTY);
}
END_TEST

START_TEST(of_an_action_that_the_kernel_does_not_know_fail)
{
	ck_assert_int_eq(zone_device_send(&zones, 0, 1, NVME_ZONE_OFFLINE), -EINVAL);
	ck_assert_uint_eq(last_what, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone device");

	describe(suite,
	         "a device with zones",
	         given_a_device,
	         forget_the_device,
	         is_one_only_if_the_host_must_manage_it,
	         has_the_zones_and_limits_of_its_queue,
	         has_no_limit_where_none_is_said,
	         is_refused_if_its_zones_are_no_power_of_two,
	         is_refused_if_its_last_zone_is_smaller,
	         is_refused_if_it_has_too_many,
	         is_refused_if_it_does_not_say_how_large_its_zones_are);
	describe(suite,
	         "a report",
	         given_a_device,
	         forget_the_device,
	         tells_state_capacity_and_pointer_of_each_zone_in_blocks,
	         is_refused_if_a_zone_need_not_be_written_in_sequence,
	         is_refused_if_a_zone_is_elsewhere,
	         is_refused_if_a_zone_has_an_unknown_state,
	         is_refused_if_a_capacity_cannot_be,
	         is_refused_if_a_pointer_is_not_in_its_zone,
	         is_refused_if_it_is_of_fewer_zones_than_were_asked_for);
	describe(suite,
	         "errands",
	         given_a_device,
	         forget_the_device,
	         are_done_in_their_order,
	         for_many_zones_are_done_at_once,
	         for_many_zones_tell_which_was_the_first_to_fail,
	         that_failed_have_looked_at_the_zone_too,
	         that_found_a_zone_that_cannot_be_say_so,
	         that_fail_do_not_fill_the_log,
	         of_an_action_that_the_kernel_does_not_know_fail);
	return run(suite);
}
