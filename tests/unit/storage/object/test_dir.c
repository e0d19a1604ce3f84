/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an object in a directory comes into being whole and once, is synced before it is
 * acknowledged, and what goes wrong has the right name.
 * Method: a real directory; linkat and fsync of this program call the kernel and then,
 * when asked, report something else, as a network file system may.
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

static int link_lies;     /* errno that linkat reports after it did its work; 0: none */
static int link_fails;    /* errno that linkat reports without doing anything */
static int sync_fails_in; /* the nth fsync from now fails; 0: none */
static unsigned syncs;
static unsigned syncs_before_link;

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    long result;

    syncs_before_link = syncs;
    if (link_fails != 0) {
        errno = link_fails;
        return -1;
    }
    result = syscall(SYS_linkat, from, old, to, new, flags);
    if (link_lies != 0) {
        errno = link_lies;
        return -1;
    }
    return (int)result;
}

int fsync(int fd)
{
    syncs++;
    if (sync_fails_in > 0 && --sync_fails_in == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

struct fixture {
    char directory[64];
    struct sw_store *store;
    struct sw_err err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    link_lies = link_fails = sync_fails_in = 0;
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/sw_dir.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = fixture->directory},
                                   &fixture->store, &fixture->err),
                     SW_OK);
    *state = fixture;
    return 0;
}

static void remove_tree(int at, const char *path);

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    sw_store_close(fixture->store);
    remove_tree(AT_FDCWD, fixture->directory);
    free(fixture);
    return 0;
}

static struct sw_object_op perform(struct fixture *fixture, struct sw_object_op op)
{
    sw_store_perform(fixture->store, &op, 1, 1);
    return op;
}

static struct sw_object_op create(struct fixture *fixture, const char *key, const char *body)
{
    return perform(
        fixture,
        (struct sw_object_op){.verb = SW_OBJECT_CREATE, .key = key, .body = sw_span_of_text(body)});
}

static struct sw_object_op get(struct fixture *fixture, const char *key)
{
    return perform(fixture, (struct sw_object_op){.verb = SW_OBJECT_GET, .key = key});
}

static void assert_object(struct fixture *fixture, const char *key, const char *body)
{
    struct sw_object_op op = get(fixture, key);

    assert_int_equal(op.result, SW_OBJECT_DONE);
    assert_int_equal(op.size, strlen(body));
    assert_string_equal((const char *)op.data, body);
    sw_object_op_fini(&op);
}

/* How many files are in the store's own folder, hidden ones counted. */
static unsigned files_in(const char *directory)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(folder);
    return count;
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

static void a_key_is_created_once(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(create(fixture, "log/1", "first").result, SW_OBJECT_DONE);
    assert_int_equal(create(fixture, "log/1", "second").result, SW_OBJECT_EXISTS);
    assert_object(fixture, "log/1", "first");
    assert_int_equal(get(fixture, "log/2").result, SW_OBJECT_ABSENT);
    assert_int_equal(get(fixture, "log/1/x").result, SW_OBJECT_ABSENT);
}

static void nothing_but_the_object_is_left(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(create(fixture, "a", "1").result, SW_OBJECT_DONE);
    assert_int_equal(create(fixture, "a", "2").result, SW_OBJECT_EXISTS);
    link_fails = EIO;
    assert_int_equal(create(fixture, "b", "3").result, SW_OBJECT_FAILED);
    assert_int_equal(files_in(fixture->directory), 1);
}

/* A network file system may do the link and lose the answer, or send it twice. */
static void a_link_that_was_done_is_done_whatever_it_said(void **state)
{
    struct fixture *fixture = *state;

    link_lies = EEXIST;
    assert_int_equal(create(fixture, "log/1", "first").result, SW_OBJECT_DONE);
    link_lies = EIO;
    assert_int_equal(create(fixture, "log/2", "second").result, SW_OBJECT_DONE);
    assert_int_equal(create(fixture, "log/2", "third").result, SW_OBJECT_FAILED);
    link_lies = 0;
    assert_object(fixture, "log/2", "second");
}

static void a_file_system_without_links_is_unsafe(void **state)
{
    static const int numbers[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sw_object_op op;

        link_fails = numbers[i];
        op = create(fixture, "a", "1");
        assert_int_equal(op.result, SW_OBJECT_FAILED);
        assert_int_equal(op.err.code, SW_STORE_UNSAFE);
        assert_int_equal(sw_store_probe(fixture->store, &fixture->err), SW_STORE_UNSAFE);
    }
}

static void the_object_is_synced_before_its_name_and_the_name_before_the_answer(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(create(fixture, "x/log/0", "0").result, SW_OBJECT_DONE);
    syncs = 0;
    assert_int_equal(create(fixture, "x/log/1", "1").result, SW_OBJECT_DONE);
    assert_int_equal(syncs_before_link, 1);
    assert_int_equal(syncs, 2);
    /* Two new folders: their entries are synced too, also by who did not make them. */
    syncs = 0;
    assert_int_equal(create(fixture, "y/log/1", "1").result, SW_OBJECT_DONE);
    assert_int_equal(syncs, 4);
    syncs = 0;
    assert_int_equal(create(fixture, "x/log/1", "1").result, SW_OBJECT_EXISTS);
    assert_int_equal(syncs, 4);
}

static void a_failing_sync_is_no_success(void **state)
{
    struct fixture *fixture = *state;
    struct sw_object_op op;

    /* The folder's entry, the object, its name. */
    for (int nth = 1; nth <= 3; nth++) {
        assert_int_equal(create(fixture, "elsewhere", "").result,
                         nth == 1 ? SW_OBJECT_DONE : SW_OBJECT_EXISTS);
        sync_fails_in = nth;
        op = create(fixture, "log/1", "first");
        assert_int_equal(op.result, SW_OBJECT_FAILED);
        assert_int_equal(op.err.code, SW_STORE_UNAVAILABLE);
        assert_int_equal(op.err.os_errno, EIO);
        assert_int_equal(
            perform(fixture, (struct sw_object_op){.verb = SW_OBJECT_DELETE, .key = "log/1"})
                .result,
            SW_OBJECT_DONE);
    }
}

static void a_folder_that_was_removed_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    char path[80];

    assert_int_equal(create(fixture, "log/1", "first").result, SW_OBJECT_DONE);
    (void)snprintf(path, sizeof(path), "%s/log", fixture->directory);
    remove_tree(AT_FDCWD, path);
    assert_int_equal(create(fixture, "log/1", "first").result, SW_OBJECT_FAILED);
    assert_int_equal(create(fixture, "log/1", "first").result, SW_OBJECT_DONE);
}

static void a_file_where_a_folder_must_be_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sw_object_op op;

    assert_int_equal(create(fixture, "log", "a file").result, SW_OBJECT_DONE);
    op = create(fixture, "log/1", "first");
    assert_int_equal(op.result, SW_OBJECT_FAILED);
    assert_int_equal(op.err.code, SW_STORE_REFUSED);
    assert_int_equal(create(fixture, "snap/1", "first").result, SW_OBJECT_DONE);
    op = get(fixture, "snap");
    assert_int_equal(op.result, SW_OBJECT_FAILED);
    assert_int_equal(op.err.code, SW_STORE_REFUSED);
}

static void a_larger_object_than_expected_is_corrupt(void **state)
{
    struct fixture *fixture = *state;
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "a", .bytes_max = 4};

    assert_int_equal(create(fixture, "a", "12345").result, SW_OBJECT_DONE);
    op = perform(fixture, op);
    assert_int_equal(op.result, SW_OBJECT_FAILED);
    assert_int_equal(op.err.code, SW_CORRUPT);
    op.bytes_max = 5;
    op = perform(fixture, op);
    assert_int_equal(op.result, SW_OBJECT_DONE);
    sw_object_op_fini(&op);
}

static void a_volume_that_is_not_mounted_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    struct sw_store *store;
    char url[128];

    (void)snprintf(url, sizeof(url), "file://%s/not/mounted", fixture->directory);
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = url}, &store, &fixture->err),
                     SW_STORE_UNAVAILABLE);
    (void)snprintf(url, sizeof(url), "file://%s/made", fixture->directory);
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = url}, &store, &fixture->err),
                     SW_OK);
    sw_store_close(store);
    assert_int_equal(create(fixture, "file", "").result, SW_OBJECT_DONE);
    (void)snprintf(url, sizeof(url), "%s/file", fixture->directory);
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = url}, &store, &fixture->err),
                     SW_STORE_REFUSED);
    assert_int_equal(sw_store_open(&(struct sw_store_options){.url = "file://relative/x"}, &store,
                                   &fixture->err),
                     SW_CONFIGURATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_created_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_but_the_object_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_that_was_done_is_done_whatever_it_said, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_system_without_links_is_unsafe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_object_is_synced_before_its_name_and_the_name_before_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_sync_is_no_success, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_was_removed_is_made_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_where_a_folder_must_be_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_larger_object_than_expected_is_corrupt, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_volume_that_is_not_mounted_is_noticed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
