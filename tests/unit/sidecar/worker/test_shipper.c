/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what is committed gets into the store when it should; who is fenced ships nothing more
 * and keeps its tail; a store that is away costs time and nothing else.
 *
 * Method: a real journal, archive and directory store. The store goes away when its chain is
 * replaced by a link that leads nowhere.
 */
#include "sidecar/worker/shipper.h"

#include <pthread.h>

#include "storage/journal/journal.h"
#include "tests/unit/storage/archive/fixture.h"

enum { LONG_US = 2000 * 1000 * 1000, WAIT_S = 30 }; /* about half an hour */

struct shipping {
    struct fixture *fixture;
    struct node node;
    struct sw_shipper *shipper;
    struct sw_ship_policy policy;
    struct sw_store_options store;
    uint64_t run;
    pthread_mutex_t lock;
    pthread_cond_t heard;
    unsigned changes;
};

static void on_changed(void *self)
{
    struct shipping *shipping = self;

    pthread_mutex_lock(&shipping->lock);
    shipping->changes++;
    pthread_cond_signal(&shipping->heard);
    pthread_mutex_unlock(&shipping->lock);
}

static void start_shipper(struct shipping *shipping)
{
    struct sw_shipper_options options = {
        .data = shipping->node.directory,
        .lsn = sw_journal_state(shipping->node.journal)->lsn,
        .store = shipping->fixture->store,
        .store_options = &shipping->store,
        .clock = &sw_clock_system,
        .policy = shipping->policy,
        .changed = on_changed,
        .self = shipping,
    };

    ok(shipping->fixture, sw_shipper_start(&options, &shipping->node.archive, &shipping->shipper,
                                           &shipping->fixture->err));
    assert_null(shipping->node.archive);
}

static struct shipping *begin(void **state, struct sw_ship_policy policy)
{
    struct shipping *shipping = calloc(1, sizeof(*shipping));

    assert_non_null(shipping);
    shipping->fixture = *state;
    shipping->policy = policy;
    shipping->store.url = shipping->fixture->store_path;
    pthread_mutex_init(&shipping->lock, NULL);
    pthread_cond_init(&shipping->heard, NULL);
    shipping->node = node_of(*state, "a");
    start(&shipping->node);
    shipping->run = start_run(&shipping->node, "r");
    commit(&shipping->node);
    start_shipper(shipping);
    return shipping;
}

static struct sw_shipper_end end(struct shipping *shipping, uint64_t timeout_ms)
{
    struct sw_shipper_end end = sw_shipper_stop(shipping->shipper, timeout_ms);

    stop(&shipping->node);
    pthread_cond_destroy(&shipping->heard);
    pthread_mutex_destroy(&shipping->lock);
    free(shipping);
    return end;
}

static const struct sw_ship_policy rarely = {.interval_us = LONG_US, .bytes_max = 1000};

/* Commits a step. */
static uint64_t add(struct shipping *shipping)
{
    static uint64_t number;

    do_step(&shipping->node, shipping->run, ++number, "x", 1);
    commit(&shipping->node);
    return sw_journal_state(shipping->node.journal)->lsn;
}

/* Commits a step and says so; `wanted`: somebody waits for it. */
static uint64_t work(struct shipping *shipping, uint64_t bytes, bool wanted)
{
    uint64_t lsn = add(shipping);

    sw_shipper_committed(shipping->shipper, lsn, bytes, wanted ? lsn : 0, false);
    return lsn;
}

/* Commits what is to be shipped soon, and says so. */
static uint64_t work_soon(struct shipping *shipping)
{
    uint64_t lsn = add(shipping);

    sw_shipper_committed(shipping->shipper, lsn, 1, 0, true);
    return lsn;
}

static bool is_shipped(const struct shipping *shipping, uint64_t lsn)
{
    return sw_shipper_shipped_lsn(shipping->shipper) >= lsn;
}

/* The status is told a moment later. */
static bool is_told(const struct shipping *shipping, uint64_t lsn)
{
    struct sw_shipper_status status;

    sw_shipper_status(shipping->shipper, &status);
    return status.archive.shipped_lsn >= lsn;
}

static void wait_until(struct shipping *shipping,
                       bool (*reached)(const struct shipping *, uint64_t), uint64_t argument)
{
    struct timespec until = {.tv_sec = time(NULL) + WAIT_S};

    pthread_mutex_lock(&shipping->lock);
    while (!reached(shipping, argument))
        if (pthread_cond_timedwait(&shipping->heard, &shipping->lock, &until) != 0)
            fail_msg("%llu was not reached", (unsigned long long)argument);
    pthread_mutex_unlock(&shipping->lock);
}

static bool is_fenced(const struct shipping *shipping, uint64_t argument)
{
    (void)argument;
    return sw_shipper_is_fenced(shipping->shipper);
}

/* ---- the store's comings and goings ------------------------------------------------ */

static void chain_paths(const struct shipping *shipping, char log[PATH_SIZE], char away[PATH_SIZE])
{
    (void)snprintf(log, PATH_SIZE, "%.*s/v1/agents/log", 600, shipping->fixture->store_path);
    (void)snprintf(away, PATH_SIZE, "%.*s/v1/agents/away", 600, shipping->fixture->store_path);
}

static void go_away(const struct shipping *shipping)
{
    char log[PATH_SIZE];
    char away[PATH_SIZE];

    chain_paths(shipping, log, away);
    assert_int_equal(rename(log, away), 0);
    assert_int_equal(symlink("nowhere", log), 0);
}

static void come_back(const struct shipping *shipping)
{
    char log[PATH_SIZE];
    char away[PATH_SIZE];

    chain_paths(shipping, log, away);
    assert_int_equal(unlink(log), 0);
    assert_int_equal(rename(away, log), 0);
}

/* ---- tests ---------------------------------------------------------------------------- */

static void what_was_there_at_the_start_goes_at_once(void **state)
{
    struct shipping *shipping = begin(state, rarely);

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    assert_false(end(shipping, 0).fenced);
}

static void what_somebody_waits_for_goes_at_once_and_all_before_it(void **state)
{
    struct shipping *shipping = begin(state, rarely);

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    (void)work(shipping, 1, false);
    (void)work(shipping, 1, false);
    wait_until(shipping, is_shipped, work(shipping, 1, true));
    (void)end(shipping, 0);
}

static void what_nobody_waits_for_goes_after_the_interval(void **state)
{
    struct sw_ship_policy policy = {.interval_us = 300 * 1000, .bytes_max = 1000};
    struct shipping *shipping = begin(state, policy);
    uint64_t started_us;
    uint64_t lsn;

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    started_us = sw_clock_monotonic_us(&sw_clock_system);
    lsn = work(shipping, 1, false);
    wait_until(shipping, is_shipped, lsn);
    assert_true(sw_clock_monotonic_us(&sw_clock_system) - started_us >= policy.interval_us);
    (void)end(shipping, 0);
}

static void much_goes_at_once_and_so_does_all_when_told(void **state)
{
    struct shipping *shipping = begin(state, rarely);
    uint64_t lsn;

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    (void)work(shipping, 999, false);
    wait_until(shipping, is_shipped, work(shipping, 1, false));
    lsn = work(shipping, 1, false);
    sw_shipper_ship_every(shipping->shipper);
    wait_until(shipping, is_shipped, lsn);
    wait_until(shipping, is_shipped, work(shipping, 1, false));
    (void)end(shipping, 0);
}

static uint64_t segments(const struct shipping *shipping)
{
    struct sw_shipper_status status;

    sw_shipper_status(shipping->shipper, &status);
    return status.archive.segments_since_snapshot;
}

/* Goal: the spacing makes one segment of many ends of runs, and holds up nobody who waits. */
static void what_is_to_go_soon_goes_together(void **state)
{
    struct sw_ship_policy policy = {
        .interval_us = LONG_US, .bytes_max = 1000, .spacing_us = 400 * 1000};
    struct shipping *shipping = begin(state, policy);
    uint64_t before;
    uint64_t started_us;
    uint64_t lsn = 0;

    wait_until(shipping, is_told, sw_journal_state(shipping->node.journal)->lsn);
    before = segments(shipping);
    started_us = sw_clock_monotonic_us(&sw_clock_system);
    for (unsigned i = 0; i < 20; i++)
        lsn = work_soon(shipping);
    wait_until(shipping, is_told, lsn);
    if (sw_clock_monotonic_us(&sw_clock_system) - started_us < 2 * policy.spacing_us)
        assert_in_range(segments(shipping) - before, 1, 2);

    started_us = sw_clock_monotonic_us(&sw_clock_system);
    wait_until(shipping, is_shipped, work(shipping, 1, true));
    assert_in_range(sw_clock_monotonic_us(&sw_clock_system) - started_us, 0, policy.spacing_us - 1);
    (void)end(shipping, 0);
}

static void what_is_left_goes_at_the_end(void **state)
{
    struct shipping *shipping = begin(state, rarely);
    uint64_t lsn = work(shipping, 1, false);
    struct sw_shipper_end ended = end(shipping, 10 * 1000);

    assert_int_equal(ended.lsn, lsn);
    assert_int_equal(ended.shipped_lsn, lsn);
}

/* Goal: a snapshot that takes long does not keep what is left from the store at the end. Method:
 * the one under way never gets its index; the one that follows the last segment does. */
static void a_snapshot_gives_way_at_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct shipping *shipping = begin(state, rarely);
    struct objects *objects = malloc(sizeof(*objects));
    struct sw_shipper_end ended;
    char parts[PATH_SIZE];
    char index[128];
    uint64_t lsn;

    assert_non_null(objects);
    (void)snprintf(parts, sizeof(parts), "%.*s/v1/agents/snap", 600, fixture->store_path);
    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    play(&shipping->node, 80, 1000 * 1000);
    (void)work(shipping, 1, true);
    for (int i = 0; access(parts, F_OK) != 0; i++) { /* until one is under way */
        assert_true(i < 1000 * WAIT_S);
        (void)usleep(1000);
    }
    lsn = work(shipping, 1, false);
    ended = end(shipping, 60 * 1000);
    assert_int_equal(ended.shipped_lsn, lsn);
    list_objects(fixture, "v1/agents/log/", objects);
    (void)snprintf(index, sizeof(index), "v1/agents/snap/%.20s/index",
                   strrchr(objects->keys[objects->count - 1], '/') + 1);
    list_objects(fixture, "v1/agents/snap/", objects);
    for (size_t i = 0; i < objects->count; i++)
        if (strstr(objects->keys[i], "/index") != NULL)
            assert_string_equal(objects->keys[i], index);
    assert_string_equal(objects->keys[objects->count - 1], index);
    free(objects);
}

static void an_outage_is_told_and_survived(void **state)
{
    struct sw_ship_policy policy = {.interval_us = LONG_US,
                                    .bytes_max = 1000,
                                    .backlog_bytes_max = 50,
                                    .backlog_age_us_max = LONG_US};
    struct shipping *shipping = begin(state, policy);
    struct sw_shipper_status status;
    uint64_t lsn;

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    go_away(shipping);
    (void)work(shipping, 49, true);
    do {
        sw_shipper_status(shipping->shipper, &status);
    } while (status.health != SW_STORE_AWAY);
    assert_string_not_equal(status.error, "");
    assert_true(status.lag_records > 0);
    assert_int_equal(status.lag_bytes, 49);
    assert_false(sw_shipper_is_full(shipping->shipper, 0));
    assert_true(sw_shipper_is_full(shipping->shipper, 1));
    lsn = work(shipping, 1, true); /* a pass may be under way without it */
    assert_true(sw_shipper_is_full(shipping->shipper, 0));
    come_back(shipping);
    wait_until(shipping, is_shipped, lsn);
    (void)end(shipping, 10 * 1000);
}

static bool answers(const struct shipping *shipping, uint64_t argument)
{
    struct sw_shipper_status status;

    (void)argument;
    sw_shipper_status(shipping->shipper, &status);
    return status.health == SW_STORE_ANSWERS && status.lag_records == 0 && status.put_p50_us != 0;
}

static void the_status_is_what_happened(void **state)
{
    struct shipping *shipping = begin(state, rarely);
    struct sw_shipper_status status;
    uint64_t lsn = work(shipping, 7, true);

    wait_until(shipping, is_shipped, lsn);
    wait_until(shipping, answers, 0);
    sw_shipper_status(shipping->shipper, &status);
    assert_int_equal(status.shipped_lsn, lsn);
    assert_int_equal(status.lag_bytes, 0);
    assert_int_equal(status.lag_ms, 0);
    assert_int_equal(status.archive.epoch, 1);
    assert_true(status.put_p50_us <= status.put_p99_us);
    assert_string_equal(status.error, "");
    (void)end(shipping, 0);
}

static void an_end_without_the_store_is_bounded(void **state)
{
    struct shipping *shipping = begin(state, rarely);
    uint64_t started_us;
    struct sw_shipper_end ended;
    uint64_t lsn;

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    go_away(shipping);
    lsn = work(shipping, 1, false);
    started_us = sw_clock_monotonic_us(&sw_clock_system);
    ended = end(shipping, 500);
    assert_true(sw_clock_monotonic_us(&sw_clock_system) - started_us < 20 * 1000 * 1000);
    assert_int_equal(ended.lsn, lsn);
    assert_true(ended.shipped_lsn < lsn);
    assert_false(ended.fenced);
}

static void who_is_fenced_ships_nothing_and_puts_its_tail_aside(void **state)
{
    struct fixture *fixture = *state;
    struct shipping *shipping = begin(state, rarely);
    struct sw_store *mine = fixture->store;
    struct node other = node_of(fixture, "b");
    uint64_t shipped;
    struct sw_shipper_end ended;

    wait_until(shipping, is_shipped, sw_journal_state(shipping->node.journal)->lsn);
    shipped = sw_shipper_shipped_lsn(shipping->shipper);
    open_store(fixture);
    start(&other);
    (void)work(shipping, 1, true);
    wait_until(shipping, is_fenced, 0);
    (void)work(shipping, 1, true);
    ended = end(shipping, 10 * 1000);
    assert_true(ended.fenced);
    assert_int_equal(ended.shipped_lsn, shipped);
    assert_int_equal(count_objects(fixture, "v1/agents/orphan/"), 1);
    stop(&other);
    sw_store_close(mine);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_there_at_the_start_goes_at_once),
        TEST(what_somebody_waits_for_goes_at_once_and_all_before_it),
        TEST(what_nobody_waits_for_goes_after_the_interval),
        TEST(much_goes_at_once_and_so_does_all_when_told),
        TEST(what_is_to_go_soon_goes_together),
        TEST(what_is_left_goes_at_the_end),
        TEST(a_snapshot_gives_way_at_the_end),
        TEST(an_outage_is_told_and_survived),
        TEST(the_status_is_what_happened),
        TEST(an_end_without_the_store_is_bounded),
        TEST(who_is_fenced_ships_nothing_and_puts_its_tail_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
