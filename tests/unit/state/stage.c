/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/state/stage.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "services/state/apply.h"
#include "services/state/connect.h"
#include "services/state/discovery.h"
#include "services/state/protect.h"
#include "services/state/reconcile.h"
#include "services/state/startup.h"

struct stage stage;

const char stage_config[] =
	"{\n"
	" \"hosts\": [{\"nqn\": \"" STAGE_HOST "\"}, {\"nqn\": \"" STAGE_OTHER "\"}],\n"
	" \"ports\": [\n"
	"  {\"portid\": 1, \"addr\": {\"adrfam\": \"ipv4\", \"traddr\": \"127.0.0.1\",\n"
	"   \"trsvcid\": \"4420\", \"trtype\": \"tcp\"},\n"
	"   \"ana_groups\": [{\"grpid\": 2, \"ana\": {\"state\": \"non-optimized\"}}],\n"
	"   \"subsystems\": [\"" STAGE_SUBSYSTEM "\", \"" STAGE_PRIVATE "\"]},\n"
	"  {\"portid\": 2, \"addr\": {\"adrfam\": \"ipv4\", \"traddr\": \"0.0.0.0\",\n"
	"   \"trsvcid\": \"4421\", \"trtype\": \"tcp\"},\n"
	"   \"param\": {\"inline_data_size\": \"8192\", \"max_queue_size\": \"64\"},\n"
	"   \"referrals\": [{\"name\": \"peer\", \"enable\": 1, \"addr\": {\"adrfam\": \"ipv6\",\n"
	"    \"traddr\": \"2001:db8::1\", \"trsvcid\": \"8009\", \"trtype\": \"tcp\", \"portid\": "
	"\"7\"}}],\n"
	"   \"subsystems\": [\"" STAGE_SUBSYSTEM "\"]}],\n"
	" \"subsystems\": [\n"
	"  {\"nqn\": \"" STAGE_SUBSYSTEM "\",\n"
	"   \"attr\": {\"allow_any_host\": \"1\", \"serial\": \"S1\", \"model\": \"a model\",\n"
	"    \"qid_max\": \"8\", \"cntlid_min\": \"10\", \"cntlid_max\": \"12\"},\n"
	"   \"namespaces\": [\n"
	"    {\"nsid\": 2, \"enable\": 1, \"ana_grpid\": 2, \"device\": {\"path\": \"null:8M\",\n"
	"     \"block_size\": 4096, \"nguid\": \"ef90689c-6c46-d44c-89c1-4067801309a8\"}},\n"
	"    {\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"ram:1M\",\n"
	"     \"uuid\": \"6f0c2c52-3f7e-4b3a-9a44-000000000001\"}},\n"
	"    {\"nsid\": 7, \"enable\": 0, \"device\": {\"path\": \"ram:1M\"}}]},\n"
	"  {\"nqn\": \"" STAGE_PRIVATE "\", \"allowed_hosts\": [\"" STAGE_HOST "\"],\n"
	"   \"namespaces\": [{\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"ram:1M\"}}]}]\n"
	"}\n";

static void start(void)
{
	const struct loop_options options = {0};

	ck_assert_int_eq(loop_new(&stage.loop, &options), 0);
	state_init(&stage.state, stage.loop, stage.directory, 1);
	ck_assert_int_eq(startup(&stage.state, stage.directory, NULL), 0);
	stage.state.open = true;
	stage.traits = traits_of(NULL);
}

static void stop(void)
{
	admin_reply_deinit(&stage.reply);
	state_deinit(&stage.state);
	stage.loop = loop_free(stage.loop);
	stage.session = NULL;
}

void stage_open(void)
{
	log_set_level("err");
	/* In memory, where a sync costs nothing: none of these tests cuts the power. */
	strcpy(stage.directory,
	       access("/dev/shm", W_OK) == 0 ? "/dev/shm/nvmetd-state-XXXXXX"
	                                     : "/tmp/nvmetd-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(stage.directory));
	start();
	stage_restore(stage_config);
}

/* The database, what goes with it, and whatever a test has put there. */
void stage_close(void)
{
	DIR *directory;
	const struct dirent *entry;
	char path[400];

	stop();
	directory = opendir(stage.directory);
	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory))) {
		snprintf(path, sizeof(path), "%s/%s", stage.directory, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(directory);
	rmdir(stage.directory);
}

void stage_reopen(void)
{
	stop();
	start();
}

uint64_t stage_restore(const char *text)
{
	struct report report = {.file = "test", .text = text};
	uint64_t revision = 0;
	int r = apply_text(&stage.state, text, &report, &revision);

	if (r > 0 && report.errors.count > 0)
		ck_abort_msg("%s", report.errors.line[0]);
	ck_assert_int_eq(r, 0);
	report_deinit(&report);
	return revision;
}

char *stage_edit(const char *text, const char *part, const char *other)
{
	const char *at = strstr(text, part);
	char *edited;

	ck_assert_ptr_nonnull(at);
	ck_assert_int_gt(
		asprintf(&edited, "%.*s%s%s", (int)(at - text), text, other, at + strlen(part)), 0);
	return edited;
}

void stage_ready_with(uint64_t blocks)
{
	struct worker *worker = state_add_worker(&stage.state, "io-0");

	list_for_each (at, &stage.state.target.backings) {
		struct backing *backing = container_of(at, struct backing, link);
		Nvmetd__WorkerReport report = NVMETD__WORKER_REPORT__INIT;
		Nvmetd__BackingReport said = NVMETD__BACKING_REPORT__INIT, *list = &said;

		strcpy(backing->worker, worker->name);
		said.handle = backing->handle;
		said.ready = true;
		said.blocks = blocks;
		said.block_shift = backing->block_size == 4096 ? 12 : 9;
		report.namespaces = &list;
		report.n_namespaces = 1;
		reconcile_report(&stage.state, worker, &report);
	}
}

const struct config_namespace *stage_namespace(const char *nqn, uint32_t nsid)
{
	const struct config_subsystem *subsystem = config_find_subsystem(&stage.state.target.config,
	                                                                 nqn);

	for (size_t i = 0; subsystem && i < subsystem->n_namespaces; i++)
		if (subsystem->namespaces[i].nsid == nsid)
			return &subsystem->namespaces[i];
	ck_abort_msg("there is no namespace %u in %s", nsid, nqn);
}

struct session *stage_connect(const char *host_nqn, uint32_t port_id, const char *nqn)
{
	static uint16_t cntlid = 100;
	struct nvme_connect_command command = {.sqsize_0based = le16_of(31)};
	struct nvme_connect_data data = {.hostid = {1}, .cntlid = le16_of(NVME_CNTLID_DYNAMIC)};
	struct connect_request request = {.port_id = port_id, .command = &command, .data = &data};
	struct connect_answer answer;
	struct session *session = session_new();

	strcpy(data.subnqn, nqn);
	strcpy(data.hostnqn, host_nqn);
	answer = connect_check(&stage.state.target, &stage.state.sessions, &request);
	expect_status(answer.status, 0);
	connect_fill(session, &stage.state.target, &request, &answer);
	session->cntlid = cntlid++;
	strcpy(session->local_address, "192.0.2.9");
	session->discovery_sum = discovery_sum(&stage.state.target.config, session);
	list_append(&stage.state.sessions, &session->link);
	stage.session = session;
	return session;
}

struct admin_request stage_request(void)
{
	const struct target *target = &stage.state.target;
	return (struct admin_request){
		.state = &stage.state,
		.target = target,
		.sessions = &stage.state.sessions,
		.session = stage.session,
		.traits = &stage.traits,
		.subsystem = target_find_config(target, stage.session->subsystem),
		.port = config_find_port(&target->config, stage.session->port_id),
		.command = &stage.command,
		.data = stage.data,
		.data_bytes = stage.data_bytes,
		.counts = {.reads = 3,
	                   .writes = 4,
	                   .read_bytes = 512001,
	                   .write_bytes = 512,
	                   .errors = 5},
		.is_tallied = true,
		.error_entries = (const uint8_t *)"an entry of the error log, of which the "
						  "transport sends 64 byte",
		.error_entries_bytes = 64,
	};
}

struct nvme_status stage_execute(void)
{
	const struct admin_request request = stage_request();

	admin_reply_deinit(&stage.reply);
	admin_execute(&request, &stage.reply);
	if (stage.reply.protects)
		protect_execute(&stage.state, &request, &stage.reply);
	return stage.reply.status;
}

struct nvme_status stage_admin(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	stage.command = (struct nvme_command){
		.opcode = opcode,
		.nsid = le32_of(nsid),
		.cdw10 = le32_of(cdw10),
		.cdw11 = le32_of(cdw11),
	};
	return stage_execute();
}
