/* SPDX-License-Identifier: Apache-2.0
 *
 * probes - measurements that are not many agents at once. Modes of bench_load:
 *
 *   health ADDRESS PER_SECOND SECONDS   health checks, evenly spaced
 *   start ADDRESS COMMAND...            from the start of COMMAND to its first good answer
 *   restore ADDRESS COMMAND...          the same; it is killed then, and gets nothing done
 *   resume ADDRESS RUN SECONDS [every=MS]   reads a history: once so often, or without a pause
 *   talk ADDRESS TURNS BYTES            a conversation that grows by BYTES a turn
 *
 * Owns:    a channel each.
 * Threads: one.
 * Fails:   by ending the program.
 */
#ifndef SW_BENCH_PROBES_H
#define SW_BENCH_PROBES_H

#include <stdint.h>

/* Prints a report. A check that is late because the one before it took long counts from when it
 * was due. */
void probe_health(const char *address, uint64_t per_second, uint64_t seconds);

/* Prints {"us", "rss_kb"}: until health says SERVING, and the most memory so far. command: with its
 * arguments, ended by NULL; it is sent the signal `end` then, and its status returned. */
int probe_start(const char *address, char **command, int end);

/* Prints {"steps", "first_us", "us"} for each reading. every_ms: from the start of one to the next
 * at least. */
void probe_resume(const char *address, char *run_id, uint64_t seconds, uint64_t every_ms);

/* An agent whose every model call has the whole conversation so far as its recorded input, as text
 * that repeats nothing. Prints {"distinct", "sent"}: bytes of the last input, of all inputs. */
void probe_talk(const char *address, unsigned turns, unsigned bytes);

/* Bytes that the process has given to write calls on files, so far. */
uint64_t probe_written(unsigned pid);

#endif
