/* SPDX-License-Identifier: MIT */
/* What stands in for what nobody wrote. */
#include "common/owned.h"
#include "common/text.h"
#include "config/keys.h"
#include "config/sources.h"
#include "result.h"

#include <stdlib.h>

static bool user_fits(const char *user)
{
	size_t n = strlen(user);

	return n <= 31 && strspn(user, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static void users(void)
{
	static const struct {
		const char *name, *user;
	} rows[] = {
		{ "web", "vm-web" },
		{ "a", "vm-a" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "vm-aaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		OWNED(drop_str) char *user = microvm_user_of(rows[i].name);

		equal(rows[i].user, user, "a user's name");
	}
	for (size_t n = 1; n <= 63; n++) {
		OWNED(drop_str) char *name = calloc(1, 64);
		OWNED(drop_str) char *user = NULL;

		memset(name, 'x', n);
		user = microvm_user_of(name);
		if (!user_fits(user))
			equal("a name of 31 bytes at most", user, "a user's name");
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Long names that begin and end alike. */
static void users_differ(void)
{
	OWNED(drop_words) struct words all = { 0 };
	size_t same = 0;

	for (int i = 0; i < 20000; i++) {
		OWNED(drop_str)
		char *name = text_format("a-long-name-of-a-microvm-%d-and-more-of-it", i);

		words_take(&all, microvm_user_of(name));
	}
	qsort(all.at, all.count, sizeof(*all.at), compare);
	for (size_t i = 1; i < all.count; i++)
		same += strcmp(all.at[i - 1], all.at[i]) == 0;
	ok(same == 0, "20,000 long names have users of their own");
}

static void names(void)
{
	static const char *const good[] = { "a", "0", "web-1", "db-", "7" };
	static const char *const bad[] = { "",	  "-a",	 "A",	     "a_b", "a.b",
					   "a b", "a@b", "\xc3\xbc", "a/b", "a\n" };
	char name[66] = "";

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(microvm_name_fits(good[i]), good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!microvm_name_fits(bad[i]), "a name that is none");
	memset(name, 'n', 63);
	ok(microvm_name_fits(name), "a name of 63 bytes");
	memset(name, 'n', 64);
	ok(!microvm_name_fits(name), "a name of 64 bytes");
}

static struct volume *volume_add(struct microvm *vm, const char *id)
{
	const struct section_kind *kind = section_kind_find("volume", 6);

	return (struct volume *)microvm_section(vm, kind, id);
}

static void places(void)
{
	OWNED(drop_microvm) struct microvm vm;
	OWNED(drop_str) char *state = NULL, *own = NULL, *socket = NULL, *none = NULL;
	OWNED(drop_str) char *image = NULL, *relative = NULL, *absolute = NULL;
	struct volume *v;

	microvm_init(&vm, "web");
	v = volume_add(&vm, "data");
	state = microvm_state_dir(&vm);
	equal("/var/lib/microvms/web", state, "the state folder");
	socket = microvm_socket(&vm);
	equal("/run/microvm/web/control.sock", socket, "the control socket");
	vm.socket = text_copy("");
	none = microvm_socket(&vm);
	equal(NULL, none, "no control socket");
	image = volume_path(&vm, v);
	equal("/var/lib/microvms/web/data.img", image, "an image by its volume's ID");
	equal("data", volume_serial(v), "a serial number by the ID");
	vm.state_dir = text_copy("/srv/web");
	own = microvm_state_dir(&vm);
	equal("/srv/web", own, "a state folder elsewhere");
	v->image = text_copy("a/b.img");
	relative = volume_path(&vm, v);
	equal("/srv/web/a/b.img", relative, "an image in it");
	free(v->image);
	v->image = text_copy("/images/b.img");
	absolute = volume_path(&vm, v);
	equal("/images/b.img", absolute, "an image elsewhere");
	ok(volume_fs_type(v) == FS_EXT4, "ext4 in a raw image");
	v->image_type = IMAGE_QCOW2;
	ok(volume_fs_type(v) == FS_NONE, "nothing is known of what another format holds");
}

static void defaults(void)
{
	OWNED(drop_microvm) struct microvm vm;

	microvm_init(&vm, "web");
	ok(vm.vcpu == 1 && vm.mem == 512ul << 20 && vm.startup_timeout == 150000000 &&
		   vm.shutdown_timeout == 90000000 && vm.pretty_procnames &&
		   vm.qemu.serial_console && !vm.autostart && vm.hypervisor == HYPERVISOR_QEMU &&
		   vm.readiness == READINESS_VMM,
	   "the defaults of the table");
	ok(!section_sets(&vm.section, "mem") && !section_sets(&vm.section, "kernel"),
	   "and nobody wrote them");
}

int main(void)
{
	users();
	users_differ();
	names();
	places();
	defaults();
	return finish();
}
