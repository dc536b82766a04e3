/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/cleanup.h"

/*
 * packet - a packet on a link's SOCK_SEQPACKET connection, with descriptors.
 *
 * Shape     The bytes are in the caller's buffer. Up to PACKET_FDS descriptors come with them.
 * Promise   Never blocks. Descriptors beyond these are closed, and counted.
 * Trust     the other side may send anything
 * Threads   any; makes system calls
 * Lifetime  packet_deinit() closes the descriptors that were not taken (take_fd())
 */
#define PACKET_FDS 4u

struct packet {
	size_t length; /* 0: the connection has ended */
	bool is_cut;   /* there was more than could be taken: of bytes, or of descriptors */
	bool lacks_descriptors; /* it is cut since this process may open no more */
	unsigned n_fds;
	int fds[PACKET_FDS]; /* -1: none, or taken */
};

#define PACKET_NULL ((struct packet){.fds = {[0 ... PACKET_FDS - 1] = -1}})

/* 0 or a negative errno; -EAGAIN: nothing is there yet. */
int packet_receive(int connection, void *ret_bytes, size_t size, struct packet *ret_packet);
void packet_deinit(struct packet *packet);

/* The descriptors, PACKET_FDS at most, stay the caller's. 0 or a negative errno. */
int packet_send(int connection, const void *bytes, size_t length, const int *fds, unsigned n_fds);
