/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include "bus.h"
#include "screen.h"

#include "../common/clock.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Milliseconds. */
enum {
	A_MOMENT = 1000,
	EVERY = 400,
};

#define ERASE "\r\033[K"

static bool drawn;

void waiting_end(void)
{
	if (drawn)
		(void)dprintf(STDERR_FILENO, ERASE);
	drawn = false;
}

static void interrupted(int signal)
{
	(void)!write(STDERR_FILENO, ERASE, strlen(ERASE));
	(void)raise(signal);
}

/* The shell's prompt is not to begin in the midst of our line. */
static void erase_when_interrupted(void)
{
	const struct sigaction erase = { .sa_handler = interrupted,
					 .sa_flags = SA_RESETHAND | SA_NODEFER };
	struct sigaction now;

	if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		(void)sigaction(SIGINT, &erase, NULL);
}

/* A line that goes on in the next one could not be drawn over. */
static void fit(struct text *line)
{
	while (line->length > 0 && screen_width(line->at) >= screen_columns()) {
		do
			line->length--;
		while ((line->at[line->length] & 0xc0) == 0x80);
		line->at[line->length] = '\0';
	}
}

/* The cursor goes back, so that whatever comes next begins its line. */
static void draw(struct text *line)
{
	erase_when_interrupted();
	fit(line);
	(void)dprintf(STDERR_FILENO, ERASE "%s\r", line->at);
	drawn = true;
}

/* What is done for the MicroVM before it can start; NULL: nothing, or it is none. */
static char *status_of(struct systemd *bus, const char *unit)
{
	OWNED(drop_str) char *preparing = text_format("install-%s", unit);

	return strncmp(unit, "microvm@", 8) == 0 ? bus_status(bus, preparing) : NULL;
}

static void add_job(const struct job *job, const char *status, int64_t age, struct text *line)
{
	const char *name = strchr(job->unit, '@') + 1;

	text_addf(line, "%.*s: ", (int)strcspn(name, "."), name);
	text_add_shown(line, status);
	text_addf(line, " (%" PRId64 " s)", age / 1000);
}

/* The one that was asked for first stands for all. */
static size_t add_jobs(struct systemd *bus, struct text *line)
{
	int64_t now = milliseconds_now();
	size_t shown = 0;

	for (size_t i = 0; i < bus->job_count; i++) {
		const struct job *job = &bus->jobs[i];
		bool old = !job->result && now - job->asked >= A_MOMENT;
		OWNED(drop_str) char *status = old ? status_of(bus, job->unit) : NULL;

		if (status && shown++ == 0)
			add_job(job, status, now - job->asked, line);
	}
	return shown;
}

static void show(struct systemd *bus)
{
	OWNED(drop_text) struct text line = { 0 };
	size_t shown = add_jobs(bus, &line);

	if (shown == 0) {
		waiting_end();
		return;
	}
	if (shown > 1)
		text_addf(&line, " and %zu more", shown - 1);
	draw(&line);
}

int waiting_show(struct systemd *bus)
{
	static int64_t next;
	int64_t now = milliseconds_now();

	if (screen_columns() == 0)
		return -1;
	if (bus_all_ended(bus)) {
		waiting_end();
		return -1;
	}
	if (now >= next) {
		show(bus);
		next = now + EVERY;
	}
	return (int)(next - now);
}
