/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/fault_rule.h"

struct question {
	struct list link;
	struct ipc_peer *asker;
	struct ipc_peer *worker;
	uint64_t asked_id;  /* the asker's request */
	uint64_t worker_id; /* ours to the worker */
	struct loop_timer deadline;
};

static void question_free(struct question *question)
{
	loop_timer_clear(&question->deadline);
	list_remove(&question->link);
	free(question);
}

static void deadline_passed(struct loop_timer *timer)
{
	struct question *question = container_of(timer, struct question, deadline);

	ipc_server_refuse(question->asker,
	                  question->asked_id,
	                  "the worker did not answer in time; it may do it still");
	question_free(question);
}

static unsigned count(const struct state *state)
{
	unsigned n = 0;

	list_for_each (at, (struct list *)&state->faults)
		n++;
	return n;
}

/* ------------------------------------------------------------------ what is refused */

struct refusal {
	char text[320];
};

static void *refuse(struct refusal *refusal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL. */
static void *refuse(struct refusal *refusal, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
	va_end(arguments);
	return NULL;
}

/* NULL, and the refusal says why. */
static const struct backing *find_backing(const struct state *state, const Nvmetd__CtlFault *wanted,
                                          struct refusal *refusal)
{
	const struct config_subsystem *subsystem = config_find_subsystem(&state->target.config,
	                                                                 wanted->nqn);
	const struct config_namespace *namespace = NULL;

	if (!subsystem)
		return refuse(refusal,
		              "there is no subsystem of this name: nvmetctl status shows which "
		              "there are");
	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		if (subsystem->namespaces[i].nsid == wanted->nsid)
	namespace = &subsystem->namespaces[i];
	if (!namespace)
		return refuse(refusal, "the subsystem has no namespace %u", wanted->nsid);
	if (!namespace->path || !fault_path_below(namespace->path))
		return refuse(refusal,
		              "the device.path of namespace %u does not begin with \"fault:\", "
		              "\"pi:fault:\" or \"zoned:fault:\"",
		              wanted->nsid);
	if (!namespace->backing)
		return refuse(refusal, "namespace %u is not enabled", wanted->nsid);
	return namespace->backing;
}

static struct worker *find_worker(const struct state *state, const Nvmetd__CtlFault *wanted,
                                  struct refusal *refusal, uint32_t *ret_handle)
{
	const struct backing *backing = find_backing(state, wanted, refusal);
	struct worker *worker;

	if (!backing)
		return NULL;
	*ret_handle = backing->handle;
	worker = state_find_worker(state, backing->worker);
	if (!worker || !worker->peer)
		return refuse(refusal, "worker %s is not there now", backing->worker);
	return worker;
}

static bool rules_are_good(const Nvmetd__CtlFault *wanted, struct refusal *refusal)
{
	char reason[FAULT_REASON_SIZE];
	struct fault_rule rule;

	if (wanted->n_rules > FAULT_RULES_MAX) {
		refuse(refusal, "there may be %d rules", FAULT_RULES_MAX);
		return false;
	}
	for (size_t i = 0; i < wanted->n_rules; i++) {
		if (fault_rule_parse(wanted->rules[i], &rule, reason) == 0)
			continue;
		refuse(refusal, "rule %zu: %s; nothing is changed", i + 1, reason);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ asking */

static void pass_on(const struct question *question, const Nvmetd__CtlFault *wanted,
                    uint32_t handle)
{
	Nvmetd__WorkerFault fault = NVMETD__WORKER_FAULT__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	fault.handle = handle;
	fault.action = wanted->action;
	fault.rules = wanted->rules;
	fault.n_rules = wanted->n_rules;
	message.body_case = NVMETD__ENVELOPE__BODY_WORKER_FAULT;
	message.worker_fault = &fault;
	ipc_server_send(question->worker, question->worker_id, &message);
}

/* NULL: no memory. */
static struct question *question_new(struct state *state, struct ipc_peer *asker,
                                     struct ipc_peer *worker, uint64_t asked_id)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	question->asker = asker;
	question->worker = worker;
	question->asked_id = asked_id;
	question->worker_id = ipc_server_request_id(worker->server);
	question->deadline = LOOP_TIMER(deadline_passed);
	list_append(&state->faults, &question->link);
	if (loop_timer_set(state->loop, &question->deadline, clock_now_ns() + FAULT_DEADLINE_NS) ==
	    0)
		return question;
	question_free(question);
	return NULL;
}

void fault_ask(struct state *state, struct ipc_peer *asker, const envelope *message)
{
	const Nvmetd__CtlFault *wanted = message->ctl_fault;
	struct question *question = NULL;
	struct refusal refusal = {"there is not enough memory"};
	struct worker *worker;
	uint32_t handle = 0;

	worker = rules_are_good(wanted, &refusal) ? find_worker(state, wanted, &refusal, &handle)
	                                          : NULL;
	if (worker && count(state) >= FAULT_QUESTIONS)
		refuse(&refusal, "too many ask this at once");
	else if (worker)
		question = question_new(state, asker, worker->peer, message->request_id);
	if (question)
		pass_on(question, wanted, handle);
	else
		ipc_server_refuse(asker, message->request_id, refusal.text);
}

/* ------------------------------------------------------------------ answers */

void fault_answer(struct state *state, struct ipc_peer *worker, const envelope *message)
{
	list_for_each_safe (at, &state->faults) {
		struct question *question = container_of(at, struct question, link);
		envelope answer = NVMETD__ENVELOPE__INIT;

		if (question->worker != worker || question->worker_id != message->request_id)
			continue;
		answer.body_case = NVMETD__ENVELOPE__BODY_FAULT_REPLY;
		answer.fault_reply = message->fault_reply;
		ipc_server_send(question->asker, question->asked_id, &answer);
		question_free(question);
		return;
	}
}

void fault_forget(struct state *state, const struct ipc_peer *peer)
{
	list_for_each_safe (at, &state->faults) {
		struct question *question = container_of(at, struct question, link);

		if (question->worker == peer)
			ipc_server_refuse(question->asker,
			                  question->asked_id,
			                  "the worker went away before it answered");
		if (question->worker == peer || question->asker == peer)
			question_free(question);
	}
}

void fault_deinit(struct state *state)
{
	list_for_each_safe (at, &state->faults)
		question_free(container_of(at, struct question, link));
}
