/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void names_come_back(void **state)
{
    static const struct {
        struct sw_name name;
        const char *key;
    } cases[] = {
        {{.kind = SW_NAME_META}, "v1/agents/meta"},
        {{.kind = SW_NAME_LOG, .slot = 7}, "v1/agents/log/00000000000000000007"},
        {{.kind = SW_NAME_LOG, .slot = UINT64_MAX}, "v1/agents/log/18446744073709551615"},
        {{.kind = SW_NAME_INDEX, .slot = 12}, "v1/agents/snap/00000000000000000012/index"},
        {{.kind = SW_NAME_PART, .slot = 12, .digest = {{0xab, 1}}},
         "v1/agents/snap/00000000000000000012/"
         "ab01000000000000000000000000000000000000000000000000000000000000"},
        {{.kind = SW_NAME_ORPHAN, .owner = {0xff}, .first_lsn = 3, .last_lsn = 40},
         "v1/agents/orphan/ff000000000000000000000000000000/"
         "00000000000000000003-00000000000000000040"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char key[SW_OBJECT_KEY_MAX];
        struct sw_name name;

        sw_name_put("agents", &cases[i].name, key);
        assert_string_equal(key, cases[i].key);
        name = sw_name_get("agents", key);
        assert_memory_equal(&name, &cases[i].name, sizeof(name));
    }
}

static void foreign_names_are_told(void **state)
{
    static const char upper[] = "v1/agents/snap/00000000000000000012/"
                                "AB01000000000000000000000000000000000000000000000000000000000000";
    static const char *const keys[] = {
        "",
        "meta",
        "v1/agents",
        "v1/agents/",
        "v1/agents/metadata",
        "v1/agents2/meta",
        "v1/agents/log/",
        "v1/agents/log/7",
        "v1/agents/log/0000000000000000000a",
        "v1/agents/log/000000000000000000007",
        "v1/agents/log/18446744073709551616",
        "v1/agents/log/99999999999999999999",
        "v1/agents/snap/00000000000000000012",
        "v1/agents/snap/00000000000000000012/",
        "v1/agents/snap/00000000000000000012/index2",
        "v1/agents/snap/00000000000000000012/ab01",
        upper,
        "v1/agents/orphan/ff000000000000000000000000000000/3-4",
        "v1/agents/orphan/ff000000000000000000000000000000/00000000000000000003",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(sw_name_get("agents", keys[i]).kind, SW_NAME_OTHER);
}

static void journals_have_safe_names(void **state)
{
    char name[SW_ARCHIVE_JOURNAL_MAX + 2];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[SW_ARCHIVE_JOURNAL_MAX + 1] = '\0';
    assert_false(sw_name_is_journal(name));
    name[SW_ARCHIVE_JOURNAL_MAX] = '\0';
    assert_true(sw_name_is_journal(name));
    assert_true(sw_name_is_journal("Agent_7.prod-eu"));
    assert_true(sw_name_is_journal("..."));
    assert_false(sw_name_is_journal(""));
    assert_false(sw_name_is_journal("."));
    assert_false(sw_name_is_journal(".."));
    assert_false(sw_name_is_journal("a/b"));
    assert_false(sw_name_is_journal("a b"));
    assert_false(sw_name_is_journal("caf\xc3\xa9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_back),
        cmocka_unit_test(foreign_names_are_told),
        cmocka_unit_test(journals_have_safe_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
