/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/bytes.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 512, VARINT_MAX = 10 };

void sw_bytes_fini(struct sw_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct sw_bytes){0};
}

uint8_t *sw_bytes_room(struct sw_bytes *bytes, size_t more)
{
    size_t capacity = bytes->capacity > 0 ? bytes->capacity : CAPACITY_FIRST;
    uint8_t *data;

    if (bytes->failed || more > SIZE_MAX / 4 - bytes->size) {
        bytes->failed = true;
        return NULL;
    }
    while (capacity < bytes->size + more)
        capacity *= 2;
    if (capacity > bytes->capacity) {
        data = realloc(bytes->data, capacity);
        if (data == NULL) {
            bytes->failed = true;
            return NULL;
        }
        bytes->data = data;
        bytes->capacity = capacity;
    }
    return bytes->data + bytes->size;
}

void sw_bytes_add(struct sw_bytes *bytes, const void *data, size_t size)
{
    uint8_t *room = sw_bytes_room(bytes, size);

    if (room == NULL)
        return;
    if (size > 0)
        memcpy(room, data, size);
    bytes->size += size;
}

void sw_bytes_add_varint(struct sw_bytes *bytes, uint64_t value)
{
    uint8_t digits[VARINT_MAX];
    size_t size = 0;

    do {
        digits[size++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    sw_bytes_add(bytes, digits, size);
}

void sw_put_u32(uint8_t *bytes, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void sw_put_u64(uint8_t *bytes, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

uint32_t sw_get_u32(const uint8_t *bytes)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

uint64_t sw_get_u64(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint64_t sw_bytes_in_varint(struct sw_bytes_in *in)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && !in->bad && in->next < in->end; shift += 7) {
        uint8_t digit = *in->next++;

        if (shift == 63 && digit > 1) /* more than 64 bits */
            break;
        value |= (uint64_t)(digit & 0x7f) << shift;
        if ((digit & 0x80) != 0)
            continue;
        if (digit == 0 && shift > 0) /* longer than needed */
            break;
        return value;
    }
    in->bad = true;
    return 0;
}

struct sw_span sw_bytes_in_take(struct sw_bytes_in *in, uint64_t size)
{
    struct sw_span taken = {0};

    if (in->bad || size > (uint64_t)(in->end - in->next)) {
        in->bad = true;
        return taken;
    }
    taken = sw_span_of(in->next, (size_t)size);
    in->next += size;
    return taken;
}
