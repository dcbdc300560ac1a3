/* SPDX-License-Identifier: MIT */
/* Lines of words as a user writes them, and lists. */
#include "common/owned.h"
#include "common/text.h"
#include "common/words.h"
#include "result.h"

#include <errno.h>

/* The words, each ended by a '|'; NULL: refused. */
static const struct {
	const char *line, *words;
} lines[] = {
	{ "", "" },
	{ " \t\n", "" },
	{ "a", "a|" },
	{ "  a   b\tc\n", "a|b|c|" },
	{ "\"a b\" 'c d'", "a b|c d|" },
	{ "a\"b c\"d'e f'", "ab cde f|" },
	{ "\"\" '' \"\"''", "|||" },
	{ "\"it's\" 'a\"b'", "it's|a\"b|" },
	{ "a\\ b", NULL }, /* systemd.syntax(7) knows \s, not a backslash and a blank */
	{ "a\\sb", "a b|" },
	{ "\\\\ \\\" \\'", "\\|\"|'|" },
	{ "\"\\\"\" '\\''", "\"|'|" },
	{ "\\a\\b\\f\\n\\r\\t\\v", "\a\b\f\n\r\t\v|" },
	{ "\\x41\\x7f\\xff", "A\x7f\xff|" },
	{ "\\101\\177\\377", "A\x7f\xff|" },
	{ "\\u00e9\\u20ac\\U0001f600", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|" },
	{ "\\x411", "A1|" },
	{ "; ;; #", ";|;;|#|" },
	{ "$a ${b} %n", "$a|${b}|%n|" },
	{ "\xff\xfe", "\xff\xfe|" },
	{ "\"", NULL },
	{ "a 'b", NULL },
	{ "a\"", NULL },
	{ "\\", NULL },
	{ "a \\q", NULL },
	{ "\\x", NULL },
	{ "\\x4", NULL },
	{ "\\xg1", NULL },
	{ "\\x-1", NULL },
	{ "\\x 1", NULL },
	{ "\\x00", NULL },
	{ "\\000", NULL },
	{ "\\400", NULL },
	{ "\\18", NULL },
	{ "\\189", NULL },
	{ "\\u12", NULL },
	{ "\\u0000", NULL },
	{ "\\ud800", NULL },
	{ "\\udfff", NULL },
	{ "\\U00110000", NULL },
	{ "\\U0000d800", NULL },
	{ "\"\\", NULL },
};

static void splits(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		OWNED(drop_words) struct words words = { 0 };
		OWNED(drop_text) struct text text = { 0 }, name = { 0 };
		int r = words_split(&words, lines[i].line);

		text_add(&text, "");
		text_add(&name, "line ");
		text_add_shown(&name, lines[i].line);
		for (size_t j = 0; j < words.count; j++)
			text_addf(&text, "%s|", words.at[j]);
		ok(r == 0 || r == -EINVAL, "a result that is one");
		equal(lines[i].words, r < 0 ? NULL : text.at, name.at);
	}
}

static void lists(void)
{
	OWNED(drop_words) struct words w = { 0 }, more = { 0 };

	ok(!w.at && w.count == 0, "empty");
	words_clear(&w);
	words_add(&w, "a");
	ok(w.count == 1 && !w.at[1], "ended by NULL");
	for (int i = 0; i < 1000; i++)
		words_addf(&more, "%d", i);
	words_add_all(&w, &more);
	ok(w.count == 1001 && !w.at[1001], "ended by NULL after growing");
	equal("999", w.at[1000], "the last of many");
	ok(words_have(&w, "500") && !words_have(&w, "1000") && !words_have(&w, ""),
	   "has what it has");
	words_clear(&w);
	ok(w.count == 0 && !w.at[0], "cleared, and still ended");
}

static const struct {
	const char *text;
	size_t length; /* of the character that can be shown */
} characters[] = {
	{ "a", 1 },
	{ " ", 1 },
	{ "~", 1 },
	{ "\n", 0 },
	{ "\x1b", 0 },
	{ "\x7f", 0 },
	{ "\xc2\x80", 0 },
	{ "\xc2\x9f", 0 },
	{ "\xc2\xa0", 2 },
	{ "\xc3\xa9", 2 },
	{ "\xe2\x82\xac", 3 },
	{ "\xf0\x9f\x98\x80", 4 },
	{ "\xef\xbb\xbf", 0 },
	{ "\xef\xbb\xbe", 3 },
	{ "\x80", 0 },
	{ "\xc0\x80", 0 },
	{ "\xc1\xbf", 0 },
	{ "\xc3", 0 },
	{ "\xc3"
	  "a",
	  0 },
	{ "\xe0\x80\x80", 0 },
	{ "\xe0\x9f\xbf", 0 },
	{ "\xe0\xa0\x80", 3 },
	{ "\xed\x9f\xbf", 3 },
	{ "\xed\xa0\x80", 0 },
	{ "\xe2\x82", 0 },
	{ "\xf0\x8f\xbf\xbf", 0 },
	{ "\xf0\x90\x80\x80", 4 },
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\xf4\x90\x80\x80", 0 },
	{ "\xf5\x80\x80\x80", 0 },
	{ "\xff", 0 },
};

static void shows(void)
{
	OWNED(drop_text) struct text text = { 0 };

	for (size_t i = 0; i < sizeof(characters) / sizeof(*characters); i++)
		if (text_shown_length(characters[i].text) != characters[i].length) {
			ok(false, "a character that can be shown, or not");
			printf("# number %zu\n", i);
		}
	text_add_shown(&text, "a\n\xc3\xa9\xff\x1b[0m");
	equal("a\\x0a\xc3\xa9\\xff\\x1b[0m", text.at, "text that is shown");
	ok(text_is_shown("\xc3\xa9 a") && !text_is_shown("a\n") && text_is_shown(""),
	   "text that can be shown");
}

int main(void)
{
	splits();
	lists();
	shows();
	return finish();
}
