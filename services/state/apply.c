/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/ana_change.h"
#include "services/state/change.h"
#include "services/state/discovery.h"
#include "services/state/hold.h"
#include "services/state/identity.h"
#include "services/state/journal.h"
#include "services/state/reconcile.h"
#include "services/state/reservations.h"
#include "services/state/retained.h"
#include "services/state/revisions.h"

/* A change on its way. */
struct plan {
	struct config config;
	struct identity identity;
	json_t *saved; /* the configuration, as it is kept */
	uint64_t revision;
	uint64_t revision_kept;
	uint64_t discovery_counter;
};

static void plan_deinit(struct plan *plan)
{
	config_deinit(&plan->config);
	identity_deinit(&plan->identity);
	json_decref(plan->saved);
}

/* What becomes of a backing. One that nobody used may be another file by now. */
static struct backing next_backing(const struct backing *backing)
{
	struct backing next = *backing;

	if (backing->wanted) {
		next.use = BACKING_USED;
		if (backing->use == BACKING_UNUSED)
			next.known = false;
	} else if (backing->use == BACKING_USED) {
		next.use = BACKING_LEAVING;
	}
	return next;
}

static int store_backings(struct state *state, const struct list *backings)
{
	int r = 0;

	list_for_each (at, (struct list *)backings) {
		const struct backing *backing = container_of(at, struct backing, link);
		struct backing next = next_backing(backing);

		if (next.use != backing->use)
			r = database_put_backing(state->database, &next);
		if (r)
			return r;
	}
	return 0;
}

/* New ones are not known to any host yet, so they count from here. */
static int store_subsystems(struct state *state, struct plan *plan)
{
	const struct config *before = &state->target.config;
	int r = 0;

	for (size_t i = 0; !r && i < plan->config.n_subsystems; i++) {
		const struct config_subsystem *after = &plan->config.subsystems[i];
		struct subsystem next = *after->subsystem;

		if (!change_of_namespaces(config_find_subsystem(before, after->nqn), after))
			continue;
		next.namespaces_revision = plan->revision;
		memcpy(next.serial, after->serial, sizeof(next.serial));
		r = database_put_subsystem(state->database, &next);
	}
	return r;
}

static int store(struct state *state, struct plan *plan)
{
	int r;

	plan->revision = state->target.revision + 1;
	plan->revision_kept = plan->revision + STATE_REVISION_STEP;
	plan->discovery_counter = state->target.discovery_counter;
	if (discovery_sum_of_all(&state->target.config) != discovery_sum_of_all(&plan->config))
		plan->discovery_counter++;
	r = database_store_config(state->database, plan->saved);
	if (!r)
		r = store_backings(state, &state->target.backings);
	if (!r)
		r = store_backings(state, &plan->identity.backings);
	if (!r)
		r = reservations_store(state, &plan->config);
	if (!r)
		r = retained_store(state->database, &plan->config);
	if (!r)
		r = store_subsystems(state, plan);
	if (!r)
		r = revisions_store(
			state->database, &state->target.config, &plan->config, plan->revision);
	if (!r)
		r = database_set_number(state->database, "revision", plan->revision_kept);
	if (!r)
		r = database_set_number(state->database, "config_revision", plan->revision);
	if (!r)
		r = database_set_number(
			state->database, "discovery_counter", plan->discovery_counter);
	return r;
}

/* The configuration in force says the same, in whatever order of keys. */
static bool is_same(const struct state *state, const struct plan *plan)
{
	json_t *now = config_save(&state->target.config);
	bool same = now && json_equal(now, plan->saved);

	json_decref(now);
	return same;
}

static int resolve(struct state *state, struct plan *plan)
{
	int r = identity_resolve(&plan->identity, &plan->config, &state->target, state->database);

	if (r)
		return r;
	plan->saved = config_save(&plan->config);
	return plan->saved ? 0 : error_origin(-ENOMEM);
}

/* From here on nothing can fail. */
static void install_backings(struct state *state, const struct plan *plan)
{
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);
		struct backing next = next_backing(backing);

		if (next.use == BACKING_LEAVING && backing->use != BACKING_LEAVING) {
			backing->leaving_revision = plan->revision;
			backing->leaving_until_ns = clock_now_ns() + RECONCILE_DRAIN_NS;
		}
		backing->use = next.use;
		backing->known = next.known;
	}
}

static void install_revisions(struct state *state, const struct plan *plan,
                              const struct config *before)
{
	for (size_t i = 0; i < plan->config.n_subsystems; i++) {
		const struct config_subsystem *after = &plan->config.subsystems[i];

		if (change_of_namespaces(config_find_subsystem(before, after->nqn), after))
			after->subsystem->namespaces_revision = plan->revision;
	}
	/* One that is made anew may be another. */
	for (size_t i = 0; i < before->n_subsystems; i++)
		if (!config_find_subsystem(&plan->config, before->subsystems[i].nqn))
			before->subsystems[i].subsystem->identified = false;
	state->target.revision = plan->revision;
	state->target.revision_kept = plan->revision_kept;
	state->target.discovery_counter = plan->discovery_counter;
}

static void install(struct state *state, struct plan *plan)
{
	struct config before = state->target.config;

	install_revisions(state, plan, &before);
	identity_install(&plan->identity, &plan->config, &state->target);
	install_backings(state, plan);
	state->target.config = plan->config;
	plan->config = CONFIG_NULL;
	reservations_install(state);
	log_info("configuration: revision %llu: %zu subsystems, %zu ports, %zu hosts",
	         (unsigned long long)plan->revision,
	         state->target.config.n_subsystems,
	         state->target.config.n_ports,
	         state->target.config.n_hosts);
	journal_configuration(&state->target, &before);
	if (state->held) {
		hold_end(state);
	} else {
		change_announce(state, &before);
		ana_change_begin(state, &before);
	}
	config_deinit(&before);
	reconcile(state);
}

/* The new configuration is an empty one, as it was, say. */
static void end_hold(struct state *state)
{
	if (!state->held)
		return;
	hold_end(state);
	reconcile(state);
}

/* Takes the plan's config. */
static int execute(struct state *state, struct plan *plan, uint64_t *ret_revision)
{
	int r = database_verify(state->database);

	if (!r)
		r = database_begin(state->database);
	if (!r)
		r = resolve(state, plan);
	if (!r && is_same(state, plan)) {
		database_rollback(state->database);
		*ret_revision = state->target.revision;
		end_hold(state);
		return 0;
	}
	if (!r)
		r = store(state, plan);
	if (!r)
		r = database_commit(state->database);
	if (r) {
		database_rollback(state->database);
		return r;
	}
	install(state, plan);
	database_copy(state->database); /* before it is acknowledged */
	*ret_revision = state->target.revision;
	return 0;
}

int apply_text(struct state *state, const char *text, struct report *report, uint64_t *ret_revision)
{
	_cleanup_(plan_deinit) struct plan plan = {.config = CONFIG_NULL};
	int r;

	identity_init(&plan.identity);
	r = config_parse(&plan.config, text, strlen(text), report);
	if (r)
		return r < 0 ? r : APPLY_E_WRONG;
	return execute(state, &plan, ret_revision);
}

int apply_config(struct state *state, struct config *config, uint64_t *ret_revision)
{
	_cleanup_(plan_deinit) struct plan plan = {.config = *config};

	*config = CONFIG_NULL;
	identity_init(&plan.identity);
	return execute(state, &plan, ret_revision);
}

int apply_clear(struct state *state, uint64_t *ret_revision)
{
	_cleanup_(plan_deinit) struct plan plan = {.config = CONFIG_NULL};

	identity_init(&plan.identity);
	return execute(state, &plan, ret_revision);
}

/* ------------------------------------------------------------------ at the start */

static int load_number(struct state *state, const char *key, uint64_t *ret_number)
{
	int r = database_get_number(state->database, key, ret_number);

	return r == DATABASE_E_NONE ? 0 : r;
}

static int read_config(struct state *state, struct config *ret_config)
{
	struct report report = {.file = "state.db", .mends = true};
	json_t *root;
	int r = database_load_config(state->database, &root);

	if (r)
		return r;
	r = config_read(ret_config, root, &report);
	for (unsigned i = 0; i < report_kept(&report.errors); i++)
		log_err("configuration: %s", report.errors.line[i]);
	for (unsigned i = 0; i < report_kept(&report.warnings); i++)
		if (report.warnings.line[i])
			log_warn("configuration: %s", report.warnings.line[i]);
	report_deinit(&report);
	json_decref(root);
	return r > 0 ? error_origin(-EINVAL) : r;
}

/* Identities are in the records already; should one not be, it is made. */
static int adopt_config(struct state *state, struct plan *plan)
{
	int r = database_begin(state->database);

	if (!r)
		r = identity_resolve(
			&plan->identity, &plan->config, &state->target, state->database);
	if (!r)
		r = store_backings(state, &state->target.backings);
	if (!r)
		r = store_backings(state, &plan->identity.backings);
	if (!r)
		r = database_commit(state->database);
	if (r) {
		database_rollback(state->database);
		return r;
	}
	plan->revision = state->target.revision;
	identity_install(&plan->identity, &plan->config, &state->target);
	install_backings(state, plan);
	state->target.config = plan->config;
	plan->config = CONFIG_NULL;
	return 0;
}

/* What was leaving when the predecessor ended has to be drained anew. */
static void resume_leaving(struct state *state)
{
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		backing->leaving_revision = state->target.revision;
		backing->leaving_until_ns = clock_now_ns() + RECONCILE_DRAIN_NS;
	}
}

int apply_load(struct state *state)
{
	_cleanup_(plan_deinit) struct plan plan = {.config = CONFIG_NULL};
	int r;

	identity_init(&plan.identity);
	r = database_load_records(state->database, &state->target);
	if (!r)
		r = identity_discovery(&state->target, state->database);
	if (!r)
		r = load_number(state, "revision", &state->target.revision);
	if (!r)
		r = load_number(state, "discovery_counter", &state->target.discovery_counter);
	if (r)
		return r;
	state->target.revision_kept = state->target.revision;
	r = read_config(state, &plan.config);
	if (!r)
		r = revisions_load(state->database, &plan.config);
	if (!r)
		r = adopt_config(state, &plan);
	if (!r)
		resume_leaving(state);
	if (!r)
		r = reservations_load(state);
	return r;
}
