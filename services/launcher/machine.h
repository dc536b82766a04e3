/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * machine - what this machine has, as far as it decides which processes there are.
 *
 * Shape     Questions to the file system.
 * Promise   Nothing is opened, loaded or changed.
 * Trust     the kernel, udev
 * Threads   any
 * Lifetime  values
 */

/* Programs can reach an RDMA device, or there is one. root: before the paths; "" but in tests. */
bool machine_has_rdma(const char *root);

bool machine_has_program(const char *folder, const char *name);
