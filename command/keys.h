/* SPDX-License-Identifier: MIT */
/* keys.h: microvm keys, the configuration language as text for the manual and completions. */
#pragma once

int command_keys(int argc, char **argv);
