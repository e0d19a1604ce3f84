/* SPDX-License-Identifier: Apache-2.0
 *
 * dir - what the two files of the directory driver share.
 *
 * Owns:    nothing.
 * Threads: one at a time.
 * Fails:   as storage/object/object.h says.
 */
#ifndef SW_OBJECT_DIR_H
#define SW_OBJECT_DIR_H

#include "storage/object/object.intern.h"

/* What errno means to a store; "WHAT KEY: ...". */
SW_MUST_CHECK enum sw_code sw_dir_fail(struct sw_err *err, const char *what, const char *key);

/* LIST below the open directory root; removes temporary files that are a day old at now_ms. */
SW_MUST_CHECK enum sw_code sw_dir_list(int root, struct sw_object_op *op, uint64_t now_ms);

#endif
