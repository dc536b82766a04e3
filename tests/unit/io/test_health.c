/* SPDX-License-Identifier: BSD-2-Clause */
/* What /sys says of a device, as a made-up one has it; and how that is looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/loop/loop.h"
#include "services/io/checkup.h"
#include "services/io/health.h"
#include "tests/support/spec.h"

#define WAIT_NS (10 * NS_PER_S)

static char root[64], disk[128], file[128];
static struct health health;

static void must_system(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* An attribute of the disk, with the folders on the way to it. */
static void attribute(const char *name, const char *value)
{
	char command[512];

	snprintf(command,
	         sizeof(command),
	         "mkdir -p \"$(dirname %s/%s)\" && printf '%%s\\n' '%s' >%s/%s",
	         disk,
	         name,
	         value,
	         disk,
	         name);
	must_system(command);
}

/* The file is on the disk. */
static void given_a_disk(void)
{
	struct stat found;
	FILE *made;

	strcpy(root, "/tmp/nvmetd-health-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(file, sizeof(file), "%s/file", root);
	made = fopen(file, "w");
	ck_assert_ptr_nonnull(made);
	fclose(made);
	ck_assert_int_eq(stat(file, &found), 0);
	snprintf(disk,
	         sizeof(disk),
	         "%s/dev/block/%u:%u",
	         root,
	         major(found.st_dev),
	         minor(found.st_dev));
	attribute("dev", "259:7");
	attribute("uevent", "DEVNAME=sda");
}

static void forget_the_disk(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	must_system(command);
}

static bool read_health(const char *sysfs, const char *path)
{
	struct health_disk found;

	if (!health_find(sysfs, path, &found))
		return false;
	health = health_ask(&found);
	return true;
}

START_TEST(is_well_if_nothing_is_said)
{
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.device, makedev(259, 7));
	ck_assert_uint_eq(health.said.critical_warning, 0);
	ck_assert_uint_eq(health.said.temperature, 0);
	ck_assert_uint_eq(health.said.spare, 100);
}
END_TEST

START_TEST(is_not_known_if_it_is_not_there)
{
	ck_assert(!read_health("/nonexistent", file));
	ck_assert(!read_health(root, "/nonexistent"));
}
END_TEST

START_TEST(has_the_temperature_of_its_sensor)
{
	attribute("device/hwmon/hwmon3/temp1_input", "41850");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.temperature, 315);
	attribute("device/hwmon1/temp1_input", "-10000"); /* another driver's place for it */
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.temperature, 263);
}
END_TEST

START_TEST(has_no_temperature_that_cannot_be)
{
	attribute("device/hwmon1/temp1_input", "-400000");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.temperature, 0);
	attribute("device/hwmon1/temp1_input", "99999999999999999999");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.temperature, 0);
}
END_TEST

START_TEST(is_not_reliable_where_it_is_degraded)
{
	attribute("md/degraded", "0");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.critical_warning, 0);
	attribute("md/degraded", "1");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.critical_warning, NVME_WARNING_RELIABILITY);
}
END_TEST

START_TEST(is_not_reliable_where_it_is_offline)
{
	attribute("device/state", "running");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.critical_warning, 0);
	attribute("device/state", "offline");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.critical_warning, NVME_WARNING_RELIABILITY);
}
END_TEST

START_TEST(is_read_only_where_it_says_so)
{
	attribute("ro", "1");
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.said.critical_warning, NVME_WARNING_READ_ONLY);
}
END_TEST

START_TEST(of_a_partition_is_that_of_its_disk)
{
	char moved[160], command[1024];

	attribute("ro", "1");
	snprintf(moved, sizeof(moved), "%s/disk", root);
	snprintf(command,
	         sizeof(command),
	         "mv %s %s && mkdir %s/part && echo 1 >%s/part/partition && ln -s %s/part %s",
	         disk,
	         moved,
	         moved,
	         moved,
	         moved,
	         disk);
	must_system(command);
	ck_assert(read_health(root, file));
	ck_assert_uint_eq(health.device, makedev(259, 7));
	ck_assert_uint_eq(health.said.critical_warning, NVME_WARNING_READ_ONLY);
}
END_TEST

/* ------------------------------------------------------------------ checkup */

static struct loop *loop;
static struct mailbox mailbox;
static struct checkup *checkup;
static unsigned n_changes;

static void changed(void *context)
{
	(void)context;
	n_changes++;
	loop_stop(loop);
}

static void given_a_checkup(void)
{
	const struct loop_options options = {0};

	given_a_disk();
	n_changes = 0;
	ck_assert_int_eq(loop_new(&loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&mailbox, loop), 0);
	ck_assert_int_eq(checkup_new(&checkup, &mailbox, root, changed, NULL), 0);
}

static void forget_the_checkup(void)
{
	checkup = checkup_free(checkup);
	mailbox_deinit(&mailbox);
	loop = loop_free(loop);
	forget_the_disk();
}

#define MANY 8192u

static void give_up(struct loop_timer *timer)
{
	(void)timer;
	ck_abort_msg("nothing has changed");
}

static void watch(const char *path)
{
	struct loop_timer timer = LOOP_TIMER(give_up);

	ck_assert_int_eq(checkup_watch(checkup, &path, 1), 0);
	loop_timer_set(loop, &timer, clock_now_ns() + WAIT_NS);
	loop_run(loop);
	loop_timer_clear(&timer);
}

START_TEST(knows_nothing_at_first)
{
	ck_assert(!checkup_find(checkup, file, &health));
}
END_TEST

START_TEST(tells_when_something_is_known)
{
	attribute("ro", "1");
	watch(file);
	ck_assert_uint_eq(n_changes, 1);
	ck_assert(checkup_find(checkup, file, &health));
	ck_assert_uint_eq(health.said.critical_warning, NVME_WARNING_READ_ONLY);
	ck_assert(!checkup_find(checkup, "/else", &health));
}
END_TEST

START_TEST(forgets_what_is_not_watched_any_more)
{
	watch(file);
	ck_assert_int_eq(checkup_watch(checkup, NULL, 0), 0);
	ck_assert(!checkup_find(checkup, file, &health));
}
END_TEST

START_TEST(looks_at_a_new_path_at_once)
{
	char other[160];

	watch(file);
	ck_assert_int_eq(checkup_watch(checkup, NULL, 0), 0);
	snprintf(other, sizeof(other), "%s/../%s/file", root, strrchr(root, '/') + 1);
	watch(other);
	ck_assert(checkup_find(checkup, other, &health));
}
END_TEST

/* Several namespaces may be on one file, and in any order. */
START_TEST(knows_each_of_many_paths)
{
	const char *many[] = {"/nowhere/z", file, "/nowhere/a", file, "/nowhere/m", file};

	watch(file);
	ck_assert_int_eq(checkup_watch(checkup, many, sizeof(many) / sizeof(many[0])), 0);
	ck_assert(checkup_find(checkup, file, &health)); /* what is known stays known */
	ck_assert(!checkup_find(checkup, "/nowhere/z", &health));
}
END_TEST

static void run_until_known(const char *path)
{
	struct loop_timer timer = LOOP_TIMER(give_up);

	loop_timer_set(loop, &timer, clock_now_ns() + WAIT_NS);
	while (!checkup_find(checkup, path, &health))
		loop_run(loop);
	loop_timer_clear(&timer);
}

/* Each path had it asked anew: a device with many namespaces was kept busy with that. */
START_TEST(asks_a_device_once_for_all_its_paths)
{
	_cleanup_(cleanup_close) int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char uevent[160], other[160], events[4096];
	const char *both[] = {file, other};

	snprintf(uevent, sizeof(uevent), "%s/uevent", disk); /* is read for each question */
	snprintf(other, sizeof(other), "%s/../%s/file", root, strrchr(root, '/') + 1);
	ck_assert_int_ge(inotify_add_watch(watcher, uevent, IN_OPEN | IN_CLOSE_NOWRITE), 0);
	ck_assert_int_eq(checkup_watch(checkup, both, 2), 0);
	run_until_known(file);
	run_until_known(other);
	ck_assert_int_eq(read(watcher, events, sizeof(events)), 2 * sizeof(struct inotify_event));
}
END_TEST

/* As a worker with as many files reports them: each time one of them becomes ready. */
START_TEST(finds_its_way_among_very_many_paths)
{
	static char paths[MANY][64];
	static const char *many[MANY];
	uint64_t begin_ns;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/nowhere/in/a/folder/of/images/%05u", i);
		many[i] = paths[i];
	}
	begin_ns = clock_now_ns();
	ck_assert_int_eq(checkup_watch(checkup, many, MANY), 0);
	for (unsigned i = 0; i < 3 * MANY; i++)
		ck_assert(!checkup_find(checkup, many[i % MANY], &health));
	ck_assert_uint_lt(clock_now_ns() - begin_ns, NS_PER_S);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health");

	describe(suite,
	         "a device",
	         given_a_disk,
	         forget_the_disk,
	         is_well_if_nothing_is_said,
	         is_not_known_if_it_is_not_there,
	         has_the_temperature_of_its_sensor,
	         has_no_temperature_that_cannot_be,
	         is_not_reliable_where_it_is_degraded,
	         is_not_reliable_where_it_is_offline,
	         is_read_only_where_it_says_so,
	         of_a_partition_is_that_of_its_disk);
	describe(suite,
	         "a checkup",
	         given_a_checkup,
	         forget_the_checkup,
	         knows_nothing_at_first,
	         tells_when_something_is_known,
	         forgets_what_is_not_watched_any_more,
	         looks_at_a_new_path_at_once,
	         knows_each_of_many_paths,
	         asks_a_device_once_for_all_its_paths,
	         finds_its_way_among_very_many_paths);
	return run(suite);
}
