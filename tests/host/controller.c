/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/host/controller.h"

#include <string.h>

#include "common/base/clock.h"

#define ADMIN_ENTRIES    32u
#define TIMEOUT_MS       15000u
#define CC_LIKE_LINUX    (6u << 16 | 4u << 20) /* IOSQES 64 bytes, IOCQES 16 bytes, MPS 4 KiB, NVM */
#define CC_CSS_ALL       (6u << 4)
#define CAP_CSS_ALL(cap) (((cap) >> 43) & 1) /* CAP.CSS bit 6 */
#define CC_SHN_NORMAL    (1u << 14)
#define CSTS_SHST        0xcu

const char *host_controller_error(const struct host_controller *controller)
{
	return controller->admin.connection.error;
}

int host_admin(struct host_controller *controller, struct host_request *request)
{
	int r = host_queue_execute(&controller->admin, request, controller->options.timeout_ms);

	controller->last_sent_ns = clock_now_ns();
	controller->status = request->status;
	controller->result = le32_get(request->completion.dw0);
	return r;
}

/* ------------------------------------------------------------------ properties */

int host_property_get(struct host_controller *controller, uint32_t offset, bool is_64_bit,
                      uint64_t *ret_value)
{
	struct nvme_property_command command = {
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_PROPERTY_GET,
		.attrib = is_64_bit,
		.ofst = le32_of(offset),
	};
	struct host_request request = {0};
	int r;

	memcpy(&request.command, &command, sizeof(command));
	r = host_admin(controller, &request);
	if (!r)
		*ret_value = (uint64_t)le32_get(request.completion.dw1) << 32 |
		             le32_get(request.completion.dw0);
	return r;
}

int host_property_set(struct host_controller *controller, uint32_t offset, bool is_64_bit,
                      uint64_t value)
{
	struct nvme_property_command command = {
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_PROPERTY_SET,
		.attrib = is_64_bit,
		.ofst = le32_of(offset),
		.value = le64_of(value),
	};
	struct host_request request = {0};

	memcpy(&request.command, &command, sizeof(command));
	return host_admin(controller, &request);
}

static int await_csts(struct host_controller *controller, uint32_t mask, uint32_t wanted)
{
	uint64_t deadline_ns = clock_now_ns() + controller->options.timeout_ms * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t csts;
	int r;

	for (;;) {
		r = host_property_get(controller, NVME_PROPERTY_CSTS, false, &csts);
		if (r)
			return r;
		if ((csts & mask) == wanted)
			return 0;
		if (clock_now_ns() >= deadline_ns)
			return host_connection_says(&controller->admin.connection,
			                            HOST_E_DEADLINE,
			                            "CSTS stays %08xh",
			                            (unsigned)csts);
		nanosleep(&pause, NULL);
	}
}

/* ------------------------------------------------------------------ coming up */

int host_controller_connect(struct host_controller *controller, const struct host_options *options)
{
	struct nvme_completion completion = {0};
	struct host_connect connect;
	int r;

	*controller = HOST_CONTROLLER_NULL;
	controller->options = *options;
	if (!controller->options.timeout_ms)
		controller->options.timeout_ms = TIMEOUT_MS;
	if (!controller->options.admin_entries)
		controller->options.admin_entries = ADMIN_ENTRIES;
	options = &controller->options;
	connect = (struct host_connect){
		.entries = options->admin_entries,
		.cntlid = controller->options.cntlid ? controller->options.cntlid
	                                             : NVME_CNTLID_DYNAMIC,
		.kato_ms = options->kato_ms,
		.disable_sqflow = options->disable_sqflow,
		.subnqn = options->subnqn,
		.hostnqn = options->hostnqn,
	};
	memcpy(connect.hostid, options->hostid, sizeof(connect.hostid));
	r = host_queue_open(&controller->admin,
	                    &options->address,
	                    &options->wishes,
	                    options->admin_entries - 1,
	                    options->timeout_ms);
	if (!r)
		r = host_queue_connect(
			&controller->admin, &connect, &completion, options->timeout_ms);
	controller->status.value = le16_get(completion.status) >> 1;
	controller->result = le32_get(completion.dw0);
	controller->cntlid = (uint16_t)controller->result;
	controller->last_sent_ns = clock_now_ns();
	if (r)
		host_queue_close(&controller->admin);
	return r;
}

int host_controller_enable(struct host_controller *controller)
{
	uint32_t cc = CC_LIKE_LINUX;
	uint64_t value;
	int r;

	r = host_property_get(controller, NVME_PROPERTY_CAP, true, &controller->cap);
	if (!r)
		r = host_property_get(controller, NVME_PROPERTY_VS, false, &value);
	if (r)
		return r;
	controller->vs = (uint32_t)value;
	if (CAP_CSS_ALL(controller->cap))
		cc |= CC_CSS_ALL;
	r = host_property_set(controller, NVME_PROPERTY_CC, false, cc);
	if (!r)
		r = host_property_get(controller, NVME_PROPERTY_CAP, true, &value);
	if (!r && value != controller->cap)
		return host_connection_says(&controller->admin.connection,
		                            HOST_E_BROKEN,
		                            "CAP changed from %016llxh to %016llxh",
		                            (unsigned long long)controller->cap,
		                            (unsigned long long)value);
	if (!r)
		r = host_property_set(controller, NVME_PROPERTY_CC, false, cc | NVME_CC_EN);
	if (!r)
		r = await_csts(controller, NVME_CSTS_RDY, NVME_CSTS_RDY);
	return r;
}

int host_controller_identify(struct host_controller *controller)
{
	uint8_t page[NVME_IDENTIFY_SIZE];
	int r = host_identify(controller, NVME_CNS_CONTROLLER, 0, 0, page);

	if (r)
		return r;
	host_identity_read(page, &controller->identity);
	if (controller->identity.cntlid != controller->cntlid)
		return host_connection_says(&controller->admin.connection,
		                            HOST_E_BROKEN,
		                            "CNTLID is %u in Connect and %u in Identify",
		                            controller->cntlid,
		                            controller->identity.cntlid);
	return 0;
}

int host_controller_open(struct host_controller *controller, const struct host_options *options)
{
	int r = host_controller_connect(controller, options);

	if (r)
		return r;
	r = host_controller_enable(controller);
	if (!r)
		r = host_controller_identify(controller);
	if (r)
		host_controller_close(controller);
	return r;
}

int host_controller_queues(struct host_controller *controller, uint16_t wanted,
                           uint16_t *ret_granted)
{
	uint32_t wanted_0based = wanted - 1u;
	uint32_t submission, completion;
	int r;

	r = host_set_feature(
		controller, NVME_FEATURE_NUMBER_OF_QUEUES, wanted_0based << 16 | wanted_0based);
	if (r)
		return r;
	submission = (controller->result & 0xffff) + 1;
	completion = (controller->result >> 16) + 1;
	*ret_granted = (uint16_t)(submission < completion ? submission : completion);
	return 0;
}

int host_controller_open_queue(struct host_controller *controller, struct host_queue *ret_queue,
                               uint16_t qid, uint32_t entries, uint32_t commands)
{
	const struct host_options *options = &controller->options;
	struct nvme_completion completion = {0};
	struct host_connect connect = {
		.qid = qid,
		.entries = entries,
		.cntlid = controller->cntlid,
		.disable_sqflow = options->disable_sqflow,
		.subnqn = options->subnqn,
		.hostnqn = options->hostnqn,
	};
	int r;

	memcpy(connect.hostid, options->hostid, sizeof(connect.hostid));
	r = host_queue_open(
		ret_queue, &options->address, &options->wishes, commands, options->timeout_ms);
	if (!r)
		r = host_queue_connect(ret_queue, &connect, &completion, options->timeout_ms);
	controller->status.value = le16_get(completion.status) >> 1;
	controller->result = le32_get(completion.dw0);
	if (r) {
		host_connection_says(
			&controller->admin.connection, r, "%s", ret_queue->connection.error);
		host_queue_close(ret_queue);
		return r;
	}
	ret_queue->in_capsule_bytes = controller->identity.in_capsule_bytes;
	return 0;
}

/* ------------------------------------------------------------------ going down */

int host_controller_shutdown(struct host_controller *controller)
{
	uint64_t cc;
	int r = host_property_get(controller, NVME_PROPERTY_CC, false, &cc);

	if (!r)
		r = host_property_set(controller, NVME_PROPERTY_CC, false, cc | CC_SHN_NORMAL);
	if (!r)
		r = await_csts(controller, CSTS_SHST, NVME_CSTS_SHST_COMPLETE);
	return r;
}

void host_controller_close(struct host_controller *controller)
{
	host_queue_close(&controller->admin);
	controller->keep_alive_out = false;
}

/* ------------------------------------------------------------------ commands */

int host_identify(struct host_controller *controller, uint32_t cns, uint32_t nsid, uint32_t cdw11,
                  void *data)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_IDENTIFY,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(cns),
	                    .cdw11 = le32_of(cdw11)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = data,
		.length = NVME_IDENTIFY_SIZE,
	};

	return host_admin(controller, &request);
}

int host_get_log(struct host_controller *controller, uint8_t lid, bool retain_event,
                 uint64_t offset, void *data, uint32_t length)
{
	uint32_t numd_0based = length / 4 - 1;
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .nsid = le32_of(NVME_NSID_ALL),
	                    .cdw10 = le32_of(lid | (retain_event ? 1u << 15 : 0) |
	                                     (numd_0based & 0xffff) << 16),
	                    .cdw11 = le32_of(numd_0based >> 16),
	                    .cdw12 = le32_of((uint32_t)offset),
	                    .cdw13 = le32_of((uint32_t)(offset >> 32))},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = data,
		.length = length,
	};

	return host_admin(controller, &request);
}

int host_set_feature(struct host_controller *controller, uint8_t fid, uint32_t cdw11)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .cdw10 = le32_of(fid),
	                    .cdw11 = le32_of(cdw11)},
	};

	return host_admin(controller, &request);
}

int host_get_feature(struct host_controller *controller, uint8_t fid, uint32_t cdw11, void *data,
                     uint32_t length)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_FEATURES,
	                    .cdw10 = le32_of(fid),
	                    .cdw11 = le32_of(cdw11)},
		.direction = length ? NVME_TRANSFER_TO_HOST : NVME_TRANSFER_NONE,
		.data = data,
		.length = length,
	};

	return host_admin(controller, &request);
}

int host_keep_alive(struct host_controller *controller)
{
	struct host_request request = {.command = {.opcode = NVME_ADMIN_KEEP_ALIVE}};

	return host_admin(controller, &request);
}

int host_controller_keep_alive_if_due(struct host_controller *controller, uint64_t now_ns)
{
	uint64_t kato_ns = controller->options.kato_ms * NS_PER_MS;

	if (!kato_ns || now_ns < controller->last_sent_ns + kato_ns / 2)
		return 0;
	if (controller->keep_alive_out && !controller->keep_alive.completed)
		return now_ns < controller->last_sent_ns + kato_ns
		               ? 0
		               : host_connection_says(&controller->admin.connection,
		                                      HOST_E_DEADLINE,
		                                      "no answer to Keep Alive in %u ms",
		                                      controller->options.kato_ms);
	controller->last_sent_ns = now_ns;
	controller->keep_alive_out = true;
	controller->keep_alive = (struct host_request){
		.command = {.opcode = NVME_ADMIN_KEEP_ALIVE}};
	return host_queue_submit(&controller->admin, &controller->keep_alive);
}

int host_abort(struct host_controller *controller, uint16_t sqid, uint16_t cid)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_ABORT,
	                    .cdw10 = le32_of((uint32_t)cid << 16 | sqid)},
	};

	return host_admin(controller, &request);
}

struct host_request host_event_request(void)
{
	return (struct host_request){.command = {.opcode = NVME_ADMIN_ASYNC_EVENT}};
}

int host_disconnect(struct host_queue *queue, unsigned timeout_ms)
{
	struct nvme_disconnect_command command = {.opcode = NVME_FABRICS,
	                                          .fctype = NVME_FABRICS_DISCONNECT};
	struct host_request request = {0};

	memcpy(&request.command, &command, sizeof(command));
	return host_queue_execute(queue, &request, timeout_ms);
}
