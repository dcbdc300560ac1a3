/* SPDX-License-Identifier: MIT */
#include "bus.h"

#include "waiting.h"
#include "../common/clock.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

static const char service[] = "org.freedesktop.systemd1";
static const char object[] = "/org/freedesktop/systemd1";
static const char manager[] = "org.freedesktop.systemd1.Manager";

/* In microseconds: a reload runs all generators and reads all units. */
#define PATIENCE (300 * UINT64_C(1000000))

static void drop_message(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

/* systemd's own words say what it means: "Unit web.service not found." */
static int refused(int r, const sd_bus_error *error, const char *what, const char *whom)
{
	if (!error->message)
		return log_failure(r, "%s%s", what, whom);
	log_line(LEVEL_ERROR, "%s%s: %s", what, whom, error->message);
	return EXIT_REFUSED;
}

static int job_removed(sd_bus_message *m, void *context, sd_bus_error *error)
{
	struct systemd *bus = context;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	for (size_t i = 0; i < bus->job_count; i++)
		if (strcmp(bus->jobs[i].path, path) == 0 && !bus->jobs[i].result)
			bus->jobs[i].result = text_copy(result);
	return 0;
}

/* What systemctl does as root: there is a bus where D-Bus is not installed or does not run yet. */
static int connect_directly(sd_bus **ret)
{
	sd_bus *bus;
	int r = sd_bus_new(&bus);

	if (r < 0)
		return r;
	r = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		sd_bus_unref(bus);
	else
		*ret = bus;
	return r;
}

int bus_open(struct systemd *ret)
{
	int r = -EACCES;

	*ret = (struct systemd){ 0 };
	if (sd_booted() <= 0) {
		log_line(LEVEL_ERROR,
			 "systemd, which runs the MicroVMs, is not the init of this system");
		return EXIT_REFUSED;
	}
	if (geteuid() == 0)
		r = connect_directly(&ret->at);
	if (r < 0)
		r = sd_bus_open_system(&ret->at);
	return r < 0 ? log_failure(r, "cannot speak with systemd") : EXIT_DONE;
}

void drop_systemd(struct systemd *bus)
{
	for (size_t i = 0; i < bus->job_count; i++) {
		free(bus->jobs[i].unit);
		free(bus->jobs[i].path);
		free(bus->jobs[i].result);
	}
	free(bus->jobs);
	sd_bus_flush_close_unref(bus->at);
	*bus = (struct systemd){ 0 };
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct listed_unit *)a)->name, ((const struct listed_unit *)b)->name);
}

static int units_read(sd_bus_message *m, struct listed_units *ret)
{
	const char *name, *description, *load, *active, *sub;
	int r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");

	while (r >= 0 &&
	       (r = sd_bus_message_read(m, "(ssssssouso)", &name, &description, &load, &active,
					&sub, NULL, NULL, NULL, NULL, NULL)) > 0) {
		ret->at = must(reallocarray(ret->at, ret->count + 1, sizeof(*ret->at)));
		ret->at[ret->count++] =
			(struct listed_unit){ text_copy(name), text_copy(description),
					      text_copy(load), text_copy(active), text_copy(sub) };
	}
	return r;
}

int bus_units(struct systemd *bus, const struct words *patterns, struct listed_units *ret)
{
	OWNED(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	OWNED(drop_message) sd_bus_message *call = NULL;
	OWNED(drop_message) sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus->at, &call, service, object, manager,
					       "ListUnitsByPatterns");

	if (r >= 0)
		r = sd_bus_message_append_strv(call, NULL);
	if (r >= 0)
		r = sd_bus_message_append_strv(call, patterns->at);
	if (r >= 0)
		r = sd_bus_call(bus->at, call, 0, &error, &m);
	if (r >= 0)
		r = units_read(m, ret);
	if (r < 0)
		return refused(r, &error, "cannot list units", "");
	if (ret->count > 1)
		qsort(ret->at, ret->count, sizeof(*ret->at), by_name);
	return EXIT_DONE;
}

void drop_listed_units(struct listed_units *units)
{
	for (size_t i = 0; i < units->count; i++) {
		free(units->at[i].name);
		free(units->at[i].description);
		free(units->at[i].load);
		free(units->at[i].active);
		free(units->at[i].sub);
	}
	free(units->at);
	*units = (struct listed_units){ 0 };
}

/* Adds NAME=VALUE; false for a type that is neither text nor whole number. */
static bool value_read(sd_bus_message *m, const char *name, char type, struct words *ret)
{
	union {
		const char *text;
		int32_t number;
		uint32_t natural;
		uint64_t large;
	} v;

	if (!strchr("sogbiutx", type) || sd_bus_message_read_basic(m, type, &v) < 0)
		return false;
	if (strchr("sog", type))
		words_addf(ret, "%s=%s", name, v.text);
	else if (strchr("bi", type))
		words_addf(ret, "%s=%d", name, (int)v.number);
	else if (type == 'u')
		words_addf(ret, "%s=%u", name, (unsigned)v.natural);
	else
		words_addf(ret, "%s=%ju", name, (uintmax_t)v.large);
	return true;
}

/* Cursor on the first of an array of strings. */
static int list_read(sd_bus_message *m, const char *name, struct words *ret)
{
	int r = sd_bus_message_enter_container(m, 'a', "s");

	while (r >= 0 && sd_bus_message_at_end(m, false) == 0)
		if (!value_read(m, name, 's', ret))
			r = -EBADMSG;
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int property_read(sd_bus_message *m, const char *name, struct words *ret)
{
	const char *contents;
	char type;
	int r = sd_bus_message_peek_type(m, &type, &contents);

	if (r <= 0)
		return r;
	r = sd_bus_message_enter_container(m, 'v', contents);
	if (r < 0)
		return r;
	if (strcmp(contents, "as") == 0)
		r = list_read(m, name, ret);
	else if (contents[1] || !value_read(m, name, *contents, ret))
		r = sd_bus_message_skip(m, contents);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int properties_read(sd_bus_message *m, struct words *ret)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		const char *name;

		r = sd_bus_message_read_basic(m, 's', &name);
		if (r >= 0)
			r = property_read(m, name, ret);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

int bus_unit(struct systemd *bus, const char *unit, struct words *ret)
{
	OWNED(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	OWNED(drop_message) sd_bus_message *m = NULL;
	OWNED(drop_str) char *path = NULL;
	int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);

	/* Of an empty name: the properties of all interfaces. */
	if (r >= 0)
		r = sd_bus_call_method(bus->at, service, path, "org.freedesktop.DBus.Properties",
				       "GetAll", &error, &m, "s", "");
	if (r >= 0)
		r = properties_read(m, ret);
	return r < 0 ? refused(r, &error, "cannot ask about ", unit) : EXIT_DONE;
}

const char *property(const struct words *properties, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < properties->count; i++)
		if (strncmp(properties->at[i], name, n) == 0 && properties->at[i][n] == '=')
			return properties->at[i] + n + 1;
	return "";
}

uint64_t property_number(const struct words *properties, const char *name)
{
	return strtoull(property(properties, name), NULL, 10);
}

char *bus_status(struct systemd *bus, const char *unit)
{
	OWNED(drop_str) char *path = NULL;
	OWNED(drop_str) char *status = NULL;

	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ||
	    sd_bus_get_property_string(bus->at, service, path, "org.freedesktop.systemd1.Service",
				       "StatusText", NULL, &status) < 0)
		return NULL;
	return *status ? MOVE(status) : NULL;
}

/* A call of the manager's; WHAT and WHOM tell people what cannot be done. */
static int manager_call(struct systemd *bus, const char *what, const char *whom,
			sd_bus_message **reply, const char *method, const char *types, ...)
{
	OWNED(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	OWNED(drop_message) sd_bus_message *call = NULL;
	va_list args;
	int r = sd_bus_message_new_method_call(bus->at, &call, service, object, manager, method);

	va_start(args, types);
	if (r >= 0)
		r = sd_bus_message_appendv(call, types, args);
	va_end(args);
	if (r >= 0)
		r = sd_bus_call(bus->at, call, PATIENCE, &error, reply);
	return r < 0 ? refused(r, &error, what, whom) : EXIT_DONE;
}

/* Where D-Bus is between, systemd tells of its jobs only who asked to be told. */
static int listen_to_jobs(struct systemd *bus)
{
	const char *sender = sd_bus_is_bus_client(bus->at) > 0 ? service : NULL;
	int r = sd_bus_match_signal(bus->at, NULL, sender, object, manager, "JobRemoved",
				    job_removed, bus);

	if (r < 0)
		return log_failure(r, "cannot listen to systemd");
	return manager_call(bus, "cannot listen to systemd", "", NULL, "Subscribe", "");
}

int bus_job(struct systemd *bus, const char *method, const char *unit)
{
	OWNED(drop_message) sd_bus_message *m = NULL;
	const char *path;
	int r = bus->job_count == 0 ? listen_to_jobs(bus) : EXIT_DONE;

	if (r == EXIT_DONE)
		r = manager_call(bus, "", unit, &m, method, "ss", unit, "replace");
	if (r != EXIT_DONE)
		return r;
	r = sd_bus_message_read(m, "o", &path);
	if (r < 0)
		return log_failure(r, "%s", unit);
	bus->jobs = must(reallocarray(bus->jobs, bus->job_count + 1, sizeof(*bus->jobs)));
	bus->jobs[bus->job_count++] =
		(struct job){ .unit = text_copy(unit), .path = text_copy(path), .asked = milliseconds_now() };
	return EXIT_DONE;
}

bool bus_all_ended(const struct systemd *bus)
{
	for (size_t i = 0; i < bus->job_count; i++)
		if (!bus->jobs[i].result)
			return false;
	return true;
}

static bool went_well(const struct job *job)
{
	return strcmp(job->result, "done") == 0 || strcmp(job->result, "skipped") == 0;
}

static int tell_failed(const struct systemd *bus)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < bus->job_count; i++) {
		const struct job *job = &bus->jobs[i];

		if (went_well(job))
			continue;
		log_line(LEVEL_ERROR, "%s: %s; see: systemctl status %s", job->unit, job->result,
			 job->unit);
		r = EXIT_REFUSED;
	}
	return r;
}

int bus_fd(struct systemd *bus)
{
	return sd_bus_get_fd(bus->at);
}

int bus_turn(struct systemd *bus)
{
	int r;

	do
		r = sd_bus_process(bus->at, NULL);
	while (r > 0);
	return r < 0 ? log_failure(r, "systemd does not answer any more") : EXIT_DONE;
}

/* Until systemd says something, or it is time to show another thing. */
static int bus_rest(struct systemd *bus)
{
	int patience = waiting_show(bus);

	return sd_bus_wait(bus->at, patience < 0 ? UINT64_MAX : (uint64_t)patience * 1000);
}

int bus_wait(struct systemd *bus)
{
	int r = 0;

	while (r >= 0 && !bus_all_ended(bus)) {
		r = sd_bus_process(bus->at, NULL);
		if (r == 0)
			r = bus_rest(bus);
	}
	waiting_end();
	return r < 0 ? log_failure(r, "systemd does not answer any more") : tell_failed(bus);
}

const char *bus_result(const struct systemd *bus, const char *unit)
{
	for (size_t i = bus->job_count; i > 0; i--)
		if (strcmp(bus->jobs[i - 1].unit, unit) == 0)
			return bus->jobs[i - 1].result;
	return NULL;
}

int bus_reload(struct systemd *bus)
{
	return manager_call(bus, "cannot reload systemd", "", NULL, "Reload", "");
}

void bus_reset_failed(struct systemd *bus, const char *unit)
{
	(void)sd_bus_call_method(bus->at, service, object, manager, "ResetFailedUnit", NULL, NULL,
				 "s", unit);
}

int bus_kill(struct systemd *bus, const char *unit, const char *who, int signal)
{
	return manager_call(bus, "", unit, NULL, "KillUnit", "ssi", unit, who, signal);
}
