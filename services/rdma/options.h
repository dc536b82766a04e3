/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * options - what the operator may choose of this transport.
 *
 * Shape     Taken from the command line before anything else is started; then constant.
 * Promise   In range.
 * Trust     the operator's
 * Threads   any, once taken
 * Lifetime  of the process
 */
bool options_take_srq(void *context, const char *value);
bool options_take_srq_size(void *context, const char *value);

/* AUTO: where a host that finds no receive waits. On iWARP it loses its connection. */
enum options_srq { OPTIONS_SRQ_AUTO, OPTIONS_SRQ_ON, OPTIONS_SRQ_OFF };
enum options_srq options_srq(void);
uint32_t options_srq_size(void);
