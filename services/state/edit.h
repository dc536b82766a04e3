/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "proto/nvmetd.pb-c.h"
#include "services/state/object.h"
#include "services/state/report.h"
#include "services/state/state.h"

/*
 * edit - changes of single objects of the configuration in force, as one transaction.
 *
 * Shape     What is in force, as JSON; the operations on it, one after the other; then what came of
 *           it is read, checked and applied like any other configuration (apply.h).
 * Promise   All operations, or none. Rules between objects need hold only when all are done.
 *           What an attribute is called and may be is nobody's knowledge but the readers'
 *           (shape.h). What is wrong is said of the object's path, and of the operation where it
 *           can be told. While the state service holds back (hold.h) nothing is edited: one small
 *           change would end all that is served, and does not mean to.
 * Trust     the operations are an operator's: names and values may be anything
 * Threads   one; waits for the disk
 * Lifetime  edit_result_deinit()
 * Returns   0, a negative errno, or
 */
#define EDIT_OPERATIONS_MAX 65536

enum edit_error {
	EDIT_E_WRONG = 1, /* the report says what */
};

struct edit_result {
	uint64_t revision;
	char **created; /* paths of what was made, in the order of the operations */
	size_t n_created;
	unsigned operation; /* that is to blame, from 1; 0: not known */
};

/* The report need not be anything but zero; it has words for warnings, too. */
int edit_apply(struct state *state, const Nvmetd__CtlEdit *edit, struct report *report,
               struct edit_result *ret_result);
void edit_result_deinit(struct edit_result *result);

/* One operation, on the JSON only; *ret_created is free()d by the caller. */
int edit_operate(const struct object_tree *tree, const Nvmetd__CtlOperation *operation,
                 struct report *report, char **ret_created);
