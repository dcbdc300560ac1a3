/* SPDX-License-Identifier: MIT */
/* types.h: the types of values, as types.def lists them. */
#pragma once

#include "keys.h"

#define TYPE(NAME, CTYPE, MANUAL) \
	typedef CTYPE field_##NAME; \
	extern const struct type type_##NAME;
#define CHOICE(NAME, CTYPE, ...) TYPE(NAME, CTYPE, )
#include "types.def"
