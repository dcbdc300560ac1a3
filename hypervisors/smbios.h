/* SPDX-License-Identifier: MIT */
/* smbios.h: credentials as strings of the machine (SMBIOS type 11), where the guest's systemd looks for them as it does in
 * fw_cfg. Their names may have any length, and all values together 44 KiB. */
#pragma once

#include "hypervisor.h"

/* The path of the file that a credential's string is in; free() by the caller. */
char *smbios_file(const struct launch *launch, const struct credential *credential);

/* Makes that file, for the MicroVM's user alone: a command line could be read by everybody. USED counts the bytes of all
 * strings. Logs what is wrong and returns an enum exit_code. */
int smbios_write(const struct launch *launch, const struct credential *credential, size_t *used);
