/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/direct.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/memory.h"
#include "common/transport/handover.h"

void direct_init(struct direct *direct, atomic_ullong *epoch)
{
	*direct = (struct direct){.epoch = epoch};
	direct->seen = atomic_load(epoch);
	list_init(&direct->grants);
}

static struct direct_grant *grant_at(struct list *link)
{
	return container_of(link, struct direct_grant, link);
}

/* Nothing of what was lent is sent in part (port.h), so no block of it is torn by this. */
static void unmap(struct direct_grant *grant)
{
	struct list *link;

	while ((link = list_take_first(&grant->lent))) {
		struct request *request = container_of(link, struct request, core_link);

		request->queue->wire->keep(request);
		must(!request->is_borrowed);
	}
	region_deinit(&grant->region);
}

static void let_go(struct direct_grant *grant, enum direct_state state)
{
	unmap(grant);
	grant->is_null = false;
	grant->state = (uint8_t)state;
}

static void free_grant(struct direct_grant *grant)
{
	let_go(grant, DIRECT_OFF);
	list_remove(&grant->link);
	free(grant);
}

void direct_deinit(struct direct *direct)
{
	list_for_each_safe (link, &direct->grants)
		free_grant(grant_at(link));
}

static struct direct_grant *find(const struct direct *direct, uint32_t handle)
{
	list_for_each (link, &direct->grants)
		if (grant_at(link)->handle == handle)
			return grant_at(link);
	return NULL;
}

/* ------------------------------------------------------------------ views */

/* NULL: no memory; then its I/O goes through the worker. */
static struct direct_grant *find_or_make(struct direct *direct, uint32_t handle)
{
	struct direct_grant *grant = find(direct, handle);

	if (grant)
		return grant;
	grant = calloc(1, sizeof(*grant));
	if (!grant)
		return NULL;
	grant->handle = handle;
	grant->region = REGION_NULL;
	list_init(&grant->lent);
	list_append(&direct->grants, &grant->link);
	return grant;
}

static void show_namespace(struct direct *direct, const struct view_namespace *namespace)
{
	struct direct_grant *grant = namespace->grant ? find_or_make(direct, namespace->handle)
	                                              : find(direct, namespace->handle);

	if (!grant)
		return;
	grant->is_wanted = true;
	grant->worker = namespace->worker;
	if (namespace->grant == 0) {
		let_go(grant, DIRECT_OFF);
		return;
	}
	direct->by_number[namespace->grant] = grant;
	if (grant->state == DIRECT_OFF)
		grant->state = DIRECT_WANTED;
	direct->must_ask |= grant->state == DIRECT_WANTED;
}

void direct_show(struct direct *direct, const struct view *view)
{
	/* In a view that was passed over, the namespace may have been gone: the same handle can
	 * have other memory then. */
	if (view->serial != direct->serial + 1)
		direct_doubt_all(direct);
	direct->serial = view->serial;
	memset(direct->by_number, 0, sizeof(direct->by_number));
	list_for_each (link, &direct->grants)
		grant_at(link)->is_wanted = false;
	if (view->n_grants > 0 || !list_is_empty(&direct->grants))
		for (uint32_t i = 0; i < view->n_namespaces; i++)
			show_namespace(direct, &view->namespaces[i]);
	list_for_each_safe (link, &direct->grants)
		if (!grant_at(link)->is_wanted)
			free_grant(grant_at(link));
}

/* ------------------------------------------------------------------ asking */

/* What is held stays mapped, since mostly the same memory is handed over again. */
void direct_doubt_all(struct direct *direct)
{
	direct->seen = atomic_load(direct->epoch);
	list_for_each (link, &direct->grants) {
		struct direct_grant *grant = grant_at(link);

		if (grant->state == DIRECT_OFF)
			continue;
		grant->state = DIRECT_WANTED;
		direct->must_ask = true;
	}
}

struct direct_grant *direct_next(struct direct *direct, uint16_t worker)
{
	list_for_each (link, &direct->grants)
		if (grant_at(link)->state == DIRECT_WANTED && grant_at(link)->worker == worker)
			return grant_at(link);
	return NULL;
}

void direct_asked(struct direct_grant *grant)
{
	grant->state = DIRECT_ASKED;
}

void direct_ask_again(struct direct *direct)
{
	list_for_each (link, &direct->grants) {
		struct direct_grant *grant = grant_at(link);

		if (grant->state != DIRECT_REFUSED)
			continue;
		grant->state = DIRECT_WANTED;
		direct->must_ask = true;
	}
}

/* ------------------------------------------------------------------ handing over */

static void refuse(struct direct_grant *grant, const char *reason)
{
	if (!grant->has_warned)
		log_warn("namespace %u: its io grant is not used: %s", grant->handle, reason);
	grant->has_warned = true;
	let_go(grant, DIRECT_REFUSED);
}

static bool is_mapped(const struct direct_grant *grant, const struct stat *status)
{
	return grant->region.memory && grant->device == status->st_dev &&
	       grant->inode == status->st_ino;
}

/* NULL, or why it cannot be had. */
static const char *map(struct direct_grant *grant, struct handover *handover)
{
	struct stat status;
	int r;

	if (fstat(handover->fd, &status) < 0)
		return "its descriptor is of no file";
	if (is_mapped(grant, &status) && grant->region.size == handover->bytes)
		return NULL;
	unmap(grant);
	r = region_adopt(&grant->region, take_fd(&handover->fd), handover->bytes);
	if (r)
		return r > 0 ? "its memory is not sealed, or not of the size said"
		             : "its memory cannot be mapped";
	grant->device = status.st_dev;
	grant->inode = status.st_ino;
	cleanup_close(&grant->region.fd); /* a mapping is enough, and descriptors are few */
	grant->region.fd = -1;
	return NULL;
}

static void accept(struct direct_grant *grant, struct handover *handover)
{
	const char *obstacle = handover->has_memory ? map(grant, handover) : NULL;

	if (obstacle) {
		refuse(grant, obstacle);
		return;
	}
	if (!handover->has_memory)
		unmap(grant);
	grant->is_null = !handover->has_memory;
	grant->bytes = handover->bytes;
	grant->block_shift = handover->block_shift;
	grant->state = DIRECT_HELD;
	grant->has_warned = false;
	log_debug("namespace %u: its io grant is used", grant->handle);
}

bool direct_take(struct direct *direct, struct handover *handover)
{
	struct direct_grant *grant = find(direct, handover->handle);

	direct->must_ask = true; /* for the next */
	/* Asked under another view, or before another doubt: then it is asked for again. */
	if (!grant || grant->state != DIRECT_ASKED)
		return false;
	if (handover->good)
		accept(grant, handover);
	else
		refuse(grant, handover->reason);
	return grant->state == DIRECT_REFUSED;
}

/* ------------------------------------------------------------------ I/O */

struct direct_grant *direct_find(struct direct *direct, const struct request *request)
{
	struct direct_grant *grant;

	if (request->grant == 0)
		return NULL;
	if (atomic_load_explicit(direct->epoch, memory_order_acquire) != direct->seen)
		direct_doubt_all(direct);
	grant = direct->by_number[request->grant];
	return grant && grant->state == DIRECT_HELD ? grant : NULL;
}

/* Where its blocks lie; UINT64_MAX: the worker has other blocks than the view. */
static uint64_t offset_of(const struct direct_grant *grant, const struct request *request)
{
	uint64_t blocks = grant->bytes >> grant->block_shift;
	const struct link_request *wanted = &request->wanted;

	if (wanted->block_count > blocks || wanted->first_block > blocks - wanted->block_count ||
	    (uint64_t)wanted->block_count << grant->block_shift != request->length)
		return UINT64_MAX;
	return wanted->first_block << grant->block_shift;
}

static void lend(struct direct_grant *grant, struct request *request, uint8_t *memory)
{
	request->own = request->data;
	request->data = memory;
	request->is_borrowed = true;
	list_append(&grant->lent, &request->core_link);
}

static bool transfer(struct direct_grant *grant, struct request *request)
{
	uint64_t offset = offset_of(grant, request);
	bool reads = request->wanted.operation == LINK_READ;
	uint8_t *memory;

	if (offset == UINT64_MAX)
		return false;
	if (grant->is_null)
		return !reads || memory_zero(request->data, request->length) == 0;
	memory = (uint8_t *)grant->region.memory + offset;
	if (reads && request->queue->may_borrow) {
		lend(grant, request, memory);
		return true;
	}
	if (reads)
		return memory_copy(request->data, memory, request->length) == 0;
	return memory_copy(memory, request->data, request->length) == 0;
}

static void count(struct direct_grant *grant, enum count operations, enum count bytes,
                  uint32_t length)
{
	counts_add(&grant->counts, operations, 1);
	counts_add(&grant->counts, bytes, length);
}

bool direct_do(struct direct_grant *grant, struct request *request)
{
	switch ((enum link_operation)request->wanted.operation) {
	case LINK_READ:
		if (!transfer(grant, request))
			return false;
		count(grant, COUNT_READS, COUNT_READ_BYTES, request->length);
		return true;
	case LINK_WRITE:
		if (!transfer(grant, request))
			return false;
		count(grant, COUNT_WRITES, COUNT_WRITE_BYTES, request->length);
		return true;
	case LINK_FLUSH: /* what is answered is in the memory, as with the worker */
		counts_add(&grant->counts, COUNT_FLUSHES, 1);
		return true;
	case LINK_WRITE_ZEROES:
	case LINK_DEALLOCATE:
		return false;
	}
	return false;
}
