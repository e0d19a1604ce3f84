/* SPDX-License-Identifier: Apache-2.0
 *
 * A key is a path below the directory. An object comes into being whole: its bytes are
 * written to ~NONCE beside it (no key has a '~'), synced, and linked to its name; link(2) is
 * the system call that fails when the name is taken, everywhere and on NFS too.
 *
 * What a crash leaves is a ~NONCE that nobody links any more. LIST overlooks them and
 * removes those a day old.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/base/hash.h"
#include "storage/object/dir.h"

enum { TEMPORARY_SIZE = 1 + 32 + 1, BYTES_MAX_DEFAULT = 64 << 20 };

struct dir {
    int root;
    atomic_bool cancelled;
    const struct sw_clock *clock;
    char synced[SW_OBJECT_KEY_MAX + 1]; /* the folder last written to: its own entry is synced */
};

enum sw_code sw_dir_fail(struct sw_err *err, const char *what, const char *key)
{
    int number = errno;
    enum sw_code code;

    switch (number) {
    case ENOMEM:
        code = SW_NO_MEMORY;
        break;
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
        code = SW_STORE_REFUSED;
        break;
    default:
        code = SW_STORE_UNAVAILABLE;
    }
    code = sw_fail(err, code, "%s %s: %s", what, key, strerror(number));
    if (err != NULL)
        err->os_errno = number;
    return code;
}

static int open_again(int at, const char *name, int flags, mode_t mode)
{
    int fd;

    do
        fd = openat(at, name, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static enum sw_code write_all(int fd, struct sw_span body, const char *key, struct sw_err *err)
{
    while (body.size > 0) {
        ssize_t wrote = write(fd, body.data, body.size);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return sw_dir_fail(err, "writing", key);
        body.data += wrote;
        body.size -= (size_t)wrote;
    }
    if (fsync(fd) != 0)
        return sw_dir_fail(err, "syncing", key);
    return SW_OK;
}

/* Opens a folder in another, which it closes; made where it is missing. A folder's own entry is
 * synced too, also when another process has just made it and may not have got there. */
static int descend(int parent, const char *name, bool make)
{
    int fd = -1;
    int number;

    if (!make || mkdirat(parent, name, 0777) == 0 || errno == EEXIST)
        fd = open_again(parent, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0 && make && fsync(parent) != 0) {
        number = errno;
        (void)close(fd);
        errno = number;
        fd = -1;
    }
    number = errno;
    (void)close(parent);
    errno = number;
    return fd;
}

/* The folder of key; -1 and errno. */
static int open_folder(struct dir *dir, const char *key, bool make)
{
    char folder[SW_OBJECT_KEY_MAX + 1];
    const char *slash = strrchr(key, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - key);
    size_t start = 0;
    int fd = open_again(dir->root, ".", O_RDONLY | O_DIRECTORY, 0);

    memcpy(folder, key, length);
    folder[length] = '\0';
    make = make && strcmp(dir->synced, folder) != 0;
    while (fd >= 0 && start < length) {
        char *part = folder + start;
        size_t size = strcspn(part, "/");

        part[size] = '\0';
        fd = descend(fd, part, make);
        start += size + 1;
    }
    return fd;
}

/* A lost answer of an NFS server makes link(2) fail though it was done; the number of names
 * tells. */
static enum sw_object_result link_name(int folder, const char *temporary, const char *name, int fd,
                                       const char *key, struct sw_err *err)
{
    struct stat status;
    int number;

    if (linkat(folder, temporary, folder, name, 0) == 0)
        return SW_OBJECT_DONE;
    number = errno;
    if (fstat(fd, &status) == 0 && status.st_nlink == 2)
        return SW_OBJECT_DONE;
    if (number == EEXIST)
        return SW_OBJECT_EXISTS;
    errno = number;
    if (number == EPERM || number == EOPNOTSUPP || number == ENOSYS || number == EMLINK)
        return sw_object_failed(sw_fail(err, SW_STORE_UNSAFE,
                                        "linking %s: %s: this file system has no hard links", key,
                                        strerror(number)));
    return sw_object_failed(sw_dir_fail(err, "linking", key));
}

static enum sw_object_result create_in(int folder, const struct sw_object_op *op,
                                       struct sw_err *err)
{
    const char *slash = strrchr(op->key, '/');
    const char *name = slash == NULL ? op->key : slash + 1;
    char temporary[TEMPORARY_SIZE];
    enum sw_object_result result = SW_OBJECT_FAILED;
    uint8_t nonce[16];
    int fd;

    sw_random(nonce, sizeof(nonce));
    temporary[0] = '~';
    sw_hex(nonce, sizeof(nonce), temporary + 1);
    fd = open_again(folder, temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        return sw_object_failed(sw_dir_fail(err, "creating", op->key));
    if (write_all(fd, op->body, op->key, err) == SW_OK)
        result = link_name(folder, temporary, name, fd, op->key, err);
    (void)unlinkat(folder, temporary, 0);
    (void)close(fd); /* what it could say was said by fsync */
    /* Also where it exists: whoever linked it may not have got to this. */
    if (result != SW_OBJECT_FAILED && fsync(folder) != 0)
        result = sw_object_failed(sw_dir_fail(err, "syncing the folder of", op->key));
    return result;
}

static void create(struct dir *dir, struct sw_object_op *op)
{
    const char *slash = strrchr(op->key, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - op->key);
    int folder = open_folder(dir, op->key, true);

    if (folder < 0) {
        op->result = sw_object_failed(sw_dir_fail(&op->err, "opening the folder of", op->key));
        dir->synced[0] = '\0'; /* somebody removed it: make it again next time */
        return;
    }
    memcpy(dir->synced, op->key, length);
    dir->synced[length] = '\0';
    op->result = create_in(folder, op, &op->err);
    (void)close(folder);
}

static enum sw_code read_all(int fd, struct sw_object_op *op)
{
    uint64_t bytes_max = op->bytes_max == 0 ? BYTES_MAX_DEFAULT : op->bytes_max;
    struct stat status;
    size_t size;

    if (fstat(fd, &status) != 0)
        return sw_dir_fail(&op->err, "reading", op->key);
    if (!S_ISREG(status.st_mode))
        return sw_fail(&op->err, SW_STORE_REFUSED, "%s is no file", op->key);
    if ((uint64_t)status.st_size > bytes_max)
        return sw_fail(&op->err, SW_CORRUPT, "%s has %llu bytes, at most %llu are expected",
                       op->key, (unsigned long long)status.st_size, (unsigned long long)bytes_max);
    size = (size_t)status.st_size;
    op->data = malloc(size + 1);
    if (op->data == NULL)
        return sw_fail(&op->err, SW_NO_MEMORY, "no memory for the %zu bytes of %s", size, op->key);
    while (op->size < size) {
        ssize_t got = read(fd, op->data + op->size, size - op->size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sw_dir_fail(&op->err, "reading", op->key);
        if (got == 0)
            return sw_fail(&op->err, SW_CORRUPT, "%s ends after %zu of %zu bytes", op->key,
                           op->size, size);
        op->size += (size_t)got;
    }
    op->data[size] = '\0';
    return SW_OK;
}

static void get(struct dir *dir, struct sw_object_op *op)
{
    int fd = open_again(dir->root, op->key, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        op->result = SW_OBJECT_ABSENT;
        return;
    }
    if (fd < 0) {
        op->result = sw_object_failed(sw_dir_fail(&op->err, "opening", op->key));
        return;
    }
    op->result = SW_OBJECT_DONE;
    if (read_all(fd, op) != SW_OK) {
        op->result = SW_OBJECT_FAILED;
        sw_object_op_fini(op);
    }
    (void)close(fd);
}

static void erase(struct dir *dir, struct sw_object_op *op)
{
    const char *slash = strrchr(op->key, '/');
    int folder = open_folder(dir, op->key, false);

    if (folder < 0) {
        op->result =
            errno == ENOENT
                ? SW_OBJECT_DONE
                : sw_object_failed(sw_dir_fail(&op->err, "opening the folder of", op->key));
        return;
    }
    if (unlinkat(folder, slash == NULL ? op->key : slash + 1, 0) != 0 && errno != ENOENT)
        op->result = sw_object_failed(sw_dir_fail(&op->err, "deleting", op->key));
    else if (fsync(folder) != 0)
        op->result = sw_object_failed(sw_dir_fail(&op->err, "syncing the folder of", op->key));
    else
        op->result = SW_OBJECT_DONE;
    (void)close(folder);
}

static void perform_one(struct dir *dir, struct sw_object_op *op, struct sw_store_counts *counts)
{
    uint64_t started = sw_clock_monotonic_us(dir->clock);

    op->tries = 1;
    switch (op->verb) {
    case SW_OBJECT_CREATE:
        counts->creates++;
        create(dir, op);
        break;
    case SW_OBJECT_GET:
        counts->gets++;
        get(dir, op);
        break;
    case SW_OBJECT_DELETE:
        counts->deletes++;
        erase(dir, op);
        break;
    case SW_OBJECT_LIST:
        counts->lists++;
        op->result = sw_dir_list(dir->root, op, sw_clock_now_ms(dir->clock)) == SW_OK
                         ? SW_OBJECT_DONE
                         : SW_OBJECT_FAILED;
        break;
    case SW_OBJECT_SETTING:
        op->result =
            sw_object_failed(sw_fail(&op->err, SW_STORE_REFUSED, "a directory has no %s", op->key));
        break;
    }
    op->took_us = sw_clock_monotonic_us(dir->clock) - started;
}

/* One after the other: each is a few system calls, and the disk syncs one at a time. */
static void perform(void *self, struct sw_object_op *ops, size_t count, unsigned parallel,
                    struct sw_store_counts *counts)
{
    struct dir *dir = self;

    (void)parallel;
    for (size_t i = 0; i < count; i++) {
        if (ops[i].result != SW_OBJECT_PENDING)
            continue;
        if (atomic_load(&dir->cancelled)) {
            ops[i].result = sw_object_failed(
                sw_fail(&ops[i].err, SW_CANCELLED, "cancelled before %s", ops[i].key));
        } else {
            perform_one(dir, &ops[i], counts);
        }
    }
}

static void cancel(void *self)
{
    struct dir *dir = self;

    atomic_store(&dir->cancelled, true);
}

static void free_dir(void *self)
{
    struct dir *dir = self;

    (void)close(dir->root);
    free(dir);
}

static bool sync_parent(int root)
{
    int parent = open_again(root, "..", O_RDONLY | O_DIRECTORY, 0);
    bool synced = parent >= 0 && fsync(parent) == 0;

    if (parent >= 0)
        (void)close(parent);
    return synced;
}

enum sw_code sw_dir_open(const struct sw_store_options *options, struct sw_driver *ret,
                         struct sw_err *err)
{
    const char *path = options->url + (options->url[0] == '/' ? 0 : strlen("file://"));
    struct dir *dir;
    bool made;
    enum sw_code code;

    if (path[0] != '/')
        return sw_fail(err, SW_CONFIGURATION,
                       "%s: a directory's URL has an absolute path: file:///DIR", options->url);
    dir = calloc(1, sizeof(*dir));
    if (dir == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for the object store");
    dir->clock = options->clock;
    dir->root = -1;
    /* Only the last folder: a volume that is not mounted is to be noticed. */
    made = mkdir(path, 0777) == 0;
    if (!made && errno != EEXIST) {
        code = sw_dir_fail(err, "making", path);
        goto fail;
    }
    dir->root = open_again(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (dir->root < 0 || (made && !sync_parent(dir->root))) {
        code = sw_dir_fail(err, "opening", path);
        goto fail;
    }
    *ret = (struct sw_driver){
        .perform = perform,
        .cancel = cancel,
        .free = free_dir,
        .features = SW_STORE_LISTS | SW_STORE_DELETES,
        .self = dir,
    };
    return SW_OK;

fail:
    if (dir->root >= 0)
        (void)close(dir->root);
    free(dir);
    return code;
}
