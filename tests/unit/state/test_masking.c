/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces that only some hosts see: in the file, in the views, and who is told of a change. */
#include <string.h>

#include "services/state/ana.h"
#include "services/state/view.h"
#include "services/state/visibility.h"
#include "tests/unit/state/stage.h"

#define THIRD_HOST "nqn.2014-08.org.nvmexpress:uuid:33333333-3333-4333-8333-333333333333"

static struct session *ours, *others;

static void restore_with(const char *words)
{
	char part[512], *text;

	snprintf(part, sizeof(part), "{\"nsid\": 1, %s, \"enable\": 1", words);
	text = stage_edit(stage_config, "{\"nsid\": 1, \"enable\": 1", part);
	stage_restore(text);
	free(text);
}

static void given_two_hosts(void)
{
	stage_open();
	restore_with("\"allowed_hosts\": [\"" THIRD_HOST "\", \"" STAGE_HOST "\"]");
	stage_ready();
	ours = stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	others = stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM);
}

/* ------------------------------------------------------------------ the file */

static const struct config_namespace *masked(void)
{
	return stage_namespace(STAGE_SUBSYSTEM, 1);
}

START_TEST(are_found_whatever_their_order)
{
	ck_assert(namespace_is_visible(masked(), STAGE_HOST));
	ck_assert(namespace_is_visible(masked(), THIRD_HOST));
	ck_assert(!namespace_is_visible(masked(), STAGE_OTHER));
}
END_TEST

START_TEST(are_saved)
{
	char *text = config_text(&stage.state.target.config), *again;

	ck_assert_ptr_nonnull(strstr(text, THIRD_HOST));
	ck_assert_ptr_null(strstr(text, "auto_visible"));
	stage_restore(text);
	again = config_text(&stage.state.target.config);
	ck_assert_str_eq(text, again);
	free(text);
	free(again);
}
END_TEST

START_TEST(may_be_none)
{
	char *text;

	restore_with("\"auto_visible\": \"0\"");
	ck_assert(!namespace_is_visible(masked(), STAGE_HOST));
	text = config_text(&stage.state.target.config);
	ck_assert_ptr_nonnull(strstr(text, "\"auto_visible\": \"0\""));
	free(text);
}
END_TEST

START_TEST(are_not_named_twice)
{
	char *text = stage_edit(stage_config,
	                        "{\"nsid\": 1,",
	                        "{\"nsid\": 1, \"allowed_hosts\": [\"" STAGE_HOST
	                        "\", \"" STAGE_HOST "\"],");
	struct report report = {.file = "f", .text = text};
	struct config config = CONFIG_NULL;

	ck_assert_int_eq(config_parse(&config, text, strlen(text), &report), CONFIG_E_WRONG);
	ck_assert_ptr_nonnull(strstr(report.errors.line[0], "has \"" STAGE_HOST "\" twice"));
	report_deinit(&report);
	free(text);
}
END_TEST

/* ------------------------------------------------------------------ views */

START_TEST(is_apart_in_the_view_of_a_transport)
{
	static const uint8_t token[16];
	const struct view_token worker = {"io-0", "/run/io-0.sock", token};
	struct scratch scratch = SCRATCH_NULL;
	const Nvmetd__TransportView *view = view_of_transport(
		&scratch, &stage.state.target, "tcp", &worker, 1);
	const Nvmetd__SubsystemView *subsystem = view->subsystems[1];

	ck_assert_str_eq(subsystem->nqn, STAGE_SUBSYSTEM);
	ck_assert_uint_eq(subsystem->n_namespaces, 1);
	ck_assert_uint_eq(subsystem->namespaces[0]->nsid, 2);
	ck_assert_uint_eq(subsystem->n_masked, 1);
	ck_assert_uint_eq(subsystem->masked[0]->nsid, 1);
	ck_assert_uint_eq(subsystem->n_faces, 2);
	ck_assert_str_eq(subsystem->faces[0]->host_nqn, STAGE_HOST);
	ck_assert_str_eq(subsystem->faces[1]->host_nqn, THIRD_HOST);
	ck_assert_uint_eq(subsystem->faces[1]->n_masked, 1);
	ck_assert_uint_eq(subsystem->faces[1]->masked[0], 0);
	scratch_deinit(&scratch);
}
END_TEST

/* ------------------------------------------------------------------ changes */

START_TEST(that_grows_is_told_to_those_who_see_it)
{
	stage_ready_with(2000); /* namespace 2 as well, which both see */
	ck_assert(ours->changed[0] & 1);
	ck_assert(!(others->changed[0] & 1));
	ck_assert(others->changed[0] & 2);
}
END_TEST

START_TEST(is_told_to_those_for_whom_it_comes_or_goes)
{
	restore_with("\"allowed_hosts\": [\"" STAGE_HOST "\"]"); /* the third is not here */
	ck_assert_uint_eq(ours->events | others->events, 0);
	restore_with("\"allowed_hosts\": [\"" STAGE_HOST "\", \"" STAGE_OTHER "\"]");
	ck_assert_uint_eq(ours->events, 0);
	ck_assert_uint_eq(others->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
	restore_with("\"allowed_hosts\": [\"" STAGE_OTHER "\"]");
	ck_assert_uint_eq(ours->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
}
END_TEST

START_TEST(is_told_later_to_those_who_were_away)
{
	const struct subsystem *subsystem = target_find_subsystem_named(&stage.state.target,
	                                                                STAGE_SUBSYSTEM);
	uint64_t before = subsystem->namespaces_revision;

	restore_with("\"allowed_hosts\": [\"" STAGE_OTHER "\"]");
	ck_assert_uint_gt(subsystem->namespaces_revision, before);
}
END_TEST

START_TEST(is_in_the_ana_log_of_those_who_see_it)
{
	static uint8_t log[ANA_LOG_MAX];
	const struct config *config = &stage.state.target.config;
	const struct config_subsystem *subsystem = config_find_subsystem(config, STAGE_SUBSYSTEM);
	const struct config_port *port = config_find_port(config, 1);
	size_t with = ana_log_build(log, port, subsystem, ours, 1, false);

	ck_assert_uint_eq(with - ana_log_build(log, port, subsystem, others, 1, false), 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("masking");

	describe(suite,
	         "the hosts of a masked namespace",
	         given_two_hosts,
	         stage_close,
	         are_found_whatever_their_order,
	         are_saved,
	         may_be_none,
	         are_not_named_twice);
	describe(suite,
	         "a masked namespace",
	         given_two_hosts,
	         stage_close,
	         is_apart_in_the_view_of_a_transport,
	         that_grows_is_told_to_those_who_see_it,
	         is_told_to_those_for_whom_it_comes_or_goes,
	         is_told_later_to_those_who_were_away,
	         is_in_the_ana_log_of_those_who_see_it);
	return run(suite);
}
