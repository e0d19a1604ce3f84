/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/cli/json_out.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/store.h"
#include "storage/base/hash.h"

enum {
    BODY_BYTES = 1024,          /* a segment of a few steps */
    TRIES_MAX = 1000,           /* objects a run may make */
    OFFSET_WARN_MS = 60 * 1000, /* S3 refuses signatures 15 minutes off */
    SETTING_DEADLINE_MS = 5000,
    TEXT_BYTES = SW_ERR_TEXT_MAX,
    ROWS_MAX = 12
};

struct options {
    struct sw_cli_store at;
    uint32_t tries;
    bool json;
};

static const struct sw_flag flags[] = {
    {"tries", "N", SW_FLAG_UNSIGNED, offsetof(struct options, tries), 1, TRIES_MAX, "20", false,
     "Measure with so many objects, one after the other.", NULL},
    SW_CLI_FLAGS_STORE(options, at),
    {"json", NULL, SW_FLAG_SWITCH, offsetof(struct options, json), 0, 0, NULL, false,
     "Print JSON for programs.", NULL},
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "doctor URL [OPTION]...",
    .description =
        "Tries everything that stepwell serve will need of an object store: credentials, creating, "
        "reading, listing and deleting; whether of several creations of one object exactly one "
        "succeeds, one after the other and at once; the store's clock; when a shared access "
        "signature ends; how long it takes. It "
        "writes and removes small objects below probe/ and touches no journal.\n\n"
        "It also reads the bucket's lifecycle rules and its versioning, and warns of what they "
        "would do: a rule that deletes or moves objects by their age would destroy the journals. "
        "Where they cannot be read (s3:GetLifecycleConfiguration and s3:GetBucketVersioning are "
        "missing; Azure keeps them elsewhere) it says so: then look yourself.",
    .flags = flags,
    .json =
        "    {\"ok\", \"url\", \"credentials\", \"checks\": [{\"name\", \"ok\", \"state\", "
        "\"text\"}],\n"
        "     \"journals\",\n"
        "     \"clock_offset_ms\", \"create_p50_us\", \"create_p99_us\", \"get_p50_us\", "
        "\"get_p99_us\"}\n"
        "    null: not known, because a check before it failed. state is OK, WARNING, UNKNOWN or\n"
        "    FAILED; ok is false for FAILED alone.\n",
    .exit_status = "    0   stepwell serve can use it\n"
                   "    1   usage, configuration, a permission is missing, or the store is unsafe\n"
                   "    6   the store does not answer\n",
    .examples = "    stepwell doctor s3://bucket/agents --store-region eu-central-1\n",
};

enum state { OK, WARNING, UNKNOWN, FAILED };

static const char *const state_names[] = {"OK", "WARNING", "UNKNOWN", "FAILED"};

struct row {
    const char *name;
    enum state state;
    char text[TEXT_BYTES];
};

struct examination {
    const struct options *options;
    struct sw_store *store;
    char nonce[33];
    struct row rows[ROWS_MAX];
    unsigned rows_count;
    struct sw_err worst; /* the first failure */
    uint64_t create_us[TRIES_MAX];
    uint64_t get_us[TRIES_MAX];
    unsigned made;
    unsigned read;
    bool has_offset;
    int64_t offset_ms; /* the store's clock minus ours */
    bool has_journals;
    uint32_t journals;
};

static void note(struct examination *exam, const char *name, enum state state, const char *text)
{
    struct row *row = &exam->rows[exam->rows_count++];

    row->name = name;
    row->state = state;
    (void)snprintf(row->text, sizeof(row->text), "%s", text);
}

static void tell(struct examination *exam, const char *name, enum sw_code rc,
                 const struct sw_err *err, const char *text)
{
    note(exam, name, rc == SW_OK ? OK : FAILED, rc == SW_OK ? text : err->text);
    if (rc != SW_OK && exam->worst.code == SW_OK)
        exam->worst = *err;
}

static enum sw_code perform(struct examination *exam, struct sw_object_op *op, struct sw_err *err)
{
    sw_store_perform(exam->store, op, 1, 1);
    if (op->result != SW_OBJECT_FAILED)
        return SW_OK;
    *err = op->err;
    return op->err.code;
}

static void key_of(const struct examination *exam, unsigned number, char ret[SW_OBJECT_KEY_MAX])
{
    (void)snprintf(ret, SW_OBJECT_KEY_MAX, "probe/doctor-%s-%04u", exam->nonce, number);
}

static void body_of(unsigned number, uint8_t ret[BODY_BYTES])
{
    memset(ret, 'a' + (int)(number % 26), BODY_BYTES);
}

/* ---- the checks ------------------------------------------------------------------ */

static void note_clock(struct examination *exam, const struct sw_object_op *op, uint64_t before_ms)
{
    uint64_t middle_ms = (before_ms + sw_clock_now_ms(&sw_clock_system)) / 2;

    if (op->server_ms == 0 || exam->has_offset)
        return;
    exam->has_offset = true;
    exam->offset_ms = (int64_t)op->server_ms - (int64_t)middle_ms;
}

static void check_create(struct examination *exam)
{
    struct sw_err err = {0};
    enum sw_code rc = SW_OK;
    uint8_t body[BODY_BYTES];
    char key[SW_OBJECT_KEY_MAX];

    for (unsigned i = 0; rc == SW_OK && i < exam->options->tries; i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = key};
        uint64_t before_ms = sw_clock_now_ms(&sw_clock_system);

        key_of(exam, i, key);
        body_of(i, body);
        op.body = sw_span_of(body, sizeof(body));
        rc = perform(exam, &op, &err);
        if (rc != SW_OK)
            break;
        note_clock(exam, &op, before_ms);
        exam->create_us[exam->made++] = op.took_us;
    }
    tell(exam, "create", rc, &err, "objects can be created");
}

static void check_get(struct examination *exam)
{
    struct sw_err err = {0};
    enum sw_code rc = SW_OK;
    uint8_t body[BODY_BYTES];
    char key[SW_OBJECT_KEY_MAX];

    for (unsigned i = 0; rc == SW_OK && i < exam->made; i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = key};

        key_of(exam, i, key);
        body_of(i, body);
        rc = perform(exam, &op, &err);
        if (rc == SW_OK &&
            (op.result != SW_OBJECT_DONE ||
             !sw_span_equal(sw_span_of(op.data, op.size), sw_span_of(body, sizeof(body)))))
            rc = sw_fail(&err, SW_STORE_UNSAFE, "%s is not what was just written", key);
        if (rc == SW_OK)
            exam->get_us[exam->read++] = op.took_us;
        sw_object_op_fini(&op);
    }
    tell(exam, "get", rc, &err, "what was written is read back at once");
}

static void check_list(struct examination *exam)
{
    struct sw_err err = {0};
    char prefix[SW_OBJECT_KEY_MAX];
    struct sw_object_op op = {.verb = SW_OBJECT_LIST, .key = prefix};
    char *names = NULL;
    enum sw_code rc;

    (void)snprintf(prefix, sizeof(prefix), "probe/doctor-%s-", exam->nonce);
    rc = perform(exam, &op, &err);
    if (rc == SW_OK && op.keys != exam->made)
        rc = sw_fail(&err, SW_STORE_UNSAFE, "%u objects were created, %u are listed", exam->made,
                     op.keys);
    sw_object_op_fini(&op);
    tell(exam, "list", rc, &err, "objects can be listed");
    if (rc != SW_OK || sw_archive_list(exam->store, &names, &exam->journals, &err) != SW_OK)
        return;
    exam->has_journals = true;
    free(names);
}

static void check_condition(struct examination *exam)
{
    struct sw_err err = {0};
    enum sw_code rc = sw_store_probe(exam->store, &err);

    tell(exam, "condition", rc, &err,
         "of several creations of one object exactly one succeeds, also at once");
}

static void check_delete(struct examination *exam)
{
    struct sw_err err = {0};
    enum sw_code rc = SW_OK;
    char key[SW_OBJECT_KEY_MAX];

    for (unsigned i = 0; rc == SW_OK && i < exam->made; i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_DELETE, .key = key};

        key_of(exam, i, key);
        rc = perform(exam, &op, &err);
    }
    tell(exam, "delete", rc, &err, "objects can be deleted");
}

static void check_access(struct examination *exam)
{
    uint64_t end_ms = sw_store_access_end_ms(exam->store);
    uint64_t now_ms = sw_clock_now_ms(&sw_clock_system);
    char text[TEXT_BYTES];

    if (end_ms == 0)
        return;
    (void)snprintf(text, sizeof(text), "the credentials end in %llu hours and cannot be renewed",
                   (unsigned long long)(end_ms < now_ms ? 0 : (end_ms - now_ms) / 3600000));
    note(exam, "access", end_ms < now_ms + SW_STORE_ACCESS_END_NEAR_MS ? WARNING : OK, text);
}

static void check_clock(struct examination *exam)
{
    bool off = llabs(exam->offset_ms) > OFFSET_WARN_MS;
    char text[TEXT_BYTES];
    struct sw_err err = {0};

    if (!exam->has_offset) {
        tell(exam, "clock", SW_OK, &err, "the store does not say what time it is");
        return;
    }
    (void)snprintf(text, sizeof(text), "the store's clock is %lld ms %s ours",
                   llabs(exam->offset_ms), exam->offset_ms < 0 ? "behind" : "ahead of");
    tell(exam, "clock", off ? sw_fail(&err, SW_CONFIGURATION, "%s", text) : SW_OK, &err, text);
}

/* What the bucket does to the objects by itself. Not being able to look is no failure: serve
 * needs no such right. */
static void check_setting(struct examination *exam, const char *name, const char *good)
{
    struct sw_object_op op = {
        .verb = SW_OBJECT_SETTING, .key = name, .deadline_ms = SETTING_DEADLINE_MS};
    char text[TEXT_BYTES];
    struct sw_err err = {0};
    size_t used = 0;

    if (perform(exam, &op, &err) != SW_OK) {
        (void)snprintf(text, sizeof(text), "could not be read: %.400s", err.text);
        note(exam, name, UNKNOWN, text);
        return;
    }
    for (size_t at = 0; at < op.size && used < sizeof(text);
         at += strlen((const char *)op.data + at) + 1)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used == 0 ? "" : "; ",
                                 (const char *)op.data + at);
    note(exam, name, op.keys > 0 ? WARNING : OK, op.keys > 0 ? text : good);
    sw_object_op_fini(&op);
}

static void check_settings(struct examination *exam)
{
    if ((sw_store_features(exam->store) & SW_STORE_REMOTE) == 0)
        return;
    check_setting(exam, "lifecycle", "no rule deletes or moves the journals' objects");
    check_setting(exam, "versioning", "off");
}

static void examine(struct examination *exam)
{
    uint8_t nonce[16];

    sw_random(nonce, sizeof(nonce));
    sw_hex(nonce, sizeof(nonce), exam->nonce);
    check_create(exam);
    if (exam->made == 0)
        return;
    check_get(exam);
    check_list(exam);
    check_condition(exam);
    check_delete(exam);
    check_clock(exam);
    check_access(exam);
    check_settings(exam);
}

/* ---- telling ----------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static uint64_t quantile(const uint64_t *sorted, unsigned count, unsigned percent)
{
    return sorted[(count - 1) * percent / 100];
}

static void put_times(struct cJSON *root, const char *p50, const char *p99, const uint64_t *sorted,
                      unsigned count)
{
    if (count == 0) {
        sw_json_null(root, p50);
        sw_json_null(root, p99);
        return;
    }
    sw_json_number(root, p50, quantile(sorted, count, 50));
    sw_json_number(root, p99, quantile(sorted, count, 99));
}

static void print_json(const struct examination *exam)
{
    struct cJSON *root = sw_json_new();
    struct cJSON *checks;

    sw_json_bool(root, "ok", exam->worst.code == SW_OK);
    sw_json_text(root, "url", sw_span_of_text(sw_store_url(exam->store)));
    if (sw_store_credentials(exam->store) != NULL)
        sw_json_text(root, "credentials", sw_span_of_text(sw_store_credentials(exam->store)));
    else
        sw_json_null(root, "credentials");
    checks = sw_json_array(root, "checks");
    for (unsigned i = 0; i < exam->rows_count; i++) {
        struct cJSON *check = sw_json_object(checks, NULL);

        sw_json_text(check, "name", sw_span_of_text(exam->rows[i].name));
        sw_json_bool(check, "ok", exam->rows[i].state != FAILED);
        sw_json_text(check, "state", sw_span_of_text(state_names[exam->rows[i].state]));
        sw_json_text(check, "text", sw_span_of_text(exam->rows[i].text));
    }
    if (exam->has_journals)
        sw_json_number(root, "journals", exam->journals);
    else
        sw_json_null(root, "journals");
    if (exam->has_offset)
        sw_json_integer(root, "clock_offset_ms", exam->offset_ms);
    else
        sw_json_null(root, "clock_offset_ms");
    put_times(root, "create_p50_us", "create_p99_us", exam->create_us, exam->made);
    put_times(root, "get_p50_us", "get_p99_us", exam->get_us, exam->read);
    sw_json_print(root, stdout);
    (void)fputc('\n', stdout);
}

static void print_times(const char *name, const uint64_t *sorted, unsigned count)
{
    if (count != 0)
        (void)printf("%-10s %.1f ms, one in a hundred %.1f ms (of %u)\n", name,
                     (double)quantile(sorted, count, 50) / 1000,
                     (double)quantile(sorted, count, 99) / 1000, count);
}

static void print_text(const struct examination *exam)
{
    static const char *const words[] = {"ok", "WARNING", "unknown", "FAILED"};
    static const enum sw_colour colours[] = {SW_GREEN, SW_YELLOW, SW_YELLOW, SW_RED};
    bool coloured = sw_print_is_coloured(stdout);
    struct sw_arena arena;

    sw_arena_init(&arena, 0);
    (void)printf("%s\n", sw_store_url(exam->store));
    if (sw_store_credentials(exam->store) != NULL)
        (void)printf("credentials from %s\n", sw_store_credentials(exam->store));
    for (unsigned i = 0; i < exam->rows_count; i++) {
        const struct row *row = &exam->rows[i];

        (void)printf("%-10s ", row->name);
        sw_print_coloured(stdout, coloured, colours[row->state], words[row->state]);
        (void)printf("  %s\n", sw_text_safe(&arena, sw_span_of_text(row->text), 0));
    }
    if (exam->has_journals)
        (void)printf("journals   %" PRIu32 "\n", exam->journals);
    print_times("creating", exam->create_us, exam->made);
    print_times("reading", exam->get_us, exam->read);
    sw_arena_fini(&arena);
}

static int run(int argc, char **argv)
{
    struct options options = {.json = false};
    struct examination *exam;
    struct sw_flags_left left;
    struct sw_err err;
    int code;

    if (!sw_cli_read(&sw_cli_doctor, &options, argc, argv, &left, &code))
        return code;
    if (left.count != 1 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_doctor, "which store? Give one URL");
    options.at.options.url = left.words[0];
    exam = calloc(1, sizeof(*exam));
    if (exam == NULL)
        return SW_EXIT_CLI_STORAGE;
    exam->options = &options;
    if (sw_cli_store_open(&options.at, &exam->store, &err) != SW_OK) {
        free(exam);
        return sw_cli_fail(&sw_cli_doctor, &err);
    }
    examine(exam);
    qsort(exam->create_us, exam->made, sizeof(*exam->create_us), compare);
    qsort(exam->get_us, exam->read, sizeof(*exam->get_us), compare);
    if (options.json)
        print_json(exam);
    else
        print_text(exam);
    code = exam->worst.code == SW_OK ? SW_EXIT_CLI_OK : sw_cli_fail(&sw_cli_doctor, &exam->worst);
    sw_store_close(exam->store);
    free(exam);
    return code;
}

const struct sw_cli_command sw_cli_doctor = {"doctor", "try out an object store", &page, run};
