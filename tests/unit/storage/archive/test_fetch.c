/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/storage/archive/fixture.h"

#include "storage/archive/fetch.h"

struct list {
    uint64_t count; /* keys there are; UINT64_MAX: no end */
    uint64_t asked; /* highest index + 1 */
};

static bool key_of(void *self, uint64_t index, char ret_key[SW_OBJECT_KEY_MAX])
{
    struct list *list = self;

    if (index >= list->count)
        return false;
    list->asked = index + 1;
    (void)snprintf(ret_key, SW_OBJECT_KEY_MAX, "objects/%llu", (unsigned long long)index);
    return true;
}

static void create(struct fixture *fixture, uint64_t index, size_t size)
{
    char key[SW_OBJECT_KEY_MAX];
    uint8_t *bytes = calloc(1, size);
    struct list list = {.count = UINT64_MAX};
    struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = key};

    assert_non_null(bytes);
    (void)key_of(&list, index, key);
    bytes[0] = (uint8_t)index;
    op.body = sw_span_of(bytes, size);
    sw_store_perform(fixture->store, &op, 1, 1);
    assert_int_equal(op.result, SW_OBJECT_DONE);
    free(bytes);
}

static struct sw_fetch *open_fetch(struct fixture *fixture, struct list *list, bool until_absent,
                                   uint64_t guess)
{
    struct sw_fetch_options options = {.store = fixture->store,
                                       .parallel = 4,
                                       .key = key_of,
                                       .self = list,
                                       .until_absent = until_absent,
                                       .bytes_guess = guess};
    struct sw_fetch *fetch = NULL;

    ok(fixture, sw_fetch_open(&options, &fetch, &fixture->err));
    return fetch;
}

static void objects_come_in_order(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t i = 0; i < 11; i++)
        create(fixture, i, 100);
    for (uint64_t count = 0; count <= 11; count++) {
        struct list list = {.count = count};
        struct sw_fetch *fetch = open_fetch(fixture, &list, false, 100);
        struct sw_span object;
        const char *key;

        for (uint64_t i = 0; i < count; i++) {
            ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
            assert_non_null(key);
            assert_int_equal(object.size, 100);
            assert_int_equal(object.data[0], i);
        }
        for (int i = 0; i < 2; i++) {
            ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
            assert_null(key);
        }
        sw_fetch_close(fetch);
    }
}

static void first_absent_is_the_end_if_so_wanted(void **state)
{
    struct fixture *fixture = *state;

    create(fixture, 20, 100); /* behind a gap: does not count */
    for (uint64_t count = 0; count < 10; count++) {
        struct list list = {.count = UINT64_MAX};
        struct sw_fetch *fetch = open_fetch(fixture, &list, true, 100);
        struct sw_span object;
        const char *key;

        for (uint64_t i = 0; i < count; i++) {
            ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
            assert_non_null(key);
        }
        ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
        assert_null(key);
        ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
        assert_null(key);
        sw_fetch_close(fetch);
        assert_true(list.asked <= count + 2 * 4); /* not far beyond */
        create(fixture, count, 100);
    }
}

static void missing_object_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct list list = {.count = 3};
    struct sw_fetch *fetch;
    struct sw_span object;
    const char *key;

    create(fixture, 0, 10);
    create(fixture, 2, 10);
    fetch = open_fetch(fixture, &list, false, 100);
    ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
    assert_int_equal(sw_fetch_next(fetch, &key, &object, &fixture->err), SW_CORRUPT);
    assert_string_equal(key, "objects/1");
    sw_fetch_close(fetch);
    sw_fetch_close(NULL);
}

/* Goal: where objects are large, few are asked for at once. */
static void large_objects_make_small_windows(void **state)
{
    struct fixture *fixture = *state;
    struct list list = {.count = UINT64_MAX};
    struct sw_fetch *fetch;
    struct sw_span object;
    const char *key;

    for (uint64_t i = 0; i < 8; i++)
        create(fixture, i, 5 * 1024 * 1024);
    fetch = open_fetch(fixture, &list, true, 5 * 1024 * 1024);
    for (uint64_t i = 0; i < 8; i++) {
        ok(fixture, sw_fetch_next(fetch, &key, &object, &fixture->err));
        assert_non_null(key);
        assert_true(list.asked <= i + 2);
    }
    sw_fetch_close(fetch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_come_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(first_absent_is_the_end_if_so_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_object_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(large_objects_make_small_windows, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
