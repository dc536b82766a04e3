/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "services/ctl/ctl.h"

/*
 * status - what runs, and what it does.
 *
 * Shape     The state service's CtlStatusReply: its own knowledge of ports, namespaces and
 *           sessions, with the services' answers. A controller is a session (state) joined with
 *           its queues and counts (its transport) by subsystem and cntlid.
 * Promise   status_print_json() gives the keys that nvmetctl(8) documents, always all of them.
 * Trust     text may have come from hosts; numbers are printed, never used as an index
 * Threads   any
 * Lifetime  what is returned points into the reply
 */
enum ctl_exit status_ask(const struct ctl *ctl, envelope **ret_answer);

void status_print_text(FILE *out, const Nvmetd__CtlStatusReply *status);
bool status_print_json(FILE *out, const Nvmetd__CtlStatusReply *status);

/* A warning for each listener and namespace that is not there yet; returns how many. out may
 * be NULL. */
unsigned status_print_missing(FILE *out, const Nvmetd__CtlStatusReply *status);

/* NULL: no transport has (yet) told of it. ret_process may be NULL. */
const Nvmetd__ControllerStatus *status_controller_of(const Nvmetd__CtlStatusReply *status,
                                                     const Nvmetd__Session *session,
                                                     const Nvmetd__ProcessStatus **ret_process);

/* Of the namespace, summed over the workers. */
unsigned status_in_flight(const Nvmetd__CtlStatusReply *status, const Nvmetd__NamespaceStatus *ns);
unsigned status_queues_in_flight(const Nvmetd__ControllerStatus *controller);

/* What all rules together have hit. */
uint64_t status_fault_hits(const Nvmetd__FaultStatus *fault);

/* "write exclusive, registrants only"; "" of none. */
const char *status_reservation_type(const Nvmetd__ReservationStatus *reservation);
/* ", reserved (…) by HOST, 3 registrants", the host by its name where it is connected: in the
 * buffer. "" where nobody has registered. */
#define STATUS_RESERVATION_WORDS 400
const char *status_reservation_words(char buffer[static STATUS_RESERVATION_WORDS],
                                     const Nvmetd__SubsystemStatus *subsystem,
                                     const Nvmetd__NamespaceStatus *ns);
/* As nvme-cli writes a host identifier: 32 hexadecimal digits. */
#define STATUS_HOST_ID_SIZE 33
const char *status_host_id(char buffer[static STATUS_HOST_ID_SIZE], const ProtobufCBinaryData *id);

/* "1 GiB" where it is exact, "1.5 GiB" where it is not: in the buffer, of STATUS_WORD bytes. */
#define STATUS_WORD 32
const char *status_size_words(char *buffer, uint64_t bytes);

/* Never NULL. */
const Nvmetd__Counters *status_counters(const Nvmetd__Counters *counters);
unsigned status_block_size(const Nvmetd__NamespaceStatus *ns);
