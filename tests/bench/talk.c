/* SPDX-License-Identifier: Apache-2.0
 *
 * A conversation as an agent sends it: each model call has all messages so far as its input.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stepwell/v1/agent_service.pb-c.h"
#include "tests/bench/agents.h"
#include "tests/bench/channel.h"
#include "tests/bench/probes.h"

enum { WORD_MAX = 9, MESSAGE_HEAD_MAX = 64, REQUEST_HEAD_MAX = 512 };

struct talk {
    struct bench_channel channel;
    struct bench_call call;
    char *text; /* "[{...},{...}", the array left open */
    size_t size;
    uint64_t random;
    uint8_t *bytes; /* of the request */
    uint64_t lease;
    bool answered;
};

static char run_id[] = "conversation";

static void on_answer(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    struct talk *talk = call->self;

    talk->answered = true;
    if (talk->lease == 0) { /* the first is StartRun's */
        Stepwell__V1__StartRunResponse *started =
            stepwell__v1__start_run_response__unpack(NULL, size, bytes);

        assert(started != NULL && started->created);
        talk->lease = started->lease;
        stepwell__v1__start_run_response__free_unpacked(started, NULL);
    }
}

static void ask(struct talk *talk, enum agent_verb verb, const ProtobufCMessage *request)
{
    size_t size = protobuf_c_message_pack(request, talk->bytes);

    bench_call_init(&talk->call, &talk->channel, agent_path(verb), on_answer, talk);
    bench_call_unary(&talk->call, talk->bytes, size);
    talk->answered = false;
    while (!talk->answered)
        bench_channel_poll(&talk->channel, &talk->call, 1, 1000000);
}

static unsigned draw(struct talk *talk, unsigned below)
{
    talk->random = talk->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(talk->random >> 33) % below;
}

/* Lower-case words of no language. */
static void add_message(struct talk *talk, unsigned bytes)
{
    char *at = talk->text + talk->size;
    const char *end = at + bytes;

    at += snprintf(at, MESSAGE_HEAD_MAX, "%c{\"role\": \"user\", \"content\": \"",
                   talk->size == 0 ? '[' : ',');
    while (at < end - WORD_MAX - 3) {
        for (unsigned letters = 1 + draw(talk, WORD_MAX); letters != 0; letters--)
            *at++ = (char)('a' + draw(talk, 26));
        *at++ = ' ';
    }
    at += snprintf(at, 3, "\"}");
    talk->size = (size_t)(at - talk->text);
}

static void take_turn(struct talk *talk, unsigned turn)
{
    Stepwell__V1__BeginStepRequest begin = STEPWELL__V1__BEGIN_STEP_REQUEST__INIT;
    Stepwell__V1__CompleteStepRequest complete = STEPWELL__V1__COMPLETE_STEP_REQUEST__INIT;
    Stepwell__V1__Payload input = STEPWELL__V1__PAYLOAD__INIT;
    Stepwell__V1__Payload output = STEPWELL__V1__PAYLOAD__INIT;
    char key[32];
    uint8_t answer[] = "an answer";

    snprintf(key, sizeof key, "llm-%u", turn);
    talk->text[talk->size] = ']'; /* until the next message */
    input.data.data = (uint8_t *)talk->text;
    input.data.len = talk->size + 1;
    begin.run_id = run_id;
    begin.lease = talk->lease;
    begin.key = key;
    begin.kind = STEPWELL__V1__KIND__KIND_LLM;
    begin.effect = STEPWELL__V1__EFFECT__EFFECT_NONE;
    begin.input_source_case = STEPWELL__V1__BEGIN_STEP_REQUEST__INPUT_SOURCE_INPUT;
    begin.input = &input;
    ask(talk, AGENT_BEGIN, &begin.base);
    output.data.data = answer;
    output.data.len = sizeof answer - 1;
    complete.run_id = run_id;
    complete.lease = talk->lease;
    complete.key = key;
    complete.attempt = 1;
    complete.outcome_case = STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME_OUTPUT;
    complete.output = &output;
    ask(talk, AGENT_COMPLETE, &complete.base);
}

void probe_talk(const char *address, unsigned turns, unsigned bytes)
{
    Stepwell__V1__StartRunRequest start = STEPWELL__V1__START_RUN_REQUEST__INIT;
    struct talk talk = {.random = 1};
    static char task[] = "bench";
    uint64_t sent = 0;

    assert(bytes > MESSAGE_HEAD_MAX);
    talk.text = malloc((size_t)turns * bytes + 1);
    talk.bytes = malloc((size_t)turns * bytes + REQUEST_HEAD_MAX);
    assert(talk.text != NULL && talk.bytes != NULL);
    bench_channel_open(&talk.channel, address);
    start.run_id = run_id;
    start.task = task;
    start.take_lease = 1;
    ask(&talk, AGENT_START, &start.base);
    for (unsigned turn = 0; turn < turns; turn++) {
        add_message(&talk, bytes);
        take_turn(&talk, turn);
        sent += talk.size + 1;
    }
    printf("{\"distinct\": %zu, \"sent\": %llu}\n", talk.size + 1, (unsigned long long)sent);
    free(talk.text);
    free(talk.bytes);
}
