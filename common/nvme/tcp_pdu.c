/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/tcp_pdu.h"

#include <stddef.h>

/* Byte offsets of the fields of the common header, as FEI names them */
enum { AT_TYPE = 0, AT_FLAGS = 1, AT_HLEN = 2, AT_PDO = 3, AT_PLEN = 4 };

static int refuse(enum tcp_fes fes, uint32_t fei, struct tcp_violation *ret_violation)
{
	*ret_violation = (struct tcp_violation){.fes = fes, .fei = fei};
	return TCP_PDU_E_VIOLATION;
}

static int refuse_field(size_t offset, struct tcp_violation *ret_violation)
{
	return refuse(TCP_FES_INVALID_HEADER_FIELD, (uint32_t)offset, ret_violation);
}

/* HLEN of what a host may send; 0: no such type. */
static uint8_t header_bytes_of(uint8_t type)
{
	switch (type) {
	case TCP_PDU_ICREQ:
		return sizeof(struct tcp_icreq);
	case TCP_PDU_H2C_TERM:
		return sizeof(struct tcp_term);
	case TCP_PDU_CAPSULE_COMMAND:
		return sizeof(struct tcp_capsule_command);
	case TCP_PDU_H2C_DATA:
		return sizeof(struct tcp_data);
	default:
		return 0;
	}
}

/* ICReq and TermReq: no digests (§3.3.1.1), and no PDO. */
static int check_plain(const struct tcp_pdu_header *header, struct tcp_pdu_shape *ret_shape,
                       struct tcp_violation *ret_violation)
{
	uint32_t plen = le32_get(header->plen);

	if (header->type == TCP_PDU_H2C_TERM) {
		if (header->hlen != sizeof(struct tcp_term) || plen < header->hlen ||
		    plen > TCP_TERM_MAX)
			return TCP_PDU_E_HANGUP;
	} else {
		if (header->hlen != sizeof(struct tcp_icreq))
			return refuse_field(AT_HLEN, ret_violation);
		if (plen != header->hlen)
			return refuse_field(AT_PLEN, ret_violation);
	}
	*ret_shape = (struct tcp_pdu_shape){
		.header_bytes = header->hlen,
		.data_bytes = plen - header->hlen,
	};
	return 0;
}

/* The flags must say what was agreed, or the PDU would be cut in the wrong places. */
static int check_flags(const struct tcp_pdu_header *header, const struct tcp_agreement *agreement,
                       bool has_data, struct tcp_violation *ret_violation)
{
	bool header_digest = header->flags & TCP_PDU_HDGSTF;
	bool data_digest = header->flags & TCP_PDU_DDGSTF;

	if (header_digest != agreement->header_digest)
		return refuse_field(AT_FLAGS, ret_violation);
	if (data_digest != (agreement->data_digest && has_data))
		return refuse_field(AT_FLAGS, ret_violation);
	return 0;
}

/* What follows the header: padding, data, and its digest. We answer CPDA 0, so the data lies at
 * a multiple of 4 (§3.6.2.3). */
static int check_data(const struct tcp_pdu_header *header, uint32_t before,
                      struct tcp_pdu_shape *shape, struct tcp_violation *ret_violation)
{
	uint32_t plen = le32_get(header->plen);
	uint32_t rest;

	if (header->pdo < before || header->pdo % 4 != 0 || header->pdo > plen)
		return refuse_field(AT_PDO, ret_violation);
	rest = plen - header->pdo;
	if (rest <= shape->data_digest_bytes)
		return refuse_field(AT_PLEN, ret_violation);
	shape->pad_bytes = (uint8_t)(header->pdo - before);
	shape->data_bytes = rest - shape->data_digest_bytes;
	return 0;
}

static int check_size(uint8_t type, uint32_t data_bytes, const struct tcp_agreement *agreement,
                      struct tcp_violation *ret_violation)
{
	if (type == TCP_PDU_CAPSULE_COMMAND) {
		if (data_bytes > agreement->in_capsule_max)
			return refuse_field(AT_PLEN, ret_violation);
		return 0;
	}
	if (data_bytes == 0)
		return refuse_field(AT_PLEN, ret_violation);
	if (data_bytes > agreement->h2c_data_max)
		return refuse(TCP_FES_DATA_LIMIT, 0, ret_violation);
	return 0;
}

/* Command capsule and H2CData. */
static int check_carrier(const struct tcp_pdu_header *header, const struct tcp_agreement *agreement,
                         struct tcp_pdu_shape *ret_shape, struct tcp_violation *ret_violation)
{
	struct tcp_pdu_shape shape = {
		.header_bytes = header->hlen,
		.header_digest_bytes = agreement->header_digest ? TCP_DIGEST_SIZE : 0,
	};
	uint32_t before = (uint32_t)header_bytes_of(header->type) + shape.header_digest_bytes;
	uint32_t plen = le32_get(header->plen);
	int r;

	r = check_flags(header, agreement, plen > before, ret_violation);
	if (r)
		return r;
	if (header->hlen != header_bytes_of(header->type))
		return refuse_field(AT_HLEN, ret_violation);
	if (plen < before)
		return refuse_field(AT_PLEN, ret_violation);
	if (plen > before) {
		shape.data_digest_bytes = agreement->data_digest ? TCP_DIGEST_SIZE : 0;
		r = check_data(header, before, &shape, ret_violation);
	}
	if (!r)
		r = check_size(header->type, shape.data_bytes, agreement, ret_violation);
	if (!r)
		*ret_shape = shape;
	return r;
}

int tcp_pdu_check(const struct tcp_pdu_header *header, const struct tcp_agreement *agreement,
                  struct tcp_pdu_shape *ret_shape, struct tcp_violation *ret_violation)
{
	bool is_icreq = header->type == TCP_PDU_ICREQ;

	if (header_bytes_of(header->type) == 0)
		return refuse_field(AT_TYPE, ret_violation);
	if (header->type == TCP_PDU_H2C_TERM)
		return check_plain(header, ret_shape, ret_violation);
	if (is_icreq == agreement->initialized)
		return refuse(TCP_FES_PDU_SEQUENCE, 0, ret_violation);
	if (is_icreq)
		return check_plain(header, ret_shape, ret_violation);
	return check_carrier(header, agreement, ret_shape, ret_violation);
}

int tcp_icreq_decode(const struct tcp_icreq *pdu, struct tcp_agreement *ret_agreement,
                     struct tcp_violation *ret_violation)
{
	if (le16_get(pdu->pfv) != 0)
		return refuse(TCP_FES_UNSUPPORTED_PARAMETER,
		              offsetof(struct tcp_icreq, pfv),
		              ret_violation);
	if (pdu->hpda > TCP_HPDA_MAX)
		return refuse_field(offsetof(struct tcp_icreq, hpda), ret_violation);
	ret_agreement->initialized = true;
	ret_agreement->header_digest = pdu->dgst & TCP_DGST_HEADER;
	ret_agreement->data_digest = pdu->dgst & TCP_DGST_DATA;
	ret_agreement->hpda = pdu->hpda;
	ret_agreement->maxr2t_0based = le32_get(pdu->maxr2t_0based);
	return 0;
}

int tcp_h2c_data_decode(const struct tcp_data *pdu, uint32_t data_bytes,
                        const struct tcp_transfer *transfer, bool *ret_last,
                        struct tcp_violation *ret_violation)
{
	uint32_t offset = le32_get(pdu->datao);
	bool last = pdu->header.flags & TCP_PDU_LAST;

	if (!transfer)
		return refuse_field(offsetof(struct tcp_data, ttag), ret_violation);
	if (le16_get(pdu->cccid) != transfer->cid)
		return refuse_field(offsetof(struct tcp_data, cccid), ret_violation);
	if (le32_get(pdu->datal) != data_bytes)
		return refuse_field(offsetof(struct tcp_data, datal), ret_violation);
	if (offset > transfer->length || data_bytes > transfer->length - offset)
		return refuse(TCP_FES_DATA_OUT_OF_RANGE, 0, ret_violation);
	if (offset != transfer->received)
		return refuse(TCP_FES_PDU_SEQUENCE, 0, ret_violation);
	if (last != (offset + data_bytes == transfer->length))
		return refuse(TCP_FES_PDU_SEQUENCE, 0, ret_violation);
	*ret_last = last;
	return 0;
}

static uint32_t digest_bytes(bool is_on)
{
	return is_on ? TCP_DIGEST_SIZE : 0;
}

/* Of a PDU without data. */
static struct tcp_pdu_header header_of(enum tcp_pdu_type type, uint8_t hlen, bool header_digest)
{
	return (struct tcp_pdu_header){
		.type = (uint8_t)type,
		.flags = header_digest ? TCP_PDU_HDGSTF : 0,
		.hlen = hlen,
		.plen = le32_of(hlen + digest_bytes(header_digest)),
	};
}

void tcp_icresp_encode(struct tcp_icresp *ret_pdu, const struct tcp_agreement *agreement)
{
	uint8_t digests = 0;

	if (agreement->header_digest)
		digests |= TCP_DGST_HEADER;
	if (agreement->data_digest)
		digests |= TCP_DGST_DATA;
	*ret_pdu = (struct tcp_icresp){
		.header = header_of(TCP_PDU_ICRESP, sizeof(*ret_pdu), false),
		.dgst = digests,
		.maxh2cdata = le32_of(agreement->h2c_data_max),
	};
}

void tcp_capsule_response_encode(struct tcp_capsule_response *ret_pdu,
                                 const struct tcp_agreement *agreement,
                                 const struct nvme_completion *completion)
{
	ret_pdu->header = header_of(
		TCP_PDU_CAPSULE_RESPONSE, sizeof(*ret_pdu), agreement->header_digest);
	ret_pdu->completion = *completion;
}

void tcp_r2t_encode(struct tcp_r2t *ret_pdu, const struct tcp_agreement *agreement,
                    const struct tcp_transfer *transfer)
{
	*ret_pdu = (struct tcp_r2t){
		.header = header_of(TCP_PDU_R2T, sizeof(*ret_pdu), agreement->header_digest),
		.cccid = le16_of(transfer->cid),
		.ttag = le16_of(transfer->ttag),
		.r2to = le32_of(transfer->received),
		.r2tl = le32_of(transfer->length - transfer->received),
	};
}

uint8_t tcp_c2h_data_encode(struct tcp_data *ret_pdu, const struct tcp_agreement *agreement,
                            uint16_t cid, uint32_t length, bool success)
{
	uint32_t alignment = (agreement->hpda + 1u) * 4;
	uint32_t before = (uint32_t)sizeof(*ret_pdu) + digest_bytes(agreement->header_digest);
	uint32_t offset = (before + alignment - 1) / alignment * alignment; /* 128 at most */

	*ret_pdu = (struct tcp_data){
		.header = header_of(TCP_PDU_C2H_DATA, sizeof(*ret_pdu), agreement->header_digest),
		.cccid = le16_of(cid),
		.datal = le32_of(length),
	};
	ret_pdu->header.flags |= TCP_PDU_LAST;
	if (success)
		ret_pdu->header.flags |= TCP_PDU_SUCCESS;
	if (agreement->data_digest)
		ret_pdu->header.flags |= TCP_PDU_DDGSTF;
	ret_pdu->header.pdo = (uint8_t)offset;
	ret_pdu->header.plen = le32_of(offset + length +
	                               (agreement->data_digest ? TCP_DIGEST_SIZE : 0));
	return (uint8_t)(offset - before);
}

void tcp_c2h_term_encode(struct tcp_term *ret_pdu, const struct tcp_violation *violation,
                         uint32_t length)
{
	*ret_pdu = (struct tcp_term){
		.header = header_of(TCP_PDU_C2H_TERM, sizeof(*ret_pdu), false),
		.fes = le16_of((uint16_t)violation->fes),
		.fei = le32_of(violation->fei),
	};
	ret_pdu->header.plen = le32_of((uint32_t)sizeof(*ret_pdu) + length);
}

const char *tcp_fes_words(uint16_t fes)
{
	static const char *const words[] = {
		[TCP_FES_INVALID_HEADER_FIELD] = "Invalid PDU Header Field",
		[TCP_FES_PDU_SEQUENCE] = "PDU Sequence Error",
		[TCP_FES_HEADER_DIGEST] = "Header Digest Error",
		[TCP_FES_DATA_OUT_OF_RANGE] = "Data Transfer Out of Range",
		[TCP_FES_DATA_LIMIT] = "Data Transfer Limit Exceeded",
		[TCP_FES_UNSUPPORTED_PARAMETER] = "Unsupported Parameter",
	};

	if (fes >= sizeof(words) / sizeof(words[0]) || !words[fes])
		return "unknown error";
	return words[fes];
}
