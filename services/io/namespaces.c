/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/namespaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "services/io/namespace.h"
#include "services/io/patience.h"
#include "services/io/watcher.h"

#define MEASURE_NS (5 * NS_PER_S)
#define REBUILD_NS NS_PER_S

#define TOKEN_SIZE 16

/* A Grant of the view. */
struct entitlement {
	char transport[32];
	unsigned char token[TOKEN_SIZE];
	bool token_is_good; /* of the right size */
	uint32_t n_handles;
	uint32_t *handles;
};

struct namespaces {
	struct namespaces_options options;
	uint64_t revision;
	uint32_t count;
	struct list list;
	uint32_t n_entitlements;
	struct entitlement *entitlements;
	struct list tables; /* that not all threads have let go of */
	struct loop_timer measure;
	struct loop_timer rebuild; /* there was no memory for a table */
	struct patience patience;
	struct watcher watcher;
};

static struct namespace *namespace_at(struct list *link)
{
	return container_of(link, struct namespace, link);
}

/* ------------------------------------------------------------------ tables */

static uint32_t count_granted(const struct namespaces *namespaces)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < namespaces->n_entitlements; i++)
		n += namespaces->entitlements[i].n_handles;
	return n;
}

static void fill_targets(struct namespaces *namespaces, struct table *table)
{
	struct target *target = table->targets;

	list_for_each (link, &namespaces->list) {
		struct namespace *namespace = namespace_at(link);
		struct backing *backing = namespace->backing;

		*target++ = (struct target){
			.handle = namespace->handle,
			.block_shift = backing ? backing->block_shift : 9,
			.read_only = namespace->read_only,
			.blocks = namespace->blocks,
			.backing = namespace_is_ready(namespace) ? backing_share(backing) : NULL,
			.counters = namespace->counters,
			.owner = namespace,
		};
		namespace->n_open_tables += namespace_is_ready(namespace);
		namespace_ref(namespace);
	}
}

static struct table *make_table(struct namespaces *namespaces)
{
	struct table *table = table_new(namespaces->count,
	                                namespaces->n_entitlements,
	                                count_granted(namespaces),
	                                namespaces->options.n_threads);

	if (!table)
		return NULL;
	table->owner = namespaces;
	table->n_held = namespaces->options.n_threads;
	fill_targets(namespaces, table);
	for (uint32_t i = 0; i < namespaces->n_entitlements; i++) {
		const struct entitlement *entitlement = &namespaces->entitlements[i];

		table_grant(table,
		            entitlement->transport,
		            entitlement->handles,
		            entitlement->n_handles);
	}
	return table;
}

/* True: something has been closed for another worker by that. */
static bool end_target(struct target *target)
{
	struct namespace *namespace = target->owner;
	bool is_freed = false;

	if (target->backing) {
		backing_release(target->backing);
		namespace->n_open_tables--;
		is_freed = namespace_is_free(namespace);
	}
	namespace_unref(namespace);
	return is_freed;
}

static bool end_table(struct table *table)
{
	bool is_freed = false;

	list_remove(&table->link);
	for (uint32_t i = 0; i < table->n_targets; i++)
		is_freed |= end_target(&table->targets[i]);
	table_free(table);
	return is_freed;
}

void namespaces_table_let_go(struct table *table)
{
	struct namespaces *namespaces = table->owner;

	if (--table->n_held == 0 && end_table(table))
		namespaces->options.changed(namespaces->options.context);
}

static void give_new_table(struct namespaces *namespaces)
{
	struct table *table = make_table(namespaces);

	if (!table) {
		log_err("no memory for a change of what is served: it is tried again");
		loop_timer_set(namespaces->options.loop,
		               &namespaces->rebuild,
		               clock_now_ns() + REBUILD_NS);
		return;
	}
	list_append(&namespaces->tables, &table->link);
	for (unsigned i = 0; i < namespaces->options.n_threads; i++)
		io_thread_give_table(namespaces->options.threads[i], table);
}

static void rebuild_due(struct loop_timer *timer)
{
	give_new_table(container_of(timer, struct namespaces, rebuild));
}

static bool is_current(void *context)
{
	return !((struct namespaces *)context)->rebuild.due_ns;
}

static void tell(struct namespaces *namespaces)
{
	give_new_table(namespaces);
	namespaces->options.changed(namespaces->options.context);
}

static void readiness_changed(void *context)
{
	tell(context);
}

/* ------------------------------------------------------------------ opening */

/* One that has the same file open. */
static const struct namespace *find_open(struct namespaces *namespaces,
                                         const struct namespace *namespace)
{
	struct stat found;

	if (stat(namespace->path, &found) < 0)
		return NULL;
	list_for_each (link, &namespaces->list) {
		const struct namespace *other = namespace_at(link);

		if (other != namespace && other->backing && backing_is(other->backing, &found))
			return other;
	}
	return NULL;
}

static void start_watching(struct namespaces *namespaces, struct namespace *namespace)
{
	namespace->watch = watcher_add(&namespaces->watcher, backing_watched(namespace->backing));
}

/* Of one that is not open any more. */
static void stop_watching(struct namespaces *namespaces, struct namespace *namespace)
{
	watcher_remove(&namespaces->watcher, namespace->watch);
	namespace->watch = -1;
}

/* True: it is ready now. */
static bool try_to_open(struct namespaces *namespaces, struct namespace *namespace)
{
	uint64_t retry_ns;

	if (namespace_open(namespace, &retry_ns) ||
	    (namespace_may_share(namespace) &&
	     namespace_share(namespace, find_open(namespaces, namespace)))) {
		start_watching(namespaces, namespace);
		return true;
	}
	loop_timer_set(namespaces->options.loop, &namespace->retry, clock_now_ns() + retry_ns);
	return false;
}

static void retry_due(struct loop_timer *timer)
{
	struct namespace *namespace = container_of(timer, struct namespace, retry);
	char reason[BACKING_REASON_SIZE];

	memcpy(reason, namespace->reason, sizeof(reason));
	if (try_to_open(namespace->owner, namespace))
		tell(namespace->owner);
	else if (strcmp(reason, namespace->reason) != 0)
	namespace->owner->options.changed(namespace->owner->options.context);
}

/* ------------------------------------------------------------------ measuring */

/* Keeps no timer where only ram: and null: are served. */
static void set_measure_timer(struct namespaces *namespaces)
{
	list_for_each (link, &namespaces->list) {
		const struct backing *backing = namespace_at(link)->backing;

		if (!backing || !backing->kind->measure)
			continue;
		patience_watch(&namespaces->patience, true);
		if (!namespaces->measure.due_ns)
			loop_timer_set(namespaces->options.loop,
			               &namespaces->measure,
			               clock_now_ns() + MEASURE_NS);
		return;
	}
	loop_timer_clear(&namespaces->measure);
	patience_watch(&namespaces->patience, false);
}

static bool measure(struct namespaces *namespaces, struct namespace *namespace)
{
	if (!namespace_is_ready(namespace) || !namespace_measure(namespace))
		return false;
	if (namespace->reason[0]) { /* there is nothing left to serve */
		stop_watching(namespaces, namespace);
		namespace->backing = backing_release(namespace->backing);
		loop_timer_set(
			namespaces->options.loop, &namespace->retry, clock_now_ns() + NS_PER_S);
	}
	return true;
}

/* Somebody else has written to its file, or changed its size. */
static void file_was_closed(void *context, int watch)
{
	struct namespaces *namespaces = context;
	bool changed = false;

	list_for_each (link, &namespaces->list)
		if (namespace_at(link)->watch == watch)
			changed |= measure(namespaces, namespace_at(link));
	if (changed)
		tell(namespaces);
}

/* Another namespace had the same file, and has it no more. */
static void watch_is_gone(void *context, int watch)
{
	struct namespaces *namespaces = context;
	bool changed = false;

	list_for_each (link, &namespaces->list) {
		struct namespace *namespace = namespace_at(link);

		if (namespace->watch != watch)
			continue;
		namespace->watch = -1;
		if (!namespace->backing)
			continue;
		start_watching(namespaces, namespace);
		changed |= measure(namespaces, namespace); /* nobody has looked meanwhile */
	}
	if (changed)
		tell(namespaces);
}

static void measure_due(struct loop_timer *timer)
{
	struct namespaces *namespaces = container_of(timer, struct namespaces, measure);
	bool changed = false;

	list_for_each (link, &namespaces->list)
		changed |= measure(namespaces, namespace_at(link));
	if (changed)
		tell(namespaces);
	set_measure_timer(namespaces);
}

/* ------------------------------------------------------------------ views */

static void free_entitlements(struct entitlement *entitlements, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(entitlements[i].handles);
	free(entitlements);
}

static int copy_entitlement(struct entitlement *entitlement, const Nvmetd__Grant *grant)
{
	strncpy(entitlement->transport, grant->transport, sizeof(entitlement->transport) - 1);
	entitlement->token_is_good = grant->token.len == TOKEN_SIZE;
	if (entitlement->token_is_good)
		memcpy(entitlement->token, grant->token.data, TOKEN_SIZE);
	entitlement->handles = calloc(grant->n_handles + 1, sizeof(*entitlement->handles));
	if (!entitlement->handles)
		return error_origin(-ENOMEM);
	entitlement->n_handles = (uint32_t)grant->n_handles;
	for (size_t i = 0; i < grant->n_handles; i++)
		entitlement->handles[i] = grant->handles[i];
	return 0;
}

static int take_entitlements(struct namespaces *namespaces, const Nvmetd__WorkerView *view)
{
	struct entitlement *fresh = calloc(view->n_grants + 1, sizeof(*fresh));
	int r = 0;

	if (!fresh)
		return error_origin(-ENOMEM);
	for (size_t i = 0; !r && i < view->n_grants; i++)
		r = copy_entitlement(&fresh[i], view->grants[i]);
	if (r) {
		free_entitlements(fresh, (uint32_t)view->n_grants);
		return error_trace(r);
	}
	free_entitlements(namespaces->entitlements, namespaces->n_entitlements);
	namespaces->entitlements = fresh;
	namespaces->n_entitlements = (uint32_t)view->n_grants;
	return 0;
}

/* The one that stays, out of the list of old ones; or a new one. NULL: no memory. */
static struct namespace *keep_or_make(struct namespaces *namespaces, struct list *old,
                                      const Nvmetd__BackingView *view)
{
	struct namespace *namespace;

	list_for_each (link, old)
		if (namespace_becomes(namespace_at(link), view)) {
			list_remove(link);
			return namespace_at(link);
		}
	namespace = namespace_new(view, namespaces->options.n_threads);
	if (!namespace)
		return NULL;
	namespace->owner = namespaces;
	namespace->retry = LOOP_TIMER(retry_due);
	return namespace;
}

/* What is in flight on it goes on; its last table closes it. */
static void drop(struct namespace *namespace)
{
	log_info("%s: not served any more", namespace->label);
	loop_timer_clear(&namespace->retry);
	list_remove(&namespace->link);
	backing_forget(namespace->path, namespace->handle);
	stop_watching(namespace->owner, namespace);
	namespace->backing = backing_release(namespace->backing);
	namespace_unref(namespace);
}

static int take_namespaces(struct namespaces *namespaces, const Nvmetd__WorkerView *view)
{
	struct list old;
	int r = 0;

	list_init(&old);
	while (!list_is_empty(&namespaces->list))
		list_append(&old, list_take_first(&namespaces->list));
	namespaces->count = 0;
	for (size_t i = 0; i < view->n_namespaces; i++) {
		struct namespace *namespace = keep_or_make(namespaces, &old, view->namespaces[i]);

		if (!namespace) {
			r = error_origin(-ENOMEM);
			break;
		}
		list_append(&namespaces->list, &namespace->link);
		namespaces->count++;
		namespace_move(namespace, view->namespaces[i]);
		if (!namespace->backing)
			stop_watching(namespaces, namespace);
	}
	if (r) { /* nothing that is there is given up for want of memory */
		for (; !list_is_empty(&old); namespaces->count++)
			list_append(&namespaces->list, list_take_first(&old));
		return r;
	}
	while (!list_is_empty(&old))
		drop(namespace_at(old.next));
	return 0;
}

int namespaces_apply(struct namespaces *namespaces, const Nvmetd__WorkerView *view)
{
	int r = take_entitlements(namespaces, view);

	if (r)
		return error_trace(r);
	r = take_namespaces(namespaces, view);
	if (!r)
		namespaces->revision = view->revision;
	list_for_each (link, &namespaces->list)
		if (!namespace_at(link)->backing && !namespace_at(link)->is_released)
			try_to_open(namespaces, namespace_at(link));
	set_measure_timer(namespaces);
	tell(namespaces);
	return r;
}

uint64_t namespaces_revision(const struct namespaces *namespaces)
{
	return namespaces->revision;
}

uint32_t namespaces_count(const struct namespaces *namespaces)
{
	return namespaces->count;
}

const struct list *namespaces_list(const struct namespaces *namespaces)
{
	return &namespaces->list;
}

/* ------------------------------------------------------------------ grants */

bool namespaces_token_is_good(const struct namespaces *namespaces, const char *transport,
                              const void *token, size_t token_size)
{
	for (uint32_t i = 0; i < namespaces->n_entitlements; i++) {
		const struct entitlement *entitlement = &namespaces->entitlements[i];

		if (strcmp(entitlement->transport, transport) == 0 && entitlement->token_is_good &&
		    token_size == TOKEN_SIZE && memcmp(entitlement->token, token, TOKEN_SIZE) == 0)
			return true;
	}
	return false;
}

bool namespaces_has_grant(const struct namespaces *namespaces, const char *transport)
{
	for (uint32_t i = 0; i < namespaces->n_entitlements; i++)
		if (strcmp(namespaces->entitlements[i].transport, transport) == 0)
			return true;
	return false;
}

static bool is_granted(const struct namespaces *namespaces, const char *transport, uint32_t handle)
{
	for (uint32_t i = 0; i < namespaces->n_entitlements; i++) {
		const struct entitlement *entitlement = &namespaces->entitlements[i];

		if (strcmp(entitlement->transport, transport) != 0)
			continue;
		for (uint32_t j = 0; j < entitlement->n_handles; j++)
			if (entitlement->handles[j] == handle)
				return true;
	}
	return false;
}

/* Why not; NULL: it may. A descriptor that was opened for reading would not protect what is
 * read-only: who has it can open the file behind it anew. */
static const char *find_obstacle(const struct namespace *namespace)
{
	if (!namespace->io_grant)
		return "it has no io grant here (yet)";
	if (namespace->read_only)
		return "it is read-only";
	if (!namespace_is_ready(namespace))
		return "it is not ready";
	return namespace->backing->kind->give ? NULL : "it is not in memory";
}

const struct namespace *namespaces_find_released(const struct namespaces *namespaces,
                                                 uint32_t handle, const void *token,
                                                 size_t token_size, const char **ret_reason)
{
	const struct namespace *namespace = namespaces_find(namespaces, handle);

	*ret_reason = NULL;
	if (!namespace || !namespace->is_released || token_size != TOKEN_SIZE ||
	    memcmp(namespace->release_token, token, TOKEN_SIZE) != 0)
		*ret_reason = "it does not go anywhere (yet)";
	else if (!namespace_is_free(namespace))
		*ret_reason = "it is not closed here yet";
	else if (namespace->memory < 0)
		*ret_reason = "it has no memory here";
	return *ret_reason ? NULL : namespace;
}

struct namespace *namespaces_find(const struct namespaces *namespaces, uint32_t handle)
{
	list_for_each (link, &namespaces->list)
		if (namespace_at(link)->handle == handle)
			return namespace_at(link);
	return NULL;
}

const struct namespace *namespaces_find_given(const struct namespaces *namespaces,
                                              const char *transport, uint32_t handle,
                                              const char **ret_reason)
{
	const struct namespace *namespace = namespaces_find(namespaces, handle);

	*ret_reason = "it is not granted here (yet)";
	if (!namespace || !is_granted(namespaces, transport, handle))
		return NULL;
	*ret_reason = find_obstacle(namespace);
	return *ret_reason ? NULL : namespace;
}

/* ------------------------------------------------------------------ life */

int namespaces_new(struct namespaces **ret_namespaces, const struct namespaces_options *options)
{
	struct namespaces *namespaces = calloc(1, sizeof(*namespaces));

	if (!namespaces)
		return error_origin(-ENOMEM);
	namespaces->options = *options;
	list_init(&namespaces->list);
	list_init(&namespaces->tables);
	namespaces->measure = LOOP_TIMER(measure_due);
	namespaces->rebuild = LOOP_TIMER(rebuild_due);
	patience_init(&namespaces->patience,
	              &(struct patience_options){
			      .loop = options->loop,
			      .threads = options->threads,
			      .n_threads = options->n_threads,
			      .limit_ns = options->patience_ns,
			      .namespaces = &namespaces->list,
			      .is_current = is_current,
			      .changed = readiness_changed,
			      .context = namespaces,
		      });
	watcher_init(
		&namespaces->watcher, options->loop, file_was_closed, watch_is_gone, namespaces);
	*ret_namespaces = namespaces;
	return 0;
}

struct namespaces *namespaces_free(struct namespaces *namespaces)
{
	if (!namespaces)
		return NULL;
	loop_timer_clear(&namespaces->measure);
	loop_timer_clear(&namespaces->rebuild);
	patience_deinit(&namespaces->patience);
	watcher_deinit(&namespaces->watcher);
	list_for_each_safe (link, &namespaces->tables)
		end_table(container_of(link, struct table, link));
	list_for_each_safe (link, &namespaces->list)
		namespace_unref(namespace_at(link));
	free_entitlements(namespaces->entitlements, namespaces->n_entitlements);
	free(namespaces);
	return NULL;
}
