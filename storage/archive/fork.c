/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "storage/archive/archive.intern.h"

enum sw_code sw_archive_fork(const struct sw_archive *archive, struct sw_store *store,
                             struct sw_archive **ret_fork, struct sw_err *err)
{
    struct sw_archive *fork = calloc(1, sizeof(*fork));

    if (fork == NULL)
        return sw_fail(err, SW_NO_MEMORY, "an archive");
    fork->options = archive->options;
    fork->options.store = store;
    memcpy(fork->journal, archive->journal, sizeof(fork->journal));
    memcpy(fork->owner, archive->owner, sizeof(fork->owner));
    fork->meta = archive->meta;
    fork->position = archive->position;
    fork->fenced = archive->fenced;
    fork->snapshot_slot = archive->snapshot_slot;
    fork->snapshot_bytes = archive->snapshot_bytes;
    fork->older_slot = archive->older_slot;
    fork->collected_slot = archive->collected_slot;
    memcpy(fork->verified, archive->verified, sizeof(fork->verified));
    fork->known_after = archive->known_after;
    fork->forked_bytes = archive->bytes_since;
    sw_bytes_add(&fork->fences, archive->fences.data, archive->fences.size);
    if (archive->cipher != NULL)
        fork->cipher = malloc(sizeof(*fork->cipher));
    if (fork->fences.failed || (archive->cipher != NULL && fork->cipher == NULL)) {
        sw_archive_close(fork);
        return sw_fail(err, SW_NO_MEMORY, "an archive");
    }
    if (archive->cipher != NULL)
        *fork->cipher = *archive->cipher;
    *ret_fork = fork;
    return SW_OK;
}

void sw_archive_join(struct sw_archive *archive, struct sw_archive **fork)
{
    struct sw_archive *done = *fork;

    *fork = NULL;
    if (done->snapshot_slot != archive->snapshot_slot) {
        archive->snapshot_slot = done->snapshot_slot;
        archive->snapshot_bytes = done->snapshot_bytes;
        archive->older_slot = done->older_slot;
        archive->segments_since = archive->position.slot - done->position.slot;
        archive->bytes_since -= done->forked_bytes;
    }
    archive->collected_slot = done->collected_slot;
    memcpy(archive->verified, done->verified, sizeof(archive->verified));
    sw_archive_close(done);
}
