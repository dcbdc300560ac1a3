/* SPDX-License-Identifier: MIT */
/* package-program.h: what a runner package can do with a MicroVM that runs. */
#pragma once

/* Runs a program of the package that NAME was started with, by its path there, as that has run
 * itself: as the MicroVM's user, in its folder. Logs what is wrong and returns an exit_code. */
int package_program(const char *name, const char *program, const char *argument);
