/* SPDX-License-Identifier: BSD-2-Clause */
/* What a set is to export, as nvmetcli's JSON. */
#include <check.h>
#include <string.h>

#include "tests/support/harness.h"

struct harness_exports harness_plain(void)
{
	return (struct harness_exports){
		.ports = {{.traddr = "127.0.0.1"}},
		.subsystems =
			{{.nqn = HARNESS_NQN,
	                  .serial = "HARNESS",
	                  .namespaces = {{.nsid = 1, .path = "disk", .create_bytes = 64 << 20},
	                                 {.nsid = 2, .path = "ram:64M", .block_bytes = 4096}}}},
	};
}

/* Of a namespace, if it names any. */
static void write_mask(FILE *file, const struct harness_namespace *space)
{
	fprintf(file, "%s", space->is_masked ? ", \"auto_visible\": \"0\"" : "");
	for (unsigned i = 0; i < HARNESS_HOSTS && space->hosts[i]; i++)
		fprintf(file, "%s\"%s\"", i ? ", " : ", \"allowed_hosts\": [", space->hosts[i]);
	fprintf(file, "%s", space->hosts[0] ? "]" : "");
}

static void write_namespace(FILE *file, const struct harness *harness,
                            const struct harness_namespace *space, const char *separator)
{
	bool is_file = !strchr(space->path, ':') && space->path[0] != '/';

	fprintf(file,
	        "%s        {\"nsid\": %u, \"enable\": %d, \"device\": {\"path\": \"%s%s%s%s\"",
	        separator,
	        space->nsid,
	        !space->is_disabled,
	        space->zones ? "zoned:" : "",
	        space->has_protection ? "pi:" : "",
	        space->has_faults ? "fault:" : "",
	        is_file ? harness_path(harness, space->path) : space->path);
	if (space->zones && space->zones[0])
		fprintf(file, ", %s", space->zones);
	if (space->block_bytes)
		fprintf(file, ", \"block_size\": \"%u\"", space->block_bytes);
	if (space->uuid)
		fprintf(file, ", \"uuid\": \"%s\"", space->uuid);
	if (space->has_io_grant)
		fprintf(file, ", \"io_grant\": 1");
	if (space->worker)
		fprintf(file, ", \"worker\": \"%s\"", space->worker);
	fprintf(file, "}%s", space->is_buffered ? ", \"buffered_io\": \"1\"" : "");
	for (unsigned i = 0; i < 4 && space->faults[i]; i++)
		fprintf(file, "%s\"%s\"", i ? ", " : ", \"faults\": [", space->faults[i]);
	fprintf(file, "%s", space->faults[0] ? "]" : "");
	if (space->ana_group)
		fprintf(file, ", \"ana_grpid\": %u", space->ana_group);
	write_mask(file, space);
	fprintf(file, "%s}", space->has_reservations ? ", \"resv\": {\"enable\": \"1\"}" : "");
}

static void write_subsystem(FILE *file, const struct harness *harness,
                            const struct harness_subsystem *subsystem, const char *separator)
{
	fprintf(file, "%s\n    {\"nqn\": \"%s\",\n", separator, subsystem->nqn);
	fprintf(file,
	        "      \"attr\": {\"allow_any_host\": \"%d\", \"pi_enable\": \"%d\", "
	        "\"serial\": \"%s\"%s%s},\n",
	        !subsystem->hosts[0],
	        subsystem->shows_protection,
	        subsystem->serial ? subsystem->serial : "",
	        subsystem->attributes ? ", " : "",
	        subsystem->attributes ? subsystem->attributes : "");
	fprintf(file, "      \"allowed_hosts\": [");
	for (unsigned i = 0; i < HARNESS_HOSTS && subsystem->hosts[i]; i++)
		fprintf(file, "%s\"%s\"", i ? ", " : "", subsystem->hosts[i]);
	fprintf(file, "],\n      \"namespaces\": [");
	separator = "\n";
	for (unsigned i = 0; i < HARNESS_NAMESPACES; i++)
		if (subsystem->namespaces[i].nsid) {
			write_namespace(file, harness, &subsystem->namespaces[i], separator);
			separator = ",\n";
		}
	fprintf(file, "]}");
}

static void write_hosts(FILE *file, const struct harness_exports *exports)
{
	const char *separator = "";

	fprintf(file, "  \"hosts\": [");
	for (unsigned s = 0; s < HARNESS_SUBSYSTEMS; s++)
		for (unsigned i = 0; i < HARNESS_HOSTS && exports->subsystems[s].hosts[i]; i++) {
			fprintf(file,
			        "%s{\"nqn\": \"%s\"}",
			        separator,
			        exports->subsystems[s].hosts[i]);
			separator = ", ";
		}
	fprintf(file, "],\n");
}

static void write_port(FILE *file, const struct harness_exports *exports, unsigned p)
{
	const struct harness_port *port = &exports->ports[p];
	const char *separator = "";

	fprintf(file,
	        "%s\n    {\"portid\": %u, \"addr\": {\"trtype\": \"%s\", \"adrfam\": \"%s\", "
	        "\"traddr\": \"%s\", \"trsvcid\": \"%s\"},\n",
	        p ? "," : "",
	        p + 1,
	        port->trtype ? port->trtype : "tcp",
	        strchr(port->traddr, ':') ? "ipv6" : "ipv4",
	        port->traddr,
	        port->trsvcid);
	fprintf(file,
	        "      \"param\": {\"inline_data_size\": \"%s\", \"pi_enable\": \"%d\"},\n",
	        port->in_capsule_bytes ? port->in_capsule_bytes : "-1",
	        port->shows_protection);
	fprintf(file, "      \"ana_groups\": [");
	for (unsigned i = 0; i < HARNESS_GROUPS; i++)
		if (port->ana_states[i]) {
			fprintf(file,
			        "%s{\"grpid\": %u, \"ana\": {\"state\": \"%s\"}}",
			        separator,
			        i + 1,
			        port->ana_states[i]);
			separator = ", ";
		}
	separator = "";
	fprintf(file, "],\n      \"subsystems\": [");
	for (unsigned s = 0; s < HARNESS_SUBSYSTEMS; s++)
		if (exports->subsystems[s].nqn) {
			fprintf(file, "%s\"%s\"", separator, exports->subsystems[s].nqn);
			separator = ", ";
		}
	fprintf(file, "]}");
}

void harness_write(struct harness *harness, const char *name, const struct harness_exports *exports)
{
	FILE *file = fopen(harness_path(harness, name), "we");
	const char *separator = "";

	ck_assert_ptr_nonnull(file);
	fprintf(file, "{\n");
	if (exports->discovery)
		fprintf(file, "  \"discovery\": {%s},\n", exports->discovery);
	if (exports->limits)
		fprintf(file, "  \"limits\": {%s},\n", exports->limits);
	write_hosts(file, exports);
	fprintf(file, "  \"ports\": [");
	for (unsigned p = 0; p < HARNESS_PORTS; p++)
		if (exports->ports[p].traddr)
			write_port(file, exports, p);
	fprintf(file, "],\n  \"subsystems\": [");
	for (unsigned s = 0; s < HARNESS_SUBSYSTEMS; s++)
		if (exports->subsystems[s].nqn) {
			write_subsystem(file, harness, &exports->subsystems[s], separator);
			separator = ",";
		}
	fprintf(file, "]\n}\n");
	ck_assert_int_eq(fclose(file), 0);
}

void harness_restore(struct harness *harness, const struct harness_exports *exports)
{
	char text[4096];
	char path[128];

	harness_write(harness, "restore.json", exports);
	snprintf(path, sizeof(path), "%s", harness_path(harness, "restore.json"));
	if (harness_ctl(harness, text, sizeof(text), "restore", path, NULL) != 0)
		ck_abort_msg("nvmetctl restore failed: %s", text);
	harness->exports = *exports;
}
