/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: every kind of store keeps the promises of storage/object/object.h.
 *
 * object_contract [PROMISE] against SW_STORE_URL (and SW_STORE_ENDPOINT), below a prefix of
 * its own; credentials as the driver finds them. tests/store/test_contract.py starts the stores.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "storage/base/hash.h"
#include "storage/object/object.h"

enum { RACERS = 16, RACES = 20, LARGE = 8 << 20, PAGE_KEYS = 25 };

static char url[SW_STORE_URL_MAX];

static struct sw_store *open_store(void)
{
    struct sw_store_options options = {.url = url, .endpoint = getenv("SW_STORE_ENDPOINT")};
    struct sw_store *store;
    struct sw_err err;

    if (sw_store_open(&options, &store, &err) != SW_OK)
        fail_msg("%s", err.text);
    return store;
}

/* A prefix that no other test, and no other run, has. */
static int set_up(void **state)
{
    const char *base = getenv("SW_STORE_URL");
    uint8_t nonce[8];
    char name[2 * sizeof(nonce) + 1];

    assert_non_null(base);
    sw_random(nonce, sizeof(nonce));
    sw_hex(nonce, sizeof(nonce), name);
    (void)snprintf(url, sizeof(url), "%s/contract-%s", base, name);
    *state = open_store();
    return 0;
}

static int tear_down(void **state)
{
    sw_store_close(*state);
    return 0;
}

static void perform(struct sw_store *store, struct sw_object_op *op, enum sw_object_result expected)
{
    sw_store_perform(store, op, 1, 1);
    if (op->result != expected)
        fail_msg("%s: result %d instead of %d: %s", op->key, (int)op->result, (int)expected,
                 op->err.text);
}

static void create(struct sw_store *store, const char *key, struct sw_span body,
                   enum sw_object_result expected)
{
    struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = key, .body = body};

    perform(store, &op, expected);
}

static void create_text(struct sw_store *store, const char *key, const char *body)
{
    create(store, key, sw_span_of_text(body), SW_OBJECT_DONE);
}

static void assert_reads(struct sw_store *store, const char *key, struct sw_span body)
{
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = key};

    perform(store, &op, SW_OBJECT_DONE);
    assert_non_null(op.data);
    assert_true(sw_span_equal(sw_span_of(op.data, op.size), body));
    sw_object_op_fini(&op);
}

static void assert_absent(struct sw_store *store, const char *key)
{
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = key};

    perform(store, &op, SW_OBJECT_ABSENT);
    assert_null(op.data);
}

static void erase(struct sw_store *store, const char *key)
{
    struct sw_object_op op = {.verb = SW_OBJECT_DELETE, .key = key};

    perform(store, &op, SW_OBJECT_DONE);
}

/* ---- the promises ---------------------------------------------------------- */

static void the_second_creation_finds_the_first(void **state)
{
    create_text(*state, "log/1", "first");
    create(*state, "log/1", sw_span_of_text("second"), SW_OBJECT_EXISTS);
    create(*state, "log/1", sw_span_of_text("first"), SW_OBJECT_EXISTS);
    assert_reads(*state, "log/1", sw_span_of_text("first"));
}

static void what_is_not_there_is_absent(void **state)
{
    assert_absent(*state, "log/1");
    create_text(*state, "log/2", "x");
    assert_absent(*state, "log/1");
    assert_absent(*state, "log/20");
}

static void what_was_deleted_is_absent_and_may_be_deleted_again(void **state)
{
    create_text(*state, "log/1", "first");
    erase(*state, "log/1");
    assert_absent(*state, "log/1");
    erase(*state, "log/1");
    erase(*state, "never/was");
    create_text(*state, "log/1", "second");
    assert_reads(*state, "log/1", sw_span_of_text("second"));
}

static void bodies_of_any_size_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 65537, 1 << 20, LARGE};
    uint8_t *body = malloc(LARGE);

    assert_non_null(body);
    sw_random(body, LARGE);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "body/%zu", sizes[i]);
        create(*state, key, sw_span_of(body, sizes[i]), SW_OBJECT_DONE);
        create(*state, key, sw_span_of(body, sizes[i]), SW_OBJECT_EXISTS);
        assert_reads(*state, key, sw_span_of(body, sizes[i]));
    }
    free(body);
}

static void any_bytes_come_back(void **state)
{
    uint8_t body[1024];

    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)i;
    create(*state, "bytes", sw_span_of(body, sizeof(body)), SW_OBJECT_DONE);
    assert_reads(*state, "bytes", sw_span_of(body, sizeof(body)));
}

static void an_object_larger_than_asked_for_is_corrupt(void **state)
{
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "a", .bytes_max = 9};

    create_text(*state, "a", "0123456789");
    perform(*state, &op, SW_OBJECT_FAILED);
    assert_int_equal(op.err.code, SW_CORRUPT);
    op.bytes_max = 10;
    perform(*state, &op, SW_OBJECT_DONE);
    sw_object_op_fini(&op);
}

static void odd_keys_are_keys(void **state)
{
    static const char *const keys[] = {"a",
                                       "A",
                                       "-",
                                       "_",
                                       "...",
                                       ".hidden",
                                       "a..b",
                                       "a--b__c..d/e-f_g.h",
                                       "0/1/2/3/4/5/6/7/8/9/x",
                                       "z.tmp",
                                       "log/00000000000000000001"};
    char longest[SW_OBJECT_KEY_MAX + 1];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        create_text(*state, keys[i], keys[i]);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_reads(*state, keys[i], sw_span_of_text(keys[i]));
    for (size_t i = 0; i < sizeof(longest) - 1; i++)
        longest[i] = i % 128 == 127 ? '/' : 'k';
    longest[sizeof(longest) - 2] = 'k';
    longest[sizeof(longest) - 1] = '\0';
    create_text(*state, longest, "long");
    assert_reads(*state, longest, sw_span_of_text("long"));
}

/* All pages, a blank behind each key. */
static void list(struct sw_store *store, const char *prefix, uint32_t page_keys, char *ret,
                 size_t ret_size)
{
    char after[SW_OBJECT_KEY_MAX + 1] = "";
    bool more = true;
    size_t used = 0;

    ret[0] = '\0';
    while (more) {
        struct sw_object_op op = {.verb = SW_OBJECT_LIST,
                                  .key = prefix,
                                  .after = after[0] == '\0' ? NULL : after,
                                  .keys_max = page_keys};
        const char *next;

        perform(store, &op, SW_OBJECT_DONE);
        assert_true(page_keys == 0 || op.keys <= page_keys);
        next = (const char *)op.data;
        for (uint32_t i = 0; i < op.keys; i++) {
            used += (size_t)snprintf(ret + used, ret_size - used, "%s ", next);
            assert_true(used < ret_size);
            (void)snprintf(after, sizeof(after), "%s", next);
            next += strlen(next) + 1;
        }
        more = op.more;
        assert_true(!more || op.keys > 0);
        sw_object_op_fini(&op);
    }
}

static void keys_are_listed_in_order_and_by_prefix(void **state)
{
    static const char *const keys[] = {"log/02", "log0", "snap/1/idx", "a-b", "a/b", "log/01", "Z"};
    char got[256];

    if ((sw_store_features(*state) & SW_STORE_LISTS) == 0)
        skip();
    list(*state, "", 0, got, sizeof(got));
    assert_string_equal(got, "");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        create_text(*state, keys[i], "x");
    list(*state, "", 0, got, sizeof(got));
    assert_string_equal(got, "Z a-b a/b log/01 log/02 log0 snap/1/idx ");
    list(*state, "log/", 0, got, sizeof(got));
    assert_string_equal(got, "log/01 log/02 ");
    list(*state, "log", 0, got, sizeof(got));
    assert_string_equal(got, "log/01 log/02 log0 ");
    list(*state, "nothing/", 0, got, sizeof(got));
    assert_string_equal(got, "");
}

static void pages_together_are_the_whole(void **state)
{
    char expected[PAGE_KEYS * 8 + 1];
    char got[PAGE_KEYS * 8 + 1];
    size_t used = 0;

    if ((sw_store_features(*state) & SW_STORE_LISTS) == 0)
        skip();
    for (int i = 0; i < PAGE_KEYS; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "log/%03d", i);
        create_text(*state, key, "x");
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s ", key);
    }
    for (uint32_t page = 1; page <= PAGE_KEYS + 1; page += 4) {
        list(*state, "log/", page, got, sizeof(got));
        assert_string_equal(got, expected);
    }
}

static void ops_side_by_side_each_get_their_own(void **state)
{
    enum { OPS = 40 };
    struct sw_object_op ops[OPS];
    char keys[OPS][24];

    for (int i = 0; i < OPS; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "side/%d", i);
        ops[i] = (struct sw_object_op){
            .verb = SW_OBJECT_CREATE, .key = keys[i], .body = sw_span_of_text(keys[i])};
    }
    sw_store_perform(*state, ops, OPS, 8);
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(ops[i].result, SW_OBJECT_DONE);
        assert_int_equal(ops[i].tries, 1);
        ops[i] = (struct sw_object_op){.verb = SW_OBJECT_GET, .key = keys[OPS - 1 - i]};
    }
    ops[7].key = "side/absent";
    sw_store_perform(*state, ops, OPS, 16);
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(ops[i].result, i == 7 ? SW_OBJECT_ABSENT : SW_OBJECT_DONE);
        if (i != 7)
            assert_string_equal((const char *)ops[i].data, ops[i].key);
        sw_object_op_fini(&ops[i]);
    }
    sw_store_perform(*state, NULL, 0, 4);
}

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    int number;
    enum sw_object_result results[RACES];
};

static void *race(void *self)
{
    struct racer *racer = self;
    struct sw_store *store = open_store();
    char body[32];

    (void)snprintf(body, sizeof(body), "racer %d", racer->number);
    for (int i = 0; i < RACES; i++) {
        char key[32];
        struct sw_object_op op = {
            .verb = SW_OBJECT_CREATE, .key = key, .body = sw_span_of_text(body)};

        (void)snprintf(key, sizeof(key), "race/%d", i);
        (void)pthread_barrier_wait(racer->start);
        sw_store_perform(store, &op, 1, 1);
        racer->results[i] = op.result;
        if (op.result == SW_OBJECT_FAILED)
            (void)fprintf(stderr, "%s\n", op.err.text);
    }
    sw_store_close(store);
    return NULL;
}

static void of_many_creations_one_wins(void **state)
{
    struct racer racers[RACERS];
    pthread_barrier_t start;

    assert_int_equal(pthread_barrier_init(&start, NULL, RACERS), 0);
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.start = &start, .number = i};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++)
        (void)pthread_join(racers[i].thread, NULL);
    (void)pthread_barrier_destroy(&start);
    for (int i = 0; i < RACES; i++) {
        int winner = -1;
        char key[32];
        char body[32];

        for (int j = 0; j < RACERS; j++) {
            if (racers[j].results[i] == SW_OBJECT_EXISTS)
                continue;
            assert_int_equal(racers[j].results[i], SW_OBJECT_DONE);
            assert_int_equal(winner, -1);
            winner = j;
        }
        assert_true(winner >= 0);
        (void)snprintf(key, sizeof(key), "race/%d", i);
        (void)snprintf(body, sizeof(body), "racer %d", winner);
        assert_reads(*state, key, sw_span_of_text(body));
    }
}

static void *cancel_soon(void *store)
{
    const struct timespec soon = {.tv_nsec = 50000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL);
    sw_store_cancel(store);
    return NULL;
}

static void cancel_ends_what_is_under_way_and_whatever_comes(void **state)
{
    enum { OPS = 500 };
    struct sw_object_op ops[OPS];
    unsigned absent = 0;
    unsigned cancelled = 0;
    pthread_t thread;

    for (size_t i = 0; i < OPS; i++)
        ops[i] = (struct sw_object_op){.verb = SW_OBJECT_GET, .key = "absent"};
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, *state), 0);
    while (cancelled == 0) {
        sw_store_perform(*state, ops, OPS, 4);
        for (size_t i = 0; i < OPS; i++) {
            bool was_cancelled = ops[i].result == SW_OBJECT_FAILED;

            assert_int_equal(ops[i].err.code, was_cancelled ? SW_CANCELLED : SW_OK);
            absent += !was_cancelled;
            cancelled += was_cancelled;
        }
    }
    (void)pthread_join(thread, NULL);
    assert_true(absent > 0);
    perform(*state, &ops[0], SW_OBJECT_FAILED);
    assert_int_equal(ops[0].err.code, SW_CANCELLED);
}

static void the_probe_passes_and_leaves_nothing(void **state)
{
    struct sw_err err;
    char got[256];

    for (int i = 0; i < 2; i++) {
        if (sw_store_probe(*state, &err) != SW_OK)
            fail_msg("%s", err.text);
    }
    if ((sw_store_features(*state) & SW_STORE_LISTS) == 0)
        skip();
    list(*state, "", 0, got, sizeof(got));
    assert_string_equal(got, "");
}

static void what_one_store_wrote_another_reads_at_once(void **state)
{
    struct sw_store *other = open_store();

    for (int i = 0; i < 20; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "log/%d", i);
        assert_absent(other, key);
        create_text(*state, key, key);
        assert_reads(other, key, sw_span_of_text(key));
        create(other, key, sw_span_of_text("other"), SW_OBJECT_EXISTS);
    }
    sw_store_close(other);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PROMISE(the_second_creation_finds_the_first),
        PROMISE(what_is_not_there_is_absent),
        PROMISE(what_was_deleted_is_absent_and_may_be_deleted_again),
        PROMISE(bodies_of_any_size_come_back),
        PROMISE(any_bytes_come_back),
        PROMISE(an_object_larger_than_asked_for_is_corrupt),
        PROMISE(odd_keys_are_keys),
        PROMISE(keys_are_listed_in_order_and_by_prefix),
        PROMISE(pages_together_are_the_whole),
        PROMISE(ops_side_by_side_each_get_their_own),
        PROMISE(of_many_creations_one_wins),
        PROMISE(cancel_ends_what_is_under_way_and_whatever_comes),
        PROMISE(the_probe_passes_and_leaves_nothing),
        PROMISE(what_one_store_wrote_another_reads_at_once),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
