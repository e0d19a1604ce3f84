/* SPDX-License-Identifier: Apache-2.0
 *
 * object - a store of immutable objects, named by keys, created if absent.
 *
 * The one thing asked of a store is that of two creations of a key exactly one
 * succeeds, whoever makes them. Everything the archive promises rests on it, so a store
 * that cannot is found out by sw_store_probe and refused.
 *
 *   file:///DIR, /DIR      a directory, also on NFS: write, fsync, link(2), fsync
 *   s3://BUCKET/PREFIX     S3 and compatibles
 *   gs://BUCKET/PREFIX     Google Cloud Storage, XML API
 *   az://ACCOUNT/CONTAINER/PREFIX   Azure Blob Storage
 *
 * A store tries again by itself, with jittered back-off, what may be tried again:
 * connections, 408, 429, 5xx, expired credentials, until the op's deadline. A
 * creation is repeated byte for byte. "Exists" may therefore be the echo of an
 * earlier try of the same op: only a GET tells (rule (c) of storage/archive).
 *
 * Owns:    connections, credentials. Keys and bodies of ops stay the caller's.
 * Threads: one at a time per store, but for sw_store_cancel.
 * Fails:   CONFIGURATION, STORE_UNAVAILABLE, STORE_REFUSED, STORE_UNSAFE, CORRUPT,
 *          NO_MEMORY, CANCELLED.
 */
#ifndef SW_OBJECT_H
#define SW_OBJECT_H

#include "storage/base/clock.h"
#include "storage/base/span.h"
#include "storage/base/status.h"

struct sw_store;

enum { SW_OBJECT_KEY_MAX = 512, SW_STORE_URL_MAX = 1024 };

enum sw_store_feature {
    SW_STORE_LISTS = 1,   /* LIST works, in the order of keys */
    SW_STORE_DELETES = 2, /* DELETE is permitted by the driver */
    SW_STORE_REMOTE = 4   /* bytes leave the node: not a plain directory */
};

/* What is not in the URL. NULL and 0: the default. */
struct sw_store_options {
    const char *url;
    const char *endpoint; /* instead of the cloud's own, e.g. http://127.0.0.1:9000 */
    const char *region;   /* S3; default: the environment's, then us-east-1 */
    const char *ca_file;  /* PEM, instead of the system's */
    const char *sse;      /* S3: x-amz-server-side-encryption, e.g. aws:kms */
    const char *sse_key;  /* S3: its KMS key id */
    bool path_style;      /* S3: bucket in the path; implied by endpoint */
    const struct sw_clock *clock;
};

enum sw_object_verb {
    SW_OBJECT_CREATE, /* write key if it is absent */
    SW_OBJECT_GET,
    SW_OBJECT_DELETE, /* of what is not there: done */
    SW_OBJECT_LIST,   /* keys that begin with `key` and lie behind `after`, in order */
    SW_OBJECT_SETTING /* what a setting of the bucket does to the store's objects by itself. key:
                       * "lifecycle" or "versioning". FAILED: cannot be read, with these rights or
                       * from this kind of store */
};

enum sw_object_result {
    SW_OBJECT_PENDING = 0, /* before perform */
    SW_OBJECT_DONE,
    SW_OBJECT_EXISTS, /* CREATE: the key is taken, perhaps by an earlier try of this op */
    SW_OBJECT_ABSENT, /* GET: there was no such object just now */
    SW_OBJECT_FAILED  /* err says why; whether a CREATE happened is unknown */
};

struct sw_object_op {
    enum sw_object_verb verb;
    const char *key;      /* below the store's prefix; a-z A-Z 0-9 . _ - and / */
    struct sw_span body;  /* CREATE */
    uint64_t bytes_max;   /* GET: larger objects fail with CORRUPT; 0 = 64 MiB */
    uint64_t deadline_ms; /* for all tries together, from the call; 0 = 10 s + 1 s a MiB */
    const char *after;    /* LIST: NULL = from the first */
    uint32_t keys_max;    /* LIST: at most so many, 0 = 1000 */

    enum sw_object_result result;
    struct sw_err err;
    uint8_t *data;      /* GET: the object. LIST: keys, each ended by NUL. SETTING: for each thing
                         * to warn of a sentence, ended by NUL. malloc'd */
    size_t size;        /* of data */
    uint32_t keys;      /* LIST, SETTING: how many */
    bool more;          /* LIST: there are further keys */
    unsigned tries;     /* made */
    uint64_t took_us;   /* the last try alone */
    uint64_t server_ms; /* the store's clock as of its answer, ms since 1970; 0 = unknown */
};

/* Frees op->data. */
void sw_object_op_fini(struct sw_object_op *op);

SW_MUST_CHECK enum sw_code sw_store_open(const struct sw_store_options *options,
                                         struct sw_store **ret_store, struct sw_err *err);
void sw_store_close(struct sw_store *store);              /* NULL is fine */
unsigned sw_store_features(const struct sw_store *store); /* enum sw_store_feature, or'ed */
const char *sw_store_url(const struct sw_store *store);   /* without secrets, for messages */

/* Where the credentials in use come from, such as "environment"; "none" before the first request
 * and where there are none; NULL: this kind of store needs none. */
const char *sw_store_credentials(const struct sw_store *store);
/* When the credentials in use end and cannot be renewed, such as a shared access signature, ms
 * since 1970; 0: never, or not known yet. */
uint64_t sw_store_access_end_ms(const struct sw_store *store);
enum { SW_STORE_ACCESS_END_NEAR_MS = 7 * 24 * 3600 * 1000 }; /* so long before it is warned of */

/* Performs all ops, side by side where the store can (at most `parallel` at once, 0 = 1),
 * and returns when each has a result. */
void sw_store_perform(struct sw_store *store, struct sw_object_op *ops, size_t count,
                      unsigned parallel);

/* Ends what is being performed, and whatever is asked later, with CANCELLED. Any
 * thread, also a signal handler's. */
void sw_store_cancel(struct sw_store *store);

/* Whether the store keeps its one promise, tried on objects below "probe/" with a
 * name nobody else has: create, create again (must exist, must not change the object),
 * read back, several creations at once (one winner). STORE_UNSAFE when it does not. */
SW_MUST_CHECK enum sw_code sw_store_probe(struct sw_store *store, struct sw_err *err);

/* Requests sent since the store was opened, tries counted one by one. */
struct sw_store_counts {
    uint64_t creates;
    uint64_t gets;
    uint64_t deletes;
    uint64_t lists;
    uint64_t retries;
};
struct sw_store_counts sw_store_counts(const struct sw_store *store);

#endif
