/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/fault_control.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "services/io/namespace.h"

struct fault_message *fault_message_new(struct fault *fault)
{
	struct fault_message *message = calloc(1, sizeof(*message));
	struct fault_report *report;

	if (!message)
		return NULL;
	report = &message->report;
	fault_describe(fault, report);
	nvmetd__fault_status__init(&message->status);
	message->status.off = report->is_off;
	message->status.cached_bytes = report->cached_bytes;
	message->status.cache_bytes = report->cache_bytes;
	message->status.lost_bytes = report->lost_bytes;
	message->status.hanging = report->hanging;
	message->status.delayed = report->delayed;
	for (unsigned i = 0; i < report->n_rules; i++) {
		nvmetd__fault_rule_status__init(&message->rules[i]);
		message->rules[i].rule = report->rules[i].text;
		message->rules[i].met = report->rules[i].met;
		message->rules[i].hits = report->rules[i].hits;
		message->list[i] = &message->rules[i];
	}
	message->status.n_rules = report->n_rules;
	message->status.rules = message->list;
	return message;
}

/* 0, or FAULT_RULE_E_WRONG with the reason. */
static int act(struct fault *fault, const Nvmetd__WorkerFault *wanted, char *reason)
{
	switch (wanted->action) {
	case NVMETD__FAULT_ACTION__FAULT_SET:
		return fault_set_rules(fault, wanted->rules, wanted->n_rules, reason);
	case NVMETD__FAULT_ACTION__FAULT_CLEAR:
		return fault_set_rules(fault, NULL, 0, reason);
	case NVMETD__FAULT_ACTION__FAULT_POWER_OFF:
		fault_power(fault, false);
		return 0;
	case NVMETD__FAULT_ACTION__FAULT_POWER_ON:
		fault_power(fault, true);
		return 0;
	default:
		return 0;
	}
}

static void log_action(const struct namespace *namespace, const Nvmetd__WorkerFault *wanted)
{
	switch (wanted->action) {
	case NVMETD__FAULT_ACTION__FAULT_SET:
		log_warn("%s: %zu faults are set", namespace->label, wanted->n_rules);
		return;
	case NVMETD__FAULT_ACTION__FAULT_CLEAR:
		log_info("%s: its faults are cleared", namespace->label);
		return;
	case NVMETD__FAULT_ACTION__FAULT_POWER_OFF:
		log_warn("%s: power off: what was not flushed is lost", namespace->label);
		return;
	case NVMETD__FAULT_ACTION__FAULT_POWER_ON:
		log_info("%s: power on", namespace->label);
		return;
	default:
		return;
	}
}

static struct fault *find(const struct namespaces *namespaces, uint32_t handle,
                          const struct namespace **ret_namespace, char **ret_reason)
{
	static char not_here[] = "the worker does not serve it (yet)";
	static char not_ready[] = "it is not ready";
	static char no_faults[] = "its path does not begin with \"fault:\"";
	const struct namespace *namespace = namespaces_find(namespaces, handle);
	struct fault *fault = namespace && namespace->backing ? fault_of(namespace->backing) : NULL;

	*ret_namespace = namespace;
	*ret_reason = !namespace ? not_here : !namespace->backing ? not_ready : no_faults;
	return fault;
}

void fault_control(struct ipc_client *client, uint64_t request_id,
                   const struct namespaces *namespaces, const Nvmetd__WorkerFault *wanted)
{
	_cleanup_(cleanup_free) struct fault_message *status = NULL;
	Nvmetd__FaultReply reply = NVMETD__FAULT_REPLY__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	const struct namespace *namespace;
	char reason[FAULT_REASON_SIZE];
	struct fault *fault = find(namespaces, wanted->handle, &namespace, &reply.reason);

	if (fault && act(fault, wanted, reason) != 0) {
		reply.reason = reason;
	} else if (fault) {
		reply.good = true;
		reply.reason = (char *)protobuf_c_empty_string;
		status = fault_message_new(fault);
		if (status)
			reply.status = &status->status;
		log_action(namespace, wanted);
	}
	message.body_case = NVMETD__ENVELOPE__BODY_FAULT_REPLY;
	message.fault_reply = &reply;
	ipc_client_send(client, request_id, &message);
}
