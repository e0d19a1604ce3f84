/* SPDX-License-Identifier: Apache-2.0
 *
 * file_source - what a server would answer, read from a journal's files instead.
 *
 * Owns:    nothing.
 * Threads: one.
 * Fails:   as the journal's readers; RUN_NOT_FOUND; os_errno ENOENT when there is no file.
 */
#ifndef SW_CLI_FILE_SOURCE_H
#define SW_CLI_FILE_SOURCE_H

#include "sidecar/rpc/client.h"
#include "storage/journal/journal.h"

SW_MUST_CHECK enum sw_code sw_file_open(const char *path, struct sw_journal_reader **ret_reader,
                                        struct sw_journal_state *ret_state, struct sw_err *err);

SW_MUST_CHECK enum sw_code sw_file_list_runs(struct sw_journal_reader *reader,
                                             const struct sw_client_runs *filter,
                                             struct sw_run_view_visitor visitor,
                                             struct sw_err *err);
/* journal: its name, from which idempotency keys are derived. */
SW_MUST_CHECK enum sw_code sw_file_watch_run(struct sw_journal_reader *reader,
                                             struct sw_span journal,
                                             const struct sw_client_watch *watch,
                                             const struct sw_client_watcher *watcher,
                                             struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_file_read_journal(struct sw_journal_reader *reader,
                                                const struct sw_client_journal *range,
                                                struct sw_record_line_visitor visitor,
                                                struct sw_err *err);

#endif
