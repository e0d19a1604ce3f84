/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/flags.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/parse.h"
#include "sidecar/text.h"

enum { ENVIRONMENT_NAME_MAX = 64, HELP_COLUMNS = 79, BOUND_TEXT_SIZE = 24 };

/* "some-flag" -> "STEPWELL_SOME_FLAG" */
static void environment_name(const struct sw_flag *flag, char ret[ENVIRONMENT_NAME_MAX])
{
    int size = snprintf(ret, ENVIRONMENT_NAME_MAX, "STEPWELL_%s", flag->name);

    assert(size > 0 && size < ENVIRONMENT_NAME_MAX);
    for (; *ret != '\0'; ret++) {
        if (*ret == '-')
            *ret = '_';
        else if (*ret >= 'a' && *ret <= 'z')
            *ret = (char)(*ret - 'a' + 'A');
    }
}

static const struct sw_flag *find(const struct sw_flag *table, const char *name, size_t size)
{
    for (; table->name != NULL; table++) {
        if (strlen(table->name) == size && memcmp(table->name, name, size) == 0)
            return table;
    }
    return NULL;
}

static enum sw_code parse_switch(const char *text, bool *ret_on, struct sw_err *err)
{
    if (strcmp(text, "1") == 0 || strcmp(text, "true") == 0)
        *ret_on = true;
    else if (strcmp(text, "0") == 0 || strcmp(text, "false") == 0)
        *ret_on = false;
    else
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is neither true nor false", text);
    return SW_OK;
}

/* A bound as somebody would write it: in the largest unit that divides it. */
static void print_bound(const struct sw_flag *flag, uint64_t bound, char ret[BOUND_TEXT_SIZE])
{
    static const struct unit {
        const char *name;
        uint64_t factor;
    } sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}},
      durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    const struct unit *unit = flag->type == SW_FLAG_BYTES ? sizes : durations;

    while (bound < unit->factor || bound % unit->factor != 0)
        unit++;
    (void)snprintf(ret, BOUND_TEXT_SIZE, "%" PRIu64 "%s", bound / unit->factor, unit->name);
}

static enum sw_code check_bounds(const struct sw_flag *flag, const char *text, uint64_t value,
                                 struct sw_err *err)
{
    char bound[BOUND_TEXT_SIZE];

    if (value < flag->min) {
        print_bound(flag, flag->min, bound);
        return sw_fail(err, SW_CONFIGURATION, "%s is too little, at least %s", text, bound);
    }
    if (flag->max != 0 && value > flag->max) {
        print_bound(flag, flag->max, bound);
        return sw_fail(err, SW_CONFIGURATION, "%s is too much, at most %s", text, bound);
    }
    return SW_OK;
}

static enum sw_code set_wide(const struct sw_flag *flag, void *field, const char *text,
                             struct sw_err *err)
{
    uint64_t value = 0;
    enum sw_code rc = flag->type == SW_FLAG_BYTES ? sw_parse_bytes(text, &value, err)
                                                  : sw_parse_duration_ms(text, &value, err);

    if (rc == SW_OK)
        rc = check_bounds(flag, text, value, err);
    if (rc == SW_OK)
        memcpy(field, &value, sizeof(value));
    return rc;
}

static enum sw_code set_unsigned(const struct sw_flag *flag, void *field, const char *text,
                                 struct sw_err *err)
{
    uint64_t value = 0;
    uint32_t narrow;
    enum sw_code rc =
        sw_parse_number(text, flag->min, flag->max != 0 ? flag->max : UINT32_MAX, &value, err);

    if (rc == SW_OK) {
        narrow = (uint32_t)value;
        memcpy(field, &narrow, sizeof(narrow));
    }
    return rc;
}

static enum sw_code set(const struct sw_flag *flag, void *target, const char *text,
                        struct sw_err *err)
{
    void *field = (char *)target + flag->offset;
    bool on = false;
    enum sw_code rc;

    switch (flag->type) {
    case SW_FLAG_TEXT:
        memcpy(field, &text, sizeof(text));
        return SW_OK;
    case SW_FLAG_SWITCH:
        rc = parse_switch(text, &on, err);
        if (rc == SW_OK)
            memcpy(field, &on, sizeof(on));
        return rc;
    case SW_FLAG_UNSIGNED:
        return set_unsigned(flag, field, text, err);
    case SW_FLAG_BYTES:
    case SW_FLAG_MS:
        return set_wide(flag, field, text, err);
    case SW_FLAG_CUSTOM:
        return flag->set(target, text, err);
    }
    abort();
}

static enum sw_code unknown(const struct sw_flag *table, const char *word, struct sw_err *err)
{
    const char *names[SW_FLAGS_MAX + 1];
    size_t count = 0;
    char name[64];
    const char *near;

    for (; table->name != NULL; table++)
        names[count++] = table->name;
    names[count] = NULL;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    near = sw_nearest_word(name + strspn(name, "-"), names);
    if (near != NULL)
        return sw_fail(err, SW_CONFIGURATION, "unknown option %s; did you mean --%s?", name, near);
    return sw_fail(err, SW_CONFIGURATION, "unknown option %s", name);
}

struct reading {
    const struct sw_flag *table;
    void *target;
    int argc;
    char **argv;
    bool given[SW_FLAGS_MAX];
};

/* Reads the option at argv[*at], which begins with '-', and moves *at to its last word. */
static enum sw_code read_option(struct reading *reading, int *at, struct sw_err *err)
{
    const char *word = reading->argv[*at];
    const char *equals = strchr(word, '=');
    const char *text = equals != NULL ? equals + 1 : NULL;
    const struct sw_flag *flag = NULL;
    enum sw_code rc;

    if (word[1] == '-')
        flag = find(reading->table, word + 2, strcspn(word + 2, "="));
    if (flag == NULL)
        return unknown(reading->table, word, err);
    if (flag->type == SW_FLAG_SWITCH && text == NULL)
        text = "true";
    if (text == NULL) {
        if (*at + 1 >= reading->argc)
            return sw_fail(err, SW_CONFIGURATION, "--%s needs %s", flag->name, flag->value);
        text = reading->argv[++*at];
    }
    if (flag->value != NULL && text[0] == '\0')
        return sw_fail(err, SW_CONFIGURATION, "--%s: empty", flag->name);
    rc = set(flag, reading->target, text, err);
    if (rc != SW_OK)
        return sw_wrap(err, "--%s", flag->name);
    reading->given[flag - reading->table] = true;
    return SW_OK;
}

/* What the command line left open. */
static enum sw_code read_rest(struct reading *reading, struct sw_err *err)
{
    for (const struct sw_flag *flag = reading->table; flag->name != NULL; flag++) {
        char name[ENVIRONMENT_NAME_MAX];
        const char *text = NULL;

        if (reading->given[flag - reading->table])
            continue;
        environment_name(flag, name);
        if (flag->environment)
            text = getenv(name);
        if (text != NULL && text[0] != '\0') {
            if (set(flag, reading->target, text, err) != SW_OK)
                return sw_wrap(err, "%s", name);
        } else if (flag->initial != NULL) {
            if (set(flag, reading->target, flag->initial, err) != SW_OK)
                return sw_wrap(err, "--%s", flag->name);
        }
    }
    return SW_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

enum sw_code sw_flags_read(const struct sw_flag *table, void *target, int argc, char **argv,
                           struct sw_flags_left *ret_left, struct sw_err *err)
{
    struct reading reading = {.table = table, .target = target, .argc = argc, .argv = argv};
    struct sw_flags_left left = {.words = argv + 1};
    enum sw_code rc;

    if (asks_for_help(argc, argv)) {
        left.help = true;
        *ret_left = left;
        return SW_OK;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            left.rest = argv + i + 1;
            left.rest_count = argc - i - 1;
            break;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            left.words[left.count++] = argv[i]; /* never beyond i: only words move forward */
            continue;
        }
        rc = read_option(&reading, &i, err);
        if (rc != SW_OK)
            return rc;
    }
    rc = read_rest(&reading, err);
    if (rc == SW_OK)
        *ret_left = left;
    return rc;
}

void sw_text_wrap(FILE *out, unsigned indent, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " \n");

        if (column != 0 && column + 1 + word > HELP_COLUMNS) {
            (void)fputc('\n', out);
            column = 0;
        }
        if (column == 0) {
            (void)fprintf(out, "%*s", word != 0 ? (int)indent : 0, "");
            column = indent;
        } else if (word != 0) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fwrite(text, 1, word, out);
        column += word;
        text += word;
        if (*text == '\n') {
            (void)fputc('\n', out);
            column = 0;
        }
        if (*text != '\0')
            text++;
    }
    if (column != 0)
        (void)fputc('\n', out);
}

void sw_flags_print(const struct sw_flag *table, FILE *out)
{
    for (; table->name != NULL; table++) {
        char name[ENVIRONMENT_NAME_MAX];

        (void)fprintf(out, "    --%s%s%s\n", table->name, table->value != NULL ? " " : "",
                      table->value != NULL ? table->value : "");
        sw_text_wrap(out, 8, table->help);
        environment_name(table, name);
        if (table->initial != NULL)
            (void)fprintf(out, "        Default: %s\n", table->initial);
        if (table->environment)
            (void)fprintf(out, "        Environment: %s\n", name);
        (void)fputc('\n', out);
    }
    (void)fprintf(out, "    --help\n        Show this text.\n");
}
