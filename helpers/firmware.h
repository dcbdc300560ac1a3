/* SPDX-License-Identifier: MIT */
/* firmware.h: what the host's packages tell of a firmware image. */
#pragma once

#include "../hypervisors/hypervisor.h"

/* From the descriptions that packages of firmware install for qemu (docs/interop/firmware.json
 * there), or, for an image that nobody describes, a template beside it: X_VARS.fd of X_CODE.fd.
 * drop_firmware() by the caller. */
void firmware_find(const char *image, struct firmware *ret);

void drop_firmware(struct firmware *f);
