/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/blot.h"

#include <string.h>

enum { WIRE_VARINT, WIRE_64, WIRE_SIZED, WIRE_32 = 5, VARINT_BYTES_MAX = 10, TAG_BITS = 3 };

/* Where in the message we are. */
struct cursor {
    const uint8_t *bytes;
    size_t size;
    size_t at;
};

static bool take_varint(struct cursor *cursor, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_BYTES_MAX && cursor->at < cursor->size; i++) {
        uint8_t byte = cursor->bytes[cursor->at++];

        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool pass(struct cursor *cursor, uint64_t size)
{
    if (size > cursor->size - cursor->at)
        return false;
    cursor->at += (size_t)size;
    return true;
}

static bool blot_text(const uint8_t *bytes, size_t size, uint8_t *copy)
{
    if (size == 0 || memchr(bytes, 0, size) == NULL)
        return false;
    for (size_t i = 0; copy != NULL && i < size; i++) {
        if (copy[i] == 0)
            copy[i] = 0xFF;
    }
    return true;
}

/* A field with a size before it: a text, a message of its own, or neither. */
static bool blot_field(const ProtobufCFieldDescriptor *field, const uint8_t *bytes, size_t size,
                       uint8_t *copy)
{
    if (field == NULL)
        return false;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return blot_text(bytes, size, copy);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) /* none contains itself: this ends */
        return sw_blot_texts(field->descriptor, bytes, size, copy);
    return false;
}

bool sw_blot_texts(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                   uint8_t *copy)
{
    struct cursor cursor = {.bytes = bytes, .size = size};
    bool found = false;
    uint64_t tag;

    while (take_varint(&cursor, &tag)) {
        uint64_t number = tag >> TAG_BITS;
        uint64_t length = 0;
        size_t from;

        switch (tag & ((1u << TAG_BITS) - 1)) {
        case WIRE_VARINT:
            if (!take_varint(&cursor, &length))
                return found;
            break;
        case WIRE_64:
            if (!pass(&cursor, 8))
                return found;
            break;
        case WIRE_32:
            if (!pass(&cursor, 4))
                return found;
            break;
        case WIRE_SIZED:
            if (!take_varint(&cursor, &length))
                return found;
            from = cursor.at;
            if (number > UINT32_MAX || !pass(&cursor, length))
                return found;
            found |=
                blot_field(protobuf_c_message_descriptor_get_field(descriptor, (unsigned)number),
                           bytes + from, (size_t)length, copy == NULL ? NULL : copy + from);
            break;
        default:
            return found;
        }
    }
    return found;
}
