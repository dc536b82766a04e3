/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/load.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#define CHORES_EVERY_NS (10 * NS_PER_MS)
#define DATA_ALIGNMENT  4096u
#define SAY_AT_MOST     10

/* ------------------------------------------------------------------ what comes next */

/* splitmix64 */
static uint64_t random_next(struct load *load)
{
	uint64_t x = load->random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t random_below(struct load *load, uint64_t limit)
{
	return (uint64_t)(((unsigned __int128)random_next(load) * limit) >> 64);
}

/* The place and direction of the next I/O. False: the phase has seen all, or there were --ios. */
static bool choose(struct load *load, uint64_t *ret_place, bool *ret_is_write)
{
	const struct options *options = load->options;

	if (load->phase != LOAD_RUN) {
		if (load->next_place >= load->places)
			return false;
		*ret_place = load->next_place++;
		*ret_is_write = load->phase == LOAD_FILL;
		return true;
	}
	if (!load->ios_left)
		return false;
	load->ios_left--;
	*ret_place = options->pattern->is_sequential ? load->next_place++ % load->places
	                                             : random_below(load, load->places);
	*ret_is_write = options->read_percent < 100 &&
	                random_below(load, 100) >= options->read_percent;
	return true;
}

/* ------------------------------------------------------------------ jobs */

static uint64_t now_ns(struct load *load)
{
	if (!load->batch_ns)
		load->batch_ns = clock_now_ns();
	return load->batch_ns;
}

int load_submit(struct load_job *job, uint64_t at_ns)
{
	job->submitted_ns = at_ns;
	return host_queue_submit(job->queue, &job->request);
}

static void job_done(struct host_request *request);

static void job_start(struct load_job *job)
{
	struct load *load = job->load;
	bool is_write;

	if (load->is_stopping || !choose(load, &job->place, &is_write))
		return;
	if (load->options->verify)
		job->place = verify_take_place(&load->verify, job->place);
	job->number = load->options->verify && is_write
	                      ? verify_stamp(&load->verify, job->place, job->data)
	                      : 0;
	job->request = host_io(&load->space,
	                       is_write ? NVME_IO_WRITE : NVME_IO_READ,
	                       job->place * load->blocks,
	                       load->blocks,
	                       is_write || load->options->verify ? job->data : NULL);
	job->request.transfer = load->options->transfer;
	job->request.done = job_done;
	job->request.context = job;
	job->born_ns = now_ns(load);
	job->is_out = true;
	load->n_out++;
	/* it finds room: the queue has as many places as there are jobs for it */
	(void)load_submit(job, job->born_ns);
}

static void complain(struct load *load, const struct load_job *job)
{
	const struct host_request *request = &job->request;

	if (load->totals.errors++ >= SAY_AT_MOST)
		return;
	fprintf(stderr,
	        "nvmetd-bench: %s of %u blocks from LBA %llu failed: %s%s (%04xh)\n",
	        request->command.opcode == NVME_IO_WRITE ? "write" : "read",
	        load->blocks,
	        (unsigned long long)(job->place * load->blocks),
	        status_words(request->status),
	        request->status.value & NVME_STATUS_DNR ? ", do not retry" : "",
	        request->status.value);
}

static void look_at(struct load *load, struct load_job *job)
{
	bool is_write = job->request.command.opcode == NVME_IO_WRITE;
	bool is_good = status_is_ok(job->request.status);

	if (!is_good)
		complain(load, job);
	if (load->options->verify && is_write)
		verify_written(&load->verify, job->place, job->number, is_good);
	else if (load->options->verify && is_good)
		verify_check(&load->verify, job->place, job->data, 0);
	if (load->options->verify)
		verify_give_place(&load->verify, job->place);
}

static void job_done(struct host_request *request)
{
	struct load_job *job = request->context;
	struct load *load = job->load;
	uint64_t now = now_ns(load);

	job->is_out = false;
	load->n_out--;
	if (now - load->answer_ns > load->totals.longest_gap_ns)
		load->totals.longest_gap_ns = now - load->answer_ns;
	load->answer_ns = now;
	if (load->is_measuring && status_is_ok(request->status)) {
		histogram_add(&load->totals.latency, now - job->born_ns);
		if (request->command.opcode == NVME_IO_WRITE)
			load->totals.writes++;
		else
			load->totals.reads++;
	}
	if (load->options->verify || !status_is_ok(request->status))
		look_at(load, job);
	if (!load->options->lockstep)
		job_start(job);
}

/* ------------------------------------------------------------------ the loop */

static int find_overdue(struct load *load, uint64_t now)
{
	uint64_t limit_ns = load->options->io_timeout_seconds * NS_PER_S;

	for (unsigned i = 0; i < load->n_jobs; i++)
		if (load->jobs[i].is_out && now > load->jobs[i].submitted_ns + limit_ns)
			return host_connection_says(&load->controller.admin.connection,
			                            HOST_E_DEADLINE,
			                            "no answer to an I/O in %u s",
			                            load->options->io_timeout_seconds);
	return 0;
}

/* What is not to be done at each look: the admin queue, keep-alive, deadlines. */
static int chores(struct load *load, uint64_t now)
{
	int r;

	load->chores_ns = now + CHORES_EVERY_NS;
	r = host_controller_keep_alive_if_due(&load->controller, now);
	if (!r)
		r = host_queue_poll(&load->controller.admin);
	if (!r)
		r = find_overdue(load, now);
	return r ? load_reattach(load, host_controller_error(&load->controller)) : 0;
}

void load_looked(bool found, bool does_yield, unsigned *empty_looks)
{
	*empty_looks = found ? 0 : *empty_looks + 1;
	if (!found && (does_yield || *empty_looks >= LOOKS_BEFORE_YIELD))
		sched_yield();
}

static void start_jobs_of(struct load *load, unsigned which)
{
	for (unsigned i = which; i < load->n_jobs; i += load->options->connections)
		job_start(&load->jobs[i]);
}

static int look_at_queue(struct load *load, unsigned which)
{
	struct host_queue *queue = &load->queues[which];
	int r = host_queue_poll(queue);

	if (!r && load->options->lockstep && !queue->in_flight) {
		start_jobs_of(load, which);
		r = host_queue_flush(queue);
	}
	return r ? load_reattach(load, queue->connection.error) : 0;
}

static int look(struct load *load, uint64_t *ret_now)
{
	bool found = false;
	uint64_t now;
	int r = 0;

	for (unsigned i = 0; !r && i < load->options->connections; i++) {
		load->batch_ns = 0;
		r = look_at_queue(load, i);
		found |= load->batch_ns != 0;
	}
	load_looked(found, load->does_yield, &load->empty_looks);
	now = now_ns(load);
	if (!r && now >= load->chores_ns)
		r = chores(load, now);
	*ret_now = now;
	return r;
}

static int start_all(struct load *load)
{
	int r = 0;

	load->batch_ns = 0;
	for (unsigned i = 0; i < load->options->connections; i++)
		start_jobs_of(load, i);
	for (unsigned i = 0; !r && i < load->options->connections; i++)
		r = host_queue_flush(&load->queues[i]);
	return r ? load_reattach(load, "while sending") : 0;
}

int load_run(struct load *load, enum load_phase phase, uint64_t duration_ns, bool is_measured)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t now = start_ns;
	int r;

	load->phase = phase;
	load->is_stopping = false;
	load->is_measuring = is_measured;
	load->answer_ns = start_ns;
	load->ios_left = is_measured && load->options->ios ? load->options->ios : UINT64_MAX;
	if (phase != LOAD_RUN)
		load->next_place = 0;
	if (phase != LOAD_RUN || load->ios_left != UINT64_MAX)
		duration_ns = UINT64_MAX;
	r = start_all(load);
	while (!r && load->n_out && now - start_ns < duration_ns)
		r = look(load, &now);
	load->is_measuring = false;
	load->is_stopping = true;
	if (is_measured)
		load->totals.measured_ns += now - start_ns;
	while (!r && load->n_out)
		r = look(load, &now);
	return r;
}

/* ------------------------------------------------------------------ life */

/* One buffer for each job, and a spare one in front. */
static int make_jobs(struct load *load)
{
	const struct options *options = load->options;
	size_t stride = (options->block_bytes + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT *
	                DATA_ALIGNMENT;

	load->n_jobs = options->connections * options->depth;
	load->jobs = calloc(load->n_jobs, sizeof(*load->jobs));
	load->buffers = aligned_alloc(DATA_ALIGNMENT, stride * (load->n_jobs + 1));
	if (!load->jobs || !load->buffers)
		return -ENOMEM;
	for (size_t i = 0; i < stride * (load->n_jobs + 1); i++)
		load->buffers[i] = (uint8_t)(i * 2654435761u >> 13);
	for (unsigned i = 0; i < load->n_jobs; i++) {
		load->jobs[i].load = load;
		load->jobs[i].queue = &load->queues[i % options->connections];
		load->jobs[i].data = load->buffers + stride * (i + 1);
	}
	return 0;
}

static int misfit(const char *what)
{
	fprintf(stderr, "nvmetd-bench: %s\n", what);
	return LOAD_E_UNREACHABLE;
}

static int measure_out(struct load *load)
{
	const struct options *options = load->options;
	uint64_t bytes = load->space.blocks * load->space.block_bytes;

	if (options->region_bytes && options->region_bytes < bytes)
		bytes = options->region_bytes;
	load->blocks = options->block_bytes / load->space.block_bytes;
	load->places = bytes / options->block_bytes;
	if (options->block_bytes % load->space.block_bytes)
		return misfit("--bs is no multiple of the namespace's block size");
	if (options->block_bytes > load->controller.identity.transfer_max || load->blocks > 65536)
		return misfit("--bs is more than the target takes in one command (MDTS)");
	if (!load->places)
		return misfit("--bs is more than the namespace or region has");
	if (options->verify && load->places <= options->connections * options->depth)
		return misfit("--verify needs more room than --connections x --qd x --bs");
	if (!options->verify)
		return 0;
	return verify_init(&load->verify, &load->space, load->blocks, load->places, options->seed);
}

int load_init(struct load *load, const struct options *options)
{
	cpu_set_t set;
	int r;

	*load = LOAD_NULL;
	load->options = options;
	load->random = options->seed;
	load->does_yield = options->cpu >= 0 && options->cpu == options->target_cpu;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && options->cpu < 0 && CPU_COUNT(&set) < 2)
		load->does_yield = true;
	load->queues = calloc(options->connections, sizeof(*load->queues));
	if (!load->queues)
		return -ENOMEM;
	for (unsigned i = 0; i < options->connections; i++)
		load->queues[i] = HOST_QUEUE_NULL;
	r = make_jobs(load);
	if (!r)
		r = load_attach(load, true);
	if (!r)
		r = measure_out(load);
	return r;
}

void load_deinit(struct load *load)
{
	if (load->queues)
		load_detach(load);
	verify_deinit(&load->verify);
	free(load->queues);
	free(load->jobs);
	free(load->buffers);
	*load = LOAD_NULL;
}
