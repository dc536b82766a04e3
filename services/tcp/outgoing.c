/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/outgoing.h"

#include <string.h>

#include "services/tcp/digest.h"

/* An iovec for each part */
#define PARTS_MAX 4

static uint8_t put_header(uint8_t *at, const void *header, uint8_t header_bytes, bool header_digest)
{
	struct le32 digest;

	memcpy(at, header, header_bytes);
	if (!header_digest)
		return header_bytes;
	digest = digest_of(at, header_bytes);
	memcpy(at + header_bytes, &digest, sizeof(digest));
	return (uint8_t)(header_bytes + sizeof(digest));
}

static uint8_t put_response(uint8_t *at, const struct tcp_agreement *agreement,
                            const struct nvme_completion *completion)
{
	struct tcp_capsule_response response;

	tcp_capsule_response_encode(&response, agreement, completion);
	return put_header(at, &response, sizeof(response), agreement->header_digest);
}

/* Phase tag apart, which fabrics do not have (Base 2.1 §4.2.1). */
static bool says_nothing(const struct nvme_completion *completion)
{
	return le32_get(completion->dw0) == 0 && le32_get(completion->dw1) == 0 &&
	       le16_get(completion->status) >> 1 == 0;
}

static void answer_with_data(struct outgoing *outgoing, const struct tcp_agreement *agreement,
                             const struct nvme_completion *completion, bool may_omit)
{
	bool success = may_omit && says_nothing(completion);
	struct tcp_data header;

	outgoing->pad_bytes = tcp_c2h_data_encode(
		&header, agreement, le16_get(completion->cid), outgoing->data_bytes, success);
	outgoing->head_bytes = put_header(
		outgoing->head, &header, sizeof(header), agreement->header_digest);
	outgoing->tail_bytes = 0;
	if (agreement->data_digest) {
		struct le32 digest = digest_of(outgoing->data, outgoing->data_bytes);

		memcpy(outgoing->tail, &digest, sizeof(digest));
		outgoing->tail_bytes = sizeof(digest);
	}
	if (!success)
		outgoing->tail_bytes = (uint8_t)(outgoing->tail_bytes +
		                                 put_response(outgoing->tail + outgoing->tail_bytes,
		                                              agreement,
		                                              completion));
}

void outgoing_answer(struct outgoing *outgoing, const struct tcp_agreement *agreement,
                     const struct nvme_completion *completion, const uint8_t *data,
                     uint32_t data_bytes, bool may_omit)
{
	outgoing->data = data;
	outgoing->data_bytes = data_bytes;
	if (data_bytes > 0) {
		answer_with_data(outgoing, agreement, completion, may_omit);
		return;
	}
	outgoing->pad_bytes = 0;
	outgoing->tail_bytes = 0;
	outgoing->head_bytes = put_response(outgoing->head, agreement, completion);
}

void outgoing_r2t(struct outgoing *outgoing, const struct tcp_agreement *agreement,
                  const struct tcp_transfer *transfer)
{
	struct tcp_r2t r2t;

	tcp_r2t_encode(&r2t, agreement, transfer);
	outgoing->data_bytes = 0;
	outgoing->pad_bytes = 0;
	outgoing->tail_bytes = 0;
	outgoing->head_bytes = put_header(
		outgoing->head, &r2t, sizeof(r2t), agreement->header_digest);
}

void outgoing_plain(struct outgoing *outgoing, const uint8_t *bytes, uint32_t length)
{
	outgoing->head_bytes = 0;
	outgoing->pad_bytes = 0;
	outgoing->tail_bytes = 0;
	outgoing->data = bytes;
	outgoing->data_bytes = length;
}

size_t outgoing_bytes(const struct outgoing *outgoing)
{
	return (size_t)outgoing->head_bytes + outgoing->pad_bytes + outgoing->data_bytes +
	       outgoing->tail_bytes;
}

size_t outgoing_copy(const struct outgoing *outgoing, uint8_t *to)
{
	uint8_t *at = to;

	memcpy(at, outgoing->head, outgoing->head_bytes);
	at += outgoing->head_bytes;
	memset(at, 0, outgoing->pad_bytes);
	at += outgoing->pad_bytes;
	if (outgoing->data_bytes > 0)
		memcpy(at, outgoing->data, outgoing->data_bytes);
	at += outgoing->data_bytes;
	memcpy(at, outgoing->tail, outgoing->tail_bytes);
	return (size_t)(at - to) + outgoing->tail_bytes;
}

/* One part, without what is still to be skipped of it. */
static void add_part(struct iovec *iov, unsigned *n, size_t *skip, const void *bytes, size_t length)
{
	size_t cut = *skip < length ? *skip : length;

	*skip -= cut;
	if (cut == length)
		return;
	iov[(*n)++] = (struct iovec){
		.iov_base = (uint8_t *)(uintptr_t)bytes + cut,
		.iov_len = length - cut,
	};
}

unsigned outgoing_gather(const struct list *list, size_t skip, struct iovec *iov, unsigned max,
                         size_t enough, size_t *ret_bytes)
{
	static const uint8_t padding[128]; /* HPDA's greatest alignment */
	unsigned n = 0;

	*ret_bytes = 0;
	for (struct list *link = list->next;
	     link != list && n + PARTS_MAX <= max && *ret_bytes < enough;
	     link = link->next) {
		struct outgoing *outgoing = container_of(link, struct outgoing, link);

		*ret_bytes += outgoing_bytes(outgoing) - skip;
		add_part(iov, &n, &skip, outgoing->head, outgoing->head_bytes);
		add_part(iov, &n, &skip, padding, outgoing->pad_bytes);
		add_part(iov, &n, &skip, outgoing->data, outgoing->data_bytes);
		add_part(iov, &n, &skip, outgoing->tail, outgoing->tail_bytes);
	}
	return n;
}
