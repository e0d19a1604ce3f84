/* SPDX-License-Identifier: Apache-2.0
 *
 * source - where runs are read from: a server that answers, or the journal of one that died.
 *
 *   --addr ADDR  -> sidecar/rpc/client.h          what is held is known
 *   --file PATH  -> storage/journal, history.h    nothing is held
 *   --store URL  -> storage/archive restores into a temporary folder, then as --file
 *
 * Both show the same views; a step that is in doubt has state DOUBTED.
 *
 * Owns:    the client, or the reader.
 * Threads: one.
 * Fails:   as the client and the readers; os_errno ENOENT when the file is not there.
 */
#ifndef SW_CLI_SOURCE_H
#define SW_CLI_SOURCE_H

#include "sidecar/cli/command.h"
#include "sidecar/cli/store.h"
#include "sidecar/rpc/client.h"
#include "storage/journal/journal.h"

/* The options that say where to look, the same for every command. */
struct sw_cli_common {
    const char *addr;
    const char *file;          /* NULL: ask the server */
    struct sw_cli_store store; /* url NULL: likewise */
    const char *tls_ca;
    const char *tls_cert;
    const char *tls_key;
    uint64_t timeout_ms;
    bool json;
};

/* Rows of a command's flags; its target struct has the member `common`. */
#define SW_CLI_FLAGS_SERVER(type)                                                                  \
    {"addr",                                                                                       \
     "ADDR",                                                                                       \
     SW_FLAG_TEXT,                                                                                 \
     offsetof(struct type, common.addr),                                                           \
     0,                                                                                            \
     0,                                                                                            \
     "unix:///run/stepwell/stepwell.sock",                                                         \
     true,                                                                                         \
     "Where the server answers: unix:///ABSOLUTE/PATH or HOST:PORT.",                              \
     NULL},                                                                                        \
        {"timeout", "DURATION", SW_FLAG_MS, offsetof(struct type, common.timeout_ms),   1,         \
         0,         "10s",      true,       "How long to wait for an answer to begin.", NULL},     \
        {"tls-ca",                                                                                 \
         "FILE",                                                                                   \
         SW_FLAG_TEXT,                                                                             \
         offsetof(struct type, common.tls_ca),                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         true,                                                                                     \
         "Speak TLS over TCP, with a server whose certificate is signed by one of these, PEM. "    \
         "Without it TCP is plain.",                                                               \
         NULL},                                                                                    \
        {"tls-client-cert",                                                                        \
         "FILE",                                                                                   \
         SW_FLAG_TEXT,                                                                             \
         offsetof(struct type, common.tls_cert),                                                   \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         true,                                                                                     \
         "Certificate chain to show to the server, PEM.",                                          \
         NULL},                                                                                    \
    {                                                                                              \
        "tls-client-key", "FILE", SW_FLAG_TEXT, offsetof(struct type, common.tls_key), 0, 0, NULL, \
            true, "Private key of --tls-client-cert, PEM.", NULL                                   \
    }
#define SW_CLI_FLAG_FILE(type)                                                                     \
    {                                                                                              \
        "file", "PATH", SW_FLAG_TEXT, offsetof(struct type, common.file), 0, 0, NULL, false,       \
            "Ask no server: read the journal in this directory, or this journal.db, of a process " \
            "that "                                                                                \
            "need not live.",                                                                      \
            NULL                                                                                   \
    }
#define SW_CLI_FLAGS_FROM_STORE(type)                                                              \
    {"store",                                                                                      \
     "URL",                                                                                        \
     SW_FLAG_TEXT,                                                                                 \
     offsetof(struct type, common.store.options.url),                                              \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     false,                                                                                        \
     "Ask no server: read what an object store has of the journal. Costs a restore into a "        \
     "temporary folder.",                                                                          \
     NULL},                                                                                        \
        SW_CLI_FLAGS_STORE(type, common.store)
#define SW_CLI_FLAG_JSON(type)                                                                     \
    {                                                                                              \
        "json", NULL, SW_FLAG_SWITCH, offsetof(struct type, common.json), 0, 0, NULL, false,       \
            "Print JSON for programs.", NULL                                                       \
    }
#define SW_CLI_FLAGS_END                                                                           \
    {                                                                                              \
        NULL, NULL, SW_FLAG_TEXT, 0, 0, 0, NULL, false, NULL, NULL                                 \
    }

struct sw_source {
    struct sw_client *client; /* or NULL and */
    struct sw_journal_reader *reader;
    struct sw_journal_state state;   /* of the file */
    char folder[SW_CLI_FOLDER_SIZE]; /* temporary: removed with the source; "": none */
};

SW_MUST_CHECK enum sw_code sw_source_open(const struct sw_cli_common *common,
                                          struct sw_source *ret_source, struct sw_err *err);
void sw_source_close(struct sw_source *source);

/* As the functions of client.h. */
SW_MUST_CHECK enum sw_code sw_source_list_runs(struct sw_source *source,
                                               const struct sw_client_runs *filter,
                                               struct sw_run_view_visitor visitor,
                                               struct sw_err *err);
/* on_run is called first, and before on_caught_up only once more if the run ended meanwhile. A
 * file cannot be followed. */
SW_MUST_CHECK enum sw_code sw_source_watch_run(struct sw_source *source,
                                               const struct sw_client_watch *watch,
                                               const struct sw_client_watcher *watcher,
                                               struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_source_read_journal(struct sw_source *source,
                                                  const struct sw_client_journal *range,
                                                  struct sw_record_line_visitor visitor,
                                                  struct sw_err *err);

#endif
