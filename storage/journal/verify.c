/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/chain.h"
#include "storage/journal/payload.h"

enum sw_code sw_journal_verify(struct sw_journal_reader *reader,
                               struct sw_verify_report *ret_report, struct sw_err *err)
{
    *ret_report = (struct sw_verify_report){0};
    return sw_chain_check(&reader->db, true, &reader->scratch, err);
}
