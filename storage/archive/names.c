/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/names.h"

#include <stdio.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool sw_name_is_journal(const char *journal)
{
    size_t size = strlen(journal);

    return size > 0 && size <= SW_ARCHIVE_JOURNAL_MAX && strspn(journal, letters) == size &&
           strcmp(journal, ".") != 0 && strcmp(journal, "..") != 0;
}

void sw_name_put_prefix(const char *journal, enum sw_name_kind kind, char ret[SW_OBJECT_KEY_MAX])
{
    static const char *const folders[] = {
        [SW_NAME_OTHER] = "",         [SW_NAME_META] = "meta",   [SW_NAME_LOG] = "log/",
        [SW_NAME_ORPHAN] = "orphan/", [SW_NAME_INDEX] = "snap/", [SW_NAME_PART] = "snap/"};

    (void)snprintf(ret, SW_OBJECT_KEY_MAX, "v1/%s/%s", journal, folders[kind]);
}

void sw_name_put(const char *journal, const struct sw_name *name, char ret[SW_OBJECT_KEY_MAX])
{
    char hex[2 * SW_DIGEST_SIZE + 1];
    size_t size;

    sw_name_put_prefix(journal, name->kind, ret);
    size = strlen(ret);
    switch (name->kind) {
    case SW_NAME_OTHER:
    case SW_NAME_META:
        break;
    case SW_NAME_LOG:
        (void)snprintf(ret + size, SW_OBJECT_KEY_MAX - size, "%020llu",
                       (unsigned long long)name->slot);
        break;
    case SW_NAME_ORPHAN:
        sw_hex(name->owner, sizeof(name->owner), hex);
        (void)snprintf(ret + size, SW_OBJECT_KEY_MAX - size, "%s/%020llu-%020llu", hex,
                       (unsigned long long)name->first_lsn, (unsigned long long)name->last_lsn);
        break;
    case SW_NAME_INDEX:
        (void)snprintf(ret + size, SW_OBJECT_KEY_MAX - size, "%020llu/index",
                       (unsigned long long)name->slot);
        break;
    case SW_NAME_PART:
        sw_hex(name->digest.bytes, SW_DIGEST_SIZE, hex);
        (void)snprintf(ret + size, SW_OBJECT_KEY_MAX - size, "%020llu/%s",
                       (unsigned long long)name->slot, hex);
        break;
    }
}

/* 20 digits that fit into 64 bits. */
static bool get_number(const char **next, uint64_t *ret)
{
    uint64_t number = 0;

    for (size_t i = 0; i < 20; i++) {
        char character = (*next)[i];

        if (character < '0' || character > '9')
            return false;
        if (number > (UINT64_MAX - (uint64_t)(character - '0')) / 10)
            return false;
        number = number * 10 + (uint64_t)(character - '0');
    }
    *next += 20;
    *ret = number;
    return true;
}

static bool get_hex(const char **next, uint8_t *ret, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 2 * size; i++) {
        const char *digit = (*next)[i] != '\0' ? strchr(digits, (*next)[i]) : NULL;

        if (digit == NULL)
            return false;
        ret[i / 2] = (uint8_t)((i % 2 == 0 ? 0 : ret[i / 2] << 4) | (int)(digit - digits));
    }
    *next += 2 * size;
    return true;
}

static bool skip(const char **next, const char *text)
{
    size_t size = strlen(text);

    if (strncmp(*next, text, size) != 0)
        return false;
    *next += size;
    return true;
}

static enum sw_name_kind get_snapshot(const char **next, struct sw_name *name)
{
    if (!get_number(next, &name->slot) || !skip(next, "/"))
        return SW_NAME_OTHER;
    if (skip(next, "index"))
        return SW_NAME_INDEX;
    return get_hex(next, name->digest.bytes, SW_DIGEST_SIZE) ? SW_NAME_PART : SW_NAME_OTHER;
}

static enum sw_name_kind get_orphan(const char **next, struct sw_name *name)
{
    bool good = get_hex(next, name->owner, sizeof(name->owner)) && skip(next, "/") &&
                get_number(next, &name->first_lsn) && skip(next, "-") &&
                get_number(next, &name->last_lsn);

    return good ? SW_NAME_ORPHAN : SW_NAME_OTHER;
}

struct sw_name sw_name_get(const char *journal, const char *key)
{
    char prefix[SW_OBJECT_KEY_MAX];
    struct sw_name name = {.kind = SW_NAME_OTHER};

    sw_name_put_prefix(journal, SW_NAME_OTHER, prefix);
    if (!skip(&key, prefix))
        return name;
    if (skip(&key, "meta"))
        name.kind = SW_NAME_META;
    else if (skip(&key, "log/"))
        name.kind = get_number(&key, &name.slot) ? SW_NAME_LOG : SW_NAME_OTHER;
    else if (skip(&key, "snap/"))
        name.kind = get_snapshot(&key, &name);
    else if (skip(&key, "orphan/"))
        name.kind = get_orphan(&key, &name);
    if (*key != '\0')
        name.kind = SW_NAME_OTHER;
    return name;
}
