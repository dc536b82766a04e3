/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/chaos/attach.h"

#define CHORES_EVERY_NS (20 * NS_PER_MS)
#define AGAIN_AFTER_NS  (50 * NS_PER_MS)
#define ALIGNMENT       4096u
#define LOOK_EVERY_MS   5u

/* ------------------------------------------------------------------ the end of an I/O */

static void set_waiting(struct host *host, uint64_t since_ns)
{
	atomic_store(&host->waits_since_ns, host->n_out ? since_ns : 0);
}

static void job_ends(struct host_job *job, bool is_good)
{
	struct host *host = job->host;
	uint64_t now_ns = clock_now_ns();
	uint64_t since_ns = atomic_load(&host->waits_since_ns);

	job->is_busy = false;
	host->n_out--;
	if (job->opcode == NVME_IO_WRITE)
		space_write_ends(host->space, &job->extent, is_good);
	else if (job->opcode == NVME_IO_READ)
		space_read_ends(host->space, &job->extent, is_good ? job->data : NULL, host->name);
	if (since_ns)
		journal_pause(host->journal, host->name, since_ns, now_ns);
	journal_io(host->journal, host->name, job->born_ns, now_ns);
	set_waiting(host, now_ns);
	atomic_fetch_add(&host->ios, 1);
}

static bool is_of_the_path(uint16_t code)
{
	return code >> 8 == 3 || code == NVME_SC_COMMAND_INTERRUPTED ||
	       code == NVME_SC_TRANSIENT_TRANSPORT || code == NVME_SC_NAMESPACE_NOT_READY ||
	       code == NVME_SC_ABORT_SQ_DELETION;
}

static bool is_of_the_medium(uint16_t code)
{
	return code >> 8 == 2 || code == NVME_SC_INTERNAL;
}

static void complain(struct host_job *job, uint64_t now_ns)
{
	char on[200];

	journal_describe(job->host->journal, job->submitted_ns, now_ns, on, sizeof(on));
	findings_add(job->host->findings,
	             "errors",
	             "%s: opcode %02xh, block %llu of %s: %s%s (%04xh), which is not allowed (%s)",
	             job->host->name,
	             job->opcode,
	             (unsigned long long)job->extent.first,
	             job->host->space->name,
	             status_words(job->request.status),
	             job->request.status.value & NVME_STATUS_DNR ? ", do not retry" : "",
	             job->request.status.value,
	             on);
}

static void job_done(struct host_request *request)
{
	struct host_job *job = request->context;
	struct host *host = job->host;
	uint64_t now_ns = clock_now_ns();
	uint16_t code = request->status.value & 0x7ff;
	bool is_final = request->status.value & NVME_STATUS_DNR;

	if (status_is_ok(request->status)) {
		job_ends(job, true);
		return;
	}
	if (!is_final && is_of_the_path(code) &&
	    journal_allows(host->journal, FAULT_MAY_REFUSE, job->submitted_ns, now_ns)) {
		atomic_fetch_add(&host->retries, 1);
		job->again_ns = now_ns + AGAIN_AFTER_NS;
		return;
	}
	if (is_of_the_medium(code) &&
	    journal_allows(host->journal, FAULT_MAY_FAIL, job->submitted_ns, now_ns))
		atomic_fetch_add(&host->errors, 1);
	else
		complain(job, now_ns);
	job_ends(job, false);
}

/* ------------------------------------------------------------------ the beginning of one */

static bool choose(struct host_job *job)
{
	struct host *host = job->host;
	unsigned percent = (unsigned)dice_below(&host->dice, 100);
	uint32_t most = 1 + (uint32_t)dice_below(&host->dice, host->kind->blocks);

	if (atomic_load(&host->task) == HOST_FILL) {
		job->opcode = NVME_IO_WRITE;
		return space_claim_next(host->space, host->kind->blocks, &job->extent);
	}
	if (atomic_load(&host->task) == HOST_READ) {
		job->opcode = NVME_IO_READ;
		return space_read_next_begins(host->space, host->kind->blocks, &job->extent);
	}
	if (percent < host->kind->flushes) {
		job->opcode = NVME_IO_FLUSH;
		job->extent = (struct space_extent){0};
	} else if (percent < host->kind->flushes + host->kind->reads) {
		job->opcode = NVME_IO_READ;
		space_read_begins(host->space, &host->dice, most, &job->extent);
	} else {
		job->opcode = NVME_IO_WRITE;
		return space_claim_any(host->space, &host->dice, most, &job->extent);
	}
	return true;
}

void host_job_submit(struct host_job *job, uint64_t now_ns)
{
	struct host *host = job->host;

	job->request = host_io(&host->ns,
	                       job->opcode,
	                       host->space->first_lba + job->extent.first,
	                       job->extent.blocks,
	                       job->opcode == NVME_IO_FLUSH ? NULL : job->data);
	job->request.transfer = host->kind->is_transferred;
	job->request.done = job_done;
	job->request.context = job;
	job->submitted_ns = now_ns;
	job->again_ns = 0;
	job->tries++;
	/* there is room: a queue has as many places as there are jobs for it */
	(void)host_queue_submit(job->queue, &job->request);
}

static bool job_begins(struct host_job *job, uint64_t now_ns)
{
	struct host *host = job->host;

	if (!choose(job))
		return false;
	if (job->opcode == NVME_IO_WRITE)
		space_write_begins(host->space, &job->extent, host->number, job->data);
	job->born_ns = now_ns;
	job->tries = 0;
	job->is_busy = true;
	if (host->n_out++ == 0)
		set_waiting(host, now_ns);
	host_job_submit(job, now_ns);
	return true;
}

/* What may be begun now, and what is to be sent again. */
static void begin_jobs(struct host *host, uint64_t now_ns)
{
	enum host_task task = atomic_load(&host->task);
	bool may_begin = task == HOST_FILL || task == HOST_WORK || task == HOST_READ;

	for (unsigned i = 0; i < host->n_jobs; i++) {
		struct host_job *job = &host->jobs[i];

		if (job->is_busy && job->again_ns && now_ns >= job->again_ns)
			host_job_submit(job, now_ns);
		if (job->is_busy || !may_begin || (task == HOST_WORK && now_ns < host->next_ns))
			continue;
		if (!job_begins(job, now_ns)) {
			may_begin = task == HOST_WORK;
			continue;
		}
		if (host->next_ns + NS_PER_S / 10 < now_ns) /* what was missed is not made up for */
			host->next_ns = now_ns;
		host->next_ns += dice_below(&host->dice, 2 * NS_PER_S / host->rate);
	}
	/* a phase that has an end has none to begin then */
	atomic_store(&host->is_resting, host->n_out == 0 && task != HOST_WORK && !may_begin);
}

/* ------------------------------------------------------------------ the thread */

static int find_overdue(struct host *host, uint64_t now_ns)
{
	for (unsigned i = 0; i < host->n_jobs; i++)
		if (host->jobs[i].is_busy && !host->jobs[i].again_ns &&
		    now_ns > host->jobs[i].submitted_ns + host->io_timeout_ms * NS_PER_MS)
			return host_connection_says(&host->controller.admin.connection,
			                            HOST_E_DEADLINE,
			                            "no answer to an I/O in %u ms",
			                            host->io_timeout_ms);
	return 0;
}

/* Keep-alive, the admin queue, deadlines. */
static int do_chores(struct host *host, uint64_t now_ns)
{
	int r;

	if (now_ns < host->chores_ns)
		return 0;
	host->chores_ns = now_ns + CHORES_EVERY_NS;
	r = host_controller_keep_alive_if_due(&host->controller, now_ns);
	if (!r)
		r = host_queue_poll(&host->controller.admin);
	if (!r)
		r = find_overdue(host, now_ns);
	return r;
}

static int look(struct host *host)
{
	const char *error = host_controller_error(&host->controller);
	uint64_t now_ns = clock_now_ns();
	int r;

	begin_jobs(host, now_ns);
	r = do_chores(host, now_ns);
	for (unsigned i = 0; !r && i < host->kind->queues; i++) {
		r = host_queue_poll(&host->queues[i]);
		if (r)
			error = host->queues[i].connection.error;
	}
	return r ? attach_again(host, error) : 0;
}

static void *run(void *context)
{
	struct host *host = context;
	uint64_t end_ns = 0;
	int r = 0;

	while (!r) {
		r = look(host);
		if (atomic_load(&host->task) == HOST_END) {
			if (!host->n_out)
				break;
			if (!end_ns)
				end_ns = clock_now_ns() + HOST_END_MS * NS_PER_MS;
			if (clock_now_ns() > end_ns)
				break;
		}
		if (!r)
			attach_wait(host, LOOK_EVERY_MS);
	}
	atomic_store(&host->is_lost, r != 0 || host->n_out != 0);
	if (host->n_out)
		findings_add(host->findings,
		             "progress",
		             "%s: %u I/Os have no answer at the end",
		             host->name,
		             host->n_out);
	attach_end(host, r == 0);
	return NULL;
}

/* ------------------------------------------------------------------ life */

int host_init(struct host *host, uint64_t seed)
{
	size_t stride = ((size_t)host->kind->blocks * host->space->block_bytes + ALIGNMENT - 1) /
	                ALIGNMENT * ALIGNMENT;

	host->dice.state = seed;
	host->controller = HOST_CONTROLLER_NULL;
	for (unsigned i = 0; i < HOST_QUEUES; i++)
		host->queues[i] = HOST_QUEUE_NULL;
	host->n_jobs = host->kind->queues * host->kind->depth;
	host->jobs = calloc(host->n_jobs, sizeof(*host->jobs));
	host->buffers = aligned_alloc(ALIGNMENT, stride * host->n_jobs);
	if (!host->jobs || !host->buffers)
		return -ENOMEM;
	memset(host->buffers, 0, stride * host->n_jobs);
	for (unsigned i = 0; i < host->n_jobs; i++) {
		host->jobs[i].host = host;
		host->jobs[i].queue = &host->queues[i % host->kind->queues];
		host->jobs[i].data = host->buffers + stride * i;
	}
	return 0;
}

void host_deinit(struct host *host)
{
	attach_end(host, false);
	free(host->jobs);
	free(host->buffers);
	host->jobs = NULL;
	host->buffers = NULL;
}

int host_start(struct host *host)
{
	int r = pthread_create(&host->thread, NULL, run, host);

	host->is_started = r == 0;
	return -r;
}

void host_join(struct host *host)
{
	if (host->is_started)
		pthread_join(host->thread, NULL);
	host->is_started = false;
}
