/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * limits - how long hosts are waited for, and how much of this target they may have.
 *
 * Shape     One table. The configuration's "limits" has the names of it as keys, proto's Limits as
 *           fields, struct limits as members; docs/man/nvmetd-limits.5 is held against it.
 * Promise   LIMITS_DEFAULT is good. A limit that is 0 where the table allows it is no limit.
 * Trust     limit_is_good() is asked of what comes from outside
 * Threads   any; pure
 * Lifetime  values
 */

/*      name                     unit      default least most     what it bounds */
#define LIMITS(X)                                                                                  \
	X(icreq_timeout_ms,                                                                        \
	  "ms",                                                                                    \
	  10000,                                                                                   \
	  100,                                                                                     \
	  600000,                                                                                  \
	  "from the beginning of a connection until its ICReq (TCP), or until it is established "  \
	  "(RDMA)")                                                                                \
	X(connect_timeout_ms,                                                                      \
	  "ms",                                                                                    \
	  10000,                                                                                   \
	  100,                                                                                     \
	  600000,                                                                                  \
	  "from the beginning of a connection, or a Connect that was refused, until a Connect")    \
	X(connect_answer_ms,                                                                       \
	  "ms",                                                                                    \
	  25000,                                                                                   \
	  1000,                                                                                    \
	  60000,                                                                                   \
	  "a Connect waits so long for the state service, or for what is in flight on older "      \
	  "queues of its host; then it is answered with Controller Busy")                          \
	X(admin_answer_ms,                                                                         \
	  "ms",                                                                                    \
	  50000,                                                                                   \
	  1000,                                                                                    \
	  55000,                                                                                   \
	  "an admin command waits so long for the state service; then it is answered with "        \
	  "Command Interrupted")                                                                   \
	X(ready_timeout_ms,                                                                        \
	  "ms",                                                                                    \
	  7500,                                                                                    \
	  500,                                                                                     \
	  127500,                                                                                  \
	  "a reset takes so long at most, in which commands in flight come to their end: CAP.TO "  \
	  "and CRTO of controllers that connect from now on")                                      \
	X(shutdown_timeout_ms,                                                                     \
	  "ms",                                                                                    \
	  10000,                                                                                   \
	  500,                                                                                     \
	  120000,                                                                                  \
	  "a normal shutdown takes so long at most: Identify's RTD3E")                             \
	X(disabled_timeout_ms,                                                                     \
	  "ms",                                                                                    \
	  120000,                                                                                  \
	  1000,                                                                                    \
	  3600000,                                                                                 \
	  "an association lasts so long without being enabled, after Connect, a reset or a "       \
	  "shutdown (NVMe asks for 120000 at least)")                                              \
	X(keep_alive_min_ms,                                                                       \
	  "ms",                                                                                    \
	  1000,                                                                                    \
	  1000,                                                                                    \
	  3600000,                                                                                 \
	  "a keep-alive time-out (KATO) that is shorter becomes so long")                          \
	X(discovery_keep_alive_ms,                                                                 \
	  "ms",                                                                                    \
	  120000,                                                                                  \
	  1000,                                                                                    \
	  3600000,                                                                                 \
	  "the keep-alive time-out of a discovery controller whose host asks for none")            \
	X(abort_timeout_ms,                                                                        \
	  "ms",                                                                                    \
	  1000,                                                                                    \
	  0,                                                                                       \
	  30000,                                                                                   \
	  "an Abort waits so long for the end of the command; then that is not aborted")           \
	X(pdu_timeout_ms,                                                                          \
	  "ms",                                                                                    \
	  30000,                                                                                   \
	  1000,                                                                                    \
	  600000,                                                                                  \
	  "from the first byte of a PDU until its last")                                           \
	X(transfer_timeout_ms,                                                                     \
	  "ms",                                                                                    \
	  60000,                                                                                   \
	  1000,                                                                                    \
	  600000,                                                                                  \
	  "from an R2T until the last of its data")                                                \
	X(answer_timeout_ms,                                                                       \
	  "ms",                                                                                    \
	  30000,                                                                                   \
	  1000,                                                                                    \
	  600000,                                                                                  \
	  "a host takes what is sent to it in this time")                                          \
	X(idle_timeout_ms,                                                                         \
	  "ms",                                                                                    \
	  10000,                                                                                   \
	  1000,                                                                                    \
	  600000,                                                                                  \
	  "in one of the last three waits, a host that does nothing about it")                     \
	X(host_connections,                                                                        \
	  "",                                                                                      \
	  0,                                                                                       \
	  0,                                                                                       \
	  1048576,                                                                                 \
	  "connections from one host address to a transport; 0: half of what its threads hold")    \
	X(host_io_queues,                                                                          \
	  "",                                                                                      \
	  0,                                                                                       \
	  0,                                                                                       \
	  65535,                                                                                   \
	  "I/O queues that are granted to one host, of all of its controllers together (one for "  \
	  "each at least); 0: qid_max for each controller")                                        \
	X(host_memory_mib,                                                                         \
	  "MiB",                                                                                   \
	  0,                                                                                       \
	  0,                                                                                       \
	  1024,                                                                                    \
	  "memory of a thread for data in flight that one controller's I/O queues may have (2 at " \
	  "least); 0: half of it")                                                                 \
	X(port_connections,                                                                        \
	  "",                                                                                      \
	  0,                                                                                       \
	  0,                                                                                       \
	  1048576,                                                                                 \
	  "connections on one port; 0: what its threads hold")                                     \
	X(crdt1,                                                                                   \
	  "100 ms",                                                                                \
	  0,                                                                                       \
	  0,                                                                                       \
	  65535,                                                                                   \
	  "a host that knows of it (ACRE) waits so long before it retries what was interrupted, "  \
	  "as a process was away; 0: as it likes")                                                 \
	X(crdt2, "100 ms", 0, 0, 65535, "the same, of what a path, or its state, did not allow")   \
	X(crdt3, "100 ms", 0, 0, 65535, "the same, of what lacked resources")

struct limits {
#define X(name, unit, standard, least, most, what) uint32_t name;
	LIMITS(X)
#undef X
};

#define LIMITS_DEFAULT                                          ((struct limits){LIMITS(LIMIT_STANDARD)})
#define LIMIT_STANDARD(name, unit, standard, least, most, what) .name = (standard),

struct limit {
	const char *name;
	const char *unit;
	uint32_t standard;
	uint32_t least;
	uint32_t most;
	const char *what;
	size_t offset; /* in struct limits */
};

extern const struct limit limits_table[];
extern const size_t limits_count;

bool limit_is_good(const struct limit *limit, uint64_t value);
uint32_t limit_get(const struct limits *limits, const struct limit *limit);
void limit_set(struct limits *limits, const struct limit *limit, uint32_t value);

/* Each that is out of its range becomes its default. */
void limits_mend(struct limits *limits);
