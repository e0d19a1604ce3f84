/* SPDX-License-Identifier: Apache-2.0
 *
 * blot - makes a NUL in a text of a message visible.
 *
 * A protobuf text may hold a NUL; protobuf-c hands it out as a C string, which ends
 * there: "order\0a" and "order\0b" would be one run. With 0xFF, which is in no UTF-8,
 * in its place, what checks the fields refuses the text and names it.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   never: it passes over what is not this message; unpacking refuses that.
 */
#ifndef SW_RPC_BLOT_H
#define SW_RPC_BLOT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Whether a text of the serialised message holds a NUL. `copy`: NULL, or the same bytes to
 * change. */
bool sw_blot_texts(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                   uint8_t *copy);

#endif
