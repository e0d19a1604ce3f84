/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/cli/print.h"

enum { NAMES_TOLD_MAX = 10 };

bool sw_cli_is_store(const char *word)
{
    return strstr(word, "://") != NULL;
}

enum sw_code sw_cli_store_open(const struct sw_cli_store *named, struct sw_store **ret_store,
                               struct sw_err *err)
{
    struct sw_store_options options = named->options;

    options.clock = &sw_clock_system;
    return sw_store_open(&options, ret_store, err);
}

/* The store's only journal. */
static enum sw_code find_only(struct sw_store *store, struct sw_arena *arena,
                              const char **ret_journal, struct sw_err *err)
{
    const char *told = "";
    const char *name;
    char *names = NULL;
    uint32_t count = 0;
    enum sw_code rc = sw_archive_list(store, &names, &count, err);

    if (rc != SW_OK)
        return rc;
    name = names;
    for (uint32_t i = 0; i < count && i < NAMES_TOLD_MAX; i++, name += strlen(name) + 1)
        told = sw_text_format(arena, "%s%s%s", told, i == 0 ? "" : ", ",
                              sw_text_safe(arena, sw_span_of_text(name), 0));
    free(names);
    if (count == 1) {
        *ret_journal = told;
        return SW_OK;
    }
    if (count > 1)
        return sw_fail(err, SW_CONFIGURATION, "--journal: which one? There are %s%s", told,
                       count > NAMES_TOLD_MAX ? " and more" : "");
    rc = sw_fail(err, SW_RUN_NOT_FOUND, "there is no journal at %s", sw_store_url(store));
    err->os_errno = ENOENT;
    return rc;
}

enum sw_code sw_cli_store_find(const struct sw_cli_store *named, struct sw_store *store,
                               struct sw_arena *arena, struct sw_archive_options *ret_options,
                               struct sw_err *err)
{
    const char *journal = named->journal;
    enum sw_code rc = SW_OK;

    if (journal == NULL)
        rc = find_only(store, arena, &journal, err);
    if (rc == SW_OK)
        *ret_options = (struct sw_archive_options){.store = store,
                                                   .journal = journal,
                                                   .key_file = named->key_file,
                                                   .clock = &sw_clock_system};
    return rc;
}

enum sw_code sw_cli_store_copy(const struct sw_cli_store *named,
                               char ret_folder[SW_CLI_FOLDER_SIZE], struct sw_err *err)
{
    const char *temporary = getenv("TMPDIR");
    struct sw_archive_options options;
    struct sw_restore_report report;
    struct sw_store *store = NULL;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    ret_folder[0] = '\0';
    rc = sw_cli_store_open(named, &store, err);
    if (rc == SW_OK)
        rc = sw_cli_store_find(named, store, &arena, &options, err);
    if (rc == SW_OK) {
        (void)snprintf(ret_folder, SW_CLI_FOLDER_SIZE, "%s/stepwell-XXXXXX",
                       temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
        if (mkdtemp(ret_folder) == NULL) {
            rc = sw_fail(err, SW_STORAGE_FAILED, "%s: %s", ret_folder, strerror(errno));
            ret_folder[0] = '\0';
        }
    }
    if (rc == SW_OK)
        rc = sw_archive_restore(&options, &(struct sw_restore_options){.directory = ret_folder},
                                &report, err);
    if (rc != SW_OK) {
        sw_cli_store_remove(ret_folder);
        ret_folder[0] = '\0';
    }
    sw_store_close(store);
    sw_arena_fini(&arena);
    return rc;
}

void sw_cli_store_remove(const char *folder)
{
    struct dirent *entry;
    DIR *dir = folder[0] == '\0' ? NULL : opendir(folder);

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0); /* "." and ".." refuse */
    (void)closedir(dir);
    (void)rmdir(folder);
}
