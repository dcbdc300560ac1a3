/* SPDX-License-Identifier: MIT */
/* question.h: a question to the hypervisor of a MicroVM that runs. */
#pragma once

#include "../config/model.h"

/* VM is what its start noted. REPLY is JSON text or NULL; free() by the caller. Logs what is wrong and
 * returns an exit_code. */
int put_question(const struct microvm *vm, const char *text, char **reply);
