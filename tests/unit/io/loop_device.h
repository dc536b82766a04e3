/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * loop_device - a block device over a file of the test.
 *
 * Shape     One at a time.
 * Promise   It goes by itself when the last one closes it.
 * Trust     none
 * Threads   the test's
 * Lifetime  loop_device_begin() to loop_device_end()
 */

/* False: it cannot be had here. */
bool loop_device_begin(const char *file, unsigned block_size);
void loop_device_end(void);

/* Whether any can. */
bool loop_device_can_be(void);

const char *loop_device_path(void);

/* What /sys has of its media from now on (at first it is what the kernel takes them for). False:
 * it cannot be said here. */
bool loop_device_rotate(bool rotates);
