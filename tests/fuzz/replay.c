/* SPDX-License-Identifier: Apache-2.0
 *
 * replay - runs a fuzz target over files and folders of inputs, without a fuzzer.
 *
 * With it every build, gcc's as well, holds on to what fuzzing once found.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_SIZE_MAX = 1 << 20, PATH_SIZE_MAX = 4096 };

static unsigned inputs;

static void replay_file(const char *path)
{
    static uint8_t bytes[INPUT_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    uint8_t *exact;
    size_t size;

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    exact = malloc(size > 0 ? size : 1); /* so that a sanitizer sees its end */
    if (exact == NULL)
        abort();
    memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    inputs++;
}

static void replay(const char *path)
{
    char inner[PATH_SIZE_MAX];
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (folder == NULL) {
        replay_file(path);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        replay(inner);
    }
    (void)closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%u inputs\n", inputs);
    return inputs == 0; /* a corpus that went missing is a failure */
}
