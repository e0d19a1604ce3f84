/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/storage/archive/fixture.h"

#include "storage/archive/replay.h"

/* All rows of a journal, as one segment. */
struct all {
    struct sw_bytes raw;
    struct sw_segment segment;
};

static enum sw_code take_row(void *self, const struct sw_log_row *row, bool *ret_stop,
                             struct sw_err *err)
{
    struct all *all = self;

    (void)ret_stop;
    (void)err;
    sw_rows_add(&all->raw, row, all->segment.last_lsn);
    if (all->segment.count++ == 0)
        all->segment.first_lsn = row->lsn;
    all->segment.last_lsn = row->lsn;
    all->segment.chain = row->chain;
    return SW_OK;
}

static struct all rows_of(struct node *node)
{
    struct all all = {.segment = {.kind = SW_SEGMENT_DATA}};

    ok(node->fixture,
       sw_journal_reader_rows(node->reader, 0, 0, (struct sw_log_row_visitor){take_row, &all},
                              &node->fixture->err));
    return all;
}

static const struct sw_digest zeros;

static enum sw_code replay_all(struct sw_replay *replay, const struct all *all, struct sw_err *err)
{
    return sw_replay_rows(replay, &all->segment, sw_bytes_span(&all->raw), 0, &zeros, err);
}

/* A journal that waits for rows. */
static void open_empty(struct node *node)
{
    node->options =
        (struct sw_journal_options){.directory = node->directory, .name = "agents", .import = true};
    ok(node->fixture, sw_journal_open(&node->options, &node->journal, &node->fixture->err));
}

static uint64_t count_runs(struct fixture *fixture, const char *directory)
{
    struct sw_journal_reader *reader = NULL;
    struct sw_verify_report report;

    ok(fixture, sw_journal_reader_open(directory, NULL, &reader, &fixture->err));
    ok(fixture, sw_journal_verify(reader, &report, &fixture->err));
    sw_journal_reader_close(reader);
    return report.runs;
}

static void rows_are_imported_as_they_were(void **state)
{
    struct fixture *fixture = *state;
    struct node live = node_of(fixture, "live");
    struct node copy = node_of(fixture, "copy");
    struct sw_replay replay = {0};
    struct all all;

    start(&live);
    play(&live, 4, 3000);
    all = rows_of(&live);
    open_empty(&copy);
    replay.journal = copy.journal;
    ok(fixture, replay_all(&replay, &all, &fixture->err));
    ok(fixture, sw_replay_finish(&replay, &fixture->err));
    assert_int_equal(replay.records, all.segment.count);
    stop(&copy);
    assert_same(dump_of(fixture, live.directory), dump_of(fixture, copy.directory));
    sw_bytes_fini(&all.raw);
    stop(&live);
}

/* Goal: a run that retention took while the snapshot was written is gone, all of it, whichever run
 * that is; and the chain holds. */
static void dropped_runs_leave_stubs(void **state)
{
    struct fixture *fixture = *state;
    struct node live = node_of(fixture, "live");
    uint64_t runs[3];
    struct all all;

    start(&live);
    for (int i = 0; i < 3; i++) {
        runs[i] = sw_journal_state(live.journal)->lsn + 1;
        play(&live, 3, 30);
    }
    all = rows_of(&live);
    for (int i = 0; i < 3; i++) {
        struct node copy = node_of(fixture, "copy");
        struct sw_replay replay = {.dropped = &runs[i], .dropped_count = 1};

        open_empty(&copy);
        replay.journal = copy.journal;
        ok(fixture, replay_all(&replay, &all, &fixture->err));
        ok(fixture, sw_replay_finish(&replay, &fixture->err));
        assert_int_equal(sw_journal_state(copy.journal)->lsn, all.segment.last_lsn);
        stop(&copy);
        assert_int_equal(count_runs(fixture, copy.directory), 2);
        remove_tree(copy.directory);
    }
    sw_bytes_fini(&all.raw);
    stop(&live);
}

/* Each fact of a header that is not so about its rows. */
static void rows_that_are_not_the_named_ones_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct node live = node_of(fixture, "live");
    struct all all, wrong;

    start(&live);
    play(&live, 2, 30);
    all = rows_of(&live);
    for (int i = 0; i < 5; i++) {
        struct sw_replay replay = {0};
        uint64_t before_lsn = 0;

        wrong = all;
        if (i == 0)
            wrong.segment.count++;
        else if (i == 1)
            wrong.segment.chain.bytes[0] ^= 1;
        else if (i == 2)
            wrong.segment.last_lsn++;
        else if (i == 3)
            wrong.segment.first_lsn++;
        else
            before_lsn = 3; /* a gap in front of a row that is no stub */
        assert_int_equal(sw_replay_rows(&replay, &wrong.segment, sw_bytes_span(&all.raw),
                                        before_lsn, &zeros, &fixture->err),
                         SW_CORRUPT);
    }
    sw_bytes_fini(&all.raw);
    stop(&live);
}

/* Goal: the exact lsn up to which two lineages are one is found, wherever it lies. */
static void divergence_is_found_to_the_record(void **state)
{
    struct fixture *fixture = *state;
    struct node live = node_of(fixture, "live");
    struct all all;

    start(&live);
    play(&live, 6, 30);
    all = rows_of(&live);
    for (uint64_t common = 1; common < all.segment.last_lsn; common += 3) {
        struct node other = node_of(fixture, "other");
        struct sw_replay replay = {.lsn_max = common};

        open_empty(&other);
        replay.journal = other.journal;
        ok(fixture, replay_all(&replay, &all, &fixture->err));
        ok(fixture, sw_replay_finish(&replay, &fixture->err));
        assert_true(replay.ended);
        other.report.epoch = 99;
        (void)start_run(&other, "another"); /* from here on they differ */
        commit(&other);
        ok(fixture, sw_journal_reader_open(other.directory, NULL, &other.reader, &fixture->err));
        replay = (struct sw_replay){.journal = other.journal,
                                    .reader = other.reader,
                                    .had_lsn = common + 1,
                                    .import_after = common + 1};
        ok(fixture, replay_all(&replay, &all, &fixture->err));
        assert_true(replay.diverged);
        assert_int_equal(replay.common_lsn, common);
        assert_int_equal(sw_journal_state(other.journal)->lsn, common + 1); /* left alone */
        lose_disk(&other);
    }
    sw_bytes_fini(&all.raw);
    stop(&live);
}

/* Goal: a chain that ends before the journal does, or with it, diverges like a longer one. */
static void divergence_is_found_where_the_chain_ends(void **state)
{
    struct fixture *fixture = *state;
    struct node live = node_of(fixture, "live");
    struct sw_digest ours = {0};
    struct sw_digest other;
    struct sw_replay replay;
    bool found;

    start(&live);
    play(&live, 6, 30);
    replay =
        (struct sw_replay){.reader = live.reader, .had_lsn = sw_journal_state(live.journal)->lsn};
    for (uint64_t lsn = 1; lsn <= replay.had_lsn; lsn++) {
        ok(fixture, sw_journal_reader_chain(live.reader, lsn, &ours, &found, &fixture->err));
        assert_true(found);
        other = ours;
        other.bytes[0] ^= 1;
        replay.diverged = false;
        ok(fixture, sw_replay_meet(&replay, lsn, &other, &fixture->err));
        assert_true(replay.diverged);
        assert_int_equal(replay.common_lsn, lsn - 1);
        replay.diverged = false;
        ok(fixture, sw_replay_meet(&replay, lsn, &ours, &fixture->err));
        assert_false(replay.diverged);
        assert_int_equal(replay.common_lsn, lsn);
    }
    stop(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_imported_as_they_were, setup, teardown),
        cmocka_unit_test_setup_teardown(dropped_runs_leave_stubs, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_that_are_not_the_named_ones_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(divergence_is_found_to_the_record, setup, teardown),
        cmocka_unit_test_setup_teardown(divergence_is_found_where_the_chain_ends, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
