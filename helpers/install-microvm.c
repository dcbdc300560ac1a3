/* SPDX-License-Identifier: MIT */
/* install-microvm@NAME.service calls this before the MicroVM starts: it makes the state folder, the
 * volumes and what [root] asks for, and lets the MicroVM's user, whose UID may be new, into them. After the stop it takes back
 * the access to what is not the MicroVM's own. */
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/problems.h"
#include "grants.h"
#include "image.h"
#include "package-folder.h"
#include "root-tree.h"
#include "share-folder.h"
#include "state-folder.h"
#include "tell.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USAGE "install-microvm NAME [WORD...] | --release NAME | --lost NAME:ID | --not-configured NAME"

/* Where systemd made a folder for the MicroVM's user, whom root learns of from nowhere else: a dynamic
 * user is no line in a file, and asking for it would mean D-Bus. */
static int find_user(struct stat *ret)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");

	if (folder && stat(folder, ret) == 0)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "$RUNTIME_DIRECTORY does not name a folder of the MicroVM's user, as "
			      "install-microvm@.service makes it");
	return EXIT_CALLED_WRONGLY;
}

/* The records lie beside the folders of the users, in a folder of root's. */
static int open_grants(const char *name, struct grants *ret)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	OWNED(drop_str) char *parent = text_copy(folder ? folder : "");
	char *slash = strrchr(parent, '/');
	int r;

	if (!slash || slash == parent)
		return find_user(&(struct stat){ 0 }) ? EXIT_CALLED_WRONGLY : EXIT_REFUSED;
	*slash = '\0';
	r = grants_open(parent, name, ret);
	return r < 0 ? log_failure(r, "cannot open %s", parent) : EXIT_DONE;
}

static bool all_may(const struct stat *st, bool write)
{
	mode_t needed = S_IROTH | (write ? S_IWOTH : 0);

	return (st->st_mode & needed) == needed;
}

/* An image that is in somebody's folder is one that this somebody could have put there, by a link or
 * from another folder: it is opened to nobody else unless it is clear whose it is. */
static int is_suspect(const struct image *image, const struct stat *st)
{
	uid_t owner = image->found.owner;

	if (st->st_nlink > 1)
		return image_fail(image, "has %ju names (hard links) and does not belong to the MicroVM's "
					 "user; copy it", (uintmax_t)st->st_nlink);
	if (owner != 0 && st->st_uid != 0 && st->st_uid != owner)
		return image_fail(image, "belongs to UID %u, and lies in a folder of UID %u; give it to "
					 "root or to whose folder it is", st->st_uid, owner);
	return EXIT_DONE;
}

/* Lets the user into an image that is somebody else's; its owner stays. */
static int let_in(const struct image *image, int fd, const char *name, const struct stat *user)
{
	OWNED(drop_grants) struct grants grants = NO_GRANTS;
	bool write = !image->volume->read_only;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return image_fail(image, "cannot be opened: %s", strerror(errno));
	if (st.st_uid == user->st_uid || all_may(&st, write))
		return EXIT_DONE;
	r = is_suspect(image, &st);
	if (r == EXIT_DONE)
		r = open_grants(name, &grants);
	if (r != EXIT_DONE)
		return r;
	r = grants_add(&grants, fd, image->path, user->st_uid, write);
	if (r == -EOPNOTSUPP)
		return image_fail(image, "belongs to UID %u, and its file system has no access control "
					 "lists that would let the MicroVM's user in; set user to whose it is",
				  st.st_uid);
	return r < 0 ? image_fail(image, "cannot be opened to the MicroVM's user: %s", strerror(-r)) :
		       EXIT_DONE;
}

static int keep_volume(const struct image *image, const char *name, const struct stat *user)
{
	OWNED(drop_fd) int fd = -1;
	int r = image_open(image, &fd);

	if (r == EXIT_DONE)
		r = image_check(image, fd);
	if (r == EXIT_DONE)
		r = let_in(image, fd, name, user);
	/* At last: what was not refused up to here may be written to. */
	return r == EXIT_DONE ? image_grow(image, fd) : r;
}

static int install_volume(const struct microvm *vm, const struct volume *v, const struct stat *user)
{
	OWNED(drop_image) struct image image = NO_IMAGE;
	int r = image_make_folders(vm, v, user->st_uid, user->st_gid);

	if (r == EXIT_DONE)
		r = image_find(vm, v, &image);
	if (r == EXIT_DONE && image.found.file < 0)
		r = image_draft(&image, user->st_uid, user->st_gid);
	if (r != EXIT_DONE)
		return r;
	if (image.draft < 0)
		return keep_volume(&image, vm->name, user);
	r = let_in(&image, image.draft, vm->name, user);
	return r == EXIT_DONE ? image_publish(&image) : r;
}

/* All volumes are tried, so that one start tells all that is wrong. */
static int install(const struct microvm *vm)
{
	OWNED(drop_str) char *folder = microvm_state_dir(vm);
	struct stat user;
	int r = find_user(&user);

	if (r == EXIT_DONE && vm->runner)
		r = package_folder_make(folder, vm->runner, user.st_uid, user.st_gid);
	else if (r == EXIT_DONE)
		r = state_folder_make(folder, user.st_uid, user.st_gid);
	if (r == EXIT_DONE)
		r = root_install(vm, user.st_uid, user.st_gid);
	if (r != EXIT_DONE)
		return r;
	for (each(struct volume, v, vm->volumes)) {
		int one = install_volume(vm, v, &user);

		if (r == EXIT_DONE)
			r = one;
	}
	for (each(struct share, s, vm->shares)) {
		int one = share_folder_make(vm, s, user.st_uid, user.st_gid);

		if (r == EXIT_DONE)
			r = one;
	}
	return r;
}

static int install_words(const char *name, char **words)
{
	OWNED(drop_microvm) struct microvm vm;
	int r = arguments_microvm(&vm, name, words);

	return r == EXIT_DONE ? install(&vm) : r;
}

static int release(const char *name)
{
	OWNED(drop_grants) struct grants grants = NO_GRANTS;
	OWNED(drop_str) char *folder = text_format("/var/lib/microvms/%s", name);
	int r = open_grants(name, &grants);

	package_folder_release(folder);
	if (r != EXIT_DONE)
		return r;
	r = grants_release(&grants);
	return r < 0 ? log_failure(r, "not all access to images was taken back") : EXIT_DONE;
}

/* systemd starts this when the device's unit ends. The kernel lets the hypervisor go on: it reads nothing, which qemu takes
 * for zeros, and writes where there is no room, at which qemu halts the guest. */
static int lost(const char *instance)
{
	OWNED(drop_str) char *name = tell_name_of(instance);
	OWNED(drop_str) char *folder = text_format("/run/microvm/%s", name);
	OWNED(drop_str) char *unit = text_format("microvm@%s.service", name);
	OWNED(drop_str) char *message = NULL;

	if (access(folder, F_OK) < 0)
		return EXIT_DONE;
	message = text_format("volume %s: its device is gone, so %s is stopped; start it when the device is back",
			      strchr(instance, ':') + 1, unit);
	tell_microvm(name, "install-microvm", message);
	(void)execlp("systemctl", "systemctl", "--no-block", "stop", unit, NULL);
	return log_failure(-errno, "systemctl");
}

static int refuse_not_configured(const char *name)
{
	log_line(LEVEL_ERROR, "MicroVM %s is not configured: there is no %s.conf that systemctl "
			      "daemon-reload has seen", name, name);
	return EXIT_NOT_CONFIGURED;
}

static void go_on(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	/* A stop ends the program that we wait for or the wait for a lock, and thereby us, after we have
	 * tidied up. */
	struct sigaction ends = { .sa_handler = go_on };

	(void)sigaction(SIGTERM, &ends, NULL);
	(void)sigaction(SIGINT, &ends, NULL);
	(void)umask(077);
	if (argc == 3 && strcmp(argv[1], "--release") == 0)
		return release(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--lost") == 0 && strchr(argv[2], ':'))
		return lost(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--not-configured") == 0)
		return refuse_not_configured(argv[2]);
	if (argc < 2 || argv[1][0] == '-')
		return log_usage(USAGE);
	return install_words(argv[1], argv + 2);
}
