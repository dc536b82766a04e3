/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/loop/loop.h"
#include "common/loop/mailbox.h"
#include "services/io/io_thread.h"
#include "services/io/namespaces.h"

/*
 * links - the transports that are connected to this worker.
 *
 * Shape     A SOCK_SEQPACKET socket, and a connection for each link: it brings LinkHello with
 *           four descriptors, gets LinkWelcome, and then may ask for the memory of namespaces (io
 *           grants); its end is the link's end.
 * Promise   Nothing is served to whom no token was given. A link is welcomed only when all
 *           requests of those that it follows are finished: those of the same reactor, and
 *           those of a predecessor of that transport. So what a dead transport has had in flight
 *           never overtakes what comes after it. Not waited for is what a device does not
 *           answer, whose namespace is ready for nobody before it has (patience.h).
 * Trust     Whoever can connect may send anything: one packet of a bounded size is read, in
 *           a second, and its descriptors are checked. At most LINKS_MAX connections.
 * Threads   the control thread
 * Lifetime  links_free() after the I/O threads have ended
 */
#define LINKS_MAX 256u

struct links;

struct links_options {
	struct loop *loop;
	const char *path; /* of the socket */
	const struct namespaces *namespaces;
	struct io_thread **threads;
	unsigned n_threads;
};

int links_new(struct links **ret_links, const struct links_options *options);
struct links *links_free(struct links *links);
DEFINE_CLEANUP(struct links *, links_free)

/* No more connections are taken. */
void links_stop(struct links *links);

/* What is granted has changed: admits who has waited for the first view, and ends the links of
 * transports that have nothing any more. */
void links_check_grants(struct links *links);

uint32_t links_count(const struct links *links);

/* Letters of the I/O threads. For io_thread_options. */
void links_lane_broken(struct lane *lane);
void links_lane_gone(struct lane *lane);
void links_lane_stuck(struct lane *lane);
