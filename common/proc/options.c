/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/proc/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"

/* getopt_long() says which option it found by a number; above any character. */
#define FIRST 1000

/* The option of that number, and its context. */
static const struct service_option *find(const struct option_group *groups, unsigned n_groups,
                                         unsigned number, void **ret_context)
{
	for (unsigned i = 0; i < n_groups; i++) {
		if (number < groups[i].n_options) {
			*ret_context = groups[i].context;
			return &groups[i].options[number];
		}
		number -= groups[i].n_options;
	}
	return NULL;
}

static void fill_table(struct option *table, const struct option_group *groups, unsigned n_groups)
{
	const struct service_option *option;
	void *context;

	for (unsigned i = 0; (option = find(groups, n_groups, i, &context)); i++) {
		must(i < OPTIONS_MAX);
		table[i] = (struct option){
			.name = option->name,
			.has_arg = option->argument ? required_argument : no_argument,
			.val = (int)(FIRST + i),
		};
	}
}

static int refuse(const char *what, const char *why)
{
	char safe[200];

	log_err("%s: %s; --help shows all options", log_safe(safe, sizeof(safe), what, 200), why);
	return SERVICE_E_USAGE;
}

static int take_value(const struct service_option *option, void *context, const char *value)
{
	char safe[200];

	if ((option->take)(context, value)) /* not the macro */
		return 0;
	log_err("--%s: \"%s\" cannot be: %s",
	        option->name,
	        log_safe(safe, sizeof(safe), value, 200),
	        option->help);
	return SERVICE_E_USAGE;
}

int options_parse(const struct option_group *groups, unsigned n_groups, int argc, char **argv)
{
	struct option table[OPTIONS_MAX + 1] = {0};
	const struct service_option *option;
	void *context = NULL;
	int found, r;

	fill_table(table, groups, n_groups);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while ((found = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
		if (found == ':')
			return refuse(argv[optind - 1], "needs a value");
		if (found < FIRST)
			return refuse(argv[optind - 1], "no such option, or not with a value");
		option = find(groups, n_groups, (unsigned)found - FIRST, &context);
		must(option);
		r = take_value(option, context, optarg);
		if (r)
			return r;
	}
	return optind < argc ? refuse(argv[optind], "is not an option") : 0;
}

void options_print(FILE *to, const struct option_group *groups, unsigned n_groups)
{
	const struct service_option *option;
	void *context;
	char left[64];

	for (unsigned i = 0; (option = find(groups, n_groups, i, &context)); i++) {
		snprintf(left,
		         sizeof(left),
		         "--%s %s",
		         option->name,
		         option->argument ? option->argument : "");
		fprintf(to, "  %-20s %s\n", left, option->help);
	}
}

bool option_number(const char *text, unsigned min, unsigned max, unsigned *ret_number)
{
	unsigned long number = 0;

	if (*text == '\0' || strlen(text) > 10)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = 10 * number + (unsigned long)(*text - '0');
	}
	if (number < min || number > max)
		return false;
	*ret_number = (unsigned)number;
	return true;
}
