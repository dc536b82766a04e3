/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/reserving.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 25000u

void reserving_start(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1].traddr = "127.0.0.1";
	exports.subsystems[0].namespaces[0] = (struct harness_namespace){
		.nsid = 1, .path = "ram:16M", .has_faults = true, .has_reservations = true};
	exports.subsystems[0].namespaces[1].has_reservations = true;
	exports.subsystems[0].namespaces[2] = (struct harness_namespace){.nsid = 3,
	                                                                 .path = "ram:1M"};
	scene_start(&exports);
}

void reserving_connect_on(struct reserving_host *host, unsigned number, unsigned port)
{
	uint16_t granted;

	*host = (struct reserving_host){
		.number = number, .controller = HOST_CONTROLLER_NULL, .queue = HOST_QUEUE_NULL};
	snprintf(host->nqn, sizeof(host->nqn), "nqn.2014-08.org.nvmexpress:host-%u", number);
	host->options = harness_host(scene.harness, port, 0);
	host->options.hostnqn = host->nqn;
	host->options.timeout_ms = TIMEOUT_MS;
	memset(host->options.hostid, 0, sizeof(host->options.hostid));
	memcpy(host->options.hostid + 4, &number, sizeof(number));
	harness_connect_as(&host->options, &host->controller);
	host_must(&host->controller, host_controller_queues(&host->controller, 1, &granted));
	host_must(&host->controller,
	          host_controller_open_queue(&host->controller, &host->queue, 1, 32, 16));
}

void reserving_disconnect(struct reserving_host *host)
{
	host_queue_close(&host->queue);
	host_controller_close(&host->controller);
}

/* ------------------------------------------------------------------ commands */

static struct nvme_status execute(struct reserving_host *host, struct host_request *request)
{
	int r = host_queue_execute(&host->queue, request, TIMEOUT_MS);

	if (r != HOST_E_STATUS)
		queue_must(&host->queue, r);
	return request->status;
}

struct host_request reserving_request(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint64_t key,
                                      uint64_t new_key, struct le64 keys[static 2])
{
	keys[0] = le64_of(key);
	keys[1] = le64_of(new_key);
	return (struct host_request){
		.command = {.opcode = opcode, .nsid = le32_of(nsid), .cdw10 = le32_of(cdw10)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = keys,
		.length = opcode == NVME_IO_RESERVATION_RELEASE ? 8 : 16,
	};
}

struct nvme_status reserving_ask(struct reserving_host *host, uint8_t opcode, uint32_t nsid,
                                 uint32_t cdw10, uint64_t key, uint64_t new_key)
{
	struct le64 keys[2];
	struct host_request request = reserving_request(opcode, nsid, cdw10, key, new_key, keys);

	return execute(host, &request);
}

struct nvme_status reserving_register(struct reserving_host *host, uint32_t nsid)
{
	return reserving_ask(host, NVME_IO_RESERVATION_REGISTER, nsid, 0, 0, host->number);
}

struct nvme_status reserving_unregister(struct reserving_host *host, uint32_t nsid)
{
	return reserving_ask(host, NVME_IO_RESERVATION_REGISTER, nsid, 1, host->number, 0);
}

struct nvme_status reserving_acquire(struct reserving_host *host, uint32_t nsid, unsigned type)
{
	return reserving_ask(host, NVME_IO_RESERVATION_ACQUIRE, nsid, type << 8, host->number, 0);
}

struct nvme_status reserving_preempt(struct reserving_host *host, uint32_t nsid, unsigned type,
                                     uint64_t key)
{
	return reserving_ask(
		host, NVME_IO_RESERVATION_ACQUIRE, nsid, type << 8 | 1, host->number, key);
}

struct nvme_status reserving_release(struct reserving_host *host, uint32_t nsid, unsigned type)
{
	return reserving_ask(host, NVME_IO_RESERVATION_RELEASE, nsid, type << 8, host->number, 0);
}

struct nvme_status reserving_clear(struct reserving_host *host, uint32_t nsid)
{
	return reserving_ask(host, NVME_IO_RESERVATION_RELEASE, nsid, 1, host->number, 0);
}

/* ------------------------------------------------------------------ what is there */

void reserving_report(struct reserving_host *host, uint32_t nsid, void *ret_data, uint32_t length)
{
	struct host_request request = {
		.command = {.opcode = NVME_IO_RESERVATION_REPORT,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(length / 4 - 1),
	                    .cdw11 = le32_of(1)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = ret_data,
		.length = length,
	};

	expect_good(execute(host, &request));
	ck_assert_uint_eq(request.received, length);
}

unsigned reserving_count(struct reserving_host *host, uint32_t nsid)
{
	struct nvme_reservation_status report;

	reserving_report(host, nsid, &report, sizeof(report));
	return le16_get(report.regstrnt);
}

unsigned reserving_type(struct reserving_host *host, uint32_t nsid)
{
	struct nvme_reservation_status report;

	reserving_report(host, nsid, &report, sizeof(report));
	return report.rtype;
}

struct nvme_status reserving_io(struct reserving_host *host, uint8_t opcode, uint32_t nsid)
{
	const struct host_namespace space = {.nsid = nsid, .block_bytes = nsid == 2 ? 4096 : 512};
	uint8_t data[4096] = {0};
	struct host_request request = host_io(&space, opcode, 0, 1, data);

	return execute(host, &request);
}

/* ------------------------------------------------------------------ a slow device */

void reserving_begin_write(struct reserving_host *host, struct host_request *ret_write,
                           const uint8_t data[static 512])
{
	const struct host_namespace space = {.nsid = 1, .block_bytes = 512};

	*ret_write = host_io(&space, NVME_IO_WRITE, 0, 1, (void *)data);
	queue_must(&host->queue, host_queue_submit(&host->queue, ret_write));
	queue_must(&host->queue, host_queue_flush(&host->queue));
	expect_good(reserving_io(host, NVME_IO_READ, 1)); /* which came behind it */
}
