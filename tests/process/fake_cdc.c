/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/fake_cdc.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/status.h"
#include "common/nvme/tcp_pdu.h"

#define WAIT_NS    (20 * NS_PER_S)
#define PATIENT_MS 20

/* ------------------------------------------------------------------ the process: bytes */

static struct fake_cdc_seen *seen;
static struct tcp_agreement agreement;
static int host;
static unsigned drops; /* as it was when the connection began */

static bool is_over(void)
{
	return atomic_load(&seen->drops) != drops;
}

/* False: the connection has ended, or is to. */
static bool take(void *bytes, size_t length)
{
	uint8_t *at = bytes;

	while (length > 0) {
		struct pollfd readable = {.fd = host, .events = POLLIN};
		ssize_t n;

		if (is_over())
			return false;
		if (poll(&readable, 1, PATIENT_MS) <= 0)
			continue;
		n = recv(host, at, length, 0);
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

static bool give(const void *bytes, size_t length)
{
	return send(host, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool answer(uint16_t cid, uint16_t status, uint32_t result)
{
	struct tcp_capsule_response pdu;
	struct nvme_completion completion = {
		.dw0 = le32_of(result),
		.cid = le16_of(cid),
		.status = le16_of((uint16_t)(status << 1)),
	};

	tcp_capsule_response_encode(&pdu, &agreement, &completion);
	return give(&pdu, sizeof(pdu));
}

/* ------------------------------------------------------------------ the process: commands */

static bool identify(uint16_t cid)
{
	static struct nvme_identify_controller data;
	struct tcp_data pdu;

	data.dctype = atomic_load(&seen->manner) == FAKE_CDC_IS_NONE ? 1 : 2;
	tcp_c2h_data_encode(&pdu, &agreement, cid, sizeof(data), true);
	return give(&pdu, sizeof(pdu)) && give(&data, sizeof(data));
}

static bool connect_host(uint16_t cid, const struct nvme_connect_command *command,
                         const struct nvme_connect_data *data)
{
	memcpy(seen->hostnqn, data->hostnqn, sizeof(seen->hostnqn));
	memcpy(seen->subnqn, data->subnqn, sizeof(seen->subnqn));
	seen->kato_ms = le32_get(command->kato_ms);
	atomic_fetch_add(&seen->connects, 1);
	if (atomic_load(&seen->manner) == FAKE_CDC_REFUSES_CONNECT)
		return answer(cid, NVME_SC_CONNECT_INVALID_HOST | NVME_STATUS_DNR, 0);
	return answer(cid, 0, 1);
}

/* The place of an equal one, or that of a new one. */
static unsigned place_of(const struct nvme_dim_entry *entry)
{
	unsigned i = 0, n = atomic_load(&seen->n_entries);

	while (i < n && memcmp(&seen->entries[i], entry, sizeof(*entry)) != 0)
		i++;
	return i;
}

static void take_entry(uint32_t task, const struct nvme_dim_entry *entry)
{
	unsigned place = place_of(entry), n = atomic_load(&seen->n_entries);

	if (task == NVME_DIM_REGISTER && place == n && n < FAKE_CDC_ENTRIES) {
		seen->entries[n] = *entry;
		atomic_store(&seen->n_entries, n + 1);
	} else if (task == NVME_DIM_DEREGISTER && place < n) {
		seen->entries[place] = seen->entries[n - 1];
		atomic_store(&seen->n_entries, n - 1);
	}
}

static bool manage(uint16_t cid, uint32_t task, const struct dim_message *data, uint32_t length)
{
	uint64_t count = le64_get(data->head.nument);

	if (length < sizeof(data->head) || le32_get(data->head.tdl) != length ||
	    length != sizeof(data->head) + count * sizeof(data->entries[0]) ||
	    le16_get(data->head.entfmt) != NVME_DIM_EXTENDED ||
	    atomic_load(&seen->manner) == FAKE_CDC_REFUSES_DIM)
		return answer(cid, NVME_SC_INVALID_FIELD | NVME_STATUS_DNR, 0);
	seen->last = data->head;
	for (uint64_t i = 0; i < count; i++)
		take_entry(task, &data->entries[i]);
	atomic_fetch_add(task == NVME_DIM_REGISTER ? &seen->registers : &seen->deregisters, 1);
	return atomic_load(&seen->manner) != FAKE_CDC_HANGS_UP && answer(cid, 0, 0);
}

static bool execute(const struct nvme_command *command, const void *data, uint32_t length)
{
	uint16_t cid = le16_get(command->cid);
	uint8_t fctype = (uint8_t)le32_get(command->nsid);

	switch (command->opcode) {
	case NVME_FABRICS:
		if (fctype == NVME_FABRICS_CONNECT && length == NVME_CONNECT_DATA_SIZE)
			return connect_host(cid, (const void *)command, data);
		return answer(cid, 0, fctype == NVME_FABRICS_PROPERTY_GET ? NVME_CSTS_RDY : 0);
	case NVME_ADMIN_IDENTIFY:
		return identify(cid);
	case NVME_ADMIN_KEEP_ALIVE:
		atomic_fetch_add(&seen->keep_alives, 1);
		return answer(cid, 0, 0);
	case NVME_ADMIN_DISCOVERY_MANAGEMENT:
		return manage(cid, le32_get(command->cdw10) & 0xf, data, length);
	default:
		return answer(cid, NVME_SC_INVALID_OPCODE | NVME_STATUS_DNR, 0);
	}
}

static bool serve_command(void)
{
	static uint8_t data[TCP_ADMIN_IN_CAPSULE + 128];
	struct tcp_capsule_command pdu;
	struct tcp_pdu_shape shape;
	struct tcp_violation violation;

	if (!take(&pdu, sizeof(pdu)) ||
	    tcp_pdu_check(&pdu.header, &agreement, &shape, &violation) != 0 ||
	    pdu.header.type != TCP_PDU_CAPSULE_COMMAND ||
	    !take(data, shape.pad_bytes + shape.data_bytes))
		return false;
	return execute(&pdu.command, data + shape.pad_bytes, shape.data_bytes);
}

static void serve(void)
{
	struct tcp_icreq icreq;
	struct tcp_icresp icresp;
	struct tcp_violation violation;

	agreement = (struct tcp_agreement){.in_capsule_max = TCP_ADMIN_IN_CAPSULE,
	                                   .h2c_data_max = TCP_MAXH2CDATA_MIN};
	if (!take(&icreq, sizeof(icreq)) || tcp_icreq_decode(&icreq, &agreement, &violation) != 0)
		return;
	if (atomic_load(&seen->manner) == FAKE_CDC_SENDS_NONSENSE) {
		give("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
		return;
	}
	while (atomic_load(&seen->manner) == FAKE_CDC_IS_SILENT && take(&icreq, 1))
		;
	tcp_icresp_encode(&icresp, &agreement);
	if (!is_over() && give(&icresp, sizeof(icresp)))
		while (serve_command())
			;
}

static void live(int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		host = accept(listener, NULL, NULL);
		if (host < 0)
			_exit(1);
		drops = atomic_load(&seen->drops);
		serve();
		close(host);
	}
}

/* ------------------------------------------------------------------ the test's side */

void fake_cdc_open(struct fake_cdc *cdc)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	snprintf(cdc->trsvcid, sizeof(cdc->trsvcid), "%u", ntohs(address.sin_port));
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
	cdc->seen = seen;
	cdc->pid = fork();
	ck_assert_int_ge(cdc->pid, 0);
	if (cdc->pid == 0)
		live(listener);
	close(listener);
}

void fake_cdc_close(struct fake_cdc *cdc)
{
	kill(cdc->pid, SIGKILL);
	waitpid(cdc->pid, NULL, 0);
	munmap(cdc->seen, sizeof(*cdc->seen));
}

void fake_cdc_become(struct fake_cdc *cdc, enum fake_cdc_manner manner)
{
	atomic_store(&cdc->seen->manner, manner);
	atomic_fetch_add(&cdc->seen->drops, 1);
}

static bool is_text(const char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	return strncmp(field, text, length) == 0 &&
	       (length == size || field[length] == ' ' || field[length] == '\0');
}

bool fake_cdc_has(const struct fake_cdc *cdc, const char *nqn, const char *trsvcid)
{
	for (unsigned i = 0; i < atomic_load(&cdc->seen->n_entries); i++) {
		const struct nvme_dim_entry *entry = &cdc->seen->entries[i];

		if (strcmp(entry->nqn, nqn) == 0 &&
		    is_text(entry->trsvcid, sizeof(entry->trsvcid), trsvcid))
			return true;
	}
	return false;
}

void fake_cdc_await_entries(const struct fake_cdc *cdc, unsigned count)
{
	uint64_t until_ns = clock_now_ns() + WAIT_NS;

	while (atomic_load(&cdc->seen->n_entries) != count) {
		if (clock_now_ns() > until_ns)
			ck_abort_msg("%u entries are registered, not %u",
			             atomic_load(&cdc->seen->n_entries),
			             count);
		poll(NULL, 0, PATIENT_MS);
	}
}

void fake_cdc_await(const atomic_uint *count, unsigned least)
{
	uint64_t until_ns = clock_now_ns() + WAIT_NS;

	while (atomic_load(count) < least) {
		if (clock_now_ns() > until_ns)
			ck_abort_msg("it was done %u times, not %u", atomic_load(count), least);
		poll(NULL, 0, PATIENT_MS);
	}
}
