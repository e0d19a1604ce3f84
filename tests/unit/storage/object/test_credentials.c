/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a chain asks in order, again in time and never too often; a secret that holds is kept
 * when its source fails, one that was refused is not given out again.
 * Method: scripted sources and a clock that stands.
 */
#include "storage/object/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { START_MS = 1795560600, SECOND_US = 1000 * 1000 };

/* What the two sources do when they are asked. */
static struct {
    bool first_has;
    enum sw_code second_rc;
    bool second_has;
    uint64_t life_ms; /* 0: no end */
    unsigned asked;
    uint64_t deadline_us;
    uint64_t now_us; /* both clocks */
} script;

static uint64_t script_now_ms(void *self)
{
    (void)self;
    return START_MS + script.now_us / 1000;
}

static uint64_t script_now_us(void *self)
{
    (void)self;
    return script.now_us;
}

static const struct sw_clock script_clock = {script_now_ms, script_now_us, NULL};

static enum sw_code fetch_first(struct sw_credentials *credentials, uint64_t deadline_us,
                                struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    (void)credentials;
    (void)deadline_us;
    *ret_has = script.first_has;
    return script.first_has ? sw_secret_set_token(ret, "first", err) : SW_OK;
}

static enum sw_code fetch_second(struct sw_credentials *credentials, uint64_t deadline_us,
                                 struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    char token[32];

    script.asked++;
    script.deadline_us = deadline_us;
    (void)snprintf(token, sizeof(token), "second %u", script.asked);
    assert_int_equal(sw_secret_set_token(ret, token, err), SW_OK);
    if (script.second_rc != SW_OK)
        return sw_fail(err, script.second_rc,
                       "the second is out of order"); /* a half-made secret */
    if (!script.second_has) {
        sw_secret_wipe(ret);
        (void)snprintf(credentials->note, sizeof(credentials->note), "a note");
        return SW_OK;
    }
    ret->expires_ms = script.life_ms > 0 ? script_now_ms(NULL) + script.life_ms : 0;
    *ret_has = true;
    return SW_OK;
}

static struct sw_credentials *chain(void)
{
    static const struct sw_source sources[] = {{"first", fetch_first}, {"second", fetch_second}};
    struct sw_credentials_options options = {.clock = &script_clock};
    struct sw_credentials *credentials = NULL;

    memset(&script, 0, sizeof(script));
    script.second_has = true;
    assert_int_equal(sw_credentials_new(&options, "test", sources, 2, &credentials, NULL), SW_OK);
    return credentials;
}

static void expect(struct sw_credentials *credentials, bool refused, const char *token)
{
    const struct sw_secret *secret = NULL;
    struct sw_err err;

    assert_int_equal(
        sw_credentials_get(credentials, refused, script.now_us + 10 * SECOND_US, &secret, &err),
        SW_OK);
    assert_string_equal(secret->token, token);
}

static void expect_failure(struct sw_credentials *credentials, bool refused, enum sw_code code,
                           const char *text)
{
    const struct sw_secret *secret = NULL;
    struct sw_err err;

    assert_int_equal(
        sw_credentials_get(credentials, refused, script.now_us + 10 * SECOND_US, &secret, &err),
        code);
    assert_null(secret);
    assert_int_equal(err.code, code);
    assert_string_equal(err.text, text);
    assert_string_equal(sw_credentials_source(credentials), "none");
}

static void the_first_that_has_one_is_taken(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    script.first_has = true;
    expect(credentials, false, "first");
    assert_string_equal(sw_credentials_source(credentials), "first");
    assert_int_equal(script.asked, 0);
    sw_credentials_free(credentials);
    credentials = chain();
    assert_string_equal(sw_credentials_source(credentials), "none");
    expect(credentials, false, "second 1");
    assert_string_equal(sw_credentials_source(credentials), "second");
    sw_credentials_free(credentials);
    sw_credentials_free(NULL);
}

static void a_secret_is_renewed_at_four_fifths_of_its_life(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    script.life_ms = 100 * 1000;
    expect(credentials, false, "second 1");
    script.now_us = 80 * (uint64_t)SECOND_US - 1000;
    expect(credentials, false, "second 1");
    script.now_us += 1000;
    expect(credentials, false, "second 2");
    script.now_us += 79 * (uint64_t)SECOND_US;
    expect(credentials, false, "second 2");
    sw_credentials_free(credentials);
}

static void one_without_end_is_kept(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    expect(credentials, false, "second 1");
    script.now_us = UINT64_C(1) << 50;
    expect(credentials, false, "second 1");
    sw_credentials_free(credentials);
}

static void a_refused_one_is_replaced_once_a_second(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    expect(credentials, false, "second 1");
    script.now_us += SECOND_US - 1;
    expect(credentials, true, "second 1"); /* it is new enough */
    script.now_us += 1;
    expect(credentials, true, "second 2");
    expect(credentials, true, "second 2"); /* the others of the batch that was refused */
    expect(credentials, false, "second 2");
    script.now_us += SECOND_US;
    expect(credentials, true, "second 3");
    sw_credentials_free(credentials);
}

static void what_holds_outlives_its_source(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    script.life_ms = 100 * 1000;
    expect(credentials, false, "second 1");
    script.now_us = 80 * (uint64_t)SECOND_US;
    script.second_rc = SW_STORE_UNAVAILABLE;
    expect(credentials, false, "second 1");
    assert_int_equal(script.asked, 2);
    assert_int_equal(script.deadline_us, script.now_us + 2 * SECOND_US); /* not the whole wait */
    script.now_us += 2 * (uint64_t)SECOND_US - 1; /* a tenth of the 20 s that are left */
    expect(credentials, false, "second 1");
    assert_int_equal(script.asked, 2);
    script.now_us += 1;
    expect(credentials, false, "second 1");
    assert_int_equal(script.asked, 3);
    script.now_us = 100 * (uint64_t)SECOND_US;
    expect_failure(credentials, false, SW_STORE_UNAVAILABLE, "the second is out of order");
    assert_int_equal(script.deadline_us, script.now_us + 10 * SECOND_US);
    sw_credentials_free(credentials);
}

static void what_was_refused_does_not(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    script.life_ms = 100 * 1000;
    expect(credentials, false, "second 1");
    script.now_us = 10 * (uint64_t)SECOND_US;
    script.second_rc = SW_STORE_UNAVAILABLE;
    expect_failure(credentials, true, SW_STORE_UNAVAILABLE, "the second is out of order");
    script.second_rc = SW_OK;
    expect_failure(credentials, false, SW_STORE_UNAVAILABLE, "the second is out of order");
    assert_int_equal(script.asked, 2); /* once a second also when there is none */
    script.now_us += SECOND_US;
    expect(credentials, false, "second 3");
    sw_credentials_free(credentials);
}

static void one_that_is_over_already_is_tried_once_a_second(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    script.now_us = 10 * (uint64_t)SECOND_US;
    script.life_ms = 1; /* as with a clock that is far ahead */
    expect(credentials, false, "second 1");
    script.now_us += 10 * 1000;
    expect(credentials, false, "second 1");
    script.now_us += SECOND_US;
    expect(credentials, false, "second 2");
    sw_credentials_free(credentials);
}

static void an_empty_chain_names_its_sources(void **state)
{
    struct sw_credentials *credentials = chain();

    (void)state;
    script.second_has = false;
    expect_failure(credentials, false, SW_STORE_REFUSED,
                   "no test credentials: looked at first, second; a note");
    sw_credentials_free(credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_has_one_is_taken),
        cmocka_unit_test(a_secret_is_renewed_at_four_fifths_of_its_life),
        cmocka_unit_test(one_without_end_is_kept),
        cmocka_unit_test(a_refused_one_is_replaced_once_a_second),
        cmocka_unit_test(what_holds_outlives_its_source),
        cmocka_unit_test(what_was_refused_does_not),
        cmocka_unit_test(one_that_is_over_already_is_tried_once_a_second),
        cmocka_unit_test(an_empty_chain_names_its_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
