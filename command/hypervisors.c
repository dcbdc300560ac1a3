/* SPDX-License-Identifier: MIT */
#include "hypervisors.h"

#include "../common/log.h"
#include "../common/text.h"
#include "../config/keys.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_WIDTH = 36, GAP = 2 };

static void line_print(const char *first,
		       const char *(*word)(const struct hypervisor *h, size_t row), size_t row)
{
	struct text t = { 0 };

	text_addf(&t, "%-*s", FIRST_WIDTH, first);
	for (size_t i = 0; i < HYPERVISORS; i++)
		text_addf(&t, "%*s%-*s", GAP, "",
			  i + 1 < HYPERVISORS ? (int)strlen(hypervisors[i]->name) : 0,
			  word(hypervisors[i], row));
	puts(t.at);
	drop_text(&t);
}

static const char *name(const struct hypervisor *h, size_t row)
{
	(void)row;
	return h->name;
}

static const char *yes(bool value)
{
	return value ? "yes" : "-";
}

static const char *ability(const struct hypervisor *h, size_t row)
{
	return yes(hypervisor_can(h, (enum ability)row));
}

/* What no key asks for. */
enum fact { EMULATES, MULTI_QUEUE, ASKS, RESETS, BALLOONS, CONSOLE, FACTS };

static const char *fact(const struct hypervisor *h, size_t row)
{
	const bool facts[FACTS] = {
		[EMULATES] = h->emulators,
		[MULTI_QUEUE] = h->multi_queue,
		[ASKS] = h->ask_poweroff,
		[RESETS] = h->ask_reset,
		[BALLOONS] = h->balloon,
		[CONSOLE] = h->terminal || h->console,
	};

	return yes(facts[row]);
}

static void ability_print(enum ability row)
{
	const struct ability_use *use = &ability_uses[row];
	struct text t = { 0 };

	text_addf(&t, "[%s] %s%s%s", use->section, use->key, use->value ? "=" : "",
		  use->value ? use->value : "");
	line_print(t.at, ability, row);
	drop_text(&t);
}

int hypervisors_print(void)
{
	static const char *const facts[FACTS] = {
		[EMULATES] = "a guest without KVM",
		[MULTI_QUEUE] = "several queues of an interface",
		[ASKS] = "a guest that is asked to shut down",
		[RESETS] = "a reset in place",
		[BALLOONS] = "a balloon whose size is changed",
		[CONSOLE] = "a console to attach to",
	};

	line_print("", name, 0);
	for (enum ability row = 0; row < ABILITIES; row++)
		ability_print(row);
	for (enum fact row = 0; row < FACTS; row++)
		line_print(facts[row], fact, row);
	return fflush(stdout) == 0 ? EXIT_DONE : log_failure(-errno, "standard output");
}
