/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: makes one call of a function fail. FAULT=NAME:N:ERRNO fails the Nth call of NAME;
 * FAULT_SEEN is a file that is made when it did. A name that is not wrapped ends the program. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const wrapped[] = {
	"malloc", "calloc", "realloc", "reallocarray", "strdup", "open",    "openat",	 "fopen",
	"fdopen", "fstat",  "stat",    "opendir",      "readdir", "getline", "read", "write",	 "close",
	"mkdirat", "renameat", "symlinkat", "access",  "vasprintf", "readlinkat", "lstat",
};

static struct {
	char name[32];
	long left; /* calls until the one that fails; 0: none does */
	int error;
} fault;

static void complain(const char *what)
{
	(void)!write(STDERR_FILENO, what, strlen(what));
	_exit(99);
}

/* Before main(): nothing here allocates. */
__attribute__((constructor)) static void read_fault(void)
{
	const char *text = getenv("FAULT");
	bool known = false;

	if (!text)
		return;
	if (sscanf(text, "%31[a-z0-9]:%ld:%d", fault.name, &fault.left, &fault.error) != 3)
		complain("FAULT=NAME:N:ERRNO\n");
	for (size_t i = 0; i < sizeof(wrapped) / sizeof(*wrapped); i++)
		known |= strcmp(wrapped[i], fault.name) == 0;
	if (!known)
		complain("FAULT names a function that is not wrapped\n");
}

static bool fails(const char *name)
{
	const char *seen;
	int fd;

	if (fault.left == 0 || strcmp(name, fault.name) != 0 || --fault.left > 0)
		return false;
	seen = getenv("FAULT_SEEN");
	fd = seen ? (int)syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_CREAT, 0644) : -1;
	if (fd >= 0)
		(void)syscall(SYS_close, fd);
	errno = fault.error;
	return true;
}

/* SYMBOL is what the linker sees of NAME: with large files glibc has another name for many. */
#define SEAM_OF(SYMBOL, TYPE, FAILURE, NAME, PARAMETERS, ARGUMENTS) \
	TYPE SYMBOL PARAMETERS; \
	TYPE SYMBOL PARAMETERS \
	{ \
		static TYPE(*real) PARAMETERS; \
\
		if (fails(#NAME)) \
			return FAILURE; \
		if (!real) \
			real = (TYPE(*) PARAMETERS)dlsym(RTLD_NEXT, #SYMBOL); \
		return real ARGUMENTS; \
	}

#define SEAM(TYPE, FAILURE, NAME, PARAMETERS, ARGUMENTS) \
	SEAM_OF(NAME, TYPE, FAILURE, NAME, PARAMETERS, ARGUMENTS)
#define SEAM64(TYPE, FAILURE, NAME, PARAMETERS, ARGUMENTS) \
	SEAM_OF(NAME##64, TYPE, FAILURE, NAME, PARAMETERS, ARGUMENTS)

/* dlsym() itself may want memory, so these go to glibc's own names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return fails("malloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails("calloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails("realloc") ? NULL : __libc_realloc(p, n);
}

SEAM(void *, NULL, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
SEAM(char *, NULL, strdup, (const char *s), (s))
SEAM64(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
SEAM(FILE *, NULL, fdopen, (int fd, const char *mode), (fd, mode))
SEAM64(int, -1, fstat, (int fd, struct stat64 *st), (fd, st))
SEAM64(int, -1, stat, (const char *path, struct stat64 *st), (path, st))
SEAM64(int, -1, lstat, (const char *path, struct stat64 *st), (path, st))
SEAM(DIR *, NULL, opendir, (const char *path), (path))
SEAM64(struct dirent64 *, NULL, readdir, (DIR * dir), (dir))
SEAM(ssize_t, -1, read, (int fd, void *bytes, size_t n), (fd, bytes, n))
SEAM(ssize_t, -1, write, (int fd, const void *bytes, size_t n), (fd, bytes, n))
SEAM(int, -1, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
SEAM(int, -1, renameat, (int f, const char *from, int t, const char *to), (f, from, t, to))
SEAM(int, -1, symlinkat, (const char *to, int fd, const char *at), (to, fd, at))
SEAM(int, -1, access, (const char *path, int mode), (path, mode))
SEAM(int, -1, vasprintf, (char **ret, const char *format, va_list args), (ret, format, args))
SEAM(ssize_t, -1, readlinkat, (int fd, const char *path, char *to, size_t n), (fd, path, to, n))

/* getline(), inlined. A reader that fails says so by its stream's flag. */
ssize_t __getdelim(char **line, size_t *room, int end, FILE *f);
ssize_t __getdelim(char **line, size_t *room, int end, FILE *f)
{
	static ssize_t (*real)(char **, size_t *, int, FILE *);

	if (fails("getline")) {
		f->_flags |= 0x20; /* _IO_ERR_SEEN */
		return -1;
	}
	if (!real)
		real = (ssize_t(*)(char **, size_t *, int, FILE *))dlsym(RTLD_NEXT, "__getdelim");
	return real(line, room, end, f);
}

/* The descriptor is gone even when close() fails (close(2)). */
int close(int fd)
{
	bool failed = fails("close");
	int r = (int)syscall(SYS_close, fd);

	if (failed)
		errno = fault.error;
	return failed ? -1 : r;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return fails("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat64(int fd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return fails("openat") ? -1 : (int)syscall(SYS_openat, fd, path, flags, mode);
}
