/* SPDX-License-Identifier: MIT */
/* microvm-unit.h: the drop-in of microvm@NAME.service, of a MicroVM that can be started. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* [Unit] behind SourcePath=, and [Service] behind the user's settings. */
void microvm_unit_lines(struct text *u, const struct microvm *vm);
void microvm_service_lines(struct text *u, const struct microvm *vm);

/* Shows a file that the sandbox hides by default. */
void bind_hidden(struct text *u, const char *path);
