/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/archive.intern.h"

static enum sw_code perform(struct sw_store *store, struct sw_object_op *op, struct sw_err *err)
{
    sw_archive_perform(store, op, 1, 1);
    if (op->result != SW_OBJECT_FAILED)
        return SW_OK;
    if (err != NULL)
        *err = op->err;
    return op->err.code;
}

enum sw_code sw_archive_probe(struct sw_store *store, const char *journal, struct sw_err *err)
{
    char key[SW_OBJECT_KEY_MAX];
    struct sw_object_op get = {
        .verb = SW_OBJECT_GET, .key = key, .bytes_max = SW_SEGMENT_BYTES_MAX};
    struct sw_object_op again = {.verb = SW_OBJECT_CREATE, .key = key};
    enum sw_code code;

    sw_name_put(journal, &(struct sw_name){.kind = SW_NAME_META}, key);
    code = perform(store, &get, err);
    if (code == SW_OK && get.result == SW_OBJECT_ABSENT)
        return sw_store_probe(store, err);
    again.body = sw_span_of(get.data, get.size);
    if (code == SW_OK)
        code = perform(store, &again, err);
    if (code == SW_OK && again.result != SW_OBJECT_EXISTS)
        code = sw_fail(err, SW_STORE_UNSAFE,
                       "%s: %s: created an object that was there already: it is no place for a "
                       "journal",
                       sw_store_url(store), key);
    sw_object_op_fini(&again);
    sw_object_op_fini(&get);
    return code;
}
