/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * uuid_set - which UUIDs there are, for as many as one knows before.
 *
 * Shape     A table of pointers to them, twice as large as there may be, searched from where the
 *           UUID's sum points to.
 * Promise   Adding and finding take the same time however many there are.
 * Trust     an operator may choose UUIDs; ones that collide only make it slower
 * Threads   one
 * Lifetime  uuid_set_deinit(); the UUIDs are the caller's, and stay
 */
struct uuid_set {
	const uint8_t **slots;
	size_t size; /* a power of two */
};

#define UUID_SET_NULL ((struct uuid_set){0})

/* 0 or -ENOMEM. */
int uuid_set_init(struct uuid_set *ret_set, size_t most);
void uuid_set_deinit(struct uuid_set *set);

/* No more than said at the begin. */
void uuid_set_add(struct uuid_set *set, const uint8_t uuid[static 16]);
bool uuid_set_has(const struct uuid_set *set, const uint8_t uuid[static 16]);
