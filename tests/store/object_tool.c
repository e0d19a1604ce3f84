/* SPDX-License-Identifier: Apache-2.0
 *
 * A store by hand, for the tests of this folder:
 *
 *   object_tool [--url URL] [--endpoint URL] [--region NAME] [--ca FILE] [--sse NAME]
 *               [--sse-key ID] [--path-style] [--deadline MS] [--parallel N] [--cancel-after MS]
 *               COMMAND [+ COMMAND]...
 *
 *   create KEY FILE, get KEY [FILE], list PREFIX [AFTER [KEYS_MAX]], delete KEY, probe,
 *   many N (creates "many/0"... side by side), time N BYTES (creates, one after the other),
 *   pause MS
 *
 * All commands use one store, so also its connections. Each prints one line of JSON.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "storage/base/hash.h"
#include "storage/object/object.h"

enum { MANY_MAX = 4096 };

struct tool {
    struct sw_store *store;
    uint64_t deadline_ms;
    unsigned parallel;
};

static const char *const results[] = {"PENDING", "DONE", "EXISTS", "ABSENT", "FAILED"};

static void print_text(const char *name, const char *text)
{
    (void)printf(", \"%s\": \"", name);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\' || byte < ' ' || byte > '~')
            (void)printf("\\u%04x", byte);
        else
            (void)putchar(byte);
    }
    (void)putchar('"');
}

static void print_op(const struct sw_object_op *op)
{
    (void)printf("{\"result\": \"%s\", \"code\": \"%s\", \"tries\": %u, \"size\": %zu, "
                 "\"took_us\": %llu, \"server_ms\": %llu",
                 results[op->result],
                 op->result == SW_OBJECT_FAILED ? sw_code_name(op->err.code) : "OK", op->tries,
                 op->size, (unsigned long long)op->took_us, (unsigned long long)op->server_ms);
    print_text("text", op->err.text);
    if (op->verb == SW_OBJECT_LIST && op->result == SW_OBJECT_DONE) {
        const char *next = (const char *)op->data;

        (void)printf(", \"more\": %s, \"keys\": [", op->more ? "true" : "false");
        for (uint32_t i = 0; i < op->keys; i++) {
            (void)printf("%s\"%s\"", i == 0 ? "" : ", ", next);
            next += strlen(next) + 1;
        }
        (void)printf("]");
    }
    (void)printf("}\n");
    (void)fflush(stdout);
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        exit(2);
    }
    rewind(file);
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        exit(2);
    (void)fclose(file);
    *ret_size = (size_t)size;
    return bytes;
}

static void write_file(const char *path, const struct sw_object_op *op)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(op->data, 1, op->size, file) != op->size || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static void run_one(const struct tool *tool, char **words, int count)
{
    struct sw_object_op op = {.deadline_ms = tool->deadline_ms, .key = count > 1 ? words[1] : ""};
    uint8_t *body = NULL;

    if (strcmp(words[0], "create") == 0 && count == 3) {
        op.verb = SW_OBJECT_CREATE;
        op.body.data = body = read_file(words[2], &op.body.size);
    } else if (strcmp(words[0], "get") == 0 && count >= 2) {
        op.verb = SW_OBJECT_GET;
    } else if (strcmp(words[0], "delete") == 0 && count == 2) {
        op.verb = SW_OBJECT_DELETE;
    } else if (strcmp(words[0], "list") == 0) {
        op.verb = SW_OBJECT_LIST;
        op.after = count > 2 ? words[2] : NULL;
        op.keys_max = count > 3 ? (uint32_t)strtoul(words[3], NULL, 10) : 0;
    } else {
        (void)fprintf(stderr, "object_tool: what is %s?\n", words[0]);
        exit(2);
    }
    sw_store_perform(tool->store, &op, 1, 1);
    print_op(&op);
    if (op.verb == SW_OBJECT_GET && op.result == SW_OBJECT_DONE && count == 3)
        write_file(words[2], &op);
    sw_object_op_fini(&op);
    free(body);
}

static void run_probe(const struct tool *tool)
{
    struct sw_err err = {0};
    enum sw_code code = sw_store_probe(tool->store, &err);

    (void)printf("{\"code\": \"%s\"", sw_code_name(code));
    print_text("text", err.text);
    (void)printf("}\n");
}

static void run_many(const struct tool *tool, unsigned long count)
{
    static struct sw_object_op ops[MANY_MAX];
    static char keys[MANY_MAX][16];

    if (count > MANY_MAX)
        exit(2);
    for (unsigned long i = 0; i < count; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "many/%lu", i);
        ops[i] = (struct sw_object_op){.verb = SW_OBJECT_CREATE,
                                       .key = keys[i],
                                       .body = sw_span_of_text(keys[i]),
                                       .deadline_ms = tool->deadline_ms};
    }
    sw_store_perform(tool->store, ops, count, tool->parallel);
    for (unsigned long i = 0; i < count; i++)
        print_op(&ops[i]);
}

static int compare(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a;
    uint64_t two = *(const uint64_t *)b;

    return (one > two) - (one < two);
}

static void run_time(const struct tool *tool, unsigned long count, unsigned long size)
{
    static uint64_t took_us[MANY_MAX];
    uint8_t *body = malloc(size + 1);
    uint8_t nonce[8];
    char name[2 * sizeof(nonce) + 1];

    if (count == 0 || count > MANY_MAX || body == NULL)
        exit(2);
    sw_random(body, size);
    sw_random(nonce, sizeof(nonce));
    sw_hex(nonce, sizeof(nonce), name);
    for (unsigned long i = 0; i < count; i++) {
        char key[64];
        struct sw_object_op op = {
            .verb = SW_OBJECT_CREATE, .key = key, .body = sw_span_of(body, size)};
        uint64_t started = sw_clock_monotonic_us(&sw_clock_system);

        (void)snprintf(key, sizeof(key), "time/%s/%lu", name, i);
        sw_store_perform(tool->store, &op, 1, 1);
        took_us[i] = sw_clock_monotonic_us(&sw_clock_system) - started;
        if (op.result != SW_OBJECT_DONE)
            print_op(&op);
    }
    free(body);
    qsort(took_us, count, sizeof(took_us[0]), compare);
    (void)printf("{\"creates\": %lu, \"bytes\": %lu, \"p50_us\": %llu, \"p99_us\": %llu}\n", count,
                 size, (unsigned long long)took_us[count / 2],
                 (unsigned long long)took_us[count * 99 / 100]);
}

static void pass(unsigned long ms)
{
    const struct timespec time = {.tv_sec = (time_t)(ms / 1000),
                                  .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static void run(const struct tool *tool, char **words, int count)
{
    if (strcmp(words[0], "probe") == 0)
        run_probe(tool);
    else if (strcmp(words[0], "many") == 0 && count == 2)
        run_many(tool, strtoul(words[1], NULL, 10));
    else if (strcmp(words[0], "time") == 0 && count == 3)
        run_time(tool, strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10));
    else if (strcmp(words[0], "pause") == 0 && count == 2)
        pass(strtoul(words[1], NULL, 10));
    else
        run_one(tool, words, count);
}

static unsigned long cancel_after_ms;

static void *cancel_later(void *store)
{
    pass(cancel_after_ms);
    sw_store_cancel(store);
    return NULL;
}

/* Returns how many words the options take. */
static int read_options(char **argv, struct sw_store_options *options, struct tool *tool)
{
    int next = 1;

    for (; argv[next] != NULL && strncmp(argv[next], "--", 2) == 0; next += 2) {
        const char *name = argv[next] + 2;
        const char *value = argv[next + 1];

        if (strcmp(name, "path-style") == 0) {
            options->path_style = true;
            next--;
        } else if (strcmp(name, "url") == 0) {
            options->url = value;
        } else if (strcmp(name, "endpoint") == 0) {
            options->endpoint = value;
        } else if (strcmp(name, "region") == 0) {
            options->region = value;
        } else if (strcmp(name, "ca") == 0) {
            options->ca_file = value;
        } else if (strcmp(name, "sse") == 0) {
            options->sse = value;
        } else if (strcmp(name, "sse-key") == 0) {
            options->sse_key = value;
        } else if (strcmp(name, "deadline") == 0) {
            tool->deadline_ms = strtoul(value, NULL, 10);
        } else if (strcmp(name, "parallel") == 0) {
            tool->parallel = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(name, "cancel-after") == 0) {
            cancel_after_ms = strtoul(value, NULL, 10);
        } else {
            exit(2);
        }
    }
    return next;
}

int main(int argc, char **argv)
{
    struct sw_store_options options = {0};
    struct tool tool = {.parallel = 1};
    struct sw_store_counts counts;
    struct sw_err err;
    pthread_t thread = pthread_self();
    int next = read_options(argv, &options, &tool);

    if (sw_store_open(&options, &tool.store, &err) != SW_OK) {
        (void)printf("{\"code\": \"%s\"", sw_code_name(err.code));
        print_text("text", err.text);
        (void)printf("}\n");
        return 1;
    }
    if (cancel_after_ms > 0 && pthread_create(&thread, NULL, cancel_later, tool.store) != 0)
        return 2;
    while (next < argc) {
        int count = 0;

        while (next + count < argc && strcmp(argv[next + count], "+") != 0)
            count++;
        run(&tool, argv + next, count);
        next += count + 1;
    }
    if (cancel_after_ms > 0)
        (void)pthread_join(thread, NULL);
    counts = sw_store_counts(tool.store);
    (void)printf("{\"creates\": %llu, \"gets\": %llu, \"deletes\": %llu, \"lists\": %llu, "
                 "\"retries\": %llu}\n",
                 (unsigned long long)counts.creates, (unsigned long long)counts.gets,
                 (unsigned long long)counts.deletes, (unsigned long long)counts.lists,
                 (unsigned long long)counts.retries);
    sw_store_close(tool.store);
    return 0;
}
