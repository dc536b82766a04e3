/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/plot.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tests/bench/labels.h"

/* Of a panel, in pixels. */
#define WIDTH        860.0
#define HEIGHT       520.0
#define LEFT         84.0
#define RIGHT        (WIDTH - 28.0)
#define TOP          92.0
#define BOTTOM       (HEIGHT - 62.0)
#define X_TICKS      8u
#define LABEL_HEIGHT 12.0
#define DIGIT_WIDTH  6.6
#define MARK         4.0 /* half of a point's size */

static const char *const colours[PLOT_SIDES] = {"#1f5fbf", "#c2410c"};

struct scale {
	double iops_most;
	double us_least, us_most;
};

/* ------------------------------------------------------------------ scales */

double plot_step(double most, unsigned ticks)
{
	static const double factors[] = {1, 2, 5};
	double power;

	if (most <= 0)
		return 1;
	power = pow(10, floor(log10(most / ticks)));
	for (unsigned i = 0; i < 3; i++)
		if (most / (factors[i] * power) <= ticks)
			return factors[i] * power;
	return 10 * power;
}

/* The 1, 2 or 5 times a power of ten at or below (at or above) a figure. */
static double round_down(double value)
{
	double power = pow(10, floor(log10(value)));

	return value >= 5 * power ? 5 * power : value >= 2 * power ? 2 * power : power;
}

static double round_up(double value)
{
	double below = round_down(value);
	double lead = round(below / pow(10, floor(log10(below) + 1e-9)));

	return below >= value ? below : lead == 2 ? below * 2.5 : below * 2;
}

static void find_scale(const struct plot_panel *panel, struct scale *scale)
{
	double least = INFINITY, most = 0, iops = 0;

	for (unsigned i = 0; i < PLOT_SIDES; i++)
		for (unsigned j = 0; j < panel->sides[i].n; j++) {
			const struct plot_point *point = &panel->sides[i].points[j];

			least = fmin(least, point->p50_us);
			most = fmax(most, point->p99_us);
			iops = fmax(iops, point->iops);
		}
	scale->iops_most = iops > 0 ? iops * 1.04 : 1;
	scale->us_least = most > 0 && least > 0 ? round_down(least) : 1;
	scale->us_most = most > 0 ? round_up(most) : 10;
	if (scale->us_most <= scale->us_least)
		scale->us_most = scale->us_least * 10;
}

static double x_of(const struct scale *scale, double iops)
{
	return LEFT + iops / scale->iops_most * (RIGHT - LEFT);
}

static double y_of(const struct scale *scale, double us)
{
	double share = log(us / scale->us_least) / log(scale->us_most / scale->us_least);

	return BOTTOM - share * (BOTTOM - TOP);
}

/* ------------------------------------------------------------------ axes */

static void iops_words(double iops, char *ret_text, size_t text_size)
{
	if (iops >= 1e6)
		snprintf(ret_text, text_size, "%g M", iops / 1e6);
	else if (iops >= 1e3)
		snprintf(ret_text, text_size, "%g k", iops / 1e3);
	else
		snprintf(ret_text, text_size, "%g", iops);
}

static void us_words(double us, char *ret_text, size_t text_size)
{
	if (us >= 1e6)
		snprintf(ret_text, text_size, "%g s", us / 1e6);
	else if (us >= 1e3)
		snprintf(ret_text, text_size, "%g ms", us / 1e3);
	else
		snprintf(ret_text, text_size, "%g &#181;s", us);
}

static void draw_x_axis(FILE *file, const struct scale *scale)
{
	double step = plot_step(scale->iops_most, X_TICKS);
	char words[32];

	for (unsigned i = 0; i * step <= scale->iops_most; i++) {
		double x = x_of(scale, i * step);

		iops_words(i * step, words, sizeof(words));
		fprintf(file,
		        "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n"
		        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
		        x,
		        TOP,
		        BOTTOM,
		        x,
		        BOTTOM + 18,
		        words);
	}
	fprintf(file,
	        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">I/Os in a second</text>\n",
	        (LEFT + RIGHT) / 2,
	        BOTTOM + 42);
}

static void draw_y_axis(FILE *file, const struct scale *scale)
{
	double last_y = INFINITY;
	char words[32];

	for (double us = scale->us_least; us <= scale->us_most * 1.0001; us = round_up(us * 1.01)) {
		double y = y_of(scale, us);

		fprintf(file, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", LEFT, y, RIGHT);
		/* many decades are close together */
		if (last_y - y < LABEL_HEIGHT + 2)
			continue;
		us_words(us, words, sizeof(words));
		fprintf(file,
		        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
		        LEFT - 8,
		        y + 4,
		        words);
		last_y = y;
	}
	fprintf(file,
	        "<text transform=\"translate(20 %.1f) rotate(-90)\" "
	        "text-anchor=\"middle\">latency (logarithmic)</text>\n",
	        (TOP + BOTTOM) / 2);
}

/* ------------------------------------------------------------------ lines */

static struct box box_of_mark(double x, double y)
{
	return (struct box){x - MARK, y - MARK, x + MARK, y + MARK};
}

static double y_of_point(const struct scale *scale, const struct plot_point *point, bool is_p99)
{
	return y_of(scale, is_p99 ? point->p99_us : point->p50_us);
}

static void draw_mark(FILE *file, unsigned side, double x, double y)
{
	if (side == 0)
		fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", x, y, MARK);
	else
		fprintf(file,
		        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
		        x - MARK,
		        y - MARK,
		        2 * MARK,
		        2 * MARK);
}

static void draw_line(FILE *file, const struct scale *scale, const struct plot_side *side,
                      unsigned which, bool is_p99)
{
	if (!side->n)
		return;
	fprintf(file,
	        "<g stroke=\"%s\" fill=\"%s\">\n<path class=\"%s\" d=\"",
	        colours[which],
	        is_p99 ? "#ffffff" : colours[which],
	        is_p99 ? "p99" : "p50");
	for (unsigned i = 0; i < side->n; i++)
		fprintf(file,
		        "%c%.1f %.1f",
		        i ? 'L' : 'M',
		        x_of(scale, side->points[i].iops),
		        y_of_point(scale, &side->points[i], is_p99));
	fprintf(file, "\"/>\n");
	for (unsigned i = 0; i < side->n; i++)
		draw_mark(file,
		          which,
		          x_of(scale, side->points[i].iops),
		          y_of_point(scale, &side->points[i], is_p99));
	fprintf(file, "</g>\n");
}

/* ------------------------------------------------------------------ depths */

static void take_line(struct labels *labels, const struct scale *scale,
                      const struct plot_side *side, bool is_p99)
{
	double last_x = 0, last_y = 0;

	for (unsigned i = 0; i < side->n; i++) {
		double x = x_of(scale, side->points[i].iops);
		double y = y_of_point(scale, &side->points[i], is_p99);

		labels_take(labels, box_of_mark(x, y));
		if (i)
			labels_avoid(labels, (struct segment){last_x, last_y, x, y});
		last_x = x;
		last_y = y;
	}
}

static void draw_depth(FILE *file, struct labels *labels, unsigned side, unsigned depth, double x,
                       double y)
{
	const double width = DIGIT_WIDTH * floor(log10(depth) + 1);
	struct box box;

	if (!labels_place(labels, box_of_mark(x, y), width, LABEL_HEIGHT, 2, &box))
		return;
	fprintf(file,
	        "<text class=\"depth\" fill=\"%s\" x=\"%.1f\" y=\"%.1f\">%u</text>\n",
	        colours[side],
	        box.left,
	        box.bottom - 2,
	        depth);
}

static void draw_depths(FILE *file, const struct scale *scale, const struct plot_panel *panel)
{
	struct labels labels = {
		.frame = {LEFT, TOP, RIGHT, BOTTOM}
        };

	for (unsigned i = 0; i < PLOT_SIDES; i++) {
		take_line(&labels, scale, &panel->sides[i], false);
		take_line(&labels, scale, &panel->sides[i], true);
	}
	for (unsigned i = 0; i < PLOT_SIDES; i++)
		for (unsigned j = panel->sides[i].n; j-- > 0;) {
			const struct plot_point *point = &panel->sides[i].points[j];
			double x = x_of(scale, point->iops);

			draw_depth(file, &labels, i, point->depth, x, y_of(scale, point->p50_us));
			draw_depth(file, &labels, i, point->depth, x, y_of(scale, point->p99_us));
		}
}

/* ------------------------------------------------------------------ the whole */

static void draw_legend(FILE *file, const struct plot_panel *panel)
{
	double x = LEFT;

	for (unsigned i = 0; i < PLOT_SIDES; i++) {
		fprintf(file, "<g fill=\"%s\" stroke=\"%s\">\n", colours[i], colours[i]);
		draw_mark(file, i, x + MARK, TOP - 22);
		fprintf(file,
		        "</g>\n<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
		        x + 16,
		        TOP - 18,
		        panel->sides[i].name);
		/* a width that is enough for any letters */
		x += 16 + 8.2 * (double)strlen(panel->sides[i].name) + 26;
	}
	for (unsigned i = 0; i < 2; i++)
		fprintf(file,
		        "<path class=\"p%s\" stroke=\"#333333\" d=\"M%.1f %.1fh30\"/>\n"
		        "<text x=\"%.1f\" y=\"%.1f\">p%s</text>\n",
		        i ? "99" : "50",
		        RIGHT - 140 + 75 * i,
		        TOP - 22,
		        RIGHT - 140 + 75 * i + 36,
		        TOP - 18,
		        i ? "99" : "50");
}

static void draw_panel(FILE *file, const struct plot_panel *panel, unsigned which)
{
	struct scale scale;

	find_scale(panel, &scale);
	fprintf(file, "<g transform=\"translate(0 %.0f)\">\n", which * HEIGHT);
	fprintf(file,
	        "<text class=\"title\" x=\"%.1f\" y=\"28\">%s</text>\n"
	        "<text x=\"%.1f\" y=\"48\">%s</text>\n",
	        LEFT,
	        panel->title,
	        LEFT,
	        panel->subtitle);
	draw_legend(file, panel);
	draw_x_axis(file, &scale);
	draw_y_axis(file, &scale);
	fprintf(file,
	        "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n",
	        LEFT,
	        TOP,
	        BOTTOM,
	        RIGHT);
	for (unsigned i = 0; i < PLOT_SIDES; i++) {
		draw_line(file, &scale, &panel->sides[i], i, true);
		draw_line(file, &scale, &panel->sides[i], i, false);
	}
	draw_depths(file, &scale, panel);
	fprintf(file, "</g>\n");
}

void plot_write(FILE *file, const struct plot_panel *panels, unsigned n)
{
	fprintf(file,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" "
	        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" "
	        "font-size=\"13\" fill=\"#222222\">\n"
	        "<style>\n"
	        ".title { font-size: 17px; font-weight: bold }\n"
	        ".depth { font-size: 11px; stroke: #ffffff; stroke-width: 2.5px; "
	        "paint-order: stroke }\n"
	        ".grid { stroke: #e2e2e2; fill: none }\n"
	        ".axis { stroke: #444444; fill: none }\n"
	        ".p50 { stroke-width: 2px; fill: none }\n"
	        ".p99 { stroke-width: 1.5px; fill: none; stroke-dasharray: 6 4 }\n"
	        "</style>\n"
	        "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
	        WIDTH,
	        HEIGHT * n,
	        WIDTH,
	        HEIGHT * n);
	for (unsigned i = 0; i < n; i++)
		draw_panel(file, &panels[i], i);
	fprintf(file, "</svg>\n");
}
