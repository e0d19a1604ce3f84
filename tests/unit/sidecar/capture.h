/* SPDX-License-Identifier: Apache-2.0
 *
 * capture - what a function writes to standard output and standard error, as text.
 *
 * Owns:    two temporary files between begin and end; the texts until free.
 * Threads: one.
 * Fails:   aborts.
 */
#ifndef SW_TEST_CAPTURE_H
#define SW_TEST_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
    FILE *files[2];
    int saved[2];
    char *out;
    char *err;
};

static inline void capture_begin(struct capture *capture)
{
    (void)fflush(stdout);
    (void)fflush(stderr);
    for (int i = 0; i < 2; i++) {
        capture->files[i] = tmpfile();
        capture->saved[i] = dup(STDOUT_FILENO + i);
        if (capture->files[i] == NULL || capture->saved[i] < 0 ||
            dup2(fileno(capture->files[i]), STDOUT_FILENO + i) < 0)
            abort();
    }
}

static inline char *capture_read(FILE *file)
{
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);

    rewind(file);
    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size)
        abort();
    (void)fclose(file);
    return text;
}

static inline void capture_end(struct capture *capture)
{
    (void)fflush(stdout);
    (void)fflush(stderr);
    for (int i = 0; i < 2; i++) {
        if (dup2(capture->saved[i], STDOUT_FILENO + i) < 0)
            abort();
        (void)close(capture->saved[i]);
    }
    capture->out = capture_read(capture->files[0]);
    capture->err = capture_read(capture->files[1]);
}

static inline void capture_free(struct capture *capture)
{
    free(capture->out);
    free(capture->err);
}

#endif
