/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* Programs of which hardware does not take a path: most often nothing has happened before it that
 * stays, so that a driver can leave that path alone to the host. */

bool gen_keeps(const struct gen *g, int base)
{
    return g->pure && base < GEN_REGS &&
           (g->st.regs[base].kind == GEN_PKT || g->st.regs[base].kind == GEN_VALUE);
}

enum gen_template gen_pure_template(struct gen *g)
{
    static const uint8_t pure[] = {GEN_T_alu,      GEN_T_move,   GEN_T_constant, GEN_T_context,
                                   GEN_T_stack,    GEN_T_spill,  GEN_T_packet,   GEN_T_packet,
                                   GEN_T_lookup,   GEN_T_lookup, GEN_T_value,    GEN_T_csum,
                                   GEN_T_checksum, GEN_T_parse,  GEN_T_branch,   GEN_T_loop,
                                   GEN_T_lock,     GEN_T_helper, GEN_T_call};

    /* functions were made before, and are not pure as a rule */
    return (enum gen_template)pure[gen_below(g, sizeof(pure) - !g->pure_functions)];
}

/* What no hardware has, then anything. */
static void path(struct gen *g)
{
    if (g->st.reached)
        gen_text_statement(g);
    gen_statements(g, 1 + gen_below(g, 5));
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
        gen_statements(g, gen_below(g, 6));
    if (g->st.reached)
        gen_goto(g, past);
    gen_bind(g, other);
    if (!first)
        path(g);
    else
        gen_statements(g, gen_below(g, 6));
    gen_bind(g, past);
}

void gen_path_body(struct gen *g)
{
    g->left = 4 + gen_below(g, 14);
    g->pure = gen_chance(g, 90);
    gen_statements(g, 1 + gen_below(g, 4));
    g->left += 12;
    g->pure = false;
    if (g->st.reached)
        fork_off(g);
    if (gen_chance(g, 20) && g->st.reached)
        fork_off(g);
    gen_statements(g, gen_below(g, 4));
}
