/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * limits - prints what hosts may take: each limit, what holds, its default and its range.
 *
 * Shape     common/nvme/limits.h's table, with what a configuration says.
 * Promise   All of them are there, in the order of the table.
 * Trust     the text is nvmetd-state's
 * Threads   one
 * Lifetime  none
 */

/* text: nvmetcli's JSON. False: it is none. */
bool limits_print(FILE *out, const char *text);
