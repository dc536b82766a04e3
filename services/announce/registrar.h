/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/list.h"
#include "common/base/log.h"
#include "services/announce/admin_queue.h"
#include "services/announce/entries.h"

/*
 * registrar - keeps this target registered with one central discovery controller (TP8010, Base 2.1
 * §5.3.3).
 *
 * Shape     A host of that CDC: an admin queue with keep-alive, and the entries that are to be
 *           registered. registrar.c has the table of its states.
 * Promise   What is registered follows the view. A CDC that cannot be reached, refuses, is none,
 *           is silent or sends nonsense is tried again, 1 s later, then twice as long each time,
 *           up to a minute; each reason is logged when it is a new one.
 * Trust     the CDC is hostile
 * Threads   the loop's
 * Lifetime  registrar_free(); the view is borrowed until the next one is given
 */
struct registrar {
	struct list link;
	struct loop *loop;
	struct admin_queue queue;
	struct loop_timer timer; /* the next attempt, the next look at CSTS, the next keep-alive */
	struct sockaddr_storage address;
	socklen_t address_length; /* 0: it is no address */
	char nqn[NVME_NQN_SIZE];
	char host_nqn[NVME_NQN_SIZE];
	uint8_t host_id[16];
	char eid[NVME_NQN_SIZE]; /* this target's discovery NQN */
	const Nvmetd__AnnounceView *view;
	enum registrar_step {
		REGISTRAR_WAITS,
		REGISTRAR_OPENS,
		REGISTRAR_CONNECTS,
		REGISTRAR_ENABLES,
		REGISTRAR_BECOMES_READY,
		REGISTRAR_IDENTIFIES,
		REGISTRAR_IDLES,
		REGISTRAR_KEEPS_ALIVE,
		REGISTRAR_DEREGISTERS,
		REGISTRAR_REGISTERS,
		REGISTRAR_ENDED,
	} step;
	bool is_ending;
	bool is_stale;     /* the view is another one since the entries were made */
	bool was_complete; /* all was registered when it was last said */
	size_t asked;      /* entries of the command under way */
	struct entries entries;
	uint64_t backoff_ns;
	uint64_t complete_ns; /* since when was_complete */
	struct log_limit lines;
	uint64_t ready_until_ns;
	uint64_t keep_alive_ns; /* when the next one is due */
	char local_address[INET6_ADDRSTRLEN];
	char name[304];   /* "192.0.2.1:8009", for people */
	char reason[160]; /* why it is not registered */
};

/* NULL if there is no memory. Takes copies of what the message has. */
struct registrar *registrar_new(struct loop *loop, const Nvmetd__AnnounceCdc *cdc,
                                const Nvmetd__AnnounceView *view);
void registrar_free(struct registrar *registrar);

bool registrar_is_for(const struct registrar *registrar, const Nvmetd__AnnounceCdc *cdc,
                      const Nvmetd__AnnounceView *view);
void registrar_update(struct registrar *registrar, const Nvmetd__AnnounceView *view);

/* Deregisters, and then ends: registrar_has_ended(). */
void registrar_end(struct registrar *registrar);
bool registrar_has_ended(const struct registrar *registrar);

/* The same CDC, for whatever host or target. */
bool registrar_is_at(const struct registrar *registrar, const Nvmetd__AnnounceCdc *cdc);

/* How it is, for people. True: all of it is registered. */
bool registrar_says(const struct registrar *registrar, char *ret_words, size_t size);
