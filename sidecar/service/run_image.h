/* SPDX-License-Identifier: Apache-2.0
 *
 * run_image - all that the verbs need to know of one run.
 *
 * The head, the unfinished steps in full, and of each finished step where it
 * ended. Built by applying the run's records in order; the live verbs apply what
 * they append through the same functions, so that memory equals what a reader
 * would make of the file.
 *
 * A change is made in two steps, because an append may fail: prepare takes the
 * memory, apply cannot fail.
 *
 *   prepare -> append change.record -> apply
 *                 | failed          -> drop
 *
 * Owns:    its steps and texts.
 * Threads: one at a time.
 * Fails:   new and prepare when there is no memory; read as service.h says.
 */
#ifndef SW_SERVICE_RUN_IMAGE_H
#define SW_SERVICE_RUN_IMAGE_H

#include "sidecar/service/open_steps.h"
#include "sidecar/service/service.h"
#include "sidecar/service/step_index.h"

struct sw_run_row;

struct sw_run_image {
    struct sw_run_head head; /* its texts live below */
    struct sw_open_steps open;
    struct sw_step_index finished;
    uint64_t ended_in_doubt; /* once shed: steps the ended run left in doubt */
    bool purged;             /* made from the run index alone: retention removed the records */
    uint8_t run_id[SW_RUN_ID_MAX];
    uint8_t task[SW_TASK_MAX];
    uint8_t holder[SW_HOLDER_MAX];
};

/* An image of nothing; NULL when there is no memory. */
struct sw_run_image *sw_run_image_new(void);
/* Of an ended run whose records are gone. */
struct sw_run_image *sw_run_image_of_row(const struct sw_run_row *row);

uint64_t sw_run_image_hash(const struct sw_run_image *image, struct sw_span key);
/* The unfinished step; NULL when there is none. */
struct sw_open_step *sw_run_image_find(const struct sw_run_image *image, struct sw_span key);

struct sw_run_change {
    struct sw_record *record;   /* to append and apply: the one given or a copy in its step */
    struct sw_open_step *step;  /* after apply, of a step record: the step it changed */
    struct sw_open_step *fresh; /* STEP_BEGUN: the struct that will be the step */
};

/* Takes the memory that apply will need, and moves the record's texts that will stay
 * into it. The record must fit the image (sw_run_image_fits). */
bool sw_run_image_prepare(struct sw_run_image *image, struct sw_step_pool *pool,
                          struct sw_record *record, struct sw_run_change *ret_change);
void sw_run_image_drop(struct sw_step_pool *pool, struct sw_run_change *change);
/* The record has its lsn and digests now. A step that it finishes stays in the list
 * until sw_run_image_settle. */
void sw_run_image_apply(struct sw_run_image *image, struct sw_step_pool *pool,
                        struct sw_run_change *change);
/* Moves the changed step to the finished ones, if it is. */
void sw_run_image_settle(struct sw_run_image *image, struct sw_step_pool *pool,
                         struct sw_run_change *change);

/* Whether the record may follow: true of every record in a journal that we wrote. */
bool sw_run_image_fits(const struct sw_run_image *image, const struct sw_record *record);

/* Drops what nobody asks an ended run for; counts what it left in doubt. */
void sw_run_image_shed(struct sw_run_image *image, struct sw_step_pool *pool);

uint64_t sw_run_image_in_doubt(const struct sw_run_image *image, bool held, uint64_t now_ms);

#endif
