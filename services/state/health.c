/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/health.h"

#include "services/state/event.h"

static void add(struct log_health *sum, const struct log_health *said)
{
	sum->critical_warning |= said->critical_warning;
	sum->endurance_warning |= said->critical_warning & NVME_WARNING_ENDURANCE;
	if (said->temperature > sum->temperature)
		sum->temperature = said->temperature;
	if (said->used > sum->used)
		sum->used = said->used;
	/* the one that is nearest to its threshold */
	if (said->spare - said->spare_threshold < sum->spare - sum->spare_threshold) {
		sum->spare = said->spare;
		sum->spare_threshold = said->spare_threshold;
	}
}

static bool is_watched(const struct config_namespace *namespace, const struct session *session)
{
	return namespace_is_seen(namespace, session) && namespace->backing->has_health;
}

/* Read-only is what all media are; where only some are so, that is a loss of reliability. */
static uint8_t refine(uint8_t warning, bool all_read_only)
{
	if (!(warning & NVME_WARNING_READ_ONLY) || all_read_only)
		return warning;
	return (uint8_t)((warning & ~NVME_WARNING_READ_ONLY) | NVME_WARNING_RELIABILITY);
}

static uint8_t judge_temperature(const struct session *session, uint16_t temperature)
{
	const struct session_features *features = &session->features;

	if (temperature == 0)
		return 0;
	return temperature >= features->over_temperature ||
	                       temperature <= features->under_temperature
	               ? NVME_WARNING_TEMPERATURE
	               : 0;
}

/* All but the media errors. */
static struct log_health compose(const struct config_subsystem *subsystem,
                                 const struct session *session)
{
	struct log_health sum = LOG_HEALTH_GOOD;
	bool all_read_only = true;

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = &subsystem->namespaces[i];
		const struct log_health *said;

		if (!namespace_is_seen(namespace, session))
			continue;
		said = &namespace->backing->health;
		all_read_only &= namespace->backing->has_health &&
		                 said->critical_warning & NVME_WARNING_READ_ONLY;
		if (namespace->backing->has_health)
			add(&sum, said);
	}
	sum.critical_warning = refine(sum.critical_warning, all_read_only);
	sum.critical_warning |= judge_temperature(session, sum.temperature);
	return sum;
}

static bool is_counted(const struct config_subsystem *subsystem, const struct session *session,
                       size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (is_watched(&subsystem->namespaces[i], session) &&
		    subsystem->namespaces[i].backing->device ==
		            subsystem->namespaces[before].backing->device)
			return true;
	return false;
}

struct log_health health_of(const struct config_subsystem *subsystem, const struct session *session)
{
	struct log_health sum = compose(subsystem, session);

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = &subsystem->namespaces[i];
		uint64_t room = UINT64_MAX - sum.media_errors, errors;

		if (!is_watched(namespace, session))
			continue;
		errors = namespace->backing->health.media_errors;
		if (errors == 0 || is_counted(subsystem, session, i))
			continue;
		sum.media_errors += errors < room ? errors : room;
	}
	return sum;
}

struct log_health health_of_one(const struct config_namespace *namespace,
                                const struct session *session)
{
	struct log_health health = LOG_HEALTH_GOOD;

	if (namespace->backing->has_health)
		health = namespace->backing->health;
	health.endurance_warning = health.critical_warning & NVME_WARNING_ENDURANCE;
	health.critical_warning |= judge_temperature(session, health.temperature);
	return health;
}

/* ------------------------------------------------------------------ events */

static const struct {
	uint8_t warning;
	enum session_event event;
} kinds[] = {
	{NVME_WARNING_SPARE,						      SESSION_EVENT_SPARE      },
	{NVME_WARNING_TEMPERATURE,						SESSION_EVENT_TEMPERATURE},
	{NVME_WARNING_RELIABILITY | NVME_WARNING_READ_ONLY | NVME_WARNING_BACKUP,
         SESSION_EVENT_RELIABILITY									 },
};

bool health_consider(struct session *session, const struct config_subsystem *subsystem)
{
	uint8_t warning = compose(subsystem, session).critical_warning;
	uint8_t fresh = (uint8_t)(warning & ~session->warned);

	if (warning == session->warned)
		return false;
	session->warned = warning;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (fresh & kinds[i].warning)
			event_raise(session, kinds[i].event);
	return true;
}
