/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Stack memory becomes values.
 *
 * needs: nothing. keeps: control flow. makes: phis, shifts and masks where accesses overlap in
 * part.
 *
 * The bytes that some access reaches at a run-time offset stay in memory. The others are cut at
 * every start and end of an access into atoms of at most 8 bytes; each atom is a variable. A store
 * writes all its atoms, a load puts its atoms together; bytes that nobody wrote read as 0, which
 * the verifier lets no program see. */

enum { STACK = SPEC_STACK_BYTES, MAX_PIECES = 8 };

struct atom {
    int32_t first;
    uint32_t bytes;
    struct opt_var var;
};

struct promotion {
    struct ir_func *f;
    struct arena *scratch;
    bool memory[STACK];  /* stays in memory */
    bool cut[STACK + 1]; /* an access starts or ends here */
    bool used[STACK];
    int32_t atom_at[STACK]; /* of each byte; -1: none */
    struct atom *atoms;
    uint32_t atom_count;
    ir_ref *replaced; /* by load: its value */
    uint32_t replaced_capacity;
};

static bool is_stack_access(const struct ir_insn *in)
{
    return (in->op == IR_LOAD || in->op == IR_STORE) && in->region == IR_REGION_STACK;
}

/* Can this access become values? All of its bytes are outside of memory then. */
static bool is_promoted(const struct promotion *p, const struct ir_insn *in)
{
    if (!is_stack_access(in) || in->off_min != in->off_max)
        return false;
    for (int32_t i = 0; i < in->size; i++)
        if (p->memory[in->off_min + i])
            return false;
    return true;
}

/* Looks at all stack accesses once; true if more bytes have to stay in memory. */
static bool survey(struct promotion *p)
{
    const struct ir_func *f = p->f;
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            if (!is_stack_access(in) || is_promoted(p, in))
                continue;
            for (int32_t at = in->off_min; at < in->off_max + in->size; at++) {
                changed |= !p->memory[at];
                p->memory[at] = true;
            }
        }
    }
    return changed;
}

static void make_atoms(struct promotion *p)
{
    const struct ir_func *f = p->f;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            if (!is_promoted(p, in))
                continue;
            p->cut[in->off_min] = p->cut[in->off_min + in->size] = true;
            for (int32_t k = 0; k < in->size; k++)
                p->used[in->off_min + k] = true;
        }
    }
    p->atoms = arena_array(p->scratch, STACK, sizeof(*p->atoms));
    for (int32_t at = 0; at < STACK; at++) {
        p->atom_at[at] = -1;
        if (!p->used[at])
            continue;
        if (p->cut[at]) {
            p->atoms[p->atom_count++] = (struct atom){at, 0, opt_var_make(f, p->scratch)};
        }
        p->atoms[p->atom_count - 1].bytes++;
        p->atom_at[at] = (int32_t)p->atom_count - 1;
    }
}

/* Puts arithmetic into a block, at *position, which moves on. */
static ir_ref insert_alu(struct promotion *p, ir_block b, uint32_t *position, enum spec_alu alu,
                         ir_ref x, ir_ref y, uint32_t pc)
{
    const struct ir_insn in = {.op = IR_ALU, .alu = (uint8_t)alu, .width = 64, .pc = pc};
    const ir_ref args[2] = {x, y};
    const ir_ref r = ir_new(p->f, in, args, spec_alu_table[alu].arity);

    ir_insert(p->f, b, (*position)++, r);
    return r;
}

/* opt_const may put a constant before the position in the entry. */
static ir_ref constant(struct promotion *p, ir_block b, uint32_t *position, uint64_t v)
{
    const uint32_t before = p->f->blocks[b].count;
    const ir_ref r = opt_const(p->f, v);

    *position += p->f->blocks[b].count - before;
    return r;
}

/* Bytes from .. from + bytes - 1 of a value that has `whole` bytes. */
static ir_ref extract(struct promotion *p, ir_block b, uint32_t *position, ir_ref v, uint32_t from,
                      uint32_t bytes, uint32_t pc)
{
    if (from)
        v = insert_alu(p, b, position, SPEC_ALU_LSHR, v, constant(p, b, position, 8 * from), pc);
    if (bytes < 8)
        v = insert_alu(p, b, position, SPEC_ALU_AND, v,
                       constant(p, b, position, opt_low_bytes(UINT64_MAX, bytes)), pc);
    return v;
}

static ir_ref swap_value(struct promotion *p, ir_block b, uint32_t *position, ir_ref v,
                         uint32_t bytes, uint32_t pc)
{
    v = insert_alu(p, b, position, SPEC_ALU_BSWAP64, v, IR_NONE, pc);
    if (bytes < 8)
        v = insert_alu(p, b, position, SPEC_ALU_LSHR, v, constant(p, b, position, 64 - 8 * bytes),
                       pc);
    return v;
}

/* Records what a store writes; the store itself goes later. */
static void take_store(struct promotion *p, ir_block b, uint32_t *position, ir_ref store)
{
    const struct ir_insn in = p->f->insns[store];
    ir_ref v = in.args[1];

    if (in.swap)
        v = swap_value(p, b, position, v, in.size, in.pc);
    for (int32_t at = in.off_min; at < in.off_min + in.size;) {
        struct atom *a = &p->atoms[p->atom_at[at]];

        a->var.at_exit[b] =
            extract(p, b, position, v, (uint32_t)(at - in.off_min), a->bytes, in.pc);
        at += (int32_t)a->bytes;
    }
}

static ir_ref take_load(struct promotion *p, ir_block b, uint32_t *position, ir_ref load,
                        const ir_ref *now)
{
    const struct ir_insn in = p->f->insns[load];
    ir_ref v = IR_NONE;

    for (int32_t at = in.off_min; at < in.off_min + in.size;) {
        const int32_t i = p->atom_at[at];
        const uint32_t before = p->f->blocks[b].count;
        ir_ref part = now[i];

        if (part == IR_NONE)
            part = opt_var_at_entry(p->f, &p->atoms[i].var, b);
        *position += p->f->blocks[b].count - before; /* a phi at the head */
        if (at > in.off_min)
            part = insert_alu(p, b, position, SPEC_ALU_SHL, part,
                              constant(p, b, position, 8 * (uint64_t)(at - in.off_min)), in.pc);
        v = v == IR_NONE ? part : insert_alu(p, b, position, SPEC_ALU_OR, v, part, in.pc);
        at += (int32_t)p->atoms[i].bytes;
    }
    return in.swap ? swap_value(p, b, position, v, in.size, in.pc) : v;
}

/* The values that each store leaves, instruction by instruction, are needed twice: at the block's
 * end, and for loads behind it. So stores are taken first for all blocks, and noted. */
struct note {
    ir_ref store;
    ir_ref *values; /* one an atom of the store */
};

static ir_ref *note_values(struct promotion *p, ir_block b, ir_ref store)
{
    const struct ir_insn *in = &p->f->insns[store];
    ir_ref *values = arena_array(p->scratch, MAX_PIECES, sizeof(*values));
    uint32_t n = 0;

    for (int32_t at = in->off_min; at < in->off_min + in->size;) {
        const struct atom *a = &p->atoms[p->atom_at[at]];

        values[n++] = a->var.at_exit[b];
        at += (int32_t)a->bytes;
    }
    return values;
}

static void take_stores(struct promotion *p, ir_ref **values)
{
    struct ir_func *f = p->f;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];

            if (f->insns[r].op != IR_STORE || !is_promoted(p, &f->insns[r]))
                continue;
            take_store(p, b, &i, r);
            values[r] = note_values(p, b, r);
        }
    }
}

static void take_loads(struct promotion *p, ir_ref **values, uint32_t values_count)
{
    struct ir_func *f = p->f;
    ir_ref *now = arena_array(p->scratch, p->atom_count, sizeof(*now));

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < p->atom_count; i++)
            now[i] = IR_NONE;
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];
            const struct ir_insn *in = &f->insns[r];

            if (!is_promoted(p, in))
                continue;
            if (in->op == IR_LOAD) {
                p->replaced[r] = take_load(p, b, &i, r, now);
            } else if (r < values_count && values[r]) {
                uint32_t n = 0;

                for (int32_t at = in->off_min; at < in->off_min + in->size;) {
                    const int32_t a = p->atom_at[at];

                    now[a] = values[r][n++];
                    at += (int32_t)p->atoms[a].bytes;
                }
            }
        }
    }
}

/* A load's value may itself be a load that was replaced; operands follow the chain to its end. */
static void finish(struct promotion *p, uint32_t count)
{
    struct ir_func *f = p->f;
    ir_ref *to = arena_array(p->scratch, f->insn_count, sizeof(*to));

    for (ir_ref r = 1; r < count; r++)
        to[r] = p->replaced[r];
    opt_substitute(f, to);
    for (ir_ref r = 1; r < count; r++)
        if (f->insns[r].block != IR_NO_BLOCK && is_promoted(p, &f->insns[r]))
            f->insns[r].op = IR_NOP;
    ir_compact(f);
}

/* The stack bytes that memory accesses still reach. */
static bool shrink_stack(struct ir_func *f)
{
    uint32_t bytes = 0;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];
            const uint32_t end = (uint32_t)in->off_max + in->size;

            if (is_stack_access(in) && end > bytes)
                bytes = end;
        }
    }
    bytes = (bytes + 7) & ~7u;
    if (bytes == f->stack_bytes)
        return false;
    f->stack_bytes = bytes;
    return true;
}

bool opt_promote(struct ir_func *f, struct arena *scratch)
{
    struct promotion *p = arena_alloc(scratch, sizeof(*p));
    const uint32_t count = f->insn_count;
    ir_ref **values;

    *p = (struct promotion){.f = f, .scratch = scratch};
    while (survey(p))
        ;
    make_atoms(p);
    if (p->atom_count == 0)
        return shrink_stack(f);
    values = arena_array(scratch, count, sizeof(*values));
    p->replaced = arena_array(scratch, count, sizeof(*p->replaced));
    take_stores(p, values);
    take_loads(p, values, count);
    finish(p, count);
    shrink_stack(f);
    return true;
}
