/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/checkup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/error.h"
#include "common/base/log.h"

#define FAREWELL_MS 300 /* for a thread that is just looking */

struct patient {
	char *path;
	bool is_known;
	struct health health;
};

struct checkup {
	const char *sysfs;
	void (*changed)(void *context);
	void *context;
	struct mailbox *control;
	struct letter letter;
	bool is_running;
	pthread_t thread;

	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t wake;
	bool is_ending;
	bool is_told; /* the letter is under way */
	bool is_new;  /* there are paths that were never looked at */
	struct patient *patients;
	size_t n_patients;
};

static void free_patients(struct patient *patients, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(patients[i].path);
	free(patients);
}

static int compare_path(const void *path, const void *patient)
{
	return strcmp(path, ((const struct patient *)patient)->path);
}

/* They are in the order of their paths, each of which is there once. NULL: it is not. */
static struct patient *find(const struct checkup *checkup, const char *path)
{
	if (checkup->n_patients == 0)
		return NULL;
	return bsearch(path,
	               checkup->patients,
	               checkup->n_patients,
	               sizeof(checkup->patients[0]),
	               compare_path);
}

/* ------------------------------------------------------------------ the thread */

static void deliver(struct letter *letter)
{
	struct checkup *checkup = container_of(letter, struct checkup, letter);

	pthread_mutex_lock(&checkup->lock);
	checkup->is_told = false;
	pthread_mutex_unlock(&checkup->lock);
	checkup->changed(checkup->context);
}

/* With the lock. */
static void note(struct checkup *checkup, const char *path, bool is_known,
                 const struct health *health)
{
	struct patient *patient = find(checkup, path);

	if (!patient || (patient->is_known == is_known &&
	                 (!is_known || health_is_same(&patient->health, health))))
		return;
	patient->is_known = is_known;
	patient->health = *health;
	if (!checkup->is_told && !checkup->is_ending) {
		checkup->is_told = true;
		mailbox_post(checkup->control, &checkup->letter, deliver);
	}
}

/* The i-th path, copied, as the list may change meanwhile; NULL: there is none. With the lock. */
static char *take_path(const struct checkup *checkup, size_t i)
{
	return i < checkup->n_patients && !checkup->is_ending ? strdup(checkup->patients[i].path)
	                                                      : NULL;
}

/* What devices have said in one round. */
struct answers {
	struct health *all;
	size_t n, room;
};

static const struct health *find_answer(const struct answers *answers, uint64_t device)
{
	for (size_t i = 0; i < answers->n; i++)
		if (answers->all[i].device == device)
			return &answers->all[i];
	return NULL;
}

/* Without memory the device is asked once more. */
static void keep_answer(struct answers *answers, const struct health *health)
{
	if (answers->n == answers->room) {
		size_t room = answers->room > 0 ? 2 * answers->room : 8;
		struct health *all = reallocarray(answers->all, room, sizeof(*all));

		if (!all)
			return;
		answers->all = all;
		answers->room = room;
	}
	answers->all[answers->n++] = *health;
}

static bool look_at(struct answers *answers, const char *sysfs, const char *path,
                    struct health *ret_health)
{
	const struct health *known;
	struct health_disk disk;

	if (!health_find(sysfs, path, &disk))
		return false;
	known = find_answer(answers, disk.device);
	if (known) {
		*ret_health = *known;
		return true;
	}
	*ret_health = health_ask(&disk);
	keep_answer(answers, ret_health);
	return true;
}

/* With the lock, but for the looking itself. */
static void look_at_all(struct checkup *checkup)
{
	struct answers answers = {0};
	char *path;

	checkup->is_new = false;
	for (size_t i = 0; (path = take_path(checkup, i)); i++) {
		struct health health = {0};
		bool is_known;

		pthread_mutex_unlock(&checkup->lock);
		is_known = look_at(&answers, checkup->sysfs, path, &health);
		pthread_mutex_lock(&checkup->lock);
		note(checkup, path, is_known, &health);
		free(path);
	}
	free(answers.all);
}

static void sleep_until_next(struct checkup *checkup)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CHECKUP_PERIOD_S;
	while (!checkup->is_ending && !checkup->is_new &&
	       pthread_cond_timedwait(&checkup->wake, &checkup->lock, &until) == 0)
		;
}

static void *run(void *argument)
{
	struct checkup *checkup = argument;

	pthread_mutex_lock(&checkup->lock);
	while (!checkup->is_ending) {
		look_at_all(checkup);
		sleep_until_next(checkup);
	}
	pthread_mutex_unlock(&checkup->lock);
	return NULL;
}

static int start(struct checkup *checkup)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&checkup->thread, NULL, run, checkup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return error_origin(-r);
	pthread_setname_np(checkup->thread, "checkup");
	checkup->is_running = true;
	return 0;
}

/* ------------------------------------------------------------------ the control thread */

static int compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Each once, in order; the strings are the caller's. */
static const char **sort(const char *const *paths, size_t n, size_t *ret_n)
{
	const char **sorted = calloc(n + 1, sizeof(*sorted));
	size_t kept = 0;

	if (!sorted)
		return NULL;
	if (n > 0) {
		memcpy(sorted, paths, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare);
	}
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(sorted[kept - 1], sorted[i]) != 0)
			sorted[kept++] = sorted[i];
	*ret_n = kept;
	return sorted;
}

static bool is_same(const struct checkup *checkup, const char *const *paths, size_t n)
{
	if (n != checkup->n_patients)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(paths[i], checkup->patients[i].path) != 0)
			return false;
	return true;
}

/* What is known of them stays known. */
static struct patient *copy_patients(const struct checkup *checkup, const char *const *paths,
                                     size_t n)
{
	struct patient *patients = calloc(n + 1, sizeof(*patients));

	for (size_t i = 0; patients && i < n; i++) {
		const struct patient *known = find(checkup, paths[i]);

		if (known)
			patients[i] = *known;
		patients[i].path = strdup(paths[i]);
		if (!patients[i].path) {
			free_patients(patients, i);
			return NULL;
		}
	}
	return patients;
}

/* With the lock. */
static int replace(struct checkup *checkup, const char *const *paths, size_t n)
{
	struct patient *patients;

	if (is_same(checkup, paths, n))
		return 0;
	patients = copy_patients(checkup, paths, n);
	if (!patients)
		return error_origin(-ENOMEM);
	for (size_t i = 0; i < n; i++)
		checkup->is_new |= !find(checkup, paths[i]);
	free_patients(checkup->patients, checkup->n_patients);
	checkup->patients = patients;
	checkup->n_patients = n;
	pthread_cond_signal(&checkup->wake);
	return 0;
}

int checkup_watch(struct checkup *checkup, const char *const *paths, size_t n)
{
	_cleanup_(cleanup_free) const char **sorted = sort(paths, n, &n);
	int r;

	if (!sorted)
		return error_origin(-ENOMEM);
	pthread_mutex_lock(&checkup->lock);
	r = replace(checkup, sorted, n);
	pthread_mutex_unlock(&checkup->lock);
	if (!r && n > 0 && !checkup->is_running)
		r = start(checkup);
	return r;
}

bool checkup_find(struct checkup *checkup, const char *path, struct health *ret_health)
{
	const struct patient *patient;
	bool found;

	pthread_mutex_lock(&checkup->lock);
	patient = find(checkup, path);
	found = patient && patient->is_known;
	if (found)
		*ret_health = patient->health;
	pthread_mutex_unlock(&checkup->lock);
	return found;
}

/* ------------------------------------------------------------------ life */

int checkup_new(struct checkup **ret_checkup, struct mailbox *control, const char *sysfs,
                void (*changed)(void *context), void *context)
{
	struct checkup *checkup = calloc(1, sizeof(*checkup));
	pthread_condattr_t monotonic;

	if (!checkup)
		return error_origin(-ENOMEM);
	checkup->control = control;
	checkup->sysfs = sysfs;
	checkup->changed = changed;
	checkup->context = context;
	pthread_mutex_init(&checkup->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&checkup->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*ret_checkup = checkup;
	return 0;
}

/* False: a device holds it up. */
static bool join(struct checkup *checkup)
{
	struct timespec until;

	pthread_mutex_lock(&checkup->lock);
	checkup->is_ending = true;
	pthread_cond_signal(&checkup->wake);
	pthread_mutex_unlock(&checkup->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += FAREWELL_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	return pthread_timedjoin_np(checkup->thread, NULL, &until) == 0;
}

/* The mailbox may go before the letter is delivered: nothing of it is looked at then. */
struct checkup *checkup_free(struct checkup *checkup)
{
	static struct checkup *left; /* reachable, for who looks for leaks */

	if (!checkup)
		return NULL;
	if (checkup->is_running && !join(checkup)) {
		log_warn("a device does not say how it is: leaving the question to the kernel");
		left = checkup;
		(void)left;
		return NULL;
	}
	if (checkup->is_told)
		list_remove(&checkup->letter.link);
	free_patients(checkup->patients, checkup->n_patients);
	pthread_cond_destroy(&checkup->wake);
	pthread_mutex_destroy(&checkup->lock);
	free(checkup);
	return NULL;
}
