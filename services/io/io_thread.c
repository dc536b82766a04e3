/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/io_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "common/base/cache_line.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"

/* At the end of the process, what is in flight gets this long. */
#define END_S 3

struct io_thread {
	struct io_thread_options options;
	pthread_t thread;
	sem_t started;
	sem_t ended;
	int start_result;

	struct loop *loop;
	struct uring uring;
	struct loop_source uring_source;
	struct looker looker;
	struct mailbox mailbox;
	struct pulse pulse;
	struct letter stop;
	struct sweep sweep;
	struct letter sweep_letter; /* there and back */
	bool stopping;
	struct list lanes;
	struct hold *hold; /* of the table of now; NULL: none yet */
	struct lane inner; /* of no link */
};

/* ------------------------------------------------------------------ tables */

static void deliver_let_go(struct letter *letter)
{
	struct hold *hold = container_of(letter, struct hold, let_go);

	hold->thread->options.table_let_go(hold->table);
}

static void let_go_if_over(struct io_thread *thread, struct hold *hold)
{
	if (hold != thread->hold && hold->in_flight == 0)
		mailbox_post(thread->options.control, &hold->let_go, deliver_let_go);
}

struct hold *io_thread_hold(struct io_thread *thread)
{
	thread->hold->in_flight++;
	return thread->hold;
}

void io_thread_release(struct io_thread *thread, struct hold *hold)
{
	hold->in_flight--;
	let_go_if_over(thread, hold);
}

static void look_up_grant(struct io_thread *thread, struct lane *lane)
{
	lane->grant = thread->hold ? table_find_grant(thread->hold->table, lane->transport) : NULL;
}

static void deliver_table(struct letter *letter)
{
	struct hold *hold = container_of(letter, struct hold, adopt);
	struct io_thread *thread = hold->thread;
	struct hold *old = thread->hold;

	thread->hold = hold;
	list_for_each (link, &thread->lanes)
		look_up_grant(thread, container_of(link, struct lane, link_in_thread));
	if (old)
		let_go_if_over(thread, old);
}

void io_thread_give_table(struct io_thread *thread, struct table *table)
{
	struct hold *hold = &table->holds[thread->options.index];

	hold->thread = thread;
	mailbox_post(&thread->mailbox, &hold->adopt, deliver_table);
}

/* ------------------------------------------------------------------ lanes */

static void deliver_broken(struct letter *letter)
{
	struct lane *lane = container_of(letter, struct lane, broken);

	lane->thread->options.lane_broken(lane);
}

void io_thread_tell_broken(struct io_thread *thread, struct lane *lane)
{
	mailbox_post(thread->options.control, &lane->broken, deliver_broken);
}

static void deliver_stuck(struct letter *letter)
{
	struct lane *lane = container_of(letter, struct lane, stuck);

	lane->thread->options.lane_stuck(lane);
}

void io_thread_tell_stuck(struct io_thread *thread, struct lane *lane)
{
	mailbox_post(thread->options.control, &lane->stuck, deliver_stuck);
}

static void deliver_lane(struct letter *letter)
{
	struct lane *lane = container_of(letter, struct lane, attach);
	struct io_thread *thread = lane->thread;

	list_append(&thread->lanes, &lane->link_in_thread);
	look_up_grant(thread, lane);
	lane_attach(lane, thread);
}

void io_thread_give_lane(struct io_thread *thread, struct lane *lane)
{
	lane->thread = thread;
	mailbox_post(&thread->mailbox, &lane->attach, deliver_lane);
}

static void deliver_close(struct letter *letter)
{
	container_of(letter, struct lane, close)->state = LANE_CLOSING;
}

void io_thread_close_lane(struct io_thread *thread, struct lane *lane)
{
	mailbox_post(&thread->mailbox, &lane->close, deliver_close);
}

static void deliver_gone(struct letter *letter)
{
	struct lane *lane = container_of(letter, struct lane, gone);

	lane->thread->options.lane_gone(lane);
}

void io_thread_doubt(struct io_thread *thread, const struct lane *lane)
{
	const struct table *table = thread->hold ? thread->hold->table : NULL;

	for (uint32_t i = 0; table && i < table->n_targets; i++) {
		struct backing *backing = table->targets[i].backing;

		if (backing && backing->kind->lane_gone)
			backing->kind->lane_gone(backing, lane);
	}
}

static void let_lane_go(struct io_thread *thread, struct lane *lane)
{
	lane_detach(lane);
	list_remove(&lane->link_in_thread);
	io_thread_doubt(thread, lane); /* its transport may put again what was not answered */
	mailbox_post(thread->options.control, &lane->gone, deliver_gone);
}

/* ------------------------------------------------------------------ what is old */

static void deliver_swept(struct letter *letter)
{
	struct io_thread *thread = container_of(letter, struct io_thread, sweep_letter);

	thread->sweep.answer(thread->sweep.context);
}

static void forget_old(struct io_thread *thread)
{
	const struct table *table = thread->hold ? thread->hold->table : NULL;

	for (uint32_t i = 0; table && i < table->n_targets; i++)
		counters_set(&table->targets[i].counters[thread->options.index], COUNT_OLD, 0);
}

static void deliver_sweep(struct letter *letter)
{
	struct io_thread *thread = container_of(letter, struct io_thread, sweep_letter);

	forget_old(thread);
	list_for_each (link, &thread->lanes)
		lane_sweep(container_of(link, struct lane, link_in_thread),
		           loop_now_ns(thread->loop),
		           thread->sweep.limit_ns);
	mailbox_post(thread->options.control, &thread->sweep_letter, deliver_swept);
}

void io_thread_sweep(struct io_thread *thread, const struct sweep *sweep)
{
	thread->sweep = *sweep;
	mailbox_post(&thread->mailbox, &thread->sweep_letter, deliver_sweep);
}

/* ------------------------------------------------------------------ a round */

static struct io_thread *thread_of(struct looker *looker)
{
	return container_of(looker, struct io_thread, looker);
}

static void end_if_over(struct io_thread *thread)
{
	if (thread->stopping && list_is_empty(&thread->lanes))
		loop_stop(thread->loop);
}

static unsigned look(struct looker *looker)
{
	struct io_thread *thread = thread_of(looker);
	unsigned n = 0;

	list_for_each (link, &thread->lanes)
		n += lane_take(container_of(link, struct lane, link_in_thread));
	uring_submit(&thread->uring);
	n += uring_reap(&thread->uring);
	uring_submit(&thread->uring); /* what the finished ones have started */
	list_for_each_safe (link, &thread->lanes) {
		struct lane *lane = container_of(link, struct lane, link_in_thread);

		lane_publish(lane);
		if (lane->state == LANE_CLOSING && lane->in_flight == 0)
			let_lane_go(thread, lane);
	}
	end_if_over(thread);
	return n;
}

static void wake(struct looker *looker)
{
	struct io_thread *thread = thread_of(looker);

	list_for_each (link, &thread->lanes)
		lane_wake(container_of(link, struct lane, link_in_thread));
	uring_wake(&thread->uring);
}

static bool fall_asleep(struct looker *looker)
{
	struct io_thread *thread = thread_of(looker);

	list_for_each (link, &thread->lanes)
		if (!lane_sleep(container_of(link, struct lane, link_in_thread)))
			return false;
	return uring_sleep(&thread->uring);
}

/* The look at the end of this round reaps. */
static void uring_has_results(struct loop_source *source, uint32_t events)
{
	(void)events;
	doorbell_clear(source->fd);
}

/* ------------------------------------------------------------------ the thread */

static int set_up(struct io_thread *thread)
{
	const struct loop_options options = {.spin_max_us = thread->options.spin_us};
	int r;

	r = loop_new(&thread->loop, &options);
	if (r)
		return error_trace(r);
	r = uring_init(&thread->uring);
	if (r)
		return error_trace(r);
	r = mailbox_init(&thread->mailbox, thread->loop);
	if (r)
		return error_trace(r);
	r = pulse_beat(&thread->pulse, thread->loop);
	if (r)
		return error_trace(r);
	thread->uring_source = LOOP_SOURCE(uring_has_results);
	r = loop_add(thread->loop, &thread->uring_source, thread->uring.bell, EPOLLIN);
	if (r)
		return error_trace(r);
	thread->looker = (struct looker){
		.look = look, .sleep = fall_asleep, .wake = wake, .waits = true};
	loop_look(thread->loop, &thread->looker);
	return 0;
}

static void take_down(struct io_thread *thread)
{
	loop_look_away(&thread->looker);
	loop_remove(&thread->uring_source);
	pulse_rest(&thread->pulse);
	if (thread->mailbox.source.loop)
		mailbox_deinit(&thread->mailbox);
	uring_deinit(&thread->uring);
	thread->loop = loop_free(thread->loop);
}

static void *run_thread(void *context)
{
	struct io_thread *thread = context;
	int r = cpus_pin(thread->options.cpus, thread->options.index);

	if (r) /* it runs on any of them then */
		log_warn("I/O thread %u: not bound to its processor: %s",
		         thread->options.index,
		         error_words(r));
	r = set_up(thread);
	thread->start_result = r;
	sem_post(&thread->started);
	if (!r) {
		r = loop_run(thread->loop);
		if (r)
			log_err("I/O thread %u: ended: %s", thread->options.index, error_words(r));
	}
	take_down(thread);
	sem_post(&thread->ended);
	return NULL;
}

/* With all signals blocked: they are the main thread's. */
static int start(struct io_thread *thread)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread->thread, NULL, run_thread, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return error_origin(-r);
	pthread_setname_np(thread->thread, thread->pulse.name);
	while (sem_wait(&thread->started) < 0 && errno == EINTR)
		;
	if (thread->start_result)
		pthread_join(thread->thread, NULL);
	return thread->start_result;
}

static void free_thread(struct io_thread *thread)
{
	sem_destroy(&thread->started);
	sem_destroy(&thread->ended);
	pulse_deinit(&thread->pulse);
	free(thread);
}

int io_thread_new(struct io_thread **ret_thread, const struct io_thread_options *options)
{
	struct io_thread *thread = line_alloc(sizeof(*thread));
	char name[16];
	int r;

	if (!thread)
		return error_origin(-ENOMEM);
	thread->options = *options;
	list_init(&thread->lanes);
	thread->inner = (struct lane){.thread = thread, .buffer_tried = true, .buffer = -1};
	sem_init(&thread->started, 0, 0);
	sem_init(&thread->ended, 0, 0);
	snprintf(name, sizeof(name), "io %u", options->index % 1000);
	r = pulse_init(&thread->pulse, name);
	if (!r)
		r = start(thread);
	if (r) {
		free_thread(thread);
		return error_trace(r);
	}
	*ret_thread = thread;
	return 0;
}

static void deliver_stop(struct letter *letter)
{
	struct io_thread *thread = container_of(letter, struct io_thread, stop);

	thread->stopping = true;
	list_for_each (link, &thread->lanes)
		container_of(link, struct lane, link_in_thread)->state = LANE_CLOSING;
}

static int wait_for_end(struct io_thread *thread)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += END_S;
	while (sem_clockwait(&thread->ended, CLOCK_MONOTONIC, &deadline) < 0)
		if (errno != EINTR)
			return error_origin(-errno);
	return 0;
}

int io_thread_free(struct io_thread *thread)
{
	int r;

	if (!thread)
		return 0;
	mailbox_post(&thread->mailbox, &thread->stop, deliver_stop);
	r = wait_for_end(thread);
	if (r)
		return error_trace(r);
	pthread_join(thread->thread, NULL);
	free_thread(thread);
	return 0;
}

struct pulse *io_thread_pulse(struct io_thread *thread)
{
	return &thread->pulse;
}

struct loop *io_thread_loop(struct io_thread *thread)
{
	return thread->loop;
}

struct uring *io_thread_uring(struct io_thread *thread)
{
	return &thread->uring;
}

struct lane *io_thread_inner_lane(struct io_thread *thread)
{
	return &thread->inner;
}

void io_thread_post(struct io_thread *thread, struct letter *letter,
                    void (*deliver)(struct letter *letter))
{
	mailbox_post(&thread->mailbox, letter, deliver);
}

unsigned io_thread_index(const struct io_thread *thread)
{
	return thread->options.index;
}
