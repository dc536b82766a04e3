/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "services/state/health.h"
#include "services/state/journal.h"

/* What is worth an event of the Persistent Event log. Nothing that a host can bring about without
 * end, or without a write to the database anyway, is. */

/* ------------------------------------------------------------------ power on */

void journal_power_on(struct target *target)
{
	for (size_t i = 0; i < target->config.n_subsystems; i++) {
		const struct config_subsystem *subsystem = &target->config.subsystems[i];
		struct nvme_event_power_on event;

		memset(event.firmware, ' ', sizeof(event.firmware));
		memcpy(event.firmware,
		       subsystem->firmware,
		       strnlen(subsystem->firmware, sizeof(event.firmware)));
		subsystem->subsystem->power_cycles++;
		journal_record(
			subsystem->subsystem, NVME_EVENT_POWER_ON, NULL, &event, sizeof(event));
	}
}

/* ------------------------------------------------------------------ namespaces */

static void record_namespace(struct subsystem *subsystem, const struct config_namespace *namespace,
                             bool is_gone)
{
	struct nvme_event_namespace event = {
		.cdw10 = le32_of(is_gone),
		.nsze = le64_of(namespace->backing->blocks),
		.ncap = le64_of(namespace->backing->blocks),
		.nmic = 1,
		.anagrpid = le32_of(namespace->ana_group),
		.nsid = le32_of(namespace->nsid),
	};

	journal_record(subsystem, NVME_EVENT_NAMESPACE, NULL, &event, sizeof(event));
}

static const struct config_namespace *find(const struct config_subsystem *subsystem, uint32_t nsid)
{
	return subsystem ? subsystem_find_active(subsystem, NULL, nsid) : NULL;
}

/* Those of `these` that the others do not have, or have on another store. */
static void record_difference(struct subsystem *record, const struct config_subsystem *these,
                              const struct config_subsystem *others, bool is_gone)
{
	for (size_t i = 0; i < these->n_namespaces; i++) {
		const struct config_namespace *namespace = &these->namespaces[i], *other;

		if (!namespace_is_active(namespace))
			continue;
		other = find(others, namespace->nsid);
		if (!other || other->backing != namespace->backing)
			record_namespace(record, namespace, is_gone);
	}
}

void journal_configuration(struct target *target, const struct config *before)
{
	for (size_t i = 0; i < before->n_subsystems; i++) {
		const struct config_subsystem *was = &before->subsystems[i];

		record_difference(was->subsystem,
		                  was,
		                  config_find_subsystem(&target->config, was->nqn),
		                  true);
	}
	for (size_t i = 0; i < target->config.n_subsystems; i++) {
		const struct config_subsystem *is = &target->config.subsystems[i];

		record_difference(is->subsystem, is, config_find_subsystem(before, is->nqn), false);
	}
}

static const struct config_subsystem *find_subsystem(const struct target *target,
                                                     const struct backing *backing)
{
	return config_find_subsystem(&target->config, backing->nqn);
}

void journal_appeared(struct target *target, const struct backing *backing)
{
	const struct config_subsystem *subsystem = find_subsystem(target, backing);
	const struct config_namespace *namespace = find(subsystem, backing->nsid);

	if (namespace && namespace->backing == backing)
		record_namespace(subsystem->subsystem, namespace, false);
}

/* ------------------------------------------------------------------ health */

void journal_health(struct target *target, const struct backing *backing)
{
	const struct config_subsystem *subsystem = find_subsystem(target, backing);
	const struct log_counts nothing = {0};
	struct nvme_log_smart log;

	if (!subsystem)
		return;
	log_smart_build(&log, &nothing, &backing->health);
	journal_record(subsystem->subsystem, NVME_EVENT_HEALTH, NULL, &log, sizeof(log));
}
