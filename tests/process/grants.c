/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/grants.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

/* namespaces[nsid - 1] of the first subsystem. */
long grants_number(uint32_t nsid, const char *key, const char *counter)
{
	static char text[1 << 20];
	const json_t *value;
	json_t *root;
	long number;

	if (harness_ctl(scene.harness, text, sizeof(text), "status", "--json", NULL) != 0)
		ck_abort_msg("status: %s", text);
	root = json_loads(text, 0, NULL);
	value = json_array_get(json_object_get(root, "subsystems"), 0);
	value = json_array_get(json_object_get(value, "namespaces"), nsid - 1);
	value = json_object_get(value, key);
	if (counter)
		value = json_object_get(value, counter);
	if (!value)
		ck_abort_msg("status has no %s of namespace %u: %s", key, nsid, text);
	number = json_is_boolean(value) ? json_is_true(value) : (long)json_integer_value(value);
	json_decref(root);
	return number;
}

/* All reactors, or none, do its I/O. */
void grants_await(uint32_t nsid, bool in_use)
{
	long wanted = in_use ? (long)scene.harness->threads : 0, found;
	uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	while ((found = grants_number(nsid, "io_grant_threads", NULL)) != wanted) {
		if (clock_now_ns() > end_ns)
			ck_abort_msg("%ld reactors have it, expected %ld", found, wanted);
		usleep(20000);
	}
}

void grants_restore(bool on)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[1].has_io_grant = on;
	harness_restore(scene.harness, &exports);
}

/* A reactor that finds that a link of another came up asks anew, at its next command. */
void grants_settle(uint32_t nsid)
{
	grants_await(nsid, true);
	scene_write(nsid, 0, 1, 1);
	grants_await(nsid, true);
}

/* The mappings of a process, by the name of the memory of namespace 2. */
unsigned grants_mappings(pid_t pid)
{
	char path[64], line[512];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		n += strstr(line, "memfd:ram-") != NULL;
	fclose(file);
	return n;
}
