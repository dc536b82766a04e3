/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/host/zones.h"

#define SELECT_ALL (1u << 8)
#define PARTIAL    (1u << 16)

struct host_request host_zone_send(const struct host_namespace *space, uint64_t zone,
                                   uint8_t action)
{
	bool is_of_all = zone == HOST_ZONES_ALL;
	struct host_request request = host_io(
		space, NVME_IO_ZONE_MANAGEMENT_SEND, is_of_all ? 0 : zone, 0, NULL);

	request.command.cdw13 = le32_of(action | (is_of_all ? SELECT_ALL : 0));
	request.direction = NVME_TRANSFER_NONE;
	return request;
}

struct host_request host_zone_receive(const struct host_namespace *space, uint64_t lba,
                                      uint8_t filter, bool is_partial, void *data, uint32_t length)
{
	struct host_request request = host_io(space, NVME_IO_ZONE_MANAGEMENT_RECEIVE, lba, 0, data);

	request.command.cdw12 = le32_of(length / 4 - 1);
	request.command.cdw13 = le32_of((uint32_t)filter << 8 | (is_partial ? PARTIAL : 0));
	request.length = length;
	return request;
}

uint64_t host_zone_appended(const struct host_request *request)
{
	return (uint64_t)le32_get(request->completion.dw1) << 32 |
	       le32_get(request->completion.dw0);
}
