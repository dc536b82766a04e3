/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/base/cleanup.h"
#include "common/nvme/identify.h"
#include "common/nvme/limits.h"
#include "common/nvme/log.h"
#include "common/nvme/nqn.h"
#include "services/state/report.h"

/*
 * config - what an operator wants exported: nvmetcli's JSON as plain structs.
 *
 * Shape     Hosts, ports, subsystems, in the order of the file; names and attributes are those
 *           of the kernel's target (nvmet, configfs). What is not given has nvmet's default.
 *           What this target does not act on (dhchap without a key, passthru that is not
 *           enabled, resv) is kept as it came.
 * Promise   config_parse() takes a text whole or not at all. What it takes has passed every
 *           rule, within an object and between objects; each breach is in the report, with
 *           line and place. config_save() of what config_parse() took gives a text that it, and
 *           nvmetcli, take, and that gives the same again.
 * Trust     the text is an operator's, or comes through a file that anybody wrote
 * Threads   one
 * Lifetime  config_deinit(); CONFIG_NULL is empty and may be deinitialised
 * Returns   config_parse(): 0, -ENOMEM, or
 */
enum config_error {
	CONFIG_E_WRONG = 1, /* the report says what */
};

#define CONFIG_DEFAULT_MODEL  "nvmetd"
#define CONFIG_QUEUE_SIZE_MIN 16
#define CONFIG_QUEUE_SIZE_MAX 1024
#define CONFIG_IN_CAPSULE_MAX (1u << 20) /* whichever the transport */
#define CONFIG_QID_MAX        128
#define CONFIG_STATIC_MAX     1024 /* controllers of a static subsystem */
#define CONFIG_PATH_MAX       4095
#define CONFIG_ZONE_SIZE      (UINT64_C(64) << 20)
#define CONFIG_ZONE_SIZE_MAX  (UINT64_C(1) << 40)
#define CONFIG_ZONES_MAX      (1u << 24) /* open, or active */
/* As many as a transport's view holds. */
#define CONFIG_PORTS_MAX      1024
#define CONFIG_SUBSYSTEMS_MAX 4095
/* What is known to come up well within the time that a watchdog allows. */
#define CONFIG_NAMESPACES_MAX 8192
/* These bound the time and the memory that a file of 8 MiB can take. */
#define CONFIG_HOSTS_MAX      4096
#define CONFIG_LINKS_MAX      4096  /* in one list of names */
#define CONFIG_ALL_LINKS_MAX  65536 /* in all of them */
#define CONFIG_REFERRALS_MAX  128   /* of a port */
#define CONFIG_PASSTHRU_MAX   1     /* of a subsystem */
#define CONFIG_KEY_MAX        255
#define CONFIG_LABEL_MAX      256 /* Base 2.1 §5.1.12.3.1: of an admin label */
#define CONFIG_WORKERS_MAX    64
#define CONFIG_WORKER_SIZE    32
#define CONFIG_CDCS_MAX       8

struct config_host {
	char nqn[NVME_NQN_SIZE];
	bool observer;  /* may ask discovery for what others would be told; ours, not nvmet's */
	json_t *dhchap; /* NULL: not given */
};

struct config_address {
	char trtype[16]; /* empty: not given */
	char adrfam[16];
	char traddr[256];
	char trsvcid[32];
	char treq[24];
	char tsas[16];
};

struct config_link {
	char nqn[NVME_NQN_SIZE];
};

struct config_ana_group {
	uint32_t group; /* 1 … 128 */
	enum nvme_ana_state state;
};

struct config_subsystem;

struct config_referral {
	char *name;
	bool enable;
	uint32_t port_id;
	struct config_address address;
	/* What nvmet has not: */
	char nqn[NVME_NQN_SIZE];           /* of that discovery service; the well-known one */
	struct config_link *allowed_hosts; /* who is told of it; none: every host */
	size_t n_allowed_hosts;
};

struct config_port {
	uint32_t port_id; /* 0 … 65535 */
	struct config_address address;
	int64_t inline_data_size; /* -1: default */
	int64_t max_queue_size;
	int64_t mdts;
	bool pi_enable;            /* hosts see protection information, where namespaces have it */
	struct config_link *links; /* the subsystems that are exported on it */
	size_t n_links;
	const struct config_subsystem **linked; /* the same; NULL where there is none so called */
	struct config_ana_group *groups;        /* ascending; group 1 is always there */
	size_t n_groups;
	struct config_referral *referrals;
	size_t n_referrals;
	/* Ours, nvmet has no such things: */
	bool discovery; /* it listens without subsystems, too: hosts find others there */
	char admin_label[CONFIG_LABEL_MAX + 1]; /* of its discovery service; empty: none */
	bool changing[NVME_MAX_ANA_GROUPS + 1]; /* by group: ana_change.c's, while it is in force */
	/* filled in by revisions.c */
	uint64_t ana_revision;     /* when an ANA state of it changed last */
	uint64_t address_revision; /* when its address did */
};

struct backing;   /* target.h */
struct subsystem; /* target.h */

/* The kind of a device path that is the worker's own memory, not a file or a device. */
bool config_is_in_memory(const char *path);

/* What the zones of a store are to be that is new, and has "zoned:" before it; ours, nvmet only has
 * devices that are zoned. 0 is the default: CONFIG_ZONE_SIZE, all of it, no limits. */
struct config_zones {
	uint64_t bytes;    /* of a zone, a power of two */
	uint64_t capacity; /* bytes of it that can be written */
	uint32_t open_max; /* zones */
	uint32_t active_max;
};

/* 0: they are the same. */
int config_zones_compare(const struct config_zones *a, const struct config_zones *b);

struct config_namespace {
	uint32_t nsid; /* 1 … NVME_MAX_NAMESPACES */
	bool enable;
	uint32_t ana_group;
	char *path; /* NULL: not given */
	bool has_uuid;
	uint8_t uuid[16];
	uint8_t nguid[16];
	uint8_t eui64[8]; /* zeroes: none; ours, nvmet has none */
	bool buffered_io;
	uint32_t block_size; /* 0: the device's own */
	struct config_zones zones;
	bool io_grant; /* transports may have its memory; ours, nvmet has no such thing */
	char worker[CONFIG_WORKER_SIZE]; /* who is to serve it; empty: whoever has the fewest */
	char **faults;                   /* rules where path begins with "fault:"; ours as well */
	size_t n_faults;
	json_t *resv; /* NULL: not given */
	bool resv_enable;
	bool auto_visible; /* to all hosts of the subsystem, unless allowed_hosts names some */
	struct config_link *allowed_hosts; /* ascending; see visibility.h */
	size_t n_allowed_hosts;
	/* filled in by identity.c */
	struct backing *backing; /* NULL: not enabled */
};

/* A host connects to the subsystem through a port, and has an association through it already. */
enum config_duplicate {
	CONFIG_DUPLICATE_ALLOW,
	CONFIG_DUPLICATE_REPLACE, /* the older one ends */
	CONFIG_DUPLICATE_REFUSE,
};

struct config_subsystem {
	char nqn[NVME_NQN_SIZE];
	bool allow_any_host;
	uint32_t version; /* as the VS property has it */
	char serial[21];  /* empty: not given, until identity.c fills it in */
	char model[41];
	char firmware[9];
	uint32_t ieee_oui;
	uint16_t vendor_id;
	uint16_t subsys_vendor_id;
	uint16_t cntlid_min;
	uint16_t cntlid_max;
	uint16_t qid_max;
	bool pi_enable;   /* as a port's; both must have it */
	bool enable_nssr; /* hosts may reset the subsystem */
	bool is_static;   /* controller_model: hosts connect to controllers that are there */
	enum config_duplicate duplicate_host;
	struct config_link *allowed_hosts;
	size_t n_allowed_hosts;
	struct config_namespace *namespaces;
	size_t n_namespaces;
	json_t *passthru;                       /* NULL: not given */
	char admin_label[CONFIG_LABEL_MAX + 1]; /* ours, as a port's; UTF-8 */
	/* filled in by identity.c */
	struct subsystem *subsystem;
	const struct config_namespace **sorted; /* by nsid */
	/* filled in by revisions.c */
	uint64_t attributes_revision; /* when what a controller has told its host changed last */
};

/* Which ports a host is told of: the one that it came in on, or those that are like it in each of
 * these. None of them: all ports. */
enum config_filter {
	CONFIG_FILTER_TRANSPORT = 1 << 0,
	CONFIG_FILTER_ADDRESS = 1 << 1,
	CONFIG_FILTER_SVCID = 1 << 2,
	CONFIG_FILTER_PORT = 1 << 3, /* nvmet's way, and the default */
};

/* An I/O worker of which there is something to say; ours. */
struct config_worker {
	char name[CONFIG_WORKER_SIZE];
	bool enable; /* false: out of service, it is to have no namespaces */
};

/* A central discovery controller that this target registers with. */
struct config_cdc {
	char traddr[256];
	char trsvcid[32];
	char nqn[NVME_NQN_SIZE];     /* empty: the well-known one */
	char hostnqn[NVME_NQN_SIZE]; /* empty: one that the state service makes, once */
};

/* Ours, nvmet has no such thing: where the discovery service is made known. */
struct config_announce {
	bool mdns;
	struct config_cdc *cdcs;
	size_t n_cdcs;
};

struct config {
	struct limits limits;
	char discovery_nqn[NVME_NQN_SIZE]; /* the well-known one, or this target's own */
	unsigned discovery_filter;         /* enum config_filter */
	struct config_announce announce;
	struct config_host *hosts;
	size_t n_hosts;
	struct config_port *ports;
	size_t n_ports;
	struct config_subsystem *subsystems;
	size_t n_subsystems;
	struct config_worker *workers;
	size_t n_workers;
	/* by name, when all of it has been read; NULL: not yet */
	const struct config_host **hosts_by_nqn;
	const struct config_subsystem **subsystems_by_nqn;
};

#define CONFIG_NULL                                                                                \
	((struct config){.limits = LIMITS_DEFAULT,                                                 \
	                 .discovery_nqn = NVME_DISCOVERY_NQN,                                      \
	                 .discovery_filter = CONFIG_FILTER_PORT})

void config_deinit(struct config *config);

/* text ends in NUL. */
int config_parse(struct config *ret_config, const char *text, size_t length, struct report *report);

/* The same from a parsed value; the text, if the report has one, is only for lines. */
int config_read(struct config *ret_config, const json_t *root, struct report *report);

/* Without the rules between objects, which config_check() has. */
int config_read_forms(struct config *ret_config, const json_t *root, struct report *report);

/* The rules between objects and on whole objects; config_parse() calls it. */
void config_check(const struct config *config, struct report *report);

/* NULL if there is no memory. */
json_t *config_save(const struct config *config);
/* One line after the other, keys sorted, as nvmetcli writes it. free() it. */
char *config_text(const struct config *config);

const struct config_host *config_find_host(const struct config *config, const char *nqn);
const struct config_port *config_find_port(const struct config *config, uint32_t port_id);
const struct config_subsystem *config_find_subsystem(const struct config *config, const char *nqn);

/* It has a listener: it has subsystems, or is there for discovery alone. */
bool config_port_listens(const struct config_port *port);

/* Not taken out of service. */
bool config_worker_may_serve(const struct config *config, const char *name);

bool config_port_has(const struct config_port *port, const char *subsystem_nqn);
bool config_allows(const struct config_subsystem *subsystem, const char *host_nqn);
/* The host is told of the referral, which must be enabled. */
bool config_refers(const struct config_referral *referral, const char *host_nqn);
bool config_is_observer(const struct config *config, const char *host_nqn);

/* What holds: where a port's parameter is -1, or more than its transport can. */
uint32_t config_in_capsule_bytes(const struct config_port *port);
uint32_t config_queue_size(const struct config_port *port);
uint8_t config_mdts(const struct config_port *port);
/* Of a group that the port does not name: inaccessible, as in nvmet. */
enum nvme_ana_state config_ana_state(const struct config_port *port, uint32_t group);

/* "allow", "replace", "refuse" */
const char *config_duplicate_name(enum config_duplicate duplicate);

/* "optimized" …; NULL, 0 for what is none. */
const char *ana_state_name(enum nvme_ana_state state);
int ana_state_of_name(const char *name, enum nvme_ana_state *ret_state);

/* Known at all to nvmet, as a number of the discovery log; -1 if not. */
int config_adrfam_code(const char *adrfam);
int config_treq_code(const char *treq);
/* SECTYPE of the TSAS of TCP; -1 for what is none. */
int config_sectype(const struct config_address *address);

/* Every address of the machine, of one family. */
bool config_is_wildcard(const char *traddr);
