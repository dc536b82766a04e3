/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/ipc/client.h"
#include "common/nvme/store_path.h"
#include "common/proc/store.h"
#include "common/shm/memory.h"
#include "services/io/checkup.h"
#include "services/io/fault_control.h"
#include "services/io/io_thread.h"
#include "services/io/links.h"
#include "services/io/namespace.h"
#include "services/io/namespaces.h"
#include "services/io/report.h"

#define PATH_SIZE 108 /* of a sun_path */

struct worker {
	struct service *service;
	const struct worker_options *options;
	struct mailbox mailbox; /* letters of the I/O threads */
	struct io_thread **threads;
	unsigned n_threads;
	struct namespaces *namespaces;
	struct checkup *checkup;
	struct links *links;
	struct ipc_client *client;
	char state_path[PATH_SIZE];
	char data_path[PATH_SIZE];
};

/* ------------------------------------------------------------------ the state service */

static void send_report(struct worker *worker)
{
	if (namespaces_revision(worker->namespaces) > 0)
		report_send(worker->client, worker->namespaces, worker->checkup);
}

/* What is in memory is always well. */
static bool has_device(const char *path)
{
	return strncmp(path, "ram:", 4) != 0 && strncmp(path, "null:", 5) != 0;
}

/* Nothing depends on it: without memory it is as it was. */
static void watch_devices(struct worker *worker)
{
	_cleanup_(cleanup_free) const char **paths = calloc(
		namespaces_count(worker->namespaces) + 1u, sizeof(*paths));
	size_t n = 0;

	if (!paths)
		return;
	list_for_each (link, namespaces_list(worker->namespaces)) {
		const char *path = store_path(container_of(link, struct namespace, link)->path);

		if (has_device(path))
			paths[n++] = path;
	}
	checkup_watch(worker->checkup, paths, n);
}

static void apply_view(struct worker *worker, const Nvmetd__WorkerView *view)
{
	bool is_first = namespaces_revision(worker->namespaces) == 0;
	int r = namespaces_apply(worker->namespaces, view);

	if (r) {
		log_err("revision %llu: not taken over: %s",
		        (unsigned long long)view->revision,
		        error_words(r));
		ipc_client_start_over(worker->client, "there was no memory for what to serve");
	} else if (is_first) {
		store_drop_rest(); /* of what was removed while no worker was there */
	}
	links_check_grants(worker->links);
	watch_devices(worker);
}

static void received(void *context, const envelope *message)
{
	struct worker *worker = context;

	switch ((int)message->body_case) {
	case NVMETD__ENVELOPE__BODY_WORKER_VIEW:
		apply_view(worker, message->worker_view);
		return;
	case NVMETD__ENVELOPE__BODY_STATUS_REQUEST:
		report_send_status(worker->client,
		                   message->request_id,
		                   message->status_request->handle,
		                   worker->namespaces,
		                   worker->n_threads,
		                   links_count(worker->links));
		return;
	case NVMETD__ENVELOPE__BODY_LEAVE:
		service_leave(worker->service, "state service");
		return;
	case NVMETD__ENVELOPE__BODY_WORKER_FAULT:
		fault_control(worker->client,
		              message->request_id,
		              worker->namespaces,
		              message->worker_fault);
		return;
	default:
		log_warn("state service: %s is nothing for a worker",
		         envelope_body_name((int)message->body_case));
	}
}

static void introduce(void *context, Nvmetd__Hello *hello)
{
	struct worker *worker = context;

	hello->revision = namespaces_revision(worker->namespaces);
	hello->has_keeper = service_has_keeper(worker->service);
}

static void arrived(void *context, uint64_t state_instance)
{
	(void)state_instance;
	send_report(context); /* a successor knows nothing of what its predecessor was told */
}

static void namespaces_changed(void *context)
{
	send_report(context);
}

static void health_changed(void *context)
{
	send_report(context);
}

/* ------------------------------------------------------------------ life */

static int start_threads(struct worker *worker)
{
	worker->threads = calloc(worker->service->threads, sizeof(struct io_thread *));
	if (!worker->threads)
		return error_origin(-ENOMEM);
	while (worker->n_threads < worker->service->threads) {
		const struct io_thread_options options = {
			.index = worker->n_threads,
			.spin_us = worker->service->spin_us,
			.cpus = &worker->service->cpus,
			.control = &worker->mailbox,
			.lane_broken = links_lane_broken,
			.lane_gone = links_lane_gone,
			.lane_stuck = links_lane_stuck,
			.table_let_go = namespaces_table_let_go,
		};
		int r = io_thread_new(&worker->threads[worker->n_threads], &options);

		if (r)
			return error_trace(r);
		service_watch(worker->service, io_thread_pulse(worker->threads[worker->n_threads]));
		worker->n_threads++;
	}
	return 0;
}

static int make_namespaces(struct worker *worker)
{
	const struct namespaces_options options = {
		.loop = worker->service->loop,
		.threads = worker->threads,
		.n_threads = worker->n_threads,
		.patience_ns = worker->options->device_timeout_s * NS_PER_S,
		.changed = namespaces_changed,
		.context = worker,
	};

	return namespaces_new(&worker->namespaces, &options);
}

static int make_links(struct worker *worker)
{
	const struct links_options options = {
		.loop = worker->service->loop,
		.path = worker->data_path,
		.namespaces = worker->namespaces,
		.threads = worker->threads,
		.n_threads = worker->n_threads,
	};

	return links_new(&worker->links, &options);
}

static int make_client(struct worker *worker)
{
	const struct ipc_client_options options = {
		.path = worker->state_path,
		.name = worker->service->name,
		.instance = worker->service->instance,
		.threads = worker->n_threads,
		.received = received,
		.introduce = introduce,
		.arrived = arrived,
		.context = worker,
	};

	return ipc_client_new(&worker->client, worker->service->loop, &options);
}

static int find_paths(struct worker *worker)
{
	char name[56];
	int r;

	snprintf(name, sizeof(name), "io/%s.sock", worker->service->name);
	r = service_run_path(worker->service, worker->data_path, name);
	if (r)
		return error_trace(r);
	return service_run_path(worker->service, worker->state_path, "worker/worker.sock");
}

int worker_new(struct worker **ret_worker, struct service *service,
               const struct worker_options *options)
{
	_cleanup_(worker_freep) struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return error_origin(-ENOMEM);
	worker->service = service;
	worker->options = options;
	r = memory_guard();
	if (!r)
		r = find_paths(worker);
	if (!r)
		r = mailbox_init(&worker->mailbox, service->loop);
	if (!r)
		r = start_threads(worker);
	if (!r)
		r = make_namespaces(worker);
	if (!r)
		r = checkup_new(&worker->checkup, &worker->mailbox, "/sys", health_changed, worker);
	if (!r)
		r = make_links(worker);
	if (!r)
		r = make_client(worker);
	if (r)
		return error_trace(r);
	*ret_worker = take(&worker);
	return 0;
}

/* What is in flight is finished, and what is finished is said, before the transports see their
 * links end. A request that never ends must not keep us: its memory cannot be given back, so
 * the process ends at once, and the kernel clears up behind the request; the transports ask
 * the successor for it again. */
static void stop_threads(struct worker *worker)
{
	for (unsigned i = 0; i < worker->n_threads; i++) {
		int r = io_thread_free(worker->threads[i]);

		if (!r)
			continue;
		log_err("requests are still in flight: leaving them to the kernel: %s",
		        error_words(r));
		_exit(worker->service->is_leaving ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	worker->n_threads = 0;
	free(worker->threads);
}

struct worker *worker_free(struct worker *worker)
{
	if (!worker)
		return NULL;
	if (worker->links)
		links_stop(worker->links);
	stop_threads(worker);
	worker->checkup = checkup_free(worker->checkup);
	worker->links = links_free(worker->links);
	worker->namespaces = namespaces_free(worker->namespaces);
	worker->client = ipc_client_free(worker->client);
	if (worker->mailbox.source.loop)
		mailbox_deinit(&worker->mailbox);
	free(worker);
	return NULL;
}
