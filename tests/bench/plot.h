/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

/*
 * plot - latency over IOPS of two sides, drawn as SVG.
 *
 * Shape     One panel for each work, below each other. In a panel each side has a line of p50 and a
 *           dashed one of p99, through its points in the order of their queue depths, which are
 *           written beside them where there is room. IOPS from 0, latency logarithmic.
 * Promise   Valid SVG 1.1 with nothing from elsewhere; its background is opaque, so it can be read
 *           in viewers of any colour. The same data gives the same bytes.
 * Trust     Titles and names are printable ASCII without <>&"'
 * Threads   one
 * Lifetime  values
 */
enum { PLOT_SIDES = 2, PLOT_POINTS = 16 };

struct plot_point {
	unsigned depth;
	double iops;
	double p50_us;
	double p99_us;
};

struct plot_side {
	const char *name;
	struct plot_point points[PLOT_POINTS];
	unsigned n;
};

struct plot_panel {
	char title[120];
	char subtitle[160];
	struct plot_side sides[PLOT_SIDES];
};

/* Panels without any point are left empty. What stdio has to complain of is the file's. */
void plot_write(FILE *file, const struct plot_panel *panels, unsigned n);

/* A distance of ticks, 1, 2 or 5 times a power of ten, that divides 0 to most into `ticks` parts at
 * most. */
double plot_step(double most, unsigned ticks);
