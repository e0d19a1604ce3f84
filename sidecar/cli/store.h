/* SPDX-License-Identifier: Apache-2.0
 *
 * store - an object store as the command line names it: URL, journal, how to get in.
 *
 * Owns:    nothing; an opened store is the caller's.
 * Threads: one.
 * Fails:   as sw_store_open and sw_archive_list; CONFIGURATION when it is not clear which of
 * several journals is meant, RUN_NOT_FOUND with os_errno ENOENT when there is none.
 */
#ifndef SW_CLI_STORE_H
#define SW_CLI_STORE_H

#include "sidecar/cli/command.h"
#include "storage/archive/archive.h"
#include "storage/base/arena.h"

struct sw_cli_store {
    struct sw_store_options options; /* url NULL: no store is named */
    const char *journal;             /* NULL: the only one there */
    const char *key_file;
};

/* Rows of a command's flags, but for the URL; `member` is a struct sw_cli_store of its target. */
#define SW_CLI_STORE_ROW(type, flag, value, kind, field, text)                                     \
    {                                                                                              \
        flag, value, kind, offsetof(struct type, field), 0, 0, NULL, true, text, NULL              \
    }
#define SW_CLI_FLAGS_STORE(type, member)                                                           \
    SW_CLI_STORE_ROW(type, "journal", "NAME", SW_FLAG_TEXT, member.journal,                        \
                     "Which journal of the store. Not needed when there is one only."),            \
        SW_CLI_STORE_ROW(type, "store-endpoint", "URL", SW_FLAG_TEXT, member.options.endpoint,     \
                         "Where the store answers, instead of the cloud's own address."),          \
        SW_CLI_STORE_ROW(type, "store-region", "NAME", SW_FLAG_TEXT, member.options.region,        \
                         "S3's region."),                                                          \
        SW_CLI_STORE_ROW(type, "store-ca-file", "FILE", SW_FLAG_TEXT, member.options.ca_file,      \
                         "Trust these certificates of the store instead of the system's, PEM."),   \
        SW_CLI_STORE_ROW(type, "store-path-style", NULL, SW_FLAG_SWITCH,                           \
                         member.options.path_style, "S3: name the bucket in the path."),           \
        SW_CLI_STORE_ROW(type, "store-key-file", "FILE", SW_FLAG_TEXT, member.key_file,            \
                         "The key that the objects are encrypted with.")

/* Whether a word names a store rather than a file: it has a scheme. */
bool sw_cli_is_store(const char *word);

SW_MUST_CHECK enum sw_code sw_cli_store_open(const struct sw_cli_store *named,
                                             struct sw_store **ret_store, struct sw_err *err);

/* What the archive's functions take; the journal's name lives in arena. */
SW_MUST_CHECK enum sw_code sw_cli_store_find(const struct sw_cli_store *named,
                                             struct sw_store *store, struct sw_arena *arena,
                                             struct sw_archive_options *ret_options,
                                             struct sw_err *err);

/* A copy of the journal in a new temporary folder, which the caller removes. */
enum { SW_CLI_FOLDER_SIZE = 512 };
SW_MUST_CHECK enum sw_code sw_cli_store_copy(const struct sw_cli_store *named,
                                             char ret_folder[SW_CLI_FOLDER_SIZE],
                                             struct sw_err *err);
/* Removes the folder and the files in it. "" is fine. */
void sw_cli_store_remove(const char *folder);

#endif
