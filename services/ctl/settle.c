/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "services/ctl/status.h"

#define SETTLE_NS (5 * NS_PER_S)
#define LOOK_NS   (20 * NS_PER_MS)
/* Of an edit, where the reason is known: nvmetd has tried once more by then. */
#define RETRY_NS  (1500 * NS_PER_MS)

/* A path of at least `count` components, of which `list` is one; what was deleted is not waited
 * for. */
static bool is_of(const Nvmetd__CtlOperation *operation, size_t count, const char *list)
{
	return operation->verb != NVMETD__CTL_VERB__CTL_DELETE && operation->n_path >= count &&
	       strcmp(operation->path[count - 2], list) == 0;
}

static bool is_about_port(const Nvmetd__CtlEdit *edit, const Nvmetd__PortStatus *port)
{
	for (size_t i = 0; i < edit->n_operations; i++)
		if (is_of(edit->operations[i], 2, "ports") &&
		    strtoul(edit->operations[i]->path[1], NULL, 0) == port->port_id)
			return true;
	return false;
}

static bool is_about_namespace(const Nvmetd__CtlEdit *edit, const char *nqn,
                               const Nvmetd__NamespaceStatus *ns)
{
	for (size_t i = 0; i < edit->n_operations; i++)
		if (is_of(edit->operations[i], 4, "namespaces") &&
		    strcmp(edit->operations[i]->path[1], nqn) == 0 &&
		    strtoul(edit->operations[i]->path[3], NULL, 0) == ns->nsid)
			return true;
	return false;
}

static bool is_about_any(const Nvmetd__CtlEdit *edit)
{
	for (size_t i = 0; i < edit->n_operations; i++)
		if (is_of(edit->operations[i], 2, "ports") ||
		    is_of(edit->operations[i], 4, "namespaces"))
			return true;
	return false;
}

/* What it is not about is none of its business; a port without subsystems need not listen. */
static void pass_over_others(Nvmetd__CtlStatusReply *status, const Nvmetd__CtlEdit *edit)
{
	for (size_t i = 0; i < status->n_ports; i++)
		if (status->ports[i]->n_subsystems == 0 || !is_about_port(edit, status->ports[i]))
			status->ports[i]->listening = true;
	for (size_t i = 0; i < status->n_subsystems; i++) {
		Nvmetd__SubsystemStatus *subsystem = status->subsystems[i];

		for (size_t j = 0; j < subsystem->n_namespaces; j++)
			if (!is_about_namespace(edit, subsystem->nqn, subsystem->namespaces[j]))
				subsystem->namespaces[j]->ready = true;
	}
}

/* Each that is missing says why. */
static bool is_explained(const Nvmetd__CtlStatusReply *status)
{
	bool explained = true;

	for (size_t i = 0; i < status->n_ports; i++)
		explained &= status->ports[i]->listening || status->ports[i]->reason[0];
	for (size_t i = 0; i < status->n_subsystems; i++)
		for (size_t j = 0; j < status->subsystems[i]->n_namespaces; j++) {
			const Nvmetd__NamespaceStatus *ns = status->subsystems[i]->namespaces[j];

			explained &= ns->ready || !ns->enabled || ns->reason[0];
		}
	return explained;
}

void settle(const struct ctl *ctl, const Nvmetd__CtlEdit *edit)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	uint64_t start_ns = clock_now_ns(), wait_ns;

	if (edit && !is_about_any(edit))
		return;
	for (;;) {
		_cleanup_(envelope_freep) envelope *answer = NULL;

		if (status_ask(ctl, &answer) != CTL_GOOD) {
			fprintf(stderr, "warning: it is done; its status is not known\n");
			return;
		}
		if (edit)
			pass_over_others(answer->ctl_status_reply, edit);
		if (status_print_missing(NULL, answer->ctl_status_reply) == 0)
			return;
		wait_ns = edit && is_explained(answer->ctl_status_reply) ? RETRY_NS : SETTLE_NS;
		if (clock_now_ns() >= start_ns + wait_ns) {
			status_print_missing(stderr, answer->ctl_status_reply);
			return;
		}
		nanosleep(&pause, NULL);
	}
}
