/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/nvme/tcp_pdu.h"

/*
 * host - what a host does, as a test says it.
 *
 * Shape     Functions named after it; over core.host, without digests. Data sent is that of
 *           host_data, at its offset in the command.
 * Promise   What does not come in 5 s fails the test.
 * Trust     none
 * Threads   one
 * Lifetime  host_connects() to host_is_forgotten(): fixtures
 */
extern uint8_t host_data[1u << 20];

void host_connects(void);              /* TCP only */
void host_connects_with(uint8_t dgst); /* ICReq and ICResp too */
void host_is_forgotten(void);

void host_sends(const void *bytes, size_t length);
void host_sends_icreq(uint8_t dgst);
void host_sends_a_flush(uint16_t cid);
void host_sends_a_read(uint16_t cid, uint32_t length);
void host_sends_a_write(uint16_t cid, uint32_t length); /* wants R2T */
void host_sends_a_write_in_capsule(uint16_t cid, uint32_t length);
void host_sends_data(uint16_t cid, uint16_t ttag, uint32_t offset, uint32_t length, uint8_t flags);

/* A command capsule as the core of these tests understands it. */
struct tcp_capsule_command host_capsule(uint8_t opcode, uint16_t cid, uint8_t sgl_type,
                                        uint32_t length, uint32_t in_capsule);

void host_receives(void *bytes, size_t length);
void host_receives_nothing(void);
void host_sees_the_end(void);
void host_receives_a_response(uint16_t cid, uint16_t status);
struct tcp_r2t host_receives_r2t(uint16_t cid, uint32_t length);
/* And the end of the stream behind it. */
void host_receives_a_term_request(uint16_t fes, uint32_t fei, uint32_t header_bytes);
