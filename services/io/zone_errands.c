/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zone_errands.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/log.h"

struct zone_errands {
	const struct zone_device *device;
	pthread_t thread;
	struct log_limit complaints; /* the thread's */

	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t wake;
	struct list line;
	bool is_ending;
};

/* ------------------------------------------------------------------ the thread */

/* Each write to a device that is gone ends here. */
static void look(struct zone_errands *errands, struct zone_errand *errand)
{
	char reason[160] = "";
	int r = zone_device_report(
		errands->device, errand->zone, 1, &errand->found, reason, sizeof(reason));

	errand->is_found = r == 0;
	if (r && log_allowed(&errands->complaints, 5, 10000))
		log_warn("zone %u of a device cannot be looked at: %s",
		         errand->zone,
		         r < 0 ? error_words(r) : reason);
}

/* All at once, which the kernel can do faster; where that fails, one after the other. Those that
 * have undergone it already do so again, which changes nothing. */
static void send_action(const struct zone_device *device, struct zone_errand *errand)
{
	errand->n_done = errand->count;
	errand->result = zone_device_send(device, errand->zone, errand->count, errand->action);
	if (!errand->result)
		return;
	errand->n_done = 0;
	while (errand->count > 1 && errand->n_done < errand->count) {
		errand->result = zone_device_send(
			device, errand->zone + errand->n_done, 1, errand->action);
		if (errand->result)
			return;
		errand->n_done++;
	}
}

static void run_errand(struct zone_errands *errands, struct zone_errand *errand)
{
	errand->result = 0;
	errand->is_found = false;
	if (errand->action)
		send_action(errands->device, errand);
	if (errand->count == 1)
		look(errands, errand);
	errand->done(errand);
}

/* With the lock. NULL: it is the end. */
static struct zone_errand *wait_for_one(struct zone_errands *errands)
{
	while (list_is_empty(&errands->line) && !errands->is_ending)
		pthread_cond_wait(&errands->wake, &errands->lock);
	return list_is_empty(&errands->line)
	               ? NULL
	               : container_of(list_take_first(&errands->line), struct zone_errand, link);
}

static void *run(void *argument)
{
	struct zone_errands *errands = argument;
	struct zone_errand *errand;

	pthread_mutex_lock(&errands->lock);
	while ((errand = wait_for_one(errands))) {
		pthread_mutex_unlock(&errands->lock);
		run_errand(errands, errand);
		pthread_mutex_lock(&errands->lock);
	}
	pthread_mutex_unlock(&errands->lock);
	return NULL;
}

static int start(struct zone_errands *errands)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&errands->thread, NULL, run, errands);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return error_origin(-r);
	pthread_setname_np(errands->thread, "zones");
	return 0;
}

/* ------------------------------------------------------------------ others */

void zone_errands_give(struct zone_errands *errands, struct zone_errand *errand)
{
	pthread_mutex_lock(&errands->lock);
	list_append(&errands->line, &errand->link);
	pthread_cond_signal(&errands->wake);
	pthread_mutex_unlock(&errands->lock);
}

static struct zone_errands *destroy(struct zone_errands *errands)
{
	pthread_cond_destroy(&errands->wake);
	pthread_mutex_destroy(&errands->lock);
	free(errands);
	return NULL;
}

int zone_errands_new(struct zone_errands **ret_errands, const struct zone_device *device)
{
	struct zone_errands *errands = calloc(1, sizeof(*errands));
	int r;

	if (!errands)
		return error_origin(-ENOMEM);
	errands->device = device;
	pthread_mutex_init(&errands->lock, NULL);
	pthread_cond_init(&errands->wake, NULL);
	list_init(&errands->line);
	r = start(errands);
	if (r) {
		destroy(errands);
		return error_trace(r);
	}
	*ret_errands = errands;
	return 0;
}

struct zone_errands *zone_errands_free(struct zone_errands *errands)
{
	if (!errands)
		return NULL;
	must(list_is_empty(&errands->line));
	pthread_mutex_lock(&errands->lock);
	errands->is_ending = true;
	pthread_cond_signal(&errands->wake);
	pthread_mutex_unlock(&errands->lock);
	pthread_join(errands->thread, NULL);
	return destroy(errands);
}
