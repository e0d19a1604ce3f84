/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/flags.h"
#include "sidecar/parse.h"
#include "sidecar/text.h"
#include "storage/journal/journal.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define DAY_MS (24ull * 3600 * 1000)
#define FIELD(name) offsetof(struct sw_config, name)

static const char DEFAULT_LISTEN[] = "unix:///run/stepwell/stepwell.sock";

enum { LIST_TEXT_MAX = 2048 };

/* What is read, and what is remembered only until it is validated. */
struct reading {
    struct sw_config config; /* first: the table's offsets count from here */
    const char *reserve_text;
};

/* Appends the addresses of a list; its commas are replaced in a copy that lives on. */
static enum sw_code add_listen(const char *list[SW_LISTEN_MAX], unsigned *count, const char *text,
                               struct sw_err *err)
{
    static char copies[LIST_TEXT_MAX];
    static size_t used = 0;
    char *at;

    if (strchr(text, ',') == NULL) {
        if (*count == SW_LISTEN_MAX)
            return sw_fail(err, SW_CONFIGURATION, "more than %d addresses", SW_LISTEN_MAX);
        list[(*count)++] = text;
        return SW_OK;
    }
    if (strlen(text) + 1 > sizeof(copies) - used)
        return sw_fail(err, SW_CONFIGURATION, "longer than %d bytes", LIST_TEXT_MAX);
    at = copies + used;
    memcpy(at, text, strlen(text) + 1);
    used += strlen(text) + 1;
    for (char *comma = at; comma != NULL; at = comma + 1) {
        enum sw_code rc;

        comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        if (*at == '\0')
            return sw_fail(err, SW_CONFIGURATION, "an empty address in the list");
        rc = add_listen(list, count, at, err);
        if (rc != SW_OK || comma == NULL)
            return rc;
    }
    return SW_OK;
}

static enum sw_code set_listen(void *target, const char *text, struct sw_err *err)
{
    struct sw_config *config = target;

    return add_listen(config->listen, &config->listen_count, text, err);
}

static enum sw_code set_control_listen(void *target, const char *text, struct sw_err *err)
{
    struct sw_config *config = target;

    return add_listen(config->control_listen, &config->control_listen_count, text, err);
}

static enum sw_code set_socket_mode(void *target, const char *text, struct sw_err *err)
{
    struct sw_config *config = target;

    return sw_parse_mode(text, &config->socket_mode, err);
}

static enum sw_code set_log_level(void *target, const char *text, struct sw_err *err)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    struct sw_config *config = target;

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            config->log_level = (enum sw_log_level)i;
            return SW_OK;
        }
    }
    return sw_fail(err, SW_CONFIGURATION, "\"%s\" is none of debug, info, warning, error", text);
}

static enum sw_code set_log_format(void *target, const char *text, struct sw_err *err)
{
    struct sw_config *config = target;

    if (strcmp(text, "json") != 0 && strcmp(text, "text") != 0)
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is neither json nor text", text);
    config->log_text = strcmp(text, "text") == 0;
    return SW_OK;
}

static enum sw_code set_backlog_policy(void *target, const char *text, struct sw_err *err)
{
    struct sw_config *config = target;

    if (strcmp(text, "refuse") != 0 && strcmp(text, "wait") != 0)
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is neither refuse nor wait", text);
    config->backlog_wait = strcmp(text, "wait") == 0;
    return SW_OK;
}

static enum sw_code set_ready_fd(void *target, const char *text, struct sw_err *err)
{
    struct sw_config *config = target;
    uint64_t fd = 0;
    enum sw_code rc = sw_parse_number(text, 0, INT32_MAX, &fd, err);

    if (rc != SW_OK)
        return rc;
    if (fcntl((int)fd, F_GETFD) < 0)
        return sw_fail(err, SW_CONFIGURATION, "%s is not an open file descriptor", text);
    config->ready_fd = (int)fd;
    return SW_OK;
}

static const struct sw_flag table[] = {
    {"data", "DIR", SW_FLAG_TEXT, FIELD(data), 0, 0, "./stepwell-data", true,
     "The journal's directory, created with mode 0700 when absent. It must be on a local disk or "
     "a block volume: one process owns it at a time, held by a lock file.",
     NULL},
    {"journal", "NAME", SW_FLAG_TEXT, FIELD(journal), 0, 0, NULL, true,
     "The journal's name, 1 to 128 bytes. Idempotency keys are derived from it, so an agent "
     "identity keeps its name for life; an existing journal of another name is refused. "
     "Default: \"default\"; with --store it must be said, and be of a-z A-Z 0-9 . _ -.",
     NULL},
    {"journal-file", "PATH", SW_FLAG_TEXT, FIELD(journal_file), 0, 0, NULL, true,
     "Read the name from the first line of this file instead, and wait until it is there: "
     "a downward-API file, for pods that get their identity late.",
     NULL},
    {"listen", "ADDR", SW_FLAG_CUSTOM, 0, 0, 0, DEFAULT_LISTEN, true,
     "Where calls are answered: unix:///ABSOLUTE/PATH, or HOST:PORT. TCP without TLS only on "
     "loopback. May be given up to 8 times; the variable takes a list with commas.",
     set_listen},
    {"control-listen", "ADDR", SW_FLAG_CUSTOM, 0, 0, 0, NULL, true,
     "Answer ControlService (what people and tools call) here and not on --listen, so that the "
     "two can be authorised apart. May be given up to 8 times. Without it both services are on "
     "every --listen.",
     set_control_listen},
    {"socket-mode", "OCTAL", SW_FLAG_CUSTOM, 0, 0, 0, "0660", true,
     "Permissions of Unix sockets: who may write to the socket may call.", set_socket_mode},
    {"store", "URL", SW_FLAG_TEXT, FIELD(store.url), 0, 0, NULL, true,
     "Ship the journal there, restore it from there, and fence whoever had it before: "
     "file:///DIR, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://ACCOUNT/CONTAINER/PREFIX. "
     "Credentials come from where the cloud's own tools find them.",
     NULL},
    {"store-endpoint", "URL", SW_FLAG_TEXT, FIELD(store.endpoint), 0, 0, NULL, true,
     "Where the store answers, instead of the cloud's own address.", NULL},
    {"store-region", "NAME", SW_FLAG_TEXT, FIELD(store.region), 0, 0, NULL, true,
     "S3's region. Default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1.", NULL},
    {"store-ca-file", "FILE", SW_FLAG_TEXT, FIELD(store.ca_file), 0, 0, NULL, true,
     "Trust these certificates of the store instead of the system's, PEM.", NULL},
    {"store-sse", "ALGORITHM", SW_FLAG_TEXT, FIELD(store.sse), 0, 0, NULL, true,
     "S3's server-side encryption, such as AES256 or aws:kms.", NULL},
    {"store-sse-key", "ID", SW_FLAG_TEXT, FIELD(store.sse_key), 0, 0, NULL, true,
     "The KMS key of --store-sse aws:kms.", NULL},
    {"store-path-style", NULL, SW_FLAG_SWITCH, FIELD(store.path_style), 0, 0, NULL, true,
     "S3: name the bucket in the path, not in the host. Implied by --store-endpoint.", NULL},
    {"store-key-file", "FILE", SW_FLAG_TEXT, FIELD(store_key_file), 0, 0, NULL, true,
     "Encrypt every object with AES-256-GCM and the key in this file, before it leaves.", NULL},
    {"ship-interval", "DURATION", SW_FLAG_MS, FIELD(ship_interval_ms), 10, DAY_MS, "1s", true,
     "Records nobody waits for are shipped so long after they were committed.", NULL},
    {"backlog-max-bytes", "SIZE", SW_FLAG_BYTES, FIELD(backlog_bytes_max), 0, 0, "256MiB", true,
     "Most bytes that may wait for the store; 0 = no limit. Beyond it new intents are refused or "
     "wait (--backlog-policy); outcomes of work under way are taken.",
     NULL},
    {"backlog-max-age", "DURATION", SW_FLAG_MS, FIELD(backlog_age_ms_max), 0, 3660 * DAY_MS, "1h",
     true, "Likewise, the age of the oldest record that waits; 0 = no limit.", NULL},
    {"backlog-policy", "POLICY", SW_FLAG_CUSTOM, 0, 0, 0, "refuse", true,
     "refuse: callers hear BACKLOG_FULL. wait: their calls wait, until their own deadline.",
     set_backlog_policy},
    {"metrics-listen", "HOST:PORT", SW_FLAG_TEXT, FIELD(metrics_listen), 0, 0, NULL, true,
     "Answer GET /metrics (Prometheus), /healthz and /readyz over plain HTTP. PORT alone means "
     "127.0.0.1. Without it there is none.",
     NULL},
    {"tls-cert", "FILE", SW_FLAG_TEXT, FIELD(tls_cert), 0, 0, NULL, true,
     "Certificate chain of TCP listeners, PEM. Read again when it changes.", NULL},
    {"tls-key", "FILE", SW_FLAG_TEXT, FIELD(tls_key), 0, 0, NULL, true,
     "Private key of --tls-cert, PEM.", NULL},
    {"tls-client-ca", "FILE", SW_FLAG_TEXT, FIELD(tls_client_ca), 0, 0, NULL, true,
     "Callers over TCP must show a certificate signed by one of these, PEM.", NULL},
    {"payload-max-bytes", "SIZE", SW_FLAG_BYTES, FIELD(limits.payload_bytes_max), KIB, 64 * MIB,
     "16MiB", true, "Largest input, output or result, 1KiB to 64MiB.", NULL},
    {"open-steps-max", "N", SW_FLAG_UNSIGNED, FIELD(limits.open_steps_max), 1, 100000, "1000", true,
     "Most unfinished steps of one run, 1 to 100000.", NULL},
    {"open-runs-max", "N", SW_FLAG_UNSIGNED, FIELD(limits.open_runs_max), 1, 1000000, "10000", true,
     "Most runs that have not ended, 1 to 1000000.", NULL},
    {"queue-max", "N", SW_FLAG_UNSIGNED, FIELD(limits.queue_length_max), 1, 1000000, "4096", true,
     "Most requests waiting for the journal, 1 to 1000000; beyond it callers hear QUEUE_FULL.",
     NULL},
    {"journal-max-bytes", "SIZE", SW_FLAG_BYTES, FIELD(limits.journal_bytes_max), 0, 0, "8GiB",
     true,
     "Most bytes of the journal's files, at least 1MiB; 0 = no limit. Near it new work is refused "
     "while outcomes of work under way still fit.",
     NULL},
    {"journal-reserve-bytes", "SIZE", SW_FLAG_TEXT, offsetof(struct reading, reserve_text), 0, 0,
     NULL, true,
     "Share of --journal-max-bytes held back for outcomes. Default: 64MiB, or a sixteenth of "
     "--journal-max-bytes when that is less.",
     NULL},
    {"retention", "DURATION", SW_FLAG_MS, FIELD(retention_ms), 0, 3660 * DAY_MS, "30d", true,
     "Ended runs are removed so long after their end; 0 = never. What the store lacks stays.",
     NULL},
    {"lease-grace", "DURATION", SW_FLAG_MS, FIELD(lease_grace_ms), 0, DAY_MS, "10s", true,
     "A lease used without a stream counts as held so long after its last call.", NULL},
    {"drain-timeout", "DURATION", SW_FLAG_MS, FIELD(drain_ms), 0, DAY_MS, "5s", true,
     "After SIGTERM, calls under way may take so long to finish, and records to be shipped.", NULL},
    {"readers", "N", SW_FLAG_UNSIGNED, FIELD(readers), 1, 16, "2", true,
     "Threads that read history, 1 to 16.", NULL},
    {"check", NULL, SW_FLAG_SWITCH, FIELD(check_all), 0, 0, NULL, true,
     "Verify the whole journal at start, not only its newest part.", NULL},
    {"log-level", "LEVEL", SW_FLAG_CUSTOM, 0, 0, 0, "info", true, "debug, info, warning or error.",
     set_log_level},
    {"log-format", "FORMAT", SW_FLAG_CUSTOM, 0, 0, 0, "json", true,
     "json: one object a line. text: for people.", set_log_format},
    {"ready-fd", "N", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false,
     "Write one byte to this inherited file descriptor once calls are answered: "
     "for a parent process that waits.",
     set_ready_fd},
    {NULL, NULL, SW_FLAG_TEXT, 0, 0, 0, NULL, false, NULL, NULL},
};

_Static_assert(sizeof(table) / sizeof(table[0]) - 1 <= SW_FLAGS_MAX, "sw_flags_read's bound");

static void print_help(void)
{
    (void)printf(
        "NAME\n"
        "    stepwell serve - make the work of agents durable\n\n"
        "SYNOPSIS\n"
        "    stepwell serve [OPTION]...\n\n"
        "DESCRIPTION\n"
        "    Owns one journal and answers AgentService, ControlService, gRPC health checks and\n"
        "    server reflection until SIGTERM or SIGINT; then lets calls under way finish, and\n"
        "    ends. Logs go to standard error.\n\n"
        "OPTIONS\n");
    sw_flags_print(table, stdout);
    (void)printf(
        "\nEXIT STATUS\n"
        "    0   ended after SIGTERM or SIGINT; everything acknowledged is on disk and, with\n"
        "        --store, in the store\n"
        "    1   usage or configuration, another process owns the journal, or its name or\n"
        "        version is another\n"
        "    2   the disk failed or the journal is corrupt; a restart recovers what it can\n"
        "    3   fenced: another process took the journal over from the store; what was not\n"
        "        shipped is kept there under orphan/\n"
        "    4   ended after SIGTERM or SIGINT, but the store did not take everything within\n"
        "        --drain-timeout, or was not reached: keep the disk, or lose the rest\n\n"
        "EXAMPLES\n"
        "    stepwell serve --data /var/lib/stepwell --listen unix:///run/stepwell/stepwell.sock\n"
        "    stepwell serve --store s3://bucket/agents --journal agent-17\n"
        "    stepwell serve --listen 127.0.0.1:7233 --metrics-listen 9464 --log-format text\n"
        "    STEPWELL_RETENTION=7d stepwell serve --journal-max-bytes 2GiB\n");
}

/* An address that has been checked, and what else it is. */
static enum sw_code check_listen(const struct sw_config *config, const char *flag,
                                 const char *const *list, unsigned count, struct sw_err *err)
{
    for (unsigned i = 0; i < count; i++) {
        struct sw_host_port split;
        const char *path;

        if (sw_parse_address(list[i], &path, &split, err) != SW_OK)
            return sw_wrap(err, "%s", flag);
        if (path == NULL && !split.loopback && config->tls_client_ca == NULL)
            return sw_fail(err, SW_CONFIGURATION,
                           "%s: %s can be reached from other machines, so it needs --tls-cert, "
                           "--tls-key and --tls-client-ca",
                           flag, list[i]);
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(list[i], list[j]) == 0)
                return sw_fail(err, SW_CONFIGURATION, "%s: %s stands there twice", flag, list[i]);
        }
    }
    return SW_OK;
}

static enum sw_code check_addresses(const struct sw_config *config, struct sw_err *err)
{
    struct sw_host_port split;
    enum sw_code rc;

    rc = check_listen(config, "--listen", config->listen, config->listen_count, err);
    if (rc != SW_OK)
        return rc;
    rc = check_listen(config, "--control-listen", config->control_listen,
                      config->control_listen_count, err);
    if (rc != SW_OK)
        return rc;
    for (unsigned i = 0; i < config->listen_count; i++) {
        for (unsigned j = 0; j < config->control_listen_count; j++) {
            if (strcmp(config->listen[i], config->control_listen[j]) == 0)
                return sw_fail(err, SW_CONFIGURATION, "--control-listen: %s is a --listen already",
                               config->listen[i]);
        }
    }
    if (config->metrics_listen != NULL &&
        sw_parse_host_port(config->metrics_listen, "127.0.0.1", &split, err) != SW_OK)
        return sw_wrap(err, "--metrics-listen");
    return SW_OK;
}

static enum sw_code check_tls(const struct sw_config *config, struct sw_err *err)
{
    const struct {
        const char *flag;
        const char *file;
    } files[] = {{"--tls-cert", config->tls_cert},
                 {"--tls-key", config->tls_key},
                 {"--tls-client-ca", config->tls_client_ca}};
    unsigned given = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (files[i].file == NULL)
            continue;
        given++;
        if (access(files[i].file, R_OK) != 0)
            return sw_fail(err, SW_CONFIGURATION, "%s: %s: %s", files[i].flag, files[i].file,
                           strerror(errno));
    }
    if (given != 0 && given != 3)
        return sw_fail(err, SW_CONFIGURATION,
                       "--tls-cert, --tls-key and --tls-client-ca go together");
    return SW_OK;
}

static enum sw_code check_names(struct sw_config *config, struct sw_err *err)
{
    struct sw_span left;

    if (config->journal != NULL && config->journal_file != NULL)
        return sw_fail(err, SW_CONFIGURATION, "--journal or --journal-file, not both");
    if (config->journal_file != NULL)
        return SW_OK;
    if (config->journal == NULL && config->store.url != NULL)
        return sw_fail(err, SW_CONFIGURATION,
                       "--store needs --journal or --journal-file: whose journal is it?");
    if (config->journal == NULL)
        config->journal = "default";
    left = sw_span_of_text(config->journal);
    if (left.size == 0 || left.size > SW_JOURNAL_NAME_MAX)
        return sw_fail(err, SW_CONFIGURATION, "--journal: 1 to %d bytes", SW_JOURNAL_NAME_MAX);
    if (config->store.url != NULL && !sw_is_plain_name(config->journal, SW_JOURNAL_NAME_MAX))
        return sw_fail(err, SW_CONFIGURATION,
                       "--journal: with --store only a-z A-Z 0-9 . _ -, and not . or ..");
    while (left.size > 0) {
        size_t size = sw_utf8_size(left);

        if (size == 0 || sw_utf8_is_control(sw_utf8_code(left)))
            return sw_fail(err, SW_CONFIGURATION,
                           "--journal: not UTF-8, or a control character in it");
        left = sw_span_of(left.data + size, left.size - size);
    }
    return SW_OK;
}

static enum sw_code check_store(const struct sw_config *config, struct sw_err *err)
{
    const struct {
        const char *flag;
        bool given;
    } others[] = {
        {"--store-endpoint", config->store.endpoint != NULL},
        {"--store-region", config->store.region != NULL},
        {"--store-ca-file", config->store.ca_file != NULL},
        {"--store-sse", config->store.sse != NULL},
        {"--store-sse-key", config->store.sse_key != NULL},
        {"--store-path-style", config->store.path_style},
        {"--store-key-file", config->store_key_file != NULL},
    };

    for (size_t i = 0; config->store.url == NULL && i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].given)
            return sw_fail(err, SW_CONFIGURATION, "%s: without --store it means nothing",
                           others[i].flag);
    }
    return SW_OK;
}

static enum sw_code derive_reserve(struct reading *reading, struct sw_err *err)
{
    struct sw_config *config = &reading->config;
    uint64_t whole = config->limits.journal_bytes_max;

    if (whole != 0 && whole < MIB)
        return sw_fail(err, SW_CONFIGURATION, "--journal-max-bytes: at least 1MiB, or 0");
    if (reading->reserve_text == NULL) {
        config->journal_reserve_bytes = whole / 16 < 64 * MIB ? whole / 16 : 64 * MIB;
        return SW_OK;
    }
    if (sw_parse_bytes(reading->reserve_text, &config->journal_reserve_bytes, err) != SW_OK)
        return sw_wrap(err, "--journal-reserve-bytes");
    if (config->journal_reserve_bytes != 0 && config->journal_reserve_bytes > whole / 2)
        return sw_fail(err, SW_CONFIGURATION,
                       "--journal-reserve-bytes: at most half of --journal-max-bytes");
    return SW_OK;
}

enum sw_code sw_config_read(int argc, char **argv, struct sw_config *ret_config, bool *ret_help,
                            struct sw_err *err)
{
    struct reading reading = {.config = {.ready_fd = -1}};
    struct sw_flags_left left;
    enum sw_code rc = sw_flags_read(table, &reading, argc, argv, &left, err);

    if (rc != SW_OK)
        return rc;
    if (left.help) {
        print_help();
        *ret_help = true;
        return SW_OK;
    }
    if (left.count > 0 || left.rest_count > 0)
        return sw_fail(err, SW_CONFIGURATION, "unexpected argument \"%s\"",
                       left.count > 0 ? left.words[0] : left.rest[0]);
    rc = derive_reserve(&reading, err);
    if (rc == SW_OK)
        rc = check_names(&reading.config, err);
    if (rc == SW_OK)
        rc = check_store(&reading.config, err);
    if (rc == SW_OK)
        rc = check_tls(&reading.config, err);
    if (rc == SW_OK)
        rc = check_addresses(&reading.config, err);
    if (rc != SW_OK)
        return rc;
    reading.config.limits.message_bytes_max = 2 * reading.config.limits.payload_bytes_max + MIB;
    *ret_config = reading.config;
    *ret_help = false;
    return SW_OK;
}
