/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * help - what --help says.
 *
 * Shape     text
 * Promise   it has every option
 * Trust     none
 * Threads   any
 * Lifetime  static
 */
extern const char help_text[];
