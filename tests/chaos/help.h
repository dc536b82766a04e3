/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * help - what nvmetd-chaos says of itself.
 *
 * Shape     text
 * Promise   none
 * Trust     none
 * Threads   any
 * Lifetime  static
 */
extern const char help_text[];
