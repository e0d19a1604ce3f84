/* SPDX-License-Identifier: Apache-2.0
 *
 * descriptors - what server reflection answers with, generated at build time by
 * embed_descriptors.py. Constant; any thread.
 */
#ifndef SW_PROTO_DESCRIPTORS_H
#define SW_PROTO_DESCRIPTORS_H

#include <stddef.h>

struct sw_descriptor_file {
    const char *name;           /* "stepwell/v1/types.proto" */
    const unsigned char *bytes; /* serialised FileDescriptorProto */
    size_t size;
    const char *const *dependencies; /* names; NULL-terminated */
    const char *const *symbols;      /* full names of all it declares; NULL-terminated */
};

extern const struct sw_descriptor_file sw_descriptor_files[]; /* ends with name == NULL */
extern const char *const sw_descriptor_services[];            /* full names; NULL-terminated */

#endif
