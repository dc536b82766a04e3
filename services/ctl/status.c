/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/status.h"

#include <string.h>

#include "common/base/log.h"

enum ctl_exit status_ask(const struct ctl *ctl, envelope **ret_answer)
{
	Nvmetd__CtlStatus body = NVMETD__CTL_STATUS__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;

	question.body_case = NVMETD__ENVELOPE__BODY_CTL_STATUS;
	question.ctl_status = &body;
	return ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_STATUS_REPLY, ret_answer);
}

enum ctl_exit ctl_status(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	bool as_json = argc == 1 && strcmp(argv[0], "--json") == 0;
	enum ctl_exit r;

	if (argc > 0 && !as_json) {
		fprintf(stderr,
		        "nvmetctl: status: '%s' is not known: see nvmetctl help status\n",
		        argv[0]);
		return CTL_USAGE;
	}
	r = status_ask(ctl, &answer);
	if (r != CTL_GOOD)
		return r;
	if (!as_json)
		status_print_text(stdout, answer->ctl_status_reply);
	else if (!status_print_json(stdout, answer->ctl_status_reply))
		return CTL_FAILED;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CTL_GOOD;
	perror("nvmetctl: standard output");
	return CTL_FAILED;
}

static const Nvmetd__ControllerStatus *find_controller(const Nvmetd__TransportStatus *transport,
                                                       const Nvmetd__Session *session)
{
	for (size_t i = 0; transport && i < transport->n_controllers; i++) {
		const Nvmetd__ControllerStatus *controller = transport->controllers[i];

		if (controller->subsystem == session->subsystem &&
		    controller->cntlid == session->cntlid)
			return controller;
	}
	return NULL;
}

const Nvmetd__ControllerStatus *status_controller_of(const Nvmetd__CtlStatusReply *status,
                                                     const Nvmetd__Session *session,
                                                     const Nvmetd__ProcessStatus **ret_process)
{
	for (size_t i = 0; i < status->n_processes; i++) {
		const Nvmetd__ProcessStatus *process = status->processes[i];
		const Nvmetd__ControllerStatus *controller = find_controller(process->transport,
		                                                             session);

		if (!controller)
			continue;
		if (ret_process)
			*ret_process = process;
		return controller;
	}
	return NULL;
}

static unsigned worker_in_flight(const Nvmetd__WorkerStatus *worker, uint32_t handle)
{
	unsigned sum = 0;

	for (size_t i = 0; worker && i < worker->n_namespaces; i++) {
		if (worker->namespaces[i]->handle == handle)
			sum += worker->namespaces[i]->in_flight;
	}
	return sum;
}

unsigned status_in_flight(const Nvmetd__CtlStatusReply *status, const Nvmetd__NamespaceStatus *ns)
{
	unsigned sum = 0;

	for (size_t i = 0; i < status->n_processes; i++)
		sum += worker_in_flight(status->processes[i]->worker, ns->handle);
	return sum;
}

unsigned status_queues_in_flight(const Nvmetd__ControllerStatus *controller)
{
	unsigned sum = 0;

	for (size_t i = 0; i < controller->n_queues; i++)
		sum += controller->queues[i]->in_flight;
	return sum;
}

const Nvmetd__Counters *status_counters(const Nvmetd__Counters *counters)
{
	static const Nvmetd__Counters none = NVMETD__COUNTERS__INIT;

	return counters ? counters : &none;
}

unsigned status_block_size(const Nvmetd__NamespaceStatus *ns)
{
	return ns->block_shift < 32 ? 1u << ns->block_shift : 0;
}

static void print_safe(FILE *out, const char *text)
{
	char safe[1024];

	fputs(log_safe(safe, sizeof(safe), text, strlen(text)), out);
}

static void print_missing_port(FILE *out, const Nvmetd__PortStatus *port)
{
	fprintf(out, "warning: port %u (", port->port_id);
	print_safe(out, port->trtype);
	fputc(' ', out);
	print_safe(out, port->traddr);
	fputs(", ", out);
	print_safe(out, port->trsvcid);
	fputs(") does not listen yet: ", out);
	print_safe(out, port->reason[0] ? port->reason : "no transport has said so");
	fputc('\n', out);
}

static void print_missing_namespace(FILE *out, const Nvmetd__SubsystemStatus *subsystem,
                                    const Nvmetd__NamespaceStatus *ns)
{
	fprintf(out, "warning: namespace %u of ", ns->nsid);
	print_safe(out, subsystem->nqn);
	fputs(" (", out);
	print_safe(out, ns->path);
	fputs(") is not ready yet: ", out);
	print_safe(out, ns->reason[0] ? ns->reason : "no worker has said so");
	fputc('\n', out);
}

static unsigned missing_in_subsystem(FILE *out, const Nvmetd__SubsystemStatus *subsystem)
{
	unsigned missing = 0;

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const Nvmetd__NamespaceStatus *ns = subsystem->namespaces[i];

		if (!ns->enabled || ns->ready)
			continue;
		missing++;
		if (out)
			print_missing_namespace(out, subsystem, ns);
	}
	return missing;
}

unsigned status_print_missing(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	unsigned missing = 0;

	for (size_t i = 0; i < status->n_ports; i++) {
		if (status->ports[i]->listening)
			continue;
		missing++;
		if (out)
			print_missing_port(out, status->ports[i]);
	}
	for (size_t i = 0; i < status->n_subsystems; i++)
		missing += missing_in_subsystem(out, status->subsystems[i]);
	return missing;
}

uint64_t status_fault_hits(const Nvmetd__FaultStatus *fault)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < fault->n_rules; i++)
		hits += fault->rules[i]->hits;
	return hits;
}
