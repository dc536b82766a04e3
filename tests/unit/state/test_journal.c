/* SPDX-License-Identifier: BSD-2-Clause */
/* The Persistent Event log: what is recorded, and how it is read. */
#include <errno.h>
#include <string.h>

#include "services/state/journal.h"
#include "services/state/reconcile.h"
#include "tests/unit/state/stage.h"

enum { READ = 0, ESTABLISH = 1, RELEASE = 2, ESTABLISH_HEADER = 3 };

#define HEADER sizeof(struct nvme_event_log)

static struct subsystem *subsystem(void)
{
	return target_find_subsystem_named(&stage.state.target, STAGE_SUBSYSTEM);
}

/* What else has happened so far is forgotten. */
static void given_a_controller(void)
{
	stage_open();
	stage_ready();
	journal_free(subsystem());
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

static struct nvme_status get_at_once(uint32_t action, uint32_t bytes, uint32_t offset)
{
	stage.command = (struct nvme_command){
		.opcode = NVME_ADMIN_GET_LOG_PAGE,
		.cdw10 = le32_of(NVME_LOG_PERSISTENT_EVENT | action << 8 | (bytes / 4 - 1) << 16),
		.cdw12 = le32_of(offset),
	};
	return stage_execute();
}

/* With what reconcile() does after anything that is recorded. */
static struct nvme_status get(uint32_t action, uint32_t bytes, uint32_t offset)
{
	ck_assert_int_eq(state_save(&stage.state), 0);
	return get_at_once(action, bytes, offset);
}

static const struct nvme_event_log *header(uint32_t action)
{
	expect_status(get(action, 4096, 0), 0);
	return (const struct nvme_event_log *)stage.reply.data;
}

static struct nvme_event_head head_at(size_t offset)
{
	struct nvme_event_head head;

	memcpy(&head, stage.reply.data + offset, sizeof(head));
	return head;
}

/* Events that can be told apart. */
static void record(uint32_t number)
{
	const struct nvme_event_namespace event = {.nsid = le32_of(number)};

	journal_record(subsystem(), NVME_EVENT_NAMESPACE, stage.session, &event, sizeof(event));
}

static uint32_t number_at(unsigned index)
{
	struct nvme_event_namespace event;
	size_t offset = HEADER + index * (sizeof(struct nvme_event_head) + sizeof(event));

	memcpy(&event, stage.reply.data + offset + sizeof(struct nvme_event_head), sizeof(event));
	return le32_get(event.nsid);
}

/* ------------------------------------------------------------------ context */

START_TEST(is_read_in_a_context)
{
	expect_status(get(READ, 512, 0), DNR(0x00c));
	expect_status(get(ESTABLISH, 512, 0), 0);
	ck_assert(stage.reply.session_changed);
	expect_status(get(READ, 512, 0), 0);
}
END_TEST

START_TEST(has_one_context_at_a_time)
{
	expect_status(get(ESTABLISH, 512, 0), 0);
	expect_status(get(ESTABLISH, 512, 0), DNR(0x00c));
	expect_status(get(RELEASE, 512, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 512);
	ck_assert(stage.reply.session_changed);
	expect_status(get(READ, 512, 0), DNR(0x00c));
	expect_status(get(RELEASE, 512, 0), 0);
	expect_status(get(ESTABLISH, 512, 0), 0);
}
END_TEST

START_TEST(has_no_context_with_a_header_alone)
{
	expect_status(get(ESTABLISH_HEADER, 512, 0), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 41 + 1);
}
END_TEST

START_TEST(has_no_context_after_a_reset)
{
	expect_status(get(ESTABLISH, 512, 0), 0);
	session_reset(stage.session);
	expect_status(get(READ, 512, 0), DNR(0x00c));
}
END_TEST

START_TEST(establishes_no_context_where_it_refuses)
{
	expect_status(get(ESTABLISH, 512, 8192), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 48 + 1);
	expect_status(get(READ, 512, 0), DNR(0x00c));
}
END_TEST

START_TEST(stays_as_it_is_while_it_is_read)
{
	record(1);
	ck_assert_uint_eq(le32_get(header(ESTABLISH)->tnev), 1);
	record(2);
	ck_assert_uint_eq(le32_get(header(READ)->tnev), 1);
	ck_assert_uint_eq(number_at(0), 1);
	get(RELEASE, 512, 0);
	ck_assert_uint_eq(le32_get(header(ESTABLISH)->tnev), 2);
}
END_TEST

START_TEST(has_no_context_whose_events_have_gone)
{
	record(1);
	expect_status(get(ESTABLISH, 512, 0), 0);
	for (uint32_t i = 0; i < JOURNAL_ENTRIES; i++)
		record(2);
	expect_status(get(READ, 512, 0), DNR(0x00c));
	expect_status(get(ESTABLISH, 512, 0), 0);
}
END_TEST

/* ------------------------------------------------------------------ content */

START_TEST(says_whose_it_is)
{
	const struct nvme_event_log *log = header(ESTABLISH);

	ck_assert_uint_eq(log->lid, 0x0d);
	ck_assert_uint_eq(le32_get(log->tnev), 0);
	ck_assert_uint_eq(le64_get(log->tll), 512);
	ck_assert_uint_eq(log->rv, 3);
	ck_assert_uint_eq(le16_get(log->lhl), 492);
	ck_assert_uint_ne(le64_get(log->timestamp), 0);
	ck_assert_mem_eq(log->sn, "S1                  ", 20);
	ck_assert_mem_eq(log->mn, "a model  ", 9);
	ck_assert_str_eq((const char *)log->subnqn, STAGE_SUBSYSTEM);
	ck_assert_uint_eq(le16_get(log->generation), 1);
	ck_assert_uint_eq(le32_get(log->rci), 1u << 16 | 1);
	ck_assert_uint_eq(log->supported[0], 1u << 1 | 1u << 4 | 1u << 6);
	ck_assert_uint_eq(log->supported[1], 1u << 3);
	ck_assert_uint_eq(le32_get(header(READ)->rci), 1u << 18 | 1u << 16 | 1);
}
END_TEST

START_TEST(counts_its_contexts)
{
	expect_status(get(ESTABLISH, 512, 0), 0);
	get(RELEASE, 512, 0);
	ck_assert_uint_eq(le16_get(header(ESTABLISH)->generation), 2);
}
END_TEST

START_TEST(has_the_newest_event_first)
{
	const struct nvme_event_log *log;

	for (uint32_t i = 1; i <= 3; i++)
		record(i);
	log = header(ESTABLISH);
	ck_assert_uint_eq(le32_get(log->tnev), 3);
	ck_assert_uint_eq(le64_get(log->tll), 512 + 3 * (24 + 48));
	ck_assert_uint_eq(number_at(0), 3);
	ck_assert_uint_eq(number_at(2), 1);
}
END_TEST

START_TEST(says_of_an_event_what_when_and_where)
{
	struct nvme_event_head head;

	record(1);
	header(ESTABLISH);
	head = head_at(HEADER);
	ck_assert_uint_eq(head.type, 6);
	ck_assert_uint_eq(head.revision, 1);
	ck_assert_uint_eq(head.ehl, 21);
	ck_assert_uint_eq(head.ehai, 1);
	ck_assert_uint_eq(le16_get(head.cntlid), stage.session->cntlid);
	ck_assert_uint_ne(le64_get(head.timestamp), 0);
	ck_assert_uint_eq(le16_get(head.portid), 1);
	ck_assert_uint_eq(le16_get(head.vsil), 0);
	ck_assert_uint_eq(le16_get(head.el), 48);
}
END_TEST

START_TEST(keeps_the_last_256_events)
{
	for (uint32_t i = 1; i <= 300; i++)
		record(i);
	expect_status(get(ESTABLISH, 65536, 0), 0);
	ck_assert_uint_eq(le32_get(((const struct nvme_event_log *)stage.reply.data)->tnev), 256);
	ck_assert_uint_eq(number_at(0), 300);
	ck_assert_uint_eq(number_at(255), 45);
}
END_TEST

START_TEST(can_be_read_in_parts)
{
	uint8_t whole[1024];

	for (uint32_t i = 1; i <= 10; i++)
		record(i);
	expect_status(get(ESTABLISH, sizeof(whole), 0), 0);
	memcpy(whole, stage.reply.data, sizeof(whole));
	expect_status(get(READ, 256, 600), 0);
	ck_assert_mem_eq(stage.reply.data, whole + 600, 256);
	expect_status(get(READ, 64, 512 + 10 * 72), 0);
	expect_status(get(READ, 64, 512 + 10 * 72 + 4), DNR(0x002));
}
END_TEST

/* ------------------------------------------------------------------ what is recorded */

static void expect_last(uint8_t type, unsigned length)
{
	struct nvme_event_head head;

	get(RELEASE, 4, 0);
	ck_assert_uint_ge(le32_get(header(ESTABLISH)->tnev), 1);
	head = head_at(HEADER);
	ck_assert_uint_eq(head.type, type);
	ck_assert_uint_eq(le16_get(head.el), length);
}

START_TEST(has_write_protection)
{
	struct nvme_event_set_feature event;

	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 0x84, 1), 0);
	expect_last(0x0b, 28);
	memcpy(&event, stage.reply.data + HEADER + 24, sizeof(event));
	ck_assert_uint_eq(le32_get(event.layout), 6);
	ck_assert_uint_eq(le32_get(event.cdw[0]), 0x84);
	ck_assert_uint_eq(le32_get(event.cdw[1]), 1);
}
END_TEST

static struct nvme_event_namespace last_namespace(void)
{
	struct nvme_event_namespace event;

	expect_last(0x06, 48);
	memcpy(&event, stage.reply.data + HEADER + 24, sizeof(event));
	return event;
}

START_TEST(has_namespaces_that_come_or_go)
{
	char *without = stage_edit(
		stage_config, "\"nsid\": 2, \"enable\": 1", "\"nsid\": 2, \"enable\": 0");

	stage_restore(without);
	free(without);
	ck_assert_uint_eq(le32_get(last_namespace().nsid), 2);
	ck_assert_uint_eq(le32_get(last_namespace().cdw10), 1);
	ck_assert_uint_eq(le64_get(last_namespace().nsze), 1000);
	stage_restore(stage_config);
	stage_ready();
	ck_assert_uint_eq(le32_get(last_namespace().nsid), 2);
	ck_assert_uint_eq(le32_get(last_namespace().cdw10), 0);
}
END_TEST

START_TEST(has_namespaces_that_are_found)
{
	((struct backing *)stage_namespace(STAGE_SUBSYSTEM, 1)->backing)->known = false;
	stage_ready();
	ck_assert_uint_eq(le32_get(last_namespace().nsid), 1);
	ck_assert_uint_eq(le32_get(last_namespace().cdw10), 0);
}
END_TEST

START_TEST(has_the_beginning_of_it_all)
{
	journal_power_on(&stage.state.target);
	expect_last(0x04, 8);
	ck_assert_mem_eq(stage.reply.data + HEADER + 24, NVMETD_VERSION "   ", 8);
	ck_assert_uint_eq(le64_get(((const struct nvme_event_log *)stage.reply.data)->power_cycles),
	                  1);
}
END_TEST

START_TEST(has_the_health_of_a_device)
{
	struct backing *backing = (struct backing *)stage_namespace(STAGE_SUBSYSTEM, 1)->backing;

	backing->health = (struct log_health){.critical_warning = 4, .spare = 7};
	journal_health(&stage.state.target, backing);
	expect_last(0x01, 512);
	ck_assert_uint_eq(stage.reply.data[HEADER + 24], 4);
	ck_assert_uint_eq(stage.reply.data[HEADER + 24 + 3], 7);
}
END_TEST

/* ------------------------------------------------------------------ database */

static void read_all(void)
{
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	expect_status(get(ESTABLISH, 65536, 0), 0);
}

START_TEST(outlives_the_state_service)
{
	uint64_t next = subsystem()->journal_next;

	for (uint32_t i = 1; i <= 300; i++)
		record(i);
	journal_power_on(&stage.state.target);
	ck_assert_int_eq(state_save(&stage.state), 0);
	stage_reopen();
	ck_assert_uint_eq(subsystem()->n_journal, 256);
	ck_assert_uint_eq(subsystem()->journal_next, next + 301);
	ck_assert_uint_eq(subsystem()->power_cycles, 1);
	read_all();
	ck_assert_uint_eq(head_at(HEADER).type, 4);
	record(400);
	ck_assert_int_eq(state_save(&stage.state), 0);
	stage_reopen();
	read_all();
	ck_assert_uint_eq(number_at(0), 400);
}
END_TEST

/* It would be gone with the state service, though a host had seen it. */
START_TEST(has_no_event_that_is_not_saved)
{
	const struct nvme_event_log *log;

	record(1);
	ck_assert_int_eq(state_save(&stage.state), 0);
	record(2);
	journal_power_on(&stage.state.target);
	expect_status(get_at_once(ESTABLISH, 1024, 0), 0);
	log = (const struct nvme_event_log *)stage.reply.data;
	ck_assert_uint_eq(le32_get(log->tnev), 1);
	ck_assert_uint_eq(le64_get(log->power_cycles), 0);
	ck_assert_uint_eq(number_at(0), 1);
	get_at_once(RELEASE, 512, 0);
	ck_assert_uint_eq(le32_get(header(ESTABLISH)->tnev), 3);
}
END_TEST

START_TEST(has_what_was_read_also_after_a_kill)
{
	uint8_t was[512];
	size_t one = sizeof(struct nvme_event_head) + sizeof(struct nvme_event_namespace);

	record(1);
	ck_assert_int_eq(state_save(&stage.state), 0);
	record(2);
	expect_status(get_at_once(ESTABLISH, 1024, 0), 0);
	memcpy(was, stage.reply.data + HEADER, one);
	stage_reopen(); /* which saves nothing */
	read_all();
	ck_assert_mem_eq(stage.reply.data + HEADER, was, one);
}
END_TEST

START_TEST(passes_over_what_is_no_event)
{
	static const char *const texts[] = {
		"", "00", "zz", "0100000000000000", "010000000000000006011501", NULL};

	for (unsigned i = 0; texts[i]; i++)
		ck_assert_int_eq(journal_read(subsystem(), texts[i]), -EINVAL);
	ck_assert_uint_eq(subsystem()->n_journal, 0);
}
END_TEST

START_TEST(comes_back_the_same_from_a_text)
{
	char text[JOURNAL_TEXT_SIZE], again[JOURNAL_TEXT_SIZE];
	const struct journal_entry *entry;

	record(77);
	entry = container_of(subsystem()->journal.next, struct journal_entry, link);
	journal_write(entry, text);
	journal_free(subsystem());
	ck_assert_int_eq(journal_read(subsystem(), text), 0);
	entry = container_of(subsystem()->journal.next, struct journal_entry, link);
	journal_write(entry, again);
	ck_assert_str_eq(again, text);
	text[strlen(text) - 2] = 0; /* a byte less */
	ck_assert_int_eq(journal_read(subsystem(), text), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("the event log");

	describe(suite,
	         "the log",
	         given_a_controller,
	         stage_close,
	         is_read_in_a_context,
	         has_one_context_at_a_time,
	         has_no_context_with_a_header_alone,
	         has_no_context_after_a_reset,
	         establishes_no_context_where_it_refuses,
	         stays_as_it_is_while_it_is_read,
	         has_no_context_whose_events_have_gone,
	         says_whose_it_is,
	         counts_its_contexts,
	         has_the_newest_event_first,
	         says_of_an_event_what_when_and_where,
	         keeps_the_last_256_events,
	         can_be_read_in_parts);
	describe(suite,
	         "the log of a subsystem",
	         given_a_controller,
	         stage_close,
	         has_write_protection,
	         has_namespaces_that_come_or_go,
	         has_namespaces_that_are_found,
	         has_the_beginning_of_it_all,
	         has_the_health_of_a_device);
	describe(suite,
	         "the log in the database",
	         given_a_controller,
	         stage_close,
	         outlives_the_state_service,
	         has_no_event_that_is_not_saved,
	         has_what_was_read_also_after_a_kill,
	         passes_over_what_is_no_event,
	         comes_back_the_same_from_a_text);
	return run(suite);
}
