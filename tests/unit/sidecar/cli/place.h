/* SPDX-License-Identifier: Apache-2.0
 *
 * place - a directory as object store, with journals of one run in it.
 *
 * Owns:    a temporary directory between open and close.
 * Threads: one.
 * Fails:   by cmocka's assertions.
 */
#ifndef SW_TEST_CLI_PLACE_H
#define SW_TEST_CLI_PLACE_H

#include "tests/unit/sidecar/cli/run.h"

#include <ftw.h>
#include <sys/stat.h>

#include "storage/archive/archive.h"

enum { PLACE_PATH_MAX = 400 };

struct place {
    char root[PLACE_PATH_MAX];
    char url[PLACE_PATH_MAX + 64]; /* of the store, in root/store */
};

/* root/NAME; until the next call. */
static inline const char *place_path(const struct place *place, const char *name)
{
    static char path[2 * PLACE_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", place->root, name);
    return path;
}

/* A journal with a run "order-1", shipped. */
static inline void place_journal(const struct place *place, const char *name)
{
    struct sw_store_options store_options = {.url = place->url};
    struct sw_archive_options options = {.journal = name, .clock = &sw_clock_system};
    struct sw_journal_options journal_options = {.name = name, .now_ms = 1000};
    struct sw_record started = {.type = SW_RECORD_RUN_STARTED,
                                .at_ms = 2000,
                                .u.run_started = {.run_id = sw_span_of_text("order-1"),
                                                  .task = sw_span_of_text("checkout"),
                                                  .on_divergence = SW_DIVERGENCE_FAIL}};
    struct sw_journal_reader *reader;
    struct sw_archive *archive;
    struct sw_journal *journal;
    struct sw_take_over report;
    struct sw_err err;
    bool more = true;

    journal_options.directory = place_path(place, name);
    assert_int_equal(sw_store_open(&store_options, &options.store, &err), SW_OK);
    assert_int_equal(
        sw_archive_take_over(&options, &journal_options, &archive, &journal, &report, &err), SW_OK);
    assert_int_equal(sw_journal_reader_open(place_path(place, name), NULL, &reader, &err), SW_OK);
    assert_int_equal(sw_journal_append(journal, &started, &err), SW_OK);
    assert_int_equal(sw_journal_commit(journal, true, &err), SW_OK);
    while (more)
        assert_int_equal(sw_archive_ship(archive, reader, 0, &more, &err), SW_OK);
    sw_journal_reader_close(reader);
    sw_journal_close(journal);
    sw_archive_close(archive);
    sw_store_close(options.store);
}

static inline int place_open(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    const char *parent = getenv("TMPDIR");

    if (place == NULL || setenv("TZ", "UTC", 1) != 0)
        return -1;
    (void)snprintf(place->root, sizeof(place->root), "%s/sw-place-XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    if (mkdtemp(place->root) == NULL)
        return -1;
    (void)snprintf(place->url, sizeof(place->url), "file://%s/store", place->root);
    *state = place;
    return 0;
}

static inline int place_remove(const char *path, const struct stat *status, int kind,
                               struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int place_close(void **state)
{
    struct place *place = *state;

    (void)nftw(place->root, place_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

#endif
