/* SPDX-License-Identifier: MIT */
/* Who is let into an image, and what is left of it afterwards. */
#include "helpers/grants.h"

#include "common/owned.h"
#include "scratch.h"

#include <errno.h>

#define IMAGE SCRATCH "/image"

static int add(const char *microvm, uid_t uid, bool write)
{
	OWNED(drop_grants) struct grants g = NO_GRANTS;
	OWNED(drop_fd) int fd = open(IMAGE, O_RDONLY | O_CLOEXEC);
	int r = grants_open(SCRATCH "/records", microvm, &g);

	return r < 0 ? r : grants_add(&g, fd, IMAGE, uid, write);
}

static int release(const char *microvm)
{
	OWNED(drop_grants) struct grants g = NO_GRANTS;
	int r = grants_open(SCRATCH "/records", microvm, &g);

	return r < 0 ? r : grants_release(&g);
}

/* The list as getfacl(1) tells it, one entry a word. */
static bool list_is(const char *entries)
{
	return holds("test \"$(getfacl -cnpE " IMAGE " | xargs)\" = '%s'", entries);
}

static void fresh(void)
{
	sh("rm -rf records " IMAGE "; mkdir -m 700 records; echo >" IMAGE "; chmod 640 " IMAGE);
}

static void one(void)
{
	fresh();
	ok(add("web", 62001, true) == 0 &&
		   list_is("user::rw- user:62001:rw- group::r-- mask::rw- other::---"),
	   "read and write");
	ok(release("web") == 0 && list_is("user::rw- group::r-- other::---"), "all as it was");
	ok(!holds("ls -A records | grep -q ."), "no record stays");
	ok(release("web") == 0, "nothing to release is no failure");
	ok(add("web", 62001, false) == 0 &&
		   list_is("user::rw- user:62001:r-- group::r-- mask::r-- other::---"),
	   "read only");
	ok(add("web", 62001, true) == 0 &&
		   list_is("user::rw- user:62001:rw- group::r-- mask::rw- other::---"),
	   "more than before");
}

static void again(void)
{
	fresh();
	(void)add("web", 62001, true);
	sh("stat -c %%Z.%%z " IMAGE " >before; cp records/web.granted record");
	ok(add("web", 62001, true) == 0 && holds("stat -c %%Z.%%z " IMAGE " | cmp -s - before") &&
		   holds("cmp -s records/web.granted record"),
	   "a second time changes nothing");
}

static void others(void)
{
	fresh();
	sh("setfacl -m u:1000:r,u:61183:r,u:61184:r,u:65519:r,u:65520:r " IMAGE);
	(void)add("db", 62002, false);
	ok(list_is("user::rw- user:1000:r-- user:61183:r-- user:62002:r-- user:65520:r-- "
		   "group::r-- "
		   "mask::r-- other::---"),
	   "entries of dynamic users whom no record knows go, all others stay");
	(void)add("web", 62001, true);
	ok(list_is("user::rw- user:1000:r-- user:61183:r-- user:62001:rw- user:62002:r-- "
		   "user:65520:r-- "
		   "group::r-- mask::rw- other::---"),
	   "another MicroVM's user stays");
	ok(release("db") == 0 && list_is("user::rw- user:1000:r-- user:61183:r-- user:62001:rw- "
					 "user:65520:r-- group::r-- mask::rw- other::---"),
	   "each releases its own");
	ok(release("web") == 0 &&
		   list_is("user::rw- user:1000:r-- user:61183:r-- user:65520:r-- group::r-- "
			   "mask::r-- other::---"),
	   "the administrator's entries stay");
}

static void earlier_self(void)
{
	fresh();
	(void)add("web", 62001, true);
	(void)add("web", 62009, true);
	ok(list_is("user::rw- user:62009:rw- group::r-- mask::rw- other::---"),
	   "the UID that the MicroVM had before goes");
}

static void changed_meanwhile(void)
{
	fresh();
	(void)add("web", 62001, true);
	sh("mv " IMAGE " moved; echo >" IMAGE "; chmod 640 " IMAGE "; setfacl -m u:62001:r " IMAGE);
	ok(release("web") == 0 &&
		   list_is("user::rw- user:62001:r-- group::r-- mask::r-- other::---"),
	   "another file that has the name by now is left alone");
	sh("rm " IMAGE);
	ok(release("web") == 0, "an image that is gone is released");
}

static void odd_names(void)
{
	OWNED(drop_grants) struct grants g = NO_GRANTS;
	OWNED(drop_fd) int fd = -1;
	const char *path = SCRATCH "/a b\nc %s";

	fresh();
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ok(fd >= 0 && grants_open(SCRATCH "/records", "web", &g) == 0 &&
		   grants_add(&g, fd, path, 62001, true) == 0 && grants_release(&g) == 0 &&
		   !holds("getfacl -n a* | grep -q 62001"),
	   "a path may hold anything");
}

static void torn_record(void)
{
	fresh();
	(void)add("web", 62001, true);
	sh("printf '62001 1 2 /mnt/ima' >>records/web.granted");
	ok(release("web") == 0 && list_is("user::rw- group::r-- other::---"),
	   "a record that was cut off is read as far as it goes");
}

static void no_lists(void)
{
	OWNED(drop_grants) struct grants g = NO_GRANTS;
	OWNED(drop_fd) int fd = -1;

	fresh();
	if (!holds("mkdir -p bare && mount -t ramfs ramfs bare 2>/dev/null && echo >bare/image"))
		return;
	fd = open("bare/image", O_RDONLY | O_CLOEXEC);
	(void)grants_open(SCRATCH "/records", "web", &g);
	ok(grants_add(&g, fd, SCRATCH "/bare/image", 62001, true) == -EOPNOTSUPP,
	   "a file system without lists says so");
}

int main(void)
{
	enter_scratch();
	one();
	again();
	others();
	earlier_self();
	changed_meanwhile();
	odd_names();
	torn_record();
	no_lists();
	return finish();
}
