/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/object/form.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct sw_form *form, size_t size)
{
    size_t capacity = 2 * form->capacity + 1024 + size;
    char *text;

    if (form->failed || form->capacity - form->size > size)
        return !form->failed;
    text = malloc(capacity); /* not realloc, which leaves a copy of the old behind */
    if (text == NULL) {
        form->failed = true;
        return false;
    }
    if (form->size > 0) {
        memcpy(text, form->text, form->size);
        explicit_bzero(form->text, form->size);
    }
    free(form->text);
    form->text = text;
    form->capacity = capacity;
    return true;
}

static void add_encoded(struct sw_form *form, const char *text)
{
    if (!reserve(form, 3 * strlen(text)))
        return;
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;

        if ((byte < 0x80 && isalnum(byte)) || strchr("-._~", byte) != NULL) {
            form->text[form->size++] = *text;
        } else {
            (void)snprintf(form->text + form->size, 4, "%%%02X", byte);
            form->size += 3;
        }
    }
}

void sw_form_add(struct sw_form *form, const char *name, const char *value)
{
    if (form->size > 0 && reserve(form, 1))
        form->text[form->size++] = '&';
    add_encoded(form, name);
    if (reserve(form, 1))
        form->text[form->size++] = '=';
    add_encoded(form, value);
}

void sw_form_fini(struct sw_form *form)
{
    if (form->text != NULL)
        explicit_bzero(form->text, form->size);
    free(form->text);
    *form = (struct sw_form){0};
}
