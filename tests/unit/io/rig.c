/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/rig.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/shm/memory.h"
#include "services/io/io_thread.h"
#include "services/io/links.h"
#include "services/io/namespace.h"

#define THREADS_MAX 4

static const struct cpus anywhere;
static char token[] = "0123456789abcdef";

struct rig rig;

static struct mailbox mailbox;
static struct io_thread *threads[THREADS_MAX];
static unsigned n_threads;
static uint64_t revision;

static uint64_t patience_ns;

void rig_patience(unsigned ms)
{
	patience_ns = ms * NS_PER_MS;
}

static void changed(void *context)
{
	(void)context;
	rig.changes++;
}

static void start_threads(void)
{
	for (unsigned i = 0; i < n_threads; i++) {
		const struct io_thread_options options = {
			.index = i,
			.spin_us = 50,
			.cpus = &anywhere,
			.control = &mailbox,
			.lane_broken = links_lane_broken,
			.lane_gone = links_lane_gone,
			.lane_stuck = links_lane_stuck,
			.table_let_go = namespaces_table_let_go,
		};

		ck_assert_int_eq(io_thread_new(&threads[i], &options), 0);
	}
}

void rig_begin(unsigned count)
{
	const struct loop_options loop_options = {.spin_max_us = 0};
	const struct namespaces_options namespaces_options = {
		.threads = threads, .n_threads = count, .changed = changed};
	struct links_options links_options = {.threads = threads, .n_threads = count};
	struct namespaces_options with_loop = namespaces_options;

	log_open("test");
	rig_make_directory();
	ck_assert_int_eq(memory_guard(), 0);
	ck_assert_int_eq(loop_new(&rig.loop, &loop_options), 0);
	ck_assert_int_eq(mailbox_init(&mailbox, rig.loop), 0);
	n_threads = count;
	revision = 0;
	start_threads();
	with_loop.loop = rig.loop;
	with_loop.patience_ns = patience_ns;
	ck_assert_int_eq(namespaces_new(&rig.namespaces, &with_loop), 0);
	links_options.loop = rig.loop;
	links_options.path = rig_path("io/data.sock");
	links_options.namespaces = rig.namespaces;
	ck_assert_int_eq(links_new(&rig.links, &links_options), 0);
}

void rig_make_directory(void)
{
	rig = (struct rig){.directory = "/tmp/unit-io-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(rig.directory));
	ck_assert_int_eq(mkdir(rig_path("io"), 0700), 0);
	ck_assert_int_eq(mkdir(rig_path("worker"), 0700), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void rig_leave_no_trace(void)
{
	nftw(rig.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void rig_end(void)
{
	links_stop(rig.links);
	for (unsigned i = 0; i < n_threads; i++)
		ck_assert_int_eq(io_thread_free(threads[i]), 0);
	links_free(rig.links);
	namespaces_free(rig.namespaces);
	mailbox_deinit(&mailbox);
	loop_free(rig.loop);
	rig_leave_no_trace();
}

const char *rig_path(const char *name)
{
	static char paths[10][128];
	static unsigned next;
	char *path = paths[next++ % 10];

	snprintf(path, sizeof(paths[0]), "%s/%s", rig.directory, name);
	return path;
}

const char *rig_file(const char *name, uint64_t bytes)
{
	const char *path = rig_path(name);
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
	return path;
}

/* ------------------------------------------------------------------ views */

static void apply(const struct rig_namespace *wanted, unsigned n, unsigned n_grants,
                  const char *only)
{
	Nvmetd__BackingView views[16], *view_list[16];
	Nvmetd__Grant grants[2], *grant_list[2];
	uint32_t handles[16];
	Nvmetd__WorkerView view = NVMETD__WORKER_VIEW__INIT;

	ck_assert_uint_le(n, 16);
	for (unsigned i = 0; i < n; i++) {
		nvmetd__backing_view__init(&views[i]);
		views[i].handle = wanted[i].handle;
		views[i].path = (char *)wanted[i].path;
		views[i].buffered = wanted[i].buffered;
		views[i].read_only = wanted[i].read_only;
		views[i].io_grant = wanted[i].io_grant;
		views[i].block_shift = wanted[i].block_shift;
		views[i].zone_bytes = wanted[i].zone_bytes;
		views[i].zone_capacity = wanted[i].zone_capacity;
		views[i].zones_open_max = wanted[i].zones_open_max;
		views[i].zones_active_max = wanted[i].zones_active_max;
		views[i].faults = (char **)wanted[i].faults;
		while (views[i].n_faults < 4 && wanted[i].faults[views[i].n_faults])
			views[i].n_faults++;
		views[i].label = (char *)"nqn:test";
		if (wanted[i].release) {
			views[i].release.data = (uint8_t *)wanted[i].release;
			views[i].release.len = 16;
		}
		if (wanted[i].from_path) {
			views[i].from_path = (char *)wanted[i].from_path;
			views[i].from_token.data = (uint8_t *)wanted[i].from;
			views[i].from_token.len = 16;
		}
		view_list[i] = &views[i];
		handles[i] = wanted[i].handle;
	}
	for (unsigned i = 0; i < n_grants; i++) {
		nvmetd__grant__init(&grants[i]);
		grants[i].transport = (char *)(i == 0 ? "tcp" : "rdma");
		grants[i].token.data = (uint8_t *)token;
		grants[i].token.len = 16;
		grants[i].n_handles = !only || strcmp(only, grants[i].transport) == 0 ? n : 0;
		grants[i].handles = handles;
		grant_list[i] = &grants[i];
	}
	view.revision = ++revision;
	view.n_namespaces = n;
	view.namespaces = view_list;
	view.n_grants = n_grants;
	view.grants = grant_list;
	ck_assert_int_eq(namespaces_apply(rig.namespaces, &view), 0);
	links_check_grants(rig.links);
}

void rig_serve(const struct rig_namespace *wanted, unsigned n)
{
	apply(wanted, n, 2, NULL);
}

void rig_serve_only(const struct rig_namespace *wanted, unsigned n, const char *transport)
{
	apply(wanted, n, 2, transport);
}

void rig_serve_one(const char *path)
{
	const struct rig_namespace one = {.handle = 1, .path = path};

	rig_serve(&one, 1);
	until(rig_is_ready(1));
}

void rig_serve_nobody(void)
{
	apply(NULL, 0, 0, NULL);
}

uint64_t rig_blocks(uint32_t handle, const char **ret_reason)
{
	list_for_each (link, namespaces_list(rig.namespaces)) {
		const struct namespace *namespace = container_of(link, struct namespace, link);

		if (namespace->handle != handle)
			continue;
		*ret_reason = namespace->reason;
		return namespace_is_ready(namespace) ? namespace->blocks : 0;
	}
	*ret_reason = "not in the view";
	return 0;
}

bool rig_is_ready(uint32_t handle)
{
	const char *reason;

	return rig_blocks(handle, &reason) > 0;
}
