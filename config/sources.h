/* SPDX-License-Identifier: MIT */
/* sources.h: which files configure which MicroVM. */
#pragma once

#include "problems.h"

struct source {
	char *name;           /* the file's name without .conf; not yet judged */
	char *shown;          /* its path as it is told: without the root that tests put in front */
	struct words dropins; /* likewise, in the order of reading */
	bool package;	      /* no file: a runner package in the folder of a MicroVM */
};

struct entries {
	struct kept_entry *at;
	size_t count;
};

struct sources {
	const char *root;  /* stands in front of all paths, owned by the caller; NULL: none */
	struct source *at; /* sorted by name */
	size_t count;
	char *defaults_shown;
	struct entries defaults; /* of the host-wide file */
	struct problems defaults_problems;
	struct words masked; /* names that are no MicroVM's */
	struct words strays; /* folders NAME.conf.d without a NAME.conf, as shown */
};

/* The look-up folders, most important first: $MICROVM_CONF_PATH (colon separated), else the standard
 * ones. */
void sources_folders(struct words *ret);

/* Finds all MicroVMs of the folders, each folder with ROOT in front, and reads the first host-wide file
 * that stands beside a folder (/etc/microvm.conf for /etc/microvm). A folder that does not exist holds
 * nothing. Returns 0, or -errno for a folder that cannot be read. */
int sources_find(const char *root, const struct words *folders, struct sources *ret);

/* Adds the MicroVMs that have no file, but a runner package as /var/lib/microvms/NAME/current. Only what is
 * mounted is seen; with $MICROVM_CONF_PATH there are none. Returns 0 or -errno. */
int sources_add_packages(const char *root, struct sources *s);

/* The source of that name, or NULL; the list has to be sorted as sources_find() leaves it. */
const struct source *sources_look_up(const struct sources *s, const char *name);

/* One file by its path; its drop-ins are in the folder PATH.d. */
void sources_add_file(struct sources *s, const char *path);

/* As if the file PATH stood in the place of TARGET, the first file or a drop-in of NAME. */
void sources_replace(struct sources *s, const char *name, const char *target, const char *path);

void drop_sources(struct sources *s);

/* Reads the MicroVM's files into vm, from microvm_init(), and judges it as a whole. Returns 0, or
 * -EINVAL with the problems noted. */
int source_load(const struct sources *all, const struct source *source, struct microvm *vm,
		struct problems *problems);

/* Whether the name may be a MicroVM's: a host name label in lower case. */
bool microvm_name_fits(const char *name);
