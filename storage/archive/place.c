/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/place.h"

#include "storage/base/fault.h"
#include "storage/base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0700, LOCK_MODE = 0600, PATH_MAX_OURS = SW_PLACE_PATH_MAX + 288 };

static const char restoring_prefix[] = "restoring-";
/* In the order in which they move: the last one is what makes a directory hold a journal. */
static const char *const files[] = {"journal.db-wal", "journal.db"};
static const char shm[] = "journal.db-shm";
static const char acked[] = "journal.db-acked";

static enum sw_code fail_errno(const char *path, const char *doing, struct sw_err *err)
{
    int number = errno;
    enum sw_code code =
        sw_fail(err, SW_STORAGE_FAILED, "%s: %s: %s", path, doing, strerror(number));

    if (err != NULL)
        err->os_errno = number;
    return code;
}

static enum sw_code sync_path(const char *path, bool directory, struct sw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | (directory ? O_DIRECTORY : 0));
    enum sw_code code = SW_OK;

    if (fd < 0)
        return fail_errno(path, "open", err);
    if (fsync(fd) != 0)
        code = fail_errno(path, "sync", err);
    (void)close(fd);
    return code;
}

static enum sw_code make_directory(const char *path, struct sw_err *err)
{
    char parent[PATH_MAX_OURS];

    if (mkdir(path, DIRECTORY_MODE) != 0)
        return errno == EEXIST ? SW_OK : fail_errno(path, "create directory", err);
    (void)snprintf(parent, sizeof(parent), "%s/..", path);
    return sync_path(parent, true, err);
}

enum sw_code sw_place_lock_again(struct sw_place *place, struct sw_err *err)
{
    char path[PATH_MAX_OURS];
    enum sw_code code;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/lock", place->directory);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE);
    if (fd < 0)
        return fail_errno(path, "open", err);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        code = errno == EWOULDBLOCK
                   ? sw_fail(err, SW_JOURNAL_LOCKED, "%s: another process owns the journal",
                             place->directory)
                   : fail_errno(path, "lock", err);
        (void)close(fd);
        return code;
    }
    place->lock_fd = fd;
    return SW_OK;
}

enum sw_code sw_place_lock(struct sw_place *place, const char *directory, struct sw_err *err)
{
    enum sw_code code;

    place->restoring[0] = '\0';
    place->lock_fd = -1;
    if (strlen(directory) >= SW_PLACE_PATH_MAX - 64)
        return sw_fail(err, SW_CONFIGURATION, "the directory's name is too long");
    (void)snprintf(place->directory, sizeof(place->directory), "%s", directory);
    code = make_directory(directory, err);
    return code == SW_OK ? sw_place_lock_again(place, err) : code;
}

void sw_place_unlock(struct sw_place *place)
{
    if (place->lock_fd >= 0)
        (void)close(place->lock_fd);
    place->lock_fd = -1;
}

bool sw_place_has_journal(const struct sw_place *place)
{
    char path[PATH_MAX_OURS];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s/journal.db", place->directory);
    return stat(path, &status) == 0 && status.st_size > 0;
}

static void remove_file(const char *directory, const char *name)
{
    char path[PATH_MAX_OURS];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    (void)unlink(path);
}

/* A directory that we made: it has no other files. */
static void remove_journal(const char *directory)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        remove_file(directory, files[i]);
    remove_file(directory, shm);
    remove_file(directory, acked);
    remove_file(directory, "lock");
    (void)rmdir(directory);
}

static enum sw_code remove_left_over(const char *directory, struct sw_err *err)
{
    char path[PATH_MAX_OURS];
    struct dirent *entry;
    DIR *list = opendir(directory);

    if (list == NULL)
        return fail_errno(directory, "list", err);
    while ((entry = readdir(list)) != NULL) {
        if (strncmp(entry->d_name, restoring_prefix, sizeof(restoring_prefix) - 1) != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        remove_journal(path);
    }
    (void)closedir(list);
    return SW_OK;
}

enum sw_code sw_place_prepare(struct sw_place *place, struct sw_err *err)
{
    enum sw_code code = remove_left_over(place->directory, err);
    uint8_t random[8];
    char hex[2 * sizeof(random) + 1];

    if (code != SW_OK)
        return code;
    sw_random(random, sizeof(random));
    sw_hex(random, sizeof(random), hex);
    (void)snprintf(place->restoring, sizeof(place->restoring), "%.*s/%s%s", SW_PLACE_PATH_MAX - 64,
                   place->directory, restoring_prefix, hex);
    if (mkdir(place->restoring, DIRECTORY_MODE) != 0)
        return fail_errno(place->restoring, "create directory", err);
    return SW_OK;
}

void sw_place_discard(struct sw_place *place)
{
    if (place->restoring[0] != '\0')
        remove_journal(place->restoring);
    place->restoring[0] = '\0';
}

/* What is not there need not be moved. */
static enum sw_code move_file(const char *from, const char *to, const char *name,
                              struct sw_err *err)
{
    char old[PATH_MAX_OURS];
    char new[PATH_MAX_OURS];

    (void)snprintf(old, sizeof(old), "%s/%s", from, name);
    (void)snprintf(new, sizeof(new), "%s/%s", to, name);
    if (rename(old, new) != 0 && errno != ENOENT)
        return fail_errno(old, "rename", err);
    return SW_OK;
}

enum sw_code sw_place_move_aside(struct sw_place *place, const char *name, uint64_t now_ms,
                                 struct sw_err *err)
{
    char aside[PATH_MAX_OURS];
    enum sw_code code;

    if (name != NULL)
        (void)snprintf(aside, sizeof(aside), "%s/%s-%llu", place->directory, name,
                       (unsigned long long)now_ms);
    else
        (void)snprintf(aside, sizeof(aside), "%s/%sold", place->directory, restoring_prefix);
    code = make_directory(aside, err);
    /* Backwards: a journal.db must never meet the WAL of another. */
    for (size_t i = sizeof(files) / sizeof(files[0]); code == SW_OK && i > 0; i--) {
        code = move_file(place->directory, aside, files[i - 1], err);
        if (code == SW_OK)
            code = sync_path(place->directory, true, err);
    }
    if (code == SW_OK) /* says how far it was */
        code = move_file(place->directory, aside, acked, err);
    if (code == SW_OK)
        code = sync_path(aside, true, err);
    return code;
}

enum sw_code sw_place_adopt(struct sw_place *place, struct sw_err *err)
{
    char path[PATH_MAX_OURS];
    enum sw_code code = SW_OK;

    remove_file(place->directory, shm); /* of a journal that is gone */
    remove_file(place->directory, acked);
    for (size_t i = 0; code == SW_OK && i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", place->restoring, files[i]);
        code = sync_path(path, false, err);
    }
    for (size_t i = 0; code == SW_OK && i < sizeof(files) / sizeof(files[0]); i++) {
        if (SW_FAULT("archive.before_rename"))
            code = sw_fail(err, SW_STORAGE_FAILED, "fault point");
        if (code == SW_OK)
            code = move_file(place->restoring, place->directory, files[i], err);
        /* One by one: a crash must not leave this journal.db beside the WAL of another. */
        if (code == SW_OK)
            code = sync_path(place->directory, true, err);
    }
    if (code == SW_OK) {
        place->restoring[0] = '\0';
        code = remove_left_over(place->directory, err);
    }
    return code;
}
