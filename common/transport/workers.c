/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/workers.h"

#include <string.h>

#define MISSING_NS (200 * NS_PER_MS)

/* ------------------------------------------------------------------ making and letting go */

static struct worker_link *link_for(struct workers *workers, const struct view_worker *worker)
{
	for (unsigned i = 0; i < workers->n_all; i++) {
		struct worker_link *link = workers->all[i];

		if (strcmp(worker_link_name(link), worker->name) == 0) {
			worker_link_aim(link, worker);
			return link;
		}
	}
	if (workers->n_all == WORKERS_LINKS_MAX ||
	    worker_link_new(&workers->all[workers->n_all], workers->owner, worker))
		return NULL;
	return workers->all[workers->n_all++];
}

static bool is_wanted(const struct workers *workers, const struct worker_link *link)
{
	for (unsigned i = 0; workers->view && i < workers->view->n_workers; i++)
		if (workers->links[i] == link)
			return true;
	return false;
}

static void trim(struct workers *workers)
{
	for (unsigned i = 0; i < workers->n_all;) {
		struct worker_link *link = workers->all[i];

		if (is_wanted(workers, link) || !worker_link_is_idle(link)) {
			i++;
			continue;
		}
		worker_link_free(link);
		workers->all[i] = workers->all[--workers->n_all];
	}
}

/* For want of memory, or of a place in the table, one may have to be tried again. */
static void make_links(struct workers *workers)
{
	struct loop *loop = workers->owner->loop;
	bool has_all = true;

	for (unsigned i = 0; i < workers->view->n_workers; i++) {
		if (!workers->links[i])
			workers->links[i] = link_for(workers, &workers->view->workers[i]);
		has_all &= workers->links[i] != NULL;
	}
	if (!has_all)
		loop_timer_set(loop, &workers->missing_timer, loop_now_ns(loop) + MISSING_NS);
}

static void try_again(struct loop_timer *timer)
{
	struct workers *workers = container_of(timer, struct workers, missing_timer);

	make_links(workers);
	workers->tried_again(workers);
}

void workers_show(struct workers *workers, const struct view *view)
{
	workers->view = view;
	memset(workers->links, 0, sizeof(workers->links));
	make_links(workers);
	for (unsigned i = 0; i < workers->n_all; i++)
		worker_link_see(workers->all[i]);
	trim(workers);
}

void workers_init(struct workers *workers, const struct worker_link_owner *owner,
                  void (*tried_again)(struct workers *workers))
{
	*workers = (struct workers){
		.owner = owner,
		.missing_timer = LOOP_TIMER(try_again),
		.tried_again = tried_again,
	};
}

void workers_deinit(struct workers *workers)
{
	loop_timer_clear(&workers->missing_timer);
	workers->view = NULL;
	trim(workers);
}

/* ------------------------------------------------------------------ lost connections */

void workers_doubt(struct workers *workers)
{
	for (unsigned i = 0; i < workers->n_all; i++)
		worker_link_doubt(workers->all[i]);
}

bool workers_are_doubted(struct workers *workers)
{
	for (unsigned i = 0; i < workers->n_all; i++)
		if (!worker_link_is_doubted(workers->all[i]))
			return false;
	return true;
}

/* ------------------------------------------------------------------ a round */

unsigned workers_look(struct workers *workers)
{
	unsigned n = 0;

	for (unsigned i = 0; i < workers->n_all; i++)
		n += worker_link_look(workers->all[i]);
	return n;
}

bool workers_push(struct workers *workers)
{
	unsigned n_idle = 0, n = workers->n_all;

	for (unsigned i = 0; i < n; i++) {
		worker_link_push(workers->all[i]);
		n_idle += worker_link_is_idle(workers->all[i]);
	}
	if (n_idle > 0 && workers->view && n > workers->view->n_workers)
		trim(workers);
	return n_idle < n;
}

bool workers_sleep(struct workers *workers)
{
	for (unsigned i = 0; i < workers->n_all; i++)
		if (!worker_link_sleep(workers->all[i]))
			return false;
	return true;
}

void workers_wake(struct workers *workers)
{
	for (unsigned i = 0; i < workers->n_all; i++)
		worker_link_wake(workers->all[i]);
}
