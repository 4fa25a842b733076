/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

/* Which maps need ordering tokens: those whose contents packets could see differently if they did
 * not run one after the other. A map that is only read needs none. Nor does one that is only
 * changed by atomic operations without fetch that commute with each other, if nobody reads the
 * values. */

struct usage {
    bool read;      /* values loaded, or fetched */
    bool written;   /* stored to, updated, deleted; or changed by operations that do not commute */
    uint8_t atomic; /* the one kind and size of atomics that change it so far, 0: none */
};

static void use_atomic(struct usage *u, const struct ir_insn *in)
{
    const uint8_t kind = (uint8_t)(in->atomic << 4 | in->size);

    if (in->fetch)
        u->read = true;
    if (in->atomic == SPEC_ATOMIC_XCHG || in->atomic == SPEC_ATOMIC_CMPXCHG ||
        (u->atomic != 0 && u->atomic != kind))
        u->written = true;
    u->atomic = kind;
}

static void use(struct usage *u, const struct ir_insn *in)
{
    switch ((enum ir_op)in->op) {
    case IR_LOAD:
        u->read = true;
        break;
    case IR_STORE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        u->written = true;
        break;
    case IR_ATOMIC:
        use_atomic(u, in);
        break;
    default: /* look-ups see which keys there are: only updates and deletes change that */
        break;
    }
}

static bool touches_map(const struct ir_insn *in)
{
    return in->op == IR_MAP_LOOKUP || in->op == IR_MAP_UPDATE || in->op == IR_MAP_DELETE ||
           ((in->op == IR_LOAD || in->op == IR_STORE || in->op == IR_ATOMIC) &&
            in->region == IR_REGION_MAP);
}

void mach_tokens(struct mach *m)
{
    const struct ir_func *f = m->ir;
    struct usage *usage = arena_array(m->arena, f->map_count + 1, sizeof(*usage));

    for (uint32_t b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            if (!touches_map(in))
                continue;
            if (in->map != IR_MAP_ANY) {
                use(&usage[in->map], in);
                continue;
            }
            for (uint32_t map = 0; map < f->map_count; map++)
                use(&usage[map], in);
        }
    }
    m->map_tokens = arena_array(m->arena, f->map_count + 1, sizeof(*m->map_tokens));
    m->tokens = 0;
    for (uint32_t map = 0; map < f->map_count; map++) {
        if (usage[map].written || (usage[map].atomic != 0 && usage[map].read))
            m->map_tokens[map] = (uint8_t)(1u << (map % SPEC_TOKENS));
        m->tokens |= m->map_tokens[map];
    }
}
