/* SPDX-License-Identifier: MIT */
/* check.h: microvm check. */
#pragma once

/* argv[0] is "check"; returns an enum exit_code. */
int command_check(int argc, char **argv);
