/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - the bounds of every field of every request.
 *
 * Texts are UTF-8 without NUL. An error names the field by its path on the wire
 * and the bound it broke: "key: 300 bytes, at most 256".
 *
 * Threads: any.
 * Fails:   INVALID_FIELD.
 */
#ifndef SW_SERVICE_FIELDS_H
#define SW_SERVICE_FIELDS_H

#include "sidecar/service/service.h"

SW_MUST_CHECK enum sw_code sw_fields_check_start_run(const struct sw_limits *limits,
                                                     const struct sw_start_run_request *request,
                                                     struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_fields_check_resume(const struct sw_limits *limits,
                                                  const struct sw_resume_request *request,
                                                  struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_fields_check_begin_step(const struct sw_limits *limits,
                                                      const struct sw_begin_step_request *request,
                                                      struct sw_err *err);
/* begin_next too. */
SW_MUST_CHECK enum sw_code
sw_fields_check_complete_step(const struct sw_limits *limits,
                              const struct sw_complete_step_request *request, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_fields_check_note_step(const struct sw_limits *limits,
                                                     const struct sw_note_step_request *request,
                                                     struct sw_err *err);
SW_MUST_CHECK enum sw_code
sw_fields_check_resolve_step(const struct sw_limits *limits,
                             const struct sw_resolve_step_request *request, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_fields_check_end_run(const struct sw_limits *limits,
                                                   const struct sw_end_run_request *request,
                                                   struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_fields_check_claim_run(const struct sw_limits *limits,
                                                     const struct sw_claim_run_request *request,
                                                     struct sw_err *err);
/* Of a question about a run; `required`: it is about one. */
SW_MUST_CHECK enum sw_code sw_fields_check_run_id(struct sw_span run_id, bool required,
                                                  struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_fields_check_filter(struct sw_span task,
                                                  const struct sw_label *labels, size_t count,
                                                  struct sw_err *err);

/* Whether text is well-formed UTF-8 (RFC 3629) without NUL. */
bool sw_fields_is_text(struct sw_span text);

#endif
