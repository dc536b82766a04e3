/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/envelope.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* A repeated message of two bytes takes some hundred when unpacked: without a limit, 16 MiB of
 * them would become gigabytes. */
#define UNPACKED_MAX (4 * (size_t)ENVELOPE_MAX)

/* What one envelope may still allocate. */
struct budget {
	size_t left;
	bool memory_is_out;
};

static void *allocate(void *data, size_t size)
{
	struct budget *budget = data;
	void *memory;

	if (size > budget->left)
		return NULL;
	memory = malloc(size);
	if (memory)
		budget->left -= size;
	else
		budget->memory_is_out = true;
	return memory;
}

static void release(void *data, void *memory)
{
	(void)data;
	free(memory);
}

/* A body whose pointer is not there would be nobody's mistake but the library's; but all that
 * comes from a sibling is looked at. The members of the union are all pointers. */
static bool has_body(const envelope *message)
{
	return message->body_case != NVMETD__ENVELOPE__BODY__NOT_SET && message->hello;
}

int envelope_decode(envelope **ret_message, const void *bytes, size_t length)
{
	struct budget budget = {.left = UNPACKED_MAX};
	ProtobufCAllocator allocator = {allocate, release, &budget};
	_cleanup_(envelope_freep) envelope *message = NULL;

	if (length > ENVELOPE_MAX)
		return ENVELOPE_E_MALFORMED;
	message = nvmetd__envelope__unpack(&allocator, length, bytes);
	if (!message)
		return budget.memory_is_out ? -ENOMEM : ENVELOPE_E_MALFORMED;
	if (message->version != ENVELOPE_VERSION)
		return ENVELOPE_E_VERSION;
	if (!has_body(message))
		return ENVELOPE_E_NO_BODY;
	*ret_message = take(&message);
	return 0;
}

envelope *envelope_free(envelope *message)
{
	if (message)
		nvmetd__envelope__free_unpacked(message, NULL);
	return NULL;
}

const char *envelope_body_name(int body_case)
{
	const ProtobufCFieldDescriptor *field = NULL;

	if (body_case > 0)
		field = protobuf_c_message_descriptor_get_field(&nvmetd__envelope__descriptor,
		                                                (unsigned)body_case);
	return field ? field->name : "nothing";
}
