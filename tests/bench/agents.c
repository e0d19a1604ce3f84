/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/agents.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stepwell/v1/agent_service.pb-c.h"

enum { WORDS = 250, WORD_LETTERS_MAX = 10 };

/* As often as in English. */
static const char letters_of_text[] =
    "eeeeeeeettttttaaaaaoooooiiiiinnnnnsssshhhhrrrrddddlllccuummwfgypbvk";

struct agent_style agent_style = {.payload_bytes = 200, .run_steps = AGENT_STEPS};

static void pack(struct agent *agent, const ProtobufCMessage *message)
{
    agent->size = protobuf_c_message_get_packed_size(message);
    assert(agent->size <= MESSAGE_MAX);
    protobuf_c_message_pack(message, agent->bytes);
}

/* Differs from agent to agent and run to run, and from one benchmark to the next. */
static void name_run(const struct agent *agent, char name[64])
{
    snprintf(name, 64, "bench-%ld-%u-%u", (long)getpid(), agent->number, agent->run);
}

/* Knuth's MMIX. Its high bits are the good ones. */
static unsigned draw(uint64_t *state, unsigned below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((*state >> 32) * below >> 32);
}

/* Words of no language, some of them frequent. */
static void fill_text(uint64_t *state, uint8_t *data, unsigned size)
{
    unsigned at = 0;

    while (at < size) {
        unsigned one = draw(state, WORDS);
        unsigned other = draw(state, WORDS);
        uint64_t word = one < other ? one : other;
        unsigned letters;

        word = (word + 1) * 0x9e3779b97f4a7c15u;
        letters = 2 + draw(&word, WORD_LETTERS_MAX);
        for (; letters > 0 && at < size; letters--)
            data[at++] = (uint8_t)letters_of_text[draw(&word, sizeof letters_of_text - 1)];
        if (at < size)
            data[at++] = ' ';
    }
}

static void fill(Stepwell__V1__Payload *payload, const struct agent *agent,
                 uint8_t data[PAYLOAD_MAX])
{
    /* No other agent's, and no other process's. */
    uint64_t state = (uint64_t)getpid() * 0x9e3779b97f4a7c15 + ((uint64_t)agent->number << 40) +
                     ((uint64_t)agent->run << 20) + agent->step;
    unsigned size = agent_style.payload_bytes;

    if (agent_style.text)
        fill_text(&state, data, size);
    for (unsigned i = 0; i < size && !agent_style.text; i++) /* bytes nobody can compress */
        data[i] = (uint8_t)draw(&state, 256);
    stepwell__v1__payload__init(payload);
    payload->data.data = data;
    payload->data.len = size;
}

static void start(struct agent *agent)
{
    Stepwell__V1__StartRunRequest request = STEPWELL__V1__START_RUN_REQUEST__INIT;
    static char task[] = "bench";
    char name[64];

    name_run(agent, name);
    request.run_id = name;
    request.task = task;
    request.take_lease = 1;
    agent->verb = AGENT_START;
    pack(agent, &request.base);
}

static void begin(struct agent *agent)
{
    Stepwell__V1__BeginStepRequest request = STEPWELL__V1__BEGIN_STEP_REQUEST__INIT;
    char name[64];
    char key[32];

    name_run(agent, name);
    snprintf(key, sizeof key, "step-%u", agent->step);
    request.run_id = name;
    request.lease = agent->lease;
    request.key = key;
    request.effect = STEPWELL__V1__EFFECT__EFFECT_ONCE;
    request.durability = (Stepwell__V1__Durability)agent_style.durability;
    agent->verb = AGENT_BEGIN;
    pack(agent, &request.base);
}

static void complete(struct agent *agent)
{
    Stepwell__V1__CompleteStepRequest request = STEPWELL__V1__COMPLETE_STEP_REQUEST__INIT;
    Stepwell__V1__BeginNext next = STEPWELL__V1__BEGIN_NEXT__INIT;
    Stepwell__V1__Payload output;
    uint8_t data[PAYLOAD_MAX];
    char name[64];
    char key[32];
    char next_key[32];

    name_run(agent, name);
    snprintf(key, sizeof key, "step-%u", agent->step);
    snprintf(next_key, sizeof next_key, "step-%u", agent->step + 1);
    fill(&output, agent, data);
    request.run_id = name;
    request.lease = agent->lease;
    request.key = key;
    request.attempt = 1;
    request.outcome_case = STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME_OUTPUT;
    request.output = &output;
    next.key = next_key;
    next.effect = STEPWELL__V1__EFFECT__EFFECT_ONCE;
    next.durability = (Stepwell__V1__Durability)agent_style.durability;
    if (agent->fused && agent->step + 1 < agent_style.run_steps)
        request.begin_next = &next;
    agent->verb = AGENT_COMPLETE;
    pack(agent, &request.base);
    agent->step++;
}

static void end(struct agent *agent)
{
    Stepwell__V1__EndRunRequest request = STEPWELL__V1__END_RUN_REQUEST__INIT;
    Stepwell__V1__Payload result = STEPWELL__V1__PAYLOAD__INIT;
    char name[64];

    name_run(agent, name);
    request.run_id = name;
    request.lease = agent->lease;
    request.outcome_case = STEPWELL__V1__END_RUN_REQUEST__OUTCOME_RESULT;
    request.result = &result;
    agent->verb = AGENT_END;
    pack(agent, &request.base);
}

static void read_lease(struct agent *agent, const uint8_t *answer, size_t size)
{
    Stepwell__V1__StartRunResponse *response =
        stepwell__v1__start_run_response__unpack(NULL, size, answer);

    assert(response != NULL && response->created);
    agent->lease = response->lease;
    stepwell__v1__start_run_response__free_unpacked(response, NULL);
}

void agent_next(struct agent *agent, const uint8_t *answer, size_t size)
{
    if (answer == NULL || agent->verb == AGENT_END) {
        agent->run++;
        agent->step = 0;
        start(agent);
    } else if (agent->verb == AGENT_START) {
        read_lease(agent, answer, size);
        begin(agent);
    } else if (agent->verb == AGENT_COMPLETE && agent->step >= agent_style.run_steps) {
        end(agent);
    } else if (agent->verb == AGENT_COMPLETE && !agent->fused) {
        begin(agent);
    } else {
        complete(agent);
    }
}

void agent_example(struct agent *agent)
{
    agent->run = 1;
    agent->step = AGENT_STEPS / 2;
    agent->lease = 1;
    if (agent->fused || agent->verb == AGENT_BEGIN)
        complete(agent);
    else
        begin(agent);
}

/* Of SessionCall and of SessionResult. */
static const unsigned fields[] = {
    [AGENT_START] = 2, [AGENT_BEGIN] = 4, [AGENT_COMPLETE] = 5, [AGENT_END] = 8};

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t size = 0;

    do {
        at[size++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value != 0);
    return size;
}

void agent_wrap(struct agent *agent)
{
    uint8_t call[MESSAGE_MAX];
    uint8_t head[16] = {0x0a}; /* SessionRequest.calls */
    size_t size = 0;
    size_t head_size;

    call[size++] = 0x08; /* SessionCall.id */
    size += put_varint(call + size, agent->number + 1u);
    call[size++] = (uint8_t)(fields[agent->verb] << 3 | 2);
    size += put_varint(call + size, agent->size);
    assert(size + agent->size + sizeof head < MESSAGE_MAX);
    memcpy(call + size, agent->bytes, agent->size);
    size += agent->size;
    head_size = 1 + put_varint(head + 1, size);
    memcpy(agent->bytes, head, head_size);
    memcpy(agent->bytes + head_size, call, size);
    agent->size = head_size + size;
}

static const uint8_t *get_varint(const uint8_t *at, uint64_t *ret_value)
{
    uint64_t value = 0;
    int shift = 0;

    do {
        value |= (uint64_t)(*at & 0x7f) << shift;
        shift += 7;
    } while (*at++ & 0x80);
    *ret_value = value;
    return at;
}

void agent_unwrap(const uint8_t *bytes, size_t size,
                  void (*visit)(void *self, uint64_t id, const uint8_t *answer, size_t size),
                  void *self)
{
    const uint8_t *at = bytes;

    while (at < bytes + size) {
        uint64_t length;
        uint64_t id = 0;

        at = get_varint(at + 1, &length);
        if (*at == 0x08)
            at = get_varint(at + 1, &id);
        if (*at >> 3 == 10) {
            fprintf(stderr, "bench: a call of the session failed: %.*s\n", 60, (const char *)at);
            exit(1);
        }
        at = get_varint(at + 1, &length);
        visit(self, id, at, length);
        at += length;
    }
}

const char *agent_path(enum agent_verb verb)
{
    static const char *const paths[] = {[AGENT_START] = "/stepwell.v1.AgentService/StartRun",
                                        [AGENT_BEGIN] = "/stepwell.v1.AgentService/BeginStep",
                                        [AGENT_COMPLETE] = "/stepwell.v1.AgentService/CompleteStep",
                                        [AGENT_END] = "/stepwell.v1.AgentService/EndRun"};

    return paths[verb];
}
