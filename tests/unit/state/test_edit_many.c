/* SPDX-License-Identifier: BSD-2-Clause */
/* As many changes as there may be, in one transaction. */
#include "common/nvme/identify.h"
#include "services/state/edit.h"
#include "tests/unit/state/edits.h"
#include "tests/unit/state/stage.h"

#define NAMESPACES "/subsystems/" STAGE_SUBSYSTEM "/namespaces"

/* All that there may be, in one transaction: the state service must be alive in between. */
START_TEST(gives_a_thousand_numbers_that_are_free)
{
	enum { MANY = NVME_MAX_NAMESPACES - 3 }; /* three are there */
	static Nvmetd__CtlOperation *operations[MANY];
	struct edit_result result;
	struct report report = {0};
	Nvmetd__CtlEdit many = NVMETD__CTL_EDIT__INIT, *one = edits_new("create " NAMESPACES);

	for (size_t i = 0; i < MANY; i++)
		operations[i] = one->operations[0];
	many.operations = operations;
	many.n_operations = MANY;
	ck_assert_int_eq(edit_apply(&stage.state, &many, &report, &result), 0);
	ck_assert_uint_eq(result.n_created, MANY);
	ck_assert_str_eq(result.created[0], NAMESPACES "/3");
	ck_assert_str_eq(result.created[MANY - 1], NAMESPACES "/1024");
	edits_free(one);
	edit_result_deinit(&result);
	report_deinit(&report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("an edit");

	describe(suite,
	         "of very many objects",
	         stage_open,
	         stage_close,
	         gives_a_thousand_numbers_that_are_free);
	return run(suite);
}
