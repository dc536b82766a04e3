/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-bench - loads NVMe/TCP namespaces, and measures, verifies or compares them.
 *
 * Holds     its connections. All of it is the host's side; it shares no code with the target.
 */
#include <stdlib.h>

#include "tests/bench/compare.h"
#include "tests/bench/measure.h"

int main(int argc, char **argv)
{
	struct options options;
	int r = options_parse(&options, argc, argv);

	if (r)
		return r == OPTIONS_E_DONE ? EXIT_SUCCESS : EXIT_USAGE;
	return options.is_compare ? compare(&options) : measure(&options);
}
