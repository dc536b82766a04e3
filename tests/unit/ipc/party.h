/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ipc/client.h"
#include "common/ipc/server.h"

/*
 * party - a server and a client of the control plane, with what happened to them written down.
 *
 * Shape     The server hears StatusRequest (after Hello, answered with TransportStatus of as
 *           many connections as it has heard requests) and Drained (after Hello). The same
 *           code serves in the test's own loop, or in a process of its own that may be killed.
 * Promise   until(condition) runs the loop until the condition holds; after 15 s the test fails.
 * Trust     none
 * Threads   one
 * Lifetime  party_begin() to party_end(), which also ends the processes
 */
struct host {
	struct ipc_server *server;
	unsigned arrived;
	unsigned gone;
	unsigned requests;
	uint64_t drained;      /* the last revision said */
	struct ipc_peer *peer; /* the last that arrived and is not gone */
	char last_words[128];
	char order[64]; /* A arrived, G gone */
};

struct guest {
	struct ipc_client *client;
	unsigned arrived;
	unsigned left;
	uint64_t state_instance;
	unsigned answers;
	unsigned refusals;
	uint64_t last_id;
	uint32_t last_count;
	char last_refusal[128];
};

struct party {
	struct loop *loop;
	char directory[64];
	char path[96];
};

extern struct party party;

void party_begin(void);
void party_end(void);

void host_open(struct host *host, uint64_t instance);
void host_close(struct host *host);
void guest_open(struct guest *guest, const char *name);
void guest_close(struct guest *guest);
bool guest_asks(struct guest *guest, uint64_t id);
bool guest_says_drained(struct guest *guest, uint64_t revision);

/* In processes of their own. */
pid_t host_start(uint64_t instance);
pid_t guest_start(const char *name);
void kill_hard(pid_t process);

#define until(condition)                                                                           \
	do {                                                                                       \
		uint64_t until_deadline_ = clock_now_ns() + 15 * NS_PER_S;                         \
		while (!(condition) && clock_now_ns() < until_deadline_)                           \
			ck_assert_int_ge(loop_round(party.loop, 10), 0);                           \
		ck_assert_msg((condition), "never came true: %s", #condition);                     \
	} while (0)
