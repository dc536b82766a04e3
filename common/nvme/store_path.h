/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * store_path - what the path of a namespace leads to in the end.
 *
 * Shape     A file, a block device, "ram:SIZE" or "null:SIZE"; "fault:", "pi:" and "zoned:" may
 *           stand in front of it.
 * Promise   Worker and state service mean the same by a path.
 * Trust     the path is the operator's
 * Threads   any; pure
 * Lifetime  the result points into the path
 */
const char *store_path(const char *path);
