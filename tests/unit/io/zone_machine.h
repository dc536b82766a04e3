/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "services/io/zone.h"

/*
 * zone_machine - a machine of few, small zones, for its tests.
 *
 * Shape     One machine, and each command done to it as a whole: begun, and carried out if that is
 *           good. What comes back is a status code, whose DNR has been checked.
 * Promise   none: it is to be tried
 * Trust     none
 * Threads   one
 * Lifetime  from machine_make() to machine_forget()
 */
#define BLOCKS   16
#define CAPACITY 12
#define ZONES    6

extern struct zones zones;

/* 0: no limit */
void machine_make(uint32_t open_max, uint32_t active_max);
void machine_forget(void);

unsigned code_of(struct nvme_status status);
unsigned write_at(uint32_t index, uint64_t offset, uint64_t count);
unsigned act(uint32_t index, enum nvme_zone_send_action action);
unsigned state_of(uint32_t index);
