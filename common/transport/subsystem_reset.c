/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/subsystem_reset.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/transport/admin.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"

struct subsystem_reset {
	struct list link; /* in the transport's */
	uint32_t subsystem;
	uint64_t at_ns;
	bool is_untold; /* the state service has not taken it yet */
};

static struct subsystem_reset *find(const struct transport *transport, uint32_t subsystem)
{
	list_for_each (at, (struct list *)&transport->subsystem_resets) {
		struct subsystem_reset *reset = container_of(at, struct subsystem_reset, link);

		if (reset->subsystem == subsystem)
			return reset;
	}
	return NULL;
}

/* One that is there already is from now on the later of the two. NULL: no memory. */
static struct subsystem_reset *note(struct transport *transport, uint32_t subsystem, uint64_t at_ns)
{
	struct subsystem_reset *reset = find(transport, subsystem);

	if (!reset) {
		reset = calloc(1, sizeof(*reset));
		if (!reset)
			return NULL;
		reset->subsystem = subsystem;
		list_append(&transport->subsystem_resets, &reset->link);
	}
	if (reset->at_ns < at_ns)
		reset->at_ns = at_ns;
	return reset;
}

static void forget(struct subsystem_reset *reset)
{
	list_remove(&reset->link);
	free(reset);
}

static void carry_out(struct transport *transport, uint32_t subsystem, uint64_t at_ns)
{
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (controller->subsystem == subsystem && controller->reset_ns < at_ns)
			admin_reset_by_subsystem(transport, controller);
	}
}

/* Queues may still come over to a controller that a predecessor has left. */
static bool are_all_here(const struct transport *transport)
{
	return list_is_empty(&transport->heirs) && transport->n_adopting == 0;
}

static void tell(struct transport *transport, const struct subsystem_reset *reset)
{
	Nvmetd__SubsystemReset told = NVMETD__SUBSYSTEM_RESET__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	told.subsystem = reset->subsystem;
	told.at_ns = reset->at_ns;
	message.body_case = NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET;
	message.subsystem_reset = &told;
	transport_tell(transport, &message);
}

void subsystem_reset_begin(struct transport *transport, uint32_t subsystem, struct task *task)
{
	const struct controller *controller = task->seat->controller;
	struct subsystem_reset *reset = note(transport, subsystem, clock_boot_ns());

	if (!reset) {
		task_refuse(task, status_of(NVME_SC_INTERNAL));
		return;
	}
	if (controller_is_news(controller))
		log_warn("%s: its host resets the subsystem", controller->name);
	reset->is_untold = true;
	task->status = STATUS_OK;
	task_return(task);
	tell(transport, reset);
	if (are_all_here(transport))
		carry_out(transport, subsystem, reset->at_ns);
}

void subsystem_reset_take(struct transport *transport, const Nvmetd__SubsystemReset *message)
{
	struct subsystem_reset *reset = find(transport, message->subsystem);

	if (reset && reset->at_ns <= message->at_ns)
		reset->is_untold = false;
	if (!are_all_here(transport)) {
		if (!note(transport, message->subsystem, message->at_ns))
			ipc_client_start_over(transport->client, "there was no memory for a reset");
		return;
	}
	carry_out(transport, message->subsystem, message->at_ns);
	if (reset && !reset->is_untold)
		forget(reset);
}

void subsystem_reset_tell_again(struct transport *transport)
{
	list_for_each (at, &transport->subsystem_resets) {
		const struct subsystem_reset *reset = container_of(
			at, struct subsystem_reset, link);

		if (reset->is_untold)
			tell(transport, reset);
	}
}

void subsystem_reset_catch_up(struct transport *transport)
{
	list_for_each_safe (at, &transport->subsystem_resets) {
		struct subsystem_reset *reset = container_of(at, struct subsystem_reset, link);

		carry_out(transport, reset->subsystem, reset->at_ns);
		if (!reset->is_untold)
			forget(reset);
	}
}

/* ------------------------------------------------------------------ to a successor, from one */

static bool add(Nvmetd__HandoverHead *head, const struct subsystem_reset *reset)
{
	Nvmetd__SubsystemReset *message = malloc(sizeof(*message));

	if (!message)
		return false;
	nvmetd__subsystem_reset__init(message);
	message->subsystem = reset->subsystem;
	message->at_ns = reset->at_ns;
	head->subsystem_resets[head->n_subsystem_resets++] = message;
	return true;
}

bool subsystem_reset_list(const struct transport *transport, Nvmetd__HandoverHead *head)
{
	size_t n = 0;

	list_for_each (at, (struct list *)&transport->subsystem_resets)
		n++;
	head->subsystem_resets = calloc(n + 1, sizeof(head->subsystem_resets[0]));
	if (!head->subsystem_resets)
		return false;
	list_for_each (at, (struct list *)&transport->subsystem_resets)
		if (!add(head, container_of(at, struct subsystem_reset, link)))
			return false;
	return true;
}

void subsystem_reset_unlist(Nvmetd__HandoverHead *head)
{
	for (size_t i = 0; i < head->n_subsystem_resets; i++)
		nvmetd__subsystem_reset__free_unpacked(head->subsystem_resets[i], NULL);
	free(head->subsystem_resets);
	head->subsystem_resets = NULL;
	head->n_subsystem_resets = 0;
}

/* What the state service knows already it hears once more. */
void subsystem_reset_inherit(struct transport *transport, const Nvmetd__HandoverHead *head)
{
	for (size_t i = 0; i < head->n_subsystem_resets; i++) {
		const Nvmetd__SubsystemReset *message = head->subsystem_resets[i];
		struct subsystem_reset *reset = note(transport, message->subsystem, message->at_ns);

		if (reset)
			reset->is_untold = true;
	}
}

void subsystem_reset_forget(struct transport *transport)
{
	list_for_each_safe (at, &transport->subsystem_resets)
		forget(container_of(at, struct subsystem_reset, link));
}
