/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * doorbell - wakes a process that sleeps.
 *
 * Shape     An eventfd, non-blocking, close-on-exec; both processes hold it.
 * Promise   A ring before the sleep is not lost. Ringing never blocks.
 * Trust     a peer may ring at any time: a ring means "look", nothing else. A descriptor that a
 *           peer hands over is checked to be an eventfd.
 * Threads   any; one system call each
 * Lifetime  the holder closes the descriptor
 */

/* A new eventfd, or a negative errno. */
int doorbell_create(void);

/* True if fd is an eventfd; makes it non-blocking. */
bool doorbell_is_sound(int fd);

void doorbell_ring(int fd);

/* Takes back all rings so far. */
void doorbell_clear(int fd);
