/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/reservation.h"
#include "services/state/admin.h"
#include "services/state/session.h"

/*
 * reservation_notice - what a controller's host is to hear of reservations (Base 2.1 §8.1.22):
 * log page 80h, feature 82h, and the event that says that there is something in the log.
 *
 * Shape     A queue of notices for each session, the oldest first. Each read of the log takes one
 *           out.
 * Promise   A notice is numbered, also one that is lost as SESSION_NOTICES_MAX wait: its number is
 *           that of the last one that waits, by which the host sees that it missed some. The event
 *           is raised whenever it is not masked and something waits.
 * Trust     a session comes from a transport: session.c checks it with this
 * Threads   one; pure but for malloc()
 * Lifetime  the session's
 */

/* Unless the session's host has masked it. */
void reservation_notice_add(struct session *session, uint32_t nsid,
                            enum nvme_reservation_notice notice);

/* Controller Level Reset: they are counted from 0 again, and none is masked. */
void reservation_notice_reset(struct session *session);

void reservation_notice_log(const struct admin_request *request, const struct get_log *asked,
                            struct admin_reply *reply);

/* Feature 82h, as features.h has it. */
void reservation_mask_set(const struct admin_request *request, uint32_t value,
                          struct admin_reply *reply);
void reservation_mask_get(const struct admin_request *request, bool now, struct admin_reply *reply);

/* Between a session and its message. unpack: false if it makes no sense; -ENOMEM is no memory. */
void reservation_notice_pack(struct session_message *packed, const struct session *session);
int reservation_notice_unpack(struct session *session, const Nvmetd__Session *message);
