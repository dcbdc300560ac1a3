/* SPDX-License-Identifier: MIT */
/* Text on its way into a unit: by tables, and back through our own reader. The way through systemd
 * itself is tests/host/t/20-escaping.sh. */
#include "common/escape.h"
#include "common/owned.h"
#include "common/words.h"
#include "result.h"

static const struct {
	const char *text, *exec, *list, *specifiers;
} values[] = {
	{ "", "\"\"", "\"\"", "" },
	{ "plain-1.2_3:/x,y;z=@+", "\"plain-1.2_3:/x,y;z=@+\"", "\"plain-1.2_3:/x,y;z=@+\"",
	  "plain-1.2_3:/x,y;z=@+" },
	{ "a b", "\"a b\"", "\"a b\"", "a b" },
	{ ";", "\";\"", "\";\"", ";" },
	{ "50%", "\"50%%\"", "\"50%%\"", "50%%" },
	{ "%%i", "\"%%%%i\"", "\"%%%%i\"", "%%%%i" },
	{ "$HOME ${x}", "\"$HOME ${x}\"", "\"$HOME ${x}\"", "$HOME ${x}" },
	{ "say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\"", "say \"hi\"" },
	{ "it's", "\"it's\"", "\"it's\"", "it's" },
	{ "a\\b", "\"a\\\\b\"", "\"a\\\\b\"", "a\\b" },
	{ "\\", "\"\\\\\"", "\"\\\\\"", NULL },
	{ "a\nb\tc\r", "\"a\\x0ab\\x09c\\x0d\"", NULL, NULL },
	{ "\x01\x1f\x7f", "\"\\x01\\x1f\\x7f\"", NULL, NULL },
	{ "\xc3\xa9", "\"\\xc3\\xa9\"", "\"\xc3\xa9\"", "\xc3\xa9" },
	{ "\xff\x80", "\"\\xff\\x80\"", NULL, NULL },
	{ "\x01"
	  "1f",
	  "\"\\x011f\"", NULL, NULL },
};

static void writes(void)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		OWNED(drop_text) struct text exec = { 0 }, list = { 0 }, specifiers = { 0 };

		escape_exec_word(&exec, values[i].text);
		equal(values[i].exec, exec.at, "a word of a command");
		escape_list_word(&list, values[i].text);
		if (values[i].list)
			equal(values[i].list, list.at, "a word of a list");
		text_add(&specifiers, "");
		escape_specifiers(&specifiers, values[i].text);
		if (values[i].specifiers)
			equal(values[i].specifiers, specifiers.at, "a value that is not split");
	}
}

static const struct {
	const char *text, *name, *path, *instance;
} names[] = {
	/* as systemd-escape [--path] says, but for the instance's '-' */
	{ "web", "web", "web", "web" },
	{ "web-1", "web\\x2d1", "web\\x2d1", "web-1" },
	{ "/", "-", "-", "\\x2f" },
	{ "//", "--", "-", "\\x2f\\x2f" },
	{ "/dev/sda1", "-dev-sda1", "dev-sda1", "\\x2fdev\\x2fsda1" },
	{ "/srv//a b/./c/", "-srv--a\\x20b-.-c-", "srv-a\\x20b-c",
	  "\\x2fsrv\\x2f\\x2fa\\x20b\\x2f.\\x2fc\\x2f" },
	{ ".hidden", "\\x2ehidden", "\\x2ehidden", ".hidden" },
	{ "/.hidden/.x", "-.hidden-.x", "\\x2ehidden-.x", "\\x2f.hidden\\x2f.x" },
	{ "a_b:c.d", "a_b:c.d", "a_b:c.d", "a_b:c.d" },
	{ "\xc3\xbc%@\\", "\\xc3\\xbc\\x25\\x40\\x5c", "\\xc3\\xbc\\x25\\x40\\x5c",
	  "\\xc3\\xbc\\x25\\x40\\x5c" },
};

static void names_units(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		OWNED(drop_str) char *name = escape_unit_name(names[i].text);
		OWNED(drop_str) char *path = escape_unit_path(names[i].text);
		OWNED(drop_str) char *instance = escape_instance(names[i].text);

		equal(names[i].name, name, "a unit's name");
		equal(names[i].path, path, "a path's unit");
		equal(names[i].instance, instance, "an instance");
	}
}

/* What systemd does with specifiers, here with the only one that we write. */
static void take_percents(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && s[1] == '%')
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

static char *random_word(unsigned long *state)
{
	static const char frequent[] = "\"'\\%$; \t\n{}\x7f\xc3\xa9";
	char word[64];
	size_t n = random_next(state) % sizeof(word);

	for (size_t i = 0; i < n; i++)
		word[i] = random_next(state) % 2
				  ? frequent[random_next(state) % (sizeof(frequent) - 1)]
				  : (char)(1 + random_next(state) % 255);
	word[n] = '\0';
	return text_copy(word);
}

/* Many words in one line, as in an ExecStart=. */
static bool comes_back(unsigned long *state)
{
	OWNED(drop_words) struct words words = { 0 }, back = { 0 };
	OWNED(drop_text) struct text line = { 0 };
	size_t n = 1 + random_next(state) % 5;

	for (size_t i = 0; i < n; i++) {
		words_take(&words, random_word(state));
		text_add(&line, i ? " " : "");
		escape_exec_word(&line, words.at[i]);
	}
	for (const char *s = line.at; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	take_percents(line.at);
	if (words_split(&back, line.at) < 0 || back.count != words.count)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(words.at[i], back.at[i]) != 0)
			return false;
	return true;
}

static const struct {
	const char *word, *want;
} shell_words[] = {
	{ "", "''" },
	{ "qemu-system-x86_64", "qemu-system-x86_64" },
	{ "/srv/a,b=c:d@e%f+g", "/srv/a,b=c:d@e%f+g" },
	{ "a b", "'a b'" },
	{ "it's", "'it'\\''s'" },
	{ "'", "''\\'''" },
	{ "$HOME", "'$HOME'" },
	{ "~", "'~'" },
	{ "a\\b", "'a\\b'" },
	{ "\xc3\xbc", "'\xc3\xbc'" },
	{ "a\nb", "'a\nb'" },
};

/* What a real shell makes of many at once, each followed by a NUL. */
static bool shell_reads(const struct words *words)
{
	OWNED(drop_text) struct text command = { 0 };
	char have[128];
	FILE *shell;
	bool good = true;

	text_add(&command, "printf '%s\\0'");
	for (size_t i = 0; i < words->count; i++) {
		text_add(&command, " ");
		escape_shell_word(&command, words->at[i]);
	}
	shell = popen(command.at, "r");
	for (size_t i = 0; shell && good && i < words->count; i++) {
		size_t n = strlen(words->at[i]) + 1;

		good = fread(have, 1, n, shell) == n && memcmp(have, words->at[i], n) == 0;
	}
	return shell && pclose(shell) == 0 && good;
}

static void shells(unsigned long *state)
{
	OWNED(drop_words) struct words words = { 0 };

	for (size_t i = 0; i < sizeof(shell_words) / sizeof(*shell_words); i++) {
		OWNED(drop_text) struct text t = { 0 };

		escape_shell_word(&t, shell_words[i].word);
		equal(shell_words[i].want, t.at, "a word for a shell");
		words_add(&words, shell_words[i].word);
	}
	for (int i = 0; i < 1000; i++)
		words_take(&words, random_word(state));
	ok(shell_reads(&words), "a shell reads back what it should");
}

int main(void)
{
	unsigned long state = 1;
	int good = 0;

	writes();
	names_units();
	for (int i = 0; i < 5000; i++)
		good += comes_back(&state);
	shells(&state);
	ok(good == 5000, "random words come back from a line of printable ASCII");
	return finish();
}
