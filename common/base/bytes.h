/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>
#include <string.h>

/*
 * bytes - integers as they lie on the wire.
 *
 * Shape     Structs of bytes, alignment 1: a wire struct made of them has no padding.
 * Promise   Forgetting to convert does not compile. The compiler makes plain loads of it.
 * Trust     none
 * Threads   any; pure
 * Lifetime  values
 */

struct le16 {
	uint8_t b[2];
};

struct le32 {
	uint8_t b[4];
};

struct le64 {
	uint8_t b[8];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only, for now");

static inline uint16_t le16_get(struct le16 wire)
{
	uint16_t value;

	memcpy(&value, wire.b, sizeof(value));
	return value;
}

static inline uint32_t le32_get(struct le32 wire)
{
	uint32_t value;

	memcpy(&value, wire.b, sizeof(value));
	return value;
}

static inline uint64_t le64_get(struct le64 wire)
{
	uint64_t value;

	memcpy(&value, wire.b, sizeof(value));
	return value;
}

static inline struct le16 le16_of(uint16_t value)
{
	struct le16 wire;

	memcpy(wire.b, &value, sizeof(value));
	return wire;
}

static inline struct le32 le32_of(uint32_t value)
{
	struct le32 wire;

	memcpy(wire.b, &value, sizeof(value));
	return wire;
}

static inline struct le64 le64_of(uint64_t value)
{
	struct le64 wire;

	memcpy(wire.b, &value, sizeof(value));
	return wire;
}
