/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

#define CLOSED_NS NS_PER_S

static int open_door(struct door *door)
{
	_cleanup_(cleanup_close) int listener = -1;
	int r = listener_open(door->path, door->mode, &door->file);

	if (r < 0)
		return error_trace(r);
	listener = r;
	r = ipc_socket_listen(door->socket, listener, door->path);
	if (r < 0) {
		listener_remove(door->path, &door->file);
		return error_trace(r);
	}
	take_fd(&listener);
	door->is_open = true;
	return 0;
}

static void try_again_later(struct door *door)
{
	if (loop_timer_set(door->loop, &door->reopen, clock_now_ns() + CLOSED_NS) < 0)
		log_err("socket '%s': out of memory: nobody can connect any more", door->path);
}

static void on_reopen(struct loop_timer *timer)
{
	struct door *door = container_of(timer, struct door, reopen);

	if (open_door(door) < 0)
		try_again_later(door);
	else
		log_warn("socket '%s': open again", door->path);
}

bool door_look(struct door *door)
{
	if (!door->is_open || door->socket->connections < DOOR_CONNECTIONS_MAX)
		return false;
	log_warn("socket '%s': %u connections: all of them are ended",
	         door->path,
	         door->socket->connections);
	ipc_socket_deafen(door->socket, door->path);
	door->is_open = false;
	try_again_later(door);
	return true;
}

int door_init(struct door *door, struct loop *loop, struct ipc_socket *socket, const char *path,
              mode_t mode)
{
	int r;

	*door = (struct door){.socket = socket, .loop = loop, .mode = mode};
	door->reopen = LOOP_TIMER(on_reopen);
	door->path = strdup(path);
	if (!door->path)
		return error_origin(-ENOMEM);
	r = open_door(door);
	if (r < 0)
		door_deinit(door);
	return r;
}

void door_deinit(struct door *door)
{
	if (!door->socket)
		return;
	loop_timer_clear(&door->reopen);
	if (door->is_open)
		listener_remove(door->path, &door->file);
	free(door->path);
	*door = (struct door){0};
}
