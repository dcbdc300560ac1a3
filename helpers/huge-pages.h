/* SPDX-License-Identifier: MIT */
/* huge-pages.h: whether the host has what a guest's memory is to be made of. */
#pragma once

#include "../config/model.h"

/* Where it has not: logs how many pages are missing, and returns an exit code. */
int huge_pages_check(const struct microvm *vm);
