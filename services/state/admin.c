/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/admin.h"

#include <stdlib.h>

void admin_refuse(struct admin_reply *reply, enum nvme_status_code code)
{
	reply->status = status_dnr(code);
}

void admin_refuse_at(struct admin_reply *reply, enum nvme_status_code code, size_t byte)
{
	reply->status = status_dnr(code);
	reply->error_location = (uint16_t)(byte + 1);
}

void admin_refuse_byte(struct admin_reply *reply, size_t byte)
{
	admin_refuse_at(reply, NVME_SC_INVALID_FIELD, byte);
}

uint8_t *admin_data(struct admin_reply *reply, size_t length)
{
	reply->data = calloc(1, length);
	if (reply->data)
		reply->length = length;
	else
		reply->status = status_of(NVME_SC_INTERNAL);
	return reply->data;
}

void admin_execute(const struct admin_request *request, struct admin_reply *ret_reply)
{
	*ret_reply = (struct admin_reply){.status = STATUS_OK};
	switch (request->command->opcode) {
	case NVME_ADMIN_IDENTIFY:
		identify_execute(request, ret_reply);
		break;
	case NVME_ADMIN_GET_LOG_PAGE:
		log_execute(request, ret_reply);
		break;
	case NVME_ADMIN_SET_FEATURES:
		set_features_execute(request, ret_reply);
		break;
	case NVME_ADMIN_GET_FEATURES:
		get_features_execute(request, ret_reply);
		break;
	case NVME_ADMIN_ASYNC_EVENT:
		event_execute(request, ret_reply);
		break;
	default:
		admin_refuse(ret_reply, NVME_SC_INVALID_OPCODE);
		ret_reply->error_location = COMMAND_BYTE(opcode) + 1;
	}
}
