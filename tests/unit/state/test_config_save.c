/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration that was saved is restored unchanged, whoever saved it. */
#include <string.h>

#include "common/base/log.h"
#include "services/state/config.h"
#include "tests/support/spec.h"

/* As `nvmetcli save` wrote it on a kernel of 2026, keys sorted, two blanks deep. */
static const char of_nvmetcli[] =
	"{\n"
	"  \"discovery\": {\n"
	"    \"nqn\": \"nqn.2014-08.org.nvmexpress.discovery\"\n"
	"  },\n"
	"  \"hosts\": [\n"
	"    {\n"
	"      \"dhchap\": {\n"
	"        \"ctrl_key\": \"\",\n"
	"        \"dhgroup\": \"null\",\n"
	"        \"hash\": \"hmac(sha256)\",\n"
	"        \"key\": \"\"\n"
	"      },\n"
	"      \"nqn\": \"nqn.2014-08.org.nvmexpress:uuid:aaaa\"\n"
	"    }\n"
	"  ],\n"
	"  \"ports\": [\n"
	"    {\n"
	"      \"addr\": {\n"
	"        \"adrfam\": \"ipv4\",\n"
	"        \"traddr\": \"192.168.1.10\",\n"
	"        \"treq\": \"not specified\",\n"
	"        \"trsvcid\": \"4420\",\n"
	"        \"trtype\": \"tcp\",\n"
	"        \"tsas\": \"none\"\n"
	"      },\n"
	"      \"ana_groups\": [\n"
	"        {\n"
	"          \"ana\": {\n"
	"            \"state\": \"optimized\"\n"
	"          },\n"
	"          \"grpid\": 1\n"
	"        }\n"
	"      ],\n"
	"      \"param\": {\n"
	"        \"inline_data_size\": \"16384\",\n"
	"        \"max_queue_size\": \"-1\",\n"
	"        \"mdts\": \"-1\",\n"
	"        \"pi_enable\": \"0\"\n"
	"      },\n"
	"      \"portid\": 1,\n"
	"      \"referrals\": [\n"
	"        {\n"
	"          \"addr\": {\n"
	"            \"adrfam\": \"ipv4\",\n"
	"            \"portid\": \"2\",\n"
	"            \"traddr\": \"192.168.1.11\",\n"
	"            \"treq\": \"not specified\",\n"
	"            \"trsvcid\": \"8009\",\n"
	"            \"trtype\": \"tcp\"\n"
	"          },\n"
	"          \"enable\": 1,\n"
	"          \"name\": \"peer1\"\n"
	"        }\n"
	"      ],\n"
	"      \"subsystems\": [\n"
	"        \"nqn.2024-01.example:sub1\"\n"
	"      ]\n"
	"    }\n"
	"  ],\n"
	"  \"subsystems\": [\n"
	"    {\n"
	"      \"allowed_hosts\": [\n"
	"        \"nqn.2014-08.org.nvmexpress:uuid:aaaa\"\n"
	"      ],\n"
	"      \"attr\": {\n"
	"        \"allow_any_host\": \"0\",\n"
	"        \"cntlid_max\": \"65519\",\n"
	"        \"cntlid_min\": \"1\",\n"
	"        \"firmware\": \"7.3.4\",\n"
	"        \"ieee_oui\": \"0x000000\",\n"
	"        \"model\": \"Linux\",\n"
	"        \"pi_enable\": \"0\",\n"
	"        \"qid_max\": \"128\",\n"
	"        \"serial\": \"123456789abcdef\",\n"
	"        \"subsys_vendor_id\": \"0x0\",\n"
	"        \"vendor_id\": \"0x1af4\",\n"
	"        \"version\": \"2.1\"\n"
	"      },\n"
	"      \"namespaces\": [\n"
	"        {\n"
	"          \"ana\": {\n"
	"            \"grpid\": \"1\"\n"
	"          },\n"
	"          \"ana_grpid\": 1,\n"
	"          \"device\": {\n"
	"            \"nguid\": \"00000000-0000-0000-0000-000000000000\",\n"
	"            \"path\": \"/dev/nvme0n1\",\n"
	"            \"uuid\": \"d592cdf3-3e6b-4d4e-8a5b-0123456789ab\"\n"
	"          },\n"
	"          \"enable\": 1,\n"
	"          \"nsid\": 1,\n"
	"          \"resv\": {\n"
	"            \"enable\": \"0\"\n"
	"          }\n"
	"        }\n"
	"      ],\n"
	"      \"nqn\": \"nqn.2024-01.example:sub1\",\n"
	"      \"passthru\": [\n"
	"        {\n"
	"          \"admin_timeout\": 0,\n"
	"          \"clear_ids\": 0,\n"
	"          \"device\": {\n"
	"            \"path\": \"/dev/nvme0\"\n"
	"          },\n"
	"          \"enable\": 0,\n"
	"          \"io_timeout\": 0\n"
	"        }\n"
	"      ]\n"
	"    }\n"
	"  ]\n"
	"}\n";

/* Taken, and written again. */
static char *again(const char *text)
{
	struct report report = {.file = "f", .text = text};
	struct config config = CONFIG_NULL;
	char *saved;

	if (config_parse(&config, text, strlen(text), &report) != 0)
		ck_abort_msg("%s", report.errors.line[0]);
	ck_assert_uint_eq(report.warnings.count, 0);
	saved = config_text(&config);
	ck_assert_ptr_nonnull(saved);
	config_deinit(&config);
	report_deinit(&report);
	return saved;
}

START_TEST(a_file_of_nvmetcli_comes_back_byte_for_byte)
{
	char *saved = again(of_nvmetcli);

	ck_assert_str_eq(saved, of_nvmetcli);
	free(saved);
}
END_TEST

START_TEST(what_nvmetcli_does_not_have_is_kept)
{
	char *saved = again("{\"subsystems\": [{\"nqn\": \"nqn.a\", \"namespaces\": [{\"nsid\": 1, "
	                    "\"enable\": 1,"
	                    "\"buffered_io\": 1, \"device\": {\"path\": \"/a\", \"block_size\": "
	                    "\"4096\"}}]}]}");
	char *twice = again(saved);

	ck_assert_ptr_nonnull(strstr(saved, "\"block_size\": \"4096\""));
	ck_assert_ptr_nonnull(strstr(saved, "\"buffered_io\": \"1\""));
	ck_assert_str_eq(saved, twice);
	free(saved);
	free(twice);
}
END_TEST

START_TEST(an_io_grant_is_kept)
{
	char *saved = again("{\"subsystems\": [{\"nqn\": \"nqn.a\", \"namespaces\": [{\"nsid\": 1, "
	                    "\"enable\": 1,"
	                    "\"device\": {\"path\": \"ram:1M\", \"io_grant\": 1}}]}]}");
	char *twice = again(saved);

	ck_assert_ptr_nonnull(strstr(saved, "\"io_grant\": \"1\""));
	ck_assert_str_eq(saved, twice);
	free(saved);
	free(twice);
}
END_TEST

START_TEST(a_short_file_is_saved_in_full_and_then_the_same)
{
	char *saved = again(
		"{\"ports\": [{\"portid\": 3}], \"subsystems\": [{\"nqn\": \"nqn.a\"}]}");
	char *twice = again(saved);

	ck_assert_str_eq(saved, twice);
	free(saved);
	free(twice);
}
END_TEST

START_TEST(a_version_with_three_parts_comes_back)
{
	char *saved = again(
		"{\"subsystems\": [{\"nqn\": \"nqn.a\", \"attr\": {\"version\": \"1.2.1\"}}]}");

	ck_assert_ptr_nonnull(strstr(saved, "\"version\": \"1.2.1\""));
	free(saved);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_save");

	log_set_level("err");
	describe(suite,
	         "a saved configuration",
	         NULL,
	         NULL,
	         a_file_of_nvmetcli_comes_back_byte_for_byte,
	         what_nvmetcli_does_not_have_is_kept,
	         an_io_grant_is_kept,
	         a_short_file_is_saved_in_full_and_then_the_same,
	         a_version_with_three_parts_comes_back);
	return run(suite);
}
