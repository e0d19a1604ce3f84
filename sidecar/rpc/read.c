/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/read.h"

#include <stdlib.h>

static void run(struct sw_reader_job *job, struct sw_journal_reader *reader)
{
    struct sw_read *read = SW_CONTAINER(job, struct sw_read, job);

    read->rc = read->recalled ? read->reading->gather_rest(read, reader)
                              : read->reading->gather(read, reader);
}

static void pass_on(struct sw_reader_job *job)
{
    struct sw_read *read = SW_CONTAINER(job, struct sw_read, job);
    grpc_call *wake = read->wake;
    struct sw_tag *tag = &read->tag;

    sw_reader_job_give_back(job);
    if (grpc_call_start_batch(wake, NULL, 0, tag, NULL) != GRPC_CALL_OK)
        abort();
}

static enum sw_code submit(struct sw_read *read, struct sw_err *err)
{
    enum sw_code rc = sw_readers_submit(read->server->readers, &read->job, err);

    if (rc == SW_OK)
        read->server->reads++;
    return rc;
}

static bool wants_more(struct sw_read *read)
{
    if (read->rc != SW_OK || read->recalled || read->reading->recall == NULL)
        return false;
    read->recalled = true;
    return read->reading->recall(read);
}

static void on_back(struct sw_tag *tag, bool ok)
{
    struct sw_read *read = SW_CONTAINER(tag, struct sw_read, tag);

    (void)ok;
    sw_reader_job_take_back(&read->job);
    read->server->reads--;
    if (wants_more(read)) {
        enum sw_code rc = submit(read, &read->err);

        if (rc == SW_OK) /* it is the reader's from here on */
            return;
        read->rc = rc;
    }
    read->rc = read->reading->finish(read, read->rc);
    read->done(read);
}

enum sw_code sw_read_start(struct sw_read *read, const struct sw_reading *reading,
                           struct sw_err *err)
{
    enum sw_code rc = sw_remote_refusal(read->server, err);

    if (rc != SW_OK)
        return rc;
    read->job = (struct sw_reader_job){.run = run, .done = pass_on};
    read->tag.on_event = on_back;
    read->reading = reading;
    read->recalled = false;
    return submit(read, err);
}

enum sw_code sw_read_answer(struct sw_read *read, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    read->bytes = malloc(size ? size : 1);
    if (read->bytes == NULL)
        return sw_fail(&read->err, SW_NO_MEMORY, "answer of %zu bytes", size);
    read->size = protobuf_c_message_pack(message, read->bytes);
    return SW_OK;
}
