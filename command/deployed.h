/* SPDX-License-Identifier: MIT */
/* deployed.h: what other hosts have deployed here (microvm deploy). Each MicroVM of that kind has a
 * folder with its versions, each of them a configuration file and below files/ what that names. The
 * version in force is the one whose configuration stands in /etc/microvm; what was before it the
 * link "old" tells. All of it is root's: in the state folder the MicroVM's user could put another
 * in its place. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define DEPLOYED "/var/lib/microvm-deployed"

struct deployed {
	char *name;
	char *target; /* what the configuration is to be called */
	int folder;   /* locked: nobody else is at it */
};

#define NOTHING_DEPLOYED ((struct deployed){ .folder = -1 })

/* Where a file of the version lies: this in front of the path that it has where it comes from;
 * free() by the caller. */
char *deployed_files(const char *name, const char *version);
/* Whether that is what a version can be called. */
bool deployed_version_fits(const char *version);

/* Whether there is anything of that MicroVM. */
bool deployed_is(const char *name);

/* Those below log and return an exit_code. */

/* Makes the folder where there is none, and refuses while somebody else is at it. */
int deployed_open(const char *name, struct deployed *ret);
void drop_deployed(struct deployed *d);

/* Refuses where the MicroVM is configured by something else than one of the versions. */
int deployed_refuse_foreign(const struct deployed *d);
/* Puts a version in force, once it is judged, or leaves all as it was. */
int deployed_put(const struct deployed *d, const char *version);
/* The same for the one before the one in force. */
int deployed_put_back(const struct deployed *d);
/* Deletes the versions that are neither in force nor the one before, and that nothing runs with. */
int deployed_tidy(const struct deployed *d);

/* The version in force, NULL: none; free() by the caller. */
char *deployed_current(const struct deployed *d);
bool deployed_has(const struct deployed *d, const char *version);
/* Deletes what the folder has of that name, if it has. */
int deployed_delete(const struct deployed *d, const char *name);
