/* SPDX-License-Identifier: BSD-2-Clause */
#include "hw-drivers/rdma/adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"

void adapters_init(struct adapters *adapters, struct loop *loop, struct rdma_event_channel *channel,
                   struct iovec *memories, unsigned n_memories)
{
	*adapters = (struct adapters){
		.loop = loop, .channel = channel, .memories = memories, .n_memories = n_memories};
	list_init(&adapters->all);
}

int adapter_error(int r)
{
	if (r == -1)
		return errno > 0 ? -errno : -EIO;
	return r > 0 ? -r : r;
}

/* ------------------------------------------------------------------ its life */

struct adapter *adapter_hold(struct adapter *adapter)
{
	atomic_fetch_add(&adapter->references, 1);
	return adapter;
}

static void close_adapter(struct adapter *adapter)
{
	for (unsigned i = 0; i < adapter->n_regions; i++)
		if (adapter->regions[i])
			ibv_dereg_mr(adapter->regions[i]);
	if (adapter->pd)
		ibv_dealloc_pd(adapter->pd);
	if (adapter->pin)
		rdma_destroy_id(adapter->pin);
	free(adapter);
}

struct adapter *adapter_drop(struct adapter *adapter)
{
	if (adapter && atomic_fetch_sub(&adapter->references, 1) == 1)
		close_adapter(adapter);
	return NULL;
}

void adapter_forget(struct adapter *adapter)
{
	if (atomic_exchange(&adapter->is_gone, true))
		return;
	loop_remove(&adapter->reports);
	list_remove(&adapter->link);
	adapter_drop(adapter);
}

/* ------------------------------------------------------------------ what it reports */

/* Those of a queue pair are its connection's affair, who hears of it by a completion or by the
 * connection manager. */
static void take_report(struct adapter *adapter, enum ibv_event_type type)
{
	switch (type) {
	case IBV_EVENT_DEVICE_FATAL:
		log_warn("%s: the device is gone", adapter->name);
		adapter_forget(adapter);
		return;
	case IBV_EVENT_CQ_ERR:
		log_err("%s: a completion queue has failed", adapter->name);
		return;
	case IBV_EVENT_PORT_ERR:
	case IBV_EVENT_PORT_ACTIVE:
		log_info("%s: %s", adapter->name, ibv_event_type_str(type));
		return;
	default:
		log_debug("%s: %s", adapter->name, ibv_event_type_str(type));
	}
}

static void reported(struct loop_source *source, uint32_t events)
{
	struct adapter *adapter = container_of(source, struct adapter, reports);
	struct ibv_async_event event;

	(void)events;
	adapter_hold(adapter);
	while (source->loop && ibv_get_async_event(adapter->verbs, &event) == 0) {
		ibv_ack_async_event(&event);
		take_report(adapter, event.event_type);
	}
	adapter_drop(adapter);
}

static int hear(struct adapter *adapter, struct loop *loop)
{
	int fd = adapter->verbs->async_fd, flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_origin(-errno);
	adapter->reports = LOOP_SOURCE(reported);
	return loop_add(loop, &adapter->reports, fd, EPOLLIN);
}

/* ------------------------------------------------------------------ opening */

static uint32_t positive(int limit)
{
	return limit > 0 ? (uint32_t)limit : 0;
}

static int query(struct adapter *adapter, char *reason, size_t reason_size)
{
	struct ibv_device_attr limits;
	int r = ibv_query_device(adapter->verbs, &limits);

	if (r) {
		snprintf(reason, reason_size, "%s: its limits: %s", adapter->name, error_words(-r));
		return error_origin(-r);
	}
	adapter->is_iwarp = adapter->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
	adapter->can_invalidate = limits.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS;
	adapter->max_send_wr = positive(limits.max_qp_wr);
	adapter->max_srq_wr = limits.max_srq > 0 ? positive(limits.max_srq_wr) : 0;
	adapter->max_cqe = positive(limits.max_cqe);
	adapter->max_reads = limits.max_qp_init_rd_atom > UINT8_MAX
	                             ? UINT8_MAX
	                             : (uint8_t)positive(limits.max_qp_init_rd_atom);
	return 0;
}

static void explain(const struct adapter *adapter, size_t bytes, int r, char *reason,
                    size_t reason_size)
{
	struct rlimit limit;
	int length = snprintf(reason,
	                      reason_size,
	                      "%s: cannot register %zu MiB of memory: %s",
	                      adapter->name,
	                      bytes >> 20,
	                      error_words(r));

	if (r != -ENOMEM || getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY || length < 0 || (size_t)length >= reason_size)
		return;
	snprintf(reason + length,
	         reason_size - (size_t)length,
	         ": %llu KiB may be locked: raise it (LimitMEMLOCK=, ulimit -l)",
	         (unsigned long long)limit.rlim_cur >> 10);
}

static int register_all(struct adapter *adapter, const struct adapters *adapters, char *reason,
                        size_t reason_size)
{
	int access = IBV_ACCESS_LOCAL_WRITE | (adapter->is_iwarp ? IBV_ACCESS_REMOTE_WRITE : 0);
	size_t bytes = 0;

	for (unsigned i = 0; i < adapters->n_memories; i++)
		bytes += adapters->memories[i].iov_len;
	adapter->n_regions = adapters->n_memories;
	for (unsigned i = 0; i < adapters->n_memories; i++) {
		const struct iovec *memory = &adapters->memories[i];

		adapter->regions[i] = ibv_reg_mr(
			adapter->pd, memory->iov_base, memory->iov_len, access);
		if (!adapter->regions[i]) {
			int r = adapter_error(-1);

			explain(adapter, bytes, r, reason, reason_size);
			return error_origin(r);
		}
	}
	return 0;
}

/* By another identifier on the same address, without a port of its own choice. */
static int pin(struct adapter *adapter, const struct adapters *adapters, struct rdma_cm_id *id)
{
	struct sockaddr_storage address;

	memcpy(&address, &id->route.addr.src_storage, sizeof(address));
	if (address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = 0;
	else
		((struct sockaddr_in *)&address)->sin_port = 0;
	if (rdma_create_id(adapters->channel, &adapter->pin, NULL, RDMA_PS_TCP) < 0 ||
	    rdma_bind_addr(adapter->pin, (struct sockaddr *)&address) < 0)
		return error_origin(-errno);
	return adapter->pin->verbs == adapter->verbs ? 0 : error_origin(-ENODEV);
}

static int open_adapter(struct adapter *adapter, const struct adapters *adapters,
                        struct rdma_cm_id *id, char *reason, size_t reason_size)
{
	int r = query(adapter, reason, reason_size);

	if (r)
		return r;
	r = pin(adapter, adapters, id);
	if (r) {
		snprintf(reason, reason_size, "%s: its address: %s", adapter->name, error_words(r));
		return r;
	}
	adapter->pd = ibv_alloc_pd(adapter->verbs);
	if (!adapter->pd) {
		r = adapter_error(-1);
		snprintf(reason,
		         reason_size,
		         "%s: no protection domain: %s",
		         adapter->name,
		         error_words(r));
		return error_origin(r);
	}
	r = register_all(adapter, adapters, reason, reason_size);
	return r ? r : hear(adapter, adapters->loop);
}

static int open_new(struct adapters *adapters, struct rdma_cm_id *id, struct adapter **ret_adapter,
                    char *reason, size_t reason_size)
{
	struct adapter *adapter = calloc(
		1, sizeof(*adapter) + adapters->n_memories * sizeof(struct ibv_mr *));
	int r;

	if (!adapter)
		return error_origin(-ENOMEM);
	list_init(&adapter->link);
	atomic_init(&adapter->references, 1);
	adapter->verbs = id->verbs;
	adapter->reports = LOOP_SOURCE(reported);
	snprintf(
		adapter->name, sizeof(adapter->name), "%s", ibv_get_device_name(id->verbs->device));
	r = open_adapter(adapter, adapters, id, reason, reason_size);
	if (r) {
		adapter_drop(adapter);
		return r;
	}
	list_append(&adapters->all, &adapter->link);
	log_info("%s: %s, %u requests a queue pair, %u a shared receive queue",
	         adapter->name,
	         adapter->is_iwarp ? "iWARP" : "InfiniBand or RoCE",
	         adapter->max_send_wr,
	         adapter->max_srq_wr);
	*ret_adapter = adapter;
	return 0;
}

int adapter_find(struct adapters *adapters, struct rdma_cm_id *id, struct adapter **ret_adapter,
                 char *reason, size_t reason_size)
{
	int r = 0;

	*ret_adapter = NULL;
	list_for_each (link, &adapters->all) {
		struct adapter *adapter = container_of(link, struct adapter, link);

		if (adapter->verbs == id->verbs)
			*ret_adapter = adapter;
	}
	if (!*ret_adapter)
		r = open_new(adapters, id, ret_adapter, reason, reason_size);
	if (r)
		return r;
	adapter_hold(*ret_adapter);
	return 0;
}
