/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport's process: what it is told on the command line, its start and its end. */
#include "common/transport/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/options.h"
#include "common/proc/store.h"
#include "common/shm/memory.h"
#include "common/transport/reactor.h"
#include "common/transport/spread.h"
#include "common/transport/subsystem_reset.h"
#include "common/transport/succession.h"

#define ARENA_MIB_DEFAULT 16u
#define ARENA_MIB_MIN     (ROOM_SIZE_MIN >> 20)
#define ARENA_MIB_MAX     1024u /* a worker takes no more */
/* What two thousand connections and all else that is open take, with room to spare */
#define DESCRIPTORS_LOW   4096u
#define STOP_NS           (4 * NS_PER_S)

/* ------------------------------------------------------------------ options */

/* An option of the core among the wire's, whose context it is not given. */
static unsigned arena_mib = ARENA_MIB_DEFAULT;

static bool take_arena_mib(void *context, const char *value)
{
	(void)context;
	return option_number(value, ARENA_MIB_MIN, ARENA_MIB_MAX, &arena_mib);
}

static const struct service_option arena_option = {
	.name = "arena-mib",
	.argument = "MIB",
	.help = "memory for the data of commands, of each thread: 4 to 1024 (16)",
	.take = take_arena_mib,
};

static unsigned trace_every; /* 0: only when a reader wishes it */

static bool take_trace(void *context, const char *value)
{
	(void)context;
	return option_number(value, 0, TRACE_EVERY_MAX, &trace_every);
}

static const struct service_option trace_option = {
	.name = "trace",
	.argument = "N",
	.help = "trace every Nth I/O command, 1 to 1000000; 0: only while nvmetctl does (0)",
	.take = take_trace,
};

static const char *const run_folders[] = {"trace", NULL};

static int init_service(struct transport *transport, int argc, char **argv)
{
	static struct service_option options[OPTIONS_MAX];
	static struct service_role role; /* the service refers to it while it lives */

	role = transport->wire->role;
	must(role.n_options + 2 <= OPTIONS_MAX);
	for (unsigned i = 0; i < role.n_options; i++)
		options[i] = role.options[i];
	options[role.n_options++] = arena_option;
	options[role.n_options++] = trace_option;
	role.options = options;
	role.run_folders = run_folders;
	return service_init(&transport->service, &role, transport->wire->options, argc, argv);
}

/* ------------------------------------------------------------------ start */

/* Each connection takes one. */
static void check_descriptors(void)
{
	unsigned allowed = descriptors_allowed();

	if (allowed >= DESCRIPTORS_LOW)
		return;
	log_warn("open files: %u are allowed, so there can be fewer connections; raise the hard "
	         "limit (LimitNOFILE=, ulimit -H -n)",
	         allowed);
}

static int start(struct transport *transport)
{
	size_t arena_bytes = (size_t)arena_mib << 20;
	int r = memory_guard();

	store_open();
	check_descriptors();
	transport->spread = spread_new(transport->service.threads, REACTOR_QUEUES_MAX);
	if (!transport->spread)
		return error_origin(-ENOMEM);
	if (!r)
		r = mailbox_init(&transport->mailbox, transport->service.loop);
	for (unsigned i = 0; !r && i < transport->service.threads; i++) {
		r = reactor_new(&transport->reactors[i], transport, i, arena_bytes);
		if (r)
			break;
		transport->n_reactors++;
		tracer_open(&transport->reactors[i]->tracer, &transport->service, i, trace_every);
	}
	for (unsigned i = 0; !r && i < transport->n_reactors; i++)
		r = reactor_start(transport->reactors[i]);
	if (!r) {
		succession_inherit(transport);
		r = transport_open_client(transport);
	}
	return r ? error_trace(r) : 0;
}

/* ------------------------------------------------------------------ stop */

static bool are_reactors_over(const struct transport *transport)
{
	for (unsigned i = 0; i < transport->n_reactors; i++)
		if (transport->reactors[i]->is_started &&
		    !atomic_load(&transport->reactors[i]->is_over))
			return false;
	return true;
}

/* Connections end while both threads still take letters. A reactor that does not come back must not
 * keep us: what it has open, the kernel closes. */
static void stop_reactors(struct transport *transport)
{
	uint64_t end_ns = clock_now_ns() + STOP_NS;

	for (unsigned i = 0; i < transport->n_reactors; i++)
		reactor_stop(transport->reactors[i]);
	while (!are_reactors_over(transport) && clock_now_ns() < end_ns)
		if (loop_round(transport->service.loop, 10) != 0)
			break;
	if (!are_reactors_over(transport)) {
		log_err("a reactor does not stop: leaving it to the kernel");
		_exit(EXIT_FAILURE);
	}
	for (unsigned i = 0; i < transport->n_reactors; i++)
		reactor_join(transport->reactors[i]);
}

static void end_controllers(struct transport *transport)
{
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		controller_end(controller, "the transport stops");
	}
}

static void drop_views(struct transport *transport)
{
	struct list *first;

	while ((first = list_take_first(&transport->views)))
		view_drop(container_of(first, struct view, link));
	transport->view = NULL;
}

static void stop(struct transport *transport)
{
	transport->is_stopping = true;
	listeners_close(transport);
	transport->client = ipc_client_free(transport->client);
	end_controllers(transport);
	stop_reactors(transport);
	succession_forget(transport);
	subsystem_reset_forget(transport);
	asks_deinit(&transport->asks);
	for (unsigned i = 0; i < transport->n_reactors; i++)
		transport->reactors[i] = reactor_free(transport->reactors[i]);
	drop_views(transport);
	mailbox_deinit(&transport->mailbox);
	transport->spread = spread_free(transport->spread);
	crowd_deinit(&transport->crowd);
	store_close();
	service_deinit(&transport->service);
}

int transport_main(const struct wire *wire, int argc, char **argv)
{
	static struct transport transport;
	int r;

	transport.wire = wire;
	transport.service = SERVICE_NULL;
	list_init(&transport.views);
	list_init(&transport.controllers);
	list_init(&transport.subsystem_resets);
	succession_init(&transport);
	listeners_init(&transport.listeners);
	asks_init(&transport.asks);
	r = init_service(&transport, argc, argv);
	if (r)
		return service_exit_code(r);
	r = start(&transport);
	if (r)
		log_err("start: failed: %s", error_words(r));
	if (!r) {
		service_ready(&transport.service);
		r = loop_run(transport.service.loop);
	}
	if (!r && transport.service.is_leaving) {
		succession_leave(&transport);
		return service_exit_code(0); /* all that is open is left as it is */
	}
	stop(&transport);
	return service_exit_code(r);
}
