/* SPDX-License-Identifier: BSD-2-Clause */
#include "party.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"

#define CHILDREN 8

struct party party;
static pid_t children[CHILDREN];

static void note(struct host *host, char what)
{
	size_t length = strlen(host->order);

	if (length + 1 < sizeof(host->order))
		host->order[length] = what;
}

static void on_arrived(void *context, struct ipc_peer *peer, const Nvmetd__Hello *hello)
{
	struct host *host = context;

	(void)hello;
	host->arrived++;
	host->peer = peer;
	note(host, 'A');
}

static void on_gone(void *context, struct ipc_peer *peer, const char *reason)
{
	struct host *host = context;

	host->gone++;
	if (host->peer == peer)
		host->peer = NULL;
	snprintf(host->last_words, sizeof(host->last_words), "%s", reason);
	note(host, 'G');
}

static void on_status_request(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct host *host = context;
	Nvmetd__TransportStatus status = NVMETD__TRANSPORT_STATUS__INIT;
	envelope answer = NVMETD__ENVELOPE__INIT;

	status.connections = ++host->requests;
	answer.body_case = NVMETD__ENVELOPE__BODY_TRANSPORT_STATUS;
	answer.transport_status = &status;
	ipc_server_send(peer, message->request_id, &answer);
}

static void on_drained(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct host *host = context;

	(void)peer;
	host->drained = message->drained->revision;
}

static const struct ipc_rule rules[] = {
	{NVMETD__ENVELOPE__BODY_STATUS_REQUEST, IPC_AFTER_HELLO, on_status_request},
	{NVMETD__ENVELOPE__BODY_DRAINED,        IPC_AFTER_HELLO, on_drained       },
};

static const struct ipc_role role = {
	.name = "guest",
	.mode = 0640,
	.needs_hello = true,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.arrived = on_arrived,
	.gone = on_gone,
};

void host_open(struct host *host, uint64_t instance)
{
	*host = (struct host){0};
	ck_assert_int_eq(
		ipc_server_new(&host->server, party.loop, party.path, instance, &role, host), 0);
}

void host_close(struct host *host)
{
	host->server = ipc_server_free(host->server);
}

static void on_received(void *context, const envelope *message)
{
	struct guest *guest = context;

	guest->last_id = message->request_id;
	if (message->body_case == NVMETD__ENVELOPE__BODY_TRANSPORT_STATUS) {
		guest->answers++;
		guest->last_count = message->transport_status->connections;
	}
	if (message->body_case == NVMETD__ENVELOPE__BODY_REFUSAL) {
		guest->refusals++;
		snprintf(guest->last_refusal,
		         sizeof(guest->last_refusal),
		         "%s",
		         message->refusal->reason);
	}
}

static void on_state(void *context, uint64_t state_instance)
{
	struct guest *guest = context;

	guest->arrived++;
	guest->state_instance = state_instance;
}

static void on_left(void *context)
{
	struct guest *guest = context;

	guest->left++;
}

void guest_open(struct guest *guest, const char *name)
{
	struct ipc_client_options options = {
		.path = party.path,
		.name = name,
		.instance = 0x1111,
		.threads = 3,
		.received = on_received,
		.arrived = on_state,
		.left = on_left,
		.context = guest,
	};

	*guest = (struct guest){0};
	ck_assert_int_eq(ipc_client_new(&guest->client, party.loop, &options), 0);
}

void guest_close(struct guest *guest)
{
	guest->client = ipc_client_free(guest->client);
}

bool guest_asks(struct guest *guest, uint64_t id)
{
	Nvmetd__StatusRequest body = NVMETD__STATUS_REQUEST__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	message.body_case = NVMETD__ENVELOPE__BODY_STATUS_REQUEST;
	message.status_request = &body;
	return ipc_client_send(guest->client, id, &message);
}

bool guest_says_drained(struct guest *guest, uint64_t revision)
{
	Nvmetd__Drained body = NVMETD__DRAINED__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	body.revision = revision;
	message.body_case = NVMETD__ENVELOPE__BODY_DRAINED;
	message.drained = &body;
	return ipc_client_send(guest->client, 0, &message);
}

/* In the child: true, with a loop of its own. */
static bool child(pid_t *ret_process)
{
	const struct loop_options options = {0};
	pid_t process = fork();

	ck_assert_int_ge(process, 0);
	if (process > 0) {
		for (unsigned i = 0; i < CHILDREN; i++) {
			if (children[i] == 0) {
				children[i] = process;
				break;
			}
		}
		*ret_process = process;
		return false;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (loop_new(&party.loop, &options) < 0)
		_exit(1);
	return true;
}

pid_t host_start(uint64_t instance)
{
	struct host host;
	pid_t process;

	if (!child(&process))
		return process;
	host_open(&host, instance);
	loop_run(party.loop);
	_exit(1);
}

pid_t guest_start(const char *name)
{
	struct guest guest;
	pid_t process;

	if (!child(&process))
		return process;
	guest_open(&guest, name);
	loop_run(party.loop);
	_exit(1);
}

void kill_hard(pid_t process)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (children[i] != process)
			continue;
		children[i] = 0;
		kill(process, SIGKILL);
		waitpid(process, NULL, 0);
	}
}

void party_begin(void)
{
	const struct loop_options options = {0};

	snprintf(party.directory, sizeof(party.directory), "/tmp/nvmetd-ipc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(party.directory));
	snprintf(party.path, sizeof(party.path), "%s/party.sock", party.directory);
	ck_assert_int_eq(loop_new(&party.loop, &options), 0);
}

void party_end(void)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (children[i])
			kill_hard(children[i]);
	}
	loop_free(party.loop);
	unlink(party.path);
	rmdir(party.directory);
}
