/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/cut_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES_MAX = 8, SECTOR = 512, PAGE = 4096 };

const char cut_vfs_name[] = "cut";

struct change { /* a write, or with bytes == NULL a truncation to `at` */
    struct change *next;
    int64_t at;
    size_t size;
    uint8_t *bytes;
};

struct image {
    char path[512];
    uint8_t *durable;
    size_t size;
    size_t room;
    struct change *changes; /* since the last sync, in order */
    struct change **tail;
};

struct file { /* what SQLite holds; the real file follows it in memory */
    sqlite3_file base;
    struct image *image;
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;
static sqlite3_io_methods methods;
static struct image images[IMAGES_MAX];
static unsigned images_count;
static enum cut_kind armed;
static unsigned armed_event;
static unsigned events;
static bool fired;

/* ---- arming -------------------------------------------------------------------- */

static bool is_dead(void)
{
    return fired && armed == CUT_POWER;
}

/* What an event is to answer; SQLITE_OK: go on. */
static int on_event(int failure, bool is_write)
{
    events++;
    fired |= armed != CUT_NEVER && events == armed_event;
    if (!fired)
        return SQLITE_OK;
    switch (armed) {
    case CUT_POWER:
    case CUT_FAIL_EVER:
        return failure;
    case CUT_FAIL_ONCE:
        return events == armed_event ? failure : SQLITE_OK;
    case CUT_FULL_ONCE:
        return is_write && events == armed_event ? SQLITE_FULL : SQLITE_OK;
    case CUT_FULL_EVER:
        return is_write ? SQLITE_FULL : SQLITE_OK;
    case CUT_NEVER:
        break;
    }
    return SQLITE_OK;
}

void cut_vfs_arm(enum cut_kind kind, unsigned event)
{
    armed = kind;
    armed_event = event;
}

unsigned cut_vfs_events(void)
{
    return events;
}

bool cut_vfs_fired(void)
{
    return fired;
}

/* ---- images ---------------------------------------------------------------------- */

static struct image *image_of(const char *path)
{
    for (unsigned i = 0; i < images_count; i++)
        if (strcmp(images[i].path, path) == 0)
            return &images[i];
    assert(images_count < IMAGES_MAX);
    images[images_count] = (struct image){.tail = &images[images_count].changes};
    snprintf(images[images_count].path, sizeof images[0].path, "%s", path);
    return &images[images_count++];
}

static void drop_changes(struct image *image)
{
    struct change *change;

    while ((change = image->changes) != NULL) {
        image->changes = change->next;
        free(change->bytes);
        free(change);
    }
    image->tail = &image->changes;
}

static void resize(struct image *image, size_t size)
{
    if (size > image->room) {
        image->room = size * 2;
        image->durable = realloc(image->durable, image->room);
        assert(image->durable != NULL);
    }
    if (size > image->size) {
        memset(image->durable + image->size, 0, size - image->size);
    }
    image->size = size;
}

static void apply(struct image *image, int64_t at, const uint8_t *bytes, size_t size)
{
    if ((size_t)at + size > image->size)
        resize(image, (size_t)at + size);
    memcpy(image->durable + at, bytes, size);
}

static void keep_change(struct image *image, int64_t at, const void *bytes, size_t size)
{
    struct change *change = calloc(1, sizeof *change);

    assert(change != NULL);
    change->at = at;
    change->size = size;
    if (bytes != NULL) {
        change->bytes = malloc(size);
        assert(change->bytes != NULL);
        memcpy(change->bytes, bytes, size);
    }
    *image->tail = change;
    image->tail = &change->next;
}

static void make_durable(struct image *image)
{
    for (struct change *change = image->changes; change != NULL; change = change->next)
        if (change->bytes == NULL)
            resize(image, (size_t)change->at);
        else
            apply(image, change->at, change->bytes, change->size);
    drop_changes(image);
}

void cut_vfs_reset(void)
{
    for (unsigned i = 0; i < images_count; i++) {
        drop_changes(&images[i]);
        free(images[i].durable);
    }
    images_count = 0;
    events = 0;
    fired = false;
    armed = CUT_NEVER;
}

/* ---- what survives ------------------------------------------------------------------ */

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

/* Whole, not at all, or in pieces of a sector or a page. */
static void survive_change(struct image *image, const struct change *change, uint64_t *random)
{
    uint64_t fate = draw(random) % 4;
    size_t piece = fate == 2 ? SECTOR : PAGE;

    if (fate == 0)
        return;
    if (change->bytes == NULL)
        resize(image, (size_t)change->at);
    else if (fate == 1)
        apply(image, change->at, change->bytes, change->size);
    else
        for (size_t done = 0; done < change->size;) {
            size_t at = (size_t)change->at + done;
            size_t size = piece - at % piece; /* up to the next boundary */

            if (size > change->size - done)
                size = change->size - done;
            if (draw(random) % 2 == 0)
                apply(image, (int64_t)at, change->bytes + done, size);
            done += size;
        }
}

void cut_vfs_survive(const char *folder, uint64_t seed)
{
    for (unsigned i = 0; i < images_count; i++) {
        struct image survivor = {.size = images[i].size, .room = images[i].size + 1};
        uint64_t random = seed * 2654435761u + i + 1;
        const char *name = strrchr(images[i].path, '/');
        char path[1024];
        int out;

        survivor.durable = malloc(survivor.room);
        assert(survivor.durable != NULL);
        if (survivor.size != 0)
            memcpy(survivor.durable, images[i].durable, survivor.size);
        for (const struct change *change = images[i].changes; change != NULL; change = change->next)
            survive_change(&survivor, change, &random);
        snprintf(path, sizeof path, "%s%s", folder, name);
        out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (out < 0 || (survivor.size != 0 &&
                        write(out, survivor.durable, survivor.size) != (ssize_t)survivor.size))
            abort();
        close(out);
        free(survivor.durable);
    }
}

/* ---- the VFS -------------------------------------------------------------------------- */

static struct file *file_of(sqlite3_file *base)
{
    return (struct file *)(void *)base;
}

static int cut_close(sqlite3_file *base)
{
    return file_of(base)->real->pMethods->xClose(file_of(base)->real);
}

static int cut_read(sqlite3_file *base, void *bytes, int size, sqlite3_int64 at)
{
    struct file *file = file_of(base);

    return is_dead() ? SQLITE_IOERR_READ : file->real->pMethods->xRead(file->real, bytes, size, at);
}

static int cut_write(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 at)
{
    struct file *file = file_of(base);
    int rc = on_event(SQLITE_IOERR_WRITE, true);

    if (rc != SQLITE_OK && armed != CUT_POWER)
        return rc;
    if (rc != SQLITE_OK && events > armed_event)
        return rc;                                     /* long dead */
    keep_change(file->image, at, bytes, (size_t)size); /* the last write may half survive */
    return rc != SQLITE_OK ? rc : file->real->pMethods->xWrite(file->real, bytes, size, at);
}

static int cut_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = file_of(base);
    int rc = on_event(SQLITE_IOERR_TRUNCATE, false);

    if (rc != SQLITE_OK)
        return rc;
    keep_change(file->image, size, NULL, 0);
    return file->real->pMethods->xTruncate(file->real, size);
}

static int cut_sync(sqlite3_file *base, int flags)
{
    struct file *file = file_of(base);
    int rc = on_event(SQLITE_IOERR_FSYNC, false);

    (void)flags; /* nothing here outlives the process: the real disk need not know */
    if (rc == SQLITE_OK)
        make_durable(file->image);
    return rc;
}

static int cut_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    return file_of(base)->real->pMethods->xFileSize(file_of(base)->real, ret_size);
}

static int cut_lock(sqlite3_file *base, int lock)
{
    return file_of(base)->real->pMethods->xLock(file_of(base)->real, lock);
}

static int cut_unlock(sqlite3_file *base, int lock)
{
    return file_of(base)->real->pMethods->xUnlock(file_of(base)->real, lock);
}

static int cut_reserved(sqlite3_file *base, int *ret)
{
    return file_of(base)->real->pMethods->xCheckReservedLock(file_of(base)->real, ret);
}

static int cut_control(sqlite3_file *base, int op, void *argument)
{
    return file_of(base)->real->pMethods->xFileControl(file_of(base)->real, op, argument);
}

static int cut_sector(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int cut_device(sqlite3_file *base)
{
    (void)base;
    return 0; /* promises nothing */
}

static int cut_shm_map(sqlite3_file *base, int region, int size, int extend,
                       void volatile **ret_memory)
{
    struct file *file = file_of(base);
    int rc = on_event(SQLITE_IOERR_SHMMAP, false);

    if (rc != SQLITE_OK)
        return rc;
    return file->real->pMethods->xShmMap(file->real, region, size, extend, ret_memory);
}

static int cut_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    return file_of(base)->real->pMethods->xShmLock(file_of(base)->real, offset, n, flags);
}

static void cut_shm_barrier(sqlite3_file *base)
{
    file_of(base)->real->pMethods->xShmBarrier(file_of(base)->real);
}

static int cut_shm_unmap(sqlite3_file *base, int delete_it)
{
    return file_of(base)->real->pMethods->xShmUnmap(file_of(base)->real, delete_it);
}

static int cut_open(sqlite3_vfs *self, sqlite3_filename path, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    struct file *file = file_of(base);
    int rc;

    (void)self;
    file->base.pMethods = NULL;
    if (is_dead())
        return SQLITE_CANTOPEN;
    file->real = (sqlite3_file *)(void *)(file + 1);
    rc = real_vfs->xOpen(real_vfs, path, file->real, flags, ret_flags);
    if (rc != SQLITE_OK)
        return rc;
    file->image = image_of(path);
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int cut_delete(sqlite3_vfs *self, const char *path, int sync_directory)
{
    struct image *image = image_of(path);

    (void)self;
    if (is_dead())
        return SQLITE_IOERR_DELETE;
    drop_changes(image);
    resize(image, 0);
    return real_vfs->xDelete(real_vfs, path, sync_directory);
}

void cut_vfs_register(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = cut_vfs_name;
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.pNext = NULL;
    vfs.xOpen = cut_open;
    vfs.xDelete = cut_delete;
    methods = (sqlite3_io_methods){.iVersion = 2,
                                   .xClose = cut_close,
                                   .xRead = cut_read,
                                   .xWrite = cut_write,
                                   .xTruncate = cut_truncate,
                                   .xSync = cut_sync,
                                   .xFileSize = cut_size,
                                   .xLock = cut_lock,
                                   .xUnlock = cut_unlock,
                                   .xCheckReservedLock = cut_reserved,
                                   .xFileControl = cut_control,
                                   .xSectorSize = cut_sector,
                                   .xDeviceCharacteristics = cut_device,
                                   .xShmMap = cut_shm_map,
                                   .xShmLock = cut_shm_lock,
                                   .xShmBarrier = cut_shm_barrier,
                                   .xShmUnmap = cut_shm_unmap};
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        abort();
}
