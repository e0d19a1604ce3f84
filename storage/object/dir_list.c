/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in the order of their bytes out of a tree of folders: a folder sorts as its name
 * with the '/' that follows it in every key, so that "a-b" stands before "a/b".
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/object/dir.h"

enum { KEYS_MAX_DEFAULT = 1000, NAME_SIZE = 256 + 1, DEPTH_MAX = SW_OBJECT_KEY_MAX / 2 + 1 };
static const uint64_t temporary_age_ms = UINT64_C(24) * 3600 * 1000;

/* A page of keys that grows. */
struct page {
    struct sw_object_op *op;
    size_t capacity;
    size_t prefix_length;
    uint64_t now_ms;
};

struct names {
    char (*names)[NAME_SIZE]; /* a folder's ends with '/' */
    size_t count;
    size_t capacity;
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool add_name(struct names *names, const char *name, bool folder)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
        char(*grown)[NAME_SIZE] = realloc(names->names, capacity * NAME_SIZE);

        if (grown == NULL)
            return false;
        names->names = grown;
        names->capacity = capacity;
    }
    (void)snprintf(names->names[names->count++], NAME_SIZE, "%s%s", name, folder ? "/" : "");
    return true;
}

static void remove_if_old(const struct page *page, int folder, const char *name,
                          const struct stat *status)
{
    uint64_t written_ms = (uint64_t)status->st_mtim.tv_sec * 1000;

    if (written_ms + temporary_age_ms < page->now_ms)
        (void)unlinkat(folder, name, 0);
}

static enum sw_code read_names(const struct page *page, DIR *folder, const char *path,
                               struct names *ret)
{
    struct dirent *entry;

    for (errno = 0; (entry = readdir(folder)) != NULL; errno = 0) {
        const char *name = entry->d_name;
        struct stat status;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (name[0] != '~' && name[strspn(name, SW_KEY_LETTERS)] != '\0')
            continue; /* not ours: lost+found, and what people leave */
        if (fstatat(dirfd(folder), name, &status, 0) != 0)
            continue; /* deleted meanwhile */
        if (name[0] == '~')
            remove_if_old(page, dirfd(folder), name, &status);
        else if ((S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) &&
                 !add_name(ret, name, S_ISDIR(status.st_mode)))
            return sw_fail(&page->op->err, SW_NO_MEMORY, "no memory for the names in %s", path);
    }
    if (errno != 0)
        return sw_dir_fail(&page->op->err, "listing", path);
    if (ret->count > 0)
        qsort(ret->names, ret->count, NAME_SIZE, compare);
    return SW_OK;
}

static enum sw_code add_key(struct page *page, const char *key)
{
    struct sw_object_op *op = page->op;
    size_t size = strlen(key) + 1;

    if (op->size + size > page->capacity) {
        size_t capacity = 2 * page->capacity + size + 1024;
        uint8_t *grown = realloc(op->data, capacity);

        if (grown == NULL)
            return sw_fail(&op->err, SW_NO_MEMORY, "no memory for a list of keys");
        op->data = grown;
        page->capacity = capacity;
    }
    memcpy(op->data + op->size, key, size);
    op->size += size;
    op->keys++;
    return SW_OK;
}

/* Whether keys that begin with path may be asked for. */
static bool is_wanted(const struct page *page, const char *path, bool folder)
{
    const char *after = page->op->after == NULL ? "" : page->op->after;
    size_t length = strlen(path);
    size_t shared = folder && length < page->prefix_length ? length : page->prefix_length;

    if (strncmp(path, page->op->key, shared) != 0)
        return false;
    return strcmp(path, after) > 0 || (folder && strncmp(after, path, length) == 0);
}

/* Folders being walked, the deepest last. */
struct level {
    DIR *folder;
    struct names names;
    size_t next;
    size_t path_length;
};

static enum sw_code enter(struct page *page, struct level *level, int at, const char *name,
                          const char *path)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *level = (struct level){.path_length = strlen(path)};
    if (fd < 0 && errno == ENOENT)
        return SW_OK;
    if (fd >= 0)
        level->folder = fdopendir(fd);
    if (level->folder == NULL) {
        enum sw_code code = sw_dir_fail(&page->op->err, "listing", path);

        if (fd >= 0)
            (void)close(fd);
        return code;
    }
    return read_names(page, level->folder, path, &level->names);
}

static void leave(struct level *level)
{
    if (level->folder != NULL)
        (void)closedir(level->folder);
    free(level->names.names);
}

static enum sw_code walk(struct page *page, int root, struct level *levels, size_t *depth)
{
    uint32_t keys_max = page->op->keys_max == 0 ? KEYS_MAX_DEFAULT : page->op->keys_max;
    char path[SW_OBJECT_KEY_MAX + NAME_SIZE] = "";
    enum sw_code code = enter(page, &levels[(*depth)++], root, ".", path);

    while (code == SW_OK && *depth > 0) {
        struct level *level = &levels[*depth - 1];
        const char *name;
        size_t length;
        bool folder;

        path[level->path_length] = '\0';
        if (level->next == level->names.count) {
            leave(level);
            (*depth)--;
            continue;
        }
        name = level->names.names[level->next++];
        length = strlen(name);
        folder = name[length - 1] == '/';
        if (level->path_length + length > SW_OBJECT_KEY_MAX)
            continue; /* not a key of ours */
        memcpy(path + level->path_length, name, length + 1);
        if (!is_wanted(page, path, folder))
            continue;
        if (folder) {
            assert(*depth < DEPTH_MAX); /* every folder takes two bytes of the key */
            code = enter(page, &levels[(*depth)++], dirfd(level->folder), name, path);
        } else if (!folder && page->op->keys == keys_max) {
            page->op->more = true;
            return SW_OK;
        } else if (!folder) {
            code = add_key(page, path);
        }
    }
    return code;
}

enum sw_code sw_dir_list(int root, struct sw_object_op *op, uint64_t now_ms)
{
    struct page page = {.op = op, .prefix_length = strlen(op->key), .now_ms = now_ms};
    struct level levels[DEPTH_MAX];
    size_t depth = 0;
    enum sw_code code = walk(&page, root, levels, &depth);

    while (depth > 0)
        leave(&levels[--depth]);
    if (code != SW_OK)
        sw_object_op_fini(op);
    return code;
}
