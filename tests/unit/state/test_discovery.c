/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host is told by discovery: which ports pass the filter, where they are, and for whom. */
#include <stdlib.h>
#include <string.h>

#include "services/state/change.h"
#include "services/state/discovery.h"
#include "services/state/discovery_log.h"
#include "tests/unit/state/stage.h"

#define UNIQUE "nqn.2001-01.com.example:discovery"

/* Ports 1 and 2 as of the stage, and: 3 over RDMA on the same address, 4 on a wildcard of IPv6, 5
 * for discovery alone, 6 of nothing. */
static const char ports[] =
	"  {\"portid\": 3, \"addr\": {\"traddr\": \"192.0.2.9\", \"trsvcid\": \"4420\","
	"   \"trtype\": \"rdma\"}, \"subsystems\": [\"" STAGE_PRIVATE "\"]},\n"
	"  {\"portid\": 4, \"addr\": {\"traddr\": \"::\", \"trsvcid\": \"4420\","
	"   \"trtype\": \"tcp\"}, \"subsystems\": [\"" STAGE_SUBSYSTEM "\"]},\n"
	"  {\"portid\": 5, \"addr\": {\"traddr\": \"127.0.0.1\", \"trsvcid\": \"8009\","
	"   \"trtype\": \"tcp\"}, \"discovery\": 1},\n"
	"  {\"portid\": 6, \"addr\": {\"traddr\": \"127.0.0.1\", \"trsvcid\": \"8010\","
	"   \"trtype\": \"tcp\"}},\n";

/* What hosts were told: the numbers of the ports of subsystems, and of referrals. */
static char told[200];
static unsigned n_services;
static uint16_t service_flags;

static void note(void *context, const struct discovery_record *record)
{
	size_t length = strlen(told);

	(void)context;
	n_services += record->subtype == NVME_SUBTYPE_CURRENT;
	if (record->subtype == NVME_SUBTYPE_CURRENT)
		service_flags = record->eflags;
	else
		snprintf(told + length,
		         sizeof(told) - length,
		         "%s%s%u%s%s",
		         length ? " " : "",
		         record->subtype == NVME_SUBTYPE_REFERRAL ? "referral " : "",
		         record->port_id,
		         record->port_id == 2 || record->port_id == 4 ? "@" : "",
		         record->port_id == 2 || record->port_id == 4 ? record->traddr : "");
}

static void ask(uint8_t specific)
{
	const struct discovery_question question = {
		.config = &stage.state.target.config,
		.session = stage.session,
		.specific = specific,
	};

	told[0] = '\0';
	n_services = 0;
	discovery_each(&question, note, NULL);
}

static char *with_group(const char *text, const char *group)
{
	char *begin, *edited;

	ck_assert_int_gt(asprintf(&begin, "{\"discovery\": {%s},\n", group), 0);
	edited = stage_edit(text, "{\n", begin);
	free(begin);
	return edited;
}

/* The configuration with the ports above, and this in the group "discovery". */
static char *text_with(const char *group)
{
	char *more = stage_edit(stage_config, " \"ports\": [\n", " \"ports\": [\n@"), *text, *all;

	text = stage_edit(more, "@", ports);
	all = with_group(text, group);
	free(more);
	free(text);
	return all;
}

static void restore_with(const char *group)
{
	char *text = text_with(group);

	stage_restore(text);
	free(text);
}

static void given_many_ports(void)
{
	stage_open();
	restore_with("");
}

static void expect_told(const char *filter, const char *wanted)
{
	char group[64];

	snprintf(group, sizeof(group), "\"filter\": \"%s\"", filter);
	restore_with(group);
	ask(0);
	ck_assert_str_eq(told, wanted);
}

/* ------------------------------------------------------------------ the filter */

START_TEST(is_told_of_the_port_alone)
{
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	ask(0);
	ck_assert_str_eq(told, "1 1");
	ck_assert_uint_eq(n_services, 1);
	ck_assert_uint_eq(service_flags, NVME_EFLAGS_EPCSD);
}
END_TEST

/* The wildcard of IPv4 with the address that it came in on, that of IPv6 not at all. */
START_TEST(is_told_of_all_that_it_can_reach)
{
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	expect_told("all", "1 1 3 2@192.0.2.9 referral 7");
	ck_assert_uint_eq(n_services, 4);
}
END_TEST

START_TEST(is_told_of_a_wildcard_of_its_family)
{
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	strcpy(stage.session->local_address, "2001:db8::9");
	expect_told("all", "1 1 3 4@2001:db8::9");
}
END_TEST

START_TEST(is_told_of_what_has_its_transport)
{
	stage_connect(STAGE_HOST, 3, NVME_DISCOVERY_NQN);
	expect_told("transport", "3");
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	expect_told("transport", "1 1 2@192.0.2.9 referral 7");
}
END_TEST

START_TEST(is_told_of_what_has_its_address)
{
	stage_connect(STAGE_HOST, 3, NVME_DISCOVERY_NQN);
	expect_told("address", "3 2@192.0.2.9 referral 7");
	expect_told("transport,address", "3");
}
END_TEST

START_TEST(is_told_of_what_has_its_service)
{
	stage_connect(STAGE_HOST, 3, NVME_DISCOVERY_NQN);
	expect_told("svcid", "3 1 1");
}
END_TEST

START_TEST(is_told_by_a_port_for_discovery_of_the_others)
{
	stage_connect(STAGE_OTHER, 5, NVME_DISCOVERY_NQN);
	expect_told("all", "1 2@192.0.2.9 referral 7");
	expect_told("port", "");
	ck_assert_uint_eq(n_services, 1);
}
END_TEST

START_TEST(is_told_of_its_port_alone_where_it_asks_for_that)
{
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	restore_with("\"filter\": \"all\"");
	ask(NVME_LOG_DISCOVERY_PLEO);
	ck_assert_str_eq(told, "1 1");
}
END_TEST

/* Not with a wildcard: the address that a host comes in on is in what it is told. */
START_TEST(is_told_that_others_say_the_same_where_it_is_so)
{
	stage_connect(STAGE_HOST, 3, NVME_DISCOVERY_NQN);
	expect_told("transport", "3");
	ck_assert_uint_eq(service_flags, NVME_EFLAGS_EPCSD | NVME_EFLAGS_DUPRETINFO);
	expect_told("all", "3 1 1 2@192.0.2.9 referral 7");
	ck_assert_uint_eq(service_flags, NVME_EFLAGS_EPCSD);
	expect_told("transport", "3");
	ask(NVME_LOG_DISCOVERY_PLEO);
	ck_assert_uint_eq(service_flags, NVME_EFLAGS_EPCSD);
}
END_TEST

/* ------------------------------------------------------------------ for whom */

START_TEST(is_not_told_of_what_is_not_for_it_even_if_it_asks)
{
	stage_connect(STAGE_OTHER, 1, NVME_DISCOVERY_NQN);
	ask(NVME_LOG_DISCOVERY_ALLSUBE);
	ck_assert_str_eq(told, "1");
	ck_assert_uint_eq(discovery_options(&stage.state.target.config, stage.session),
	                  NVME_LOG_DISCOVERY_EXTDLPE | NVME_LOG_DISCOVERY_PLEO);
}
END_TEST

START_TEST(is_told_of_everything_if_it_is_an_observer_that_asks)
{
	char *many = text_with(""), *text;

	stage_connect(STAGE_OTHER, 1, NVME_DISCOVERY_NQN);
	text = stage_edit(many,
	                  "{\"nqn\": \"" STAGE_OTHER "\"",
	                  "{\"nqn\": \"" STAGE_OTHER "\", \"observer\": 1");
	stage_restore(text);
	free(text);
	free(many);
	ask(0);
	ck_assert_str_eq(told, "1");
	ask(NVME_LOG_DISCOVERY_ALLSUBE);
	ck_assert_str_eq(told, "1 1 3 2@192.0.2.9 referral 7");
	ask(NVME_LOG_DISCOVERY_ALLSUBE | NVME_LOG_DISCOVERY_PLEO);
	ck_assert_str_eq(told, "1 1");
}
END_TEST

static void restore_referral(const char *words)
{
	char *text = stage_edit(stage_config, "\"name\": \"peer\", \"enable\": 1", words);

	stage_restore(text);
	free(text);
}

START_TEST(is_told_of_referrals_that_are_for_it)
{
	stage_connect(STAGE_HOST, 2, NVME_DISCOVERY_NQN);
	restore_referral("\"name\": \"peer\", \"enable\": 1, \"allowed_hosts\": [\"" STAGE_OTHER
	                 "\"]");
	ask(0);
	ck_assert_str_eq(told, "2@192.0.2.9");
	stage_connect(STAGE_OTHER, 2, NVME_DISCOVERY_NQN);
	ask(0);
	ck_assert_str_eq(told, "2@192.0.2.9 referral 7");
	restore_referral("\"name\": \"peer\", \"enable\": 0");
	ask(0);
	ck_assert_str_eq(told, "2@192.0.2.9");
}
END_TEST

/* ------------------------------------------------------------------ the log */

static uint8_t whole[16384];

static size_t read_whole(uint8_t specific)
{
	const struct discovery_question question = {
		.config = &stage.state.target.config,
		.session = stage.session,
		.specific = specific,
	};
	const struct discovery_extent extent = discovery_log_measure(&question);

	ck_assert_uint_le(extent.bytes, sizeof(whole));
	memset(whole, 0xee, sizeof(whole));
	discovery_log_read(&question, &extent, 42, 0, whole, sizeof(whole));
	ck_assert_uint_eq(le64_get(((struct nvme_log_discovery *)whole)->numrec), extent.records);
	return (size_t)extent.bytes;
}

START_TEST(is_the_same_in_pieces_of_any_size)
{
	static const size_t sizes[] = {4, 12, 1024, 1036, 4096, 5000};
	const struct discovery_question question = {
		.config = &stage.state.target.config,
		.session = stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN),
		.specific = NVME_LOG_DISCOVERY_EXTDLPE,
	};
	struct discovery_extent extent;
	uint8_t piece[5000];
	size_t bytes;

	restore_with("\"filter\": \"all\"");
	bytes = read_whole(NVME_LOG_DISCOVERY_EXTDLPE);
	extent = discovery_log_measure(&question);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t at = 0; at < bytes; at += sizes[i]) {
			discovery_log_read(&question, &extent, 42, at, piece, sizes[i]);
			ck_assert_mem_eq(piece, whole + at, sizes[i]);
		}
}
END_TEST

START_TEST(ends_in_zeroes)
{
	size_t bytes;

	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	bytes = read_whole(0);
	ck_assert_uint_eq(bytes, 4096);
	for (size_t i = bytes; i < sizeof(whole); i++)
		if (whole[i])
			ck_abort_msg("byte %zu is %02x", i, whole[i]);
}
END_TEST

START_TEST(has_plain_entries_unless_asked)
{
	const struct nvme_log_discovery *head = (const struct nvme_log_discovery *)whole;

	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	read_whole(0);
	ck_assert_uint_eq(le64_get(head->genctr), 42);
	ck_assert_uint_eq(le16_get(head->recfmt), 0);
	ck_assert_uint_eq(head->dlpf, 0);
	ck_assert_uint_eq(le32_get(head->tdlpl), 0);
}
END_TEST

/* The attribute of the entry at *at, padded; moves on to the next entry. */
static const uint8_t *next_label(size_t *at, unsigned *ret_type, unsigned *ret_length)
{
	const uint8_t *tail = whole + *at + 1024;
	struct nvme_discovery_tail head;
	struct nvme_extended_attribute attribute;

	memcpy(&head, tail, sizeof(head));
	*at += le32_get(head.tel);
	*ret_type = *ret_length = 0;
	if (le16_get(head.numexat) == 0) {
		ck_assert_uint_eq(le32_get(head.tel), 1032);
		return NULL;
	}
	ck_assert_uint_eq(le16_get(head.numexat), 1);
	memcpy(&attribute, tail + sizeof(head), sizeof(attribute));
	*ret_type = le16_get(attribute.exattype);
	*ret_length = le16_get(attribute.exatlen);
	ck_assert_uint_eq(le32_get(head.tel), 1032 + 4 + *ret_length);
	return tail + sizeof(head) + sizeof(attribute);
}

START_TEST(has_labels_in_extended_entries)
{
	char *plain = stage_edit(stage_config,
	                         "{\"nqn\": \"" STAGE_SUBSYSTEM "\"",
	                         "{\"nqn\": \"" STAGE_SUBSYSTEM "\", \"admin_label\": \"rack 7\"");
	char *both = stage_edit(plain,
	                        "{\"nqn\": \"" STAGE_PRIVATE "\"",
	                        "{\"nqn\": \"" STAGE_PRIVATE "\", \"admin_label\": \"Büro\"");
	const struct nvme_log_discovery *head = (const struct nvme_log_discovery *)whole;
	unsigned type, length;
	size_t at = 1024, bytes;

	stage_restore(both);
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	bytes = read_whole(NVME_LOG_DISCOVERY_EXTDLPE);
	ck_assert_uint_eq(head->dlpf, NVME_LOG_DISCOVERY_EXTDLPE);
	ck_assert_uint_eq(le32_get(head->tdlpl), bytes);
	ck_assert_ptr_null(next_label(&at, &type, &length));
	ck_assert_mem_eq(next_label(&at, &type, &length), "rack 7  ", 8);
	ck_assert_uint_eq(type, NVME_EXATTYPE_ADMIN_LABEL);
	ck_assert_uint_eq(length, 8);
	ck_assert_mem_eq(next_label(&at, &type, &length), "B\xc3\xbcro\0\0\0", 8);
	ck_assert_uint_eq(type, NVME_EXATTYPE_ADMIN_LABEL_UTF8);
	ck_assert_uint_eq(at, bytes);
	free(plain);
	free(both);
}
END_TEST

static const struct nvme_discovery_entry *record(unsigned index)
{
	return (const struct nvme_discovery_entry *)(whole + 1024) + index;
}

START_TEST(has_referrals_as_they_are_given)
{
	char *name = stage_edit(
		stage_config, "\"name\": \"peer\"", "\"name\": \"peer\", \"nqn\": \"" UNIQUE "\"");
	char *text = stage_edit(
		name, "\"8009\", ", "\"8009\", \"treq\": \"required\", \"tsas\": \"tls1.3\", ");

	stage_restore(text);
	stage_connect(STAGE_HOST, 2, NVME_DISCOVERY_NQN);
	read_whole(0);
	ck_assert_uint_eq(record(2)->subtype, NVME_SUBTYPE_REFERRAL);
	ck_assert_str_eq(record(2)->subnqn, UNIQUE);
	ck_assert_uint_eq(record(2)->treq, NVME_TREQ_REQUIRED);
	ck_assert_uint_eq(record(2)->tsas[0], NVME_TCP_SECTYPE_TLS13);
	ck_assert_uint_eq(le16_get(record(2)->eflags), 0);
	free(name);
	free(text);
}
END_TEST

START_TEST(has_the_unique_name_in_the_entry_of_the_service)
{
	restore_with("\"nqn\": \"" UNIQUE "\"");
	stage_connect(STAGE_HOST, 1, UNIQUE);
	read_whole(0);
	ck_assert_str_eq(record(0)->subnqn, UNIQUE);
	ck_assert_uint_eq(record(0)->subtype, NVME_SUBTYPE_CURRENT);
}
END_TEST

START_TEST(has_no_link_of_this_machine_in_an_address)
{
	char *text = stage_edit(stage_config,
	                        "\"adrfam\": \"ipv4\", \"traddr\": \"127.0.0.1\"",
	                        "\"adrfam\": \"ipv6\", \"traddr\": \"fe80::1%lo\"");

	stage_restore(text);
	free(text);
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	read_whole(0);
	ck_assert_mem_eq(record(1)->traddr, "fe80::1    ", 11);
}
END_TEST

/* ------------------------------------------------------------------ its counter */

static uint64_t counter(void)
{
	return stage.state.target.discovery_counter;
}

static void expect_counts(const char *part, const char *other, bool counts)
{
	uint64_t before;
	char *text = stage_edit(stage_config, part, other);

	stage_restore(stage_config);
	before = counter();
	stage_restore(text);
	ck_assert_msg(counter() == before + counts,
	              "%s to %s: from %llu to %llu",
	              part,
	              other,
	              (unsigned long long)before,
	              (unsigned long long)counter());
	free(text);
}

START_TEST(counts_what_a_host_could_see)
{
	expect_counts("\"4420\"", "\"4429\"", true);
	expect_counts("\"127.0.0.1\"", "\"127.0.0.2\"", true);
	expect_counts(", \"" STAGE_PRIVATE "\"]},", "]},", true);
	expect_counts("\"allowed_hosts\": [\"" STAGE_HOST "\"]", "\"allowed_hosts\": []", true);
	expect_counts("\"allow_any_host\": \"1\"", "\"allow_any_host\": \"0\"", true);
	expect_counts("\"peer\", \"enable\": 1", "\"peer\", \"enable\": 0", true);
	expect_counts("\"8009\"", "\"8010\"", true);
	expect_counts("\"peer\", ", "\"peer\", \"allowed_hosts\": [\"nqn.a\"], ", true);
	expect_counts("\"portid\": \"7\"", "\"portid\": \"8\"", true);
	expect_counts(
		"{\n \"hosts\"", "{\"discovery\": {\"nqn\": \"" UNIQUE "\"},\n \"hosts\"", true);
	expect_counts("{\n \"hosts\"", "{\"discovery\": {\"filter\": \"all\"},\n \"hosts\"", true);
	expect_counts("{\"nqn\": \"" STAGE_OTHER "\"",
	              "{\"nqn\": \"" STAGE_OTHER "\", \"observer\": 1",
	              true);
	expect_counts("\"portid\": 1,", "\"portid\": 1, \"admin_label\": \"x\",", true);
}
END_TEST

START_TEST(does_not_count_what_no_host_sees_there)
{
	expect_counts("\"a model\"", "\"another model\"", false);
	expect_counts("{\"nsid\": 2, \"enable\": 1", "{\"nsid\": 2, \"enable\": 0", false);
	expect_counts("\"non-optimized\"", "\"inaccessible\"", false);
	expect_counts("\"max_queue_size\": \"64\"", "\"max_queue_size\": \"65\"", false);
	expect_counts("\"peer\"", "\"friend\"", false);
}
END_TEST

START_TEST(keeps_its_counter_over_a_restart)
{
	uint64_t before;

	restore_with("\"filter\": \"all\", \"nqn\": \"" UNIQUE "\"");
	before = counter();
	stage_reopen();
	ck_assert_uint_eq(counter(), before);
	ck_assert_uint_eq(stage.state.target.config.discovery_filter, 0);
	ck_assert_str_eq(stage.state.target.config.discovery_nqn, UNIQUE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("discovery");

	describe(suite,
	         "a host",
	         given_many_ports,
	         stage_close,
	         is_told_of_the_port_alone,
	         is_told_of_all_that_it_can_reach,
	         is_told_of_a_wildcard_of_its_family,
	         is_told_of_what_has_its_transport,
	         is_told_of_what_has_its_address,
	         is_told_of_what_has_its_service,
	         is_told_by_a_port_for_discovery_of_the_others,
	         is_told_of_its_port_alone_where_it_asks_for_that,
	         is_told_that_others_say_the_same_where_it_is_so,
	         is_not_told_of_what_is_not_for_it_even_if_it_asks,
	         is_told_of_everything_if_it_is_an_observer_that_asks,
	         is_told_of_referrals_that_are_for_it);
	describe(suite,
	         "the log",
	         given_many_ports,
	         stage_close,
	         is_the_same_in_pieces_of_any_size,
	         ends_in_zeroes,
	         has_plain_entries_unless_asked,
	         has_labels_in_extended_entries,
	         has_referrals_as_they_are_given,
	         has_the_unique_name_in_the_entry_of_the_service,
	         has_no_link_of_this_machine_in_an_address,
	         counts_what_a_host_could_see,
	         does_not_count_what_no_host_sees_there,
	         keeps_its_counter_over_a_restart);
	return run(suite);
}
