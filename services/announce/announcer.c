/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/announcer.h"

#include <errno.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/announce/status.h"

#define CDCS_MAX      16
#define LISTENERS_MAX 1024

struct announcer {
	struct service *service;
	struct ipc_client *client;
	char state_path[108];
	Nvmetd__AnnounceView *view; /* NULL: none yet */
	struct mdns mdns;
	struct list registrars; /* those that end are in it until they have */
	struct loop_hook hook;
};

/* ------------------------------------------------------------------ registrars */

static bool is_wanted(const struct registrar *registrar, const Nvmetd__AnnounceView *view)
{
	for (size_t i = 0; i < view->n_cdcs; i++)
		if (registrar_is_for(registrar, view->cdcs[i], view))
			return true;
	return false;
}

/* One that ends is waited for: what it takes back must not be what its successor has registered. */
static bool is_there(const struct announcer *announcer, const Nvmetd__AnnounceCdc *cdc)
{
	list_for_each (at, (struct list *)&announcer->registrars)
		if (registrar_is_at(container_of(at, struct registrar, link), cdc))
			return true;
	return false;
}

static void add_registrar(struct announcer *announcer, const Nvmetd__AnnounceCdc *cdc)
{
	struct registrar *registrar = registrar_new(announcer->service->loop, cdc, announcer->view);

	if (registrar)
		list_append(&announcer->registrars, &registrar->link);
	else
		log_err("CDC %s: not registered: there is not enough memory for it", cdc->traddr);
}

static void add_registrars(struct announcer *announcer)
{
	const Nvmetd__AnnounceView *view = announcer->view;

	for (size_t i = 0; view && i < view->n_cdcs; i++)
		if (!is_there(announcer, view->cdcs[i]))
			add_registrar(announcer, view->cdcs[i]);
}

static void follow_view(struct announcer *announcer)
{
	const Nvmetd__AnnounceView *view = announcer->view;

	list_for_each (at, &announcer->registrars) {
		struct registrar *registrar = container_of(at, struct registrar, link);

		if (is_wanted(registrar, view))
			registrar_update(registrar, view);
		else if (!registrar->is_ending)
			registrar_end(registrar);
	}
	add_registrars(announcer);
	mdns_update(&announcer->mdns, view);
}

static bool drop_ended(struct announcer *announcer)
{
	bool found = false;

	list_for_each_safe (at, &announcer->registrars) {
		struct registrar *registrar = container_of(at, struct registrar, link);

		if (!registrar_has_ended(registrar))
			continue;
		registrar_free(registrar);
		found = true;
	}
	return found;
}

static void round_ends(struct loop_hook *hook)
{
	struct announcer *announcer = container_of(hook, struct announcer, hook);

	if (drop_ended(announcer))
		add_registrars(announcer);
}

/* ------------------------------------------------------------------ the state service */

/* A copy, as the envelope is freed after the call; NULL if there is no memory. */
static Nvmetd__AnnounceView *copy(const Nvmetd__AnnounceView *view)
{
	size_t length = nvmetd__announce_view__get_packed_size(view);
	_cleanup_(cleanup_free) uint8_t *bytes = malloc(length + 1);

	if (!bytes)
		return NULL;
	nvmetd__announce_view__pack(view, bytes);
	return nvmetd__announce_view__unpack(NULL, length, bytes);
}

static void apply_view(struct announcer *announcer, const Nvmetd__AnnounceView *given)
{
	Nvmetd__AnnounceView *before = announcer->view, *view;

	if (given->n_cdcs > CDCS_MAX || given->n_listeners > LISTENERS_MAX) {
		log_warn("state service: its view makes no sense, and is passed over");
		return;
	}
	view = copy(given);
	if (!view) {
		ipc_client_start_over(announcer->client,
		                      "there was no memory for what to announce");
		return;
	}
	announcer->view = view;
	follow_view(announcer);
	if (before)
		nvmetd__announce_view__free_unpacked(before, NULL);
	service_says(announcer->service,
	             "%zu listeners, mDNS %s, %zu CDCs",
	             view->n_listeners,
	             view->mdns ? "on" : "off",
	             view->n_cdcs);
}

static void received(void *context, const envelope *message)
{
	struct announcer *announcer = context;

	switch ((int)message->body_case) {
	case NVMETD__ENVELOPE__BODY_ANNOUNCE_VIEW:
		apply_view(announcer, message->announce_view);
		return;
	case NVMETD__ENVELOPE__BODY_STATUS_REQUEST:
		status_send(announcer->client,
		            message->request_id,
		            &announcer->mdns,
		            &announcer->registrars);
		return;
	case NVMETD__ENVELOPE__BODY_LEAVE:
		service_leave(announcer->service, "state service");
		return;
	default:
		log_warn("state service: %s is nothing for an announcer",
		         envelope_body_name((int)message->body_case));
	}
}

static void introduce(void *context, Nvmetd__Hello *hello)
{
	struct announcer *announcer = context;

	hello->has_keeper = service_has_keeper(announcer->service);
}

static void arrived(void *context, uint64_t state_instance)
{
	(void)context;
	(void)state_instance;
}

static int make_client(struct announcer *announcer)
{
	const struct ipc_client_options options = {
		.path = announcer->state_path,
		.name = announcer->service->name,
		.instance = announcer->service->instance,
		.threads = 1,
		.received = received,
		.introduce = introduce,
		.arrived = arrived,
		.context = announcer,
	};

	return ipc_client_new(&announcer->client, announcer->service->loop, &options);
}

/* ------------------------------------------------------------------ life */

int announcer_new(struct announcer **ret_announcer, struct service *service)
{
	_cleanup_(announcer_freep) struct announcer *announcer = calloc(1, sizeof(*announcer));
	int r;

	if (!announcer)
		return error_origin(-ENOMEM);
	announcer->service = service;
	list_init(&announcer->registrars);
	mdns_init(&announcer->mdns, service->loop);
	announcer->hook.round_ends = round_ends;
	loop_hook_add(service->loop, &announcer->hook);
	r = service_run_path(service, announcer->state_path, "announce/announce.sock");
	if (!r)
		r = make_client(announcer);
	if (r)
		return error_trace(r);
	*ret_announcer = take(&announcer);
	return 0;
}

struct announcer *announcer_free(struct announcer *announcer)
{
	if (!announcer)
		return NULL;
	loop_hook_remove(&announcer->hook);
	announcer->client = ipc_client_free(announcer->client);
	list_for_each_safe (at, &announcer->registrars)
		registrar_free(container_of(at, struct registrar, link));
	mdns_deinit(&announcer->mdns);
	if (announcer->view)
		nvmetd__announce_view__free_unpacked(announcer->view, NULL);
	free(announcer);
	return NULL;
}

void announcer_withdraw(struct announcer *announcer)
{
	struct loop *loop = announcer->service->loop;
	uint64_t now_ns = clock_now_ns(), until_ns = now_ns + ANNOUNCER_END_NS;

	if (announcer->service->is_leaving)
		return;
	loop_hook_remove(&announcer->hook);
	announcer->client = ipc_client_free(announcer->client); /* no more views */
	mdns_update(&announcer->mdns, NULL);
	list_for_each (at, &announcer->registrars)
		registrar_end(container_of(at, struct registrar, link));
	for (; now_ns < until_ns; now_ns = clock_now_ns()) {
		drop_ended(announcer);
		if (list_is_empty(&announcer->registrars))
			return;
		if (loop_round(loop, (int)((until_ns - now_ns) / NS_PER_MS) + 1) < 0)
			return;
	}
	log_warn("CDCs: not all of them have answered: they may still list this target");
}
