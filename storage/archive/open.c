/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/archive/archive.intern.h"

enum sw_code sw_archive_new(const struct sw_archive_options *options,
                            struct sw_archive **ret_archive, struct sw_err *err)
{
    struct sw_archive *archive;
    enum sw_code code = SW_OK;

    if (!sw_name_is_journal(options->journal))
        return sw_fail(
            err, SW_CONFIGURATION,
            "\"%.128s\" cannot be in an archive: a name has 1 to %d of a-z A-Z 0-9 . _ -",
            options->journal, SW_ARCHIVE_JOURNAL_MAX);
    archive = calloc(1, sizeof(*archive));
    if (archive == NULL)
        return sw_fail(err, SW_NO_MEMORY, "an archive");
    archive->options = *options;
    if (archive->options.parallel == 0)
        archive->options.parallel = SW_ARCHIVE_PARALLEL;
    if (archive->options.clock == NULL)
        archive->options.clock = &sw_clock_system;
    (void)snprintf(archive->journal, sizeof(archive->journal), "%s", options->journal);
    sw_random(archive->owner, sizeof(archive->owner));
    if (options->key_file != NULL)
        code = sw_cipher_load(options->key_file, &archive->cipher, err);
    if (code == SW_OK)
        *ret_archive = archive;
    else
        sw_archive_close(archive);
    return code;
}

void sw_archive_close(struct sw_archive *archive)
{
    if (archive == NULL)
        return;
    sw_cipher_free(archive->cipher);
    sw_packer_fini(&archive->packer);
    sw_bytes_fini(&archive->raw);
    sw_bytes_fini(&archive->object);
    sw_bytes_fini(&archive->fences);
    sw_bytes_fini(&archive->meta_row);
    sw_bytes_fini(&archive->frozen);
    free(archive);
}

struct sw_archive_state sw_archive_state(const struct sw_archive *archive)
{
    struct sw_archive_state state = {
        .epoch = archive->position.epoch,
        .slot = archive->position.slot,
        .shipped_lsn = archive->position.lsn,
        .snapshot_slot = archive->snapshot_slot,
        .segments_since_snapshot = archive->segments_since,
        .bytes_since_snapshot = archive->bytes_since,
        .snapshot_bytes = archive->snapshot_bytes,
        .fenced = archive->fenced,
    };

    memcpy(state.owner, archive->owner, sizeof(state.owner));
    return state;
}
