/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz - what each target defines, for libFuzzer and for replay.c alike.
 *
 * A target aborts on what must not be; sanitizers find the rest. It keeps nothing
 * from one input to the next.
 */
#ifndef SW_TESTS_FUZZ_H
#define SW_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always 0. data is a heap block of exactly size bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
