/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Goal: the machine has the edges of the picture in claim.h, and no others. */
static void edges_are_those_of_the_picture(void **state)
{
    static const struct {
        enum sw_claim_state from;
        struct sw_claim_fact fact;
        enum sw_claim_state to;
        uint64_t slot, epoch;
    } edges[] = {
        {SW_CLAIM_READING, {SW_CLAIM_TAIL, 7, 3}, SW_CLAIM_FENCING, 8, 4},
        {SW_CLAIM_READING, {SW_CLAIM_TAIL, 0, 0}, SW_CLAIM_FENCING, 1, 1},
        {SW_CLAIM_FENCING, {SW_CLAIM_CREATED, 0, 0}, SW_CLAIM_CHECKING, 10, 5},
        {SW_CLAIM_FENCING, {SW_CLAIM_EXISTS, 0, 0}, SW_CLAIM_LOOKING, 10, 5},
        {SW_CLAIM_LOOKING, {SW_CLAIM_MINE, 0, 0}, SW_CLAIM_CHECKING, 10, 5},
        {SW_CLAIM_LOOKING, {SW_CLAIM_OTHERS, 0, 4}, SW_CLAIM_FENCING, 11, 5},
        {SW_CLAIM_LOOKING, {SW_CLAIM_OTHERS, 0, 5}, SW_CLAIM_LOST, 10, 5},
        {SW_CLAIM_LOOKING, {SW_CLAIM_OTHERS, 0, 6}, SW_CLAIM_LOST, 10, 5},
        {SW_CLAIM_LOOKING, {SW_CLAIM_GONE, 0, 0}, SW_CLAIM_READING, 10, 5},
        {SW_CLAIM_CHECKING, {SW_CLAIM_FLOOR, 9, 0}, SW_CLAIM_OWNER, 10, 5},
        {SW_CLAIM_CHECKING, {SW_CLAIM_FLOOR, 10, 0}, SW_CLAIM_READING, 10, 5},
        {SW_CLAIM_CHECKING, {SW_CLAIM_FLOOR, 11, 0}, SW_CLAIM_READING, 10, 5},
    };
    bool seen[SW_CLAIM_STATE_COUNT][SW_CLAIM_EVENT_COUNT] = {{false}};

    (void)state;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        struct sw_claim claim = {.state = edges[i].from, .slot = 10, .epoch = 5};

        sw_claim_move(&claim, &edges[i].fact);
        assert_int_equal(claim.state, edges[i].to);
        assert_int_equal(claim.slot, edges[i].slot);
        assert_int_equal(claim.epoch, edges[i].epoch);
        seen[edges[i].from][edges[i].fact.event] = true;
    }
    for (enum sw_claim_state from = 0; from < SW_CLAIM_STATE_COUNT; from++) {
        for (enum sw_claim_event event = 0; event < SW_CLAIM_EVENT_COUNT; event++)
            assert_int_equal(sw_claim_may(from, event), seen[from][event]);
    }
}

/* Goal: a journal that was opened often before it got a store keeps a rising epoch. */
static void epoch_is_at_least_the_journals_own(void **state)
{
    struct sw_claim claim = {.epoch_min = 9};

    (void)state;
    sw_claim_move(&claim, &(struct sw_claim_fact){SW_CLAIM_TAIL, 4, 2});
    assert_int_equal(claim.epoch, 9);
    claim = (struct sw_claim){.epoch_min = 9};
    sw_claim_move(&claim, &(struct sw_claim_fact){SW_CLAIM_TAIL, 4, 9});
    assert_int_equal(claim.epoch, 10);
}

static void states_have_names(void **state)
{
    (void)state;
    for (enum sw_claim_state each = 0; each < SW_CLAIM_STATE_COUNT; each++)
        assert_true(strlen(sw_claim_state_name(each)) > 3);
    assert_string_equal(sw_claim_state_name(SW_CLAIM_FENCING), "FENCING");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_those_of_the_picture),
        cmocka_unit_test(epoch_is_at_least_the_journals_own),
        cmocka_unit_test(states_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
