/* SPDX-License-Identifier: MIT */
/* guest-root.h: [root] as the guest's kernel and initrd take it from the kernel's command line. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* Adds a blank and a word for each thing that they have to know; nothing where there is no [root]. */
void guest_root_add(struct text *line, const struct microvm *vm);
