/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/spread.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread spread_of(double *values, unsigned n)
{
	if (n == 0)
		return (struct spread){0};
	qsort(values, n, sizeof(*values), ascending);
	return (struct spread){
		.median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2,
		.least = values[0],
		.most = values[n - 1],
	};
}

struct spread spread_of_ratios(double *a, const double *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		a[i] /= b[i];
	return spread_of(a, n);
}
