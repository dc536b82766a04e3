/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/labels.h"

#include <math.h>

#define PLACES 8u

void labels_take(struct labels *labels, struct box box)
{
	if (labels->n_boxes < LABELS_BOXES)
		labels->boxes[labels->n_boxes++] = box;
}

void labels_avoid(struct labels *labels, struct segment line)
{
	if (labels->n_lines < LABELS_LINES)
		labels->lines[labels->n_lines++] = line;
}

static bool is_free(const struct labels *labels, struct box box)
{
	const struct box *frame = &labels->frame;

	if (box.left < frame->left || box.right > frame->right || box.top < frame->top ||
	    box.bottom > frame->bottom)
		return false;
	for (unsigned i = 0; i < labels->n_boxes; i++) {
		const struct box *other = &labels->boxes[i];

		if (box.left < other->right && box.right > other->left && box.top < other->bottom &&
		    box.bottom > other->top)
			return false;
	}
	return true;
}

/* One of the four edges of Liang and Barsky: what is left of the line's parameter range. */
static bool clip(double delta, double room, double *from, double *to)
{
	double at;

	if (delta == 0)
		return room >= 0;
	at = room / delta;
	if (delta < 0)
		*from = fmax(*from, at);
	else
		*to = fmin(*to, at);
	return *from <= *to;
}

static bool crosses(const struct segment *line, struct box box)
{
	double dx = line->x2 - line->x1, dy = line->y2 - line->y1;
	double from = 0, to = 1;

	return clip(-dx, line->x1 - box.left, &from, &to) &&
	       clip(dx, box.right - line->x1, &from, &to) &&
	       clip(-dy, line->y1 - box.top, &from, &to) &&
	       clip(dy, box.bottom - line->y1, &from, &to);
}

static unsigned count_crossings(const struct labels *labels, struct box box)
{
	unsigned n = 0;

	for (unsigned i = 0; i < labels->n_lines; i++)
		n += crosses(&labels->lines[i], box);
	return n;
}

/* Below, above, beside, and at the corners. */
static struct box place_around(struct box point, double width, double height, double gap,
                               unsigned which)
{
	static const signed char across[PLACES] = {0, 0, 1, -1, 1, -1, 1, -1};
	static const signed char down[PLACES] = {1, -1, 0, 0, 1, -1, -1, 1};
	double x = (point.left + point.right) / 2, y = (point.top + point.bottom) / 2;
	double half_width = (point.right - point.left) / 2 + gap + width / 2;
	double half_height = (point.bottom - point.top) / 2 + gap + height / 2;

	x += across[which] * half_width;
	y += down[which] * (across[which] ? half_height / 2 : half_height);
	return (struct box){x - width / 2, y - height / 2, x + width / 2, y + height / 2};
}

bool labels_place(struct labels *labels, struct box point, double width, double height, double gap,
                  struct box *ret_box)
{
	unsigned least = LABELS_LINES + 1;
	struct box best;

	for (unsigned i = 0; i < PLACES; i++) {
		struct box box = place_around(point, width, height, gap, i);
		unsigned crossings;

		if (!is_free(labels, box))
			continue;
		crossings = count_crossings(labels, box);
		if (crossings < least) {
			least = crossings;
			best = box;
		}
	}
	if (least > LABELS_LINES)
		return false;
	labels_take(labels, best);
	*ret_box = best;
	return true;
}
