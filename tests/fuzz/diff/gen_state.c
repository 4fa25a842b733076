/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include "compiler/ebpf/ebpf.h"

#include <assert.h>
#include <string.h>

/* ---- numbers ---- */

uint32_t gen_below(struct gen *g, uint32_t n)
{
    return diff_below(&g->rng, n);
}

bool gen_chance(struct gen *g, uint32_t percent)
{
    return gen_below(g, 100) < percent;
}

int32_t gen_const(struct gen *g)
{
    static const int32_t usual[] = {
        0,      1,      2,      3,      4,         7,         8,
        15,     16,     31,     32,     63,        64,        127,
        128,    255,    256,    0x7fff, 0x8000,    0xffff,    0x10000,
        0x0800, 0x0008, 0x86dd, 0x8100, INT32_MAX, INT32_MIN, INT32_MIN + 1,
        -1,     -2,     -8,     -128,   -129,      -32768,    0x12345678};

    if (gen_chance(g, 65))
        return usual[gen_below(g, sizeof(usual) / sizeof(*usual))];
    return (int32_t)diff_next(&g->rng) >> gen_below(g, 32);
}

uint64_t gen_const64(struct gen *g)
{
    static const uint64_t usual[] = {0x80000000u,         0xffffffffu,         0x100000000u,
                                     0x7fffffffffffffffu, 0x8000000000000000u, 0x8000000000000001u,
                                     0xffffffff80000000u, 0xffffffff00000000u, 0x00ff00ff00ff00ffu};

    if (gen_chance(g, 30))
        return usual[gen_below(g, sizeof(usual) / sizeof(*usual))];
    if (gen_chance(g, 30))
        return (uint64_t)(int64_t)gen_const(g);
    return diff_next(&g->rng) >> gen_below(g, 64);
}

uint32_t gen_size(struct gen *g)
{
    return 1u << gen_below(g, 4);
}

uint8_t gen_size_code(uint32_t bytes)
{
    switch (bytes) {
    case 1:
        return EBPF_SIZE_B;
    case 2:
        return EBPF_SIZE_H;
    case 4:
        return EBPF_SIZE_W;
    default:
        return EBPF_SIZE_DW;
    }
}

/* ---- what is known ---- */

/* What is known on both ways to a place. */
static struct gen_val meet(struct gen_val a, struct gen_val b)
{
    if (a.kind != b.kind)
        return (struct gen_val){.kind = GEN_NONE};
    switch ((enum gen_kind)a.kind) {
    case GEN_VALUE:
        if (a.map != b.map)
            return (struct gen_val){.kind = GEN_NONE};
        /* fall through */
    case GEN_PKT:
    case GEN_BUF:
        a.phase = a.phase == b.phase ? a.phase : (uint8_t)GEN_NO_PHASE;
        a.lo = a.lo > b.lo ? a.lo : b.lo;
        a.hi = a.hi < b.hi ? a.hi : b.hi;
        a.span = a.span > b.span ? a.span : b.span;
        return a;
    case GEN_NONE:
    case GEN_NUM:
    case GEN_CTX:
    case GEN_END:
        break;
    }
    return a;
}

static void meet_state(struct gen_state *a, const struct gen_state *b)
{
    if (!b->reached)
        return;
    if (!a->reached) {
        *a = *b;
        return;
    }
    for (int r = 0; r < GEN_REGS; r++)
        a->regs[r] = meet(a->regs[r], b->regs[r]);
    for (int s = 0; s < GEN_SLOTS; s++) {
        a->slots[s].bytes &= b->slots[s].bytes;
        a->slots[s].ptr = meet(a->slots[s].ptr, b->slots[s].ptr);
    }
}

/* ---- code ---- */

void gen_emit(struct gen *g, struct ebpf_insn i)
{
    assert(g->insn_count < GEN_INSNS - 2);
    g->insns[g->insn_count++] = i;
    g->cost += g->times;
}

uint32_t gen_label(struct gen *g)
{
    struct gen_label *l = &g->labels[g->label_count];

    assert(g->label_count < GEN_LABELS);
    l->at = -1;
    l->used = false;
    l->state.reached = false;
    return g->label_count++;
}

void gen_jump(struct gen *g, struct ebpf_insn i, uint32_t label)
{
    struct gen_label *l = &g->labels[label];

    g->jumps[g->jump_count].insn = g->insn_count;
    g->jumps[g->jump_count++].label = label;
    gen_emit(g, i);
    l->used = true;
    if (g->in_loop && !ebpf_is_goto(&i))
        g->branches += g->times;
    if (l->at < 0)
        meet_state(&l->state, &g->st);
}

void gen_goto(struct gen *g, uint32_t label)
{
    if (!g->st.reached)
        return;
    gen_jump(g, gen_chance(g, 85) ? GOTO(0) : GOTOL(0), label);
    g->st.reached = false;
}

void gen_bind(struct gen *g, uint32_t label)
{
    struct gen_label *l = &g->labels[label];

    assert(l->at < 0);
    l->at = (int32_t)g->insn_count;
    meet_state(&g->st, &l->state);
}

void gen_bind_head(struct gen *g, uint32_t label)
{
    g->labels[label].at = (int32_t)g->insn_count;
}

void gen_exit(struct gen *g)
{
    gen_emit(g, EXIT());
    g->st.reached = false;
}

/* ---- registers ---- */

static bool is_pointer(const struct gen_val *v)
{
    return v->kind > GEN_NUM;
}

/* The register may be overwritten with a number. */
static bool may_write(const struct gen *g, int r)
{
    return !(g->frozen >> r & 1) && !(g->fixed >> r & 1 && is_pointer(&g->st.regs[r]));
}

int gen_find(struct gen *g, enum gen_kind kind, uint32_t avoid)
{
    int found[GEN_REGS];
    uint32_t n = 0;

    for (int r = 0; r < GEN_REGS; r++)
        if (g->st.regs[r].kind == kind && !(avoid >> r & 1))
            found[n++] = r;
    return n ? found[gen_below(g, n)] : -1;
}

int gen_temp(struct gen *g, uint32_t avoid)
{
    int plain[GEN_REGS], any[GEN_REGS];
    uint32_t plains = 0, anys = 0;
    int r;

    for (r = 0; r < GEN_REGS; r++) {
        if (avoid >> r & 1 || !may_write(g, r))
            continue;
        any[anys++] = r;
        if (!is_pointer(&g->st.regs[r]))
            plain[plains++] = r;
    }
    assert(anys);
    r = plains && gen_chance(g, 92) ? plain[gen_below(g, plains)] : any[gen_below(g, anys)];
    if (!(g->fixed >> r & 1))
        g->st.regs[r].kind = GEN_NONE;
    return r;
}

int gen_pointer_temp(struct gen *g, uint32_t avoid)
{
    int r;

    for (r = 0; r < GEN_REGS; r++)
        if (!(avoid >> r & 1) && may_write(g, r) && !(g->fixed >> r & 1))
            break;
    if (r == GEN_REGS)
        return -1;
    return gen_temp(g, avoid | g->fixed);
}

int gen_num(struct gen *g, uint32_t avoid)
{
    int r = gen_find(g, GEN_NUM, avoid);

    if (r >= 0)
        return r;
    r = gen_temp(g, avoid);
    gen_emit(g, MOV_K(r, gen_const(g)));
    gen_set_num(g, r);
    return r;
}

void gen_set(struct gen *g, int r, struct gen_val v)
{
    g->st.regs[r] = v;
}

void gen_set_num(struct gen *g, int r)
{
    g->st.regs[r] = (struct gen_val){.kind = GEN_NUM};
}

void gen_copy(struct gen *g, int dst, int src)
{
    if (dst == src)
        return;
    gen_emit(g, MOV_X(dst, src));
    g->st.regs[dst] = g->st.regs[src];
}

void gen_add_const(struct gen *g, int r, int32_t c)
{
    struct gen_val *v = &g->st.regs[r];

    if (gen_chance(g, 80))
        gen_emit(g, ALU64_K(ADD, r, c));
    else
        gen_emit(g, ALU64_K(SUB, r, -c));
    v->lo = (int16_t)(v->lo - c);
    v->hi = (int16_t)(v->hi - c);
    if (v->phase != GEN_NO_PHASE)
        v->phase = (uint8_t)((v->phase + c) & 7);
}

void gen_called(struct gen *g)
{
    gen_set_num(g, 0);
    for (int r = 1; r <= 5; r++)
        g->st.regs[r].kind = GEN_NONE;
}

void gen_forget_packet(struct gen *g)
{
    for (int r = 0; r < GEN_REGS; r++)
        if (g->st.regs[r].kind == GEN_PKT || g->st.regs[r].kind == GEN_END)
            g->st.regs[r].kind = GEN_NONE;
    for (int s = 0; s < GEN_SLOTS; s++)
        if (g->st.slots[s].ptr.kind == GEN_PKT || g->st.slots[s].ptr.kind == GEN_END)
            g->st.slots[s].ptr.kind = GEN_NONE;
}

bool gen_may_call(const struct gen *g)
{
    /* r0 to r5 are free: neither frozen nor pointers that a loop needs */
    return !g->no_calls && !(g->frozen & 0x3f);
}

int gen_ctx(struct gen *g, uint32_t avoid)
{
    int r = gen_find(g, GEN_CTX, 0);

    if (r >= 0 && gen_chance(g, 90))
        return r;
    if (g->ctx_slot >= 0) {
        r = gen_pointer_temp(g, avoid);
        if (r < 0)
            return -1;
        gen_emit(g, LDX(DW, r, EBPF_REG_FP, -8 * (g->ctx_slot + 1)));
        gen_set(g, r, (struct gen_val){.kind = GEN_CTX});
        return r;
    }
    return g->ctx_reg >= 0 ? g->ctx_reg : r;
}
