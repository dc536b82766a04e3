/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/attach.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"

#define CONNECT_MS  15000u
#define SHUTDOWN_MS 5000u

static void sleep_ms(unsigned ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&pause, NULL);
}

static void detach(struct host *host)
{
	for (unsigned i = 0; i < HOST_QUEUES; i++)
		host_queue_close(&host->queues[i]);
	host_controller_close(&host->controller);
}

static int open_queues(struct host *host)
{
	uint32_t entries_max = (uint32_t)(host->controller.cap & 0xffff) + 1; /* CAP.MQES */
	uint32_t entries = host->kind->depth + 1;
	uint16_t granted;
	int r;

	if (entries > entries_max)
		return host_connection_says(&host->controller.admin.connection,
		                            HOST_E_BROKEN,
		                            "the target takes %u commands in a queue at most",
		                            entries_max - 1);
	r = host_controller_queues(&host->controller, (uint16_t)host->kind->queues, &granted);
	if (!r && granted < host->kind->queues)
		r = host_connection_says(&host->controller.admin.connection,
		                         HOST_E_BROKEN,
		                         "the target grants %u I/O queues, not %u",
		                         granted,
		                         host->kind->queues);
	for (unsigned i = 0; !r && i < host->kind->queues; i++)
		r = host_controller_open_queue(&host->controller,
		                               &host->queues[i],
		                               (uint16_t)(i + 1),
		                               entries,
		                               host->kind->depth);
	return r;
}

static bool is_same(const struct host_namespace *a, const struct host_namespace *b)
{
	return a->blocks == b->blocks && a->block_bytes == b->block_bytes &&
	       memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
	       memcmp(a->nguid, b->nguid, sizeof(a->nguid)) == 0;
}

int host_connect(struct host *host)
{
	struct host_namespace ns;
	int r = host_controller_open(&host->controller, &host->options);

	if (!r)
		r = open_queues(host);
	if (!r)
		r = host_namespace_identify(&host->controller, host->nsid, &ns);
	if (!r && host->has_known_ns && !is_same(&ns, &host->ns))
		findings_add(host->findings,
		             "identity",
		             "%s: namespace %u came back with another size, format or identity",
		             host->name,
		             host->nsid);
	if (!r) {
		host->ns = ns;
		host->has_known_ns = true;
	}
	return r;
}

/* ------------------------------------------------------------------ after a loss */

static void report_loss(struct host *host, const char *reason)
{
	uint64_t now_ns = clock_now_ns();
	char on[200];

	if (journal_allows(host->journal, FAULT_MAY_DISCONNECT, now_ns, now_ns))
		return;
	journal_describe(host->journal, now_ns, now_ns, on, sizeof(on));
	findings_add(host->findings,
	             "connection",
	             "%s: the connection was lost (%s), which is not allowed (%s)",
	             host->name,
	             reason,
	             on);
}

/* As nvmf_should_reconnect() of Linux: not after a refusal with Do Not Retry. */
static bool is_refused_for_good(const struct host *host, int r)
{
	return r == HOST_E_STATUS && (host->controller.status.value & NVME_STATUS_DNR);
}

static int connect_again(struct host *host)
{
	uint64_t end_ns = 0;
	int r;

	for (;;) {
		sleep_ms(host->reconnect_delay_ms);
		r = host_connect(host);
		if (!r)
			return 0;
		if (is_refused_for_good(host, r)) {
			findings_add(host->findings,
			             "connection",
			             "%s: it may not connect again: %s",
			             host->name,
			             host_controller_error(&host->controller));
			return r;
		}
		if (atomic_load(&host->task) == HOST_END && !end_ns)
			end_ns = clock_now_ns() + ATTACH_END_MS * NS_PER_MS;
		if (end_ns && clock_now_ns() > end_ns) {
			findings_add(host->findings,
			             "progress",
			             "%s: it cannot connect any more: %s",
			             host->name,
			             host_controller_error(&host->controller));
			return r;
		}
		detach(host);
	}
}

int attach_again(struct host *host, const char *reason)
{
	char why[256];
	int r;

	snprintf(why, sizeof(why), "%s", reason);
	detach(host);
	report_loss(host, why);
	r = connect_again(host);
	if (r)
		return r;
	atomic_fetch_add(&host->reconnects, 1);
	for (unsigned i = 0; i < host->n_jobs; i++)
		if (host->jobs[i].is_busy)
			host_job_submit(&host->jobs[i], clock_now_ns());
	return 0; /* that it cannot be sent is seen at the next look */
}

/* ------------------------------------------------------------------ waiting, and the end */

static void add(struct pollfd *fds, nfds_t *n, const struct host_queue *queue)
{
	bool is_sending = queue->first_piece != queue->next_piece;

	fds[(*n)++] = (struct pollfd){.fd = queue->connection.fd,
	                              .events = is_sending ? POLLIN | POLLOUT : POLLIN};
}

void attach_wait(struct host *host, unsigned ms)
{
	struct pollfd fds[HOST_QUEUES + 1];
	nfds_t n = 0;

	add(fds, &n, &host->controller.admin);
	for (unsigned i = 0; i < host->kind->queues; i++)
		add(fds, &n, &host->queues[i]);
	(void)poll(fds, n, (int)ms);
}

void attach_end(struct host *host, bool shuts_down)
{
	for (unsigned i = 0; i < HOST_QUEUES; i++)
		host_queue_close(&host->queues[i]);
	if (shuts_down && host->controller.admin.connection.fd >= 0) {
		host->controller.options.timeout_ms = SHUTDOWN_MS;
		(void)host_controller_shutdown(&host->controller);
	}
	host_controller_close(&host->controller);
}
