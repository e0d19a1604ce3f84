/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_disk FILE BYTES PAUSE_US SECONDS - the raw limit of one durable write: fdatasync of
 * BYTES overwritten in a file that has its size already, every PAUSE_US.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/report.h"

enum { FILE_BYTES = 8 << 20, BLOCK_MAX = 64 << 10 };

int main(int argc, char **argv)
{
    static char block[BLOCK_MAX];
    struct bench_report report;
    size_t bytes = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    off_t at = 0;
    uint64_t end;
    int file;

    if (bytes == 0 || bytes > BLOCK_MAX) {
        fprintf(stderr, "usage: bench_disk FILE BYTES PAUSE_US SECONDS\n");
        return 1;
    }
    file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t done = 0; done < FILE_BYTES; done += BLOCK_MAX)
        if (pwrite(file, block, BLOCK_MAX, done) != BLOCK_MAX)
            return 1;
    fsync(file);
    bench_report_start(&report);
    end = bench_now_us() + strtoul(argv[4], NULL, 10) * 1000000;
    while (bench_now_us() < end) {
        uint64_t started = bench_now_us();

        if (pwrite(file, block, bytes, at) != (ssize_t)bytes || fdatasync(file) != 0)
            return 1;
        bench_report_add(&report, bench_now_us() - started);
        at = (at + 4096) % (FILE_BYTES - BLOCK_MAX);
        usleep((useconds_t)strtoul(argv[3], NULL, 10));
    }
    bench_report_print(&report);
    close(file);
    return 0;
}
