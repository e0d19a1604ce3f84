/* SPDX-License-Identifier: Apache-2.0
 *
 * config - flags and environment, validated once into a struct that never changes.
 *
 * Every flag --some-flag of `stepwell serve` may also stand in the environment as
 * STEPWELL_SOME_FLAG; the flag wins. STEPWELL_LISTEN and STEPWELL_CONTROL_LISTEN hold
 * one or more addresses with commas between.
 *
 * Owns:    the strings, for the life of the process (they point into argv and environ, or
 *          into static memory of config.c). Read once per process.
 * Fails:   CONFIGURATION, naming the flag.
 */
#ifndef SW_CONFIG_H
#define SW_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "sidecar/log.h"
#include "sidecar/service/service.h"
#include "storage/base/status.h"
#include "storage/object/object.h"

enum { SW_LISTEN_MAX = 8 };

struct sw_config {
    const char *data; /* --data DIR: the journal's directory. Default ./stepwell-data */
    /* --journal NAME: the journal's name. NULL: read from journal_file. Default "default", but
     * with a store it must be said. */
    const char *journal;
    const char *journal_file; /* --journal-file PATH: the name's file, waited for */
    /* --store URL and what goes with it: store.url NULL = nothing is shipped */
    struct sw_store_options store;
    const char *store_key_file;  /* --store-key-file FILE: objects are encrypted with it */
    uint64_t ship_interval_ms;   /* --ship-interval DURATION. Default 1s */
    uint64_t backlog_bytes_max;  /* --backlog-max-bytes SIZE, 0 = no limit. Default 256MiB */
    uint64_t backlog_age_ms_max; /* --backlog-max-age DURATION, 0 = no limit. Default 1h */
    bool backlog_wait;           /* --backlog-policy refuse|wait: what then happens to intents */
    /* --listen ADDR, repeatable: unix:///abs/path, or HOST:PORT (plain only on loopback, else
     * mTLS). Default unix:///run/stepwell/stepwell.sock */
    const char *listen[SW_LISTEN_MAX];
    unsigned listen_count;
    /* --control-listen ADDR, repeatable: ControlService here and not on --listen. Default:
     * everywhere. */
    const char *control_listen[SW_LISTEN_MAX];
    unsigned control_listen_count;
    uint32_t socket_mode; /* --socket-mode OCTAL of Unix sockets. Default 0660 */
    /* --metrics-listen HOST:PORT: /metrics /healthz /readyz. Default none */
    const char *metrics_listen;
    const char *tls_cert;      /* --tls-cert FILE, PEM chain; re-read when it changes */
    const char *tls_key;       /* --tls-key FILE */
    const char *tls_client_ca; /* --tls-client-ca FILE: clients must show a certificate of these */
    /* --payload-max-bytes --open-steps-max --open-runs-max --queue-max --journal-max-bytes;
     * message_bytes_max follows: two payloads (CompleteStep with begin_next) and 1 MiB */
    struct sw_limits limits;
    /* --journal-reserve-bytes, of journal-max-bytes, for outcomes */
    uint64_t journal_reserve_bytes;
    uint64_t retention_ms;   /* --retention DURATION (30d, 12h, 0 = for ever). Default 30d */
    uint64_t lease_grace_ms; /* --lease-grace DURATION. Default 10s */
    /* --drain-timeout DURATION: calls may finish, and records be shipped, so long after SIGTERM.
     * Default 5s */
    uint64_t drain_ms;
    unsigned readers;            /* --readers N threads for history. Default 2 */
    bool check_all;              /* --check: verify the whole journal at start */
    enum sw_log_level log_level; /* --log-level debug|info|warning|error */
    bool log_text;               /* --log-format json|text */
    int ready_fd; /* --ready-fd N: a byte is written there once calls are answered; -1 = none */
};

/* Reads `serve`'s arguments (argv[0] is "serve"; the array is reordered). ret_help: --help was
 * given and printed, and nothing was read. */
SW_MUST_CHECK enum sw_code sw_config_read(int argc, char **argv, struct sw_config *ret_config,
                                          bool *ret_help, struct sw_err *err);

#endif
