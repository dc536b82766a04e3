/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/admin.h"
#include "services/state/state.h"
#include "tests/support/spec.h"

/*
 * stage - a state service without its sockets, for the tests of what it knows and answers.
 *
 * Shape     One of each: stage. A database in a directory of its own.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  stage_open() … stage_close(); stage_reopen() is a death and a new start
 */
struct stage {
	struct state state;
	struct loop *loop;
	char directory[64];
	struct session *session; /* of stage_connect() */
	struct traits traits;    /* of the transport that it came in on; as of one that says none */
	struct admin_reply reply;
	struct nvme_command command;
	uint8_t data[4096]; /* that goes with it */
	size_t data_bytes;
};

extern struct stage stage;

#define STAGE_HOST      "nqn.2014-08.org.nvmexpress:uuid:11111111-1111-4111-8111-111111111111"
#define STAGE_OTHER     "nqn.2014-08.org.nvmexpress:uuid:22222222-2222-4222-8222-222222222222"
#define STAGE_SUBSYSTEM "nqn.2001-01.com.example:open"
#define STAGE_PRIVATE   "nqn.2001-01.com.example:private"

/* Two hosts, ports 1 (127.0.0.1:4420) and 2 (0.0.0.0:4421, in group 2 inaccessible, with a
 * referral), the subsystem that any host may use with namespaces 1, 2 and 7, of which 7 is not
 * enabled and 2 is of 4096-byte blocks in group 2, and one for the first host. */
extern const char stage_config[];

void stage_open(void);
void stage_close(void);
void stage_reopen(void);

/* Takes the configuration; the revision. */
uint64_t stage_restore(const char *text);
/* The same text with one part replaced by another. free() it. */
char *stage_edit(const char *text, const char *part, const char *other);

/* The worker has said that all is ready: `blocks` each, of 512 bytes or as wanted. */
void stage_ready_with(uint64_t blocks);
static inline void stage_ready(void)
{
	stage_ready_with(1000);
}

const struct config_namespace *stage_namespace(const char *nqn, uint32_t nsid);

/* A session of the host on the port; NVME_DISCOVERY_NQN for discovery. Also stage.session. */
struct session *stage_connect(const char *host_nqn, uint32_t port_id, const char *nqn);

/* stage.command, as its transport brings it; what is to be asked before was asked. */
struct admin_request stage_request(void);
/* Executes an admin command of stage.session: the status. */
struct nvme_status stage_admin(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11);
/* The same, of stage.command. */
struct nvme_status stage_execute(void);

#define expect_status(status, wanted)                                                              \
	ck_assert_msg((status).value == (unsigned)(wanted),                                        \
	              "status %04xh, expected %04xh",                                              \
	              (status).value,                                                              \
	              (unsigned)(wanted))
#define DNR(code) ((unsigned)(code) | NVME_STATUS_DNR)
