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

/* As SCSI has them: T10 protection information. */
struct be16 {
	uint8_t b[2];
};

struct be32 {
	uint8_t b[4];
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

static inline uint16_t be16_get(struct be16 wire)
{
	return (uint16_t)(wire.b[0] << 8 | wire.b[1]);
}

static inline uint32_t be32_get(struct be32 wire)
{
	return (uint32_t)wire.b[0] << 24 | (uint32_t)wire.b[1] << 16 | (uint32_t)wire.b[2] << 8 |
	       wire.b[3];
}

static inline struct be16 be16_of(uint16_t value)
{
	return (struct be16){
		{(uint8_t)(value >> 8), (uint8_t)value}
        };
}

static inline struct be32 be32_of(uint32_t value)
{
	return (struct be32){
		{(uint8_t)(value >> 24),
	         (uint8_t)(value >> 16),
	         (uint8_t)(value >> 8),
	         (uint8_t)value}
        };
}
