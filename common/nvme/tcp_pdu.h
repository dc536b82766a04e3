/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"

/*
 * tcp_pdu - the protocol data units of NVMe/TCP (NVM Express TCP Transport 1.1 §3.6).
 *
 * Shape     Structs of bytes with the common header first; digests and data follow a PDU's
 *           header on the wire and are not part of the structs.
 * Promise   tcp_pdu_check() decides all that the common header alone decides: type known and
 *           in this direction, HLEN that of the type, flags known, PDO and PLEN possible. The
 *           decoders decide the rest. Of several fields in error the lowest is named.
 * Trust     the peer is hostile; reserved fields are not looked at
 * Threads   any; pure
 * Lifetime  values
 * Returns   0, or one of these:
 */
enum tcp_pdu_error {
	TCP_PDU_E_VIOLATION = 1, /* ret_violation says what the TermReq has to say */
	TCP_PDU_E_HANGUP, /* a TermReq that makes no sense: close, without an answer (§3.5) */
};

enum tcp_pdu_type {
	TCP_PDU_ICREQ = 0x00,
	TCP_PDU_ICRESP = 0x01,
	TCP_PDU_H2C_TERM = 0x02,
	TCP_PDU_C2H_TERM = 0x03,
	TCP_PDU_CAPSULE_COMMAND = 0x04,
	TCP_PDU_CAPSULE_RESPONSE = 0x05,
	TCP_PDU_H2C_DATA = 0x06,
	TCP_PDU_C2H_DATA = 0x07,
	TCP_PDU_R2T = 0x09,
};

#define TCP_PDU_HDGSTF  0x01
#define TCP_PDU_DDGSTF  0x02
#define TCP_PDU_LAST    0x04
#define TCP_PDU_SUCCESS 0x08

#define TCP_DGST_HEADER 0x01 /* of DGST in ICReq and ICResp */
#define TCP_DGST_DATA   0x02

#define TCP_DIGEST_SIZE      4
#define TCP_PDU_HEADER_MAX   128 /* ICReq, ICResp; without digest */
#define TCP_TERM_DATA_MAX    128 /* of the offending header, in a TermReq (§3.6.2.4) */
#define TCP_TERM_MAX         152 /* header and data (§3.6.2.4) */
#define TCP_HPDA_MAX         31  /* (§3.6.2.2) */
#define TCP_MAXH2CDATA_MIN   4096
#define TCP_ADMIN_IN_CAPSULE 8192 /* in-capsule data of admin and fabrics commands (§3.3.2.2) */

struct tcp_pdu_header {
	uint8_t type;
	uint8_t flags;
	uint8_t hlen;
	uint8_t pdo;
	struct le32 plen;
};
_Static_assert(sizeof(struct tcp_pdu_header) == 8, "TCP 1.1 §3.6.2.1");

struct tcp_icreq {
	struct tcp_pdu_header header;
	struct le16 pfv;
	uint8_t hpda;
	uint8_t dgst; /* bit 0 header, bit 1 data */
	struct le32 maxr2t_0based;
	uint8_t reserved16[112];
};
_Static_assert(sizeof(struct tcp_icreq) == 128, "TCP 1.1 §3.6.2.2");

struct tcp_icresp {
	struct tcp_pdu_header header;
	struct le16 pfv;
	uint8_t cpda;
	uint8_t dgst;
	struct le32 maxh2cdata;
	uint8_t reserved16[112];
};
_Static_assert(sizeof(struct tcp_icresp) == 128, "TCP 1.1 §3.6.2.3");

/* H2CTermReq and C2HTermReq; up to 128 bytes of the PDU in error follow */
struct tcp_term {
	struct tcp_pdu_header header;
	struct le16 fes;
	struct le32 fei; /* FES 1, 6: byte offset of the field in error; 3: the digest received */
	uint8_t reserved14[10];
};
_Static_assert(sizeof(struct tcp_term) == 24, "TCP 1.1 §3.6.2.4");

/* Fatal Error Status (§3.6.2.4, §3.6.2.5) */
enum tcp_fes {
	TCP_FES_INVALID_HEADER_FIELD = 1,
	TCP_FES_PDU_SEQUENCE = 2,
	TCP_FES_HEADER_DIGEST = 3,
	TCP_FES_DATA_OUT_OF_RANGE = 4,
	TCP_FES_DATA_LIMIT = 5, /* R2T limit exceeded from a controller; data transfer limit */
	TCP_FES_UNSUPPORTED_PARAMETER = 6,
};

struct tcp_capsule_command {
	struct tcp_pdu_header header;
	struct nvme_command command;
};
_Static_assert(sizeof(struct tcp_capsule_command) == 72, "TCP 1.1 §3.6.2.6");

struct tcp_capsule_response {
	struct tcp_pdu_header header;
	struct nvme_completion completion;
};
_Static_assert(sizeof(struct tcp_capsule_response) == 24, "TCP 1.1 §3.6.2.7");

/* H2CData and C2HData (ttag is reserved in C2HData) */
struct tcp_data {
	struct tcp_pdu_header header;
	struct le16 cccid;
	struct le16 ttag;
	struct le32 datao;
	struct le32 datal;
	uint8_t reserved20[4];
};
_Static_assert(sizeof(struct tcp_data) == 24, "TCP 1.1 §3.6.2.8");

struct tcp_r2t {
	struct tcp_pdu_header header;
	struct le16 cccid;
	struct le16 ttag;
	struct le32 r2to;
	struct le32 r2tl;
	uint8_t reserved20[4];
};
_Static_assert(sizeof(struct tcp_r2t) == 24, "TCP 1.1 §3.6.2.10");

/* ------------------------------------------------------------------ what a controller receives */

/* What holds on a connection. Zeroed: nothing is agreed yet, and only ICReq may come. */
struct tcp_agreement {
	bool initialized; /* ICReq has come */
	bool header_digest;
	bool data_digest;
	uint8_t hpda;            /* 0's based, dwords: alignment of C2HData's data (§3.6.2.2) */
	uint32_t maxr2t_0based;  /* of a command */
	uint32_t in_capsule_max; /* bytes of data that a command capsule may carry now */
	uint32_t h2c_data_max;   /* MAXH2CDATA */
};

/* What a C2HTermReq says about the PDU it refuses. */
struct tcp_violation {
	enum tcp_fes fes;
	uint32_t fei;
};

/* How a PDU lies on the wire: header, HDGST, padding, data, DDGST. */
struct tcp_pdu_shape {
	uint8_t header_bytes;        /* HLEN */
	uint8_t header_digest_bytes; /* 0 or 4 */
	uint8_t pad_bytes;
	uint8_t data_digest_bytes; /* 0 or 4 */
	uint32_t data_bytes;
};

/* The common header of a PDU from a host. */
int tcp_pdu_check(const struct tcp_pdu_header *header, const struct tcp_agreement *agreement,
                  struct tcp_pdu_shape *ret_shape, struct tcp_violation *ret_violation);

/* ICReq: fills in what the host decides, and that it has. */
int tcp_icreq_decode(const struct tcp_icreq *pdu, struct tcp_agreement *ret_agreement,
                     struct tcp_violation *ret_violation);

/* A transfer from the host that an R2T asked for: all of [0, length), pieces in order. */
struct tcp_transfer {
	uint16_t cid;
	uint16_t ttag;
	uint32_t length;
	uint32_t received;
};

/* H2CData against the transfer that has its TTAG; NULL: none has. ret_last: the transfer is
 * complete with this PDU. */
int tcp_h2c_data_decode(const struct tcp_data *pdu, uint32_t data_bytes,
                        const struct tcp_transfer *transfer, bool *ret_last,
                        struct tcp_violation *ret_violation);

/* ------------------------------------------------------------------ what a controller sends */

/* Headers are complete but for the digests, which follow the header on the wire. */
void tcp_icresp_encode(struct tcp_icresp *ret_pdu, const struct tcp_agreement *agreement);

void tcp_capsule_response_encode(struct tcp_capsule_response *ret_pdu,
                                 const struct tcp_agreement *agreement,
                                 const struct nvme_completion *completion);

void tcp_r2t_encode(struct tcp_r2t *ret_pdu, const struct tcp_agreement *agreement,
                    const struct tcp_transfer *transfer);

/* All data of a command in one PDU. Returns the bytes of padding before the data. */
uint8_t tcp_c2h_data_encode(struct tcp_data *ret_pdu, const struct tcp_agreement *agreement,
                            uint16_t cid, uint32_t length, bool success);

/* length: of the header in error, which follows; cut to TCP_TERM_DATA_MAX by the caller. */
void tcp_c2h_term_encode(struct tcp_term *ret_pdu, const struct tcp_violation *violation,
                         uint32_t length);

/* As the specification calls it; "unknown error" for others. */
const char *tcp_fes_words(uint16_t fes);
