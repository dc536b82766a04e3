/* SPDX-License-Identifier: BSD-2-Clause */
/* A plot has every point at its place, and no label on another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/labels.h"
#include "tests/bench/plot.h"
#include "tests/support/spec.h"

static struct plot_panel panel;
static struct labels labels;
static char *svg;

static void draw(unsigned n)
{
	struct plot_panel panels[2] = {panel, panel};
	size_t size;
	FILE *file = open_memstream(&svg, &size);

	ck_assert_ptr_nonnull(file);
	plot_write(file, panels, n);
	ck_assert_int_eq(fclose(file), 0);
}

static void given_two_sides(void)
{
	panel = (struct plot_panel){
		.title = "randread",
		.subtitle = "1 connection",
		.sides = {
			  {.name = "quick",
	                 .n = 3,
	                 .points = {{1, 10000, 10, 20}, {4, 50000, 20, 50}, {16, 100000, 50, 100}}},
			  {.name = "slow",
	                 .n = 2,
	                 .points = {{1, 5000, 20, 50}, {16, 40000, 100, 1000}}}}
        };
}

static void forget_the_plot(void)
{
	free(svg);
	svg = NULL;
}

static unsigned count(const char *text)
{
	unsigned n = 0;

	for (const char *at = svg; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

/* The line that is drawn as `style` says: its points. */
static void read_line(const char *style, double *ret_xs, double *ret_ys, unsigned n)
{
	const char *at = strstr(svg, style);

	ck_assert_ptr_nonnull(at);
	at += strlen(style);
	for (unsigned i = 0; i < n; i++) {
		char *end;

		ck_assert_int_eq(*at, i ? 'L' : 'M');
		ret_xs[i] = strtod(at + 1, &end);
		ret_ys[i] = strtod(end, &end);
		at = end;
	}
	ck_assert_int_eq(*at, '"');
}

#define QUICK_P50 "stroke=\"#1f5fbf\" fill=\"#1f5fbf\">\n<path class=\"p50\" d=\""
#define QUICK_P99 "stroke=\"#1f5fbf\" fill=\"#ffffff\">\n<path class=\"p99\" d=\""
#define SLOW_P50  "stroke=\"#c2410c\" fill=\"#c2410c\">\n<path class=\"p50\" d=\""
#define SLOW_P99  "stroke=\"#c2410c\" fill=\"#ffffff\">\n<path class=\"p99\" d=\""
#define PIXEL     0.2

START_TEST(has_iops_to_scale)
{
	double xs[3], ys[3], others[2];

	draw(1);
	read_line(QUICK_P50, xs, ys, 3);
	ck_assert_double_eq_tol((xs[2] - xs[0]) / (xs[1] - xs[0]), 90.0 / 40, 0.01);
	read_line(SLOW_P50, others, ys, 2);
	ck_assert_double_eq_tol(others[1] - others[0], (xs[2] - xs[0]) * 35 / 90, PIXEL);
}
END_TEST

START_TEST(has_logarithmic_latencies)
{
	double xs[3], p50[3], p99[3], slow[2];

	draw(1);
	read_line(QUICK_P50, xs, p50, 3); /* 10, 20, 50 us */
	read_line(QUICK_P99, xs, p99, 3); /* 20, 50, 100 us */
	read_line(SLOW_P99, xs, slow, 2); /* 50, 1000 us */
	ck_assert_double_eq_tol(p99[0], p50[1], PIXEL);
	ck_assert_double_eq_tol(slow[0], p99[1], PIXEL);
	/* a decade is as high as another, and up is slow */
	ck_assert_double_gt(p50[0], p99[2]);
	ck_assert_double_eq_tol(p50[0] - p99[2], p99[2] - slow[1], PIXEL);
}
END_TEST

START_TEST(says_who_is_who)
{
	draw(1);
	ck_assert_uint_eq(count(">quick</text>"), 1);
	ck_assert_uint_eq(count(">slow</text>"), 1);
	ck_assert_uint_eq(count(">randread</text>"), 1);
	ck_assert_uint_eq(count(">1 connection</text>"), 1);
	ck_assert_uint_eq(count(">p50</text>"), 1);
	ck_assert_uint_eq(count(">p99</text>"), 1);
}
END_TEST

START_TEST(says_the_depth_at_each_point)
{
	draw(1);
	ck_assert_uint_eq(count(">16</text>"), 4);
	ck_assert_uint_eq(count(">4</text>"), 2);
}
END_TEST

START_TEST(has_ticks_with_units)
{
	draw(1);
	ck_assert_uint_eq(count(">20 k</text>"), 1);
	ck_assert_uint_eq(count(">100 k</text>"), 1);
	ck_assert_uint_eq(count(">10 &#181;s</text>"), 1);
	ck_assert_uint_eq(count(">200 &#181;s</text>"), 1);
	ck_assert_uint_eq(count(">1 ms</text>"), 1);
}
END_TEST

START_TEST(stands_alone)
{
	draw(1);
	ck_assert_uint_eq(count("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"), 1);
	ck_assert_uint_eq(count("href"), 0);
	ck_assert_uint_eq(count("url("), 0);
	ck_assert_uint_eq(count("<text"), count("</text>"));
	ck_assert_uint_eq(count("<g "), count("</g>"));
}
END_TEST

START_TEST(has_its_panels_below_each_other)
{
	draw(2);
	ck_assert_uint_eq(count(">randread</text>"), 2);
	ck_assert_uint_eq(count("translate(0 520)"), 1);
	ck_assert_uint_eq(count("height=\"1040\""), 1);
}
END_TEST

START_TEST(has_finite_figures_where_all_is_the_same)
{
	panel.sides[0].n = panel.sides[1].n = 1;
	panel.sides[0].points[0] = panel.sides[1].points[0] = (struct plot_point){1, 100, 10, 10};
	draw(1);
	ck_assert_uint_eq(count("nan"), 0);
	ck_assert_uint_eq(count("inf"), 0);
	ck_assert_uint_eq(count("class=\"p50\" d=\"M"), 2);
}
END_TEST

START_TEST(may_be_empty)
{
	panel.sides[0].n = panel.sides[1].n = 0;
	draw(1);
	ck_assert_uint_eq(count("nan"), 0);
	ck_assert_uint_eq(count("inf"), 0);
	ck_assert_uint_eq(count("</svg>"), 1);
}
END_TEST

START_TEST(has_steps_of_one_two_and_five)
{
	ck_assert_double_eq_tol(plot_step(100, 10), 10, 1e-9);
	ck_assert_double_eq_tol(plot_step(100, 8), 20, 1e-9);
	ck_assert_double_eq_tol(plot_step(100, 4), 50, 1e-9);
	ck_assert_double_eq_tol(plot_step(541000, 8), 100000, 1e-4);
	ck_assert_double_eq_tol(plot_step(0.9, 8), 0.2, 1e-9);
	ck_assert_double_eq_tol(plot_step(0, 8), 1, 1e-9);
}
END_TEST

/* ------------------------------------------------------------------ labels */

static const struct box point = {48, 48, 52, 52};
static struct box place;

static void given_a_point_in_a_frame(void)
{
	labels = (struct labels){
		.frame = {0, 0, 100, 100}
        };
	labels_take(&labels, point);
}

static bool place_label(void)
{
	return labels_place(&labels, point, 20, 10, 2, &place);
}

START_TEST(stands_below_its_point)
{
	ck_assert(place_label());
	ck_assert_double_eq(place.left, 40);
	ck_assert_double_eq(place.right, 60);
	ck_assert_double_eq(place.top, 54);
	ck_assert_double_eq(place.bottom, 64);
}
END_TEST

START_TEST(stands_elsewhere_where_another_is)
{
	struct box first;

	ck_assert(place_label());
	first = place;
	ck_assert(place_label());
	ck_assert(place.bottom <= first.top || place.left >= first.right ||
	          place.right <= first.left);
}
END_TEST

START_TEST(stands_nowhere_if_all_is_taken)
{
	unsigned n = 0;

	while (place_label())
		ck_assert_uint_lt(n++, 8);
	ck_assert_uint_ge(n, 2);
}
END_TEST

START_TEST(stays_in_the_frame)
{
	labels.frame = (struct box){0, 0, 100, 53};
	ck_assert(place_label());
	ck_assert_double_le(place.bottom, 53);
}
END_TEST

START_TEST(crosses_no_line_if_it_need_not)
{
	labels_avoid(&labels, (struct segment){0, 60, 100, 60});
	labels_avoid(&labels, (struct segment){50, 0, 50, 47});
	ck_assert(place_label());
	ck_assert(place.left >= 50 || place.right <= 50);
	ck_assert(place.bottom <= 60);
}
END_TEST

START_TEST(crosses_a_line_if_it_must)
{
	for (unsigned y = 0; y <= 100; y += 5)
		labels_avoid(&labels, (struct segment){0, y, 100, y});
	ck_assert(place_label());
}
END_TEST

START_TEST(minds_lines_only_where_they_are)
{
	labels_avoid(&labels, (struct segment){0, 60, 39, 60});
	labels_avoid(&labels, (struct segment){61, 100, 100, 50});
	ck_assert(place_label());
	ck_assert_double_eq(place.top, 54);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plot");

	describe(suite,
	         "a plot of two sides",
	         given_two_sides,
	         forget_the_plot,
	         has_iops_to_scale,
	         has_logarithmic_latencies,
	         says_who_is_who,
	         says_the_depth_at_each_point,
	         has_ticks_with_units,
	         stands_alone,
	         has_its_panels_below_each_other,
	         has_finite_figures_where_all_is_the_same,
	         may_be_empty,
	         has_steps_of_one_two_and_five);
	describe(suite,
	         "a label",
	         given_a_point_in_a_frame,
	         NULL,
	         stands_below_its_point,
	         stands_elsewhere_where_another_is,
	         stands_nowhere_if_all_is_taken,
	         stays_in_the_frame,
	         crosses_no_line_if_it_need_not,
	         crosses_a_line_if_it_must,
	         minds_lines_only_where_they_are);
	return run(suite);
}
