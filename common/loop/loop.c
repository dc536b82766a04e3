/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A round: wait (look, spin, sleep), then call what is ready, then the timers that are due,
 * then the lookers, then the hooks. The descriptors of a round are gathered first and called
 * from the batch, so loop_remove() takes a source out of the batch as well.
 */
#include "common/loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "common/base/cache_line.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/loop/hot.h"
#include "common/loop/spin.h"
#include "common/loop/timer.h"

#define BATCH 64

/* A look costs 0.1 us, trying a socket 0.2 us, asking epoll 0.3 us: where there is something to
 * look at or to try, the other descriptors are asked about only so often. */
#define POLL_NS (50 * NS_PER_US)

/* The same where nothing is hot: more sockets are busy than are tried. Some may become ready
 * together. */
#define POLL_MANY_NS (5 * NS_PER_US)

/* Who spins without waiting for a neighbour keeps the processor for so long: a yield that finds
 * somebody who spins as well costs two changes of process, and work that comes meanwhile waits. */
#define ALONE_NS (10 * NS_PER_US)

struct loop {
	int epoll_fd;
	struct loop_source stop; /* an eventfd */
	atomic_bool stopping;
	uint64_t now_ns;
	uint64_t polled_ns; /* when epoll was asked */
	struct hot hot;
	unsigned n_triable; /* sources that may become hot */
	bool has_looked;    /* the lookers have found work in the wait, and it is done */
	bool again;         /* the next round does not wait */
	bool busy;          /* something useful has been done since the last wait began */
	struct spin spin;
	struct timers timers;
	bool is_expiring;
	struct list lookers;
	struct list hooks;
	struct list *next; /* where the walk through lookers or hooks goes on */
	int n_ready;
	struct epoll_event ready[BATCH];
};

static void take_back_stop(struct loop_source *source, uint32_t events)
{
	eventfd_t rings;

	(void)events;
	eventfd_read(source->fd, &rings);
}

int loop_new(struct loop **ret_loop, const struct loop_options *options)
{
	_cleanup_(loop_freep) struct loop *loop = line_alloc(sizeof(*loop));
	int fd, r;

	if (!loop)
		return error_origin(-ENOMEM);
	loop->now_ns = clock_now_ns();
	loop->spin = spin_of(options->spin_max_us * NS_PER_US);
	list_init(&loop->lookers);
	list_init(&loop->hooks);
	loop->stop = LOOP_SOURCE(take_back_stop);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return error_origin(-errno);
	r = timers_reserve(&loop->timers);
	if (r)
		return error_trace(r);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return error_origin(-errno);
	r = loop_add(loop, &loop->stop, fd, EPOLLIN);
	if (r) {
		close(fd);
		return error_trace(r);
	}
	*ret_loop = take(&loop);
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	cleanup_close(&loop->stop.fd);
	cleanup_close(&loop->epoll_fd);
	timers_deinit(&loop->timers);
	free(loop);
	return NULL;
}

/* ------------------------------------------------------------------ descriptors */

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	must(!source->loop);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_origin(-errno);
	source->fd = fd;
	source->events = events;
	source->loop = loop;
	loop->n_triable += source->try != NULL;
	return 0;
}

int loop_change(struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (source->events == events)
		return 0;
	if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
		return error_origin(-errno);
	source->events = events;
	return 0;
}

void loop_remove(struct loop_source *source)
{
	struct loop *loop = source->loop;

	if (!loop)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	hot_drop(&loop->hot, source);
	for (int i = 0; i < loop->n_ready; i++)
		if (loop->ready[i].data.ptr == source)
			loop->ready[i].data.ptr = NULL;
	source->fd = -1;
	source->loop = NULL;
	loop->n_triable -= source->try != NULL;
}

static int poll_descriptors(struct loop *loop, int timeout_ms)
{
	int n = epoll_wait(loop->epoll_fd, loop->ready, BATCH, timeout_ms);

	loop->n_ready = n < 0 ? 0 : n;
	loop->polled_ns = loop->now_ns;
	return n < 0 && errno != EINTR ? error_origin(-errno) : 0;
}

static void call_ready(struct loop *loop)
{
	for (int i = 0; i < loop->n_ready; i++) {
		struct loop_source *source = loop->ready[i].data.ptr;

		if (!source)
			continue; /* removed in this round */
		loop->busy = true;
		hot_note(&loop->hot, source, (unsigned)loop->n_ready);
		source->ready(source, loop->ready[i].events);
	}
	loop->n_ready = 0;
}

/* ------------------------------------------------------------------ timers */

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	int r;

	if (loop->is_expiring && due_ns <= loop->now_ns)
		due_ns = loop->now_ns + 1; /* not in this round, or it might never end */
	if (due_ns == 0)
		due_ns = 1; /* long past; 0 is "not set" */
	if (timer->due_ns) {
		must(timer->loop == loop);
		timers_move(&loop->timers, timer, due_ns);
		return 0;
	}
	r = timers_reserve(&loop->timers);
	if (r)
		return error_trace(r);
	timer->loop = loop;
	timers_put(&loop->timers, timer, due_ns);
	return 0;
}

void loop_timer_clear(struct loop_timer *timer)
{
	if (timer->due_ns)
		timers_take_out(&timer->loop->timers, timer);
}

static void call_expired(struct loop *loop)
{
	struct loop_timer *timer;

	loop->is_expiring = true;
	while ((timer = timers_next(&loop->timers)) && timer->due_ns <= loop->now_ns) {
		timers_take_out(&loop->timers, timer);
		timer->expired(timer);
	}
	loop->is_expiring = false;
}

/* Rounded up, so that the last millisecond is not spent asking. */
static int time_to_wait_ms(const struct loop *loop, int limit_ms)
{
	const struct loop_timer *timer = timers_next(&loop->timers);
	uint64_t wait_ms;

	if (!timer)
		return limit_ms;
	if (timer->due_ns <= loop->now_ns)
		return 0;
	wait_ms = (timer->due_ns - loop->now_ns) / NS_PER_MS + 1;
	if (limit_ms >= 0 && wait_ms > (uint64_t)limit_ms)
		return limit_ms;
	return wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
}

/* ------------------------------------------------------------------ lookers, hooks */

/* Walks a list from which anything may be taken out meanwhile. */
#define walk(link, owner, head)                                                                    \
	for (struct list *link = (head)->next; (owner)->next = link->next, link != (head);         \
	     link = (owner)->next)

static void take_out(struct loop *loop, struct list *link)
{
	if (loop->next == link)
		loop->next = link->next;
	list_remove(link);
}

void loop_look(struct loop *loop, struct looker *looker)
{
	must(!looker->loop);
	looker->loop = loop;
	list_append(&loop->lookers, &looker->link);
}

void loop_look_away(struct looker *looker)
{
	if (!looker->loop)
		return;
	take_out(looker->loop, &looker->link);
	looker->loop = NULL;
}

void loop_hook_add(struct loop *loop, struct loop_hook *hook)
{
	must(!hook->loop);
	hook->loop = loop;
	list_append(&loop->hooks, &hook->link);
}

void loop_hook_remove(struct loop_hook *hook)
{
	if (!hook->loop)
		return;
	take_out(hook->loop, &hook->link);
	hook->loop = NULL;
}

static void call_lookers(struct loop *loop)
{
	walk(link, loop, &loop->lookers)
	{
		struct looker *looker = container_of(link, struct looker, link);

		if (looker->look(looker) > 0)
			loop->busy = true;
	}
}

static void call_hooks(struct loop *loop)
{
	walk(link, loop, &loop->hooks)
	{
		struct loop_hook *hook = container_of(link, struct loop_hook, link);

		hook->round_ends(hook);
	}
}

static bool lookers_sleep(struct loop *loop)
{
	list_for_each (link, &loop->lookers) {
		struct looker *looker = container_of(link, struct looker, link);

		if (!looker->sleep(looker))
			return false;
	}
	return true;
}

static void lookers_wake(struct loop *loop)
{
	list_for_each (link, &loop->lookers) {
		struct looker *looker = container_of(link, struct looker, link);

		looker->wake(looker);
	}
}

/* ------------------------------------------------------------------ waiting */

static bool has_work(const struct loop *loop)
{
	return loop->busy || loop->n_ready > 0;
}

/* Where nothing is hot, what comes by a socket is found in no other way. */
static bool must_poll(const struct loop *loop)
{
	uint64_t interval_ns = POLL_NS;

	if (loop->hot.n == 0 && list_is_empty(&loop->lookers))
		return true;
	if (loop->hot.n == 0 && loop->n_triable > 0)
		interval_ns = POLL_MANY_NS;
	return loop->now_ns >= loop->polled_ns + interval_ns;
}

static bool is_waited_for(const struct loop *loop)
{
	list_for_each (link, &loop->lookers)
		if (container_of(link, struct looker, link)->waits)
			return true;
	return list_is_empty(&loop->lookers);
}

static int look_around(struct loop *loop)
{
	call_lookers(loop);
	loop->has_looked = loop->busy;
	if (!loop->busy && hot_try(&loop->hot))
		loop->busy = true;
	return !loop->busy && must_poll(loop) ? poll_descriptors(loop, 0) : 0;
}

/* False: somebody else had the processor, for long. */
static bool yield(struct loop *loop)
{
	uint64_t since_ns = loop->now_ns;

	sched_yield();
	loop->now_ns = clock_now_ns();
	if (loop->now_ns < since_ns + SPIN_ROBBED_NS)
		return true;
	spin_robbed(&loop->spin, loop->now_ns);
	return false;
}

static int spin(struct loop *loop, uint64_t budget_ns)
{
	uint64_t start_ns = loop->now_ns;

	do {
		int r;

		/* who makes our work may need this core */
		if ((loop->now_ns - start_ns >= ALONE_NS || is_waited_for(loop)) && !yield(loop))
			return 0;
		r = look_around(loop);
		if (r)
			return error_trace(r);
		loop->now_ns = clock_now_ns();
		if (has_work(loop)) {
			spin_found(&loop->spin);
			return 0;
		}
	} while (loop->now_ns - start_ns < budget_ns);
	spin_found_nothing(&loop->spin);
	return 0;
}

static int sleep_until_work(struct loop *loop, int timeout_ms)
{
	uint64_t since_ns = clock_now_ns();
	int r = 0;

	hot_clear(&loop->hot);
	if (lookers_sleep(loop))
		r = poll_descriptors(loop, timeout_ms);
	lookers_wake(loop);
	loop->now_ns = clock_now_ns();
	if (loop->n_ready > 0)
		spin_slept(&loop->spin, loop->now_ns - since_ns);
	return r;
}

static int wait_for_work(struct loop *loop, int limit_ms)
{
	bool was_busy = loop->busy;
	uint64_t budget_ns;
	int timeout_ms;
	int r;

	loop->busy = false;
	loop->has_looked = false;
	loop->now_ns = clock_now_ns();
	timeout_ms = time_to_wait_ms(loop, limit_ms);
	if (loop->again) {
		loop->again = false;
		timeout_ms = 0;
		if (is_waited_for(loop))
			yield(loop);
	}
	if (timeout_ms == 0 || (was_busy && must_poll(loop))) {
		r = poll_descriptors(loop, 0);
		if (r || loop->n_ready > 0 || timeout_ms == 0)
			return r;
	}
	budget_ns = spin_budget_ns(&loop->spin, loop->now_ns);
	if (was_busy && budget_ns > 0) {
		r = spin(loop, budget_ns);
		if (r || has_work(loop))
			return r;
	}
	return sleep_until_work(loop, time_to_wait_ms(loop, limit_ms));
}

int loop_round(struct loop *loop, int timeout_ms)
{
	int r = wait_for_work(loop, timeout_ms);

	if (r)
		return error_trace(r);
	call_ready(loop);
	call_expired(loop);
	if (!loop->has_looked)
		call_lookers(loop);
	call_hooks(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	while (!r && !atomic_load(&loop->stopping))
		r = loop_round(loop, -1);
	atomic_store(&loop->stopping, false);
	return r;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	eventfd_write(loop->stop.fd, 1);
}

uint64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

void loop_again(struct loop *loop)
{
	loop->again = true;
}

void loop_busy(struct loop *loop)
{
	loop->busy = true;
}
