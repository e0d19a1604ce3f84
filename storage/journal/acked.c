/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/acked.h"

#include "storage/base/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UUID_SIZE = 16, NOTE_SIZE = UUID_SIZE + 16, MODE = 0600 };

static void put_u64(uint8_t *bytes, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void make(const uint8_t uuid[UUID_SIZE], uint64_t lsn, uint8_t ret[NOTE_SIZE])
{
    memcpy(ret, uuid, UUID_SIZE);
    put_u64(ret + UUID_SIZE, lsn);
    put_u64(ret + UUID_SIZE + 8, sw_hash64(sw_span_of(ret, UUID_SIZE + 8), 0));
}

static int open_note(const char *db_path, int flags)
{
    char *path;
    int fd;

    if (asprintf(&path, "%s-acked", db_path) < 0)
        return -1;
    fd = open(path, flags | O_CLOEXEC, MODE);
    free(path);
    return fd;
}

int sw_acked_open(const char *db_path)
{
    return open_note(db_path, O_WRONLY | O_CREAT);
}

void sw_acked_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void sw_acked_write(int fd, const uint8_t uuid[UUID_SIZE], uint64_t lsn)
{
    uint8_t note[NOTE_SIZE];

    make(uuid, lsn, note);
    if (fd >= 0 && pwrite(fd, note, sizeof(note), 0) != (ssize_t)sizeof(note))
        return; /* half of one says nothing, as none does */
}

uint64_t sw_acked_read(const char *db_path, const uint8_t uuid[UUID_SIZE])
{
    uint8_t note[NOTE_SIZE] = {0};
    uint8_t good[NOTE_SIZE];
    uint64_t lsn = 0;
    int fd = open_note(db_path, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : pread(fd, note, sizeof(note), 0);

    sw_acked_close(fd);
    if (size != (ssize_t)sizeof(note))
        return 0;
    for (size_t i = 0; i < 8; i++)
        lsn |= (uint64_t)note[UUID_SIZE + i] << (8 * i);
    make(uuid, lsn, good);
    return memcmp(note, good, sizeof(note)) == 0 ? lsn : 0;
}

enum sw_code sw_acked_check(const char *db_path, uint64_t acked_lsn, uint64_t lsn,
                            struct sw_err *err)
{
    if (lsn >= acked_lsn)
        return SW_OK;
    return sw_fail(err, SW_CORRUPT,
                   "%s: ends at record %llu, but was synced up to %llu: its WAL is damaged or "
                   "missing, or it is an older copy. If it is one, remove %s-acked",
                   db_path, (unsigned long long)lsn, (unsigned long long)acked_lsn, db_path);
}
