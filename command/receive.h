/* SPDX-License-Identifier: MIT */
/* receive.h: what "microvm deploy" here and "microvm receive" there say to each other.
 *
 * deploy: the size of the configuration in bytes, a line; the configuration.
 * receive: lines, what it has and what it lacks, up to RECEIVE_END. Then files come beside, by
 * rsync. deploy: RECEIVE_END. If its end comes first, nothing is kept. receive: what people read.
 */
#pragma once

#define RECEIVE_BASE "base "	 /* and a version that is there */
#define RECEIVE_FILES "files"	 /* all of this one are wanted */
#define RECEIVE_VOLUME "volume " /* and the ID of one that is wanted, if there is such */
#define RECEIVE_END "end"

/* In the folder of the MicroVM: a version that is not whole. Volumes are below volumes/ by their
 * ID. */
#define RECEIVE_FOLDER "incoming"
