/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/receiver.h"

#include <string.h>

#include "common/base/error.h"

void receiver_init(struct receiver *receiver)
{
	*receiver = (struct receiver){0};
}

void receiver_expect(struct receiver *receiver, uint16_t cid, uint32_t data_most)
{
	must(!receiver->is_asked && data_most <= RECEIVER_DATA_MAX);
	receiver->is_asked = true;
	receiver->cid = cid;
	receiver->data_most = data_most;
	receiver->data_bytes = 0;
}

static int broken(struct receiver *receiver, const char *reason)
{
	receiver->reason = reason;
	return RECEIVER_E_BROKEN;
}

static const struct tcp_pdu_header *header_of(const struct receiver *receiver)
{
	return (const struct tcp_pdu_header *)receiver->pdu;
}

/* ------------------------------------------------------------------ the common header */

/* HLEN of what a controller may send us now; 0: nothing of that type. */
static uint8_t header_bytes_of(const struct receiver *receiver, uint8_t type)
{
	switch (type) {
	case TCP_PDU_ICRESP:
		return receiver->is_ready ? 0 : sizeof(struct tcp_icresp);
	case TCP_PDU_C2H_TERM:
		return sizeof(struct tcp_term);
	case TCP_PDU_CAPSULE_RESPONSE:
		return receiver->is_asked ? sizeof(struct tcp_capsule_response) : 0;
	case TCP_PDU_C2H_DATA:
		return receiver->is_asked ? sizeof(struct tcp_data) : 0;
	default: /* an R2T as well: all our data is in capsules */
		return 0;
	}
}

static bool is_length_possible(const struct tcp_pdu_header *header)
{
	uint32_t plen = le32_get(header->plen);

	if (plen < header->hlen || plen > RECEIVER_PDU_MAX)
		return false;
	if (header->type == TCP_PDU_C2H_DATA)
		return header->pdo >= header->hlen && header->pdo % 4 == 0 && header->pdo < plen;
	if (header->type == TCP_PDU_C2H_TERM)
		return plen <= TCP_TERM_MAX;
	return plen == header->hlen;
}

static int check_header(struct receiver *receiver)
{
	const struct tcp_pdu_header *header = header_of(receiver);
	uint8_t wanted = header_bytes_of(receiver, header->type);

	if (wanted == 0)
		return broken(receiver, "it sends what does not belong here");
	if (header->hlen != wanted || !is_length_possible(header))
		return broken(receiver, "it sends a PDU of an impossible length");
	if (header->flags & (TCP_PDU_HDGSTF | TCP_PDU_DDGSTF))
		return broken(receiver, "it sends digests that were not agreed on");
	return 0;
}

/* ------------------------------------------------------------------ PDUs */

static int take_icresp(struct receiver *receiver)
{
	const struct tcp_icresp *pdu = (const struct tcp_icresp *)receiver->pdu;

	if (le16_get(pdu->pfv) != 0)
		return broken(receiver, "it speaks another version of NVMe/TCP");
	if (pdu->dgst & (TCP_DGST_HEADER | TCP_DGST_DATA))
		return broken(receiver, "it wants digests");
	if (pdu->cpda > TCP_HPDA_MAX)
		return broken(receiver, "its ICResp makes no sense");
	receiver->is_ready = true;
	receiver->cpda = pdu->cpda;
	return RECEIVER_E_READY;
}

static int take_term(struct receiver *receiver)
{
	const struct tcp_term *pdu = (const struct tcp_term *)receiver->pdu;

	return broken(receiver, tcp_fes_words(le16_get(pdu->fes)));
}

static int answer(struct receiver *receiver)
{
	receiver->is_asked = false;
	return RECEIVER_E_ANSWER;
}

static int take_response(struct receiver *receiver)
{
	const struct tcp_capsule_response *pdu = (const struct tcp_capsule_response *)receiver->pdu;

	if (le16_get(pdu->completion.cid) != receiver->cid)
		return broken(receiver, "it answers a command that was not sent");
	receiver->completion = pdu->completion;
	return answer(receiver);
}

static int take_data(struct receiver *receiver)
{
	const struct tcp_data *pdu = (const struct tcp_data *)receiver->pdu;
	uint32_t bytes = le32_get(pdu->header.plen) - pdu->header.pdo;

	if (le16_get(pdu->cccid) != receiver->cid)
		return broken(receiver, "it sends data of a command that was not sent");
	if (le32_get(pdu->datal) != bytes || le32_get(pdu->datao) != receiver->data_bytes ||
	    bytes > receiver->data_most - receiver->data_bytes)
		return broken(receiver, "it sends data that was not asked for");
	memcpy(receiver->data + receiver->data_bytes, receiver->pdu + pdu->header.pdo, bytes);
	receiver->data_bytes += bytes;
	if (!(pdu->header.flags & TCP_PDU_SUCCESS))
		return 0;
	if (!(pdu->header.flags & TCP_PDU_LAST))
		return broken(receiver, "it says success before the last of the data");
	receiver->completion = (struct nvme_completion){.cid = le16_of(receiver->cid)};
	return answer(receiver);
}

static int take_pdu(struct receiver *receiver)
{
	receiver->have = 0;
	switch (header_of(receiver)->type) {
	case TCP_PDU_ICRESP:
		return take_icresp(receiver);
	case TCP_PDU_C2H_TERM:
		return take_term(receiver);
	case TCP_PDU_CAPSULE_RESPONSE:
		return take_response(receiver);
	default: /* check_header() lets nothing else through */
		return take_data(receiver);
	}
}

/* ------------------------------------------------------------------ bytes */

uint8_t *receiver_room(struct receiver *receiver, size_t *ret_room)
{
	size_t until = sizeof(struct tcp_pdu_header);

	if (receiver->have >= until)
		until = le32_get(header_of(receiver)->plen);
	*ret_room = until - receiver->have;
	return receiver->pdu + receiver->have;
}

int receiver_take(struct receiver *receiver, size_t n)
{
	int r;

	receiver->have += (uint32_t)n;
	if (receiver->have < sizeof(struct tcp_pdu_header))
		return 0;
	if (receiver->have == sizeof(struct tcp_pdu_header)) {
		r = check_header(receiver);
		if (r)
			return r;
	}
	return receiver->have == le32_get(header_of(receiver)->plen) ? take_pdu(receiver) : 0;
}
