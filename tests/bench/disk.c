/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_disk FILE BYTES PERIOD_US SECONDS - the raw limit of one durable write: BYTES written over
 * a file that has its size already, each behind the last as in a log, and fdatasync; one
 * begins PERIOD_US after the other. A disk that rests between syncs is slower than one that does
 * not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/bench/report.h"

enum { FILE_BYTES = 8 << 20, BLOCK_MAX = 64 << 10 };

int main(int argc, char **argv)
{
    static char block[BLOCK_MAX];
    struct bench_report report;
    size_t bytes = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    off_t at = 0;
    uint64_t period;
    uint64_t end;
    int file;

    if (bytes == 0 || bytes > BLOCK_MAX) {
        fprintf(stderr, "usage: bench_disk FILE BYTES PERIOD_US SECONDS\n");
        return 1;
    }
    period = strtoul(argv[3], NULL, 10);
    file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t done = 0; done < FILE_BYTES; done += BLOCK_MAX)
        if (pwrite(file, block, BLOCK_MAX, done) != BLOCK_MAX)
            return 1;
    fsync(file);
    prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul); /* a pause as long as it was asked for */
    bench_report_start(&report);
    end = bench_now_us() + strtoul(argv[4], NULL, 10) * 1000000;
    while (bench_now_us() < end) {
        uint64_t started = bench_now_us();
        uint64_t spent;

        if (pwrite(file, block, bytes, at) != (ssize_t)bytes || fdatasync(file) != 0)
            return 1;
        spent = bench_now_us() - started;
        bench_report_add(&report, spent);
        at = (at + (off_t)bytes) % (FILE_BYTES - BLOCK_MAX);
        if (spent < period)
            usleep((useconds_t)(period - spent));
    }
    bench_report_print(&report);
    close(file);
    return 0;
}
