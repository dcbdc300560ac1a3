/* SPDX-License-Identifier: MIT */
/* The conversation with a hypervisor: first what is made of its bytes, then the whole of it against
 * stand-ins, each a process with a socket that behaves as badly as its name says. */
#include "hypervisors/control.h"
#include "hypervisors/qmp.h"

#include "common/owned.h"
#include "common/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define EVENT "{\"timestamp\": {\"seconds\": 1}, \"event\": \"NIC_RX_FILTER_CHANGED\"}\r\n"
#define SHUTDOWN "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\r\n"

static int failed;

static void ok(bool good, const char *name)
{
	printf("%s - control, %s\n", good ? "ok" : "not ok", name);
	failed += !good;
}

/* ---- bytes ---- */

/* Hears the text in pieces and writes the news down, a letter each. */
static char *news_of(const char *text, size_t piece)
{
	static const char letters[] = {
		[NEWS_OPEN] = 'O',   [NEWS_YES] = 'Y',	  [NEWS_NO] = 'N',
		[NEWS_ENDING] = 'E', [NEWS_CLOSED] = 'C',
	};
	OWNED(drop_qmp) struct qmp *q = qmp_new();
	OWNED(drop_text) struct text sent = { 0 };
	struct text ret = { 0 };
	size_t length = strlen(text);

	text_add(&ret, "");
	for (size_t at = 0; at < length; at += piece) {
		enum news news;

		qmp_hear(q, text + at, length - at < piece ? length - at : piece);
		while ((news = qmp_next(q, &sent)) != NEWS_NONE) {
			text_add_bytes(&ret, &letters[news], 1);
			if (news == NEWS_CLOSED)
				return ret.at;
			if (news == NEWS_OPEN || news == NEWS_YES || news == NEWS_NO)
				qmp_ask(q, "query-status", &sent);
		}
	}
	return ret.at;
}

static void hears(const char *text, const char *wanted, const char *name)
{
	static const size_t pieces[] = { 1, 2, 7, 100000000 };
	OWNED(drop_str) char *full = text_format("bytes: %s", name);
	bool good = true;

	for (size_t i = 0; i < 4; i++) {
		OWNED(drop_str) char *news = news_of(text, pieces[i]);

		if (strcmp(news, wanted) != 0)
			printf("# in pieces of %zu: %s instead of %s\n", pieces[i], news, wanted);
		good &= strcmp(news, wanted) == 0;
	}
	ok(good, full);
}

static void hears_long_line(void)
{
	struct text t = { 0 };

	while (t.length <= 1 << 20)
		text_add(&t, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	{
		OWNED(drop_str) char *news = news_of(t.at, 4096);

		ok(*news == 'C', "bytes: a line without end is given up");
	}
	drop_text(&t);
}

#define OPEN GREETING "{\"return\": {}, \"id\": \"1\"}\r\n"

static void test_bytes(void)
{
	hears(OPEN "{\"return\": {\"status\": \"running\", \"running\": true}, \"id\": \"2\"}\r\n",
	      "OY", "a guest that runs");
	hears(OPEN "{\"return\": {\"status\": \"prelaunch\", \"running\": false}, \"id\": \"2\"}\r\n"
		   "{\"return\": {\"running\": true}, \"id\": \"3\"}\n",
	      "ONY", "a guest that runs later");
	hears(EVENT GREETING EVENT EVENT "{\"id\": \"1\", \"return\": {}}\n" EVENT
					 "{\"id\": \"2\", \"return\": {}}\n",
	      "OY", "events between the replies");
	hears(OPEN
	      "{\"return\": {}, \"id\": \"1\"}\n{\"return\": {}}\n{\"return\": {}, \"id\": 2}\n"
	      "{\"return\": {}, \"id\": \"99\"}\n",
	      "O", "replies to nothing that was asked");
	hears(OPEN "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": \"2\"}\n",
	      "ON", "an error");
	hears(OPEN SHUTDOWN, "OE", "the guest's end");
	hears("{\"return\": {}, \"id\": \"0\"}\n{\"return\": {}, \"id\": \"1\"}\n" OPEN, "O",
	      "replies before the greeting");
	hears(GREETING GREETING "{\"return\": {}, \"id\": \"1\"}\n", "O", "two greetings");
	hears(GREETING "{\"error\": {}, \"id\": \"1\"}\n", "C", "capabilities that are refused");
	hears("HTTP/1.1 400 Bad Request\r\n\r\n\n{\n}\n[]\n7\nnull\n\"x\"\n{\"event\": null}\n"
	      "{\"event\": {}}\n{\"QMP\"\n" OPEN "{\"return\": null, \"id\": \"2\"}\n",
	      "OY", "garbage is passed over");
	hears(OPEN "{\"return\": {\"running\": \"maybe", "O", "half a line is no news");
	hears_long_line();
}

/* ---- stand-ins ---- */

struct peer {
	const char *path;
	int listener;
	int fd;
	int id; /* of the request that was heard last */
};

static void pause_ms(unsigned ms)
{
	(void)usleep(ms * 1000);
}

static void peer_listen(struct peer *p)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)unlink(p->path);
	strcpy(address.sun_path, p->path);
	p->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(p->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(p->listener, 1) < 0)
		_exit(99);
}

static void peer_accept(struct peer *p)
{
	p->fd = accept(p->listener, NULL, NULL);
	if (p->fd < 0)
		_exit(98);
}

static void say(const struct peer *p, const char *text)
{
	(void)!write(p->fd, text, strlen(text));
}

static void say_slowly(const struct peer *p, const char *text)
{
	for (; *text; text++) {
		(void)!write(p->fd, text, 1);
		pause_ms(1);
	}
}

/* One request; false when the other side has left. */
static bool hear(struct peer *p, const char *command)
{
	char line[256] = "", *id;
	size_t n = 0;

	while (n < sizeof(line) - 1 && read(p->fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	id = strstr(line, "\"id\":\"");
	p->id = id ? atoi(id + 6) : -1;
	return strstr(line, command) != NULL;
}

static void reply(const struct peer *p, const char *kind, const char *value)
{
	OWNED(drop_str) char *text = text_format("{\"%s\": %s, \"id\": \"%d\"}\n", kind, value, p->id);

	say(p, text);
}

/* As far as an honest hypervisor gets before it is asked anything. */
static void peer_open(struct peer *p)
{
	peer_accept(p);
	say(p, GREETING);
	if (!hear(p, "qmp_capabilities"))
		_exit(97);
	reply(p, "return", "{}");
}

static void answer_status(struct peer *p, const char *running)
{
	OWNED(drop_str) char *value = text_format("{\"status\": \"x\", \"running\": %s}", running);

	if (hear(p, "query-status"))
		reply(p, "return", value);
}

static void linger(void)
{
	for (;;)
		pause();
}

static void honest(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	answer_status(p, "true");
	linger();
}

static void late(struct peer *p)
{
	pause_ms(300);
	honest(p);
}

/* Between bind() and listen() the socket exists and refuses. */
static void stale(struct peer *p)
{
	peer_listen(p);
	(void)close(p->listener);
	pause_ms(200);
	honest(p);
}

static void pieces(struct peer *p)
{
	peer_listen(p);
	peer_accept(p);
	say_slowly(p, EVENT GREETING);
	(void)hear(p, "qmp_capabilities");
	say_slowly(p, EVENT "{\"return\": {}, \"id\": \"1\"}\r\n" EVENT);
	(void)hear(p, "query-status");
	say_slowly(p, EVENT "{\"return\": {\"running\": true}, \"id\": \"2\"}\r\n");
	linger();
}

static void garbage_then_honest(struct peer *p)
{
	peer_listen(p);
	peer_accept(p);
	say(p, "220 mail.example.org ESMTP\r\n{\"QMP\": ");
	(void)close(p->fd);
	(void)close(p->listener);
	honest(p);
}

static void hangs_up_on_status(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	(void)hear(p, "query-status");
	say(p, "{\"return\": {\"run");
	(void)close(p->fd);
	peer_open(p);
	answer_status(p, "true");
	linger();
}

static void paused_first(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	answer_status(p, "false");
	answer_status(p, "false");
	answer_status(p, "true");
	linger();
}

static void forgets_status(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	(void)hear(p, "query-status");
	answer_status(p, "true");
	linger();
}

static void dies_at_once(struct peer *p)
{
	(void)p;
	_exit(1);
}

static void dies_after_greeting(struct peer *p)
{
	peer_listen(p);
	peer_accept(p);
	say(p, GREETING);
	pause_ms(100);
	_exit(1);
}

/* What a qemu does to its second client until the first leaves. */
static void busy(struct peer *p)
{
	peer_listen(p);
	pause_ms(500);
	peer_open(p);
	answer_status(p, "true");
	linger();
}

static void dies_silent(struct peer *p)
{
	peer_listen(p);
	pause_ms(500);
	_exit(1);
}

static void shuts_down(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	if (hear(p, "system_powerdown"))
		say(p, "{\"event\": \"POWERDOWN\"}\r\n");
	reply(p, "return", "{}");
	pause_ms(100);
	say(p, SHUTDOWN);
	pause_ms(100);
	_exit(0);
}

static void misses_first_press(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	if (hear(p, "system_powerdown"))
		reply(p, "return", "{}");
	if (!hear(p, "system_powerdown"))
		linger();
	reply(p, "return", "{}");
	say(p, SHUTDOWN);
	_exit(0);
}

static void closes_then_ends(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	(void)hear(p, "system_powerdown");
	(void)close(p->fd);
	(void)close(p->listener);
	(void)unlink(p->path);
	pause_ms(500);
	_exit(0);
}

static void last_words(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	(void)hear(p, "system_powerdown");
	reply(p, "return", "{}");
	say(p, SHUTDOWN);
	_exit(0);
}

static void refuses(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	while (hear(p, "system_powerdown"))
		reply(p, "error", "{\"class\": \"GenericError\"}");
	linger();
}

static void deaf(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	linger();
}

static void linger_silent(struct peer *p)
{
	peer_listen(p);
	linger();
}

static void vanishes(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	(void)close(p->fd);
	(void)close(p->listener);
	(void)unlink(p->path);
	linger();
}

static void vanishes_and_is_back(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	(void)close(p->fd);
	(void)close(p->listener);
	(void)unlink(p->path);
	pause_ms(500);
	shuts_down(p);
}

static void floods(struct peer *p)
{
	peer_listen(p);
	peer_open(p);
	for (int i = 0; i < 3000; i++)
		say(p, EVENT);
	(void)hear(p, "system_powerdown");
	for (int i = 0; i < 3000; i++)
		say(p, EVENT);
	reply(p, "return", "{}");
	_exit(0);
}

/* ---- conversations ---- */

static char told[32];
static const char *wanted_told;

/* That a machine is slow is told too, once or more: it counts where it is wanted. */
static void note(const struct control *c, enum told what, int error)
{
	static const char letters[] = {
		[TOLD_ABSENT] = 'a', [TOLD_SILENT] = 's',  [TOLD_PAUSED] = 'p',
		[TOLD_ASKED] = 'A',  [TOLD_REFUSED] = 'R', [TOLD_ENDING] = 'E',
	};
	bool slow = what == TOLD_ABSENT || what == TOLD_SILENT;
	size_t n = strlen(told);

	(void)c;
	(void)error;
	if (slow && (strchr(told, letters[what]) || !strchr(wanted_told, letters[what])))
		return;
	if (n + 1 < sizeof(told))
		told[n] = letters[what];
}

static char *folder;

static pid_t stand_in(void (*behave)(struct peer *), const char *path)
{
	struct peer p = { .path = path, .listener = -1, .fd = -1 };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)alarm(60);
	(void)signal(SIGPIPE, SIG_IGN);
	behave(&p);
	_exit(0);
}

/* A deadline of 0 waits until the guest runs, another presses the power button until then. */
static void talk(void (*behave)(struct peer *), int deadline, int wanted, const char *tells,
		 const char *name)
{
	OWNED(drop_str) char *path = text_format("%s/control.sock", folder);
	pid_t pid = stand_in(behave, path);
	struct control c = { .hypervisor = hypervisors[HYPERVISOR_QEMU],
			     .path = path,
			     .process = (int)syscall(SYS_pidfd_open, pid, 0),
			     .patience = 50,
			     .tell = note };
	int r;

	memset(told, 0, sizeof(told));
	wanted_told = tells;
	control_begin(&c);
	r = deadline == 0 ? control_wait_running(&c)
			  : control_power_off(&c, milliseconds_now() + deadline);
	if (r != wanted || strcmp(told, tells) != 0)
		printf("# %d and '%s' instead of %d and '%s'\n", r, told, wanted, tells);
	ok(r == wanted && strcmp(told, tells) == 0, name);
	drop_control(&c);
	(void)close(c.process);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)unlink(path);
}

static void test_ready(void)
{
	talk(honest, 0, 0, "", "ready: an honest hypervisor");
	talk(late, 0, 0, "a", "ready: a socket that is not there yet");
	talk(stale, 0, 0, "a", "ready: a socket that refuses at first");
	talk(pieces, 0, 0, "", "ready: replies byte by byte, events everywhere");
	talk(garbage_then_honest, 0, 0, "", "ready: another server first");
	talk(hangs_up_on_status, 0, 0, "", "ready: a connection lost in mid reply");
	talk(paused_first, 0, 0, "p", "ready: a guest that is paused first");
	talk(forgets_status, 0, 0, "", "ready: a reply that never comes");
	talk(busy, 0, 0, "s", "ready: another client holds the socket for a while");
	talk(dies_at_once, 0, -ESRCH, "", "ready: ended before it listened");
	talk(dies_after_greeting, 0, -ESRCH, "", "ready: ended before it answered");
	talk(dies_silent, 0, -ESRCH, "s", "ready: ended without a word");
}

static void test_shutdown(void)
{
	talk(shuts_down, 30000, 0, "AE", "shutdown: as it should be");
	talk(misses_first_press, 30000, 0, "AE", "shutdown: a press that the guest missed");
	talk(closes_then_ends, 30000, 0, "a", "shutdown: the socket goes before the process");
	talk(last_words, 30000, 0, "AE", "shutdown: last words and end at once are both heard");
	talk(dies_at_once, 30000, 0, "", "shutdown: ended already");
	talk(vanishes_and_is_back, 30000, 0, "aAE", "shutdown: a socket that comes back");
	talk(floods, 30000, 0, "A", "shutdown: thousands of events");
	talk(refuses, 3000, -ETIMEDOUT, "R", "shutdown: refused");
	talk(deaf, 1000, -ETIMEDOUT, "", "shutdown: no reply");
	talk(vanishes, 1000, -ETIMEDOUT, "a", "shutdown: no socket any more");
	talk(linger_silent, 1000, -ETIMEDOUT, "s", "shutdown: another client holds the socket");
}

int main(void)
{
	char template[] = "/tmp/qmp-test-XXXXXX";

	(void)setvbuf(stdout, NULL, _IONBF, 0);
	folder = mkdtemp(template);
	if (!folder)
		return 1;
	test_bytes();
	test_ready();
	test_shutdown();
	(void)rmdir(folder);
	return failed > 0;
}
