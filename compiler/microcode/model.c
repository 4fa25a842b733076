/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/model.h"
#include "compiler/microcode/encode.h"

#include <errno.h>
#include <string.h>

/* Registers, predicates and words start as garbage, as in the core. */

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

static uint32_t cpu_of(const struct ucode_model *m, uint32_t map)
{
    const uint32_t cpus = m->image->mapdesc[map][SPEC_MAPDESC_CPUS];

    return cpus > 1 ? (uint32_t)m->run->inputs[SPEC_IN_QUEUE] & (SPEC_QUEUES - 1) : 0;
}

/* --- what is not defined --- */

static uint64_t size_mask(uint32_t size)
{
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

/* Takes what a row reads and nobody has written from the core. */
static void learn_operands(struct ucode_model *m, const struct ucode_row *row)
{
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &row->slots[lane];
        const struct ucode_retired_lane *seen = &m->seen->lanes[lane];

        if (!(m->preds_known >> s->pred & 1)) {
            m->now.preds &= (uint8_t) ~(1u << s->pred);
            m->now.preds |= (uint8_t)((uint32_t)(seen->on != s->pneg) << s->pred);
            m->preds_known |= (uint8_t)(1u << s->pred);
        }
        if (!(m->regs_known >> s->a & 1))
            m->now.regs[s->a] = seen->a;
        if (!s->bimm && !(m->regs_known >> s->b & 1))
            m->now.regs[s->b] = seen->b;
        m->regs_known |= UINT64_C(1) << s->a | (s->bimm ? 0 : UINT64_C(1) << s->b);
        if (s->op == UCODE_RES && !m->result_known) {
            m->now.result = seen->result;
            m->result_known = true;
        }
    }
}

/* The value of a load whose bytes are known, or not. */
static uint64_t learn_bytes(const struct ucode_model *m, uint32_t lane, uint32_t size, bool big,
                            uint64_t value, const uint8_t *known)
{
    if (!m->seen || !known)
        return value;
    for (uint32_t i = 0; i < size; i++) {
        const uint64_t byte = UINT64_C(0xff) << (8 * i);

        if (!known[big ? size - 1 - i : i])
            value = (value & ~byte) | (m->seen->lanes[lane].result & byte);
    }
    return value;
}

/* The value of a load from nowhere. */
static uint64_t learn_load(const struct ucode_model *m, uint32_t lane, uint32_t size)
{
    return m->seen ? m->seen->lanes[lane].result & size_mask(size) : 0;
}

/* --- effects of one slot --- */

static void write_register(struct ucode_model *m, uint32_t lane, uint8_t dst, uint64_t value)
{
    struct ucode_retired_lane *did = &m->did->lanes[lane];

    if (dst == 0)
        return;
    m->next.regs[dst] = value;
    m->regs_known |= UINT64_C(1) << dst;
    did->write = true;
    did->dst = dst;
    did->result = value;
}

/* Notes an access of the value memory as the core makes it; an address outside of all maps is left
 * at 0. */
static void note_map(struct ucode_model *m, const struct ucode_slot *s, uint64_t pointer,
                     uint64_t data)
{
    const uint64_t map = (pointer >> SPEC_MAPPTR_SHIFT) - 1;
    struct ucode_retired *did = m->did;

    did->map_valid = true;
    did->map_op = s->op == UCODE_LDMAP ? 0 : s->op == UCODE_STMAP ? 1 : 2;
    did->map_size = s->size;
    did->map_data = data;
    if (map < m->image->map_count)
        did->map_addr = m->image->mapdesc[map][SPEC_MAPDESC_VMEM_BASE] + (uint32_t)pointer;
}

static uint64_t do_load(struct ucode_model *m, const struct ucode_slot *s, uint32_t lane,
                        uint64_t address)
{
    const bool big = s->op == UCODE_LDPKTBE;
    const uint8_t *at;
    uint64_t value = 0;

    switch (s->op) {
    case UCODE_LDPKT:
    case UCODE_LDPKTBE:
        at = ir_packet_at(m->run, address, s->size);
        if (!at)
            return learn_load(m, lane, s->size);
        value = load_bytes(at, s->size, big);
        return learn_bytes(m, lane, s->size, big, value,
                           m->buf_known ? m->buf_known + address : NULL);
    case UCODE_LDSTK:
        m->did->mem_addr = address;
        if (!in_range(address, s->size, SPEC_STACK_BYTES))
            return learn_load(m, lane, s->size);
        value = load_bytes(m->now.stack + address, s->size, false);
        return learn_bytes(m, lane, s->size, false, value, m->stack_known + address);
    default:
        note_map(m, s, address, 0);
        if (m->maps->access(m->maps->ctx, address, s->size, &value, false) == 0)
            return value;
        m->did->map_addr = m->seen ? m->seen->map_addr : 0;
        return learn_load(m, lane, s->size);
    }
}

static void do_store(struct ucode_model *m, const struct ucode_slot *s, uint64_t address,
                     uint64_t value)
{
    uint8_t bytes[8];
    uint8_t *at;

    if (s->op != UCODE_STMAP) {
        store_bytes(bytes, 8, false, value);
        m->did->mem_addr = address;
        m->did->mem_data = load_bytes(bytes, s->size, s->op == UCODE_STPKTBE);
    }
    switch (s->op) {
    case UCODE_STPKT:
    case UCODE_STPKTBE:
        at = ir_packet_at(m->run, address, s->size);
        if (!at) {
            m->error = -EFAULT;
            return;
        }
        store_bytes(at, s->size, s->op == UCODE_STPKTBE, value);
        if (m->buf_known)
            memset(m->buf_known + address, 1, s->size);
        break;
    case UCODE_STSTK:
        if (!in_range(address, s->size, SPEC_STACK_BYTES)) {
            m->error = -EFAULT;
            return;
        }
        store_bytes(m->next.stack + address, s->size, false, value);
        memset(m->stack_known + address, 1, s->size);
        break;
    default:
        note_map(m, s, address, value);
        if (m->maps->access(m->maps->ctx, address, s->size, &value, true) != 0)
            m->error = -EFAULT;
        break;
    }
}

static void do_atomic(struct ucode_model *m, const struct ucode_slot *s, uint32_t lane)
{
    const enum spec_atomic kind = (enum spec_atomic)((uint32_t)s->imm >> UCODE_KIND_SHIFT);
    const uint64_t mask = s->size == 4 ? UINT32_MAX : UINT64_MAX;
    const uint64_t address =
        m->now.regs[s->a] + (uint64_t)(int64_t)(int16_t)((uint32_t)s->imm & 0xffff);
    uint64_t old = 0;
    uint64_t value;

    note_map(m, s, address, m->now.regs[s->b]);
    m->did->map_atomic = (uint8_t)kind;
    m->did->map_expect = m->now.value[0];
    if (m->maps->access(m->maps->ctx, address, s->size, &old, false) != 0) {
        m->error = -EFAULT;
        return;
    }
    value = spec_atomic_eval(kind, old, m->now.regs[s->b] & mask, m->now.value[0] & mask) & mask;
    if (m->maps->access(m->maps->ctx, address, s->size, &value, true) != 0)
        m->error = -EFAULT;
    write_register(m, lane, s->dst, old);
}

static uint64_t do_mapop(struct ucode_model *m, const struct ucode_slot *s)
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

static void zero_range(struct ucode_model *m, uint64_t from, uint64_t to)
{
    memset(m->run->buf + from, 0, to - from);
    if (m->buf_known)
        memset(m->buf_known + from, 1, to - from);
}

/* The tokens of a map's keys and, where it changes them, values. */
static uint8_t mapop_tokens(const struct ucode_slot *s)
{
    const uint32_t map = (uint32_t)s->imm & 0xffff;
    const uint32_t keys = 1u << (map % SPEC_TOKENS);

    if ((uint32_t)s->imm >> UCODE_KIND_SHIFT == UCODE_MAPOP_LOOKUP)
        return (uint8_t)keys;
    return (uint8_t)(keys | 1u << ((map + SPEC_TOKENS / 2) % SPEC_TOKENS));
}

static void do_long(struct ucode_model *m, const struct ucode_row *row, const struct ucode_slot *s)
{
    const uint64_t a = m->now.regs[s->a];
    const uint64_t b = m->now.regs[s->b];

    if (m->now.busy)
        m->error = -EPROTO;
    m->next.busy = true;
    m->next.busy_need = s->op == UCODE_MAPOP ? row->need & mapop_tokens(s) : 0;
    switch (s->op) {
    case UCODE_MAPOP:
        m->next.result = do_mapop(m, s);
        m->result_known = true;
        break;
    case UCODE_DIVLONG:
        m->next.result = spec_alu_eval((enum spec_alu)s->imm, s->w32 ? 32 : 64, a, b);
        m->result_known = true;
        break;
    default: /* PKTZERO */
        if (a < b && !in_range(a, (uint32_t)(b - a), SPEC_PKT_JUMBO_END))
            m->error = -EFAULT;
        else if (a < b)
            zero_range(m, a, b);
        break;
    }
}

static void end_of_path(struct ucode_model *m, const struct ucode_slot *s, uint64_t b)
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
    m->did->end = m->ended;
    m->did->taken = m->taken;
    m->did->target = m->target;
    m->did->ret = m->run->ret;
}

static void do_compare(struct ucode_model *m, const struct ucode_slot *s, uint32_t lane, uint64_t a,
                       uint64_t b)
{
    struct ucode_retired_lane *did = &m->did->lanes[lane];
    const bool is_true = spec_alu_eval((enum spec_alu)s->op, s->w32 ? 32 : 64, a, b) != 0;

    if (s->dst != 0) {
        m->next.preds = (uint8_t)((m->next.preds & ~(1u << s->dst)) | (uint32_t)is_true << s->dst);
        m->preds_known |= (uint8_t)(1u << s->dst);
        did->pwrite = true;
        did->pdst = s->dst;
        did->pvalue = is_true;
    }
    if (s->br && is_true)
        end_of_path(m, s, 0);
}

static void step_slot(struct ucode_model *m, const struct ucode_row *row, uint32_t lane)
{
    const struct ucode_slot *s = &row->slots[lane];
    const uint64_t a = m->now.regs[s->a];
    const uint64_t b = s->bimm ? (uint64_t)(int64_t)s->imm : m->now.regs[s->b];
    const uint64_t address = a + (uint64_t)(int64_t)s->imm;
    const bool on = (m->now.preds >> s->pred & 1) != s->pneg;

    m->did->lanes[lane] = (struct ucode_retired_lane){.on = on, .a = a, .b = b};
    if (!on && s->op != UCODE_SEL)
        return;
    switch (ucode_form(s->op)) {
    case UCODE_FORM_ALU1:
    case UCODE_FORM_ALU2:
        write_register(m, lane, s->dst,
                       spec_alu_eval((enum spec_alu)s->op, s->w32 ? 32 : 64, a, b));
        break;
    case UCODE_FORM_CMP:
        do_compare(m, s, lane, a, b);
        break;
    case UCODE_FORM_SEL:
        write_register(m, lane, s->dst, on ? a : b);
        break;
    case UCODE_FORM_MOVHI:
        write_register(m, lane, s->dst, (uint64_t)(uint32_t)s->imm << 32 | (a & UINT32_MAX));
        break;
    case UCODE_FORM_LOAD:
        write_register(m, lane, s->dst, do_load(m, s, lane, address));
        break;
    case UCODE_FORM_STORE:
        do_store(m, s, address, b);
        break;
    case UCODE_FORM_ATOMIC:
        do_atomic(m, s, lane);
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
        write_register(m, lane, s->dst, m->now.result);
        break;
    case UCODE_FORM_IN:
        write_register(m, lane, s->dst, m->run->inputs[s->imm]);
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

static void step_row(struct ucode_model *m, const struct ucode_row *row)
{
    m->taken = false;
    if (row->need & m->now.given)
        m->error = -EPROTO; /* a token that was given back does not return */
    if (row->wait)
        m->now.busy = false;
    if (m->seen)
        learn_operands(m, row);
    m->next = m->now;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        step_slot(m, row, lane);
    if (m->next.busy && (row->rel & m->next.busy_need))
        m->error = -EPROTO; /* the operation is not complete */
    m->next.given |= row->rel;
    m->now = m->next;
}

_Static_assert(sizeof(((struct ucode_state *)NULL)->out) / sizeof(uint64_t) == UCODE_OUTS,
               "one of each");

void ucode_model_start(struct ucode_model *m, const struct ucode_image *image,
                       const struct ir_maps_ops *maps, struct ir_run *run, uint8_t *buf_known)
{
    m->image = image;
    m->maps = maps;
    m->run = run;
    m->buf_known = buf_known;
    m->regs_known = 1;
    m->preds_known = 1;
    m->result_known = false;
    memset(m->stack_known, 0, sizeof(m->stack_known));
    memset(&m->now, MODEL_GARBAGE, sizeof(m->now));
    m->now.regs[0] = 0;
    m->now.preds |= 1;
    m->now.busy = false;
    m->now.given = 0;
    m->now.out[0] = SPEC_PKT_BASE;
    m->now.out[1] = SPEC_PKT_BASE + m->run->inputs[SPEC_IN_LEN];
    m->now.out[2] = 0;
    m->now.out[3] = 0;
    m->now.out[4] = 0;
    m->now.out[UCODE_OUT_HOLD] = 0;
    m->row = 0;
    m->ended = false;
    m->error = 0;
}

int ucode_model_step(struct ucode_model *m, const struct ucode_retired *seen,
                     struct ucode_retired *did)
{
    if (m->row >= m->image->row_count)
        return -EPROTO;
    *did = (struct ucode_retired){.row = m->row};
    m->seen = seen;
    m->did = did;
    step_row(m, &m->image->rows[m->row]);
    m->row = m->taken ? m->target : m->row + 1;
    m->run->meta_bytes = m->now.out[3] & UINT8_MAX;
    m->run->data = m->now.out[0] + m->run->meta_bytes;
    m->run->data_end = m->now.out[1];
    m->run->redirect = m->now.out[2];
    m->run->event_beats = m->now.out[4] & UINT8_MAX;
    return m->error;
}

int ucode_model_run(const struct ucode_image *image, const struct ir_maps_ops *maps,
                    struct ir_run *run, uint64_t *rows, ucode_trace_fn trace, void *trace_ctx)
{
    const uint64_t limit = run->steps ? run->steps : UINT64_MAX;
    struct ucode_model m;
    struct ucode_retired did;
    uint64_t issued = 0;
    int err = 0;

    ucode_model_start(&m, image, maps, run, NULL);
    do {
        if (issued == limit)
            return -ELOOP;
        if (trace && m.row < image->row_count)
            trace(trace_ctx, m.row, &m.now);
        err = ucode_model_step(&m, NULL, &did);
        issued++;
    } while (!err && !m.ended);
    run->steps = issued;
    if (rows)
        *rows = issued;
    return err;
}
