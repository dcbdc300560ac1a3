/* SPDX-License-Identifier: MIT */
/* base64.h: RFC 4648. */
#pragma once

#include "text.h"

/* What another call adds continues it only where N is a multiple of 3. */
void base64_add(struct text *t, const void *bytes, size_t n);
