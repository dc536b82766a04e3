/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "tests/process/scene.h"

/*
 * refused - commands that must be refused.
 *
 * Shape     A request, the status it must be answered with (with DNR), and the Parameter Error
 *           Location. It is sent on scene's queue.
 * Promise   After it the Error Information log has one entry more, with all that it must say of
 *           the command. Where something differs, the test ends with the words.
 * Trust     ours
 * Threads   one
 * Lifetime  scene is connected
 */
#define REFUSED_NOWHERE  SCENE_NOWHERE /* Parameter Error Location: in no field of the command */
#define REFUSED_BIT(bit) ((uint16_t)((bit) << 8))

/* On the I/O queue; lba: what the log tells of it. */
void refused_io(const char *what, struct host_request request, unsigned status, uint16_t location,
                uint64_t lba);
/* On the admin queue. */
void refused_admin(const char *what, struct host_request request, unsigned status,
                   uint16_t location);

/* What was refused has changed nothing of harness_plain()'s namespace of RAM, and the queue lives
 * on. Disconnects. */
void refused_leave(uint32_t space);

/* How many commands of scene's controller have failed, as its log tells. */
uint64_t refused_count(void);
