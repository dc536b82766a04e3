/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * labels - where the words of a drawing may stand.
 *
 * Shape     Boxes that are taken, by points and by other words, and lines that are better not
 *           crossed, within a frame; all in pixels.
 * Promise   No label lies on a taken box. It crosses a line only if each place around its point
 * would. Trust     none Threads   one Lifetime  a value, zeroed but for its frame
 */
enum { LABELS_BOXES = 128, LABELS_LINES = 128 };

struct box {
	double left, top, right, bottom;
};

struct segment {
	double x1, y1, x2, y2;
};

struct labels {
	struct box frame;
	struct box boxes[LABELS_BOXES];
	unsigned n_boxes;
	struct segment lines[LABELS_LINES];
	unsigned n_lines;
};

/* What does not fit is forgotten: a label may lie there. */
void labels_take(struct labels *labels, struct box box);
void labels_avoid(struct labels *labels, struct segment line);
/* A place for a label beside the box of its point, `gap` away; it is taken then. False: there is
 * none. */
bool labels_place(struct labels *labels, struct box point, double width, double height, double gap,
                  struct box *ret_box);
