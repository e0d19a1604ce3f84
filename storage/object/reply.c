/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/object/object.intern.h"

enum {
    DEPTH_MAX = 16,         /* Azure's tags lie seven deep */
    NAME_SIZE = 64,         /* longer names are cut: none we look for is */
    TEXT_SIZE = 16 * 1024,  /* of one element: AWS session tokens have some 2 KiB */
    KEYS_MAX_DEFAULT = 1000 /* as object.h says */
};

/* Walks a document and shows the text of each element that has no elements in it. */
struct walk {
    XML_Parser parser;
    unsigned depth;                   /* elements open now */
    char names[DEPTH_MAX][NAME_SIZE]; /* their names, the root's first */
    char text[TEXT_SIZE];             /* since the last tag */
    size_t text_size;
    bool leaf;    /* the last tag was an opening one */
    bool stopped; /* expat may still report the end of an empty element */
    bool (*show)(void *self, struct walk *walk);  /* false ends the walk */
    bool (*leave)(void *self, struct walk *walk); /* an element that has elements; may be NULL */
    void *self;
};

static const char *name_of(const struct walk *walk)
{
    return walk->names[walk->depth - 1];
}

static bool stands_in(const struct walk *walk, const char *parent)
{
    return walk->depth >= 2 && strcmp(walk->names[walk->depth - 2], parent) == 0;
}

static void stop(struct walk *walk)
{
    walk->stopped = true;
    (void)XML_StopParser(walk->parser, XML_FALSE);
}

static void on_open(void *self, const XML_Char *name, const XML_Char **attributes)
{
    struct walk *walk = self;

    (void)attributes;
    if (walk->stopped)
        return;
    if (walk->depth == DEPTH_MAX) {
        stop(walk);
        return;
    }
    (void)snprintf(walk->names[walk->depth++], NAME_SIZE, "%s", name);
    walk->text_size = 0;
    walk->leaf = true;
}

static void on_text(void *self, const XML_Char *text, int size)
{
    struct walk *walk = self;

    if (walk->stopped)
        return;
    if ((size_t)size >= sizeof(walk->text) - walk->text_size) {
        stop(walk);
        return;
    }
    memcpy(walk->text + walk->text_size, text, (size_t)size);
    walk->text_size += (size_t)size;
}

static void on_close(void *self, const XML_Char *name)
{
    struct walk *walk = self;

    (void)name;
    if (walk->stopped)
        return;
    walk->text[walk->text_size] = '\0';
    if (walk->leaf ? !walk->show(walk->self, walk)
                   : walk->leave != NULL && !walk->leave(walk->self, walk))
        stop(walk);
    walk->leaf = false;
    walk->text_size = 0;
    walk->depth--;
}

/* No store's reply has one, and entities are how a small document becomes a large one. */
static void on_doctype(void *self, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int internal)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)internal;
    stop(self);
}

/* XML_ERROR_NONE when the document was walked to its end. */
static enum XML_Error walk_document(struct walk *walk, struct sw_span xml)
{
    enum XML_Error rc = XML_ERROR_NONE;

    if (xml.size == 0 || xml.size > INT_MAX)
        return XML_ERROR_NO_ELEMENTS;
    walk->parser = XML_ParserCreate(NULL);
    if (walk->parser == NULL)
        return XML_ERROR_NO_MEMORY;
    XML_SetUserData(walk->parser, walk);
    XML_SetElementHandler(walk->parser, on_open, on_close);
    XML_SetCharacterDataHandler(walk->parser, on_text);
    XML_SetStartDoctypeDeclHandler(walk->parser, on_doctype);
    if (XML_Parse(walk->parser, (const char *)xml.data, (int)xml.size, XML_TRUE) != XML_STATUS_OK)
        rc = XML_GetErrorCode(walk->parser);
    XML_ParserFree(walk->parser);
    return rc;
}

/* ---- texts --------------------------------------------------------------- */

struct pick {
    const char *parent;
    struct sw_reply_field *fields;
    size_t count;
};

static bool pick_field(void *self, struct walk *walk)
{
    struct pick *pick = self;

    if (!stands_in(walk, pick->parent))
        return true;
    for (size_t i = 0; i < pick->count; i++) {
        struct sw_reply_field *field = &pick->fields[i];

        if (strcmp(field->name, name_of(walk)) == 0 && field->ret[0] == '\0') {
            (void)snprintf(field->ret, field->size, "%s", walk->text);
            field->cut = walk->text_size >= field->size;
        }
    }
    return true;
}

bool sw_reply_read_fields(struct sw_span xml, const char *parent, struct sw_reply_field *fields,
                          size_t count)
{
    struct pick pick = {.parent = parent, .fields = fields, .count = count};
    struct walk walk = {.show = pick_field, .self = &pick};

    for (size_t i = 0; i < count; i++) {
        fields[i].ret[0] = '\0';
        fields[i].cut = false;
    }
    return walk_document(&walk, xml) == XML_ERROR_NONE;
}

/* Errors end up in logs and terminals: words of ASCII, one blank between them. */
static void keep_printable(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from > ' ' && *from <= '~')
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    *to = '\0';
}

void sw_reply_read_error(struct sw_span xml, struct sw_error_reply *ret)
{
    struct sw_reply_field fields[] = {
        {.name = "Code", .ret = ret->code, .size = sizeof(ret->code)},
        {.name = "Message", .ret = ret->message, .size = sizeof(ret->message)},
        {.name = "Region", .ret = ret->region, .size = sizeof(ret->region)},
    };

    (void)sw_reply_read_fields(xml, "Error", fields, sizeof(fields) / sizeof(fields[0]));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        keep_printable(fields[i].ret);
}

/* ---- lists --------------------------------------------------------------- */

struct page {
    const char *prefix;
    const struct sw_object_op *op;
    uint32_t keys_max;
    char *data; /* keys, each with its NUL */
    size_t size;
    size_t capacity;
    size_t last; /* where in data the last key begins */
    uint32_t keys;
    bool cut; /* keys_max was reached */
    bool more;
    char *next;
    size_t next_size;
    enum sw_code rc;
    struct sw_err *err;
};

/* What object.h allows as a key. */
static bool can_be_named(const char *key)
{
    size_t size = strspn(key, SW_KEY_LETTERS);

    return size > 0 && size <= SW_OBJECT_KEY_MAX && key[size] == '\0';
}

static bool append_key(struct page *page, const char *key)
{
    size_t size = strlen(key) + 1;

    if (size > page->capacity - page->size) {
        size_t capacity = 2 * page->capacity + 4096 + size;
        char *data = realloc(page->data, capacity);

        if (data == NULL) {
            page->rc = sw_fail(page->err, SW_NO_MEMORY, "no memory for a list of keys");
            return false;
        }
        page->data = data;
        page->capacity = capacity;
    }
    memcpy(page->data + page->size, key, size);
    page->last = page->size;
    page->size += size;
    page->keys++;
    return true;
}

static bool take_key(struct page *page, const char *name)
{
    size_t prefix_size = strlen(page->prefix);
    const char *key = name + prefix_size;

    if (strncmp(name, page->prefix, prefix_size) != 0) {
        page->rc = sw_fail(page->err, SW_CORRUPT, "the list has a key that was not asked for");
        return false;
    }
    if (!can_be_named(key) || strncmp(key, page->op->key, strlen(page->op->key)) != 0 ||
        (page->op->after != NULL && strcmp(key, page->op->after) <= 0))
        return true;
    if (page->keys > 0 && strcmp(page->data + page->last, key) >= 0) {
        page->rc = sw_fail(page->err, SW_CORRUPT, "the store does not list in the order of keys");
        return false;
    }
    if (page->keys == page->keys_max) {
        page->cut = true;
        return true;
    }
    return append_key(page, key);
}

static bool take_next(struct page *page, const char *text)
{
    if (strlen(text) >= page->next_size) {
        page->rc = sw_fail(page->err, SW_CORRUPT, "the list's next page has too long a name");
        return false;
    }
    memcpy(page->next, text, strlen(text) + 1);
    return true;
}

static bool take_leaf(void *self, struct walk *walk)
{
    struct page *page = self;
    const char *name = name_of(walk);

    if ((strcmp(name, "Key") == 0 && stands_in(walk, "Contents")) ||
        (strcmp(name, "Name") == 0 && stands_in(walk, "Blob")))
        return take_key(page, walk->text);
    if (walk->depth != 2)
        return true;
    if (strcmp(name, "IsTruncated") == 0 && strcmp(walk->text, "true") == 0)
        page->more = true;
    if (strcmp(name, "NextContinuationToken") == 0)
        return take_next(page, walk->text);
    if (strcmp(name, "NextMarker") == 0 && walk->text_size > 0) { /* Azure has no IsTruncated */
        page->more = true;
        return take_next(page, walk->text);
    }
    return true;
}

static enum sw_code read_page(struct sw_span xml, struct page *page)
{
    struct walk walk = {.show = take_leaf, .self = page};
    enum XML_Error error = walk_document(&walk, xml);

    if (page->rc != SW_OK)
        return page->rc;
    if (error == XML_ERROR_NO_MEMORY)
        page->rc = sw_fail(page->err, SW_NO_MEMORY, "no memory for a list of keys");
    else if (error != XML_ERROR_NONE)
        page->rc = sw_fail(page->err, SW_CORRUPT, "the store's list cannot be read: %s",
                           XML_ErrorString(error));
    else if (strcmp(walk.names[0], "ListBucketResult") != 0 &&
             strcmp(walk.names[0], "EnumerationResults") != 0)
        page->rc = sw_fail(page->err, SW_CORRUPT, "the store answered something else than a list");
    return page->rc;
}

enum sw_code sw_reply_read_list(struct sw_span xml, const char *prefix, struct sw_object_op *op,
                                char *ret_next, size_t next_size, struct sw_err *err)
{
    struct page page = {
        .prefix = prefix,
        .op = op,
        .keys_max = op->keys_max > 0 ? op->keys_max : KEYS_MAX_DEFAULT,
        .next = ret_next,
        .next_size = next_size,
        .err = err,
    };

    assert(next_size > 0);
    ret_next[0] = '\0';
    if (read_page(xml, &page) != SW_OK) {
        free(page.data);
        ret_next[0] = '\0';
        return page.rc;
    }
    if (page.cut)
        ret_next[0] = '\0';
    op->data = (uint8_t *)page.data;
    op->size = page.size;
    op->keys = page.keys;
    op->more = page.more || page.cut;
    return SW_OK;
}

/* ---- settings ------------------------------------------------------------ */

enum { RULE_TEXT_SIZE = 128, WARNINGS_MAX = 64 };

/* A rule of a lifecycle configuration, as far as it was read. */
struct rule {
    char id[RULE_TEXT_SIZE];
    char first_prefix[RULE_TEXT_SIZE];
    bool has_prefix;
    bool prefix_fits; /* one of its prefixes */
    bool disabled;
    bool of_others; /* it asks for something that our objects never are: tagged, noncurrent */
    bool deletes;
    bool moves;
};

struct rules {
    const char *prefix; /* of our journals' objects */
    struct rule rule;
    struct sw_object_op *op;
    bool no_memory;
};

static void warn(struct rules *rules, const char *text)
{
    struct sw_object_op *op = rules->op;
    size_t size = strlen(text) + 1;
    uint8_t *data;

    if (op->keys == WARNINGS_MAX)
        return;
    data = realloc(op->data, op->size + size);
    if (data == NULL) {
        rules->no_memory = true;
        return;
    }
    memcpy(data + op->size, text, size);
    op->data = data;
    op->size += size;
    op->keys++;
}

/* All of ours, or some of them. */
static bool meets(const char *ours, const char *theirs)
{
    size_t size = strlen(ours) < strlen(theirs) ? strlen(ours) : strlen(theirs);

    return strncmp(ours, theirs, size) == 0;
}

static void take_prefix(struct rules *rules, const char *text)
{
    struct rule *rule = &rules->rule;

    if (!rule->has_prefix)
        (void)snprintf(rule->first_prefix, sizeof(rule->first_prefix), "%.*s", RULE_TEXT_SIZE - 1,
                       text);
    rule->has_prefix = true;
    rule->prefix_fits = rule->prefix_fits || meets(rules->prefix, text);
}

/* What a condition of Google's asks for that objects of ours never are. */
static bool is_of_noncurrent(const char *name, const char *text)
{
    return strcmp(name, "DaysSinceNoncurrentTime") == 0 ||
           strcmp(name, "NoncurrentTimeBefore") == 0 || strcmp(name, "DaysSinceCustomTime") == 0 ||
           strcmp(name, "CustomTimeBefore") == 0 ||
           (strcmp(name, "NumNewerVersions") == 0 && strcmp(text, "0") != 0) ||
           (strcmp(name, "IsLive") == 0 && strcmp(text, "false") == 0);
}

static bool take_rule_leaf(void *self, struct walk *walk)
{
    struct rules *rules = self;
    struct rule *rule = &rules->rule;
    const char *name = name_of(walk);

    if (walk->depth == 3 && strcmp(name, "ID") == 0)
        (void)snprintf(rule->id, sizeof(rule->id), "%.*s", RULE_TEXT_SIZE - 1, walk->text);
    else if (walk->depth == 3 && strcmp(name, "Status") == 0)
        rule->disabled = strcmp(walk->text, "Disabled") == 0;
    else if (strcmp(name, "Prefix") == 0 || strcmp(name, "MatchesPrefix") == 0)
        take_prefix(rules, walk->text);
    else if (stands_in(walk, "Tag") ||
             (stands_in(walk, "Condition") && is_of_noncurrent(name, walk->text)))
        rule->of_others = true;
    else if ((stands_in(walk, "Expiration") && strcmp(name, "ExpiredObjectDeleteMarker") != 0) ||
             (stands_in(walk, "Action") && strcmp(name, "Delete") == 0))
        rule->deletes = true;
    else if (stands_in(walk, "Transition") ||
             (stands_in(walk, "Action") && strcmp(name, "SetStorageClass") == 0))
        rule->moves = true;
    return true;
}

static bool leave_rule(void *self, struct walk *walk)
{
    struct rules *rules = self;
    struct rule *rule = &rules->rule;
    char text[3 * RULE_TEXT_SIZE];

    if (walk->depth != 2 || strcmp(name_of(walk), "Rule") != 0)
        return true;
    if (!rule->disabled && !rule->of_others && (!rule->has_prefix || rule->prefix_fits) &&
        (rule->deletes || rule->moves)) {
        keep_printable(rule->id);
        keep_printable(rule->first_prefix);
        (void)snprintf(text, sizeof(text), "a rule%s%s%s for %s%s%s %s objects by their age",
                       rule->id[0] == '\0' ? "" : " \"", rule->id, rule->id[0] == '\0' ? "" : "\"",
                       rule->has_prefix ? "\"" : "",
                       rule->has_prefix ? rule->first_prefix : "everything",
                       rule->has_prefix ? "\"" : "",
                       rule->deletes ? "deletes" : "moves to another storage class");
        warn(rules, text);
    }
    *rule = (struct rule){.deletes = false};
    return !rules->no_memory;
}

static enum sw_code finish_setting(struct rules *rules, const struct walk *walk,
                                   enum XML_Error error, const char *root, struct sw_err *err)
{
    enum sw_code rc = SW_OK;

    if (rules->no_memory || error == XML_ERROR_NO_MEMORY)
        rc = sw_fail(err, SW_NO_MEMORY, "no memory for the bucket's settings");
    else if (error != XML_ERROR_NONE)
        rc = sw_fail(err, SW_CORRUPT, "the bucket's settings cannot be read: %s",
                     XML_ErrorString(error));
    else if (strcmp(walk->names[0], root) != 0)
        rc = sw_fail(err, SW_CORRUPT, "the store answered something else than a %s", root);
    if (rc != SW_OK) {
        sw_object_op_fini(rules->op);
        rules->op->keys = 0;
    }
    return rc;
}

enum sw_code sw_reply_read_lifecycle(struct sw_span xml, const char *prefix,
                                     struct sw_object_op *op, struct sw_err *err)
{
    char ours[SW_STORE_URL_MAX + 8];
    struct rules rules = {.prefix = ours, .op = op};
    struct walk walk = {.show = take_rule_leaf, .leave = leave_rule, .self = &rules};
    enum XML_Error error;

    (void)snprintf(ours, sizeof(ours), "%sv1/", prefix);
    error = walk_document(&walk, xml);
    return finish_setting(&rules, &walk, error, "LifecycleConfiguration", err);
}

static bool take_status(void *self, struct walk *walk)
{
    if (walk->depth == 2 && strcmp(name_of(walk), "Status") == 0 &&
        strcmp(walk->text, "Enabled") == 0)
        warn(self, "it is on: what retention deletes is kept as an older version and paid for, and "
                   "an object that somebody deletes can be created again behind its marker");
    return true;
}

enum sw_code sw_reply_read_versioning(struct sw_span xml, struct sw_object_op *op,
                                      struct sw_err *err)
{
    struct rules rules = {.op = op};
    struct walk walk = {.show = take_status, .self = &rules};
    enum XML_Error error = walk_document(&walk, xml);

    return finish_setting(&rules, &walk, error, "VersioningConfiguration", err);
}

enum sw_reply sw_reply_take_setting(struct sw_span xml, const char *prefix, struct sw_object_op *op)
{
    enum sw_code rc = strcmp(op->key, "lifecycle") == 0
                          ? sw_reply_read_lifecycle(xml, prefix, op, &op->err)
                          : sw_reply_read_versioning(xml, op, &op->err);

    return rc == SW_OK ? SW_REPLY_DONE : SW_REPLY_FAILED;
}
