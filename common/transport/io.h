/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/decode.h"
#include "common/transport/port.h"

/*
 * io - an I/O command's way from admission to its worker and back.
 *
 * Shape     checked against the view ─► namespace ready? ─► memory ─► counted for the view, put on
 *           the link ─► done. After each wait it begins at the top, since the view may have
 *           changed.
 * Promise   No command waits for its namespace for longer than WORKER_PATIENCE_NS after that went
 *           away; then it is answered with Internal Path Error, without DNR.
 * Trust     see admission.h
 * Threads   the reactor's
 * Lifetime  none
 */

/* Decode: the command against the queue's controller and view. */
struct nvme_status io_check(struct request *request, struct decoded_transfer *ret_transfer);

/* The request is AT_CORE and, if it brings data, has it. */
void io_start(struct request *request);

/* From the link: request->status is set. */
void io_done(struct request *request);

/* There is a new view. */
void io_retry_unready(struct reactor *reactor);
void io_lose_patience(struct loop_timer *timer);

/* From the link, of a request that is lost: true if its namespace is not in the newest view. Its
 * memory is nobody's then. */
bool io_abandon(struct request *request);
