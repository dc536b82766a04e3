/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/discovery.h"

#include <string.h>

#include <arpa/inet.h>

/* ------------------------------------------------------------------ which ports */

/* What has been made of a question. */
struct search {
	const struct config *config;
	const struct session *session;
	const struct config_port *port; /* that the host came in on */
	unsigned filter;
	bool sees_all;   /* also what is not for this host */
	uint16_t eflags; /* of discovery services of this target */
	discovery_fn call;
	void *context;
};

static int family_of(const char *address)
{
	return strchr(address, ':') ? AF_INET6 : AF_INET;
}

/* Where the host reaches the port; NULL: nowhere that we know of. */
static const char *reach(const struct search *search, const struct config_port *port)
{
	const char *here = search->session->local_address;

	if (!config_is_wildcard(port->address.traddr))
		return port->address.traddr;
	return port == search->port || family_of(port->address.traddr) == family_of(here) ? here
	                                                                                  : NULL;
}

/* However they are written; of IPv6 there are many ways. */
static bool is_same_address(const char *a, const char *b)
{
	struct in6_addr left = {0}, right = {0};
	char text[INET6_ADDRSTRLEN + 1] = "";
	int family = family_of(a);

	if (family != family_of(b) || strcspn(a, "%") >= sizeof(text))
		return false;
	memcpy(text, a, strcspn(a, "%"));
	return inet_pton(family, text, &left) == 1 && inet_pton(family, b, &right) == 1 &&
	       memcmp(&left, &right, sizeof(left)) == 0;
}

static bool is_listed(const struct search *search, const struct config_port *port)
{
	const struct config_address *own = &search->port->address, *address = &port->address;
	const char *where;

	if (port == search->port)
		return true;
	if (search->filter & CONFIG_FILTER_PORT || !config_port_listens(port))
		return false;
	where = reach(search, port);
	if (!where)
		return false;
	if (search->filter & CONFIG_FILTER_TRANSPORT && strcmp(own->trtype, address->trtype) != 0)
		return false;
	if (search->filter & CONFIG_FILTER_SVCID && strcmp(own->trsvcid, address->trsvcid) != 0)
		return false;
	return !(search->filter & CONFIG_FILTER_ADDRESS) ||
	       is_same_address(where, search->session->local_address);
}

/* Whoever asks any of the ports that are listed is told of the same ones. Not so where the address
 * that it came in on is in its answer, nor where each port tells of itself. */
static uint16_t eflags_of(const struct search *search)
{
	if (search->filter & CONFIG_FILTER_PORT)
		return NVME_EFLAGS_EPCSD;
	for (size_t i = 0; i < search->config->n_ports; i++)
		if (config_is_wildcard(search->config->ports[i].address.traddr) &&
		    is_listed(search, &search->config->ports[i]))
			return NVME_EFLAGS_EPCSD;
	return NVME_EFLAGS_EPCSD | NVME_EFLAGS_DUPRETINFO;
}

/* ------------------------------------------------------------------ what of them */

static void tell_of_port(const struct search *search, const struct config_port *port)
{
	struct discovery_record record = {
		.subtype = NVME_SUBTYPE_CURRENT,
		.address = &port->address,
		.traddr = reach(search, port),
		.port_id = port->port_id,
		.nqn = search->config->discovery_nqn,
		.label = port->admin_label,
		.eflags = search->eflags,
	};

	search->call(search->context, &record);
	record.subtype = NVME_SUBTYPE_NVME;
	record.eflags = 0;
	for (size_t i = 0; i < port->n_links; i++) {
		const struct config_subsystem *subsystem = port->linked[i];

		if (!subsystem ||
		    (!search->sees_all && !config_allows(subsystem, search->session->host_nqn)))
			continue;
		record.nqn = subsystem->nqn;
		record.label = subsystem->admin_label;
		record.is_static = subsystem->is_static;
		search->call(search->context, &record);
	}
}

static void tell_of_referrals(const struct search *search, const struct config_port *port)
{
	for (size_t i = 0; i < port->n_referrals; i++) {
		const struct config_referral *referral = &port->referrals[i];
		const struct discovery_record record = {
			.subtype = NVME_SUBTYPE_REFERRAL,
			.address = &referral->address,
			.traddr = referral->address.traddr,
			.port_id = referral->port_id,
			.nqn = referral->nqn,
			.label = "",
		};

		if (config_refers(referral, search->session->host_nqn) ||
		    (search->sees_all && referral->enable))
			search->call(search->context, &record);
	}
}

uint8_t discovery_options(const struct config *config, const struct session *session)
{
	uint8_t options = NVME_LOG_DISCOVERY_EXTDLPE | NVME_LOG_DISCOVERY_PLEO;

	if (config_is_observer(config, session->host_nqn))
		options |= NVME_LOG_DISCOVERY_ALLSUBE;
	return options;
}

/* The port that was asked comes first. */
static void each_port(const struct search *search,
                      void (*tell)(const struct search *search, const struct config_port *port))
{
	tell(search, search->port);
	for (size_t i = 0; i < search->config->n_ports; i++) {
		const struct config_port *port = &search->config->ports[i];

		if (port != search->port && is_listed(search, port))
			tell(search, port);
	}
}

void discovery_each(const struct discovery_question *question, discovery_fn call, void *context)
{
	uint8_t options = question->specific &
	                  discovery_options(question->config, question->session);
	struct search search = {
		.config = question->config,
		.session = question->session,
		.port = config_find_port(question->config, question->session->port_id),
		.filter = question->config->discovery_filter,
		.call = call,
		.context = context,
	};

	if (!search.port)
		return;
	if (options & NVME_LOG_DISCOVERY_ALLSUBE) {
		search.sees_all = true;
		search.filter = 0;
	}
	if (options & NVME_LOG_DISCOVERY_PLEO)
		search.filter = CONFIG_FILTER_PORT;
	search.eflags = eflags_of(&search);
	each_port(&search, tell_of_port);
	each_port(&search, tell_of_referrals);
}

/* ------------------------------------------------------------------ sums */

#define SUM_BEGIN UINT64_C(0xcbf29ce484222325)

static void add(uint64_t *sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		*sum = (*sum ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
}

static void add_text(uint64_t *sum, const char *text)
{
	add(sum, text, strlen(text) + 1);
}

static void add_number(uint64_t *sum, uint64_t number)
{
	add(sum, &number, sizeof(number));
}

static void add_address(uint64_t *sum, const struct config_address *address)
{
	add_text(sum, address->trtype);
	add_text(sum, address->adrfam);
	add_text(sum, address->traddr);
	add_text(sum, address->trsvcid);
	add_text(sum, address->treq);
	add_text(sum, address->tsas);
}

static void add_links(uint64_t *sum, const struct config_link *links, size_t count)
{
	add_number(sum, count);
	for (size_t i = 0; i < count; i++)
		add_text(sum, links[i].nqn);
}

static void add_record(void *context, const struct discovery_record *record)
{
	uint64_t *sum = context;

	add_number(sum, (uint64_t)record->subtype << 32 | record->eflags << 16 | record->port_id);
	add_number(sum, record->is_static);
	add_address(sum, record->address);
	add_text(sum, record->traddr);
	add_text(sum, record->nqn);
	add_text(sum, record->label);
}

uint64_t discovery_sum(const struct config *config, const struct session *session)
{
	const struct discovery_question question = {.config = config, .session = session};
	uint64_t sum = SUM_BEGIN;

	discovery_each(&question, add_record, &sum);
	return sum ? sum : 1;
}

static void add_port(uint64_t *sum, const struct config_port *port)
{
	add_number(sum, port->port_id);
	add_address(sum, &port->address);
	add_text(sum, port->admin_label);
	add_links(sum, port->links, port->n_links);
	for (size_t i = 0; i < port->n_referrals; i++) {
		const struct config_referral *referral = &port->referrals[i];

		if (!referral->enable)
			continue;
		add_number(sum, referral->port_id);
		add_address(sum, &referral->address);
		add_text(sum, referral->nqn);
		add_links(sum, referral->allowed_hosts, referral->n_allowed_hosts);
	}
}

uint64_t discovery_sum_of_all(const struct config *config)
{
	uint64_t sum = SUM_BEGIN;

	add_text(&sum, config->discovery_nqn);
	add_number(&sum, config->discovery_filter);
	for (size_t i = 0; i < config->n_hosts; i++)
		if (config->hosts[i].observer)
			add_text(&sum, config->hosts[i].nqn);
	for (size_t i = 0; i < config->n_ports; i++)
		if (config_port_listens(&config->ports[i]))
			add_port(&sum, &config->ports[i]);
	for (size_t i = 0; i < config->n_subsystems; i++) {
		const struct config_subsystem *subsystem = &config->subsystems[i];

		add_text(&sum, subsystem->nqn);
		add_text(&sum, subsystem->admin_label);
		add_number(&sum, subsystem->allow_any_host);
		add_number(&sum, subsystem->is_static);
		add_links(&sum, subsystem->allowed_hosts, subsystem->n_allowed_hosts);
	}
	return sum;
}
