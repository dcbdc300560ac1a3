/* SPDX-License-Identifier: MIT */
/* Any bytes as a configuration file: it is read, judged and made into units, or refused with a
 * reason. What people and systemd are shown is clean text in either case. */
#include "common/owned.h"
#include "common/text.h"
#include "config/arguments.h"
#include "config/keys.h"
#include "config/sources.h"
#include "generator/claims.h"
#include "generator/microvm-unit.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define insist(good)                                                                               \
	do {                                                                                       \
		if (!(good)) {                                                                     \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #good);           \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

/* A record of the kernel's log, without its level and our name. */
enum { LONGEST_LINE = 960 };

static void check_lines(const struct words *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		insist(*lines->at[i] && text_is_shown(lines->at[i]) &&
		       strlen(lines->at[i]) < LONGEST_LINE);
}

static void check_unit(const char *unit)
{
	for (size_t n; *unit; unit += n) {
		n = *unit == '\n' ? 1 : text_shown_length(unit);
		insist(n > 0);
	}
}

static void check_units(const struct microvm *vm)
{
	OWNED(drop_text) struct text u = { 0 };

	text_add(&u, "");
	microvm_unit_lines(&u, vm);
	microvm_service_lines(&u, vm);
	check_unit(u.at);
}

/* What the generator writes for a helper is what the helper reads. */
static void check_arguments(const struct microvm *vm, enum audience audience)
{
	OWNED(drop_words) struct words words = { 0 }, again = { 0 };
	OWNED(drop_microvm) struct microvm back;
	struct problems problems = { 0 };

	arguments_write(vm, audience, &words);
	microvm_init(&back, vm->name);
	insist(arguments_read(&back, words.at, &problems) == 0);
	insist(problems.errors.count == 0);
	arguments_write(&back, audience, &again);
	insist(words.count == again.count);
	for (size_t i = 0; i < words.count; i++)
		insist(strcmp(words.at[i], again.at[i]) == 0);
	drop_problems(&problems);
}

static void load(const struct source *source)
{
	OWNED(drop_claims) struct claims *claims = claims_new();
	OWNED(drop_microvm) struct microvm vm;
	const struct sources all = { 0 };
	struct problems problems = { 0 };
	int r;

	microvm_init(&vm, source->name);
	r = source_load(&all, source, &vm, &problems);
	insist((r < 0) == (problems.errors.count > 0));
	if (r == 0)
		r = claims_enter(claims, "/nowhere", &vm, &problems);
	check_lines(&problems.errors);
	check_lines(&problems.warnings);
	if (r == 0) {
		check_units(&vm);
		check_arguments(&vm, FOR_RUN);
		check_arguments(&vm, FOR_INSTALL);
		check_arguments(&vm, FOR_CONTROL);
	}
	drop_problems(&problems);
}

static int file_with(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("conf", MFD_CLOEXEC);
	insist(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED(drop_str) char *path = text_format("/proc/self/fd/%d", file_with(data, size));

	load(&(struct source){ .name = (char *)"web", .shown = path });
	return 0;
}
