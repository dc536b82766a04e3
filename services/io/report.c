/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/report.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/nvme/store_path.h"
#include "services/io/fault_control.h"
#include "services/io/namespace.h"
#include "services/io/zone.h"

/* ------------------------------------------------------------------ WorkerReport */

struct report_of_one {
	Nvmetd__BackingReport report;
	Nvmetd__BackingZones zones;
	Nvmetd__BackingHealth health;
};

/* What is known of the device, whether it answers now or not. */
static void put_health(struct report_of_one *one, const struct namespace *namespace,
                       struct checkup *checkup)
{
	struct health health;

	if (!checkup_find(checkup, store_path(namespace->path), &health))
		return;
	nvmetd__backing_health__init(&one->health);
	one->health.device = health.device;
	one->health.critical_warning = health.said.critical_warning;
	one->health.temperature = health.said.temperature;
	one->health.spare = health.said.spare;
	one->health.spare_threshold = health.said.spare_threshold;
	one->health.used = health.said.used;
	one->health.media_errors = health.said.media_errors;
	one->report.health = &one->health;
}

static void put_zones(struct report_of_one *one, const struct zone_geometry *geometry)
{
	nvmetd__backing_zones__init(&one->zones);
	one->zones.blocks = geometry->blocks;
	one->zones.capacity = geometry->capacity;
	one->zones.open_max = geometry->open_max;
	one->zones.active_max = geometry->active_max;
	one->report.zones = &one->zones;
}

static void describe(struct report_of_one *one, struct namespace *namespace)
{
	const struct backing *backing = namespace->backing;
	Nvmetd__BackingReport *report = &one->report;

	nvmetd__backing_report__init(report);
	report->handle = namespace->handle;
	report->ready = namespace_is_ready(namespace);
	report->released = namespace_is_free(namespace);
	if (!report->ready) {
		report->reason = namespace->reason;
		return;
	}
	report->block_shift = backing->block_shift;
	report->blocks = namespace->blocks;
	report->volatile_cache = backing->volatile_cache;
	report->deallocate = backing->deallocate && !namespace->read_only;
	report->actuators = backing->actuators;
	report->write_bytes = backing->preference.write;
	report->discard_bytes = backing->deallocate ? backing->preference.discard : 0;
	report->optimal_bytes = backing->preference.optimal;
	if (backing->zones)
		put_zones(one, backing->zones);
}

void report_send(struct ipc_client *client, const struct namespaces *namespaces,
                 struct checkup *checkup)
{
	uint32_t n = namespaces_count(namespaces), i = 0;
	_cleanup_(cleanup_free) struct report_of_one *reports = calloc(n + 1u, sizeof(*reports));
	_cleanup_(cleanup_free)
		Nvmetd__BackingReport **list = calloc(n + 1u, sizeof(Nvmetd__BackingReport *));
	Nvmetd__WorkerReport report = NVMETD__WORKER_REPORT__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	if (!reports || !list) {
		ipc_client_start_over(client, "there was no memory for a report");
		return;
	}
	list_for_each (link, namespaces_list(namespaces)) {
		describe(&reports[i], container_of(link, struct namespace, link));
		put_health(&reports[i], container_of(link, struct namespace, link), checkup);
		list[i] = &reports[i].report;
		i++;
	}
	report.revision = namespaces_revision(namespaces);
	report.n_namespaces = n;
	report.namespaces = list;
	message.body_case = NVMETD__ENVELOPE__BODY_WORKER_REPORT;
	message.worker_report = &report;
	ipc_client_send(client, 0, &message);
}

/* ------------------------------------------------------------------ WorkerStatus */

struct status_of_one {
	Nvmetd__BackingStatus status;
	Nvmetd__Counters counters;
	struct fault_message *fault; /* NULL: not with fault:, or no memory */
};

static uint64_t sum(const struct namespace *namespace, unsigned n_threads, enum counter which)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n_threads; i++)
		total += counters_get(&namespace->counters[i], which);
	return total;
}

static void count(struct status_of_one *one, const struct namespace *namespace, unsigned n_threads)
{
	uint64_t finished = sum(namespace, n_threads, COUNT_FINISHED); /* first: never too many */
	uint64_t started = sum(namespace, n_threads, COUNT_STARTED);

	nvmetd__backing_status__init(&one->status);
	nvmetd__counters__init(&one->counters);
	one->status.handle = namespace->handle;
	one->status.counters = &one->counters;
	one->status.in_flight = (uint32_t)(started - finished);
	one->counters.reads = sum(namespace, n_threads, COUNT_READS);
	one->counters.writes = sum(namespace, n_threads, COUNT_WRITES);
	one->counters.read_bytes = sum(namespace, n_threads, COUNT_READ_BYTES);
	one->counters.write_bytes = sum(namespace, n_threads, COUNT_WRITE_BYTES);
	one->counters.flushes = sum(namespace, n_threads, COUNT_FLUSHES);
	one->counters.others = sum(namespace, n_threads, COUNT_OTHERS);
	one->counters.errors = sum(namespace, n_threads, COUNT_ERRORS);
	if (namespace->backing && fault_of(namespace->backing))
		one->fault = fault_message_new(fault_of(namespace->backing));
	if (one->fault)
		one->status.fault = &one->fault->status;
}

void report_send_status(struct ipc_client *client, uint64_t request_id, uint32_t handle,
                        const struct namespaces *namespaces, unsigned n_threads, uint32_t n_links)
{
	uint32_t n = handle != 0 ? 1 : namespaces_count(namespaces), i = 0;
	_cleanup_(cleanup_free) struct status_of_one *all = calloc(n + 1u, sizeof(*all));
	_cleanup_(cleanup_free)
		Nvmetd__BackingStatus **list = calloc(n + 1u, sizeof(Nvmetd__BackingStatus *));
	Nvmetd__WorkerStatus status = NVMETD__WORKER_STATUS__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	if (!all || !list)
		return;
	list_for_each (link, namespaces_list(namespaces)) {
		const struct namespace *namespace = container_of(link, struct namespace, link);

		if (handle != 0 && handle != namespace->handle)
			continue;
		if (i == n) /* never: a handle is of one */
			break;
		count(&all[i], namespace, n_threads);
		list[i] = &all[i].status;
		i++;
	}
	status.n_namespaces = i;
	status.namespaces = list;
	status.links = n_links;
	message.body_case = NVMETD__ENVELOPE__BODY_WORKER_STATUS;
	message.worker_status = &status;
	ipc_client_send(client, request_id, &message);
	while (i > 0)
		free(all[--i].fault);
}
