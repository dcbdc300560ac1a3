/* SPDX-License-Identifier: MIT */
/* bus.h: PID 1, asked over its bus. What goes wrong is logged here; functions return an exit_code.
 */
#pragma once

#include "../common/words.h"

#include <stdbool.h>
#include <stdint.h>

struct sd_bus;

/* One change of a unit's state that was asked for. */
struct job {
	char *unit;
	char *path;   /* systemd's name for it */
	char *result; /* as JobRemoved of org.freedesktop.systemd1(5) tells it; NULL: under way */
	int64_t asked; /* milliseconds_now() */
};

struct systemd {
	struct sd_bus *at;
	struct job *jobs;
	size_t job_count;
};

struct listed_unit {
	char *name, *description, *load, *active, *sub;
};

struct listed_units {
	struct listed_unit *at; /* sorted by name */
	size_t count;
};

/* Root speaks with systemd itself, also where no D-Bus runs; others through D-Bus. */
int bus_open(struct systemd *ret);
void drop_systemd(struct systemd *bus);

/* The units in memory whose names match one of the patterns (glob(7)). */
int bus_units(struct systemd *bus, const struct words *patterns, struct listed_units *ret);
void drop_listed_units(struct listed_units *units);

/* All properties of a unit that are text or numbers, as "Name=value", a list as one word an element
 * (org.freedesktop.systemd1(5)). A unit that does not exist has them as well: LoadState tells. */
int bus_unit(struct systemd *bus, const char *unit, struct words *ret);
/* Of such words the first of that name; "" where there is none. */
const char *property(const struct words *properties, const char *name);
/* 0 where there is none, or systemd does not know it ("no limit" and "not counted" are UINT64_MAX).
 */
uint64_t property_number(const struct words *properties, const char *name);

/* What a service says of itself (sd_notify(3)); NULL: nothing. free() by the caller. */
char *bus_status(struct systemd *bus, const char *unit);

/* Asks for a job and does not wait for it: "StartUnit", "StopUnit", "RestartUnit", ... A refusal is
 * logged. */
int bus_job(struct systemd *bus, const char *method, const char *unit);
/* Until all jobs have ended, which waiting.h shows. Logs each that failed and where to read why. */
int bus_wait(struct systemd *bus);
bool bus_all_ended(const struct systemd *bus);
/* For who waits for other things too: a descriptor that is readable when systemd has said something,
 * which bus_turn() then reads. */
int bus_fd(struct systemd *bus);
int bus_turn(struct systemd *bus);
/* How the last job of that unit ended, "done" or why not; NULL: there was none that was accepted. */
const char *bus_result(const struct systemd *bus, const char *unit);

/* systemctl daemon-reload */
int bus_reload(struct systemd *bus);
/* systemctl reset-failed; that there is nothing to forget is no failure. */
void bus_reset_failed(struct systemd *bus, const char *unit);
/* systemctl kill; WHO is "main", "control" or "all". */
int bus_kill(struct systemd *bus, const char *unit, const char *who, int signal);
