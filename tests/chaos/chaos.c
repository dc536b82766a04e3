/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/chaos.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/chaos/conductor.h"

#define HOSTNQN       "nqn.2014-08.org.nvmexpress:uuid:c4a05000-0000-4000-8000-%012x"
#define QUIET_MS      500u
#define IO_TIMEOUT_MS 30000u /* as Linux has it */
#define START_MS      30000u
#define BACKING_BYTES 2u /* times the region */

static const struct load_kind given_kind = {
	.name = "given",
	.what = "two hosts that write the same blocks of a given namespace, through the proxy",
	.backing = "given:",
	.is_by_proxy = true,
	.hosts = 2,
	.queues = 2,
	.depth = 8,
	.blocks = 8,
	.reads = 50,
	.flushes = 1,
};

static int misfortune(struct chaos *chaos, const char *what, const char *why)
{
	fprintf(stderr, "nvmetd-chaos: %s: %s\n", what, why);
	chaos->was_unreachable = true;
	return 1;
}

/* ------------------------------------------------------------------ the target */

/* Where this nvmetd has no fault: */
static void leave_out_faulty_loads(struct chaos *chaos)
{
	static const char *const arguments[] = {"help", "fault", NULL};
	unsigned n = 0;

	if (set_ask_and_wait(&chaos->set, arguments) == 0)
		return;
	for (unsigned i = 0; i < chaos->n_loads; i++) {
		if (chaos->loads[i]->is_faulty) {
			fprintf(stderr,
			        "nvmetd-chaos: the load %s is left out: this nvmetd has no "
			        "fault:\n",
			        chaos->names[i]);
			continue;
		}
		chaos->loads[n] = chaos->loads[i];
		memmove(chaos->names[n], chaos->names[i], sizeof(chaos->names[n]));
		n++;
	}
	chaos->n_loads = n;
}

static int find_target(struct chaos *chaos)
{
	const struct options *options = &chaos->options;
	struct set *set = &chaos->set;
	int r;

	set->watchdog_s = options->watchdog_s;
	set->is_kept = options->keeps;
	set_find_programs(set, options->bin_dir);
	if (options->traddr) {
		snprintf(set->traddr, sizeof(set->traddr), "%s", options->traddr);
		snprintf(set->trsvcid, sizeof(set->trsvcid), "%s", options->trsvcid);
		snprintf(set->nqn, sizeof(set->nqn), "%s", options->nqn);
		snprintf(set->run_dir,
		         sizeof(set->run_dir),
		         "%s",
		         options->run_dir ? options->run_dir : "");
		set->has_processes = options->run_dir != NULL;
		return 0;
	}
	leave_out_faulty_loads(chaos);
	set_enter_network(set);
	r = set_make(set, chaos->loads, chaos->n_loads, BACKING_BYTES * options->region_bytes);
	if (!r)
		r = set_start(set);
	chaos->was_unreachable = r != 0;
	return r ? 1 : 0;
}

static int open_proxy(struct chaos *chaos)
{
	int r = proxy_new(&chaos->proxy, chaos->set.traddr, chaos->set.trsvcid, &chaos->proxy_port);

	return r ? misfortune(chaos, "no proxy", strerror(-r)) : 0;
}

/* ------------------------------------------------------------------ its namespaces */

static struct host_options options_of(const struct chaos *chaos, const struct host *host,
                                      const char *proxy_port)
{
	struct host_options options = {
		.address = {.traddr = chaos->set.traddr,            .trsvcid = chaos->set.trsvcid},
		.subnqn = chaos->set.nqn,
		.hostnqn = host->hostnqn,
		.kato_ms = chaos->options.kato_ms,
		.wishes = { .header_digest = host->kind->has_digests,
	                    .data_digest = host->kind->has_digests,
	                    .any_success = true},
	};

	snprintf((char *)options.hostid, sizeof(options.hostid), "chaos-host-%u", host->number);
	if (host->kind->is_by_proxy)
		options.address = (struct host_address){.traddr = "127.0.0.1",
		                                        .trsvcid = proxy_port};
	return options;
}

/* Until the namespaces are there; what there is of them makes the spaces. */
static int find_namespace(struct chaos *chaos, unsigned load, uint32_t nsid, uint64_t deadline_ns)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	struct host probe = {.kind = chaos->loads[load], .number = 255};
	struct host_controller controller;
	struct host_namespace ns = {0};
	char why[256], what[64];
	uint64_t blocks;
	int r;

	snprintf(probe.hostnqn, sizeof(probe.hostnqn), HOSTNQN, 255);
	do {
		struct host_options options = options_of(chaos, &probe, "");

		options.address = (struct host_address){.traddr = chaos->set.traddr,
		                                        .trsvcid = chaos->set.trsvcid};
		options.timeout_ms = 3000;
		r = host_controller_open(&controller, &options);
		if (!r)
			r = host_namespace_identify(&controller, nsid, &ns);
		snprintf(why, sizeof(why), "%s", host_controller_error(&controller));
		host_controller_close(&controller);
		if (r)
			nanosleep(&pause, NULL);
	} while (r && clock_now_ns() < deadline_ns);
	snprintf(what, sizeof(what), "namespace %u", nsid);
	if (r)
		return misfortune(chaos, what, why);
	blocks = chaos->options.region_bytes / ns.block_bytes;
	if (blocks > ns.blocks)
		blocks = ns.blocks;
	if (blocks < 64)
		return misfortune(chaos, what, "it has less than 64 blocks");
	r = space_init(&chaos->spaces[load],
	               &chaos->findings,
	               chaos->names[load],
	               nsid,
	               ns.block_bytes,
	               blocks,
	               chaos->options.seed + load);
	return r;
}

static int find_namespaces(struct chaos *chaos)
{
	uint64_t deadline_ns = clock_now_ns() + START_MS * NS_PER_MS;
	bool is_own = chaos->set.is_own;
	int r = 0;

	for (unsigned i = 0; !r && i < chaos->n_loads; i++)
		r = find_namespace(chaos, i, is_own ? i + 1 : chaos->options.nsids[i], deadline_ns);
	return r;
}

/* ------------------------------------------------------------------ hosts */

static int make_host(struct chaos *chaos, struct host *host, unsigned load, unsigned which)
{
	static char port[8];

	snprintf(port, sizeof(port), "%u", chaos->proxy_port);
	host->kind = chaos->loads[load];
	host->number = chaos->n_hosts;
	host->space = &chaos->spaces[load];
	host->nsid = host->space->nsid;
	host->journal = &chaos->journal;
	host->findings = &chaos->findings;
	host->reconnect_delay_ms = chaos->options.reconnect_ms;
	host->io_timeout_ms = IO_TIMEOUT_MS * chaos->options.patience;
	host->rate = chaos->options.rate;
	snprintf(host->hostnqn, sizeof(host->hostnqn), HOSTNQN, host->number);
	if (host->kind->hosts > 1)
		snprintf(host->name, sizeof(host->name), "%s/%u", chaos->names[load], which + 1);
	else
		snprintf(host->name, sizeof(host->name), "%s", chaos->names[load]);
	host->options = options_of(chaos, host, port);
	return host_init(host, chaos->options.seed * 1000003 + host->number);
}

static int make_hosts(struct chaos *chaos)
{
	unsigned n = 0;
	int r = 0;

	for (unsigned i = 0; i < chaos->n_loads; i++)
		n += chaos->loads[i]->hosts;
	chaos->hosts = calloc(n, sizeof(*chaos->hosts));
	if (!chaos->hosts)
		return -ENOMEM;
	for (unsigned i = 0; !r && i < chaos->n_loads; i++)
		for (unsigned which = 0; !r && which < chaos->loads[i]->hosts; which++) {
			struct host *host = &chaos->hosts[chaos->n_hosts++];

			r = make_host(chaos, host, i, which);
			if (!r && host_connect(host) != 0)
				r = misfortune(chaos,
				               host->name,
				               host_controller_error(&host->controller));
		}
	return r;
}

/* ------------------------------------------------------------------ life */

static int make_schedule(struct chaos *chaos)
{
	const struct options *options = &chaos->options;
	struct schedule_wishes wishes = {
		.seed = options->seed,
		.length_ms = options->seconds * 1000,
		.every_ms = options->every_ms,
		.overlap = options->overlap,
		.faults = options->faults,
		.n_faults = options->n_faults,
	};
	int r = options->schedule ? schedule_read(&chaos->schedule, options->schedule)
	                          : schedule_make(&chaos->schedule, &wishes);

	chaos->journal.findings = &chaos->findings;
	chaos->journal.occurrences = chaos->schedule.occurrences;
	chaos->journal.n = chaos->schedule.n;
	chaos->journal.quiet_ms = QUIET_MS;
	chaos->journal.patience = options->patience;
	journal_init(&chaos->journal);
	return r;
}

static void choose_load(struct chaos *chaos, unsigned i)
{
	const struct options *options = &chaos->options;

	chaos->loads[i] = options->traddr ? &given_kind : options->loads[i];
	if (options->traddr)
		snprintf(chaos->names[i], sizeof(chaos->names[i]), "nsid %u", options->nsids[i]);
	else
		snprintf(chaos->names[i], sizeof(chaos->names[i]), "%s", options->loads[i]->name);
}

int chaos_init(struct chaos *chaos, const struct options *options)
{
	int r;

	chaos->options = *options;
	chaos->findings = FINDINGS_NULL;
	chaos->findings.begin_ns = clock_now_ns();
	chaos->n_loads = options->traddr ? options->n_nsids : options->n_loads;
	for (unsigned i = 0; i < chaos->n_loads; i++)
		choose_load(chaos, i);
	r = make_schedule(chaos);
	if (r || options->prints_schedule)
		return r;
	r = find_target(chaos);
	if (!r)
		r = find_namespaces(chaos);
	if (!r)
		r = open_proxy(chaos);
	if (!r)
		r = make_hosts(chaos);
	return r;
}

void chaos_run(struct chaos *chaos)
{
	conductor_run(chaos);
}

void chaos_deinit(struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->n_hosts; i++) {
		atomic_store(&chaos->hosts[i].task, HOST_END);
		host_join(&chaos->hosts[i]);
		host_deinit(&chaos->hosts[i]);
	}
	free(chaos->hosts);
	chaos->proxy = proxy_free(chaos->proxy);
	for (unsigned i = 0; i < chaos->n_loads; i++)
		space_deinit(&chaos->spaces[i]);
	if (chaos->findings.n)
		chaos->set.is_kept = true;
	set_deinit(&chaos->set);
	schedule_deinit(&chaos->schedule);
}
