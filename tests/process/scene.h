/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/support/harness.h"
#include "tests/support/spec.h"

/*
 * scene - a running set, and a host that is connected to it, for the tests of real processes.
 *
 * Shape     One of each: scene. A situation's given() starts the set and says how the host
 *           connects; each test connects anew.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  scene_start() … scene_stop(); in between scene_connect() as often as wanted.
 *           What a test leaves open is closed with its process.
 */
enum { SCENE_SPACES = HARNESS_NAMESPACES + 1, SCENE_COMMANDS = 64 };

struct scene {
	struct harness *harness;
	struct host_options options; /* of the host that scene_connect() makes */
	uint32_t entries;            /* of its I/O queue; 0: 128 */
	struct host_controller controller;
	struct host_queue queue;
	struct host_namespace spaces[SCENE_SPACES]; /* by nsid */
};

extern struct scene scene;

/* With harness_plain(), or other exports. */
void scene_start(const struct harness_exports *exports);
void scene_stop(void);

/* A controller that has come up, one I/O queue, and the namespaces of the first subsystem. */
void scene_connect(void);
void scene_disconnect(void);

/* The admin queue answers, and the controller is ready. */
void scene_expect_ready(void);

/* An admin command that is refused with just this status (DNR included), and whose entry in the
 * Error Information log says where it is wrong: a byte of the command, or SCENE_NOWHERE. */
void scene_refused(struct host_request *request, unsigned status, unsigned location);
#define SCENE_NOWHERE 0xffffu

/* I/O on namespace nsid, waited for: the status. */
struct nvme_status scene_io(uint8_t opcode, uint32_t nsid, uint64_t lba, uint32_t blocks,
                            void *data);
/* A request of any kind on the I/O queue, waited for: the status. */
struct nvme_status scene_execute(struct host_request *request);
/* The same on the admin queue. */
struct nvme_status scene_admin(struct host_request *request);
/* CSTS, of any controller. */
uint32_t scene_csts(struct host_controller *controller);

/* Asks for the event that a namespace has come, gone, or changed: the request is the admin queue's
 * until scene_expect_event(). */
void scene_ask_for_event(struct host_request *ret_event);
void scene_expect_event(struct host_request *event);
/* Another namespace, of 1 MiB of RAM: the event. */
void scene_add_namespace(uint32_t nsid);

/* Namespace nsid of the first subsystem, which is one with faults, has this rule alone, as those of
 * "nvmetctl fault"; NULL: none, and what was held up goes on. Waits for its worker. */
void scene_fault(uint32_t nsid, const char *rule);

/* Bytes that follow from the seed, and from where they are. */
void scene_fill(void *data, size_t bytes, uint64_t seed);
void scene_expect(const void *data, size_t bytes, uint64_t seed);
void scene_expect_zeroes(const void *data, size_t bytes);

/* Writes what follows from the seed, and reads it back. */
void scene_write(uint32_t nsid, uint64_t lba, uint32_t blocks, uint64_t seed);
void scene_read_back(uint32_t nsid, uint64_t lba, uint32_t blocks, uint64_t seed);

#define expect_status(status, wanted)                                                              \
	ck_assert_msg((status).value == (wanted),                                                  \
	              "status %04xh, expected %04xh",                                              \
	              (status).value,                                                              \
	              (unsigned)(wanted))
#define expect_good(status) expect_status(status, 0)
#define DNR(code)           ((unsigned)(code) | NVME_STATUS_DNR)
