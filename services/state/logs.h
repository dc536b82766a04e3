/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/admin.h"

/*
 * logs - the parts of Get Log Page (Base 2.1 §5.1.12).
 *
 * Shape     logs.c decodes the command and has the small pages; logs_events.c has the Persistent
 *           Event log.
 * Promise   A page is known, and its NSID right, when its part is called.
 * Trust     the command is a host's
 * Threads   one; pure but for malloc()
 * Lifetime  the reply's
 */

/* The part of the log that was asked for; zeroes behind its end. An offset behind the end is an
 * error (Base 2.1 §5.1.12). */
void log_answer(const struct get_log *asked, const void *log, size_t length,
                struct admin_reply *reply);

void log_events(const struct admin_request *request, const struct get_log *asked,
                struct admin_reply *reply);
