/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/registrar.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/identify.h"

/*
 *   step           ends when
 *   WAITS          the time for the next attempt has come
 *   OPENS          ICResp has come                                  (5 s)
 *   CONNECTS       Connect is answered                              (5 s)
 *   ENABLES        CC is set                                        (5 s)
 *   BECOMES_READY  CSTS.RDY is read, again and again                (20 s)
 *   IDENTIFIES     Identify Controller says that it is a CDC        (5 s)
 *   IDLES          there is something to do; a keep-alive is due
 *   KEEPS_ALIVE    it is answered                                   (5 s)
 *   DEREGISTERS    it is answered; then the next ones, or IDLES     (5 s)
 *   REGISTERS      the same                                         (5 s)
 *   ENDED          -
 *
 * All that fails closes the queue, and WAITS.
 */
#define BACKOFF_FIRST_NS NS_PER_S
#define BACKOFF_MAX_NS   (60 * NS_PER_S)
#define READY_NS         (20 * NS_PER_S)
#define LOOK_AGAIN_NS    (100 * NS_PER_MS)
#define KATO_MS          15000u
#define KEEP_ALIVE_NS    (5 * NS_PER_S)

#define DCTYPE_CDC 2

/* Of one that comes and goes. */
#define LINES    10
#define LINES_MS 600000

/* ------------------------------------------------------------------ failing */

static void say_reason(struct registrar *registrar, const char *reason)
{
	bool is_new = strcmp(registrar->reason, reason) != 0;

	snprintf(registrar->reason, sizeof(registrar->reason), "%s", reason);
	if (is_new && log_allowed(&registrar->lines, LINES, LINES_MS))
		log_warn("CDC %s: not registered: %s: trying on", registrar->name, reason);
	registrar->was_complete = false;
}

static void set_timer(struct registrar *registrar, uint64_t due_ns)
{
	if (loop_timer_set(registrar->loop, &registrar->timer, due_ns) != 0)
		log_err("CDC %s: out of memory: a timer was not set", registrar->name);
}

/* The queue is closed already. */
static void failed(void *context, const char *reason)
{
	struct registrar *registrar = context;

	loop_timer_clear(&registrar->timer);
	if (registrar->is_ending) {
		registrar->step = REGISTRAR_ENDED;
		return;
	}
	registrar->step = REGISTRAR_WAITS;
	if (registrar->was_complete && clock_now_ns() - registrar->complete_ns >= BACKOFF_MAX_NS)
		registrar->backoff_ns = BACKOFF_FIRST_NS;
	say_reason(registrar, reason);
	set_timer(registrar, clock_now_ns() + registrar->backoff_ns);
	registrar->backoff_ns *= 2;
	if (registrar->backoff_ns > BACKOFF_MAX_NS)
		registrar->backoff_ns = BACKOFF_MAX_NS;
}

static void give_up(struct registrar *registrar, const char *reason)
{
	admin_queue_close(&registrar->queue);
	failed(registrar, reason);
}

/* ------------------------------------------------------------------ coming up */

static void order(struct registrar *registrar, enum registrar_step step,
                  struct nvme_command *command, const void *data, size_t length, uint32_t data_most)
{
	registrar->step = step;
	admin_queue_send(&registrar->queue, command, data, length, data_most);
}

static void send_connect(struct registrar *registrar)
{
	struct nvme_connect_data data = {.cntlid = le16_of(NVME_CNTLID_DYNAMIC)};
	struct nvme_connect_command connect = {
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_CONNECT,
		.sqsize_0based = le16_of(ADMIN_QUEUE_ENTRIES - 1),
		.kato_ms = le32_of(KATO_MS),
	};
	struct nvme_command command;

	memcpy(data.hostid, registrar->host_id, sizeof(data.hostid));
	memcpy(data.subnqn, registrar->nqn, sizeof(data.subnqn));
	memcpy(data.hostnqn, registrar->host_nqn, sizeof(data.hostnqn));
	memcpy(&command, &connect, sizeof(command));
	order(registrar, REGISTRAR_CONNECTS, &command, &data, sizeof(data), 0);
}

static void send_property(struct registrar *registrar, enum registrar_step step, uint8_t fctype,
                          uint32_t offset, uint32_t value)
{
	const struct nvme_property_command property = {
		.opcode = NVME_FABRICS,
		.fctype = fctype,
		.ofst = le32_of(offset),
		.value = le64_of(value),
	};
	struct nvme_command command;

	memcpy(&command, &property, sizeof(command));
	order(registrar, step, &command, NULL, 0, 0);
}

/* 64-byte and 16-byte queue entries, as Linux has it for any controller */
static void send_enable(struct registrar *registrar)
{
	registrar->ready_until_ns = clock_now_ns() + READY_NS;
	registrar->keep_alive_ns = clock_now_ns() + KEEP_ALIVE_NS;
	send_property(registrar,
	              REGISTRAR_ENABLES,
	              NVME_FABRICS_PROPERTY_SET,
	              NVME_PROPERTY_CC,
	              NVME_CC_EN | 6u << 16 | 4u << 20);
}

static void look_at_csts(struct registrar *registrar)
{
	send_property(registrar,
	              REGISTRAR_BECOMES_READY,
	              NVME_FABRICS_PROPERTY_GET,
	              NVME_PROPERTY_CSTS,
	              0);
}

static void send_identify(struct registrar *registrar)
{
	struct nvme_command command = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.cdw10 = le32_of(NVME_CNS_CONTROLLER),
	};

	order(registrar, REGISTRAR_IDENTIFIES, &command, NULL, 0, NVME_IDENTIFY_SIZE);
}

static void take_csts(struct registrar *registrar, uint64_t csts)
{
	if (csts & NVME_CSTS_CFS)
		give_up(registrar, "its controller has failed (CSTS.CFS)");
	else if (csts & NVME_CSTS_RDY)
		send_identify(registrar);
	else if (clock_now_ns() >= registrar->ready_until_ns)
		give_up(registrar, "its controller does not become ready");
	else
		set_timer(registrar, clock_now_ns() + LOOK_AGAIN_NS);
}

/* ------------------------------------------------------------------ registering */

static void go_on(struct registrar *registrar);

static void begin_registering(struct registrar *registrar, const struct receiver *receiver)
{
	const struct nvme_identify_controller *identify = (const void *)receiver->data;

	if (receiver->data_bytes != NVME_IDENTIFY_SIZE) {
		give_up(registrar, "its answer to Identify is too short");
		return;
	}
	if (identify->dctype != DCTYPE_CDC) {
		give_up(registrar, "it is no central discovery controller (DCTYPE)");
		return;
	}
	admin_queue_local_address(
		&registrar->queue, registrar->local_address, sizeof(registrar->local_address));
	registrar->is_stale = true;
	if (entries_renew(&registrar->entries, registrar->view, registrar->local_address) != 0) {
		give_up(registrar, "there is not enough memory");
		return;
	}
	registrar->is_stale = false;
	entries_forget(&registrar->entries);
	go_on(registrar);
}

static void send_dim(struct registrar *registrar, enum registrar_step step, enum nvme_dim_task task,
                     const struct dim_entry *const *entries, size_t n)
{
	struct dim_message message;
	struct nvme_command command = {
		.opcode = NVME_ADMIN_DISCOVERY_MANAGEMENT,
		.cdw10 = le32_of(task),
	};
	char name[257] = "";
	struct dim_entity entity = {registrar->eid, name, "nvmetd " NVMETD_VERSION};
	size_t length;

	gethostname(name, sizeof(name) - 1);
	length = dim_build(&message, &entity, entries, n);
	registrar->asked = n;
	order(registrar, step, &command, &message, length, 0);
}

static void keep_alive(struct registrar *registrar)
{
	struct nvme_command command = {.opcode = NVME_ADMIN_KEEP_ALIVE};

	registrar->keep_alive_ns = clock_now_ns() + KEEP_ALIVE_NS;
	order(registrar, REGISTRAR_KEEPS_ALIVE, &command, NULL, 0, 0);
}

static void say_complete(struct registrar *registrar)
{
	registrar->reason[0] = '\0';
	if (registrar->was_complete)
		return;
	registrar->was_complete = true;
	registrar->complete_ns = clock_now_ns();
	if (log_allowed(&registrar->lines, LINES, LINES_MS))
		log_info("CDC %s: registered: %zu ways to subsystems",
		         registrar->name,
		         registrar->entries.n_registered);
}

static void end_now(struct registrar *registrar)
{
	loop_timer_clear(&registrar->timer);
	admin_queue_close(&registrar->queue);
	registrar->step = REGISTRAR_ENDED;
}

static int renew(struct registrar *registrar)
{
	if (registrar->is_ending)
		return entries_clear(&registrar->entries);
	return entries_renew(&registrar->entries, registrar->view, registrar->local_address);
}

/* There is no command under way. */
static void go_on(struct registrar *registrar)
{
	const struct dim_entry *entries[DIM_ENTRIES];
	struct entries *all = &registrar->entries;
	size_t n;

	loop_timer_clear(&registrar->timer);
	if (clock_now_ns() >= registrar->keep_alive_ns) {
		keep_alive(registrar);
		return;
	}
	if (registrar->is_stale)
		registrar->is_stale = renew(registrar) != 0;
	n = entries_next_gone(all, entries);
	if (n > 0) {
		send_dim(registrar, REGISTRAR_DEREGISTERS, NVME_DIM_DEREGISTER, entries, n);
		return;
	}
	if (registrar->is_ending) {
		end_now(registrar);
		return;
	}
	n = entries_next_new(all, entries);
	if (n > 0) {
		send_dim(registrar, REGISTRAR_REGISTERS, NVME_DIM_REGISTER, entries, n);
		return;
	}
	say_complete(registrar);
	registrar->step = REGISTRAR_IDLES;
	set_timer(registrar, registrar->keep_alive_ns);
}

/* ------------------------------------------------------------------ answers */

static const char *what_was_refused(enum registrar_step step)
{
	switch (step) {
	case REGISTRAR_CONNECTS:
		return "Connect";
	case REGISTRAR_IDENTIFIES:
		return "Identify";
	case REGISTRAR_KEEPS_ALIVE:
		return "Keep Alive";
	case REGISTRAR_DEREGISTERS:
	case REGISTRAR_REGISTERS:
		return "Discovery Information Management";
	default:
		return "a property";
	}
}

static void refused(struct registrar *registrar, struct nvme_status status)
{
	char words[96];

	snprintf(words,
	         sizeof(words),
	         "it refuses %s: status %03xh",
	         what_was_refused(registrar->step),
	         status.value & 0x7ffu);
	give_up(registrar, words);
}

static void answered(void *context, struct nvme_status status, uint64_t result,
                     const struct receiver *receiver)
{
	struct registrar *registrar = context;

	/* Of one that has forgotten us, nothing is to be taken back. */
	if (status.value != 0 && registrar->step != REGISTRAR_DEREGISTERS) {
		refused(registrar, status);
		return;
	}
	switch (registrar->step) {
	case REGISTRAR_CONNECTS:
		send_enable(registrar);
		return;
	case REGISTRAR_ENABLES:
		look_at_csts(registrar);
		return;
	case REGISTRAR_BECOMES_READY:
		take_csts(registrar, result);
		return;
	case REGISTRAR_IDENTIFIES:
		begin_registering(registrar, receiver);
		return;
	case REGISTRAR_DEREGISTERS:
		entries_gone_done(&registrar->entries, registrar->asked);
		break;
	case REGISTRAR_REGISTERS:
		entries_new_done(&registrar->entries, registrar->asked);
		break;
	default:
		break;
	}
	go_on(registrar);
}

static void ready(void *context)
{
	send_connect(context);
}

static const struct admin_queue_calls calls = {ready, answered, failed};

/* ------------------------------------------------------------------ attempts */

static void attempt(struct registrar *registrar)
{
	int r = -EINVAL;

	registrar->step = REGISTRAR_OPENS;
	if (registrar->address_length > 0)
		r = admin_queue_open(&registrar->queue,
		                     (const struct sockaddr *)&registrar->address,
		                     registrar->address_length);
	if (r)
		failed(registrar, error_words(r));
}

static void expired(struct loop_timer *timer)
{
	struct registrar *registrar = container_of(timer, struct registrar, timer);

	if (registrar->step == REGISTRAR_WAITS)
		attempt(registrar);
	else if (registrar->step == REGISTRAR_BECOMES_READY)
		look_at_csts(registrar);
	else if (registrar->step == REGISTRAR_IDLES)
		go_on(registrar);
}

/* ------------------------------------------------------------------ life */

static void take_address(struct registrar *registrar, const char *traddr, const char *trsvcid)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&registrar->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&registrar->address;
	in_port_t port = htons((uint16_t)atoi(trsvcid));
	char text[INET6_ADDRSTRLEN];
	const char *zone = strchr(traddr, '%');

	if (inet_pton(AF_INET, traddr, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = port;
		registrar->address_length = sizeof(*in);
		return;
	}
	snprintf(text, sizeof(text), "%s", traddr);
	text[strcspn(text, "%")] = '\0';
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		return;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	in6->sin6_scope_id = zone ? if_nametoindex(zone + 1) : 0;
	registrar->address_length = sizeof(*in6);
}

static void take_name(char field[static NVME_NQN_SIZE], const char *name)
{
	memcpy(field, name, strnlen(name, NVME_NQN_SIZE - 1));
}

static const char *host_nqn_of(const Nvmetd__AnnounceCdc *cdc, const Nvmetd__AnnounceView *view)
{
	return cdc->host_nqn[0] ? cdc->host_nqn : view->host_nqn;
}

static void name_it(char *ret_name, size_t size, const Nvmetd__AnnounceCdc *cdc)
{
	bool is_ipv6 = strchr(cdc->traddr, ':') != NULL;

	snprintf(ret_name,
	         size,
	         is_ipv6 ? "[%.255s]:%.31s" : "%.255s:%.31s",
	         cdc->traddr,
	         cdc->trsvcid);
}

struct registrar *registrar_new(struct loop *loop, const Nvmetd__AnnounceCdc *cdc,
                                const Nvmetd__AnnounceView *view)
{
	struct registrar *registrar = calloc(1, sizeof(*registrar));

	if (!registrar)
		return NULL;
	list_init(&registrar->link);
	registrar->loop = loop;
	registrar->view = view;
	registrar->timer = LOOP_TIMER(expired);
	registrar->backoff_ns = BACKOFF_FIRST_NS;
	admin_queue_init(&registrar->queue, loop, &calls, registrar);
	take_address(registrar, cdc->traddr, cdc->trsvcid);
	take_name(registrar->nqn, cdc->nqn);
	take_name(registrar->host_nqn, host_nqn_of(cdc, view));
	take_name(registrar->eid, view->discovery_nqn);
	if (view->host_id.len == sizeof(registrar->host_id))
		memcpy(registrar->host_id, view->host_id.data, sizeof(registrar->host_id));
	name_it(registrar->name, sizeof(registrar->name), cdc);
	registrar->step = REGISTRAR_WAITS;
	set_timer(registrar, clock_now_ns());
	return registrar;
}

void registrar_free(struct registrar *registrar)
{
	loop_timer_clear(&registrar->timer);
	admin_queue_close(&registrar->queue);
	entries_deinit(&registrar->entries);
	list_remove(&registrar->link);
	free(registrar);
}

bool registrar_is_at(const struct registrar *registrar, const Nvmetd__AnnounceCdc *cdc)
{
	char name[sizeof(registrar->name)];

	name_it(name, sizeof(name), cdc);
	return strcmp(name, registrar->name) == 0;
}

bool registrar_is_for(const struct registrar *registrar, const Nvmetd__AnnounceCdc *cdc,
                      const Nvmetd__AnnounceView *view)
{
	return !registrar->is_ending && registrar_is_at(registrar, cdc) &&
	       strcmp(cdc->nqn, registrar->nqn) == 0 &&
	       strcmp(host_nqn_of(cdc, view), registrar->host_nqn) == 0 &&
	       strcmp(view->discovery_nqn, registrar->eid) == 0;
}

void registrar_update(struct registrar *registrar, const Nvmetd__AnnounceView *view)
{
	registrar->view = view;
	registrar->is_stale = true;
	if (registrar->step == REGISTRAR_IDLES)
		go_on(registrar);
}

void registrar_end(struct registrar *registrar)
{
	registrar->is_ending = true;
	registrar->is_stale = true;
	if (registrar->step < REGISTRAR_IDLES)
		end_now(registrar);
	else if (registrar->step == REGISTRAR_IDLES)
		go_on(registrar);
}

bool registrar_has_ended(const struct registrar *registrar)
{
	return registrar->step == REGISTRAR_ENDED;
}

bool registrar_says(const struct registrar *registrar, char *ret_words, size_t size)
{
	const struct entries *entries = &registrar->entries;

	if (registrar->step < REGISTRAR_IDLES) {
		snprintf(ret_words,
		         size,
		         "%s",
		         registrar->reason[0] ? registrar->reason : "connecting");
		return false;
	}
	snprintf(ret_words,
	         size,
	         "registered: %zu of %zu ways to subsystems",
	         entries->n_registered,
	         entries->n + entries->n_left_out);
	return entries->n_registered == entries->n && entries->n_gone == 0;
}
