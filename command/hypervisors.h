/* SPDX-License-Identifier: MIT */
/* hypervisors.h: "microvm check --hypervisors". */
#pragma once

/* Prints the table that the generator refuses by: a row a feature, a column a hypervisor. */
int hypervisors_print(void);
