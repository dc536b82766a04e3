/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/nvme/zns.h"

/*
 * zone_device - the zones that a block device has itself: an SMR disk, a ZNS SSD.
 *
 * Shape     What the kernel says of them, in blocks: their size and limits in /sys, the zones by
 *           BLKREPORTZONE; and the ioctls that open, close, finish and reset them.
 * Promise   A device is taken only if all of its zones are as the Zoned Namespace Command Set has
 *           them: to be written in sequence, of one size, which is a power of two. What is in the
 *           way is said.
 * Trust     A device may say anything, and other things than at the time before: what does not fit
 *           is an error.
 * Threads   any; the functions wait for the device as long as the kernel does, so none of them is
 *           for an I/O thread, nor for the control thread but at the opening
 * Lifetime  values; the descriptor is the caller's
 * Returns   0, a negative errno, or
 */
enum zone_device_error {
	ZONE_DEVICE_E_UNFIT = 1, /* the reason is said */
};

struct zone_device {
	int fd;
	/* ioctl(2), 0 or a negative errno; tests have a device of their own. */
	int (*control)(int fd, unsigned long what, void *argument);
	uint8_t block_shift;
	uint32_t count;      /* zones */
	uint64_t blocks;     /* of a zone */
	uint32_t open_max;   /* 0: no limit */
	uint32_t active_max; /* 0: no limit */
};

/* A zone, as the device has it. */
struct zone_found {
	enum nvme_zone_state state;
	uint64_t capacity; /* blocks */
	uint64_t written;  /* blocks; of no meaning where there is no write pointer */
};

/* Whether it is one at all. sysfs: "/sys". */
bool zone_device_is(const char *sysfs, dev_t device);

/* The least that it can be written by, in bytes; 0: the kernel does not say. */
uint32_t zone_device_granularity(const char *sysfs, dev_t device);

/* Of a device of so many bytes, whose blocks have 1 << block_shift. */
int zone_device_init(struct zone_device *ret_zones, int fd, const char *sysfs, dev_t device,
                     uint64_t bytes, uint8_t block_shift, char *reason, size_t reason_size);

/* Asks for n zones from the first on. */
int zone_device_report(const struct zone_device *zones, uint32_t first, uint32_t n,
                       struct zone_found *ret_found, char *reason, size_t reason_size);

/* Does to n zones from the first on what the action says; -EINVAL: the kernel knows no such
 * action. */
int zone_device_send(const struct zone_device *zones, uint32_t first, uint32_t n,
                     enum nvme_zone_send_action action);
