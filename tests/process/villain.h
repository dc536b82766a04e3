/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "tests/process/scene.h"

/*
 * villain - a host that breaks the framing, and another one that must not notice.
 *
 * Shape     One connection, or one I/O queue of a controller of its own, whose connection is
 *           misused; scene's host is the one that must not notice.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  A villain_connect…() begins, villain_expect_term() or villain_close() ends it, as often
 *           as wanted; what connects also connects scene.
 */
#define VILLAIN_WAIT_MS        5000u
#define VILLAIN_TRANSFER_BYTES 8192u

extern struct host_connection villain_connection;
extern struct host_queue villain_queue;

/* Only TCP; TCP and ICReq; an I/O queue. */
void villain_connect_silent(void);
void villain_connect(const struct host_wishes *wishes);
void villain_connect_queue(bool header_digest, bool data_digest);
void villain_close(void);

void villain_send(struct host_connection *connection, const void *bytes, size_t length);

/* A capsule with a Write of so many bytes to namespace 1; without data. */
struct tcp_capsule_command villain_capsule(uint16_t cid, uint32_t bytes, uint8_t sgl_type);
/* Connects a queue, asks to write VILLAIN_TRANSFER_BYTES, and gets the R2T for it; the answer to
 * that as it should be. */
struct tcp_data villain_begin_transfer(void);

/* C2HTermReq with these, then the end. */
void villain_expect_term(struct host_connection *connection, enum tcp_fes fes, uint32_t fei);
void villain_others_do_not_notice(void);
