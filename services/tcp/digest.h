/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"

/*
 * digest - CRC32C, as HDGST and DDGST have it (TCP 1.1 §3.3.1.1).
 *
 * Shape     DIGEST_BEGIN, digest_add() for each piece in order, digest_end() for the wire.
 * Promise   The digest of "123456789" is E3069283h.
 * Trust     none
 * Threads   any; pure
 * Lifetime  values
 */
#define DIGEST_BEGIN UINT32_C(0xffffffff)

uint32_t digest_add(uint32_t digest, const void *bytes, size_t length);
struct le32 digest_end(uint32_t digest);

/* Of one piece. */
struct le32 digest_of(const void *bytes, size_t length);
