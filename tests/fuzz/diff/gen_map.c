/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include <string.h>

/* Maps: keys, look-ups, values, updates. */

#define TYPE(name) (UINT64_C(1) << SPEC_MAP_##name)
#define TYPES_HASH                                                                                 \
    (TYPE(HASH) | TYPE(PERCPU_HASH) | TYPE(LPM_TRIE) | TYPE(LRU_HASH) | TYPE(LRU_PERCPU_HASH))
#define TYPES_VALUE (TYPES_HASH | TYPE(ARRAY) | TYPE(PERCPU_ARRAY))
#define TYPES_TARGET (TYPE(DEVMAP) | TYPE(DEVMAP_HASH) | TYPE(CPUMAP) | TYPE(XSKMAP))

int gen_map_of(struct gen *g, uint64_t types)
{
    int found[GEN_MAPS];
    uint32_t n = 0;

    for (uint32_t m = 0; m < g->map_count; m++)
        if (types >> g->maps[m].type & 1 && g->maps[m].kind == LOAD_MAP_BTF &&
            !load_has_lock(&g->maps[m]))
            found[n++] = (int)m;
    return n ? found[gen_below(g, n)] : -1;
}

void gen_map_address(struct gen *g, int r, uint32_t map)
{
    const struct ebpf_insn two[] = {LD_MAP(r, map)};

    gen_emit(g, two[0]);
    gen_emit(g, two[1]);
    g->st.regs[r].kind = GEN_NONE; /* nobody may read it but the call */
}

/* ---- keys ---- */

/* The pattern that all keys share, in pieces of some size. */
static void store_pattern(struct gen *g, int32_t off, const uint8_t *pattern, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes;) {
        uint32_t piece = gen_size(g);
        uint64_t v = 0;

        while (i + piece > bytes || (off + (int32_t)i) & ((int32_t)piece - 1))
            piece /= 2;
        memcpy(&v, pattern + i, piece);
        if (piece < 8 || (int64_t)v == (int32_t)v) {
            gen_emit(g, insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | gen_size_code(piece), EBPF_REG_FP,
                             0, off + (int32_t)i, (int32_t)v));
        } else {
            const int t = gen_temp(g, 0);
            const struct ebpf_insn two[] = {LD_IMM64(t, v)};

            gen_emit(g, two[0]);
            gen_emit(g, two[1]);
            gen_set_num(g, t);
            gen_emit(g, STX(DW, EBPF_REG_FP, off + (int32_t)i, t));
        }
        i += piece;
    }
}

int32_t gen_key(struct gen *g, uint32_t map)
{
    const struct load_map *m = &g->maps[map];
    const struct gen_map *info = &g->map_info[map];
    const uint32_t align = m->key_bytes % 8 == 0 ? 8 : m->key_bytes % 4 == 0 ? 4 : 1;
    const int32_t off = gen_buffer(g, m->key_bytes, gen_chance(g, 70) ? align : 1);
    uint32_t mask = 1;
    int r, src;

    if (!off)
        return 0;
    store_pattern(g, off, info->pattern, m->key_bytes);
    gen_stack_written(g, off, m->key_bytes);
    while (mask < info->keys)
        mask = mask << 1 | 1;
    if (gen_chance(g, 15)) {
        gen_emit(g, insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | EBPF_SIZE_B, EBPF_REG_FP, 0,
                         off + (int32_t)info->vary, (int32_t)gen_below(g, info->keys + 1)));
        return off;
    }
    src = gen_num(g, 0);
    r = gen_temp(g, 0);
    if (r != src)
        gen_emit(g, MOV_X(r, src));
    gen_set_num(g, r);
    gen_emit(g, ALU64_K(AND, r, (int32_t)mask));
    gen_emit(g, STX(B, EBPF_REG_FP, off + (int32_t)info->vary, r));
    return off;
}

/* The address of a key in a register: from the stack, the packet or a map's value. False: no room.
 */
static bool key_argument(struct gen *g, int reg, uint32_t map, uint32_t avoid, int32_t *place)
{
    const uint32_t bytes = g->maps[map].key_bytes;
    const int r = gen_find(g, gen_chance(g, 50) ? GEN_PKT : GEN_VALUE, avoid);
    int32_t off = *place;

    if (!off && r >= 0 && gen_chance(g, 25)) {
        const struct gen_val v = g->st.regs[r];
        const int32_t room = v.hi - v.lo - (int32_t)bytes + 1;

        if (room > 0) {
            off = v.lo + (int32_t)gen_below(g, (uint32_t)room);
            if (v.kind == GEN_PKT && v.span == 0 && g->spot_count < GEN_SPOTS) {
                g->spots[g->spot_count].map = map;
                g->spots[g->spot_count++].offset = (uint32_t)(off - v.lo);
            }
            gen_copy(g, reg, r);
            if (off)
                gen_add_const(g, reg, off);
            return true;
        }
    }
    if (!off)
        off = gen_key(g, map);
    if (!off)
        return false;
    *place = off;
    gen_emit(g, MOV_X(reg, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, reg, off));
    g->st.regs[reg].kind = GEN_NONE;
    return true;
}

/* ---- calls ---- */

bool gen_lookup_call(struct gen *g, uint32_t map)
{
    int32_t place = 0;

    if (!gen_may_call(g) || !key_argument(g, 2, map, 0, &place))
        return false;
    gen_map_address(g, 1, map);
    gen_emit(g, CALL(SPEC_HELPER_MAP_LOOKUP_ELEM));
    gen_called(g);
    g->st.regs[0].kind = GEN_NONE;
    return true;
}

void gen_null_check(struct gen *g, int r, uint32_t map, uint32_t label)
{
    const uint32_t ok = gen_label(g);

    if (gen_chance(g, 70)) {
        gen_jump(g, JMP_K(JEQ, r, 0, 0), label);
    } else {
        gen_jump(g, JMP_K(JNE, r, 0, 0), ok);
        gen_goto(g, label);
        gen_bind(g, ok);
    }
    gen_set(g, r,
            (struct gen_val){
                .kind = GEN_VALUE, .map = (uint8_t)map, .hi = (int16_t)g->maps[map].value_bytes});
}

/* A value for an update: bytes on the stack, or those of the packet or of another value. */
static bool value_argument(struct gen *g, int reg, uint32_t map, uint32_t avoid)
{
    const uint32_t bytes = g->maps[map].value_bytes;
    const int r = gen_find(g, gen_chance(g, 50) ? GEN_PKT : GEN_VALUE, avoid);
    int32_t off;

    if (r >= 0 && g->st.regs[r].hi - g->st.regs[r].lo >= (int32_t)bytes && gen_chance(g, 30)) {
        off = g->st.regs[r].lo;
        gen_copy(g, reg, r);
        if (off)
            gen_add_const(g, reg, off);
        return true;
    }
    off = gen_buffer(g, bytes, 8);
    if (!off)
        return false;
    for (uint32_t i = 0; i < bytes;) {
        uint32_t piece = gen_chance(g, 70) ? 8 : gen_size(g);

        while (i + piece > bytes || (off + (int32_t)i) & ((int32_t)piece - 1))
            piece /= 2;
        gen_stack_store(g, off + (int32_t)i, piece);
        i += piece;
    }
    gen_emit(g, MOV_X(reg, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, reg, off));
    g->st.regs[reg].kind = GEN_NONE;
    return true;
}

bool gen_update_call(struct gen *g, uint32_t map, int32_t key)
{
    const uint32_t slots = g->frozen_slots;
    const uint16_t registers = g->frozen;
    bool ok;

    if (!gen_may_call(g) || !key_argument(g, 2, map, 0, &key))
        return false;
    /* the value is made while r2 and the key wait */
    if (key)
        gen_freeze_stack(g, key, g->maps[map].key_bytes);
    g->frozen |= 1u << 2;
    ok = value_argument(g, 3, map, 1u << 2);
    g->frozen = registers;
    g->frozen_slots = slots;
    if (!ok)
        return false;
    if (gen_chance(g, 85))
        gen_emit(g, MOV_K(4, (int32_t)gen_below(g, load_has_lock(&g->maps[map]) ? 8
                                                   : gen_chance(g, 90)          ? 3
                                                                                : 5)));
    else
        gen_emit(g, MOV_X(4, gen_num(g, 1u << 2 | 1u << 3)));
    gen_map_address(g, 1, map);
    gen_emit(g, CALL(SPEC_HELPER_MAP_UPDATE_ELEM));
    gen_called(g);
    return true;
}

/* ---- templates ---- */

static void access_value(struct gen *g, int r)
{
    const struct gen_val *v = &g->st.regs[r];
    const uint32_t bytes = gen_size(g);
    const int32_t room = v->hi - v->lo - (int32_t)bytes + 1;
    int32_t off;

    if (room <= 0)
        return;
    off = v->lo + (int32_t)gen_below(g, (uint32_t)room);
    if (gen_chance(g, 70) && ((off & ~((int32_t)bytes - 1)) >= v->lo))
        off &= ~((int32_t)bytes - 1);
    if (gen_chance(g, 55))
        gen_load_from(g, r, off, bytes, gen_chance(g, 90) ? 1u << r : 0);
    else
        gen_store_to(g, r, off, bytes);
}

static void atomic_value(struct gen *g, int r)
{
    const struct gen_val *v = &g->st.regs[r];
    const uint32_t bytes = gen_chance(g, 40) ? 4 : 8;
    int32_t off = v->lo;

    if (v->phase == GEN_NO_PHASE)
        return;
    while ((off + v->phase) & ((int32_t)bytes - 1))
        off++;
    if (off + (int32_t)bytes > v->hi)
        return;
    off += (int32_t)(bytes * gen_below(g, (uint32_t)(v->hi - off) / bytes));
    gen_atomic(g, r, off, bytes);
}

void gen_lookup_statement(struct gen *g)
{
    const int map = gen_map_of(g, TYPES_VALUE);
    const uint32_t past = gen_label(g);
    int r = 0;

    if (map < 0 || !gen_lookup_call(g, (uint32_t)map)) {
        gen_bind(g, past);
        return;
    }
    if (gen_chance(g, 20)) { /* the pointer moves before it is checked */
        r = gen_pointer_temp(g, 1u << 0);
        if (r >= 0)
            gen_emit(g, MOV_X(r, 0));
        r = r < 0 ? 0 : r;
    }
    gen_null_check(g, r, (uint32_t)map, gen_chance(g, 85) ? past : gen_skip(g, past));
    for (uint32_t i = 1 + gen_below(g, 3); i && g->st.regs[r].kind == GEN_VALUE; i--) {
        if (gen_chance(g, 25))
            atomic_value(g, r);
        else
            access_value(g, r);
    }
    if (g->st.regs[r].kind == GEN_VALUE && gen_chance(g, 40)) {
        /* it stays: the statements that follow may use it */
        const int keep = gen_pointer_temp(g, 0x3f);

        if (keep >= 0)
            gen_copy(g, keep, r);
        if (g->depth < 3)
            gen_statements(g, 1 + gen_below(g, 3));
    }
    gen_bind(g, past);
}

/* The uses of a pointer that is there. */
void gen_value_statement(struct gen *g)
{
    const int r = gen_find(g, gen_chance(g, 80) ? GEN_VALUE : GEN_BUF, 0);

    if (r < 0) {
        gen_data_statement(g);
        return;
    }
    if (g->st.regs[r].kind == GEN_BUF) {
        const uint32_t bytes = gen_size(g);
        const int32_t off = (int32_t)(bytes * gen_below(g, (uint32_t)g->st.regs[r].hi / bytes));

        if (gen_chance(g, 50))
            gen_load_from(g, r, off, bytes, 1u << r);
        else
            gen_store_to(g, r, off, bytes);
        return;
    }
    access_value(g, r);
}

void gen_value_run_time_statement(struct gen *g)
{
    const uint32_t past = gen_label(g), bytes = gen_size(g);
    const int r = gen_find(g, GEN_VALUE, 0);
    int32_t room;
    int index, q;

    if (r < 0)
        goto done;
    room = g->st.regs[r].hi - (g->st.regs[r].lo > 0 ? g->st.regs[r].lo : 0) - (int32_t)bytes;
    if (g->st.regs[r].lo > 0 || room <= 0)
        goto done;
    index = gen_bounded(g, (uint32_t)room, gen_chance(g, 70) ? 1 : bytes, 1u << r, past);
    q = gen_pointer_temp(g, 1u << r | 1u << index);
    if (q < 0)
        goto done;
    gen_emit(g, MOV_X(q, r));
    gen_emit(g, ALU64_X(ADD, q, index));
    if (gen_chance(g, 50))
        gen_load_from(g, q, 0, bytes, 0);
    else
        gen_store_to(g, q, 0, bytes);
done:
    gen_bind(g, past);
}

void gen_value_atomic_statement(struct gen *g)
{
    const int r = gen_find(g, GEN_VALUE, 0);

    if (r >= 0)
        atomic_value(g, r);
}

void gen_update_statement(struct gen *g)
{
    const int map = gen_map_of(g, gen_chance(g, 70) ? TYPES_HASH : TYPES_VALUE);

    if (map >= 0)
        gen_update_call(g, (uint32_t)map, 0);
}

void gen_delete_statement(struct gen *g)
{
    const int map = gen_map_of(g, gen_chance(g, 90) ? TYPES_HASH : TYPES_VALUE);
    int32_t place = 0;

    if (map < 0 || !gen_may_call(g) || !key_argument(g, 2, (uint32_t)map, 0, &place))
        return;
    gen_map_address(g, 1, (uint32_t)map);
    gen_emit(g, CALL(SPEC_HELPER_MAP_DELETE_ELEM));
    gen_called(g);
}

/* Data sections: no look-up, the address is a constant. */
void gen_data_statement(struct gen *g)
{
    uint32_t map = gen_below(g, g->map_count + 1), off;
    int r;

    while (map < g->map_count && g->maps[map].kind == LOAD_MAP_BTF)
        map++;
    if (map >= g->map_count)
        return;
    r = gen_pointer_temp(g, 0);
    if (r < 0)
        return;
    off = gen_below(g, g->maps[map].value_bytes);
    const struct ebpf_insn two[] = {LD_MAP_VALUE(r, map, off)};

    gen_emit(g, two[0]);
    gen_emit(g, two[1]);
    gen_set(g, r,
            (struct gen_val){.kind = GEN_VALUE,
                             .map = (uint8_t)map,
                             .phase = off & 7,
                             .lo = (int16_t) - (int32_t)off,
                             .hi = (int16_t)(g->maps[map].value_bytes - off)});
    if (g->maps[map].kind == LOAD_MAP_RODATA) {
        const uint32_t bytes = gen_size(g);
        const int32_t room = g->st.regs[r].hi - g->st.regs[r].lo - (int32_t)bytes + 1;

        gen_load_from(g, r, g->st.regs[r].lo + (int32_t)gen_below(g, (uint32_t)room), bytes,
                      1u << r);
        g->st.regs[r].kind = GEN_NONE; /* it must not be written to */
    } else if (gen_chance(g, 30)) {
        atomic_value(g, r);
    } else {
        access_value(g, r);
    }
}

/* A counter in a map: load, add, store. */
int gen_number_of_value(struct gen *g, int map, uint32_t past)
{
    int t;

    if (map < 0 || g->maps[map].value_bytes < 8 || !gen_lookup_call(g, (uint32_t)map))
        return -1;
    gen_null_check(g, 0, (uint32_t)map, past);
    t = gen_temp(g, 1u << 0);
    gen_emit(g, LDX(DW, t, 0, 0));
    gen_set_num(g, t);
    return t;
}

void gen_counter_statement(struct gen *g)
{
    const uint32_t past = gen_label(g);
    const int t = gen_number_of_value(g, gen_map_of(g, TYPES_VALUE), past);

    if (t < 0) {
        gen_bind(g, past);
        return;
    }
    gen_emit(g, gen_chance(g, 60) ? ALU64_K(ADD, t, 1) : ALU64_X(ADD, t, gen_num(g, 0)));
    gen_emit(g, STX(DW, 0, 0, t));
    gen_bind(g, past);
}

/* Look up, insert if it is not there, look up again. */
void gen_insert_statement(struct gen *g)
{
    const int map = gen_map_of(g, TYPES_HASH);
    const uint32_t past = gen_label(g), there = gen_label(g);
    int32_t key;

    if (map < 0 || !gen_may_call(g))
        goto done;
    key = gen_key(g, (uint32_t)map);
    if (!key)
        goto done;
    gen_emit(g, MOV_X(2, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, 2, key));
    g->st.regs[2].kind = GEN_NONE;
    gen_map_address(g, 1, (uint32_t)map);
    gen_emit(g, CALL(SPEC_HELPER_MAP_LOOKUP_ELEM));
    gen_called(g);
    g->st.regs[0].kind = GEN_NONE;
    gen_jump(g, JMP_K(JNE, 0, 0, 0), there);
    if (gen_update_call(g, (uint32_t)map, key) &&
        gen_stack_readable(g, key, g->maps[map].key_bytes)) {
        gen_emit(g, MOV_X(2, EBPF_REG_FP));
        gen_emit(g, ALU64_K(ADD, 2, key));
        g->st.regs[2].kind = GEN_NONE;
        gen_map_address(g, 1, (uint32_t)map);
        gen_emit(g, CALL(SPEC_HELPER_MAP_LOOKUP_ELEM));
        gen_called(g);
        g->st.regs[0].kind = GEN_NONE;
        gen_jump(g, JMP_K(JEQ, 0, 0, 0), past);
    } else {
        gen_goto(g, past);
    }
    gen_bind(g, there);
    gen_set(g, 0,
            (struct gen_val){
                .kind = GEN_VALUE, .map = (uint8_t)map, .hi = (int16_t)g->maps[map].value_bytes});
    access_value(g, 0);
done:
    gen_bind(g, past);
}

/* A look-up that only asks whether there is one: the pointer leads nowhere. */
static void look_for_socket(struct gen *g, uint32_t map)
{
    const uint32_t past = gen_label(g);

    if (gen_lookup_call(g, map)) {
        gen_jump(g, gen_chance(g, 50) ? JMP_K(JEQ, 0, 0, 0) : JMP_K(JNE, 0, 0, 0), past);
        gen_statements(g, 1);
    }
    gen_bind(g, past);
}

void gen_redirect_map_statement(struct gen *g)
{
    const int map = gen_map_of(g, TYPES_TARGET);

    if (map < 0 || !gen_may_call(g))
        return;
    if (g->maps[map].type == SPEC_MAP_XSKMAP && gen_chance(g, 40)) {
        look_for_socket(g, (uint32_t)map);
        return;
    }
    if (gen_chance(g, 60)) {
        gen_emit(g, MOV_K(2, (int32_t)gen_below(g, g->maps[map].max_entries + 1)));
    } else {
        gen_emit(g, MOV_X(2, gen_num(g, 0)));
        if (gen_chance(g, 70))
            gen_emit(g, ALU64_K(AND, 2, 3));
    }
    gen_set_num(g, 2);
    if (gen_chance(g, 85))
        gen_emit(g, MOV_K(3, (int32_t)gen_below(g, gen_chance(g, 70) ? 4 : 34)));
    else
        gen_emit(g, MOV_X(3, gen_num(g, 0)));
    gen_map_address(g, 1, (uint32_t)map);
    gen_emit(g, CALL(SPEC_HELPER_REDIRECT_MAP));
    gen_called(g);
}
