/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "services/ctl/table.h"

#define WORD STATUS_WORD

const char *status_size_words(char *buffer, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned unit = 0;
	uint64_t whole = bytes;

	while (whole >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		whole /= 1024;
		unit++;
	}
	if (whole << (10 * unit) == bytes)
		snprintf(buffer, WORD, "%" PRIu64 " %s", whole, units[unit]);
	else
		snprintf(buffer,
		         WORD,
		         "%.1f %s",
		         (double)bytes / (double)(UINT64_C(1) << (10 * unit)),
		         units[unit]);
	return buffer;
}

static const char *time_words(char *buffer, uint64_t seconds)
{
	uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (days > 0)
		snprintf(buffer, WORD, "%" PRIu64 "d %" PRIu64 "h", days, hours % 24);
	else if (hours > 0)
		snprintf(buffer, WORD, "%" PRIu64 "h %" PRIu64 "min", hours, minutes % 60);
	else if (minutes > 0)
		snprintf(buffer, WORD, "%" PRIu64 "min %" PRIu64 "s", minutes, seconds % 60);
	else
		snprintf(buffer, WORD, "%" PRIu64 "s", seconds);
	return buffer;
}

static void print_safe(FILE *out, const char *text)
{
	char safe[1024];

	fputs(log_safe(safe, sizeof(safe), text, strlen(text)), out);
}

/* Of all threads together. */
static void add_transport(struct table *table, const Nvmetd__TransportStatus *transport)
{
	uint64_t bytes = 0, used = 0;
	char words[2][WORD];

	for (size_t i = 0; i < transport->n_arenas; i++) {
		bytes += transport->arenas[i]->bytes;
		used += transport->arenas[i]->bytes_used;
	}
	table_add(table,
	          "%zu controllers, %u connections, %zu links to workers, %s of %s for data in use",
	          transport->n_controllers,
	          transport->connections,
	          transport->n_links,
	          status_size_words(words[0], used),
	          status_size_words(words[1], bytes));
}

static void add_announcer(struct table *table, const Nvmetd__AnnounceStatus *announce)
{
	size_t n_good = 0;

	for (size_t i = 0; i < announce->n_announcements; i++)
		n_good += announce->announcements[i]->good;
	if (announce->n_announcements == 0)
		table_add(table, "announces nothing, as none is configured");
	else
		table_add(
			table, "%zu of %zu announcements made", n_good, announce->n_announcements);
}

static void add_what_it_does(struct table *table, const Nvmetd__ProcessStatus *process)
{
	if (!process->answered)
		table_add(table, "does not answer");
	else if (process->transport)
		add_transport(table, process->transport);
	else if (process->worker)
		table_add(table,
		          "%zu namespaces, %u links from transports",
		          process->worker->n_namespaces,
		          process->worker->links);
	else if (process->announce)
		add_announcer(table, process->announce);
	else
		table_add(table, "answers");
}

static void print_processes(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	struct table table;
	char up[WORD];

	table_begin(&table, "PROCESS|PID|THREADS|VERSION|REVISION|UP|DOES");
	for (size_t i = 0; i < status->n_processes; i++) {
		const Nvmetd__ProcessStatus *process = status->processes[i];

		table_add(&table, "%s", process->name);
		table_add(&table, "%u", process->pid);
		table_add(&table, "%u", process->threads);
		table_add(&table, "%s", process->release);
		table_add(&table, "%" PRIu64, process->revision);
		table_add(&table, "%s", time_words(up, process->up_seconds));
		add_what_it_does(&table, process);
	}
	table_print(&table, out, 0);
}

/* Only those that are not up: a link that works is not worth a line. */
static void print_links_down(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	for (size_t i = 0; i < status->n_processes; i++) {
		const Nvmetd__TransportStatus *transport = status->processes[i]->transport;

		for (size_t j = 0; transport && j < transport->n_links; j++) {
			const Nvmetd__LinkStatus *link = transport->links[j];

			if (strcmp(link->state, "up") == 0)
				continue;
			print_safe(out, status->processes[i]->name);
			fprintf(out, " thread %u to ", link->thread);
			print_safe(out, link->worker);
			fputs(": ", out);
			print_safe(out, link->state);
			fprintf(out, ", %u requests wait\n", link->in_flight);
		}
	}
}

static size_t count_announcements(const Nvmetd__CtlStatusReply *status)
{
	size_t count = 0;

	for (size_t i = 0; i < status->n_processes; i++)
		if (status->processes[i]->announce)
			count += status->processes[i]->announce->n_announcements;
	return count;
}

static void print_announcements(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	struct table table;

	if (*status->announce_trouble) {
		fputs("\nnot announced: ", out);
		print_safe(out, status->announce_trouble);
		fputc('\n', out);
	}
	if (count_announcements(status) == 0)
		return;
	fputc('\n', out);
	table_begin(&table, "ANNOUNCED BY|STATE");
	for (size_t i = 0; i < status->n_processes; i++) {
		const Nvmetd__AnnounceStatus *announce = status->processes[i]->announce;

		for (size_t j = 0; announce && j < announce->n_announcements; j++) {
			const Nvmetd__AnnouncementStatus *one = announce->announcements[j];

			table_add(&table, "%s", one->where);
			table_add(&table, "%s%s", one->good ? "" : "not announced: ", one->words);
		}
	}
	table_print(&table, out, 0);
}

static void print_ports(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	struct table table;

	if (status->n_ports == 0)
		return;
	fputc('\n', out);
	table_begin(&table, "PORT|TRANSPORT|ADDRESS|SERVICE|SUBSYSTEMS|STATE");
	for (size_t i = 0; i < status->n_ports; i++) {
		const Nvmetd__PortStatus *port = status->ports[i];

		table_add(&table, "%u", port->port_id);
		table_add(&table, "%s/%s", port->trtype, port->adrfam);
		table_add(&table, "%s", port->traddr);
		table_add(&table, "%s", port->trsvcid);
		table_add(&table, "%zu", port->n_subsystems);
		if (port->listening)
			table_add(&table, "listening");
		else
			table_add(&table, "not listening: %s", port->reason);
	}
	table_print(&table, out, 0);
}

static void add_counters(struct table *table, const Nvmetd__Counters *given)
{
	const Nvmetd__Counters *counters = status_counters(given);
	char size[WORD];

	table_add(table,
	          "%" PRIu64 " (%s)",
	          counters->reads,
	          status_size_words(size, counters->read_bytes));
	table_add(table,
	          "%" PRIu64 " (%s)",
	          counters->writes,
	          status_size_words(size, counters->write_bytes));
	table_add(table, "%" PRIu64, counters->flushes);
	table_add(table, "%" PRIu64, counters->errors);
}

#define COUNTER_HEADINGS "READS|WRITES|FLUSHES|ERRORS"

static const char *grant_words(const Nvmetd__NamespaceStatus *ns)
{
	if (ns->io_grant_threads > 0)
		return ns->io_grant ? ", io grant in use" : ", io grant being revoked";
	return ns->io_grant ? ", io grant not in use" : "";
}

static const char *mask_words(const Nvmetd__NamespaceStatus *ns, char words[static 48])
{
	if (!ns->masked)
		return "";
	snprintf(words, 48, ", for %zu host%s only", ns->n_hosts, ns->n_hosts == 1 ? "" : "s");
	return words;
}

/* Of what a host has set, or finds. */
static const char *kind_words(const Nvmetd__NamespaceStatus *ns)
{
	if (ns->zones)
		return ns->write_protected ? ", zoned, write protected" : ", zoned";
	return ns->write_protected ? ", write protected" : "";
}

static void add_state(struct table *table, const Nvmetd__SubsystemStatus *subsystem,
                      const Nvmetd__NamespaceStatus *ns)
{
	char reservation[STATUS_RESERVATION_WORDS];
	const Nvmetd__FaultStatus *fault = ns->fault;
	char words[48];

	if (!ns->enabled)
		table_add(table, "not enabled");
	else if (!ns->ready)
		table_add(table, "not ready: %s", ns->reason);
	else if (fault)
		table_add(table,
		          "ready%s, %sfaults: %zu rules, %" PRIu64 " hit, %" PRIu64 " hang%s",
		          kind_words(ns),
		          fault->off ? "POWER OFF, " : "",
		          fault->n_rules,
		          status_fault_hits(fault),
		          fault->hanging,
		          status_reservation_words(reservation, subsystem, ns));
	else
		table_add(table,
		          "ready%s%s%s%s",
		          kind_words(ns),
		          grant_words(ns),
		          mask_words(ns, words),
		          status_reservation_words(reservation, subsystem, ns));
}

static void add_namespace(struct table *table, const Nvmetd__CtlStatusReply *status,
                          const Nvmetd__SubsystemStatus *subsystem,
                          const Nvmetd__NamespaceStatus *ns)
{
	unsigned block_size = status_block_size(ns);
	char size[WORD];

	table_add(table, "%u", ns->nsid);
	if (ns->ready) {
		table_add(table, "%s", status_size_words(size, ns->blocks * block_size));
		table_add(table, "%u", block_size);
	} else {
		table_add(table, "%s", "");
		table_add(table, "%s", "");
	}
	table_add(table, "%s%s%s", ns->worker, ns->moving_to[0] ? " > " : "", ns->moving_to);
	table_add(table, "%u", status_in_flight(status, ns));
	add_counters(table, ns->counters);
	table_add(table, "%s", ns->path);
	add_state(table, subsystem, ns);
}

static void print_namespaces(FILE *out, const Nvmetd__CtlStatusReply *status,
                             const Nvmetd__SubsystemStatus *subsystem)
{
	struct table table;

	if (subsystem->n_namespaces == 0)
		return;
	table_begin(&table, "NSID|SIZE|BLOCK|WORKER|IN FLIGHT|" COUNTER_HEADINGS "|PATH|STATE");
	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		add_namespace(&table, status, subsystem, subsystem->namespaces[i]);
	table_print(&table, out, 2);
}

static void add_controller(struct table *table, const Nvmetd__CtlStatusReply *status,
                           const Nvmetd__Session *session)
{
	const Nvmetd__ProcessStatus *process = NULL;
	const Nvmetd__ControllerStatus *controller = status_controller_of(
		status, session, &process);

	table_add(table, "%u", session->cntlid);
	table_add(table, "%s", process ? process->name : "");
	if (controller) {
		table_add(table, "%zu", controller->n_queues);
		table_add(table, "%u", status_queues_in_flight(controller));
	} else {
		table_add(table, "%s", "");
		table_add(table, "%s", "");
	}
	add_counters(table, controller ? controller->counters : NULL);
	table_add(table, "%s", session->host_address);
	table_add(table, "%s", session->host_nqn);
	if (!controller)
		table_add(table, "unknown: its transport has not told of it");
	else
		table_add(
			table, "%s%s", controller->state, session->discovery ? ", discovery" : "");
}

static void print_controllers(FILE *out, const Nvmetd__CtlStatusReply *status,
                              const Nvmetd__SubsystemStatus *subsystem)
{
	struct table table;

	if (subsystem->n_sessions == 0)
		return;
	table_begin(&table, "CNTLID|BY|QUEUES|IN FLIGHT|" COUNTER_HEADINGS "|ADDRESS|HOST|STATE");
	for (size_t i = 0; i < subsystem->n_sessions; i++)
		add_controller(&table, status, subsystem->sessions[i]);
	table_print(&table, out, 2);
}

static void print_subsystem(FILE *out, const Nvmetd__CtlStatusReply *status,
                            const Nvmetd__SubsystemStatus *subsystem)
{
	fputs("\nSUBSYSTEM ", out);
	print_safe(out, subsystem->nqn);
	if (subsystem->serial[0]) {
		fputs(", serial ", out);
		print_safe(out, subsystem->serial);
	}
	if (subsystem->allow_any_host)
		fputs(", open to any host\n", out);
	else
		fprintf(out, ", open to %zu hosts\n", subsystem->n_hosts);
	print_namespaces(out, status, subsystem);
	print_controllers(out, status, subsystem);
}

static void print_warning(FILE *out, const char *text, const char *advice)
{
	if (!text[0])
		return;
	fputs("WARNING: ", out);
	print_safe(out, text);
	fputs(advice, out);
	fputc('\n', out);
}

/* Before all else: nobody reads to the end when all seems well. */
static void print_database(FILE *out, const Nvmetd__DatabaseStatus *database)
{
	if (!database)
		return;
	print_warning(out,
	              database->notice,
	              "; see that the configuration is what it should be, then: nvmetctl "
	              "acknowledge");
	print_warning(out, database->trouble, database->damaged ? "" : "; changes are refused");
	print_warning(out, database->copy_trouble, "");
}

void status_print_text(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	print_database(out, status->database);
	fprintf(out, "Configuration revision %" PRIu64 "\n\n", status->revision);
	print_processes(out, status);
	print_links_down(out, status);
	print_ports(out, status);
	print_announcements(out, status);
	for (size_t i = 0; i < status->n_subsystems; i++)
		print_subsystem(out, status, status->subsystems[i]);
}
