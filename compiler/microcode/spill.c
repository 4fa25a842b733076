/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <errno.h>

/* Registers that found no place live in the stack memory, above what the program uses of it: stored
 * after each definition, loaded before each use. Constants are made again instead. */

enum { LANE_STACK = 1 << 2, SLOT_BYTES = 8 };

struct spill {
    struct mach *m;
    const struct bitset *regs;
    int32_t *slot; /* by register; 0: made again */
    uint32_t old_count;
};

static bool is_spilled(const struct spill *s, mach_reg reg)
{
    return reg != 0 && reg < s->old_count && bitset_has(s->regs, reg);
}

/* A value that one operation without operands gives. */
static bool is_constant(const struct mach *m, mach_reg reg)
{
    const struct mach_vreg *v = &m->vregs[reg];
    const struct mach_op *op;

    if (v->defs != 1)
        return false;
    op = &m->ops[v->def];
    return op->a == 0 &&
           ((op->op == SPEC_ALU_ADD && op->bimm) || op->op == UCODE_MOVHI || op->op == UCODE_IN);
}

static struct mach_op slot_op(uint8_t code, int32_t slot, uint32_t pc)
{
    return (struct mach_op){.op = code,
                            .size = SLOT_BYTES,
                            .imm = slot,
                            .mem = MACH_MEM_STACK,
                            .low = slot,
                            .high = slot + SLOT_BYTES,
                            .store = code == UCODE_STSTK,
                            .effect = code == UCODE_STSTK,
                            .pc = pc};
}

static mach_reg fresh(struct mach *m, uint8_t lanes)
{
    const mach_reg reg = mach_new_reg(m, lanes);

    m->vregs[reg].no_spill = true;
    return reg;
}

/* A register that holds the value before position *at of a block. */
static mach_reg reload(struct spill *s, uint32_t block, uint32_t *at, mach_reg reg, uint32_t pc)
{
    struct mach *m = s->m;
    struct mach_op op;

    if (s->slot[reg] == 0) {
        op = m->ops[m->vregs[reg].def];
        op.dst = fresh(m, MACH_ALL_LANES);
    } else {
        op = slot_op(UCODE_LDSTK, s->slot[reg] - 1, pc);
        op.dst = fresh(m, LANE_STACK);
    }
    mach_insert(m, block, (*at)++, mach_new_op(m, op));
    return op.dst;
}

static void spill_uses(struct spill *s, uint32_t block, uint32_t *at, uint32_t op)
{
    const struct mach_op now = s->m->ops[op];
    mach_reg a = now.a;
    mach_reg b = now.b;

    if (is_spilled(s, a))
        a = reload(s, block, at, now.a, now.pc);
    if (!now.bimm && is_spilled(s, b))
        b = now.b == now.a ? a : reload(s, block, at, now.b, now.pc);
    s->m->ops[op].a = a;
    s->m->ops[op].b = b;
}

static void spill_block(struct spill *s, uint32_t block)
{
    struct mach *m = s->m;

    for (uint32_t k = 0; k < m->blocks[block].count; k++) {
        const uint32_t at = m->blocks[block].ops[k];
        const mach_reg dst = m->ops[at].dst;

        spill_uses(s, block, &k, at);
        if (!is_spilled(s, dst) || s->slot[dst] == 0)
            continue;
        m->ops[at].dst = fresh(m, m->vregs[dst].lanes);
        mach_insert(m, block, ++k,
                    mach_new_op(m, slot_op(UCODE_STSTK, s->slot[dst] - 1, m->ops[at].pc)));
        m->ops[m->blocks[block].ops[k]].b = m->ops[at].dst;
    }
    if (m->blocks[block].last != MACH_NONE) {
        uint32_t end = m->blocks[block].count;

        spill_uses(s, block, &end, m->blocks[block].last);
    }
}

int mach_spill(struct mach *m, const struct bitset *regs)
{
    struct spill s = {.m = m, .regs = regs, .old_count = m->vreg_count};

    s.slot = arena_array(m->arena, m->vreg_count, sizeof(*s.slot));
    for (uint32_t v = 1; v < s.old_count; v++) {
        if (!bitset_has(regs, v) || is_constant(m, v))
            continue;
        m->stack_bytes = (m->stack_bytes + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;
        if (m->stack_bytes + SLOT_BYTES > SPEC_STACK_BYTES) {
            diag_add(
                m->sink, DIAG_ERROR, "UCODE0003", DIAG_NOWHERE,
                "%s: more values live at once than the core's %d registers and %d bytes of stack "
                "memory hold; keep fewer values in use at one place",
                m->ir->name, SPEC_REGS, SPEC_STACK_BYTES);
            return -ENOTSUP;
        }
        s.slot[v] = (int32_t)m->stack_bytes + 1;
        m->stack_bytes += SLOT_BYTES;
    }
    for (uint32_t i = 0; i < m->rpo_count; i++)
        spill_block(&s, m->rpo[i]);
    mach_remove_dead(m);
    return 0;
}
