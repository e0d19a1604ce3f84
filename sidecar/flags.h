/* SPDX-License-Identifier: Apache-2.0
 *
 * flags - a command's options as one table, which reads them and prints their help.
 *
 * An option is --name VALUE or --name=VALUE; "--" ends the options. Where the
 * table says so, the environment variable STEPWELL_NAME sets it as well; the
 * command line wins, then the environment (when not empty), then the default.
 *
 * Owns:    nothing; texts point into argv, the environment and the table.
 * Threads: one.
 * Fails:   CONFIGURATION, naming the option or the variable.
 */
#ifndef SW_FLAGS_H
#define SW_FLAGS_H

#include <stddef.h>
#include <stdio.h>

#include "storage/base/status.h"

enum sw_flag_type {
    SW_FLAG_TEXT,     /* const char * */
    SW_FLAG_SWITCH,   /* bool; takes no value on the command line */
    SW_FLAG_UNSIGNED, /* uint32_t, min to max */
    SW_FLAG_BYTES,    /* uint64_t, min to max */
    SW_FLAG_MS,       /* uint64_t, min to max */
    SW_FLAG_CUSTOM    /* set() decides; called once for each occurrence */
};

struct sw_flag {
    const char *name;  /* without "--"; NULL ends the table */
    const char *value; /* what the help calls the value; NULL for a switch */
    enum sw_flag_type type;
    size_t offset; /* of the field in the target; not for CUSTOM */
    uint64_t min;
    uint64_t max;        /* 0 = no bound */
    const char *initial; /* parsed when nothing else is given; NULL = the field keeps its value */
    bool environment;
    const char *help; /* sentences; lines are broken by the printer */
    enum sw_code (*set)(void *target, const char *text, struct sw_err *err);
};

enum { SW_FLAGS_MAX = 60 };

struct sw_flags_left {
    char **words; /* positional words; argv's memory, reordered */
    int count;
    char **rest; /* after "--"; NULL without it */
    int rest_count;
    bool help; /* --help or -h was given: nothing was read */
};

/* argv[0] is the command. */
SW_MUST_CHECK enum sw_code sw_flags_read(const struct sw_flag *table, void *target, int argc,
                                         char **argv, struct sw_flags_left *ret_left,
                                         struct sw_err *err);

/* The OPTIONS part of a help text. */
void sw_flags_print(const struct sw_flag *table, FILE *out);

/* Paragraphs, indented and broken at 79 columns; a '\n' in text stays one. */
void sw_text_wrap(FILE *out, unsigned indent, const char *text);

#endif
