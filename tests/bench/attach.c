/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting a load to its namespace, and again after the connection was lost. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/bench/load.h"

#define PAUSE_NS 100000000L /* between two attempts to connect */

static void say(const char *format, const char *text)
{
	fprintf(stderr, "nvmetd-bench: ");
	fprintf(stderr, format, text);
	fprintf(stderr, "\n");
}

static bool is_worth_another_try(const struct load *load, int r)
{
	/* As nvmf_should_reconnect() of Linux: not after a refusal with Do Not Retry */
	return r != HOST_E_STATUS || !(load->controller.status.value & NVME_STATUS_DNR);
}

static void advise(const struct load *load, int r)
{
	const struct host_address *address = &load->options->host.address;

	if (r == HOST_E_BROKEN && load->options->depth > load->depth_most && load->depth_most)
		fprintf(stderr,
		        "Choose a smaller --qd, or have the target take more (SPDK: "
		        "max_queue_depth).\n");
	else if (r == -ECONNREFUSED)
		fprintf(stderr,
		        "Nothing listens there. Is the target running, and does \"nvmetctl "
		        "status\" show a port with this address?\n");
	else if (r == HOST_E_DEADLINE || r == -EHOSTUNREACH || r == -ENETUNREACH)
		fprintf(stderr, "Can this machine reach %s (ping, firewall)?\n", address->traddr);
	else if (r == HOST_E_STATUS)
		fprintf(stderr,
		        "That is: %s. Does \"nvmetctl show\" have this subsystem, linked to this "
		        "port, and allow this host (or any host)?\n",
		        status_words(load->controller.status));
	else if (r == HOST_E_CLOSED || r == HOST_E_BROKEN)
		fprintf(stderr, "Is it an NVMe/TCP target that listens there?\n");
}

static int open_queues(struct load *load)
{
	const struct options *options = load->options;
	uint32_t entries = options->depth + 1;
	uint32_t entries_max = (uint32_t)(load->controller.cap & 0xffff) + 1; /* CAP.MQES */
	uint16_t granted;
	int r;

	load->depth_most = entries_max - 1;
	if (entries > entries_max)
		return host_connection_says(&load->controller.admin.connection,
		                            HOST_E_BROKEN,
		                            "--qd %u: the target takes %u at most",
		                            options->depth,
		                            entries_max - 1);
	r = host_controller_queues(&load->controller, (uint16_t)options->connections, &granted);
	if (!r && granted < options->connections)
		r = host_connection_says(&load->controller.admin.connection,
		                         HOST_E_BROKEN,
		                         "the target grants %u I/O queues, not %u",
		                         granted,
		                         options->connections);
	for (unsigned i = 0; !r && i < options->connections; i++)
		r = host_controller_open_queue(&load->controller,
		                               &load->queues[i],
		                               (uint16_t)(i + 1),
		                               entries,
		                               options->depth);
	return r;
}

static bool is_same(const struct host_namespace *a, const struct host_namespace *b)
{
	return a->blocks == b->blocks && a->block_bytes == b->block_bytes &&
	       memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
	       memcmp(a->nguid, b->nguid, sizeof(a->nguid)) == 0;
}

int load_attach(struct load *load, bool is_first)
{
	struct host_namespace space;
	bool is_connected;
	int r;

	r = host_controller_open(&load->controller, &load->options->host);
	if (!r)
		r = open_queues(load);
	is_connected = r == 0;
	if (!r)
		r = host_namespace_identify(&load->controller, load->options->nsid, &space);
	if (r && !is_first && is_worth_another_try(load, r))
		return LOAD_E_BUSY;
	if (r) {
		say("%s", host_controller_error(&load->controller));
		if (is_connected)
			fprintf(stderr,
			        "Does the subsystem have namespace %u, and is it enabled?\n",
			        load->options->nsid);
		else
			advise(load, r);
		return LOAD_E_UNREACHABLE;
	}
	if (!is_first && !is_same(&space, &load->space)) {
		say("%s", "the namespace came back with another size, format or identity");
		return LOAD_E_LOST;
	}
	load->space = space;
	return 0;
}

void load_detach(struct load *load)
{
	for (unsigned i = 0; i < load->options->connections; i++)
		host_queue_close(&load->queues[i]);
	host_controller_close(&load->controller);
}

static int attach_in_time(struct load *load, const char *reason)
{
	uint64_t deadline_ns = clock_now_ns() + load->options->reconnect_seconds * NS_PER_S;
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int r;

	for (;;) {
		load_detach(load);
		r = load_attach(load, false);
		if (r != LOAD_E_BUSY)
			return r ? LOAD_E_LOST : 0;
		if (clock_now_ns() >= deadline_ns) {
			say("the connection was lost: %s", reason);
			say("and could not be had again: %s",
			    host_controller_error(&load->controller));
			return LOAD_E_LOST;
		}
		nanosleep(&pause, NULL);
	}
}

/* A write that was in flight has been done or not, block by block; nothing else may be there. */
static int check_interrupted(struct load_job *job)
{
	struct load *load = job->load;
	struct host_request request;
	uint8_t *data = load->buffers; /* of the spare job */
	int r;

	request = host_io(
		&load->space, NVME_IO_READ, job->place * load->blocks, load->blocks, data);
	r = host_queue_execute(job->queue, &request, load->options->io_timeout_seconds * 1000);
	if (!r)
		verify_check(&load->verify, job->place, data, job->number);
	return r;
}

static int repeat(struct load *load)
{
	int r = 0;

	for (unsigned i = 0; !r && load->options->verify && i < load->n_jobs; i++)
		if (load->jobs[i].is_out && load->jobs[i].number)
			r = check_interrupted(&load->jobs[i]);
	for (unsigned i = 0; !r && i < load->n_jobs; i++)
		if (load->jobs[i].is_out)
			r = load_submit(&load->jobs[i], clock_now_ns());
	for (unsigned i = 0; !r && i < load->options->connections; i++)
		r = host_queue_flush(&load->queues[i]);
	return r;
}

int load_reattach(struct load *load, const char *reason)
{
	char why[256];
	int r;

	snprintf(why, sizeof(why), "%s", reason);
	if (!load->options->reconnect_seconds) {
		say("the connection was lost: %s", why);
		return LOAD_E_LOST;
	}
	do {
		r = attach_in_time(load, why);
		if (r)
			return r;
		load->totals.reconnects++;
	} while (repeat(load) != 0);
	return 0;
}
