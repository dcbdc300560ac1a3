/* SPDX-License-Identifier: MIT */
/* hypervisor.h: what every hypervisor is to the rest of the project. A new one is one file that fills
 * in a struct hypervisor, and one row in hypervisors.c. */
#pragma once

#include "kernel-image.h"

#include "../config/problems.h"

enum ability {
#define ABILITY(NAME, ...) CAN_##NAME,
#include "abilities.def"
	ABILITIES,
};

/* For the table of a hypervisor: .can = CAN(NET_USER) | CAN(NET_TAP) */
#define CAN(NAME) (1ull << CAN_##NAME)

/* How it is talked to while it runs; control.h has the conversation, the fields below its words. */
enum protocol {
	PROTOCOL_NONE,
	PROTOCOL_QMP,  /* JSON lines over a Unix socket */
	PROTOCOL_HTTP, /* HTTP/1.1 over a Unix socket; questions are "GET /path" or "PUT /path BODY" */
	PROTOCOL_CROSVM,
	PROTOCOL_KVMTOOL,
	PROTOCOLS,
};

/* A version of a hypervisor, to be compared. */
#define RELEASE(MAJOR, MINOR) ((unsigned)(MAJOR) << 16 | (unsigned)(MINOR))

/* What only the start knows. */
struct launch {
	const char *program; /* path of the hypervisor's binary */
	unsigned release;    /* of that binary; the newest when it is not known */
	const char *dir;     /* the runtime folder */
	const char *control; /* path of the control socket; NULL: none is wanted */
	const char *config;  /* path that the configuration file will have */
	const char *credentials; /* folder of what systemd loaded for [credential] */
	enum architecture architecture; /* of the guest */
	const struct firmware *firmware; /* NULL: none */
	const char *render_node; /* the GPU of the host that can be used; NULL: none */
	bool kvm;            /* /dev/kvm can be used, for guests of this architecture */
	bool vhost_net;      /* /dev/vhost-net can be used */
	int vhost_vsock;     /* open, with the guest's cid; 0: the hypervisor opens it */
	const struct queues *queues; /* of the macvtaps, in the order of the interfaces */
	size_t queue_count;
	int console; /* descriptor for a copy of what the console shows; 0: none is wanted */
};

/* What the host knows of the firmware that is to be booted. */
struct firmware {
	enum architecture architecture;
	char *format;    /* of the image: raw, qcow2 */
	char *variables; /* path of a template for its variables; NULL: it keeps none in a file */
	char *variables_format;
	bool guarded; /* only code of the firmware itself may write them, which the machine sees to */
};

/* A program that runs guests of one architecture. */
struct emulator {
	const char *program;
	const char *debian;
};

/* Open descriptors of one interface, one a queue; they stay open over exec. */
struct queues {
	const struct interface *interface;
	int *fds;
	size_t count;
};

/* The balloon of a guest that runs, in the words of the protocol. */
struct balloon {
	const char *ask;
	/* The number in the reply: what the balloon has ("BalloonStats.balloon_actual"), or what it has
	 * left to the guest, or, of who tells no more, what it was last asked to have. */
	const char *has, *left, *wanted;
	bool counts_plugged; /* what is left has in it what was plugged in: it tells nothing of the balloon */
	const char *set;     /* with a %ju for the number */
	bool sets_left;
	uint64_t unit; /* of both numbers, in bytes */
};

struct hypervisor {
	const char *name;
	const char *program; /* looked up in $PATH where [NAME] package does not say it */
	/* One an architecture, instead of program, of those that run guests without KVM, slowly;
	 * debian is the package for the message when it is missing. */
	const struct emulator *emulators;
	bool names_process;  /* makes the process microvm@NAME itself, for prettyProcnames */
	bool multi_queue;    /* opens a tap once for each virtual CPU, which the tap must be made for */
	bool opens_macvtaps; /* by the path of their node, and not by a descriptor */
	bool mute;	     /* has no socket, or answers before it has its devices */
	bool locks_volumes;  /* with flock(2), for which ours has to be gone */
	bool tagless;	     /* virtiofsd has to tell the guest the tag of its share */
	bool terminal;	     /* its console is that, or it does not do what it should: its standard input and output */
	bool vsock_socket;   /* has the guest's vsock as a Unix socket, not as a cid of the kernel's */
	bool takes_vsock;    /* an open /dev/vhost-vsock, which has its cid already */
	bool own_affair;     /* a program of somebody's: what it runs, and how, it knows alone */
	unsigned long long can;
	enum protocol protocol;
	const char *ask_status;   /* answered with a running guest: it runs */
	const char *ask_poweroff; /* presses the guest's power button; NULL: there is none */
	/* Where there is none: what the guest itself does that ends the hypervisor, "poweroff" or "reboot", so that
	 * its systemd can be asked for it (guest-stop.h). */
	const char *ends_with;
	/* Typed at the console whenever the guest was asked, without which nothing comes of that; 0: nothing. */
	char nudge;
	const char *ask_reset; /* resets the machine at once; NULL: it has to be started again */
	const struct balloon *balloon; /* NULL: nobody can ask while the guest runs */
	const char *asks;	  /* what that is, for the log, if it is no power button */
	const char *ask_release;  /* argument with which the binary prints its version; NULL: no need */

	/* systemd's Restart= when the file says nothing: after a guest's reboot and a crash, not after
	 * its poweroff, as far as the exit tells them apart (systemd.service(5)). */
	const char *restart;
	/* Exit codes of a guest's reboot, as systemd writes a list of them, or NULL
	 * (RestartForceExitStatus=, where the file says nothing of restarts). */
	const char *exit_reboot;

	/* The path that [NAME] package gives, or NULL. */
	const char *(*package)(const struct microvm *vm);
	/* Refuses what this hypervisor cannot do beyond the abilities; NULL: nothing. */
	void (*check)(const struct microvm *vm, struct problems *problems);
	/* Adds the whole command line, argv[0] included, for a MicroVM in which nothing is unset that
	 * has to be told apart from others: machineId and every mac have values. */
	void (*command)(const struct microvm *vm, const struct launch *launch, struct words *argv);

	/* All of these may be NULL. */

	/* Whether it matters which version is there; without it that is always asked. */
	bool (*needs_release)(const struct microvm *vm);
	/* Refuses at the start what the binary that is there is too old for. */
	void (*check_release)(const struct microvm *vm, unsigned release, struct problems *problems);
	/* Adds the JSON file that microvm-run writes and the command names, a word each value:
	 * "drives.0.drive_id=TEXT" or, for what is no text, "drives.0.is_read_only:=true". A dot goes
	 * one level down, a number counts up in a list. */
	void (*config)(const struct microvm *vm, const struct launch *launch, struct words *values);
	/* The user's JSON file that is merged over it (RFC 7396), or NULL. */
	const char *(*config_over)(const struct microvm *vm);
	/* Adds settings for the unit, as "KEY=VALUE", that it needs beyond the template's. */
	void (*settings)(const struct microvm *vm, struct words *ret);
	/* What else has to be in place, in the process that becomes the hypervisor. Logs what is wrong and
	 * returns an enum exit_code. */
	int (*prepare)(const struct microvm *vm, const struct launch *launch);
	/* Adds the paths of what its own section makes it read. */
	void (*files)(const struct microvm *vm, struct words *paths);
	/* Whether the MicroVM has a console that people can attach to, without a terminal: one that reads
	 * its standard input and writes both to its standard output and to launch->console. */
	bool (*console)(const struct microvm *vm);
};

extern const struct hypervisor hypervisor_qemu;
extern const struct hypervisor hypervisor_cloud_hypervisor;
extern const struct hypervisor hypervisor_firecracker;
extern const struct hypervisor hypervisor_crosvm;
extern const struct hypervisor hypervisor_kvmtool;
extern const struct hypervisor hypervisor_stratovirt;
extern const struct hypervisor hypervisor_alioth;
extern const struct hypervisor hypervisor_runner; /* a runner package in a hypervisor's place */

extern const struct hypervisor *const hypervisors[HYPERVISORS];

/* What runs the MicroVM. */
const struct hypervisor *hypervisor_of(const struct microvm *vm);

/* A setting that needs an ability. */
struct ability_use {
	const char *section, *key, *value; /* value: what of the key needs the ability; NULL: any */
	const char *what;
};

extern const struct ability_use ability_uses[ABILITIES];

bool hypervisor_can(const struct hypervisor *h, enum ability ability);

/* Whether the host's kernel carries the guest's vsock: then its cid is one of the whole host. */
bool hypervisor_uses_vhost_vsock(const struct microvm *vm);

/* The Unix socket behind which the guest's ports are ("CONNECT PORT\n"), in the runtime folder DIR; a
 * port of the host is at PATH_PORT. NULL where the guest has a cid instead, or no vsock. free() by the
 * caller. */
char *hypervisor_vsock_socket(const struct microvm *vm, const char *dir);

/* Whether people can attach to the MicroVM's console. */
bool hypervisor_has_console(const struct microvm *vm);

/* How many queues each of the MicroVM's interfaces has; with 1 a tap must not be made for more. */
unsigned hypervisor_queues(const struct microvm *vm);

/* Refuses the key where the MicroVM's hypervisor lacks the ability that it needs. */
void hypervisor_check_ability(const struct microvm *vm, const struct section *s, const char *key,
			      enum ability ability, struct problems *problems);

/* Refuses every setting that needs an ability which the MicroVM's hypervisor lacks, names those that
 * have it, and then asks the hypervisor's own check. */
void hypervisor_check(const struct microvm *vm, struct problems *problems);
