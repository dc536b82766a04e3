/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of anybody's making: what is taken gives a configuration that is saved, read again,
 * and the same; what is refused is said; and any path may be looked at. */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/edit.h"
#include "services/state/look.h"

#define NQN  "nqn.2001-01.com.example:a"
#define HOST "nqn.2014-08.org.nvmexpress:uuid:11111111-1111-4111-8111-111111111111"

static const char text[] = "{\"hosts\": [{\"nqn\": \"" HOST "\"}],"
			   " \"ports\": [{\"portid\": 1,"
			   "   \"addr\": {\"trtype\": \"tcp\", \"adrfam\": \"ipv4\","
			   "              \"traddr\": \"127.0.0.1\", \"trsvcid\": \"4420\"},"
			   "   \"referrals\": [{\"name\": \"a/b\"}],"
			   "   \"subsystems\": [\"" NQN "\"]}],"
			   " \"subsystems\": [{\"nqn\": \"" NQN "\","
			   "   \"allowed_hosts\": [\"" HOST "\"],"
			   "   \"namespaces\": [{\"nsid\": 1, \"enable\": 1,"
			   "     \"device\": {\"path\": \"fault:ram:1M\"},"
			   "     \"faults\": [\"read error=EIO\"]}]}]}";

static struct config start = {0};
static struct shape *shape;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_up(void)
{
	struct report report = {.file = "fuzz"};

	start = CONFIG_NULL;
	must(config_parse(&start, text, strlen(text), &report) == 0);
	report_deinit(&report);
	shape = shape_new();
	must(shape);
}

static void expect_the_same_again(const struct config *config)
{
	char *once = config_text(config), *twice;
	struct report report = {.file = "fuzz"};
	struct config again = CONFIG_NULL;

	must(once && config_parse(&again, once, strlen(once), &report) == 0);
	twice = config_text(&again);
	must(twice && strcmp(once, twice) == 0);
	config_deinit(&again);
	report_deinit(&report);
	free(once);
	free(twice);
}

/* 0 or EDIT_E_WRONG */
static int operate(const struct object_tree *tree, const Nvmetd__CtlEdit *edit,
                   struct report *report)
{
	int r = 0;

	for (size_t i = 0; !r && i < edit->n_operations; i++) {
		char *created;

		r = edit_operate(tree, edit->operations[i], report, &created);
		free(created);
		must(r == 0 || (r == EDIT_E_WRONG && report->errors.count > 0));
	}
	return r;
}

static void execute(const Nvmetd__CtlEdit *edit)
{
	json_t *root = config_save(&start);
	const struct object_tree tree = {root, shape};
	struct report report = {.tree = &tree};
	struct config config = CONFIG_NULL;
	int r;

	must(root);
	if (operate(&tree, edit, &report) == 0) {
		r = config_read(&config, root, &report);
		must(r == 0 || report.errors.count > 0);
		if (r == 0)
			expect_the_same_again(&config);
	}
	config_deinit(&config);
	report_deinit(&report);
	json_decref(root);
}

static void look(const Nvmetd__CtlEdit *edit)
{
	for (size_t i = 0; i < edit->n_operations && i < 4; i++) {
		Nvmetd__CtlLook question = NVMETD__CTL_LOOK__INIT;
		struct look look;

		question.path = edit->operations[i]->path;
		question.n_path = edit->operations[i]->n_path;
		question.with_text = true;
		must(look_at(&look, &start, &question) == 0);
		must(look.reply.good || look.reply.reason[0]);
		look_deinit(&look);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Nvmetd__CtlEdit *edit = nvmetd__ctl_edit__unpack(NULL, size, data);

	if (!shape)
		set_up();
	if (edit && edit->n_operations <= 64) {
		execute(edit);
		look(edit);
	}
	if (edit)
		nvmetd__ctl_edit__free_unpacked(edit, NULL);
	return 0;
}
