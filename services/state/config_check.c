/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <uuid.h>

#include "common/base/log.h"
#include "common/nvme/store_path.h"
#include "services/state/config_part.h"
#include "services/state/trtype.h"

/*
 * What must hold in a configuration whose single values are good: between the values of an
 * object, and between objects. Most is what nvmet's configfs enforces; the rest keeps the
 * hosts' data safe (two namespaces with one UUID, or one file under two namespaces).
 */

#define HOST_PLACE(i)      PLACE_INDEX(PLACE_KEY(NULL, "hosts"), (i))
#define PORT_PLACE(i)      PLACE_INDEX(PLACE_KEY(NULL, "ports"), (i))
#define WORKER_PLACE(i)    PLACE_INDEX(PLACE_KEY(NULL, "workers"), (i))
#define SUBSYSTEM_PLACE(i) PLACE_INDEX(PLACE_KEY(NULL, "subsystems"), (i))

/* Of some that are sorted by name. */
static void check_hosts(const struct config *config, struct report *report)
{
	const struct config_host **sorted = config->hosts_by_nqn;

	for (size_t i = 1; i < config->n_hosts; i++)
		if (strcmp(sorted[i - 1]->nqn, sorted[i]->nqn) == 0)
			report_error(
				report,
				PLACE_KEY(HOST_PLACE((size_t)(sorted[i] - config->hosts)), "nqn"),
				"is that of hosts[%zu] too",
				(size_t)(sorted[i - 1] - config->hosts));
}

static int by_name(const void *left, const void *right)
{
	const struct config_link *a = *(const struct config_link *const *)left;
	const struct config_link *b = *(const struct config_link *const *)right;
	int order = strcmp(a->nqn, b->nqn);

	return order ? order : (a > b) - (a < b);
}

/* Each that is there already, in a list of names. */
static void check_twice(const struct config_link *links, size_t count,
                        const struct json_place *place, struct report *report)
{
	const struct config_link **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted) {
		report_out_of_memory(report, place);
		return;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = &links[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 1; i < count; i++)
		if (strcmp(sorted[i - 1]->nqn, sorted[i]->nqn) == 0)
			report_error(report,
			             PLACE_INDEX(place, (size_t)(sorted[i] - links)),
			             "is there twice");
	free(sorted);
}

static void check_workers(const struct config *config, struct report *report)
{
	for (size_t i = 0; i < config->n_workers; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(config->workers[i].name, config->workers[j].name) == 0)
				report_error(report,
				             PLACE_KEY(WORKER_PLACE(i), "name"),
				             "is that of workers[%zu] too",
				             j);
}

/* ------------------------------------------------------------------ ports */

bool config_is_service(const char *trsvcid)
{
	char *end;
	unsigned long number = strtoul(trsvcid, &end, 10);

	return trsvcid[0] >= '0' && trsvcid[0] <= '9' && *end == '\0' && number >= 1 &&
	       number <= 65535;
}

/* An IPv6 address may name its link: "fe80::1%eth0". */
bool config_is_address(const struct config_address *address)
{
	char text[sizeof(address->traddr)];
	uint8_t parsed[sizeof(struct in6_addr)];

	if (strcmp(address->adrfam, "ipv4") == 0)
		return inet_pton(AF_INET, address->traddr, parsed) == 1;
	memcpy(text, address->traddr, sizeof(text));
	text[strcspn(text, "%")] = '\0';
	return inet_pton(AF_INET6, text, parsed) == 1;
}

static void check_security(const struct config_address *address, const struct json_place *place,
                           struct report *report)
{
	if (config_treq_code(address->treq) < 0)
		report_error(report,
		             PLACE_KEY(place, "treq"),
		             "may be \"not specified\", \"required\" or \"not required\"");
	else if (strcmp(address->treq, "required") == 0)
		report_error(
			report, PLACE_KEY(place, "treq"), "a secure channel is not supported yet");
	if (address->tsas[0] != '\0' && strcmp(address->tsas, "none") != 0)
		report_error(report, PLACE_KEY(place, "tsas"), "TLS is not supported yet");
}

static void check_trtype(const char *trtype, const struct json_place *place, struct report *report)
{
	const struct trtype *type = trtype_find(trtype);

	if (!type)
		report_error(report, place, "is not known; may be \"tcp\" or \"rdma\"");
	else if (!type->is_served)
		report_error(report, place, "\"%s\" is not supported yet", trtype);
}

static void check_address(const struct config_port *port, const struct json_place *place,
                          struct report *report)
{
	const struct config_address *address = &port->address;

	if (address->trtype[0] != '\0')
		check_trtype(address->trtype, PLACE_KEY(place, "trtype"), report);
	check_security(address, place, report);
	if (address->adrfam[0] != '\0' && strcmp(address->adrfam, "ipv4") != 0 &&
	    strcmp(address->adrfam, "ipv6") != 0)
		report_error(report, PLACE_KEY(place, "adrfam"), "may be \"ipv4\" or \"ipv6\"");
	else if (address->traddr[0] != '\0' && !config_is_address(address))
		report_error(report,
		             PLACE_KEY(place, "traddr"),
		             "is no address of %s, as adrfam has it",
		             address->adrfam);
	if (address->trsvcid[0] != '\0' && !config_is_service(address->trsvcid))
		report_error(
			report, PLACE_KEY(place, "trsvcid"), "is no number of a port, 1 to 65535");
}

/* The first link to a subsystem starts the listener, as in nvmet; so it needs an address. So does
 * discovery alone. */
static void check_listener(const struct config *config, size_t index, struct report *report)
{
	const struct config_port *port = &config->ports[index];
	const struct json_place *place = PLACE_KEY(PORT_PLACE(index), "addr");
	static const char *const keys[] = {"trtype", "traddr", "trsvcid"};
	const char *const values[] = {
		port->address.trtype, port->address.traddr, port->address.trsvcid};
	char words[REPORT_PLACE_SIZE];

	if (!config_port_listens(port))
		return;
	for (size_t i = 0; i < 3; i++)
		if (values[i][0] == '\0')
			report_error(report,
			             PLACE_KEY(place, keys[i]),
			             "must be given, as the port %s",
			             port->n_links > 0 ? "has subsystems" : "has discovery");
	for (size_t i = 0; i < index; i++) {
		const struct config_port *other = &config->ports[i];

		if (config_port_listens(other) &&
		    strcmp(other->address.trtype, port->address.trtype) == 0 &&
		    strcmp(other->address.traddr, port->address.traddr) == 0 &&
		    strcmp(other->address.trsvcid, port->address.trsvcid) == 0)
			report_error(report,
			             place,
			             "is the address of %s too",
			             report_place(report, words, PORT_PLACE(i)));
	}
}

/* As nvmet does, which says so in the kernel's log. */
static void check_parameters(const struct config_port *port, const struct json_place *place,
                             struct report *report)
{
	uint32_t most = trtype_of_port(port->address.trtype)->in_capsule_max;

	if (port->inline_data_size > most)
		report_warning(report,
		               PLACE_KEY(place, "inline_data_size"),
		               "is %lld, and is taken as %u, the most with \"%s\"",
		               (long long)port->inline_data_size,
		               most,
		               port->address.trtype);
}

static void check_links(const struct config *config, const struct config_port *port,
                        const struct json_place *port_place, struct report *report)
{
	for (size_t i = 0; i < port->n_links; i++) {
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(port_place, "subsystems"),
		                                             i);

		if (!config_find_subsystem(config, port->links[i].nqn))
			report_error(report,
			             place,
			             "there is no such subsystem: unlink it, or create it");
	}
	check_twice(port->links, port->n_links, PLACE_KEY(port_place, "subsystems"), report);
}

/* As nvmet does, which refuses it: Linux can have metadata over RDMA only, and takes what has some
 * for a disk without room. Other hosts can. */
static void check_protection(const struct config_port *port, const struct json_place *port_place,
                             struct report *report)
{
	if (port->pi_enable && strcmp(port->address.trtype, "tcp") == 0)
		report_warning(report,
		               PLACE_KEY(PLACE_KEY(port_place, "param"), "pi_enable"),
		               "is 1: Linux hosts have no use for namespaces with protection "
		               "information over tcp: they see disks of no size");
}

static void check_ports(const struct config *config, struct report *report)
{
	for (size_t i = 0; i < config->n_ports; i++) {
		const struct config_port *port = &config->ports[i];
		const struct json_place *place = PORT_PLACE(i);

		for (size_t j = 0; j < i; j++)
			if (port->port_id == config->ports[j].port_id)
				report_error(report,
				             PLACE_KEY(place, "portid"),
				             "is that of ports[%zu] too",
				             j);
		check_address(port, PLACE_KEY(place, "addr"), report);
		check_parameters(port, PLACE_KEY(place, "param"), report);
		check_listener(config, i, report);
		check_links(config, port, place, report);
		check_protection(port, place, report);
	}
}

/* ------------------------------------------------------------------ subsystems */

static void check_access(const struct config *config, const struct config_subsystem *subsystem,
                         const struct json_place *place, struct report *report)
{
	const struct json_place *hosts = PLACE_KEY(place, "allowed_hosts");

	if (subsystem->allow_any_host && subsystem->n_allowed_hosts > 0)
		report_error(report,
		             PLACE_KEY(PLACE_KEY(place, "attr"), "allow_any_host"),
		             "may not be 1 where there are allowed_hosts: set it to 0, or take "
		             "those out");
	for (size_t i = 0; i < subsystem->n_allowed_hosts; i++) {
		if (!config_find_host(config, subsystem->allowed_hosts[i].nqn))
			report_error(report,
			             PLACE_INDEX(hosts, i),
			             "there is no such host in \"hosts\": add it there, or take it "
			             "out here");
	}
	check_twice(subsystem->allowed_hosts, subsystem->n_allowed_hosts, hosts, report);
}

static void check_worker(const struct config *config, const struct config_namespace *namespace,
                         const struct json_place *device, struct report *report)
{
	if (namespace->worker[0] && !config_worker_may_serve(config, namespace->worker))
		report_error(report,
		             PLACE_KEY(device, "worker"),
		             "\"%s\" is out of service: its enable in workers is 0",
		             namespace->worker);
}

static void check_namespaces(const struct config *config, const struct config_subsystem *subsystem,
                             const struct json_place *subsystem_place, struct report *report)
{
	size_t seen[NVME_MAX_NAMESPACES + 1] = {0};

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = &subsystem->namespaces[i];
		const struct json_place *place = PLACE_INDEX(
			PLACE_KEY(subsystem_place, "namespaces"), i);
		const struct json_place *device_place = PLACE_KEY(place, "device");

		if (seen[namespace->nsid])
			report_error(report,
			             PLACE_KEY(place, "nsid"),
			             "is that of namespaces[%zu] too",
			             seen[namespace->nsid] - 1);
		seen[namespace->nsid] = i + 1;
		config_check_path(namespace, place, report);
		check_worker(config, namespace, device_place, report);
		if (!namespace->enable && report_is_of_file(report))
			report_warning(report,
			               PLACE_KEY(place, "enable"),
			               "is not 1: no host will see this namespace");
	}
}

/* A namespace with what must not be another's. */
struct claim {
	const struct config_namespace *namespace;
	size_t subsystem;
	size_t index;
};

static const struct json_place *claim_say(struct json_place place[static 4],
                                          const struct claim *claim)
{
	place[0] = (struct json_place){.key = "subsystems"};
	place[1] = (struct json_place){.up = &place[0], .index = claim->subsystem};
	place[2] = (struct json_place){.up = &place[1], .key = "namespaces"};
	place[3] = (struct json_place){.up = &place[2], .index = claim->index};
	return &place[3];
}

static bool has_own_uuid(const struct config_namespace *namespace)
{
	return namespace->has_uuid;
}

static int compare_uuid(const struct config_namespace *a, const struct config_namespace *b)
{
	return memcmp(a->uuid, b->uuid, sizeof(a->uuid));
}

/* A file or device, in use. The worker locks it, so only one namespace can have it. */
static bool has_own_path(const struct config_namespace *namespace)
{
	return namespace->enable && namespace->path && store_path(namespace->path)[0] == '/';
}

static int compare_path(const struct config_namespace *a, const struct config_namespace *b)
{
	return strcmp(store_path(a->path), store_path(b->path));
}

struct claim_kind {
	const char *key;
	bool (*is_claimed)(const struct config_namespace *namespace);
	int (*compare)(const struct config_namespace *a, const struct config_namespace *b);
};

static const struct claim_kind claim_kinds[] = {
	{"uuid", has_own_uuid, compare_uuid},
	{"path", has_own_path, compare_path},
};

/* Equal ones in the order of the file. */
static int in_order(const void *left, const void *right, void *context)
{
	const struct claim_kind *kind = context;
	const struct claim *a = left, *b = right;
	int order = kind->compare(a->namespace, b->namespace);

	if (order == 0)
		order = (a->subsystem > b->subsystem) - (a->subsystem < b->subsystem);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void report_conflict(const struct claim *first, const struct claim *second, const char *key,
                            struct report *report)
{
	struct json_place first_place[4], second_place[4];
	const struct json_place *place = claim_say(second_place, second);
	char words[REPORT_PLACE_SIZE];

	report_error(report,
	             PLACE_KEY(PLACE_KEY(place, "device"), key),
	             "is that of %s too",
	             report_place(report, words, claim_say(first_place, first)));
}

static void check_claims(const struct config *config, const struct claim_kind *kind,
                         struct claim *table, struct report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < config->n_subsystems; i++)
		for (size_t j = 0; j < config->subsystems[i].n_namespaces; j++)
			if (kind->is_claimed(&config->subsystems[i].namespaces[j]))
				table[count++] = (struct claim){
					&config->subsystems[i].namespaces[j], i, j};
	qsort_r(table, count, sizeof(*table), in_order, (void *)kind);
	for (size_t i = 1; i < count; i++)
		if (kind->compare(table[i - 1].namespace, table[i].namespace) == 0)
			report_conflict(&table[i - 1], &table[i], kind->key, report);
}

static void check_conflicts(const struct config *config, struct report *report)
{
	struct claim *table;
	size_t count = 0;

	for (size_t i = 0; i < config->n_subsystems; i++)
		count += config->subsystems[i].n_namespaces;
	table = calloc(count + 1, sizeof(*table));
	if (!table) {
		report_out_of_memory(report, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(claim_kinds) / sizeof(claim_kinds[0]); i++)
		check_claims(config, &claim_kinds[i], table, report);
	free(table);
}

static void check_names(const struct config *config, struct report *report)
{
	const struct config_subsystem **sorted = config->subsystems_by_nqn;

	for (size_t i = 1; i < config->n_subsystems; i++) {
		size_t first = (size_t)(sorted[i - 1] - config->subsystems);
		size_t second = (size_t)(sorted[i] - config->subsystems);

		if (strcmp(sorted[i - 1]->nqn, sorted[i]->nqn) == 0)
			report_error(report,
			             PLACE_KEY(SUBSYSTEM_PLACE(second), "nqn"),
			             "is that of subsystems[%zu] too",
			             first);
	}
}

static void check_subsystems(const struct config *config, struct report *report)
{
	check_names(config, report);
	for (size_t i = 0; i < config->n_subsystems; i++) {
		const struct config_subsystem *subsystem = &config->subsystems[i];
		const struct json_place *place = SUBSYSTEM_PLACE(i);

		if (nqn_is_discovery(subsystem->nqn) ||
		    strcmp(subsystem->nqn, config->discovery_nqn) == 0)
			report_error(report,
			             PLACE_KEY(place, "nqn"),
			             "is that of the discovery service");
		if (subsystem->cntlid_min > subsystem->cntlid_max)
			report_error(report,
			             PLACE_KEY(PLACE_KEY(place, "attr"), "cntlid_min"),
			             "is more than cntlid_max");
		check_access(config, subsystem, place, report);
		check_namespaces(config, subsystem, place, report);
	}
	check_conflicts(config, report);
}

/* The sums; each list's own length has been checked when it was read. */
static bool check_counts(const struct config *config, struct report *report)
{
	size_t namespaces = 0, hosts = 0, links = 0;

	for (size_t i = 0; i < config->n_subsystems; i++) {
		namespaces += config->subsystems[i].n_namespaces;
		hosts += config->subsystems[i].n_allowed_hosts;
		for (size_t j = 0; j < config->subsystems[i].n_namespaces; j++)
			hosts += config->subsystems[i].namespaces[j].n_allowed_hosts;
	}
	for (size_t i = 0; i < config->n_ports; i++) {
		links += config->ports[i].n_links;
		for (size_t j = 0; j < config->ports[i].n_referrals; j++)
			hosts += config->ports[i].referrals[j].n_allowed_hosts;
	}
	if (hosts > CONFIG_ALL_LINKS_MAX)
		report_error(report,
		             PLACE_KEY(NULL, "subsystems"),
		             "have %zu allowed_hosts together, and may have %d",
		             hosts,
		             CONFIG_ALL_LINKS_MAX);
	if (links > CONFIG_ALL_LINKS_MAX)
		report_error(report,
		             PLACE_KEY(NULL, "ports"),
		             "have %zu subsystems together, and may have %d",
		             links,
		             CONFIG_ALL_LINKS_MAX);
	if (namespaces > CONFIG_NAMESPACES_MAX)
		report_error(report,
		             PLACE_KEY(NULL, "subsystems"),
		             "have %zu namespaces together, and may have %d",
		             namespaces,
		             CONFIG_NAMESPACES_MAX);
	return report_is_good(report);
}

void config_check(const struct config *config, struct report *report)
{
	if (!check_counts(config, report))
		return; /* what follows compares many with many */
	check_hosts(config, report);
	check_workers(config, report);
	check_subsystems(config, report);
	check_ports(config, report);
	config_check_discovery(config, report);
	config_check_announce(config, report);
}
