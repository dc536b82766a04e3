/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/protect.h"

#include "common/base/log.h"
#include "services/state/change.h"
#include "services/state/features.h"
#include "services/state/journal.h"

static bool is_meant(const struct admin_request *request, const struct config_namespace *namespace)
{
	uint32_t nsid = le32_get(request->command->nsid);

	return (nsid == NVME_NSID_ALL || nsid == namespace->nsid) &&
	       namespace_is_seen(namespace, request->session);
}

static bool is_wanted(const struct admin_request *request)
{
	return NVME_WPS(le32_get(request->command->cdw11)) == NVME_WPS_PROTECTED;
}

static bool is_news(const struct admin_request *request)
{
	const struct config_subsystem *subsystem = request->subsystem;

	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		if (is_meant(request, &subsystem->namespaces[i]) &&
		    subsystem->namespaces[i].backing->write_protected != is_wanted(request))
			return true;
	return false;
}

/* That there is something to tell is in the same transaction: if we die before we have told it, our
 * successor tells it, and the command, when it is asked again, has nothing new to say. */
static int store_revision(struct state *state, const struct admin_request *request,
                          uint64_t revision)
{
	struct subsystem next = *request->subsystem->subsystem;

	next.namespaces_revision = revision;
	return database_put_subsystem(state->database, &next);
}

/* In one transaction. */
static int store(struct state *state, const struct admin_request *request, uint64_t revision)
{
	const struct config_subsystem *subsystem = request->subsystem;
	int r = database_begin(state->database);

	for (size_t i = 0; !r && i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = &subsystem->namespaces[i];

		if (is_meant(request, namespace))
			r = database_put_protection(
				state->database, namespace->backing->handle, is_wanted(request));
	}
	if (!r)
		r = store_revision(state, request, revision);
	if (!r)
		r = database_commit(state->database);
	if (r)
		database_rollback(state->database);
	return r;
}

static void record(const struct admin_request *request)
{
	const struct nvme_command *command = request->command;
	const struct nvme_event_set_feature event = {
		.layout = le32_of(NVME_EVENT_DWORDS),
		.cdw = {command->cdw10,
	                command->cdw11,
	                command->cdw12,
	                command->cdw13,
	                command->cdw14,
	                command->cdw15},
	};

	journal_record(request->subsystem->subsystem,
	               NVME_EVENT_SET_FEATURE,
	               request->session,
	               &event,
	               sizeof(event));
}

static void take_over(struct state *state, const struct admin_request *request,
                      const struct config_namespace *namespace)
{
	struct backing *backing = namespace->backing;
	char host[NVME_NQN_SIZE];

	if (backing->write_protected == is_wanted(request))
		return;
	backing->write_protected = is_wanted(request);
	log_info("namespace %s:%u: %s, as host %s wants it",
	         backing->nqn,
	         backing->nsid,
	         backing->write_protected ? "is write protected"
	                                  : "is not write protected any more",
	         log_safe(host,
	                  sizeof(host),
	                  request->session->host_nqn,
	                  sizeof(request->session->host_nqn)));
	change_announce_namespace(state, backing, false);
	record(request);
}

static int protect(struct state *state, const struct admin_request *request)
{
	const struct config_subsystem *subsystem = request->subsystem;
	uint64_t revision = state_next_revision(state);
	int r = store(state, request, revision);

	if (r)
		return r;
	subsystem->subsystem->namespaces_revision = revision;
	database_copy(state->database); /* before it is acknowledged */
	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		if (is_meant(request, &subsystem->namespaces[i]))
			take_over(state, request, &subsystem->namespaces[i]);
	return 0;
}

/* One that wants what is so already may be asked again after our death: it waits as well, but
 * writes nothing, since a host can send it as often as it likes. */
void protect_execute(struct state *state, const struct admin_request *request,
                     struct admin_reply *reply)
{
	if (is_news(request) && protect(state, request) != 0)
		reply->status = status_of(NVME_SC_INTERNAL);
	else
		reply->drains = true;
}
