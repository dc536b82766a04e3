/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/error.h"

static void forget(struct secret *secret)
{
	list_remove(&secret->link);
	free(secret);
}

static struct secret *add(struct state *state, const char *transport, uint64_t instance,
                          const char *worker)
{
	struct secret *secret = calloc(1, sizeof(*secret));

	if (!secret)
		return NULL;
	snprintf(secret->transport, sizeof(secret->transport), "%s", transport);
	snprintf(secret->worker, sizeof(secret->worker), "%s", worker);
	secret->instance = instance;
	list_append(&state->secrets, &secret->link);
	return secret;
}

static void forget_earlier(struct state *state, const struct transport *transport)
{
	list_for_each_safe (at, &state->secrets) {
		struct secret *secret = container_of(at, struct secret, link);

		if (secret->instance != transport->instance &&
		    strcmp(secret->transport, transport->name) == 0)
			forget(secret);
	}
}

static int make(struct state *state, const struct transport *transport, const struct worker *worker,
                const uint8_t **ret_bytes)
{
	uint8_t bytes[sizeof(((struct secret *)NULL)->bytes)];
	struct secret *secret;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return error_origin(-errno);
	forget_earlier(state, transport);
	secret = add(state, transport->name, transport->instance, worker->name);
	if (!secret)
		return error_origin(-ENOMEM);
	memcpy(secret->bytes, bytes, sizeof(bytes));
	secret->unsaved = true;
	*ret_bytes = secret->bytes;
	return 0;
}

int secret_find(struct state *state, const struct transport *transport, const struct worker *worker,
                const uint8_t **ret_bytes)
{
	list_for_each (at, &state->secrets) {
		const struct secret *secret = container_of(at, struct secret, link);

		if (secret->instance != transport->instance ||
		    strcmp(secret->transport, transport->name) != 0 ||
		    strcmp(secret->worker, worker->name) != 0)
			continue;
		*ret_bytes = secret->bytes;
		return 0;
	}
	return make(state, transport, worker, ret_bytes);
}

int secret_make_all(struct state *state)
{
	const uint8_t *bytes;
	int r = 0;

	list_for_each (at, &state->transports)
		list_for_each (of, &state->workers)
			if (!r)
				r = secret_find(state,
				                container_of(at, struct transport, link),
				                container_of(of, struct worker, link),
				                &bytes);
	return r;
}

static int load(void *context, const char *name, uint64_t instance, const char *worker,
                const uint8_t token[static 16])
{
	struct state *state = context;
	struct transport *transport = state_add_transport(state, name);
	struct secret *secret = transport ? add(state, name, instance, worker) : NULL;

	if (!secret)
		return error_origin(-ENOMEM);
	memcpy(secret->bytes, token, sizeof(secret->bytes));
	transport->instance = instance;
	transport->gone_ns = state->born_ns;
	return 0;
}

int secret_load(struct state *state)
{
	return database_each_token(state->database, load, state);
}

void secret_forget_all(struct state *state)
{
	list_for_each_safe (at, &state->secrets)
		forget(container_of(at, struct secret, link));
}
