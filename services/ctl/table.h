/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * table - columns of text that fit.
 *
 * Shape     Cells in the order of reading; the first row is the heading.
 * Promise   Each column is as wide as its widest cell, apart from the last. Cells are printed
 *           escaped; an empty one as "-".
 * Trust     text may have come from hosts
 * Threads   one
 * Lifetime  table_print() empties it; what memory does not allow to add is left out
 */
struct table {
	unsigned n_columns;
	char **cells;
	size_t n_cells;
	size_t n_room;
};

/* Headings, separated by '|'. */
void table_begin(struct table *table, const char *headings);
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_print(struct table *table, FILE *out, unsigned indent);
