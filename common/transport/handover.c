/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/shm/packet.h"
#include "proto/nvmetd.pb-c.h"

#define ASK_MAX   64
#define GRANT_MAX 512

void handover_deinit(struct handover *handover)
{
	cleanup_close(&handover->fd);
	*handover = HANDOVER_NULL;
}

int handover_ask(int connection, struct handover_wish *wish, uint32_t handle)
{
	Nvmetd__LinkAsk ask = NVMETD__LINK_ASK__INIT;
	uint8_t bytes[ASK_MAX];
	int r;

	if (wish->is_open)
		return -EBUSY;
	ask.handle = handle;
	r = packet_send(connection, bytes, nvmetd__link_ask__pack(&ask, bytes), NULL, 0);
	if (r)
		return r;
	*wish = (struct handover_wish){.is_open = true, .handle = handle};
	return 0;
}

/* ------------------------------------------------------------------ the answer */

static bool is_sound(const Nvmetd__LinkGrant *grant)
{
	return !grant->good ||
	       ((grant->block_shift == 9 || grant->block_shift == 12) && grant->bytes > 0 &&
	        grant->bytes <= INT64_MAX && grant->bytes % (1u << grant->block_shift) == 0);
}

int handover_decode(const void *bytes, uint64_t length, struct handover *ret_handover)
{
	Nvmetd__LinkGrant *grant = nvmetd__link_grant__unpack(NULL, length, bytes);
	int r = HANDOVER_E_MALFORMED;

	if (grant && is_sound(grant)) {
		ret_handover->handle = grant->handle;
		ret_handover->good = grant->good;
		ret_handover->has_memory = grant->good && grant->has_memory;
		ret_handover->block_shift = (uint8_t)grant->block_shift;
		ret_handover->bytes = grant->bytes;
		log_safe(ret_handover->reason,
		         sizeof(ret_handover->reason),
		         grant->reason,
		         strlen(grant->reason));
		r = 0;
	}
	if (grant)
		nvmetd__link_grant__free_unpacked(grant, NULL);
	return r;
}

int handover_hear(int connection, struct handover_wish *wish, struct handover *ret_handover)
{
	_cleanup_(packet_deinit) struct packet packet = PACKET_NULL;
	struct handover handover = HANDOVER_NULL;
	uint8_t bytes[GRANT_MAX];
	int r = packet_receive(connection, bytes, sizeof(bytes), &packet);

	if (r)
		return r;
	if (packet.length == 0)
		return HANDOVER_E_ENDED;
	if (packet.is_cut && !packet.lacks_descriptors)
		return HANDOVER_E_MALFORMED;
	r = handover_decode(bytes, packet.length, &handover);
	if (r)
		return r;
	if (packet.lacks_descriptors) { /* ours: it was given, and cannot be taken */
		handover.good = handover.has_memory = false;
		snprintf(handover.reason,
		         sizeof(handover.reason),
		         "no more files may be opened here");
	}
	if (packet.n_fds != handover.has_memory || !wish->is_open ||
	    handover.handle != wish->handle)
		return HANDOVER_E_MALFORMED;
	handover.fd = take_fd(&packet.fds[0]);
	*wish = HANDOVER_NO_WISH;
	*ret_handover = handover;
	return 0;
}
