/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/patience.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "services/io/namespace.h"

#define SWEEP_NS (5 * NS_PER_S)
#define HURRY_NS (500 * NS_PER_MS)

static struct namespace *namespace_at(struct list *link)
{
	return container_of(link, struct namespace, link);
}

static void set_timer(struct patience *patience)
{
	uint64_t most_ns = patience->is_hurried ? HURRY_NS : SWEEP_NS;
	uint64_t wait_ns = patience->options.limit_ns / 4;

	loop_timer_set(patience->options.loop,
	               &patience->timer,
	               clock_now_ns() + (wait_ns < most_ns ? wait_ns : most_ns));
}

/* ------------------------------------------------------------------ what was found */

static uint64_t count_old(const struct namespace *namespace, unsigned n_threads)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < n_threads; i++)
		n += counters_get(&namespace->counters[i], COUNT_OLD);
	return n;
}

static void become(struct namespace *namespace, enum patience_state state)
{
	namespace->patience = state;
	atomic_store(&namespace->may_tell, state == PATIENCE_TOLD);
}

/* True: it is ready, or is not, other than before. */
static bool judge(struct patience *patience, struct namespace *namespace)
{
	const struct patience_options *options = &patience->options;
	uint64_t n = count_old(namespace, options->n_threads);

	if (n == 0 && namespace->patience == PATIENCE_GOOD)
		return false;
	if (n == 0) {
		become(namespace, PATIENCE_GOOD);
		namespace_answers(namespace);
		return true;
	}
	patience->is_hurried = true;
	if (namespace->patience == PATIENCE_GOOD) {
		become(namespace, PATIENCE_FENCED);
		namespace_is_silent(namespace, n);
		return true;
	}
	/* They were asked after the table was given to them, and letters keep their order. */
	if (namespace->patience == PATIENCE_FENCED && patience->was_current)
		become(namespace, PATIENCE_TOLD);
	return false;
}

static void take_answer(void *context)
{
	struct patience *patience = context;
	bool changed = false;

	if (--patience->n_asked > 0)
		return;
	patience->is_hurried = false;
	list_for_each (link, patience->options.namespaces)
		changed |= judge(patience, namespace_at(link));
	if (changed)
		patience->options.changed(patience->options.context);
	if (patience->timer.due_ns)
		set_timer(patience);
}

/* ------------------------------------------------------------------ asking */

/* One that has not answered hangs itself, which is found by other means. */
static void ask(struct loop_timer *timer)
{
	struct patience *patience = container_of(timer, struct patience, timer);
	const struct patience_options *options = &patience->options;
	const struct sweep sweep = {
		.limit_ns = options->limit_ns, .answer = take_answer, .context = patience};

	if (patience->n_asked == 0) {
		patience->n_asked = options->n_threads;
		patience->was_current = options->is_current(options->context);
		for (unsigned i = 0; i < options->n_threads; i++)
			io_thread_sweep(options->threads[i], &sweep);
	}
	set_timer(patience);
}

void patience_watch(struct patience *patience, bool wanted)
{
	if (!wanted)
		loop_timer_clear(&patience->timer);
	else if (!patience->timer.due_ns && patience->options.limit_ns > 0)
		set_timer(patience);
}

void patience_init(struct patience *patience, const struct patience_options *options)
{
	*patience = (struct patience){.options = *options, .timer = LOOP_TIMER(ask)};
}

void patience_deinit(struct patience *patience)
{
	loop_timer_clear(&patience->timer);
}
