/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "storage/archive/archive.intern.h"

static const char folder[] = "v1/";

/* The name between "v1/" and the next '/'; empty: it is none of ours. */
static struct sw_span name_in(const char *key)
{
    const char *name = key + sizeof(folder) - 1;
    const char *end = strchr(name, '/');

    return end != NULL ? sw_span_of(name, (size_t)(end - name)) : (struct sw_span){0};
}

/* From one journal's last key on to the next journal: one request for each. */
enum sw_code sw_archive_list(struct sw_store *store, char **ret_names, uint32_t *ret_count,
                             struct sw_err *err)
{
    char after[SW_OBJECT_KEY_MAX] = "";
    struct sw_bytes names = {0};
    enum sw_code code = SW_OK;
    uint32_t count = 0;
    bool more = true;

    while (code == SW_OK && more) {
        struct sw_object_op op = {.verb = SW_OBJECT_LIST,
                                  .key = folder,
                                  .after = after[0] != '\0' ? after : NULL,
                                  .keys_max = 1};

        sw_archive_perform(store, &op, 1, 1);
        more = op.result == SW_OBJECT_DONE && op.keys > 0;
        if (op.result == SW_OBJECT_FAILED) {
            code = op.err.code;
            if (err != NULL)
                *err = op.err;
        } else if (more) {
            const char *key = (const char *)op.data;
            struct sw_span name = name_in(key);

            /* No key of an archive lies behind "zzzz". */
            if (name.size > 0) {
                sw_bytes_add(&names, name.data, name.size);
                sw_bytes_add(&names, "", 1);
                count++;
                (void)snprintf(after, sizeof(after), "%s%.*s/zzzz", folder, SW_SPAN_ARG(name));
            } else {
                (void)snprintf(after, sizeof(after), "%s", key);
            }
        }
        sw_object_op_fini(&op);
    }
    if (code == SW_OK && names.failed)
        code = sw_fail(err, SW_NO_MEMORY, "a list of journals");
    if (code != SW_OK) {
        sw_bytes_fini(&names);
        return code;
    }
    *ret_names = (char *)names.data;
    *ret_count = count;
    return SW_OK;
}
