/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

enum { WORDS_MAX = 60 };

/* Splits at spaces: what a shell would do to these lines. */
static enum sw_code read_line(const char *line, struct sw_config *ret, bool *ret_help,
                              struct sw_err *err)
{
    static char copy[4096];
    static char *argv[WORDS_MAX + 1];
    int argc = 0;

    (void)snprintf(copy, sizeof(copy), "serve %s", line);
    for (char *at = copy; *at != '\0' && argc < WORDS_MAX; argc++) {
        argv[argc] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    argv[argc] = NULL;
    return sw_config_read(argc, argv, ret, ret_help, err);
}

static struct sw_config accepted(const char *line)
{
    struct sw_config config;
    struct sw_err err = {.text = ""};
    bool help;

    if (read_line(line, &config, &help, &err) != SW_OK)
        fail_msg("%s: %s", line, err.text);
    assert_false(help);
    return config;
}

static void refused(const char *line, const char *text)
{
    struct sw_config config;
    struct sw_err err;
    bool help;

    assert_int_equal(read_line(line, &config, &help, &err), SW_CONFIGURATION);
    if (strstr(err.text, text) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s\"", line, text, err.text);
}

static int clean_environment(void **state)
{
    (void)state;
    return unsetenv("STEPWELL_LISTEN") | unsetenv("STEPWELL_RETENTION");
}

static void defaults_are_those_of_the_header(void **state)
{
    struct sw_config config = accepted("");
    (void)state;

    assert_string_equal(config.data, "./stepwell-data");
    assert_string_equal(config.journal, "default");
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "unix:///run/stepwell/stepwell.sock");
    assert_int_equal(config.control_listen_count, 0);
    assert_int_equal(config.socket_mode, 0660);
    assert_null(config.metrics_listen);
    assert_int_equal(config.limits.payload_bytes_max, 16u << 20);
    assert_int_equal(config.limits.message_bytes_max, 33u << 20);
    assert_int_equal(config.limits.open_steps_max, 1000);
    assert_int_equal(config.limits.open_runs_max, 10000);
    assert_int_equal(config.limits.queue_length_max, 4096);
    assert_true(config.limits.journal_bytes_max == 8ull << 30);
    assert_int_equal(config.journal_reserve_bytes, 64u << 20);
    assert_int_equal(config.retention_ms, 30ull * 24 * 3600 * 1000);
    assert_int_equal(config.lease_grace_ms, 10000);
    assert_int_equal(config.drain_ms, 5000);
    assert_int_equal(config.readers, 2);
    assert_false(config.check_all);
    assert_int_equal(config.log_level, SW_LOG_INFO);
    assert_false(config.log_text);
    assert_int_equal(config.ready_fd, -1);
    assert_null(config.journal_file);
    assert_null(config.store.url);
    assert_false(config.store.path_style);
    assert_int_equal(config.ship_interval_ms, 1000);
    assert_int_equal(config.backlog_bytes_max, 256u << 20);
    assert_int_equal(config.backlog_age_ms_max, 3600 * 1000);
    assert_false(config.backlog_wait);
}

static void a_store_can_be_described(void **state)
{
    struct sw_config config = accepted(
        "--store s3://b/p --journal a.B_c-1 --store-endpoint http://127.0.0.1:9000 --store-region "
        "eu --store-ca-file /ca --store-sse aws:kms --store-sse-key id --store-path-style "
        "--store-key-file /key --ship-interval 250ms --backlog-max-bytes 0 --backlog-max-age 0 "
        "--backlog-policy wait");
    (void)state;

    assert_string_equal(config.store.url, "s3://b/p");
    assert_string_equal(config.store.endpoint, "http://127.0.0.1:9000");
    assert_string_equal(config.store.region, "eu");
    assert_string_equal(config.store.ca_file, "/ca");
    assert_string_equal(config.store.sse, "aws:kms");
    assert_string_equal(config.store.sse_key, "id");
    assert_true(config.store.path_style);
    assert_string_equal(config.store_key_file, "/key");
    assert_int_equal(config.ship_interval_ms, 250);
    assert_int_equal(config.backlog_bytes_max, 0);
    assert_int_equal(config.backlog_age_ms_max, 0);
    assert_true(config.backlog_wait);
    config = accepted("--store /d --journal-file /name");
    assert_null(config.journal);
    assert_string_equal(config.journal_file, "/name");
}

static void everything_can_be_said(void **state)
{
    struct sw_config config = accepted(
        "--data /d --journal agent-7 --listen unix:///a --listen 127.0.0.1:80 --control-listen "
        "unix:///c --socket-mode 0600 --metrics-listen 9464 --payload-max-bytes 64MiB "
        "--open-steps-max 1 --open-runs-max 2 --queue-max 3 --journal-max-bytes 1MiB "
        "--retention 0 --lease-grace 500ms --drain-timeout 1m --readers 16 --check --log-level "
        "error --log-format text --ready-fd 1");
    (void)state;

    assert_string_equal(config.data, "/d");
    assert_string_equal(config.journal, "agent-7");
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[1], "127.0.0.1:80");
    assert_int_equal(config.control_listen_count, 1);
    assert_int_equal(config.socket_mode, 0600);
    assert_string_equal(config.metrics_listen, "9464");
    assert_int_equal(config.limits.message_bytes_max, 129u << 20);
    assert_int_equal(config.limits.open_steps_max, 1);
    assert_int_equal(config.limits.open_runs_max, 2);
    assert_int_equal(config.limits.queue_length_max, 3);
    assert_int_equal(config.journal_reserve_bytes, 1u << 16); /* a sixteenth */
    assert_int_equal(config.retention_ms, 0);
    assert_int_equal(config.lease_grace_ms, 500);
    assert_int_equal(config.drain_ms, 60000);
    assert_int_equal(config.readers, 16);
    assert_true(config.check_all);
    assert_int_equal(config.log_level, SW_LOG_ERROR);
    assert_true(config.log_text);
    assert_int_equal(config.ready_fd, 1);
}

static void the_variable_holds_a_list(void **state)
{
    struct sw_config config;
    (void)state;

    assert_int_equal(setenv("STEPWELL_LISTEN", "unix:///a,127.0.0.1:80,[::1]:81", 1), 0);
    config = accepted("");
    assert_int_equal(config.listen_count, 3);
    assert_string_equal(config.listen[0], "unix:///a");
    assert_string_equal(config.listen[2], "[::1]:81");
    config = accepted("--listen unix:///b"); /* instead of, not besides */
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "unix:///b");
    assert_int_equal(setenv("STEPWELL_LISTEN", "unix:///a,,unix:///b", 1), 0);
    refused("", "STEPWELL_LISTEN: an empty address in the list");
    assert_int_equal(setenv("STEPWELL_LISTEN", "unix:///a,", 1), 0);
    refused("", "STEPWELL_LISTEN: an empty address in the list");
}

static void at_most_eight_addresses(void **state)
{
    (void)state;
    (void)accepted("--listen unix:///1 --listen unix:///2 --listen unix:///3 --listen unix:///4 "
                   "--listen unix:///5 --listen unix:///6 --listen unix:///7 --listen unix:///8");
    refused("--listen unix:///1,unix:///2,unix:///3,unix:///4,unix:///5,unix:///6,unix:///7,"
            "unix:///8,unix:///9",
            "--listen: more than 8 addresses");
    refused("--listen unix:///1 --listen unix:///1", "--listen: unix:///1 stands there twice");
    refused("--listen unix:///1 --control-listen unix:///1",
            "--control-listen: unix:///1 is a --listen already");
}

/* Goal: nothing but loopback is plain. */
static void other_machines_need_certificates(void **state)
{
    (void)state;
    (void)accepted("--listen localhost:80");
    (void)accepted("--listen [::1]:80");
    refused("--listen 0.0.0.0:80", "--listen: 0.0.0.0:80 can be reached from other machines");
    refused("--listen [::]:80", "can be reached from other machines");
    refused("--listen 10.0.0.1:80", "can be reached from other machines");
    refused("--control-listen 10.0.0.1:80", "--control-listen: 10.0.0.1:80 can be reached");
    refused("--tls-cert /dev/null --tls-key /dev/null --listen 0.0.0.0:80", "go together");
    refused("--tls-cert /nowhere --tls-key /dev/null --tls-client-ca /dev/null",
            "--tls-cert: /nowhere: No such file or directory");
    (void)accepted("--tls-cert /dev/null --tls-key /dev/null --tls-client-ca /dev/null --listen "
                   "0.0.0.0:80");
}

static void bad_values_are_named(void **state)
{
    char long_name[160] = "--journal ";
    (void)state;

    refused("--listen s.sock", "--listen: \"s.sock\" is neither unix:///PATH nor HOST:PORT");
    refused("--listen unix://s.sock", "a socket's path must be absolute");
    refused("--listen 127.0.0.1:0", "--listen:");
    refused("--metrics-listen nowhere", "--metrics-listen: \"nowhere\" is not HOST:PORT");
    refused("--payload-max-bytes 65MiB", "--payload-max-bytes: 65MiB is too much, at most 64MiB");
    refused("--payload-max-bytes 1", "--payload-max-bytes: 1 is too little, at least 1KiB");
    refused("--open-steps-max 0", "--open-steps-max: 0 is out of bounds: 1 to 100000");
    refused("--readers 0", "--readers: 0 is out of bounds: 1 to 16");
    refused("--readers 17", "--readers: 17 is out of bounds: 1 to 16");
    refused("--journal-max-bytes 1000", "--journal-max-bytes: at least 1MiB, or 0");
    refused("--journal-max-bytes 2MiB --journal-reserve-bytes 2MiB", "at most half");
    refused("--journal-reserve-bytes much", "--journal-reserve-bytes: \"much\" is not a size");
    refused("--retention 30", "--retention: \"30\" is not a duration");
    refused("--socket-mode 888", "--socket-mode: \"888\" is not a mode");
    refused("--log-level loud", "--log-level: \"loud\" is none of");
    refused("--log-format xml", "--log-format: \"xml\" is neither json nor text");
    refused("--ready-fd 999", "--ready-fd: 999 is not an open file descriptor");
    refused("--journal a\tb", "--journal: not UTF-8, or a control character in it");
    refused("--journal a\xff", "--journal: not UTF-8");
    memset(long_name + strlen(long_name), 'x', SW_ERR_FIELD_MAX * 2 + 1);
    refused(long_name, "--journal: 1 to 128 bytes");
    refused("--store /d", "--store needs --journal or --journal-file");
    refused("--store /d --journal a/b", "--journal: with --store only");
    refused("--store /d --journal ..", "--journal: with --store only");
    refused("--journal a --journal-file /b", "--journal or --journal-file, not both");
    refused("--store-region eu", "--store-region: without --store it means nothing");
    refused("--store-key-file /k", "--store-key-file: without --store");
    refused("--backlog-policy drop", "--backlog-policy: \"drop\" is neither refuse nor wait");
    refused("--ship-interval 1ms", "--ship-interval: 1ms is too little, at least 10ms");
    refused("extra", "unexpected argument \"extra\"");
    refused("--datta /d", "unknown option --datta; did you mean --data?");
}

static void no_limit_needs_no_reserve(void **state)
{
    struct sw_config config = accepted("--journal-max-bytes 0");
    (void)state;

    assert_int_equal(config.limits.journal_bytes_max, 0);
    assert_int_equal(config.journal_reserve_bytes, 0);
    config = accepted("--journal-max-bytes 4MiB --journal-reserve-bytes 2MiB");
    assert_int_equal(config.journal_reserve_bytes, 2u << 20);
}

static void help_is_printed_and_nothing_read(void **state)
{
    struct capture capture;
    struct sw_config config;
    struct sw_err err;
    bool help = false;
    (void)state;

    capture_begin(&capture);
    assert_int_equal(read_line("--help --readers 99", &config, &help, &err), SW_OK);
    capture_end(&capture);
    assert_true(help);
    for (const char *const *part =
             (const char *const[]){"NAME\n", "SYNOPSIS\n", "DESCRIPTION\n", "OPTIONS\n",
                                   "EXIT STATUS\n", "EXAMPLES\n", "--tls-client-ca FILE\n",
                                   "STEPWELL_JOURNAL_RESERVE_BYTES\n", NULL};
         *part != NULL; part++)
        assert_non_null(strstr(capture.out, *part));
    capture_free(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_header),
        cmocka_unit_test(a_store_can_be_described),
        cmocka_unit_test(everything_can_be_said),
        cmocka_unit_test_teardown(the_variable_holds_a_list, clean_environment),
        cmocka_unit_test(at_most_eight_addresses),
        cmocka_unit_test(other_machines_need_certificates),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(no_limit_needs_no_reserve),
        cmocka_unit_test(help_is_printed_and_nothing_read),
    };

    return cmocka_run_group_tests(tests, clean_environment, NULL);
}
