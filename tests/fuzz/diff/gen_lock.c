/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include <string.h>

/* Maps whose values have a bpf_spin_lock. No other template knows them. */

enum { LOCK_BYTES = 4 };

void gen_locked_map(struct gen *g, struct load_map *m, struct gen_map *info)
{
    static const uint32_t values[] = {8, 12, 16, 16, 24, 32};
    struct load_fields fields = {.has_lock = true};

    m->kind = LOAD_MAP_BTF;
    m->type = gen_chance(g, 60) ? SPEC_MAP_HASH : SPEC_MAP_ARRAY;
    m->value_bytes = values[gen_below(g, 6)];
    fields.lock_off = gen_chance(g, 60) ? 0 : m->value_bytes - LOCK_BYTES;
    m->fields = arena_memdup(g->arena, &fields, sizeof(fields));
    m->key_bytes = 4;
    m->max_entries = 1 + gen_below(g, 5);
    info->keys = m->max_entries + gen_below(g, 2);
}

static int locked_map(const struct gen *g)
{
    for (uint32_t m = 0; m < g->map_count; m++)
        if (load_has_lock(&g->maps[m]))
            return (int)m;
    return -1;
}

static void lock_call(struct gen *g, int value, uint32_t off, int32_t helper)
{
    gen_emit(g, MOV_X(1, value));
    if (off)
        gen_emit(g, ALU64_K(ADD, 1, (int32_t)off));
    gen_emit(g, CALL(helper));
}

/* Words of the value change while the lock is held; r1 and r2 are free. */
static void change_words(struct gen *g, int value, uint32_t first, uint32_t end)
{
    for (uint32_t n = 1 + gen_below(g, 3); n; n--) {
        const uint32_t at = first + 4 * gen_below(g, (end - first) / 4);

        gen_emit(g, LDX(W, 2, value, (int16_t)at));
        gen_emit(g, ALU64_K(MUL, 2, 3));
        gen_emit(g, ALU64_K(ADD, 2, gen_const(g)));
        if (!g->pure && !g->quiet)
            gen_emit(g, STX(W, value, (int16_t)at, 2));
    }
}

void gen_lock_statement(struct gen *g)
{
    const int map = locked_map(g);
    const uint32_t past = gen_label(g);
    const struct load_map *m;
    uint32_t off, first, end;
    int value;

    if (map < 0 || !gen_may_call(g))
        goto done;
    m = &g->maps[map];
    if (!g->pure && !g->quiet && gen_chance(g, 35)) {
        const int32_t key = gen_key(g, (uint32_t)map);

        if (key)
            gen_update_call(g, (uint32_t)map, key);
        goto done;
    }
    off = m->fields->lock_off;
    first = off ? 0 : LOCK_BYTES;
    end = off ? off : m->value_bytes;
    if (!gen_lookup_call(g, (uint32_t)map))
        goto done;
    gen_jump(g, JMP_K(JEQ, 0, 0, 0), past);
    value = gen_pointer_temp(g, 0x3f);
    if (value < 0)
        goto done;
    gen_emit(g, MOV_X(value, 0));
    lock_call(g, value, off, SPEC_HELPER_SPIN_LOCK);
    change_words(g, value, first, end);
    lock_call(g, value, off, SPEC_HELPER_SPIN_UNLOCK);
    gen_called(g);
    g->st.regs[0].kind = GEN_NONE;
    gen_set(g, value,
            (struct gen_val){
                .kind = GEN_VALUE, .map = (uint8_t)map, .lo = (int16_t)first, .hi = (int16_t)end});
done:
    gen_bind(g, past);
}
