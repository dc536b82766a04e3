/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/view_faces.h"

#include <stdlib.h>
#include <string.h>

/* A host sees a namespace. */
struct glimpse {
	const char *host_nqn;
	uint32_t index;
};

static int in_order(const void *left, const void *right)
{
	const struct glimpse *a = left, *b = right;
	int order = strcmp(a->host_nqn, b->host_nqn);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static size_t count_glimpses(const Nvmetd__SubsystemView *view,
                             const struct config_namespace *const *masked)
{
	size_t count = 0;

	for (size_t i = 0; i < view->n_masked; i++)
		count += masked[i]->n_allowed_hosts;
	return count;
}

static void fill_glimpses(struct glimpse *glimpse, const Nvmetd__SubsystemView *view,
                          const struct config_namespace *const *masked)
{
	for (size_t i = 0; i < view->n_masked; i++)
		for (size_t j = 0; j < masked[i]->n_allowed_hosts; j++)
			*glimpse++ = (struct glimpse){masked[i]->allowed_hosts[j].nqn, (uint32_t)i};
}

static size_t count_hosts(const struct glimpse *glimpses, size_t count)
{
	size_t hosts = 0;

	for (size_t i = 0; i < count; i++)
		hosts += i == 0 || strcmp(glimpses[i - 1].host_nqn, glimpses[i].host_nqn) != 0;
	return hosts;
}

/* Returns how many of the glimpses are this host's; indices is where theirs go. */
static size_t put_face(Nvmetd__FaceView *face, const struct glimpse *glimpses, size_t count,
                       uint32_t *indices)
{
	size_t own = 0;

	nvmetd__face_view__init(face);
	face->host_nqn = (char *)glimpses[0].host_nqn;
	face->masked = indices;
	while (own < count && strcmp(glimpses[own].host_nqn, glimpses[0].host_nqn) == 0) {
		indices[own] = glimpses[own].index;
		own++;
	}
	face->n_masked = own;
	return own;
}

void view_faces_put(struct scratch *scratch, Nvmetd__SubsystemView *view,
                    const struct config_namespace *const *masked)
{
	size_t count = count_glimpses(view, masked);
	struct glimpse *glimpses = scratch_take(scratch, count * sizeof(*glimpses));
	uint32_t *indices = scratch_take(scratch, count * sizeof(*indices));

	if (!glimpses || !indices || count == 0)
		return;
	fill_glimpses(glimpses, view, masked);
	qsort(glimpses, count, sizeof(*glimpses), in_order);
	view->faces = (Nvmetd__FaceView **)scratch_array(
		scratch, count_hosts(glimpses, count), sizeof(**view->faces));
	for (size_t i = 0; view->faces && i < count;)
		i += put_face(view->faces[view->n_faces++], glimpses + i, count - i, indices + i);
}
