/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* How to iterate: one path at a time, depth first; at a jump that may go both ways the taken side
 * waits. Where paths may meet, states are kept, and a path that comes with no more than what was
 * explored from there ends. */

enum {
    /* A state is kept if so much happened since the one before, on whatever path: jumps and
       instructions, on the way round a loop more (as Linux counts). If each path had its own
       counts, ways round a loop that branch often would each be too short to leave a state to meet.
     */
    KEEP_JUMPS = 1,
    KEEP_INSNS = 1,
    KEEP_LOOP_JUMPS = 20,
    KEEP_LOOP_INSNS = 100,
    /* ... or if it was reached once for each so many that were kept there: always at first, so that
       loops of few rounds and many ways meet, and rarely in long loops. */
    KEEP_LOOP_RARER = 256,
    /* A kept state that covered nobody so often is not looked at again. */
    MISSES_FREE = 1024,
    MISSES_A_HIT = 3,
};

/* ---- checkpoints ---- */

/* Nobody will compare with it again. */
static void drop_checkpoint(struct verifier *v, struct checkpoint *c)
{
    verify_release(v, c->kept);
    c->kept = NULL;
}

static struct checkpoint *new_checkpoint(struct verifier *v)
{
    struct checkpoint *c = arena_alloc(v->scratch, sizeof(*c));

    if (v->loop_count) {
        c->trips = arena_array(v->scratch, v->loop_count, sizeof(*c->trips));
        c->trips_left = arena_array(v->scratch, v->loop_count, sizeof(*c->trips_left));
    }
    v->result->states++;
    return c;
}

static void renew_node(struct verifier *v, struct reg *r)
{
    if (r->type == REG_SCALAR)
        r->node = verify_node_after(v, r->node);
}

/* Numbers that matter from here on are told apart from what they were made of. */
static void renew_nodes(struct verifier *v)
{
    for (uint32_t d = 0; d <= v->cur.depth; d++) {
        struct frame *f = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            renew_node(v, &f->regs[r]);
        for (uint32_t i = 0; i < f->slot_count; i++)
            if (f->slots[i].kind[0] == SLOT_SPILL)
                renew_node(v, &f->slots[i].reg);
    }
}

/* Registers that nothing reads any more say nothing. */
static void forget_dead(struct verifier *v)
{
    const uint16_t live = v->live[v->cur.insn];

    for (uint32_t r = 0; r < EBPF_REG_FP; r++)
        if (!(live >> r & 1))
            *cur_reg(v, r) = (struct reg){0};
}

static void keep_here(struct verifier *v)
{
    struct state *s = &v->cur;
    struct checkpoint *c = new_checkpoint(v);

    forget_dead(v);
    renew_nodes(v);
    c->parent = s->parent;
    c->pending = 1;
    memcpy(c->written, s->written, sizeof(c->written));
    if (v->loop_count) {
        memcpy(c->trips, s->trips, v->loop_count * sizeof(*c->trips));
        memset(s->trips, 0, v->loop_count * sizeof(*s->trips));
    }
    memset(s->written, 0, sizeof(s->written));
    s->parent = c;
    v->jumps = 0;
    v->insns = 0;
    v->places[s->insn].kept++;
    v->places[s->insn].arrivals = 0;
    c->kept = verify_keep(v);
    c->next = v->points[s->insn];
    v->points[s->insn] = c;
}

/* The current path is at its end; left is what the one that covers it had before it. */
static void end_path(struct verifier *v, const uint32_t *left)
{
    struct checkpoint *c = v->cur.parent;

    verify_trips_add(v, c, v->cur.trips, left);
    while (--c->pending == 0) {
        struct checkpoint *parent = c->parent;

        if (!parent)
            break;
        verify_trips_add(v, parent, c->trips, c->trips_left);
        c = parent;
    }
    v->done = true;
}

static bool is_useless(const struct checkpoint *c)
{
    return c->misses > MISSES_FREE + c->hits * MISSES_A_HIT;
}

/* Looks for a state that covers the current one. 0, or -EACCES for an endless loop. */
static int meet(struct verifier *v, bool *in_loop)
{
    struct checkpoint **link = &v->points[v->cur.insn];

    *in_loop = false;
    while (*link) {
        struct checkpoint *c = *link;

        if (c->pending && verify_calls_back(insn_at(v, v->cur.insn))) {
            if (verify_round_includes(v, c)) {
                c->hits++;
                verify_join_round(v, c);
                verify_log_text(v, "%u: no more than in a round before\n", v->cur.insn);
                end_path(v, c->trips_left);
                return 0;
            }
        } else if (c->pending) {
            *in_loop = true;
            if (verify_equals(v, c))
                return verify_reject(v, "VFY0090", v->cur.insn,
                                     "endless loop: this instruction is reached again, and nothing "
                                     "has changed that could end the loop; "
                                     "count its rounds and leave after a constant number of them");
        } else if (verify_includes(v, c)) {
            c->hits++;
            verify_join(v, c);
            verify_log_text(v, "%u: safe, as explored before\n", v->cur.insn);
            end_path(v, c->trips_left);
            return 0;
        }
        c->misses++;
        if (!is_useless(c)) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        drop_checkpoint(v, c);
    }
    return 0;
}

/* Whether the state is kept where the path has come to. */
static bool is_worth_keeping(const struct verifier *v, bool in_loop)
{
    const struct place *p = &v->places[v->cur.insn];

    if (in_loop)
        return v->jumps >= KEEP_LOOP_JUMPS || v->insns >= KEEP_LOOP_INSNS ||
               p->arrivals >= p->kept / KEEP_LOOP_RARER;
    return !v->points[v->cur.insn] || (v->jumps >= KEEP_JUMPS && v->insns >= KEEP_INSNS);
}

/* What happens when a path comes to an instruction, before it runs. */
static int arrive(struct verifier *v)
{
    const struct state *s = &v->cur;
    bool in_loop;
    int err;

    if (!v->joins[s->insn])
        return 0;
    verify_trips_enter(v, s->insn);
    err = meet(v, &in_loop);
    if (err || v->done)
        return err;
    v->places[s->insn].arrivals++;
    if (verify_calls_back(insn_at(v, s->insn)) /* every round */ || is_worth_keeping(v, in_loop))
        keep_here(v);
    return 0;
}

/* ---- paths ---- */

int verify_wait(struct verifier *v, uint32_t jump)
{
    struct kept *k;

    if (v->waiting_count == MAX_BRANCHES)
        return verify_reject(v, "VFY0092", jump,
                             "%d branches wait to be explored at one time: the program is too "
                             "complex; split it, or use "
                             "fewer conditions in long loops",
                             MAX_BRANCHES);
    k = verify_keep(v);
    k->jump = jump;
    k->next = v->waiting;
    v->waiting = k;
    v->waiting_count++;
    v->cur.parent->pending++;
    return 0;
}

static bool is_tail_call(const struct ebpf_insn *i)
{
    return ebpf_is_helper_call(i) && i->imm == SPEC_HELPER_TAIL_CALL;
}

/* Takes up the branch that was left last. */
static void resume(struct verifier *v)
{
    struct kept *k = v->waiting;

    v->waiting = k->next;
    v->waiting_count--;
    verify_restore(v, k);
    if (verify_calls_back(insn_at(v, k->jump))) {
        verify_enter_callback(v, k->jump);
    } else if (is_tail_call(insn_at(v, k->jump))) {
        verify_tail_ended(v, k->jump);
    } else if (ebpf_is_helper_call(insn_at(v, k->jump))) {
        verify_helper_failed(v, k->jump);
    } else {
        v->cur.insn = (uint32_t)ebpf_target(insn_at(v, k->jump), k->jump);
        verify_jump_side(v, k->jump, true);
    }
    verify_log_way(v, &k->jump);
    verify_release(v, k);
    v->done = false;
}

static int step(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (ebpf_is_alu(i))
        return verify_alu(v, at);
    if (ebpf_is_ld_imm64(i))
        return verify_ld_imm64(v, at);
    if (ebpf_is_load(i))
        return verify_load(v, at);
    if (ebpf_is_atomic(i))
        return verify_atomic(v, at);
    if (ebpf_is_store(i))
        return verify_store(v, at);
    if (ebpf_is_exit(i))
        return verify_exit(v, at);
    if (ebpf_is_subprog_call(i))
        return verify_call(v, at);
    if (ebpf_is_call(i))
        return verify_helper(v, at);
    if (!ebpf_is_goto(i))
        return verify_jump(v, at);
    v->cur.insn = (uint32_t)ebpf_target(i, at);
    v->jumps++;
    return 0;
}

/* Runs the instruction that the current path is at. */
static int advance(struct verifier *v)
{
    const uint32_t at = v->cur.insn;
    struct verify_fact *fact = verify_fact_at(v, at);
    int err;

    if (++v->result->processed > v->max_insns)
        return verify_reject(v, "VFY0091", at,
                             "%llu instructions were processed on all paths, the most that are "
                             "allowed: a loop has too many "
                             "rounds, or its end depends on data; bound it by a smaller constant, "
                             "or split the program",
                             (unsigned long long)v->max_insns);
    if (v->observer)
        v->observer->before(v->observer->ctx, v, at);
    v->insns++;
    v->cur.insn = at + ebpf_slots(insn_at(v, at));
    verify_log_insn(v, at);
    err = fact->reached ? 0 : verify_form(v, at);
    if (!err)
        err = step(v, at);
    verify_log_state(v, at);
    fact->reached = true;
    if (!err && v->done)
        end_path(v, NULL);
    return err;
}

static void start(struct verifier *v)
{
    struct state *s = &v->cur;

    for (uint32_t d = 0; d < SPEC_CALL_FRAMES; d++)
        s->frames[d].slots = arena_array(v->scratch, STACK_SLOTS, sizeof(struct slot));
    if (v->loop_count)
        s->trips = arena_array(v->scratch, v->loop_count, sizeof(*s->trips));
    s->insn = v->prog->subprogs[v->entry].start;
    s->frames[0].context = verify_context_for(v, v->entry, 0, UINT32_MAX, 0);
    s->frames[0].call_insn = DIAG_NO_INSN;
    if (v->entry)
        verify_global_start(v, &v->prog->subprogs[v->entry]);
    else
        reg_set_pointer(&s->frames[0].regs[1], REG_CTX, DIAG_NO_INSN);
    reg_set_pointer(&s->frames[0].regs[EBPF_REG_FP], REG_STACK, DIAG_NO_INSN);
}

int verify_explore(struct verifier *v)
{
    struct checkpoint *first;

    start(v);
    verify_log_way(v, NULL);
    keep_here(v);
    first = v->cur.parent;
    verify_trips_enter(v, v->cur.insn);
    while (true) {
        int err = advance(v);

        if (!err && !v->done)
            err = arrive(v);
        if (err)
            return err;
        while (v->done) {
            if (!v->waiting) {
                verify_trips_finish(v, first);
                return 0;
            }
            resume(v);
            err = arrive(v);
            if (err)
                return err;
        }
    }
}
