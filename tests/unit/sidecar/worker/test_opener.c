/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the journal is opened once its name is there, taken over where there is a store, and
 * an opener that is stopped says nothing more.
 */
#include "sidecar/worker/opener.h"

#include <pthread.h>

#include "storage/journal/journal.h"
#include "tests/unit/storage/archive/fixture.h"

enum { WAIT_S = 30 };

struct opening {
    struct fixture *fixture;
    char directory[PATH_SIZE];
    char name_path[PATH_SIZE];
    struct sw_opener *opener;
    pthread_mutex_t lock;
    pthread_cond_t heard;
    bool is_over;
    enum sw_code rc; /* what failed() said, or what opened() shall say */
    char journal[SW_JOURNAL_NAME_MAX + 1];
    struct sw_take_over report;
    bool had_archive;
};

static void tell_over(struct opening *opening)
{
    pthread_mutex_lock(&opening->lock);
    opening->is_over = true;
    pthread_cond_signal(&opening->heard);
    pthread_mutex_unlock(&opening->lock);
}

static enum sw_code on_opened(void *self, struct sw_journal **journal, struct sw_archive **archive,
                              const struct sw_take_over *report, struct sw_err *err)
{
    struct opening *opening = self;

    (void)err;
    (void)snprintf(opening->journal, sizeof(opening->journal), "%s",
                   sw_journal_state(*journal)->name);
    opening->report = *report;
    opening->had_archive = *archive != NULL;
    tell_over(opening); /* the opener closes what is not taken */
    return SW_OK;
}

static void on_failed(void *self, enum sw_code rc, const struct sw_err *err)
{
    struct opening *opening = self;

    opening->rc = rc;
    opening->fixture->err = *err;
    tell_over(opening);
}

static int open_up(void **state)
{
    struct opening *opening = calloc(1, sizeof(*opening));

    if (opening == NULL || setup(state) != 0) {
        free(opening);
        return -1;
    }
    opening->fixture = *state;
    (void)snprintf(opening->directory, PATH_SIZE, "%s/a", opening->fixture->root);
    (void)snprintf(opening->name_path, PATH_SIZE, "%s/name", opening->fixture->root);
    pthread_mutex_init(&opening->lock, NULL);
    pthread_cond_init(&opening->heard, NULL);
    *state = opening;
    return 0;
}

static int close_down(void **state)
{
    struct opening *opening = *state;

    sw_opener_stop(opening->opener);
    pthread_cond_destroy(&opening->heard);
    pthread_mutex_destroy(&opening->lock);
    *state = opening->fixture;
    free(opening);
    return teardown(state);
}

static void begin(struct opening *opening, const char *name, bool with_store)
{
    struct sw_opener_options options = {
        .journal = {.directory = opening->directory, .name = name, .now_ms = 1},
        .name_file = opening->name_path,
        .store = with_store ? opening->fixture->store : NULL,
        .clock = &sw_clock_system,
        .opened = on_opened,
        .failed = on_failed,
        .self = opening,
    };

    ok(opening->fixture, sw_opener_start(&options, &opening->opener, &opening->fixture->err));
}

static bool is_over_within(struct opening *opening, long ms)
{
    struct timespec until;
    bool over;

    (void)timespec_get(&until, TIME_UTC);
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&opening->lock);
    while (!opening->is_over &&
           pthread_cond_timedwait(&opening->heard, &opening->lock, &until) == 0)
        continue;
    over = opening->is_over;
    pthread_mutex_unlock(&opening->lock);
    return over;
}

static void write_name(const struct opening *opening, const char *text)
{
    FILE *file = fopen(opening->name_path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- tests ------------------------------------------------------------------------- */

static void without_a_store_the_journal_is_opened(void **state)
{
    struct opening *opening = *state;

    begin(opening, "agents", false);
    assert_true(is_over_within(opening, WAIT_S * 1000));
    assert_int_equal(opening->rc, SW_OK);
    assert_string_equal(opening->journal, "agents");
    assert_false(opening->had_archive);
}

static void with_a_store_it_is_taken_over(void **state)
{
    struct opening *opening = *state;

    begin(opening, "agents", true);
    assert_true(is_over_within(opening, WAIT_S * 1000));
    assert_int_equal(opening->rc, SW_OK);
    assert_true(opening->had_archive);
    assert_int_equal(opening->report.local, SW_LOCAL_NEW);
    assert_int_equal(opening->report.epoch, 1);
}

static void a_name_is_waited_for(void **state)
{
    struct opening *opening = *state;

    begin(opening, NULL, true);
    assert_false(is_over_within(opening, 150));
    write_name(opening, "");
    assert_false(is_over_within(opening, 250));
    write_name(opening, "late.one\nand more\n");
    assert_true(is_over_within(opening, WAIT_S * 1000));
    assert_string_equal(opening->journal, "late.one");
}

static void a_name_that_is_none_fails(void **state)
{
    static const char *const names[] = {"../x\n", "..\n", "a b\n", "a/b"};
    struct opening *opening = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        opening->is_over = false;
        write_name(opening, names[i]);
        begin(opening, NULL, false);
        assert_true(is_over_within(opening, WAIT_S * 1000));
        assert_int_equal(opening->rc, SW_CONFIGURATION);
        assert_non_null(strstr(opening->fixture->err.text, "--journal-file"));
        sw_opener_stop(opening->opener);
        opening->opener = NULL;
    }
}

static void a_failure_is_told(void **state)
{
    struct opening *opening = *state;
    FILE *file = fopen(opening->directory, "w"); /* a file where the directory should be */

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    begin(opening, "agents", true);
    assert_true(is_over_within(opening, WAIT_S * 1000));
    assert_int_not_equal(opening->rc, SW_OK);
}

static void who_is_stopped_says_nothing(void **state)
{
    struct opening *opening = *state;

    begin(opening, NULL, true);
    sw_opener_stop(opening->opener);
    opening->opener = NULL;
    assert_false(opening->is_over);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_up, close_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_store_the_journal_is_opened),
        TEST(with_a_store_it_is_taken_over),
        TEST(a_name_is_waited_for),
        TEST(a_name_that_is_none_fails),
        TEST(a_failure_is_told),
        TEST(who_is_stopped_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
