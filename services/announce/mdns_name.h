/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

/*
 * mdns_name - the names under which a port is found by mDNS.
 *
 * Shape     A service's name is for people: "nvmetd on HOST, port 1". A host's name is for the
 *           resolver: "HOST-nvme-1.local"; it has exactly the one address that a port listens on.
 *           What another machine has already gets a number: "… #2", "HOST-nvme-1-2.local".
 * Promise   Labels have 63 bytes at most (RFC 1035 §2.3.4); a host's has letters, digits and "-"
 *           only.
 * Trust     the host name is the machine's
 * Threads   any; pure
 * Lifetime  values
 */
#define MDNS_LABEL_SIZE 64
#define MDNS_HOST_SIZE  (MDNS_LABEL_SIZE + sizeof(".local"))

/* attempt: 1 for the first one */
void mdns_service_name(char ret_name[static MDNS_LABEL_SIZE], const char *machine, unsigned port_id,
                       unsigned attempt);
void mdns_host_name(char ret_name[static MDNS_HOST_SIZE], const char *machine, unsigned port_id,
                    unsigned attempt);
