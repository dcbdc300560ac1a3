/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/words.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

static pid_t pager;
static size_t lent; /* columns */

bool screen_is_terminal(void)
{
	static int known = -1;

	if (known < 0)
		known = isatty(STDOUT_FILENO);
	return known;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static bool is_dumb(void)
{
	return strcmp(environment("TERM"), "dumb") == 0;
}

void screen_lend(size_t columns)
{
	lent = columns;
}

size_t screen_columns(void)
{
	struct winsize size;

	if (lent > 0 || !isatty(STDERR_FILENO) || is_dumb())
		return lent;
	/* A serial line does not know. */
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* $SYSTEMD_COLORS is a boolean, "auto" or a number of colours; false is what begins like it. */
static bool find_colours(void)
{
	const char *asked = environment("SYSTEMD_COLORS");

	if (*asked && strncmp(asked, "auto", 4) != 0)
		return !strchr("0fFnN", *asked) && strcmp(asked, "off") != 0;
	return screen_is_terminal() && !*environment("NO_COLOR") && !is_dumb();
}

const char *screen_colour(enum colour colour)
{
	static const char *const codes[COLOURS] = {
		[PLAIN] = "\033[0m",	[GOOD] = "\033[0;1;32m", [ATTENTION] = "\033[0;1;33m",
		[BAD] = "\033[0;1;31m", [FAINT] = "\033[0;90m",	 [HEAD] = "\033[0;4m",
	};
	static int wanted = -1;

	if (wanted < 0)
		wanted = find_colours();
	return wanted ? codes[colour] : "";
}

/* The words of the first that is set; none for no pager. */
static void pager_find(struct words *ret)
{
	const char *told = getenv("SYSTEMD_PAGER");

	if (!told)
		told = getenv("PAGER");
	if (!told)
		words_add(ret, "less");
	else if (words_split(ret, told) < 0)
		words_clear(ret);
	if (ret->count > 0 && strcmp(ret->at[0], "cat") == 0)
		words_clear(ret);
}

/* less ends by itself where all fits on the screen, lets colours through, and cuts long lines. */
static void pager_become(const struct words *command, const int ends[2])
{
	const char *less = getenv("SYSTEMD_LESS");

	(void)dup2(ends[0], STDIN_FILENO);
	(void)setenv("LESS", less ? less : "FRSXMK", 1);
	(void)setenv("LESSCHARSET", "utf-8", 0);
	/* An interrupt is for the pager's keys. */
	(void)execvp(command->at[0], command->at);
	/* Better unpaged than unseen. */
	(void)execlp("cat", "cat", NULL);
	_exit(EXIT_REFUSED);
}

void screen_begin(bool wanted)
{
	OWNED(drop_words) struct words command = { 0 };
	int ends[2];

	if (!wanted || !screen_is_terminal())
		return;
	pager_find(&command);
	(void)screen_colour(PLAIN);
	if (command.count == 0 || pipe2(ends, O_CLOEXEC) < 0)
		return;
	(void)fflush(stdout);
	pager = fork();
	if (pager == 0)
		pager_become(&command, ends);
	if (pager > 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		/* Who quits the pager has seen enough. */
		(void)signal(SIGPIPE, SIG_IGN);
		(void)signal(SIGINT, SIG_IGN);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void pager_end(void)
{
	(void)fclose(stdout);
	while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
		;
	pager = 0;
}

int screen_end(void)
{
	int r = fflush(stdout) == 0 && !ferror(stdout) ? 0 : -(errno ? errno : EIO);

	if (pager > 0) {
		pager_end();
		r = 0;
	}
	return r < 0 ? log_failure(r, "standard output") : EXIT_DONE;
}

size_t screen_width(const char *text)
{
	static bool ready;
	mbstate_t state = { 0 };
	size_t width = 0, n;
	wchar_t c;

	if (!ready)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	ready = true;
	while ((n = mbrtowc(&c, text, MB_CUR_MAX, &state)) != 0 && n != (size_t)-1 &&
	       n != (size_t)-2) {
		int w = wcwidth(c);

		width += w > 0 ? (size_t)w : 0;
		text += n;
	}
	return n == 0 ? width : width + strlen(text);
}
