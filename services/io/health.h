/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/log.h"

/*
 * health - what a device says of itself.
 *
 * Shape     An NVMe device is asked for its SMART / Health log by the kernel's ioctl. Of others,
 *           and where that is not allowed, /sys is read: the temperature (hwmon), whether a disk
 *           is offline or read-only, whether an array is degraded.
 * Promise   Nothing is changed. A file is on the device of its file system, where that has one.
 * Trust     what is read may be anything: numbers are kept in range
 * Threads   any; a device that does not answer holds up the caller as long as the kernel waits
 * Lifetime  values
 */
struct health {
	uint64_t device; /* its number; a partition has that of its disk */
	struct log_health said;
};

#define HEALTH_FOLDER_SIZE 512

/* Where it says so. */
struct health_disk {
	uint64_t device;
	char folder[HEALTH_FOLDER_SIZE]; /* in /sys */
};

/* What the path is on, which is not asked for that. False: there is no device, or nothing is known
 * of it. sysfs: "/sys". */
bool health_find(const char *sysfs, const char *path, struct health_disk *ret_disk);

struct health health_ask(const struct health_disk *disk);

static inline bool health_is_same(const struct health *a, const struct health *b)
{
	return a->device == b->device && a->said.critical_warning == b->said.critical_warning &&
	       a->said.spare == b->said.spare &&
	       a->said.spare_threshold == b->said.spare_threshold && a->said.used == b->said.used &&
	       a->said.temperature == b->said.temperature &&
	       a->said.media_errors == b->said.media_errors;
}
