/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever a sibling sends is decoded or refused; what was decoded is whole, so that the encoder
 * can walk through all of it. */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/ipc/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(envelope_freep) envelope *message = NULL;
	_cleanup_(cleanup_free) void *bytes = NULL;
	size_t length;

	if (envelope_decode(&message, data, size) != 0)
		return 0;
	must(message->version == ENVELOPE_VERSION);
	must(strcmp(envelope_body_name((int)message->body_case), "nothing") != 0);
	length = protobuf_c_message_get_packed_size(&message->base);
	bytes = malloc(length);
	must(bytes);
	must(protobuf_c_message_pack(&message->base, bytes) == length);
	return 0;
}
