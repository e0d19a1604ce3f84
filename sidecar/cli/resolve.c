/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/cli/json_views.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/views.h"

struct options {
    struct sw_cli_common common;
    const char *happened;
    const char *give_up;
    const char *content_type;
    const char *by;
    bool did_not_happen;
};

static const struct sw_flag flags[] = {
    {"happened", "JSON|@FILE", SW_FLAG_TEXT, offsetof(struct options, happened), 0, 0, NULL, false,
     "The effect took place: the step completes with this output, as if the agent had reported "
     "it. @FILE reads it from a file, @- from standard input.",
     NULL},
    {"content-type", "TYPE", SW_FLAG_TEXT, offsetof(struct options, content_type), 0, 0,
     "application/json", false,
     "Of the output. With the default the output must be JSON; else it is taken as it stands.",
     NULL},
    {"did-not-happen", NULL, SW_FLAG_SWITCH, offsetof(struct options, did_not_happen), 0, 0, NULL,
     false, "The effect did not take place: the step may be attempted again.", NULL},
    {"give-up", "MESSAGE", SW_FLAG_TEXT, offsetof(struct options, give_up), 0, 0, NULL, false,
     "Nobody will find out: the step fails with type GivenUp and this message.", NULL},
    {"by", "NAME", SW_FLAG_TEXT, offsetof(struct options, by), 0, 0, NULL, false,
     "Who found out; recorded in the journal.", NULL},
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "resolve RUN STEP --happened JSON|@FILE --by NAME [OPTION]...\n"
                "resolve RUN STEP --did-not-happen --by NAME [OPTION]...\n"
                "resolve RUN STEP --give-up MESSAGE --by NAME [OPTION]...",
    .description =
        "Ends the doubt about a step. A step is in doubt when its intent is recorded, its outcome "
        "is not, and whoever held it is gone: its effect may or may not have taken place. Ask the "
        "provider, by the idempotency key or the references that stepwell show prints; then say "
        "what you found.\n\n"
        "Refused while a live holder has the step, and when the step is not in doubt. Repeating "
        "the same resolution is harmless.",
    .flags = flags,
    .json =
        "    {\"run_id\", \"key\", \"state\": \"COMPLETED\"|\"RETRYING\"|\"FAILED\", \"lsn\"}\n",
    .examples = "    stepwell resolve order-17 charge --happened '{\"id\": \"ch_9\"}' --by jane\n"
                "    stepwell resolve order-17 charge --happened @charge.json --by jane\n"
                "    stepwell resolve order-17 charge --did-not-happen --by jane\n",
};

/* Reads all of a file into arena; "-" is standard input. */
static enum sw_code read_file(const char *path, struct sw_arena *arena, struct sw_span *ret,
                              struct sw_err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    enum sw_code rc = SW_OK;
    FILE *copy;

    if (file == NULL) {
        int failed = errno;

        rc = sw_fail(err, SW_CONFIGURATION, "--happened: %s: %s", path, strerror(failed));
        err->os_errno = failed;
        return rc;
    }
    copy = open_memstream(&text, &size);
    for (int c = copy != NULL ? fgetc(file) : EOF; c != EOF; c = fgetc(file))
        (void)fputc(c, copy);
    if (copy == NULL || ferror(file) || fclose(copy) != 0)
        rc = sw_fail(err, SW_CONFIGURATION, "--happened: %s cannot be read", path);
    else if (!sw_arena_copy(arena, sw_span_of(text, size), ret))
        rc = sw_fail(err, SW_NO_MEMORY, "out of memory");
    free(text);
    if (file != stdin)
        (void)fclose(file);
    return rc;
}

static enum sw_code read_output(const struct options *options, struct sw_arena *arena,
                                struct sw_payload *ret, struct sw_err *err)
{
    struct sw_payload output = {.present = true,
                                .content_type = sw_span_of_text(options->content_type),
                                .data = sw_span_of_text(options->happened)};
    enum sw_code rc = SW_OK;

    if (options->happened[0] == '@')
        rc = read_file(options->happened + 1, arena, &output.data, err);
    if (rc != SW_OK)
        return rc;
    if (strcmp(options->content_type, "application/json") == 0 && !sw_json_is_valid(output.data))
        return sw_fail(err, SW_CONFIGURATION,
                       "--happened: not JSON (a text needs quotes of its own: '\"text\"'), or say "
                       "--content-type");
    output.size = output.data.size;
    *ret = output;
    return SW_OK;
}

static enum sw_code read_resolution(const struct options *options, struct sw_arena *arena,
                                    struct sw_resolve_step_request *request, struct sw_err *err)
{
    if (options->happened != NULL) {
        request->resolution = SW_RESOLUTION_HAPPENED;
        return read_output(options, arena, &request->output, err);
    }
    if (options->give_up != NULL) {
        request->resolution = SW_RESOLUTION_GIVE_UP;
        request->failure.type = sw_span_of_text("GivenUp");
        request->failure.message = sw_span_of_text(options->give_up);
        return SW_OK;
    }
    request->resolution = SW_RESOLUTION_DID_NOT_HAPPEN;
    return SW_OK;
}

static void print(const struct options *options, const struct sw_resolve_step_request *request,
                  const struct sw_resolve_step_answer *answer)
{
    enum sw_colour colour;
    struct cJSON *root;

    if (!options->common.json) { /* the key is as the person wrote it */
        (void)printf("%.*s is %s now (lsn %" PRIu64 ")\n", SW_SPAN_ARG(request->key),
                     sw_text_step_state(answer->state, &colour), answer->lsn);
        return;
    }
    root = sw_json_new();
    sw_json_text(root, "run_id", request->run_id);
    sw_json_text(root, "key", request->key);
    sw_json_text(root, "state", sw_span_of_text(sw_name_step_state(answer->state)));
    sw_json_number(root, "lsn", answer->lsn);
    sw_json_print(root, stdout);
    (void)fputc('\n', stdout);
}

/* After a refusal: which steps could have been meant. */
static void hint(struct sw_client *client, struct sw_span run_id, const struct sw_err *refusal)
{
    struct sw_client_run run = {.open_steps_count = 0};
    struct sw_arena arena;
    struct sw_err err;
    const char *before = "stepwell resolve: in doubt in this run: ";

    if (refusal->code != SW_STEP_NOT_FOUND && refusal->code != SW_STEP_NOT_IN_DOUBT)
        return;
    sw_arena_init(&arena, 0);
    if (sw_client_get_run(client, run_id, &arena, &run, &err) != SW_OK)
        goto out;
    for (size_t i = 0; i < run.open_steps_count; i++) {
        if (run.open_steps[i].step.state != SW_STEP_DOUBTED)
            continue;
        (void)fprintf(stderr, "%s%s", before, sw_text_safe(&arena, run.open_steps[i].step.key, 0));
        before = ", ";
    }
    if (strcmp(before, ", ") == 0)
        (void)fputc('\n', stderr);
out:
    sw_arena_fini(&arena);
}

static int resolve(const struct options *options, char **words)
{
    struct sw_resolve_step_request request = {.by_person = true,
                                              .run_id = sw_span_of_text(words[0]),
                                              .key = sw_span_of_text(words[1]),
                                              .by = sw_span_of_text(options->by)};
    struct sw_resolve_step_answer answer = {.lsn = 0};
    struct sw_source source = {.client = NULL};
    struct sw_arena arena;
    struct sw_err err;
    enum sw_code rc;
    int code = SW_EXIT_CLI_OK;

    sw_arena_init(&arena, 0);
    rc = read_resolution(options, &arena, &request, &err);
    if (rc == SW_OK)
        rc = sw_source_open(&options->common, &source, &err);
    if (rc == SW_OK)
        rc = sw_client_resolve_step(source.client, &request, &answer, &err);
    if (rc == SW_STEP_NOT_FOUND || rc == SW_STEP_NOT_IN_DOUBT)
        rc = sw_wrap(&err, "%s, %s", words[0], words[1]);
    if (rc == SW_OK) {
        print(options, &request, &answer);
    } else {
        code = sw_cli_fail(&sw_cli_resolve, &err);
        if (source.client != NULL)
            hint(source.client, request.run_id, &err);
    }
    sw_source_close(&source);
    sw_arena_fini(&arena);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.happened = NULL};
    struct sw_flags_left left;
    int given;
    int code;

    if (!sw_cli_read(&sw_cli_resolve, &options, argc, argv, &left, &code))
        return code;
    if (left.count != 2 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_resolve, "which step? Give a run id and a step key");
    given = (options.happened != NULL) + (options.give_up != NULL) + options.did_not_happen;
    if (given != 1)
        return sw_cli_usage(&sw_cli_resolve,
                            "give one of --happened, --did-not-happen and --give-up");
    if (options.by == NULL)
        return sw_cli_usage(&sw_cli_resolve, "who found out? Give --by NAME");
    return resolve(&options, left.words);
}

const struct sw_cli_command sw_cli_resolve = {"resolve", "end the doubt about a step", &page, run};
