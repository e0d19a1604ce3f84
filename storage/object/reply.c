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
    bool (*show)(void *self, struct walk *walk); /* false ends the walk */
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
    if (walk->leaf && !walk->show(walk->self, walk))
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
