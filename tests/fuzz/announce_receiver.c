/* SPDX-License-Identifier: BSD-2-Clause */
/* What a central discovery controller sends: whatever it is, and however it is cut, nothing is
 * taken that was not asked for, and what is broken stays so.
 *
 * Input: a byte that says how the rest is cut, then the bytes of the connection. A command is under
 * way whenever the receiver is ready for one. */
#include <string.h>

#include "common/base/error.h"
#include "services/announce/receiver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct receiver receiver;
static uint16_t cid;

static void ask(void)
{
	cid = (uint16_t)(cid % 4 + 1);
	receiver_expect(&receiver, cid, cid % 2 ? NVME_IDENTIFY_SIZE : 0);
}

static void check_answer(void)
{
	must(!receiver.is_asked);
	must(le16_get(receiver.completion.cid) == cid);
	must(receiver.data_bytes <= receiver.data_most);
}

/* False: broken. */
static bool give(const uint8_t *bytes, size_t n)
{
	int r;

	memcpy(receiver_room(&receiver, &(size_t){0}), bytes, n);
	r = receiver_take(&receiver, n);
	must(r >= 0 && r <= RECEIVER_E_BROKEN);
	if (r == RECEIVER_E_BROKEN)
		must(receiver.reason && *receiver.reason);
	if (r == RECEIVER_E_READY)
		must(receiver.is_ready);
	if (r == RECEIVER_E_ANSWER)
		check_answer();
	if (r == RECEIVER_E_READY || r == RECEIVER_E_ANSWER)
		ask();
	return r != RECEIVER_E_BROKEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t most = size > 0 ? data[0] + 1u : 1;

	receiver_init(&receiver);
	cid = 0;
	for (size_t at = 1; at < size;) {
		size_t room, n;
		const uint8_t *to = receiver_room(&receiver, &room);

		must(room > 0 && to >= receiver.pdu &&
		     to + room <= receiver.pdu + sizeof(receiver.pdu));
		n = room < most ? room : most;
		n = n < size - at ? n : size - at;
		if (!give(data + at, n))
			break;
		at += n;
	}
	return 0;
}
