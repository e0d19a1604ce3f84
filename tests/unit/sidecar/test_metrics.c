/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/metrics.h"

#include "storage/base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The number behind a name; -1 when there is none. */
static double value_of(const char *name)
{
    size_t size;
    char *text = sw_metrics_text(&size);
    size_t name_size = strlen(name);
    double value = -1;

    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, name_size) == 0 && line[name_size] == ' ')
            value = strtod(line + name_size, NULL);
    }
    free(text);
    return value;
}

static void near(double found, double wanted)
{
    assert_true(fabs(found - wanted) < 1e-9);
}

static void counters_add_and_gauges_are_set(void **state)
{
    (void)state;
    sw_metric_add(SW_METRIC_CALLS, 2);
    sw_metric_add(SW_METRIC_CALLS, 3);
    sw_metric_set(SW_METRIC_LSN, 9);
    sw_metric_set(SW_METRIC_LSN, 7);
    near(value_of("stepwell_calls_total"), 5);
    near(value_of("stepwell_lsn"), 7);
    near(value_of("stepwell_build_info{version=\"" SW_VERSION "\"}"), 1);
}

/* Goal: buckets are cumulative, a value on a bound counts below it. */
static void histograms_are_cumulative(void **state)
{
    (void)state;
    sw_metric_observe(SW_METRIC_COMMIT_SECONDS, 0.0004);
    sw_metric_observe(SW_METRIC_COMMIT_SECONDS, 0.005);
    sw_metric_observe(SW_METRIC_COMMIT_SECONDS, 100);
    sw_metric_observe(SW_METRIC_COMMIT_SECONDS, -1); /* a clock that went back */
    near(value_of("stepwell_commit_seconds_bucket{le=\"0.00025\"}"), 1);
    near(value_of("stepwell_commit_seconds_bucket{le=\"0.0005\"}"), 2);
    near(value_of("stepwell_commit_seconds_bucket{le=\"0.0025\"}"), 2);
    near(value_of("stepwell_commit_seconds_bucket{le=\"0.005\"}"), 3);
    near(value_of("stepwell_commit_seconds_bucket{le=\"5\"}"), 3);
    near(value_of("stepwell_commit_seconds_bucket{le=\"+Inf\"}"), 4);
    near(value_of("stepwell_commit_seconds_count"), 4);
    near(value_of("stepwell_commit_seconds_sum"), 100.0054);

    sw_metric_observe(SW_METRIC_BATCH_CALLS, 1);
    sw_metric_observe(SW_METRIC_BATCH_CALLS, 200);
    near(value_of("stepwell_batch_calls_bucket{le=\"1\"}"), 1);
    near(value_of("stepwell_batch_calls_bucket{le=\"128\"}"), 1);
    near(value_of("stepwell_batch_calls_bucket{le=\"256\"}"), 2);
    near(value_of("stepwell_batch_calls_sum"), 201);
}

/* Goal: an age rises though nobody sets it, and is nothing when nothing ages. */
static void an_age_is_counted_when_it_is_read(void **state)
{
    (void)state;
    near(value_of("stepwell_ship_lag_seconds"), 0);
    sw_metric_set(SW_METRIC_SHIP_LAG, sw_clock_now_ms(&sw_clock_system) - 5000);
    assert_true(value_of("stepwell_ship_lag_seconds") >= 5);
    assert_true(value_of("stepwell_ship_lag_seconds") < 60);
    sw_metric_set(SW_METRIC_SHIP_LAG, sw_clock_now_ms(&sw_clock_system) + 5000);
    near(value_of("stepwell_ship_lag_seconds"), 0);
    sw_metric_set(SW_METRIC_SHIP_LAG, 0);
}

/* Goal: the text is what Prometheus reads: for each metric HELP, TYPE, samples, newline. */
static void each_metric_is_introduced(void **state)
{
    size_t size;
    char *text = sw_metrics_text(&size);
    unsigned help = 0;
    unsigned type = 0;
    (void)state;

    assert_non_null(text);
    assert_int_equal(text[size - 1], '\n');
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        help += strncmp(line, "# HELP stepwell_", 16) == 0;
        type += strncmp(line, "# TYPE stepwell_", 16) == 0;
        assert_true(line[0] == '#' || strncmp(line, "stepwell_", 9) == 0);
    }
    assert_int_equal(help, SW_METRIC_COUNT + 1);
    assert_int_equal(type, SW_METRIC_COUNT + 1);
    assert_non_null(strstr(text, "# TYPE stepwell_batch_calls histogram\n"));
    free(text);
}

static void health_is_what_was_set(void **state)
{
    (void)state;
    assert_int_equal(sw_health_get(), SW_HEALTH_STARTING);
    sw_health_set(SW_HEALTH_DRAINING);
    assert_int_equal(sw_health_get(), SW_HEALTH_DRAINING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_and_gauges_are_set),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(an_age_is_counted_when_it_is_read),
        cmocka_unit_test(each_metric_is_introduced),
        cmocka_unit_test(health_is_what_was_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
