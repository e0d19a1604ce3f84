/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a URL finds its driver, keys that mean something else elsewhere are refused, and
 * the probe accepts a store that keeps the promise and no other.
 * Method: the directory driver; linkat of this program breaks the promise in the ways seen.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/object/object.h"

static enum {
    HONEST,
    OVERWRITES,      /* the condition is ignored */
    SAYS_EXISTS,     /* ... and yet "exists" is the answer */
    CREATES_NOTHING, /* a success that did nothing */
    LETS_TWO_WIN     /* only when several try, as without a quorum */
} behaviour;
static int links;

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    links++;
    switch (behaviour) {
    case OVERWRITES:
        (void)unlinkat(to, new, 0);
        break;
    case SAYS_EXISTS:
        if (unlinkat(to, new, 0) == 0) {
            (void)syscall(SYS_linkat, from, old, to, new, flags);
            (void)unlinkat(from, old, 0); /* one name is left: no proof of success */
            errno = EEXIST;
            return -1;
        }
        break;
    case CREATES_NOTHING:
        return 0;
    case LETS_TWO_WIN:
        if (links > 3)
            (void)unlinkat(to, new, 0);
        break;
    case HONEST:
    default:
        break;
    }
    return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

static char directory[64];

static int set_up(void **state)
{
    struct sw_store *store;

    behaviour = HONEST;
    links = 0;
    (void)snprintf(directory, sizeof(directory), "/tmp/sw_store.XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = directory}, &store, NULL),
                     SW_OK);
    *state = store;
    return 0;
}

static unsigned remove_tree(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fdopendir(fd);
    struct dirent *entry;
    unsigned files = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0)
            files++;
        else
            files += remove_tree(fd, entry->d_name);
    }
    (void)closedir(folder);
    assert_int_equal(unlinkat(at, path, AT_REMOVEDIR), 0);
    return files;
}

static int tear_down(void **state)
{
    sw_store_close(*state);
    (void)remove_tree(AT_FDCWD, directory);
    return 0;
}

static void an_honest_store_passes_the_probe_and_is_left_clean(void **state)
{
    struct sw_err err;
    struct sw_store_counts counts;

    assert_int_equal(sw_store_probe(*state, &err), SW_OK);
    assert_int_equal(sw_store_probe(*state, NULL), SW_OK);
    counts = sw_store_counts(*state);
    assert_int_equal(counts.creates, 2 * (2 + 4 * 16));
    assert_int_equal(counts.gets, 2 * 5);
    assert_int_equal(counts.deletes, 2 * 5);
    assert_int_equal(counts.retries, 0);
    assert_int_equal(remove_tree(AT_FDCWD, directory), 0);
    assert_int_equal(mkdir(directory, 0700), 0);
}

static void a_store_that_breaks_the_promise_is_unsafe(void **state)
{
    static const struct {
        int behaviour;
        const char *says;
    } breaks[] = {
        {OVERWRITES, "created an object that was there already"},
        {SAYS_EXISTS, "changed an object"},
        {CREATES_NOTHING, "created an object that was there already"},
        {LETS_TWO_WIN, "let two creations"},
    };

    for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
        struct sw_err err = {0};

        behaviour = breaks[i].behaviour;
        links = 0;
        assert_int_equal(sw_store_probe(*state, &err), SW_STORE_UNSAFE);
        assert_non_null(strstr(err.text, breaks[i].says));
        assert_non_null(strstr(err.text, directory));
    }
}

static void keys_that_mean_something_else_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {"",      "/a",   "a/",  "a//b", ".",     "..",       "a/..",
                                      "a/./b", "../a", "a b", "a~b",  "a%2fb", "\xc3\xa9", "a\n"};
    static const char *const good[] = {"a", ".a", "...", "b/.b/-", "a..b", "_/0"};
    char longest[SW_OBJECT_KEY_MAX + 2];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = bad[i]};

        sw_store_perform(*state, &op, 1, 1);
        assert_int_equal(op.result, SW_OBJECT_FAILED);
        assert_int_equal(op.err.code, SW_CONFIGURATION);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = good[i]};

        sw_store_perform(*state, &op, 1, 1);
        assert_int_equal(op.result, SW_OBJECT_DONE);
    }
    for (size_t i = 0; i < sizeof(longest) - 1; i++)
        longest[i] = i % 200 == 199 ? '/' : 'x';
    longest[SW_OBJECT_KEY_MAX + 1] = '\0';
    for (int over = 1; over >= 0; over--) {
        struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = longest + 1 - over};

        sw_store_perform(*state, &op, 1, 1);
        assert_int_equal(op.result, over ? SW_OBJECT_FAILED : SW_OBJECT_DONE);
    }
}

static void a_refused_op_does_not_hold_the_others(void **state)
{
    struct sw_object_op ops[3] = {{.verb = SW_OBJECT_CREATE, .key = "a"},
                                  {.verb = SW_OBJECT_CREATE, .key = "../b"},
                                  {.verb = SW_OBJECT_CREATE, .key = "c"}};

    sw_store_perform(*state, ops, 3, 3);
    assert_int_equal(ops[0].result, SW_OBJECT_DONE);
    assert_int_equal(ops[1].result, SW_OBJECT_FAILED);
    assert_int_equal(ops[2].result, SW_OBJECT_DONE);
}

static void what_is_cancelled_stays_cancelled(void **state)
{
    struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = "a"};
    struct sw_err err;

    sw_store_cancel(*state);
    for (int i = 0; i < 2; i++) {
        sw_store_perform(*state, &op, 1, 1);
        assert_int_equal(op.result, SW_OBJECT_FAILED);
        assert_int_equal(op.err.code, SW_CANCELLED);
    }
    assert_int_equal(sw_store_probe(*state, &err), SW_CANCELLED);
}

static void a_wrong_url_is_named_but_never_quoted(void **state)
{
    static const char *const urls[] = {
        "",
        "ftp://host/x",
        "s3:/bucket",
        "relative/path",
        "s3://key:secret@b/x",
        "s3://b?secret",
        "az://a/c?sig=secret",
        "s3://b#secret",
        "s3://b/with secret",
    };
    char longest[SW_STORE_URL_MAX + 8];

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct sw_store *store;
        struct sw_err err = {0};

        assert_int_equal(sw_store_open(&(struct sw_store_options){.url = urls[i]}, &store, &err),
                         SW_CONFIGURATION);
        assert_null(strstr(err.text, "secret"));
    }
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    {
        struct sw_store *store;

        assert_int_equal(sw_store_open(&(struct sw_store_options){.url = longest}, &store, NULL),
                         SW_CONFIGURATION);
    }
}

static void a_directory_says_what_it_can(void **state)
{
    assert_int_equal(sw_store_features(*state), SW_STORE_LISTS | SW_STORE_DELETES);
    assert_string_equal(sw_store_url(*state), directory);
    sw_store_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_honest_store_passes_the_probe_and_is_left_clean, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_breaks_the_promise_is_unsafe, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keys_that_mean_something_else_elsewhere_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_refused_op_does_not_hold_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_cancelled_stays_cancelled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_url_is_named_but_never_quoted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_says_what_it_can, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
