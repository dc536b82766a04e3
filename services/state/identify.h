/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/state/admin.h"

/*
 * identify - the parts of Identify (Base 2.1 §5.1.13), each for some values of CNS.
 *
 * Shape     identify.c has the controller and picks the part; identify_namespaces.c says all of
 *           namespaces and their lists; identify_controllers.c lists controllers.
 * Promise   What is invalid is refused in the order NSID, CSI, CNTID. What the host
 *           may not see is not there; all else is allocated, and attached to its controller.
 * Trust     the command is a host's
 * Threads   one; pure but for malloc()
 * Lifetime  the reply's
 */
#define IDENTIFY_CNS(command)    (le32_get((command)->cdw10) & 0xff)
#define IDENTIFY_CNTID(command)  ((uint16_t)(le32_get((command)->cdw10) >> 16))
#define IDENTIFY_CSI(command)    ((uint8_t)(le32_get((command)->cdw11) >> 24))
#define IDENTIFY_ENDGID(command) ((uint16_t)le32_get((command)->cdw11)) /* CNSSID */

#define IDENTIFY_CNTID_BYTE (COMMAND_BYTE(cdw10) + 2)
#define IDENTIFY_CSI_BYTE   (COMMAND_BYTE(cdw11) + 3)

/* False: the controller does not have the command's CSI, which is refused. */
bool identify_has_set(const struct admin_request *request, struct admin_reply *reply);

/* False: CNS is nothing of a namespace. */
bool identify_namespaces(const struct admin_request *request, struct admin_reply *reply);

/* CNS 12h, 13h. */
void identify_controllers(const struct admin_request *request, struct admin_reply *reply);
