/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <uuid/uuid.h>

static const char service[] = "org.freedesktop.machine1";
static const char object[] = "/org/freedesktop/machine1";
static const char manager[] = "org.freedesktop.machine1.Manager";
static const char varlink[] = "/run/systemd/machine/io.systemd.Machine";

enum { PATIENCE = 10 * 1000 }; /* milliseconds */

static void drop_message(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

static void drop_connection(sd_bus **bus)
{
	sd_bus_flush_close_unref(*bus);
}

/* The unit of a machine that is registered already; NULL: there is none. free() by the caller. */
static char *unit_of(sd_bus *bus, const char *name)
{
	OWNED(drop_message) sd_bus_message *m = NULL;
	const char *path;
	char *unit = NULL;

	if (sd_bus_call_method(bus, service, object, manager, "GetMachine", NULL, &m, "s", name) < 0 ||
	    sd_bus_message_read(m, "o", &path) < 0)
		return NULL;
	(void)sd_bus_get_property_string(bus, service, path, "org.freedesktop.machine1.Machine", "Unit",
					 NULL, &unit);
	return unit;
}

/* systemd-machined forgets a machine with its unit, and the unit of one that is started again has not
 * been inactive. */
static void forget_former(sd_bus *bus, const struct machine *m)
{
	OWNED(drop_str) char *unit = unit_of(bus, m->name);

	if (unit && strcmp(unit, m->unit) == 0)
		(void)sd_bus_call_method(bus, service, object, manager, "UnregisterMachine", NULL, NULL, "s",
					 m->name);
}

static int bus_register(sd_bus *bus, const struct machine *m)
{
	OWNED(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	OWNED(drop_message) sd_bus_message *call = NULL;
	uuid_t id;
	int r = sd_bus_message_new_method_call(bus, &call, service, object, manager,
					       "RegisterMachineWithNetwork");

	if (uuid_parse(m->id, id) < 0)
		return log_failure(-EINVAL, "%s", m->id);
	if (r >= 0)
		r = sd_bus_message_append(call, "s", m->name);
	if (r >= 0)
		r = sd_bus_message_append_array(call, 'y', id, sizeof(id));
	if (r >= 0)
		r = sd_bus_message_append(call, "ssus", "microvm", "vm", (uint32_t)m->leader, "");
	if (r >= 0)
		r = sd_bus_message_append_array(call, 'i', m->interfaces, m->interface_count * sizeof(int));
	if (r >= 0)
		r = sd_bus_call(bus, call, PATIENCE * UINT64_C(1000), &error, NULL);
	if (r >= 0)
		return EXIT_DONE;
	if (!error.message)
		return log_failure(r, "cannot register with systemd-machined");
	log_line(LEVEL_WARNING, "cannot register with systemd-machined: %s", error.message);
	return EXIT_REFUSED;
}

/* ---- since systemd 256: what D-Bus has no words for ---- */

static void add_interfaces(struct text *t, const struct machine *m)
{
	text_add(t, ",\"ifIndices\":[");
	for (size_t i = 0; i < m->interface_count; i++)
		text_addf(t, "%s%d", i ? "," : "", m->interfaces[i]);
	text_add(t, "]");
}

/* The names and numbers in it need no escape. */
static char *varlink_call(const struct machine *m)
{
	struct text t = { 0 };

	text_addf(&t, "{\"method\":\"io.systemd.Machine.Register\",\"parameters\":{\"name\":\"%s\","
		      "\"id\":\"", m->name);
	for (const char *c = m->id; *c; c++)
		if (*c != '-')
			text_add_bytes(&t, c, 1);
	text_addf(&t, "\",\"service\":\"microvm\",\"class\":\"vm\",\"leader\":%d", (int)m->leader);
	if (m->interface_count > 0)
		add_interfaces(&t, m);
	text_addf(&t, ",\"vSockCid\":%u", (unsigned)m->cid);
	if (m->ssh)
		text_addf(&t, ",\"sshAddress\":\"vsock/%u\"", (unsigned)m->cid);
	text_add(&t, "}}");
	return t.at;
}

/* A reply is {"parameters":...} or {"error":...}, ended by a NUL byte. */
static int varlink_read(int fd)
{
	char reply[4096];
	size_t n = 0;

	while (n < sizeof(reply)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&p, 1, PATIENCE) == 1 ? read(fd, reply + n, sizeof(reply) - n) : 0;

		if (got <= 0)
			return -EPROTO;
		n += (size_t)got;
		if (reply[n - 1] == '\0')
			return strstr(reply, "\"error\"") ? -EREMOTEIO : 0;
	}
	return -EMSGSIZE;
}

static int varlink_register(const struct machine *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED(drop_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OWNED(drop_str) char *call = varlink_call(m);
	size_t n = strlen(call) + 1;

	strcpy(address.sun_path, varlink);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (send(fd, call, n, MSG_NOSIGNAL) != (ssize_t)n)
		return -EIO;
	return varlink_read(fd);
}

int machine_register(const struct machine *m)
{
	OWNED(drop_connection) sd_bus *bus = NULL;
	int r = sd_bus_open_system(&bus);

	if (r < 0)
		return log_failure(r, "cannot speak with systemd-machined");
	forget_former(bus, m);
	/* Asking for the former has started systemd-machined. */
	if (m->cid > 0 && varlink_register(m) == 0)
		return EXIT_DONE;
	return bus_register(bus, m);
}
