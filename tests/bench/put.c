/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_put SECONDS BYTES URL [ENDPOINT] - creates objects if they are absent, one at a time, in
 * the store; prints JSON. By the sidecar's own driver, so that nothing but the store is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/object/object.h"
#include "tests/bench/report.h"

static int fail(const struct sw_err *err)
{
    fprintf(stderr, "bench_put: %s\n", err->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct sw_store_options options = {.clock = &sw_clock_system};
    struct bench_report report;
    struct sw_store *store = NULL;
    struct sw_err err = {0};
    uint64_t end;
    uint8_t *body;
    size_t size;

    if (argc < 4 || argc > 5)
        return 1;
    size = strtoul(argv[2], NULL, 10);
    options.url = argv[3];
    options.endpoint = argc > 4 ? argv[4] : NULL;
    body = calloc(1, size + 1);
    if (body == NULL || sw_store_open(&options, &store, &err) != SW_OK)
        return fail(&err);
    bench_report_start(&report);
    end = report.started_us + strtoul(argv[1], NULL, 10) * 1000000;
    while (bench_now_us() < end) {
        struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .body = {body, size}};
        uint64_t started = bench_now_us();
        char key[64];

        snprintf(key, sizeof key, "put/%ld/%zu", (long)getpid(), report.count);
        op.key = key;
        sw_store_perform(store, &op, 1, 1);
        if (op.result != SW_OBJECT_DONE)
            return fail(&op.err);
        bench_report_add(&report, bench_now_us() - started);
    }
    bench_report_print(&report);
    sw_store_close(store);
    free(body);
    return 0;
}
