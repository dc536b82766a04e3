/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "services/io/zone_device.h"
#include "services/io/zone_errands.h"
#include "services/io/zoned.h"

/*
 * zone_disk - a backing that is a block device with zones of its own (SMR disk, ZNS SSD).
 *
 * Shape     The file below, the layer of zones above it (zoned.h), and between the two a store
 *           of states which is the device itself: the zones are as BLKREPORTZONE has them, and
 *           changes are errands (zone_errands.h), one of which each work of the layer has.
 * Promise   The machine's states are the device's, at the opening and after each error. The device
 *           may close implicitly open zones by itself; the machine, which has the same limits,
 *           chooses its own, and no host sees a difference but in a report.
 * Trust     as zone_device; what it says is checked before the machine has it
 * Threads   open and close: the control thread, which waits for the device as pi: does. The
 *           store's: as zone_store.
 * Lifetime  as backing
 */
struct zone_disk_errand {
	struct zone_errand errand;
	struct zone_work *work;
};

struct zone_disk {
	struct zone_device device;
	struct zone_errands *errands;
	uint64_t capacity; /* of each zone */
	struct zone_disk_errand of_works[ZONED_WORKS];
};

/* The path leads to one. */
bool zone_disk_is(const char *path);

/* The file below owns it, and no request is in flight. */
struct zone_disk *zone_disk_free(struct zone_disk *disk);
