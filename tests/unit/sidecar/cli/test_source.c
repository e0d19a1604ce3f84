/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/source.h"

#include "tests/unit/sidecar/cli/run.h"

static enum sw_code count_run(void *self, const struct sw_run_view *run, bool *ret_stop,
                              struct sw_err *err)
{
    unsigned *count = self;

    (void)run;
    (void)ret_stop;
    (void)err;
    (*count)++;
    return SW_OK;
}

static enum sw_code count_line(void *self, const struct sw_record_line *line, struct sw_err *err)
{
    unsigned *count = self;

    (void)line;
    (void)err;
    (*count)++;
    return SW_OK;
}

static void a_file_answers_without_a_server(void **state)
{
    struct fixture *f = *state;
    struct sw_cli_common common = {.addr = "unix:///nowhere", .file = f->directory};
    struct sw_client_runs all = {.in_doubt = false};
    struct sw_client_journal range = {.limit = 5};
    struct sw_source source;
    struct sw_err err;
    unsigned count = 0;

    assert_int_equal(sw_source_open(&common, &source, &err), SW_OK);
    assert_null(source.client);
    assert_int_equal(
        sw_source_list_runs(&source, &all, (struct sw_run_view_visitor){count_run, &count}, &err),
        SW_OK);
    assert_int_equal(count, 3);
    count = 0;
    assert_int_equal(sw_source_read_journal(&source, &range,
                                            (struct sw_record_line_visitor){count_line, &count},
                                            &err),
                     SW_OK);
    assert_int_equal(count, 5);
    sw_source_close(&source);
    sw_source_close(&source); /* harmless */
}

/* Goal: an address is checked before anybody is called. */
static void addresses_are_checked(void **state)
{
    struct sw_cli_common common = {.addr = "somewhere"};
    struct sw_source source;
    struct sw_err err;
    (void)state;

    assert_int_equal(sw_source_open(&common, &source, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "--addr: \"somewhere\" is neither unix:///PATH nor HOST:PORT");
    common.addr = "unix:///s"; /* TLS is for TCP: its files are not even read */
    common.tls_ca = "/nowhere";
    assert_int_equal(sw_source_open(&common, &source, &err), SW_OK);
    assert_non_null(source.client);
    sw_source_close(&source);
    common.addr = "127.0.0.1:1";
    assert_int_equal(sw_source_open(&common, &source, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "/nowhere: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(a_file_answers_without_a_server),
        cmocka_unit_test(addresses_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
