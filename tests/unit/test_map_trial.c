/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/map_trial.h"

/* The short form of ./dev maps, which also runs under ASan. */

enum { OPERATIONS = 10000 };

static void test_map_trial_operations_same_as_model(void **state)
{
    bool types[SPEC_MAP_COUNT] = {false};

    (void)state;
    for (uint32_t i = 0; i < map_trial_count; i++) {
        const struct map_trial *t = &map_trials[i];
        struct map_trial_counts c;
        char why[512];

        if (!map_trial_run(t, OPERATIONS, 7 + i, &c, why, sizeof(why)))
            fail_msg("%s: %s", t->name, why);
        assert_int_equal(c.operations, OPERATIONS);
        assert_true(c.hits > OPERATIONS / 50 && c.changes > OPERATIONS / 50);
        assert_true(c.refused > OPERATIONS / 200);
        assert_true(c.walks || t->def.type == SPEC_MAP_BLOOM_FILTER);
        assert_int_equal(c.evicted != 0, spec_map_type_table[t->def.type].soft == SPEC_SOFT_LRU);
        types[t->def.type] = true;
    }
    for (uint32_t type = 0; type < SPEC_MAP_COUNT; type++)
        assert_int_equal(types[type], spec_map_type_table[type].soft != SPEC_SOFT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_trial_operations_same_as_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
