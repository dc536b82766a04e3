/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/shm/link.h"

#include "common/base/error.h"
#include "common/shm/doorbell.h"

static size_t request_bytes(void)
{
	return ring_bytes(LINK_SLOTS, sizeof(struct link_request));
}

static size_t completion_bytes(void)
{
	return ring_bytes(LINK_SLOTS, sizeof(struct link_completion));
}

size_t link_bytes(void)
{
	return request_bytes() + completion_bytes() + LINK_SLOTS * sizeof(struct link_stamps);
}

static void open_rings(struct link *link)
{
	unsigned char *memory = link->region.memory;

	ring_open(&link->requests, memory, LINK_SLOTS, sizeof(struct link_request));
	ring_open(&link->completions,
	          memory + request_bytes(),
	          LINK_SLOTS,
	          sizeof(struct link_completion));
	link->stamps = (void *)(memory + request_bytes() + completion_bytes());
}

int link_create(struct link *ret_link)
{
	_cleanup_(link_deinit) struct link link = LINK_NULL;
	int r;

	r = region_create(&link.region, "nvmetd-link", link_bytes(), false);
	if (r)
		return error_trace(r);
	link.to_worker = doorbell_create();
	if (link.to_worker < 0)
		return error_trace(link.to_worker);
	link.to_transport = doorbell_create();
	if (link.to_transport < 0)
		return error_trace(link.to_transport);
	open_rings(&link);
	*ret_link = link;
	link = LINK_NULL;
	return 0;
}

int link_adopt(struct link *ret_link, int region_fd, int to_worker_fd, int to_transport_fd)
{
	_cleanup_(link_deinit) struct link link = LINK_NULL;
	int r;

	link.to_worker = to_worker_fd;
	link.to_transport = to_transport_fd;
	r = region_adopt(&link.region, region_fd, link_bytes());
	if (r)
		return r;
	if (!doorbell_is_sound(to_worker_fd) || !doorbell_is_sound(to_transport_fd))
		return REGION_E_UNFIT;
	open_rings(&link);
	*ret_link = link;
	link = LINK_NULL;
	return 0;
}

void link_deinit(struct link *link)
{
	region_deinit(&link->region);
	cleanup_close(&link->to_worker);
	cleanup_close(&link->to_transport);
	*link = LINK_NULL;
}
