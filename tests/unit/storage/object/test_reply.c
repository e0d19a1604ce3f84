/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the replies of S3, GCS, Azure and STS are read as they are written; what is cut off,
 * hostile or something else is said to be so and leaves nothing half read behind.
 */
#include "storage/object/object.intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define S3_LIST(keys, more)                                                                        \
    XML "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name>"  \
        "<Prefix>p/</Prefix><KeyCount>9</KeyCount><MaxKeys>1000</MaxKeys>" keys more               \
        "</ListBucketResult>"
#define S3_KEY(key)                                                                                \
    "<Contents><Key>" key "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"            \
    "<ETag>&quot;x&quot;</ETag><Size>3</Size><Owner><ID>o</ID><DisplayName>d</DisplayName>"        \
    "</Owner></Contents>"
#define AZURE_LIST(blobs, next)                                                                    \
    "\xef\xbb\xbf" XML "<EnumerationResults ServiceEndpoint=\"x\" ContainerName=\"c\">"            \
    "<Prefix>p/</Prefix><Blobs>" blobs "</Blobs>" next "</EnumerationResults>"
#define AZURE_BLOB(name)                                                                           \
    "<Blob><Name>" name "</Name><Properties><Content-Length>3</Content-Length></Properties>"       \
    "<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags></Blob>"

static struct sw_error_reply error_of(const char *xml)
{
    struct sw_error_reply reply;

    memset(&reply, 'x', sizeof(reply));
    sw_reply_read_error(sw_span_of_text(xml), &reply);
    return reply;
}

static void errors_are_read(void **state)
{
    struct sw_error_reply reply;

    (void)state;
    reply = error_of(XML "<Error><Code>PermanentRedirect</Code><Message>Use\n an \xc3\xa4 endpoint."
                         "</Message><Region>eu-central-1</Region></Error>");
    assert_string_equal(reply.code, "PermanentRedirect");
    assert_string_equal(reply.message, "Use an endpoint.");
    assert_string_equal(reply.region, "eu-central-1");
    reply =
        error_of("\xef\xbb\xbf" XML "<Error><Code>BlobAlreadyExists</Code><Message>The specified "
                 "blob already exists.\nRequestId:1\nTime:2</Message></Error>");
    assert_string_equal(reply.code, "BlobAlreadyExists");
    assert_string_equal(reply.message, "The specified blob already exists. RequestId:1 Time:2");
    reply = error_of("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                     "<Type>Sender</Type><Code>ExpiredTokenException</Code><Message>m</Message>"
                     "</Error><RequestId>r</RequestId></ErrorResponse>");
    assert_string_equal(reply.code, "ExpiredTokenException");
}

static void what_is_no_error_reply_reads_as_nothing(void **state)
{
    static const char *const rows[] = {
        "",
        "busy",
        "{\"error\":\"x\"}",
        "<html><body>503</body></html>",
        "<Code>x</Code>",
        "<Error><Detail><Code>x</Code></Detail></Error>",
        "<!DOCTYPE e [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>",
    };
    struct sw_error_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reply = error_of(rows[i]);
        assert_string_equal(reply.code, "");
        assert_string_equal(reply.message, "");
        assert_string_equal(reply.region, "");
    }
}

static void what_stood_before_the_cut_is_told(void **state)
{
    struct sw_error_reply reply = error_of("<Error><Code>SlowDown</Code><Message>Ple");

    (void)state;
    assert_string_equal(reply.code, "SlowDown");
    assert_string_equal(reply.message, "");
}

static void fields_are_picked_by_their_parent(void **state)
{
    char key[8];
    char token[8];
    struct sw_reply_field fields[] = {
        {.name = "AccessKeyId", .ret = key, .size = sizeof(key)},
        {.name = "SessionToken", .ret = token, .size = sizeof(token)},
    };
    const char *xml = "<R><AccessKeyId>no</AccessKeyId><Credentials><AccessKeyId>yes</AccessKeyId>"
                      "<SessionToken>too long</SessionToken><AccessKeyId>second</AccessKeyId>"
                      "</Credentials></R>";

    (void)state;
    assert_true(sw_reply_read_fields(sw_span_of_text(xml), "Credentials", fields, 2));
    assert_string_equal(key, "yes");
    assert_false(fields[0].cut);
    assert_string_equal(token, "too lon");
    assert_true(fields[1].cut);
    assert_false(sw_reply_read_fields(sw_span_of(xml, strlen(xml) - 2), "Credentials", fields, 2));
    assert_string_equal(key, "yes");
}

struct listing {
    struct sw_object_op op;
    char next[32];
    char text[512]; /* keys, each with a line break */
    struct sw_err err;
};

static void forget(struct listing *listing)
{
    free(listing->op.data);
    listing->op.data = NULL;
}

static enum sw_code list(struct listing *listing, const char *xml)
{
    enum sw_code rc;

    forget(listing);
    memset(listing->text, 0, sizeof(listing->text));
    rc = sw_reply_read_list(sw_span_of_text(xml), "p/", &listing->op, listing->next,
                            sizeof(listing->next), &listing->err);
    if (rc != SW_OK) {
        assert_null(listing->op.data);
        assert_string_equal(listing->next, "");
        return rc;
    }
    assert_true(listing->op.size < sizeof(listing->text));
    if (listing->op.size > 0)
        memcpy(listing->text, listing->op.data, listing->op.size);
    for (size_t i = 0; i < listing->op.size; i++) {
        if (listing->text[i] == '\0')
            listing->text[i] = '\n';
    }
    return rc;
}

static void pages_of_keys_are_read(void **state)
{
    struct listing l = {.op = {.verb = SW_OBJECT_LIST, .key = ""}};

    (void)state;
    assert_int_equal(list(&l, S3_LIST(S3_KEY("p/a") S3_KEY("p/b/c"),
                                      "<IsTruncated>true</IsTruncated>"
                                      "<NextContinuationToken>t1</NextContinuationToken>")),
                     SW_OK);
    assert_string_equal(l.text, "a\nb/c\n");
    assert_int_equal(l.op.keys, 2);
    assert_true(l.op.more);
    assert_string_equal(l.next, "t1");
    assert_int_equal(list(&l, AZURE_LIST(AZURE_BLOB("p/a") AZURE_BLOB("p/z"), "<NextMarker/>")),
                     SW_OK);
    assert_string_equal(l.text, "a\nz\n");
    assert_false(l.op.more);
    assert_string_equal(l.next, "");
    assert_int_equal(list(&l, AZURE_LIST("", "<NextMarker>m</NextMarker>")), SW_OK);
    assert_int_equal(l.op.keys, 0);
    assert_true(l.op.more);
    assert_string_equal(l.next, "m");
    assert_int_equal(list(&l, S3_LIST("", "<IsTruncated>false</IsTruncated>")), SW_OK);
    assert_int_equal(l.op.keys, 0);
    assert_false(l.op.more);
    forget(&l);
}

static void a_page_holds_what_was_asked_for(void **state)
{
    struct listing l = {.op = {.verb = SW_OBJECT_LIST, .key = "log/", .after = "log/2"}};
    const char *xml =
        S3_LIST(S3_KEY("p/log/") S3_KEY("p/log/2") S3_KEY("p/log/3") S3_KEY("p/log/\xc3\xa4")
                    S3_KEY("p/log/4") S3_KEY("p/log/5") S3_KEY("p/meta"),
                "<IsTruncated>true</IsTruncated>"
                "<NextContinuationToken>t</NextContinuationToken>");

    (void)state;
    assert_int_equal(list(&l, xml), SW_OK);
    assert_string_equal(l.text, "log/3\nlog/4\nlog/5\n");
    assert_string_equal(l.next, "t");
    l.op.keys_max = 2;
    assert_int_equal(list(&l, xml), SW_OK);
    assert_string_equal(l.text, "log/3\nlog/4\n");
    assert_true(l.op.more);
    assert_string_equal(l.next, ""); /* the store would go on behind what was left out */
    forget(&l);
}

static void what_is_no_list_is_corrupt(void **state)
{
    static const struct {
        const char *xml;
        const char *text;
    } rows[] = {
        {"", "the store's list cannot be read: no element found"},
        {"<html><p>hello</p></html>", "the store answered something else than a list"},
        {"<ListBucketResult><Contents><Key>p/a</Key>",
         "the store's list cannot be read: no element found"},
        {S3_LIST(S3_KEY("q/a"), ""), "the list has a key that was not asked for"},
        {S3_LIST(S3_KEY("p/b") S3_KEY("p/a"), ""), "the store does not list in the order of keys"},
        {S3_LIST(S3_KEY("p/b") S3_KEY("p/b"), ""), "the store does not list in the order of keys"},
        {S3_LIST("", "<NextContinuationToken>0123456789012345678901234567890123456789"
                     "</NextContinuationToken>"),
         "the list's next page has too long a name"},
        {"<!DOCTYPE l [<!ENTITY a \"aaaa\">]><ListBucketResult/>",
         "the store's list cannot be read: parsing aborted"},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></"
         "a></a>"
         "</a></a></a></a></a></a>",
         "the store's list cannot be read: parsing aborted"},
    };
    struct listing l = {.op = {.verb = SW_OBJECT_LIST, .key = ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(list(&l, rows[i].xml), SW_CORRUPT);
        assert_string_equal(l.err.text, rows[i].text);
    }
}

static void endless_texts_are_not_kept(void **state)
{
    enum { SIZE = 64 * 1024 };
    struct listing l = {.op = {.verb = SW_OBJECT_LIST, .key = ""}};
    char *xml = malloc(SIZE + 64);

    (void)state;
    assert_non_null(xml);
    memset(xml, 'a', SIZE);
    memcpy(xml, "<ListBucketResult><Contents><Key>", 33);
    (void)snprintf(xml + SIZE, 64, "</Key></Contents></ListBucketResult>");
    assert_int_equal(list(&l, xml), SW_CORRUPT);
    free(xml);
}

/* ---- settings ------------------------------------------------------------------ */

#define RULES(rules) "<LifecycleConfiguration xmlns='x'>" rules "</LifecycleConfiguration>"
#define RULE(rest) "<Rule><ID>r</ID><Status>Enabled</Status>" rest "</Rule>"
#define EXPIRES "<Expiration><Days>3</Days></Expiration>"
#define GCS(action, condition)                                                                     \
    RULES("<Rule><Action>" action "</Action><Condition>" condition "</Condition></Rule>")

/* Goal: a rule that would take journals away is named, one that would not is no alarm. Our objects
 * lie below agents/v1/. */
static void rules_that_harm_are_named(void **state)
{
    static const struct {
        const char *xml;
        const char *text; /* NULL: no harm */
    } rows[] = {
        {RULES(""), NULL},
        {RULES(RULE(EXPIRES)), "a rule \"r\" for everything deletes objects by their age"},
        {RULES(RULE("<Filter/>" EXPIRES)),
         "a rule \"r\" for everything deletes objects by their age"},
        {RULES(RULE("<Prefix></Prefix>" EXPIRES)),
         "a rule \"r\" for \"\" deletes objects by their age"},
        {RULES(RULE("<Prefix>agents</Prefix>" EXPIRES)),
         "a rule \"r\" for \"agents\" deletes objects by their age"},
        {RULES(RULE("<Filter><Prefix>agents/v1/j/log/</Prefix></Filter>" EXPIRES)),
         "a rule \"r\" for \"agents/v1/j/log/\" deletes objects by their age"},
        {RULES(RULE("<Filter><Prefix>agents/probe/</Prefix></Filter>" EXPIRES)), NULL},
        {RULES(RULE("<Filter><Prefix>logs/</Prefix></Filter>" EXPIRES)), NULL},
        {RULES(RULE("<Filter><And><Prefix>agents/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag>"
                    "</And></Filter>" EXPIRES)),
         NULL},
        {RULES(RULE("<Filter><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></Filter>" EXPIRES)),
         "a rule \"r\" for everything deletes objects by their age"},
        {RULES(RULE("<Transition><Days>9</Days><StorageClass>GLACIER</StorageClass></Transition>")),
         "a rule \"r\" for everything moves to another storage class objects by their age"},
        {RULES("<Rule><ID>r</ID><Status>Disabled</Status>" EXPIRES "</Rule>"), NULL},
        {RULES(RULE("<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                    "</NoncurrentVersionExpiration>")),
         NULL},
        {RULES(RULE("<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>"
                    "</Expiration>")),
         NULL},
        {RULES(RULE("<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
                    "</AbortIncompleteMultipartUpload>")),
         NULL},
        {RULES("<Rule><ID>a\x1b\"&#228;</ID>" EXPIRES "</Rule>"), ""},
        {GCS("<Delete/>", "<Age>30</Age>"), "a rule for everything deletes objects by their age"},
        {GCS("<Delete/>", "<MatchesPrefix>x/</MatchesPrefix><MatchesPrefix>age</MatchesPrefix>"),
         "a rule for \"x/\" deletes objects by their age"},
        {GCS("<Delete/>", "<MatchesPrefix>x/</MatchesPrefix>"), NULL},
        {GCS("<Delete/>", "<IsLive>false</IsLive>"), NULL},
        {GCS("<Delete/>", "<NumNewerVersions>2</NumNewerVersions>"), NULL},
        {GCS("<SetStorageClass>ARCHIVE</SetStorageClass>", "<Age>1</Age>"),
         "a rule for everything moves to another storage class objects by their age"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_SETTING, .key = "lifecycle"};
        struct sw_err err;
        enum sw_code rc =
            sw_reply_read_lifecycle(sw_span_of_text(rows[i].xml), "agents/", &op, &err);

        if (rows[i].text != NULL && rows[i].text[0] == '\0') { /* no XML */
            assert_int_equal(rc, SW_CORRUPT);
            assert_null(op.data);
            continue;
        }
        assert_int_equal(rc, SW_OK);
        if (op.keys != (rows[i].text != NULL ? 1 : 0))
            fail_msg("%s: %u", rows[i].xml, op.keys);
        if (rows[i].text != NULL)
            assert_string_equal(op.data, rows[i].text);
        sw_object_op_fini(&op);
    }
}

static void each_rule_is_one_sentence(void **state)
{
    struct sw_object_op op = {.verb = SW_OBJECT_SETTING, .key = "lifecycle"};
    struct sw_err err;

    (void)state;
    assert_int_equal(
        sw_reply_read_lifecycle(sw_span_of_text(RULES(RULE(EXPIRES) RULE(
                                    "<Prefix>z</Prefix>" EXPIRES) "<Rule>" EXPIRES "</Rule>")),
                                "", &op, &err),
        SW_OK);
    assert_int_equal(op.keys, 2);
    assert_string_equal(op.data, "a rule \"r\" for everything deletes objects by their age");
    assert_string_equal(op.data + strlen((char *)op.data) + 1,
                        "a rule for everything deletes objects by their age");
    sw_object_op_fini(&op);
    op.keys = 0;
    assert_int_equal(sw_reply_read_lifecycle(sw_span_of_text("<html/>"), "", &op, &err),
                     SW_CORRUPT);
    assert_non_null(strstr(err.text, "something else than a LifecycleConfiguration"));
}

static void versioning_is_told(void **state)
{
    struct sw_object_op op = {.verb = SW_OBJECT_SETTING, .key = "versioning"};
    struct sw_err err;

    (void)state;
    assert_int_equal(
        sw_reply_read_versioning(sw_span_of_text("<VersioningConfiguration/>"), &op, &err), SW_OK);
    assert_int_equal(op.keys, 0);
    assert_int_equal(
        sw_reply_read_versioning(sw_span_of_text("<VersioningConfiguration><Status>Enabled</Status>"
                                                 "</VersioningConfiguration>"),
                                 &op, &err),
        SW_OK);
    assert_int_equal(op.keys, 1);
    sw_object_op_fini(&op);
    op.keys = 0;
    assert_int_equal(sw_reply_read_versioning(
                         sw_span_of_text("<VersioningConfiguration><Status>Suspended</Status>"
                                         "</VersioningConfiguration>"),
                         &op, &err),
                     SW_OK);
    assert_int_equal(op.keys, 0);
    assert_int_equal(sw_reply_read_versioning(sw_span_of_text("<a"), &op, &err), SW_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_read),
        cmocka_unit_test(what_is_no_error_reply_reads_as_nothing),
        cmocka_unit_test(what_stood_before_the_cut_is_told),
        cmocka_unit_test(fields_are_picked_by_their_parent),
        cmocka_unit_test(pages_of_keys_are_read),
        cmocka_unit_test(a_page_holds_what_was_asked_for),
        cmocka_unit_test(what_is_no_list_is_corrupt),
        cmocka_unit_test(endless_texts_are_not_kept),
        cmocka_unit_test(rules_that_harm_are_named),
        cmocka_unit_test(each_rule_is_one_sentence),
        cmocka_unit_test(versioning_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
