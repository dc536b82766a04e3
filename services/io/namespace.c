/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/namespace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/store_path.h"
#include "services/io/fault.h"
#include "services/io/legacy.h"

#define RETRY_NS       NS_PER_S
#define HELD_RETRY_NS  (20 * NS_PER_MS) /* a predecessor's requests are over soon, mostly */
#define HELD_SOON_NS   (3 * NS_PER_S)
#define HELD_FIRST_NS  (50 * NS_PER_MS) /* and so long more often than that: */
#define FIRST_RETRY_NS NS_PER_MS

/* ------------------------------------------------------------------ life */

static struct counters *new_counters(unsigned n)
{
	struct counters *counters = aligned_alloc(_Alignof(struct counters), n * sizeof(*counters));

	if (counters)
		memset(counters, 0, n * sizeof(*counters));
	return counters;
}

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; texts && i < n; i++)
		free(texts[i]);
	free(texts);
}

/* NULL: no memory. */
static char **copy_texts(char *const *texts, size_t n)
{
	char **copy = calloc(n + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(texts[i]);
		if (copy[i])
			continue;
		free_texts(copy, i);
		return NULL;
	}
	return copy;
}

/* What it has already has its own: a change is of use as long as it could not be opened. */
static void take_zones(struct namespace *namespace, const Nvmetd__BackingView *view)
{
	namespace->zone_bytes = view->zone_bytes;
	namespace->zone_capacity = view->zone_capacity;
	namespace->zones_open_max = view->zones_open_max;
	namespace->zones_active_max = view->zones_active_max;
}

struct namespace *namespace_new(const Nvmetd__BackingView *view, unsigned n_threads)
{
	_cleanup_(namespace_unrefp) struct namespace *namespace = calloc(1, sizeof(*namespace));

	if (!namespace)
		return NULL;
	namespace->references = 1;
	list_init(&namespace->link);
	namespace->memory = -1;
	namespace->watch = -1;
	namespace->handle = view->handle;
	namespace->path = strdup(view->path);
	namespace->label = strdup(view->label);
	namespace->buffered = view->buffered;
	namespace->read_only = view->read_only;
	namespace->io_grant = view->io_grant;
	namespace->block_shift = view->block_shift;
	take_zones(namespace, view);
	namespace->n_faults = view->n_faults;
	namespace->faults = copy_texts(view->faults, view->n_faults);
	namespace->counters = new_counters(n_threads);
	if (!namespace->path || !namespace->label || !namespace->faults || !namespace->counters)
		return NULL;
	return take(&namespace);
}

void namespace_ref(struct namespace *namespace)
{
	namespace->references++;
}

struct namespace *namespace_unref(struct namespace *namespace)
{
	if (!namespace || --namespace->references > 0)
		return NULL;
	loop_timer_clear(&namespace->retry);
	backing_release(namespace->backing);
	cleanup_close(&namespace->memory);
	free(namespace->path);
	free(namespace->label);
	free_texts(namespace->faults, namespace->n_faults);
	free(namespace->counters);
	free(namespace);
	return NULL;
}

static void set_reason(struct namespace *namespace, const char *reason)
{
	char label[320], path[320];

	if (strcmp(namespace->reason, reason) == 0)
		return;
	snprintf(namespace->reason, sizeof(namespace->reason), "%s", reason);
	log_warn("%s: %s: not ready: %s",
	         log_safe(label, sizeof(label), namespace->label, strlen(namespace->label)),
	         log_safe(path, sizeof(path), namespace->path, strlen(namespace->path)),
	         reason);
}

/* The rules of fault: as the view has them. False: they are not understood; set as the reason. */
static bool set_faults(struct namespace *namespace, struct backing *backing)
{
	char why[FAULT_REASON_SIZE], reason[BACKING_REASON_SIZE];
	struct fault *fault = fault_of(backing);

	if (!fault || fault_set_rules(fault, namespace->faults, namespace->n_faults, why) == 0)
		return true;
	snprintf(reason, sizeof(reason), "its faults are not understood: %.120s", why);
	set_reason(namespace, reason);
	return false;
}

/* What was set live stays, unless the configuration says something else than before. */
static void take_faults(struct namespace *namespace, const Nvmetd__BackingView *view)
{
	bool same = namespace->n_faults == view->n_faults;
	char **fresh;

	for (size_t i = 0; same && i < view->n_faults; i++)
		same = strcmp(namespace->faults[i], view->faults[i]) == 0;
	if (same)
		return;
	fresh = copy_texts(view->faults, view->n_faults);
	if (!fresh) {
		log_err("%s: no memory for its faults: they stay as they are", namespace->label);
		return;
	}
	free_texts(namespace->faults, namespace->n_faults);
	namespace->faults = fresh;
	namespace->n_faults = view->n_faults;
	if (namespace->backing)
		set_faults(namespace, namespace->backing);
}

/* Of a file, whatever stands on it. */
static bool is_file(const char *path)
{
	return store_path(path)[0] == '/';
}

bool namespace_becomes(struct namespace *namespace, const Nvmetd__BackingView *view)
{
	if (namespace->handle != view->handle || strcmp(namespace->path, view->path) != 0 ||
	    namespace->block_shift != view->block_shift)
		return false;
	/* A file is opened for reading only, or with O_DIRECT; ram: and null: know no such thing,
	 * and ram: would lose its content. */
	if (is_file(namespace->path) &&
	    (namespace->buffered != view->buffered || namespace->read_only != view->read_only))
		return false;
	namespace->buffered = view->buffered;
	namespace->read_only = view->read_only;
	namespace->io_grant = view->io_grant; /* what was handed out before, the views take back */
	take_faults(namespace, view);
	take_zones(namespace, view);
	return true;
}

/* ------------------------------------------------------------------ moving */

/* What would be lost is kept. A predecessor may have left it without our having opened it. */
static void release(struct namespace *namespace)
{
	int memory = namespace->backing ? backing_memory(namespace->backing) : -1;

	loop_timer_clear(&namespace->retry);
	namespace->is_released = true;
	snprintf(namespace->reason, sizeof(namespace->reason), "it goes to another worker");
	log_info("%s: goes to another worker", namespace->label);
	if (namespace->memory < 0)
	namespace->memory = namespace->backing
	                            ? fcntl(memory, F_DUPFD_CLOEXEC, 0)
	                            : backing_take_memory(namespace->path, namespace->handle);
	namespace->backing = backing_release(namespace->backing);
}

void namespace_move(struct namespace *namespace, const Nvmetd__BackingView *view)
{
	bool goes = view->release.len == sizeof(namespace->release_token);
	bool comes = view->from_token.len == sizeof(namespace->from_token);

	if (goes)
		memcpy(namespace->release_token, view->release.data, view->release.len);
	if (goes && !namespace->is_released)
		release(namespace);
	namespace->is_released = goes;
	namespace->from_path[0] = '\0';
	if (!comes)
		return;
	snprintf(namespace->from_path, sizeof(namespace->from_path), "%s", view->from_path);
	memcpy(namespace->from_token, view->from_token.data, view->from_token.len);
}

/* The memory that it had with the other worker, before it is opened. */
static int fetch_memory(struct namespace *namespace, char *reason)
{
	if (namespace->memory >= 0 || !namespace->from_path[0] ||
	    strncmp(store_path(namespace->path), "ram:", 4) != 0)
		return 0;
	return legacy_fetch(namespace->from_path,
	                    namespace->from_token,
	                    namespace->handle,
	                    &namespace->memory,
	                    reason,
	                    BACKING_REASON_SIZE);
}

/* ------------------------------------------------------------------ opening */

static void log_ready(const struct namespace *namespace, const char *how)
{
	char label[320], path[320];

	log_info("%s: %s: %s: %llu blocks of %u bytes%s%s",
	         log_safe(label, sizeof(label), namespace->label, strlen(namespace->label)),
	         log_safe(path, sizeof(path), namespace->path, strlen(namespace->path)),
	         how,
	         (unsigned long long)namespace->blocks,
	         1u << namespace->backing->block_shift,
	         namespace->read_only ? ", read-only" : "",
	         namespace->backing->volatile_cache ? ", with a volatile cache" : "");
}

static void adopt(struct namespace *namespace, struct backing *backing, const char *how)
{
	namespace->backing = backing;
	namespace->blocks = backing->bytes >> backing->block_shift;
	namespace->reason[0] = '\0';
	namespace->held_since_ns = 0;
	namespace->look_ns = 0;
	cleanup_close(&namespace->memory); /* the backing has its own */
	namespace->memory = -1;
	log_ready(namespace, how);
}

static struct backing_wish wish_of(const struct namespace *namespace)
{
	return (struct backing_wish){
		.handle = namespace->handle,
		.path = namespace->path,
		.buffered = namespace->buffered,
		.read_only = namespace->read_only,
		.block_shift = namespace->block_shift,
		.zone_bytes = namespace->zone_bytes,
		.zone_capacity = namespace->zone_capacity,
		.zones_open_max = namespace->zones_open_max,
		.zones_active_max = namespace->zones_active_max,
		.memory = namespace->memory >= 0 ? &namespace->memory : NULL,
	};
}

bool namespace_may_share(struct namespace *namespace)
{
	uint64_t now_ns = clock_now_ns();

	if (!namespace->held_since_ns || now_ns < namespace->look_ns)
		return false;
	namespace->look_ns = now_ns + RETRY_NS;
	return true;
}

bool namespace_share(struct namespace *namespace, const struct namespace *other)
{
	if (!other)
		return false;
	if (other->buffered == namespace->buffered && other->read_only == namespace->read_only &&
	    other->block_shift == namespace->block_shift) {
		adopt(namespace, backing_share(other->backing), "shared");
		return true;
	}
	set_reason(namespace,
	           "another namespace has the same file with other options (buffered_io, "
	           "read-only, block size)");
	return false;
}

static uint64_t held_retry_ns(struct namespace *namespace)
{
	uint64_t now_ns = clock_now_ns();

	if (!namespace->held_since_ns)
	namespace->held_since_ns = now_ns;
	if (now_ns - namespace->held_since_ns < HELD_FIRST_NS)
		return FIRST_RETRY_NS;
	return now_ns - namespace->held_since_ns < HELD_SOON_NS ? HELD_RETRY_NS : RETRY_NS;
}

bool namespace_open(struct namespace *namespace, uint64_t *ret_retry_ns)
{
	struct backing_wish wish;
	char reason[BACKING_REASON_SIZE] = "";
	struct backing *backing;
	int r;

	*ret_retry_ns = RETRY_NS;
	r = fetch_memory(namespace, reason);
	wish = wish_of(namespace);
	if (!r)
		r = backing_open(&backing, &wish, reason, sizeof(reason));
	if (r == 0 && !set_faults(namespace, backing)) {
		backing_release(backing);
		return false;
	}
	if (r == 0) {
		adopt(namespace, backing, "ready");
		return true;
	}
	if (r == BACKING_E_HELD)
		*ret_retry_ns = held_retry_ns(namespace);
	else
	namespace->held_since_ns = 0;
	set_reason(namespace, reason);
	return false;
}

/* ------------------------------------------------------------------ a device that is silent */

void namespace_is_silent(struct namespace *namespace, uint64_t n)
{
	char reason[BACKING_REASON_SIZE];

	snprintf(reason,
	         sizeof(reason),
	         "its device does not answer: %llu requests wait for it",
	         (unsigned long long)n);
	set_reason(namespace, reason);
}

void namespace_answers(struct namespace *namespace)
{
	namespace->reason[0] = '\0';
	if (namespace->backing)
		log_ready(namespace, "its device answers again");
}

/* ------------------------------------------------------------------ measuring */

bool namespace_measure(struct namespace *namespace)
{
	int64_t bytes = backing_measure(namespace->backing);
	uint64_t blocks;

	if (bytes < 0 || bytes >> namespace->backing->block_shift == 0) {
		set_reason(namespace, bytes < 0 ? error_words((int)bytes) : "its size is 0");
		return true;
	}
	blocks = (uint64_t)bytes >> namespace->backing->block_shift;
	if (blocks == namespace->blocks)
		return false;
	namespace->blocks = blocks;
	log_ready(namespace, "its size has changed");
	return true;
}
