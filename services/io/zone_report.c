/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zone Management Receive (Zoned Namespace Command Set 1.1 §3.4.2): a header and descriptors, a
 * part after the other. Each part is of one moment, the whole of it is not.
 */
#include <string.h>

#include "common/shm/memory.h"
#include "services/io/zoned.h"

/* Descriptors that are made at a time. */
#define PART 32u

/* Where in the data of the request the next bytes go. */
struct pen {
	const struct iovec *piece;
	uint32_t n_pieces;
	size_t offset; /* in the piece */
	uint64_t left; /* bytes of all */
};

/* What there is no room for is left out. 0 or a negative errno. */
static int put(struct pen *pen, const void *bytes, size_t length)
{
	if (length > pen->left)
		length = pen->left;
	pen->left -= length;
	while (length > 0) {
		size_t room = pen->piece->iov_len - pen->offset;
		size_t n = length < room ? length : room;
		int r = memory_copy((char *)pen->piece->iov_base + pen->offset, bytes, n);

		if (r)
			return r;
		bytes = (const char *)bytes + n;
		length -= n;
		pen->offset += n;
		if (pen->offset < pen->piece->iov_len)
			continue;
		pen->piece++;
		pen->offset = 0;
	}
	return 0;
}

/* Those from `index` on that are listed. */
static uint64_t count(struct zoned *zoned, enum nvme_zone_filter filter, uint32_t index)
{
	const struct zones *zones = &zoned->zones;
	uint64_t n = 0;

	if (filter == NVME_ZONES_ALL)
		return zones->geometry.count - index;
	pthread_mutex_lock(&zoned->lock);
	for (index = zones_find_listed(zones, filter, index); index < zones->geometry.count;
	     index = zones_find_listed(zones, filter, index + 1))
		n++;
	pthread_mutex_unlock(&zoned->lock);
	return n;
}

/* The next descriptors; *index moves on. How many there are. */
static unsigned describe(struct zoned *zoned, enum nvme_zone_filter filter, uint32_t *index,
                         struct nvme_zone_descriptor *ret_part)
{
	const struct zones *zones = &zoned->zones;
	unsigned n = 0;

	pthread_mutex_lock(&zoned->lock);
	for (; n < PART; n++) {
		*index = zones_find_listed(zones, filter, *index);
		if (*index == zones->geometry.count)
			break;
		zones_describe(zones, (*index)++, &ret_part[n]);
	}
	pthread_mutex_unlock(&zoned->lock);
	return n;
}

/* As many as there is room for. Behind them there is nothing that somebody else has left there. */
static int put_descriptors(struct zoned *zoned, struct pen *pen, enum nvme_zone_filter filter,
                           uint32_t index, uint64_t *ret_n)
{
	struct nvme_zone_descriptor part[PART];
	uint64_t room = pen->left / sizeof(part[0]), most = room;
	unsigned n = PART;
	int r = 0;

	while (!r && n == PART && most > 0) {
		n = describe(zoned, filter, &index, part);
		if (n > most)
			n = (unsigned)most;
		most -= n;
		r = put(pen, part, n * sizeof(part[0]));
	}
	*ret_n = room - most;
	memset(part, 0, sizeof(part));
	while (!r && pen->left > 0)
		r = put(pen, part, sizeof(part));
	return r;
}

/* All that are listed, or those that are there. */
static uint64_t number(struct zoned *zoned, const struct link_request *wanted, uint64_t n_there)
{
	uint64_t n = n_there;

	if (!(wanted->application_mask & LINK_ZONE_PARTIAL))
		n = count(zoned,
		          (enum nvme_zone_filter)link_zone_filter(wanted),
		          zones_index(&zoned->zones, wanted->first_block));
	return n > n_there ? n : n_there;
}

static struct nvme_status report(struct zoned *zoned, const struct request *request)
{
	const struct link_request *wanted = &request->wanted;
	struct pen begin = {request->pieces, request->n_pieces, 0, request->length}, pen = begin;
	struct nvme_zone_report header = {0};
	uint64_t n;
	int r;

	if (link_zone_action(wanted) != NVME_ZONE_REPORT ||
	    link_zone_filter(wanted) > NVME_ZONES_OFFLINE)
		return status_dnr(NVME_SC_INVALID_FIELD);
	r = put(&pen, &header, sizeof(header));
	if (!r)
		r = put_descriptors(zoned,
		                    &pen,
		                    (enum nvme_zone_filter)link_zone_filter(wanted),
		                    zones_index(&zoned->zones, wanted->first_block),
		                    &n);
	if (!r) {
		header.nr_zones = le64_of(number(zoned, wanted, n));
		r = put(&begin, &header, sizeof(header));
	}
	return r ? status_of(NVME_SC_DATA_TRANSFER_ERROR) : STATUS_OK;
}

void zoned_report(struct zoned *zoned, struct request *request)
{
	request_finish(request, report(zoned, request));
}
