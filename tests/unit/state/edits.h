/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/edit.h"

/*
 * edits - operations on a configuration as tests write them, one a line.
 *
 * Shape     "create /ports/7", "delete /ports/7", "set /ports/7 addr traddr=::1 trsvcid=4420", with
 *           "-" for no group; "~" is a blank; a "/" in a name has a "\" before it.
 * Promise   none
 * Trust     ours
 * Threads   one
 * Lifetime  edits_free() frees what edits_new() made
 */
Nvmetd__CtlEdit *edits_new(const char *lines);
void edits_free(Nvmetd__CtlEdit *edit);
char **edits_path(const char *words, size_t *ret_count);
