/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* Programs of which hardware does not take a path: most often nothing has happened before it that
 * stays, so that a driver can leave that path alone to the host. */

bool gen_keeps(const struct gen *g, int base)
{
    if (base >= GEN_REGS)
        return false;
    return (g->pure && g->st.regs[base].kind == GEN_PKT) ||
           ((g->pure || g->quiet) && g->st.regs[base].kind == GEN_VALUE);
}

enum gen_template gen_pure_template(struct gen *g)
{
    static const uint8_t pure[] = {GEN_T_alu,      GEN_T_move,   GEN_T_constant, GEN_T_context,
                                   GEN_T_stack,    GEN_T_spill,  GEN_T_packet,   GEN_T_packet,
                                   GEN_T_lookup,   GEN_T_lookup, GEN_T_value,    GEN_T_csum,
                                   GEN_T_checksum, GEN_T_parse,  GEN_T_branch,   GEN_T_loop,
                                   GEN_T_lock,     GEN_T_helper, GEN_T_call};

    if (g->quiet && gen_chance(g, 40))
        return GEN_T_mix;
    /* functions were made before, and are not pure as a rule */
    return (enum gen_template)pure[gen_below(g, sizeof(pure) - !g->pure_functions)];
}

#define TYPE(name) (UINT64_C(1) << SPEC_MAP_##name)
#define HASHES (TYPE(HASH) | TYPE(PERCPU_HASH))
#define ARRAYS (TYPE(ARRAY) | TYPE(PERCPU_ARRAY))

/* value = value * 31 + something, and into the packet: any other order of packets leaves another
 * value. */
void gen_mix_statement(struct gen *g)
{
    const int map = gen_map_of(g, HASHES | ARRAYS);
    const uint32_t past = gen_label(g);
    const bool locked = map >= 0 && load_has_lock(&g->maps[map]);
    const int t = locked ? -1 : gen_number_of_value(g, map, past);
    int p;

    if (t < 0) {
        gen_bind(g, past);
        return;
    }
    if (!g->quiet && gen_chance(g, 75)) {
        gen_emit(g, ALU64_K(MUL, t, 31));
        gen_emit(g, ALU64_K(ADD, t, gen_const(g)));
        gen_emit(g, STX(DW, 0, 0, t));
    }
    p = gen_packet(g, g->reach, 1u << t, past);
    if (p >= 0 && g->st.regs[p].kind == GEN_PKT && g->st.regs[p].hi - g->st.regs[p].lo >= 8)
        gen_emit(g, STX(DW, p, g->st.regs[p].lo, t));
    gen_bind(g, past);
}

static void call_with_key(struct gen *g, uint32_t map, int32_t key, int32_t helper)
{
    gen_emit(g, MOV_X(2, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, 2, key));
    g->st.regs[2].kind = GEN_NONE;
    gen_map_address(g, 1, map);
    gen_emit(g, CALL(helper));
    gen_called(g);
}

/* A pointer to what is deleted, and whose place others take, is written through. */
void gen_stale_statement(struct gen *g)
{
    const int map = gen_map_of(g, HASHES);
    const uint32_t past = gen_label(g), slots = g->frozen_slots;
    const uint16_t frozen = g->frozen;
    int32_t key;
    int p;

    if (map < 0 || load_has_lock(&g->maps[map]) || !gen_may_call(g))
        goto done;
    key = gen_key(g, (uint32_t)map);
    if (!key)
        goto done;
    gen_freeze_stack(g, key, g->maps[map].key_bytes);
    call_with_key(g, (uint32_t)map, key, SPEC_HELPER_MAP_LOOKUP_ELEM);
    gen_null_check(g, 0, (uint32_t)map, past);
    p = gen_pointer_temp(g, 0x3f);
    if (p < 0)
        goto done;
    gen_copy(g, p, 0);
    g->frozen |= (uint16_t)(1u << p);
    call_with_key(g, (uint32_t)map, key, SPEC_HELPER_MAP_DELETE_ELEM);
    for (uint32_t n = gen_below(g, 4); n; n--) {
        if (gen_chance(g, 50))
            gen_update_call(g, (uint32_t)map, 0);
        else
            gen_lookup_call(g, (uint32_t)map);
        if (gen_chance(g, 50))
            gen_store_to(g, p, 0, 1);
    }
    gen_store_to(g, p, 0, g->maps[map].value_bytes >= 8 ? 8 : 1);
done:
    g->frozen = frozen;
    g->frozen_slots = slots;
    gen_bind(g, past);
}

/* What no hardware has, then anything. */
static void path(struct gen *g)
{
    if (g->st.reached)
        gen_text_statement(g);
    gen_statements(g, gen_below(g, 6));
}

/* Jumps with some packets, by chance or by a byte of theirs; not by what all have. */
static void choose_packets(struct gen *g, uint32_t label)
{
    const int32_t mask = (2 << gen_below(g, 3)) - 1, k = (int32_t)gen_below(g, (uint32_t)mask + 1);
    const uint32_t past = gen_label(g);
    int p = -1, r = 0;

    if (gen_chance(g, 40))
        p = gen_packet(g, 14 + gen_below(g, 20), 1, gen_chance(g, 50) ? label : past);
    if (p >= 0) {
        r = gen_temp(g, 1u << p);
        gen_emit(g, LDX(B, r, p, g->st.regs[p].hi - 1));
    } else if (gen_may_call(g)) {
        gen_emit(g, CALL(SPEC_HELPER_GET_PRANDOM_U32));
        gen_called(g);
    } else {
        gen_condition(g, label);
        goto done;
    }
    gen_set_num(g, r);
    gen_emit(g, ALU64_K(AND, r, mask));
    gen_jump(g, gen_chance(g, 50) ? JMP_K(JNE, r, k, 0) : JMP_K(JEQ, r, k, 0), label);
done:
    gen_bind(g, past);
}

/* What is not the path; at times nothing of it changes a map, so that the path alone does. */
static void other_way(struct gen *g)
{
    g->quiet = gen_chance(g, 30);
    gen_statements(g, gen_below(g, 6));
    g->quiet = false;
}

/* A value that is looked up before the fork, in a register that stays; -1: there is none. */
static int keep_value(struct gen *g)
{
    const int map = gen_map_of(g, HASHES | ARRAYS), t = gen_pointer_temp(g, 0x3f);
    const uint32_t past = gen_label(g);

    if (t >= 0) {
        gen_emit(g, MOV_K(t, gen_const(g)));
        gen_set_num(g, t);
        g->frozen |= (uint16_t)(1u << t);
        if (map >= 0 && gen_lookup_call(g, (uint32_t)map)) {
            gen_null_check(g, 0, (uint32_t)map, past);
            gen_emit(g, LDX(B, t, 0, (int16_t)(g->maps[map].value_bytes - 1)));
        }
    }
    gen_bind(g, past);
    return t;
}

static void tell_value(struct gen *g, int t)
{
    const uint32_t past = gen_label(g);
    const int p = t >= 0 && g->st.reached ? gen_packet(g, 14, 1u << t, past) : -1;

    if (p >= 0 && g->st.regs[p].kind == GEN_PKT && g->st.regs[p].hi > g->st.regs[p].lo)
        gen_emit(g, STX(B, p, g->st.regs[p].lo, t));
    gen_bind(g, past);
}

/* A fork: the path, and the other one. */
static void fork_off(struct gen *g)
{
    const uint32_t other = gen_label(g), past = gen_label(g);
    const bool first = gen_chance(g, 50);

    if (gen_chance(g, 85))
        choose_packets(g, other);
    else
        gen_condition(g, other);
    if (first)
        path(g);
    else
        other_way(g);
    if (g->st.reached)
        gen_goto(g, past);
    gen_bind(g, other);
    if (!first)
        path(g);
    else
        other_way(g);
    gen_bind(g, past);
}

void gen_path_body(struct gen *g)
{
    uint16_t frozen;
    int kept = -1;

    g->left = 4 + gen_below(g, 14);
    g->pure = gen_chance(g, 90);
    gen_statements(g, 1 + gen_below(g, 4));
    g->left += 12;
    g->pure = false;
    frozen = g->frozen;
    if (g->st.reached && gen_chance(g, 50))
        kept = keep_value(g);
    if (g->st.reached)
        fork_off(g);
    tell_value(g, kept);
    g->frozen = frozen;
    if (gen_chance(g, 20) && g->st.reached)
        fork_off(g);
    g->quiet = gen_chance(g, 50);
    gen_statements(g, gen_below(g, 4));
    g->quiet = false;
}
