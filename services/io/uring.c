/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/uring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"

#define SUBMISSION_ENTRIES 256u
#define REAP_MAX           128u

/* The best that the kernel has: completions are run when we ask (6.1), or at our next system
 * call (5.19), or by interrupting us. */
static const unsigned flag_choices[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	0,
};

static int explain(int r)
{
	const char *advice = "see dmesg";

	if (r == -ENOSYS)
		advice = "the kernel is built without it, or a seccomp profile hides it: allow "
			 "io_uring_setup, io_uring_enter and io_uring_register";
	else if (r == -EPERM || r == -EACCES)
		advice = "it is forbidden here: set the sysctl kernel.io_uring_disabled to 0, or "
			 "allow io_uring_setup, io_uring_enter and io_uring_register in the "
			 "container's seccomp profile";
	else if (r == -ENOMEM)
		advice = "raise the limit of locked memory (LimitMEMLOCK=, ulimit -l)";
	log_err("io_uring: cannot be had: %s: %s", error_words(r), advice);
	return error_origin(r);
}

/* Waking by the ring's own descriptor would miss deferred work: before it is run there is no
 * completion to be seen. The bell rings for it as well. While we are awake nobody needs it; but
 * only deferred work can be asked for without a race (the kernel adds it by an atomic exchange,
 * and then looks whether the bell is silenced). */
static void set_bell(struct uring *uring, bool rings)
{
	if (uring->deferred)
		io_uring_cq_eventfd_toggle(&uring->ring, rings);
}

static void prepare_nothing(struct uring_job *job, struct io_uring_sqe *entry)
{
	(void)job;
	io_uring_prep_nop(entry);
}

static void canceller_done(struct uring_job *job, int result)
{
	(void)job;
	(void)result;
}

int uring_init(struct uring *uring)
{
	int r = -EINVAL;

	*uring = (struct uring){.bell = -1};
	list_init(&uring->waiting);
	uring->canceller = (struct uring_job){.prepare = prepare_nothing, .done = canceller_done};
	for (size_t i = 0; r == -EINVAL && i < sizeof(flag_choices) / sizeof(flag_choices[0]);
	     i++) {
		struct io_uring_params parameters = {
			.flags = flag_choices[i] | IORING_SETUP_CQSIZE,
			.cq_entries = URING_IN_FLIGHT,
		};

		r = io_uring_queue_init_params(SUBMISSION_ENTRIES, &uring->ring, &parameters);
		uring->deferred = (flag_choices[i] & IORING_SETUP_DEFER_TASKRUN) != 0;
	}
	if (r < 0)
		return explain(r);
	uring->open = true;
	uring->bell = doorbell_create();
	if (uring->bell < 0)
		return error_trace(uring->bell);
	r = io_uring_register_eventfd(&uring->ring, uring->bell);
	if (r < 0)
		return explain(r);
	set_bell(uring, false);
	uring->buffers = io_uring_register_buffers_sparse(&uring->ring, URING_BUFFERS) == 0;
	return 0;
}

void uring_deinit(struct uring *uring)
{
	if (!uring->open)
		return;
	io_uring_queue_exit(&uring->ring);
	cleanup_close(&uring->bell);
	uring->open = false;
}

/* ------------------------------------------------------------------ jobs */

/* False: no room. */
static bool enter(struct uring *uring, struct uring_job *job)
{
	struct io_uring_sqe *entry;

	if (uring->in_flight == URING_IN_FLIGHT)
		return false;
	entry = io_uring_get_sqe(&uring->ring);
	if (!entry) {
		uring_submit(uring);
		entry = io_uring_get_sqe(&uring->ring);
	}
	if (!entry)
		return false;
	job->prepare(job, entry);
	io_uring_sqe_set_data(entry, job);
	uring->in_flight++;
	uring->unsubmitted++;
	return true;
}

void uring_start(struct uring *uring, struct uring_job *job)
{
	if (!list_is_empty(&uring->waiting) || !enter(uring, job))
		list_append(&uring->waiting, &job->link);
}

void uring_cancel(struct uring *uring, struct uring_job *job)
{
	struct io_uring_sqe *entry;

	list_for_each (at, &uring->waiting) {
		if (at != &job->link)
			continue;
		list_remove(at);
		job->done(job, -ECANCELED);
		return;
	}
	if (uring->in_flight == URING_IN_FLIGHT)
		return;
	uring_submit(uring); /* it is with the kernel, before that is asked for it */
	entry = io_uring_get_sqe(&uring->ring);
	if (!entry)
		return;
	io_uring_prep_cancel(entry, job, 0);
	io_uring_sqe_set_data(entry, &uring->canceller);
	uring->in_flight++;
	uring->unsubmitted++;
}

static void let_waiting_enter(struct uring *uring)
{
	while (!list_is_empty(&uring->waiting)) {
		struct list *first = uring->waiting.next;

		if (!enter(uring, container_of(first, struct uring_job, link)))
			return;
		list_remove(first);
	}
}

void uring_submit(struct uring *uring)
{
	int r;

	if (uring->unsubmitted == 0)
		return;
	r = uring->deferred ? io_uring_submit_and_get_events(&uring->ring)
	                    : io_uring_submit(&uring->ring);
	if (r > 0)
		uring->unsubmitted -= (unsigned)r;
	/* else EAGAIN, EBUSY, EINTR: the entries stay, and the next round tries again */
}

static bool has_deferred_work(const struct uring *uring)
{
	unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);

	return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

unsigned uring_reap(struct uring *uring)
{
	struct io_uring_cqe *entries[REAP_MAX];
	struct uring_job *jobs[REAP_MAX];
	int results[REAP_MAX];
	unsigned n;

	if (has_deferred_work(uring))
		io_uring_get_events(&uring->ring);
	if (uring->in_flight == 0)
		return 0;
	n = io_uring_peek_batch_cqe(&uring->ring, entries, REAP_MAX);
	for (unsigned i = 0; i < n; i++) {
		jobs[i] = io_uring_cqe_get_data(entries[i]);
		results[i] = entries[i]->res;
	}
	io_uring_cq_advance(&uring->ring, n); /* room again, before done() starts more */
	uring->in_flight -= n;
	for (unsigned i = 0; i < n; i++)
		jobs[i]->done(jobs[i], results[i]);
	let_waiting_enter(uring);
	return n;
}

/* ------------------------------------------------------------------ sleeping */

static bool is_quiet(const struct uring *uring)
{
	return uring->unsubmitted == 0 && io_uring_cq_ready(&uring->ring) == 0 &&
	       !has_deferred_work(uring);
}

bool uring_sleep(struct uring *uring)
{
	set_bell(uring, true);
	atomic_thread_fence(memory_order_seq_cst);
	return is_quiet(uring);
}

void uring_wake(struct uring *uring)
{
	set_bell(uring, false);
}

/* ------------------------------------------------------------------ registered memory */

static int update_buffer(struct uring *uring, unsigned index, void *memory, size_t size)
{
	struct iovec piece = {.iov_base = memory, .iov_len = size};
	__u64 no_tag = 0;
	int r = io_uring_register_buffers_update_tag(&uring->ring, index, &piece, &no_tag, 1);

	return r < 0 ? r : 0;
}

int uring_add_buffer(struct uring *uring, void *memory, size_t size)
{
	if (!uring->buffers)
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < URING_BUFFERS; i++) {
		int r;

		if (uring->buffer_used[i])
			continue;
		r = update_buffer(uring, i, memory, size);
		if (r)
			return error_origin(r);
		uring->buffer_used[i] = true;
		return (int)i;
	}
	return -ENOBUFS;
}

void uring_remove_buffer(struct uring *uring, int index)
{
	if (index < 0)
		return;
	update_buffer(uring, (unsigned)index, NULL, 0);
	uring->buffer_used[index] = false;
}
