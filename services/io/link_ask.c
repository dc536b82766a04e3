/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/link_ask.h"

#include <errno.h>

#include "common/shm/packet.h"
#include "proto/nvmetd.pb-c.h"

#define ASK_MAX   64
#define GRANT_MAX 512

int link_ask_decode(const void *bytes, uint64_t length, uint32_t *ret_handle)
{
	Nvmetd__LinkAsk *ask = nvmetd__link_ask__unpack(NULL, length, bytes);

	if (!ask)
		return LINK_ASK_E_BAD;
	*ret_handle = ask->handle;
	nvmetd__link_ask__free_unpacked(ask, NULL);
	return 0;
}

int link_ask_receive(int connection, uint32_t *ret_handle)
{
	_cleanup_(packet_deinit) struct packet packet = PACKET_NULL;
	uint8_t bytes[ASK_MAX];
	int r = packet_receive(connection, bytes, sizeof(bytes), &packet);

	if (r)
		return r == -EAGAIN ? LINK_ASK_E_LATER : LINK_ASK_E_CLOSED;
	if (packet.is_cut || packet.n_fds > 0)
		return LINK_ASK_E_BAD;
	if (packet.length == 0)
		return LINK_ASK_E_CLOSED;
	return link_ask_decode(bytes, packet.length, ret_handle);
}

bool link_grant_send(int connection, const struct link_gift *gift)
{
	uint8_t bytes[GRANT_MAX];
	Nvmetd__LinkGrant grant = NVMETD__LINK_GRANT__INIT;

	grant.handle = gift->handle;
	grant.good = gift->reason == NULL;
	if (gift->reason) {
		grant.reason = (char *)gift->reason;
	} else {
		grant.bytes = gift->bytes;
		grant.block_shift = gift->block_shift;
		grant.has_memory = gift->fd >= 0;
	}
	if (nvmetd__link_grant__get_packed_size(&grant) > sizeof(bytes))
		return false;
	return packet_send(connection,
	                   bytes,
	                   nvmetd__link_grant__pack(&grant, bytes),
	                   &gift->fd,
	                   grant.has_memory) == 0;
}
