/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: names and values are encoded as RFC 3986 says, whatever is in them.
 */
#include "storage/object/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct sw_form *form, const char *text)
{
    assert_false(form->failed);
    assert_int_equal(form->size, strlen(text));
    assert_memory_equal(form->text, text, form->size);
}

static void all_but_the_unreserved_is_encoded(void **state)
{
    struct sw_form form = {0};

    (void)state;
    sw_form_add(&form, "az-AZ_09.~", "");
    expect(&form, "az-AZ_09.~=");
    sw_form_add(&form, "a b", "+/=&?%\n\xc3\xa4\x7f");
    expect(&form, "az-AZ_09.~=&a%20b=%2B%2F%3D%26%3F%25%0A%C3%A4%7F");
    sw_form_fini(&form);
    assert_null(form.text);
    sw_form_fini(&form);
}

static void long_values_grow_it(void **state)
{
    enum { SIZE = 100 * 1000 };
    struct sw_form form = {0};
    char *value = malloc(SIZE + 1);

    (void)state;
    assert_non_null(value);
    memset(value, '/', SIZE);
    value[SIZE] = '\0';
    for (int i = 0; i < 3; i++)
        sw_form_add(&form, "v", value);
    assert_int_equal(form.size, 3 * (2 + 3 * SIZE) + 2);
    for (size_t i = 2; i < 2 + 3 * SIZE; i += 3)
        assert_memory_equal(form.text + i, "%2F", 3);
    assert_memory_equal(form.text + 2 + 3 * SIZE, "&v=%2F", 6);
    sw_form_fini(&form);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_but_the_unreserved_is_encoded),
        cmocka_unit_test(long_values_grow_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
