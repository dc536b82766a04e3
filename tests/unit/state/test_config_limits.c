/* SPDX-License-Identifier: BSD-2-Clause */
/* "limits" in a configuration, and the attributes of subsystems that nvmet does not have. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define SUBSYSTEM(attr) "{\"subsystems\":\n[{\"nqn\": \"nqn.a\", \"attr\":\n{" attr "}}]}"

static void expect_saved(const char *text, const char *part, bool is_there)
{
	char *saved;

	expect_good(text);
	saved = config_text(&config);
	ck_assert_ptr_nonnull(saved);
	ck_assert_msg(!!strstr(saved, part) == is_there, "%s", saved);
	free(saved);
}

START_TEST(are_their_defaults_where_nothing_is_said)
{
	const struct limits standard = LIMITS_DEFAULT;

	expect_good("{}");
	ck_assert_mem_eq(&config.limits, &standard, sizeof(standard));
}
END_TEST

START_TEST(have_good_defaults)
{
	const struct limits standard = LIMITS_DEFAULT;

	for (size_t i = 0; i < limits_count; i++)
		ck_assert_msg(
			limit_is_good(&limits_table[i], limit_get(&standard, &limits_table[i])),
			"%s",
			limits_table[i].name);
}
END_TEST

START_TEST(are_taken_as_numbers_or_texts)
{
	expect_good("{\"limits\": {\"icreq_timeout_ms\": 500, \"crdt1\": \"7\"}}");
	ck_assert_uint_eq(config.limits.icreq_timeout_ms, 500);
	ck_assert_uint_eq(config.limits.crdt1, 7);
	ck_assert_uint_eq(config.limits.connect_timeout_ms, 10000);
}
END_TEST

START_TEST(are_saved_where_they_are_no_defaults)
{
	expect_saved("{\"limits\": {\"icreq_timeout_ms\": 500, \"crdt1\": 0}}",
	             "\"limits\": {\n    \"icreq_timeout_ms\": \"500\"\n  }",
	             true);
}
END_TEST

START_TEST(are_not_saved_where_all_are_defaults)
{
	expect_saved("{\"limits\": {\"crdt1\": 0}}", "limits", false);
}
END_TEST

START_TEST(warn_of_one_that_is_not_known)
{
	expect_good("{\"limits\": {\"patience\": 1}}");
	ck_assert_uint_eq(report.warnings.count, 1);
}
END_TEST

/* Each at its ends, and one step beyond them. */
START_TEST(are_refused_out_of_their_range)
{
	char text[128];

	for (size_t i = 0; i < limits_count; i++) {
		const struct limit *limit = &limits_table[i];

		snprintf(
			text, sizeof(text), "{\"limits\": {\"%s\": %u}}", limit->name, limit->most);
		expect_good(text);
		ck_assert_uint_eq(limit_get(&config.limits, limit), limit->most);
		forget_file();
		snprintf(text,
		         sizeof(text),
		         "{\"limits\": {\"%s\": %llu}}",
		         limit->name,
		         limit->most + 1ull);
		ck_assert_int_eq(parse_text(text), CONFIG_E_WRONG);
		forget_file();
		snprintf(text,
		         sizeof(text),
		         "{\"limits\": {\"%s\": %lld}}",
		         limit->name,
		         limit->least - 1ll);
		ck_assert_int_eq(parse_text(text), CONFIG_E_WRONG);
		forget_file();
	}
}
END_TEST

START_TEST(become_defaults_where_they_make_no_sense)
{
	struct limits limits = {.icreq_timeout_ms = 0, .host_connections = 5, .crdt1 = 70000};
	const struct limits standard = LIMITS_DEFAULT;

	limits_mend(&limits);
	ck_assert_uint_eq(limits.icreq_timeout_ms, standard.icreq_timeout_ms);
	ck_assert_uint_eq(limits.host_connections, 5);
	ck_assert_uint_eq(limits.crdt1, 0);
}
END_TEST

REFUSES(are_refused_if_they_are_no_object, "{\"limits\": []}", "f:1: limits: is no object")

/* ------------------------------------------------------------------ a subsystem */

START_TEST(has_dynamic_controllers)
{
	expect_saved(SUBSYSTEM(""), "controller_model", false);
	ck_assert(!config.subsystems[0].is_static);
	forget_file();
	expect_saved(SUBSYSTEM("\"controller_model\": \"dynamic\""), "controller_model", false);
}
END_TEST

START_TEST(has_static_controllers_where_it_says_so)
{
	expect_saved(SUBSYSTEM("\"controller_model\": \"static\", \"cntlid_max\": 4"),
	             "\"controller_model\": \"static\"",
	             true);
	ck_assert(config.subsystems[0].is_static);
}
END_TEST

REFUSES(has_no_other_model, SUBSYSTEM("\"controller_model\": \"both\""),
        "f:3: subsystems[0].attr.controller_model: may be \"dynamic\" or \"static\"")
REFUSES(has_not_too_many_static_controllers, SUBSYSTEM("\"controller_model\": \"static\""),
        "f:3: subsystems[0].attr.controller_model: is static, so that cntlid_min and cntlid_max "
        "say which controllers there are: 65519, and may be 1024")

START_TEST(lets_a_host_connect_twice)
{
	expect_saved(SUBSYSTEM("\"duplicate_host\": \"allow\""), "duplicate_host", false);
	ck_assert_int_eq(config.subsystems[0].duplicate_host, CONFIG_DUPLICATE_ALLOW);
}
END_TEST

START_TEST(does_with_duplicates_what_it_says)
{
	expect_saved(SUBSYSTEM("\"duplicate_host\": \"replace\""),
	             "\"duplicate_host\": \"replace\"",
	             true);
	ck_assert_int_eq(config.subsystems[0].duplicate_host, CONFIG_DUPLICATE_REPLACE);
	forget_file();
	expect_saved(SUBSYSTEM("\"duplicate_host\": \"refuse\""),
	             "\"duplicate_host\": \"refuse\"",
	             true);
	ck_assert_int_eq(config.subsystems[0].duplicate_host, CONFIG_DUPLICATE_REFUSE);
}
END_TEST

REFUSES(does_nothing_else_with_duplicates, SUBSYSTEM("\"duplicate_host\": \"both\""),
        "f:3: subsystems[0].attr.duplicate_host: may be \"allow\", \"replace\" or \"refuse\"")

START_TEST(cannot_be_reset_if_that_is_not_said)
{
	expect_saved(SUBSYSTEM(""), "enable_nssr", false);
	ck_assert(!config.subsystems[0].enable_nssr);
	forget_file();
	expect_saved(SUBSYSTEM("\"enable_nssr\": 1"), "\"enable_nssr\": \"1\"", true);
	ck_assert(config.subsystems[0].enable_nssr);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_limits");

	describe(suite,
	         "limits",
	         NULL,
	         forget_file,
	         are_their_defaults_where_nothing_is_said,
	         have_good_defaults,
	         are_taken_as_numbers_or_texts,
	         are_saved_where_they_are_no_defaults,
	         are_not_saved_where_all_are_defaults,
	         warn_of_one_that_is_not_known,
	         are_refused_out_of_their_range,
	         are_refused_if_they_are_no_object,
	         become_defaults_where_they_make_no_sense);
	describe(suite,
	         "a subsystem",
	         NULL,
	         forget_file,
	         has_dynamic_controllers,
	         has_static_controllers_where_it_says_so,
	         has_no_other_model,
	         has_not_too_many_static_controllers,
	         lets_a_host_connect_twice,
	         does_with_duplicates_what_it_says,
	         does_nothing_else_with_duplicates,
	         cannot_be_reset_if_that_is_not_said);
	return run(suite);
}
