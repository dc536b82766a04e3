/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/log.h"

#define CELL_MAX 1024

static bool make_room(struct table *table)
{
	size_t room = table->n_room ? 2 * table->n_room : 64;
	char **cells;

	if (table->n_cells < table->n_room)
		return true;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return false;
	table->cells = cells;
	table->n_room = room;
	return true;
}

static void add_text(struct table *table, const char *text, size_t length)
{
	char safe[CELL_MAX];
	char *cell;

	log_safe(safe, sizeof(safe), length > 0 ? text : "-", length > 0 ? length : 1);
	cell = strdup(safe);
	if (cell && make_room(table))
		table->cells[table->n_cells++] = cell;
	else
		free(cell);
}

void table_begin(struct table *table, const char *headings)
{
	*table = (struct table){0};
	for (;;) {
		size_t length = strcspn(headings, "|");

		table->n_columns++;
		add_text(table, headings, length);
		if (headings[length] == '\0')
			return;
		headings += length + 1;
	}
}

void table_add(struct table *table, const char *format, ...)
{
	_cleanup_(cleanup_free) char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		text = NULL;
	add_text(table, text ? text : "", length > 0 ? (size_t)length : 0);
}

static size_t width_of(const struct table *table, unsigned column)
{
	size_t width = 0;

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t length = strlen(table->cells[i]);

		if (length > width)
			width = length;
	}
	return width;
}

void table_print(struct table *table, FILE *out, unsigned indent)
{
	for (size_t i = 0; i < table->n_cells; i++) {
		unsigned column = (unsigned)(i % table->n_columns);
		bool last = column + 1 == table->n_columns || i + 1 == table->n_cells;

		if (column == 0)
			fprintf(out, "%*s", (int)indent, "");
		if (last)
			fprintf(out, "%s\n", table->cells[i]);
		else
			fprintf(out, "%-*s  ", (int)width_of(table, column), table->cells[i]);
	}
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){0};
}
