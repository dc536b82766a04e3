/* SPDX-License-Identifier: BSD-2-Clause */
/* Protection information is shown where namespace, subsystem and port have it; others see none. */
#include <stdlib.h>
#include <string.h>

#include "common/nvme/protection.h"
#include "services/state/change.h"
#include "services/state/view.h"
#include "tests/unit/state/stage.h"

#define WITH_PORT(text)                                                                            \
	edit((text),                                                                               \
	     "\"max_queue_size\": \"64\"",                                                         \
	     "\"max_queue_size\": \"64\", \"pi_enable\": \"1\"")
#define WITH_SUBSYSTEM(text)                                                                       \
	edit((text), "\"serial\": \"S1\"", "\"serial\": \"S1\", \"pi_enable\": \"1\"")

static struct scratch scratch;

/* Frees the text, which is of stage_edit() too. */
static char *edit(char *text, const char *part, const char *other)
{
	char *edited = stage_edit(text, part, other);

	free(text);
	return edited;
}

/* Namespace 2 keeps it, of blocks of 4096 bytes. */
static char *with_namespace(void)
{
	return stage_edit(stage_config, "null:8M", "pi:null:8M");
}

static void restore(char *text)
{
	stage_restore(text);
	free(text);
	stage_ready();
}

static void given_all(void)
{
	stage_open();
	restore(WITH_PORT(WITH_SUBSYSTEM(with_namespace())));
}

static void given_no_subsystem(void)
{
	stage_open();
	restore(WITH_PORT(with_namespace()));
}

static void given_no_namespace(void)
{
	stage_open();
	restore(WITH_PORT(WITH_SUBSYSTEM(strdup(stage_config))));
}

static void forget(void)
{
	scratch_deinit(&scratch);
	stage_close();
}

static struct nvme_identify_namespace identify(uint32_t port, uint32_t nsid)
{
	struct nvme_identify_namespace wire;

	stage_connect(STAGE_HOST, port, STAGE_SUBSYSTEM);
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, nsid, NVME_CNS_NAMESPACE, 0), 0);
	memcpy(&wire, stage.reply.data, sizeof(wire));
	return wire;
}

static void expect_none(struct nvme_identify_namespace wire)
{
	ck_assert_uint_eq(wire.lbaf[0].lbads, 12);
	ck_assert_uint_eq(le16_get(wire.lbaf[0].ms), 0);
	ck_assert_uint_eq(wire.flbas, 0);
	ck_assert_uint_eq(wire.mc, 0);
	ck_assert_uint_eq(wire.dpc, 0);
	ck_assert_uint_eq(wire.dps, 0);
}

static const Nvmetd__TransportView *transport_view(void)
{
	const Nvmetd__TransportView *view = view_of_transport(
		&scratch, &stage.state.target, "tcp", NULL, 0);

	ck_assert_ptr_nonnull(view);
	return view;
}

static const Nvmetd__SubsystemView *subsystem_view(void)
{
	const Nvmetd__TransportView *view = transport_view();

	for (size_t i = 0; i < view->n_subsystems; i++)
		if (strcmp(view->subsystems[i]->nqn, STAGE_SUBSYSTEM) == 0)
			return view->subsystems[i];
	ck_abort_msg("it is not in the view");
}

/* ------------------------------------------------------------------ all have it */

START_TEST(identify_says_type_1_in_extended_blocks)
{
	struct nvme_identify_namespace wire = identify(2, 2);

	ck_assert_uint_eq(wire.lbaf[0].lbads, 12);
	ck_assert_uint_eq(le16_get(wire.lbaf[0].ms), 8);
	ck_assert_uint_eq(wire.flbas, 0x10);
	ck_assert_uint_eq(wire.mc, 0x01);
	ck_assert_uint_eq(wire.dpc, 0x19);
	ck_assert_uint_eq(wire.dps, 0x01);
}
END_TEST

START_TEST(identify_says_nothing_of_it_at_another_port)
{
	expect_none(identify(1, 2));
}
END_TEST

START_TEST(identify_says_nothing_of_it_of_another_namespace)
{
	struct nvme_identify_namespace wire = identify(2, 1);

	ck_assert_uint_eq(le16_get(wire.lbaf[0].ms), 0);
	ck_assert_uint_eq(wire.dps, 0);
}
END_TEST

START_TEST(transports_are_told)
{
	ck_assert(!transport_view()->listeners[0]->pi_enable);
	ck_assert(transport_view()->listeners[1]->pi_enable);
	ck_assert(!subsystem_view()->namespaces[0]->protection);
	ck_assert(subsystem_view()->namespaces[1]->protection);
}
END_TEST

START_TEST(it_is_nothing_to_read_and_write_directly)
{
	ck_assert(!subsystem_view()->namespaces[1]->in_memory);
}
END_TEST

/* ------------------------------------------------------------------ one has it not */

START_TEST(identify_says_nothing_of_it)
{
	expect_none(identify(2, 2));
}
END_TEST

START_TEST(transports_are_told_of_none)
{
	ck_assert(!subsystem_view()->namespaces[1]->protection);
}
END_TEST

/* ------------------------------------------------------------------ a change */

static const struct config_port *port_of(uint32_t id)
{
	return config_find_port(&stage.state.target.config, id);
}

START_TEST(of_the_port_ends_its_associations)
{
	struct session *session = stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM);

	session->revision = stage.state.target.revision;
	restore(WITH_SUBSYSTEM(with_namespace()));
	ck_assert_uint_gt(port_of(2)->address_revision, session->revision);
	ck_assert_uint_le(port_of(1)->address_revision, session->revision);
}
END_TEST

START_TEST(of_the_subsystem_ends_its_associations)
{
	const struct config_subsystem *subsystem;
	struct session *session = stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM);

	session->revision = stage.state.target.revision;
	restore(WITH_PORT(with_namespace()));
	subsystem = config_find_subsystem(&stage.state.target.config, STAGE_SUBSYSTEM);
	ck_assert_uint_gt(subsystem->attributes_revision, session->revision);
}
END_TEST

START_TEST(is_saved)
{
	char *text = config_text(&stage.state.target.config);

	ck_assert_ptr_nonnull(text);
	restore(text);
	ck_assert(port_of(2)->pi_enable);
	ck_assert(!port_of(1)->pi_enable);
	ck_assert(config_find_subsystem(&stage.state.target.config, STAGE_SUBSYSTEM)->pi_enable);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protection information");

	describe(suite,
	         "where all have it",
	         given_all,
	         forget,
	         identify_says_type_1_in_extended_blocks,
	         identify_says_nothing_of_it_at_another_port,
	         identify_says_nothing_of_it_of_another_namespace,
	         transports_are_told,
	         it_is_nothing_to_read_and_write_directly);
	describe(suite,
	         "where its subsystem does not have it",
	         given_no_subsystem,
	         forget,
	         identify_says_nothing_of_it,
	         transports_are_told_of_none);
	describe(suite,
	         "where the namespace does not have it",
	         given_no_namespace,
	         forget,
	         identify_says_nothing_of_it,
	         transports_are_told_of_none);
	describe(suite,
	         "a change",
	         given_all,
	         forget,
	         of_the_port_ends_its_associations,
	         of_the_subsystem_ends_its_associations,
	         is_saved);
	return run(suite);
}
