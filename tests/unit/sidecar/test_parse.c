/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void numbers_have_bounds(void **state)
{
    struct sw_err err;
    uint64_t number = 7;
    (void)state;

    assert_int_equal(sw_parse_number("0", 0, 9, &number, &err), SW_OK);
    assert_int_equal(number, 0);
    assert_int_equal(sw_parse_number("18446744073709551615", 0, UINT64_MAX, &number, &err), SW_OK);
    assert_true(number == UINT64_MAX);
    number = 7;
    assert_int_equal(sw_parse_number("10", 1, 9, &number, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "10 is out of bounds: 1 to 9");
    for (const char *const *bad =
             (const char *const[]){"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", NULL};
         *bad != NULL; bad++)
        assert_int_equal(sw_parse_number(*bad, 0, UINT64_MAX, &number, &err), SW_CONFIGURATION);
    assert_int_equal(number, 7);
}

static void durations_carry_their_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"0", 0},       {"0s", 0},         {"500ms", 500},      {"10s", 10000},
                {"5m", 300000}, {"12h", 43200000}, {"30d", 2592000000u}};
    struct sw_err err;
    uint64_t ms;
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sw_parse_duration_ms(good[i].text, &ms, &err), SW_OK);
        assert_int_equal(ms, good[i].ms);
    }
    for (const char *const *bad = (const char *const[]){"", "5", "s", "1.5h", "1h30m", "10 s",
                                                        "10S", "-1s", "999999999999999d", NULL};
         *bad != NULL; bad++)
        assert_int_equal(sw_parse_duration_ms(*bad, &ms, &err), SW_CONFIGURATION);
}

static void sizes_are_powers_of_1024(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"65536", 65536},
                {"1B", 1},
                {"64KiB", 65536},
                {"64Ki", 65536},
                {"16MiB", 16u << 20},
                {"8GiB", 8ull << 30},
                {"2Ti", 2ull << 40}};
    struct sw_err err;
    uint64_t bytes;
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sw_parse_bytes(good[i].text, &bytes, &err), SW_OK);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (const char *const *bad =
             (const char *const[]){"", "KiB", "1KB", "1M", "1.5GiB", "99999999999TiB", NULL};
         *bad != NULL; bad++)
        assert_int_equal(sw_parse_bytes(*bad, &bytes, &err), SW_CONFIGURATION);
}

static void modes_are_octal(void **state)
{
    struct sw_err err;
    uint32_t mode;
    (void)state;

    assert_int_equal(sw_parse_mode("0660", &mode, &err), SW_OK);
    assert_int_equal(mode, 0660);
    assert_int_equal(sw_parse_mode("777", &mode, &err), SW_OK);
    assert_int_equal(mode, 0777);
    assert_int_equal(sw_parse_mode("1777", &mode, &err), SW_CONFIGURATION);
    assert_int_equal(sw_parse_mode("669", &mode, &err), SW_CONFIGURATION);
    assert_int_equal(sw_parse_mode("66", &mode, &err), SW_CONFIGURATION);
    assert_int_equal(sw_parse_mode("rw-", &mode, &err), SW_CONFIGURATION);
}

static void hosts_and_ports_are_split(void **state)
{
    struct sw_host_port split;
    struct sw_err err;
    (void)state;

    assert_int_equal(sw_parse_host_port("127.0.0.1:80", NULL, &split, &err), SW_OK);
    assert_string_equal(split.host, "127.0.0.1");
    assert_string_equal(split.port_text, "80");
    assert_int_equal(split.port, 80);
    assert_true(split.loopback);
    assert_int_equal(sw_parse_host_port("[::1]:80", NULL, &split, &err), SW_OK);
    assert_string_equal(split.host, "::1");
    assert_true(split.loopback);
    assert_int_equal(sw_parse_host_port("localhost:1", NULL, &split, &err), SW_OK);
    assert_true(split.loopback);
    assert_int_equal(sw_parse_host_port("127.9.9.9:1", NULL, &split, &err), SW_OK);
    assert_true(split.loopback);
    assert_int_equal(sw_parse_host_port("0.0.0.0:80", NULL, &split, &err), SW_OK);
    assert_false(split.loopback);
    assert_int_equal(sw_parse_host_port("[::]:80", NULL, &split, &err), SW_OK);
    assert_false(split.loopback);
    assert_int_equal(sw_parse_host_port("stepwell.example:443", NULL, &split, &err), SW_OK);
    assert_false(split.loopback);
    assert_int_equal(sw_parse_host_port("9464", "127.0.0.1", &split, &err), SW_OK);
    assert_string_equal(split.host, "127.0.0.1");
    assert_int_equal(split.port, 9464);
    for (const char *const *bad =
             (const char *const[]){"", "80", "host", ":80", "host:", "host:65536", "host:-1",
                                   "::1:80", "[]:80", "host:80x", NULL};
         *bad != NULL; bad++)
        assert_int_equal(sw_parse_host_port(*bad, NULL, &split, &err), SW_CONFIGURATION);
}

static void addresses_are_sockets_or_ports(void **state)
{
    struct sw_host_port split;
    char longest[16 + SW_SOCKET_PATH_MAX];
    const char *path;
    struct sw_err err;
    (void)state;

    assert_int_equal(sw_parse_address("unix:///run/s.sock", &path, &split, &err), SW_OK);
    assert_string_equal(path, "/run/s.sock");
    assert_int_equal(sw_parse_address("unix:/run/s.sock", &path, &split, &err), SW_OK);
    assert_string_equal(path, "/run/s.sock");
    assert_int_equal(sw_parse_address("127.0.0.1:80", &path, &split, &err), SW_OK);
    assert_null(path);
    assert_int_equal(sw_parse_address("unix://s.sock", &path, &split, &err), SW_CONFIGURATION);
    assert_int_equal(sw_parse_address("127.0.0.1:0", &path, &split, &err), SW_CONFIGURATION);
    assert_int_equal(sw_parse_address("http://x", &path, &split, &err), SW_CONFIGURATION);

    memcpy(longest, "unix://", 7);
    memset(longest + 7, '/', SW_SOCKET_PATH_MAX);
    longest[7 + SW_SOCKET_PATH_MAX] = '\0';
    assert_int_equal(sw_parse_address(longest, &path, &split, &err), SW_OK);
    longest[7 + SW_SOCKET_PATH_MAX] = '/';
    longest[8 + SW_SOCKET_PATH_MAX] = '\0';
    assert_int_equal(sw_parse_address(longest, &path, &split, &err), SW_CONFIGURATION);
}

static void plain_names_are_safe_in_paths(void **state)
{
    static const char *const good[] = {"a", "agent-17", "A.b_c", "...", "12345678"};
    static const char *const bad[] = {"", ".", "..", "a/b", "a b", "\xc3\xa4", "123456789", "a:b"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(sw_is_plain_name(good[i], 8));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(sw_is_plain_name(bad[i], 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(durations_carry_their_unit),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(modes_are_octal),
        cmocka_unit_test(hosts_and_ports_are_split),
        cmocka_unit_test(addresses_are_sockets_or_ports),
        cmocka_unit_test(plain_names_are_safe_in_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
