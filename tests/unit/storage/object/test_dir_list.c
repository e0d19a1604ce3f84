/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: LIST of a directory shows keys and nothing else, in the order of their bytes, and
 * pages of any size together are the whole.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/object/object.h"

static char directory[64];
static struct sw_store *store;

static const char *const keys[] = {
    "A", "a-b", "a.b/c", "a/b", "a/b-c", "a/c/d", "a/c/e", "a0", "log/00", "log/01", "log0", "z",
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static int set_up(void **state)
{
    struct sw_object_op ops[KEYS] = {0};

    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/sw_list.XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = directory}, &store, NULL),
                     SW_OK);
    for (size_t i = 0; i < KEYS; i++)
        ops[i] = (struct sw_object_op){.verb = SW_OBJECT_CREATE, .key = keys[KEYS - 1 - i]};
    sw_store_perform(store, ops, KEYS, 1);
    return 0;
}

static void remove_tree(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fdopendir(fd);
    struct dirent *entry;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) != 0)
            remove_tree(fd, entry->d_name);
    }
    (void)closedir(folder);
    assert_int_equal(unlinkat(at, path, AT_REMOVEDIR), 0);
}

static int tear_down(void **state)
{
    (void)state;
    sw_store_close(store);
    remove_tree(AT_FDCWD, directory);
    return 0;
}

/* Pages of `size` keys until there are no more; returns them as one text, " " behind each. */
static void list(const char *prefix, uint32_t size, char *ret, size_t ret_size)
{
    char after[SW_OBJECT_KEY_MAX + 1] = "";
    bool more = true;
    size_t used = 0;

    ret[0] = '\0';
    while (more) {
        struct sw_object_op op = {.verb = SW_OBJECT_LIST,
                                  .key = prefix,
                                  .keys_max = size,
                                  .after = after[0] == '\0' ? NULL : after};
        const char *next;

        sw_store_perform(store, &op, 1, 1);
        assert_int_equal(op.result, SW_OBJECT_DONE);
        assert_true(op.keys <= size);
        assert_true(op.keys == size || !op.more);
        next = (const char *)op.data;
        for (uint32_t i = 0; i < op.keys; i++) {
            used += (size_t)snprintf(ret + used, ret_size - used, "%s ", next);
            (void)snprintf(after, sizeof(after), "%s", next);
            next += strlen(next) + 1;
        }
        assert_true(next == (const char *)op.data + op.size);
        more = op.more;
        sw_object_op_fini(&op);
    }
}

static void pages_of_any_size_are_the_whole_in_order(void **state)
{
    char expected[256] = "";
    char got[256];
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s ", keys[i]);
    for (uint32_t size = 1; size <= KEYS + 1; size++) {
        list("", size, got, sizeof(got));
        assert_string_equal(got, expected);
    }
}

static void a_prefix_may_end_anywhere(void **state)
{
    static const char *const expected[][2] = {
        {"a", "a-b a.b/c a/b a/b-c a/c/d a/c/e a0 "},
        {"a/", "a/b a/b-c a/c/d a/c/e "},
        {"a/b", "a/b a/b-c "},
        {"a/c/", "a/c/d a/c/e "},
        {"log", "log/00 log/01 log0 "},
        {"log/", "log/00 log/01 "},
        {"log/01", "log/01 "},
        {"log/02", ""},
        {"nothing/here", ""},
    };
    char got[256];

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        list(expected[i][0], 2, got, sizeof(got));
        assert_string_equal(got, expected[i][1]);
    }
}

static void make_file(const char *name, time_t written)
{
    char path[256];
    const struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static bool is_there(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static void what_is_no_key_is_not_shown_and_old_leftovers_go(void **state)
{
    time_t now = (time_t)(sw_clock_now_ms(&sw_clock_system) / 1000);
    char path[256];
    char got[256];

    (void)state;
    make_file("log/~young", now - 3600);
    make_file("log/~old", now - 25 * 3600);
    make_file("log/notes (1)", now - 25 * 3600);
    (void)snprintf(path, sizeof(path), "%s/lost+found", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/log/dangling", directory);
    assert_int_equal(symlink("nowhere", path), 0);
    list("log/", 10, got, sizeof(got));
    assert_string_equal(got, "log/00 log/01 ");
    list("", 1, got, sizeof(got));
    assert_null(strstr(got, "lost"));
    assert_true(is_there("log/~young"));
    assert_false(is_there("log/~old"));
    assert_true(is_there("log/notes (1)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_of_any_size_are_the_whole_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_prefix_may_end_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_not_shown_and_old_leftovers_go, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
