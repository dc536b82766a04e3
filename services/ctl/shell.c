/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/shell.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wchar.h>

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "services/ctl/commands.h"
#include "services/ctl/complete.h"
#include "services/ctl/need.h"
#include "services/ctl/script.h"
#include "services/ctl/words.h"

#define HISTORY_FILE   ".nvmetctl_history"
#define SHOWN_MAX      200 /* candidates that are listed */
#define NAME_MAX_BYTES 1024

struct shell {
	struct session session;
	EditLine *line;
	History *history;
	char *history_path; /* NULL: it is not kept */
	char *prompt;
	bool has_given_up; /* the line that was being typed */
};

/* While a command runs: it goes on. */
static void on_interrupt(int signal)
{
	(void)signal;
}

/* ------------------------------------------------------------------ the prompt */

static struct shell *shell_of(EditLine *line)
{
	struct shell *shell;

	el_get(line, EL_CLIENTDATA, &shell);
	return shell;
}

static char *prompt(EditLine *line)
{
	struct shell *shell = shell_of(line);
	_cleanup_(cleanup_free) char *path = path_text(&shell->session.here);
	char safe[NAME_MAX_BYTES];

	free(shell->prompt);
	if (asprintf(&shell->prompt,
	             "%s%s> ",
	             log_safe(safe, sizeof(safe), path, strlen(path)),
	             shell->session.in_transaction ? " (begun)" : "") < 0)
		need(shell->prompt = NULL);
	return shell->prompt;
}

/* ------------------------------------------------------------------ completion */

/* What is listed is the last component, or the value, of each. */
static void list_candidates(const struct completion *completion)
{
	putchar('\n');
	for (size_t i = 0; i < completion->count && i < SHOWN_MAX; i++) {
		const char *text = completion->candidate[i];
		char safe[NAME_MAX_BYTES];

		puts(log_safe(safe, sizeof(safe), text, strlen(text)));
	}
	if (completion->count > SHOWN_MAX)
		printf("and %zu more\n", completion->count - SHOWN_MAX);
	fflush(stdout);
}

/* The word becomes as much as all candidates have in common. */
static bool extend(EditLine *line, const struct completion *completion, size_t typed)
{
	size_t common = complete_common(completion);
	_cleanup_(cleanup_free) char *word = need(strndup(completion->candidate[0], common));
	_cleanup_(cleanup_free) char *quoted = words_quote(word);

	if (completion->is_path && completion->count == 1 && strcmp(word, completion->word) == 0)
		return el_insertstr(line, "/") == 0;
	if (common <= strlen(completion->word) && !complete_is_whole(completion))
		return false;
	el_deletestr(line, (int)typed);
	el_insertstr(line, quoted);
	if (complete_is_whole(completion))
		el_insertstr(line, " ");
	return true;
}

static unsigned char on_tab(EditLine *line, int key)
{
	struct shell *shell = shell_of(line);
	const LineInfo *info = el_line(line);
	size_t length = (size_t)(info->cursor - info->buffer);
	_cleanup_(cleanup_free) char *text = need(strndup(info->buffer, length));
	_cleanup_(complete_deinit) struct completion completion;

	(void)key;
	complete(&completion, &shell->session, text);
	if (completion.count == 0)
		return CC_ERROR;
	if (extend(line, &completion, length - completion.begin))
		return CC_REFRESH;
	list_candidates(&completion);
	return CC_REDISPLAY;
}

/* Ctrl-C, which is a key while a line is typed: no signal can come too early to be noticed. */
static unsigned char on_give_up(EditLine *line, int key)
{
	(void)key;
	shell_of(line)->has_given_up = true;
	return CC_EOF;
}

/* ------------------------------------------------------------------ the history */

static void open_history(struct shell *shell)
{
	const char *home = getenv("HOME");
	HistEvent event;

	shell->history = need(history_init());
	history(shell->history, &event, H_SETSIZE, SHELL_HISTORY);
	history(shell->history, &event, H_SETUNIQUE, 1);
	if (!home || !*home)
		return;
	if (asprintf(&shell->history_path, "%s/%s", home, HISTORY_FILE) < 0)
		need(shell->history_path = NULL);
	history(shell->history, &event, H_LOAD, shell->history_path);
}

/* Keys are not for a file that is not the state service's. */
static bool has_secret(const char *line)
{
	return strstr(line, "key=") != NULL;
}

static void remember(struct shell *shell, const char *line)
{
	HistEvent event;

	if (line[strspn(line, " \t\n")] && !has_secret(line))
		history(shell->history, &event, H_ENTER, line);
}

static void close_history(struct shell *shell)
{
	HistEvent event;
	mode_t old = umask(0077);

	if (shell->history_path &&
	    history(shell->history, &event, H_SAVE, shell->history_path) >= 0)
		chmod(shell->history_path, 0600);
	umask(old);
	history_end(shell->history);
	free(shell->history_path);
}

/* ------------------------------------------------------------------ reading */

static void open_line(struct shell *shell)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};

	setlocale(LC_CTYPE, "");
	sigaction(SIGINT, &action, NULL);
	shell->line = need(el_init("nvmetctl", stdin, stdout, stderr));
	el_set(shell->line, EL_CLIENTDATA, shell);
	el_set(shell->line, EL_PROMPT, prompt);
	el_set(shell->line, EL_EDITOR, "emacs");
	el_set(shell->line, EL_HIST, history, shell->history);
	/* el_set() would copy these names, and not free them */
	el_wset(shell->line, EL_ADDFN, L"complete-object", L"Complete a path or a name", on_tab);
	el_wset(shell->line, EL_ADDFN, L"give-up", L"Give up the line", on_give_up);
	el_set(shell->line, EL_SETTY, "-d", "-isig", NULL);
	el_set(shell->line, EL_BIND, "^I", "complete-object", NULL);
	el_set(shell->line, EL_BIND, "^C", "give-up", NULL);
	el_set(shell->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(shell->line, NULL); /* ~/.editrc */
}

/* NULL: the end. */
static const char *read_line(struct shell *shell)
{
	const char *line;
	int count;

	for (;;) {
		shell->has_given_up = false;
		line = el_gets(shell->line, &count);
		if (line && count > 0 && !shell->has_given_up)
			return line;
		if (!shell->has_given_up)
			return NULL;
		puts("^C");
		el_reset(shell->line);
	}
}

static void converse(struct shell *shell)
{
	const char *line;

	while (!shell->session.is_over && (line = read_line(shell))) {
		remember(shell, line);
		session_run_line(&shell->session, line);
		fflush(stdout);
	}
	if (!shell->session.is_over)
		putchar('\n');
	if (shell->session.in_transaction && shell->session.pending.count > 0)
		fprintf(stderr, "what was begun and not committed is not done\n");
}

static enum ctl_exit run_interactive(const struct ctl *ctl)
{
	struct shell shell = {0};

	session_init(&shell.session, ctl);
	shell.session.is_interactive = true;
	shell.session.run_other = commands_run_other;
	open_history(&shell);
	open_line(&shell);
	converse(&shell);
	el_end(shell.line);
	close_history(&shell);
	free(shell.prompt);
	session_deinit(&shell.session);
	return CTL_GOOD;
}

static enum ctl_exit run_script(const struct ctl *ctl)
{
	struct session session;
	enum ctl_exit r;

	session_init(&session, ctl);
	session.run_other = commands_run_other;
	r = script_run(&session, "-");
	session_deinit(&session);
	return r;
}

enum ctl_exit ctl_shell(const struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return isatty(STDIN_FILENO) ? run_interactive(ctl) : run_script(ctl);
}
