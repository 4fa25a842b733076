/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/model.h"
#include "compiler/microcode/encode.h"

#include <errno.h>
#include <string.h>

/* One packet's run. Registers, predicates and words start as garbage, as in the core. */
struct model {
    const struct ucode_image *image;
    const struct ir_maps_ops *maps;
    struct ir_run *run;
    struct ucode_state now;  /* before the row */
    struct ucode_state next; /* after it */
    bool ended;
    bool taken;
    uint32_t target;
    int error;
};

enum { MODEL_GARBAGE = 0xd5 };

static bool in_range(uint64_t address, uint32_t size, uint64_t bytes)
{
    return address < bytes && size <= bytes - address;
}

static uint64_t load_bytes(const uint8_t *p, uint32_t size, bool big)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)p[big ? size - 1 - i : i] << (8 * i);
    return value;
}

static void store_bytes(uint8_t *p, uint32_t size, bool big, uint64_t value)
{
    for (uint32_t i = 0; i < size; i++)
        p[big ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static uint32_t cpu_of(const struct model *m, uint32_t map)
{
    const uint32_t cpus = m->image->mapdesc[map][SPEC_MAPDESC_CPUS];

    return cpus > 1 ? (uint32_t)m->run->inputs[SPEC_IN_QUEUE] & (SPEC_QUEUES - 1) : 0;
}

static uint64_t do_load(struct model *m, const struct ucode_slot *s, uint64_t address)
{
    uint64_t value = 0;

    switch (s->op) {
    case UCODE_LDPKT:
    case UCODE_LDPKTBE:
        if (in_range(address, s->size, SPEC_PKT_JUMBO_END))
            value = load_bytes(m->run->buf + address, s->size, s->op == UCODE_LDPKTBE);
        break;
    case UCODE_LDSTK:
        if (in_range(address, s->size, SPEC_STACK_BYTES))
            value = load_bytes(m->now.stack + address, s->size, false);
        break;
    default:
        if (m->maps->access(m->maps->ctx, address, s->size, &value, false) != 0)
            value = 0;
        break;
    }
    return value;
}

static void do_store(struct model *m, const struct ucode_slot *s, uint64_t address, uint64_t value)
{
    switch (s->op) {
    case UCODE_STPKT:
    case UCODE_STPKTBE:
        if (!in_range(address, s->size, SPEC_PKT_JUMBO_END))
            m->error = -EFAULT;
        else
            store_bytes(m->run->buf + address, s->size, s->op == UCODE_STPKTBE, value);
        break;
    case UCODE_STSTK:
        if (!in_range(address, s->size, SPEC_STACK_BYTES))
            m->error = -EFAULT;
        else
            store_bytes(m->next.stack + address, s->size, false, value);
        break;
    default:
        if (m->maps->access(m->maps->ctx, address, s->size, &value, true) != 0)
            m->error = -EFAULT;
        break;
    }
}

static void do_atomic(struct model *m, const struct ucode_slot *s)
{
    const enum spec_atomic kind = (enum spec_atomic)((uint32_t)s->imm >> UCODE_KIND_SHIFT);
    const uint64_t mask = s->size == 4 ? UINT32_MAX : UINT64_MAX;
    const uint64_t address =
        m->now.regs[s->a] + (uint64_t)(int64_t)(int16_t)((uint32_t)s->imm & 0xffff);
    uint64_t old = 0;
    uint64_t value;

    if (m->maps->access(m->maps->ctx, address, s->size, &old, false) != 0) {
        m->error = -EFAULT;
        return;
    }
    value = spec_atomic_eval(kind, old, m->now.regs[s->b] & mask, m->now.value[0] & mask) & mask;
    if (m->maps->access(m->maps->ctx, address, s->size, &value, true) != 0)
        m->error = -EFAULT;
    if (s->dst != 0)
        m->next.regs[s->dst] = old;
}

static uint64_t do_mapop(struct model *m, const struct ucode_slot *s)
{
    const uint32_t map = (uint32_t)s->imm & 0xffff;
    const struct ir_maps_ops *o = m->maps;

    if (map >= m->image->map_count) {
        m->error = -EPROTO;
        return 0;
    }
    switch ((enum ucode_mapop)((uint32_t)s->imm >> UCODE_KIND_SHIFT)) {
    case UCODE_MAPOP_LOOKUP:
        return o->lookup(o->ctx, map, cpu_of(m, map), m->now.key);
    case UCODE_MAPOP_UPDATE:
        return (uint64_t)o->update(o->ctx, map, cpu_of(m, map), m->now.regs[s->a], m->now.key,
                                   m->now.value);
    case UCODE_MAPOP_DELETE:
        return (uint64_t)o->erase(o->ctx, map, cpu_of(m, map), m->now.key);
    }
    return 0;
}

static void do_long(struct model *m, const struct ucode_row *row, const struct ucode_slot *s)
{
    const uint64_t a = m->now.regs[s->a];
    const uint64_t b = m->now.regs[s->b];

    if (m->now.busy)
        m->error = -EPROTO;
    m->next.busy = true;
    m->next.busy_need = 0;
    if (s->op == UCODE_MAPOP)
        m->next.busy_need = row->need & (uint8_t)(1u << ((uint32_t)s->imm % SPEC_TOKENS));
    switch (s->op) {
    case UCODE_MAPOP:
        m->next.result = do_mapop(m, s);
        break;
    case UCODE_DIVLONG:
        m->next.result = spec_alu_eval((enum spec_alu)s->imm, s->w32 ? 32 : 64, a, b);
        break;
    default: /* PKTZERO */
        if (a < b && !in_range(a, (uint32_t)(b - a), SPEC_PKT_JUMBO_END))
            m->error = -EFAULT;
        else if (a < b)
            memset(m->run->buf + a, 0, b - a);
        break;
    }
}

static void end_of_path(struct model *m, const struct ucode_slot *s, uint64_t b)
{
    if (m->ended || m->taken)
        return;
    if (s->op == UCODE_EXIT) {
        m->ended = true;
        m->run->ret = (uint32_t)b;
    } else {
        m->taken = true;
        m->target = s->tgt;
    }
}

static void do_compare(struct model *m, const struct ucode_slot *s, uint64_t a, uint64_t b)
{
    const bool is_true = spec_alu_eval((enum spec_alu)s->op, s->w32 ? 32 : 64, a, b) != 0;

    if (s->dst != 0)
        m->next.preds = (uint8_t)((m->next.preds & ~(1u << s->dst)) | (uint32_t)is_true << s->dst);
    if (s->br && is_true)
        end_of_path(m, s, 0);
}

static void step_slot(struct model *m, const struct ucode_row *row, const struct ucode_slot *s)
{
    const uint64_t a = m->now.regs[s->a];
    const uint64_t b = s->bimm ? (uint64_t)(int64_t)s->imm : m->now.regs[s->b];
    const uint64_t address = a + (uint64_t)(int64_t)s->imm;
    const bool on = (m->now.preds >> s->pred & 1) != s->pneg;

    if (!on && s->op != UCODE_SEL)
        return;
    switch (ucode_form(s->op)) {
    case UCODE_FORM_ALU1:
    case UCODE_FORM_ALU2:
        m->next.regs[s->dst] = spec_alu_eval((enum spec_alu)s->op, s->w32 ? 32 : 64, a, b);
        break;
    case UCODE_FORM_CMP:
        do_compare(m, s, a, b);
        break;
    case UCODE_FORM_SEL:
        m->next.regs[s->dst] = on ? a : b;
        break;
    case UCODE_FORM_MOVHI:
        m->next.regs[s->dst] = (uint64_t)(uint32_t)s->imm << 32 | (a & UINT32_MAX);
        break;
    case UCODE_FORM_LOAD:
        m->next.regs[s->dst] = do_load(m, s, address);
        break;
    case UCODE_FORM_STORE:
        do_store(m, s, address, b);
        break;
    case UCODE_FORM_ATOMIC:
        do_atomic(m, s);
        break;
    case UCODE_FORM_WORD:
        (s->op == UCODE_KEYW ? m->next.key : m->next.value)[s->dst] = b;
        break;
    case UCODE_FORM_MAPOP:
    case UCODE_FORM_RANGE:
    case UCODE_FORM_DIV:
        do_long(m, row, s);
        break;
    case UCODE_FORM_RES:
        m->next.regs[s->dst] = m->now.result;
        break;
    case UCODE_FORM_IN:
        m->next.regs[s->dst] = m->run->inputs[s->imm];
        break;
    case UCODE_FORM_OUT:
        m->next.out[s->dst] = b;
        break;
    case UCODE_FORM_JMP:
    case UCODE_FORM_EXIT:
        end_of_path(m, s, b);
        break;
    case UCODE_FORM_NONE:
    case UCODE_FORM_NOP:
    case UCODE_FORM_COUNT:
        break;
    }
}

static void step_row(struct model *m, const struct ucode_row *row)
{
    m->ended = false;
    m->taken = false;
    if (row->need & m->now.given)
        m->error = -EPROTO; /* a token that was given back does not return */
    if (row->wait)
        m->now.busy = false;
    m->next = m->now;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        step_slot(m, row, &row->slots[lane]);
    if (m->next.busy && (row->rel & m->next.busy_need))
        m->error = -EPROTO; /* the operation is not complete */
    m->next.given |= row->rel;
    m->now = m->next;
}

static void start(struct model *m)
{
    memset(&m->now, MODEL_GARBAGE, sizeof(m->now));
    m->now.regs[0] = 0;
    m->now.preds |= 1;
    m->now.busy = false;
    m->now.given = 0;
    m->now.out[0] = SPEC_PKT_BASE;
    m->now.out[1] = SPEC_PKT_BASE + m->run->inputs[SPEC_IN_LEN];
    m->now.out[2] = 0;
}

int ucode_model_run(const struct ucode_image *image, const struct ir_maps_ops *maps,
                    struct ir_run *run, uint64_t *rows, ucode_trace_fn trace, void *trace_ctx)
{
    const uint64_t limit = run->steps ? run->steps : UINT64_MAX;
    struct model m = {.image = image, .maps = maps, .run = run};
    uint64_t issued = 0;
    uint32_t pc = 0;

    start(&m);
    do {
        if (issued == limit)
            return -ELOOP;
        if (pc >= image->row_count)
            return -EPROTO;
        if (trace)
            trace(trace_ctx, pc, &m.now);
        step_row(&m, &image->rows[pc]);
        issued++;
        pc = m.taken ? m.target : pc + 1;
    } while (!m.error && !m.ended);
    run->steps = issued;
    if (rows)
        *rows = issued;
    run->data = m.now.out[0];
    run->data_end = m.now.out[1];
    run->redirect = m.now.out[2];
    return m.error;
}
