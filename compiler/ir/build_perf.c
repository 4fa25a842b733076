/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/build_event.h"

/* Perf events. Semantics: nic_runtime/helpers/event.c. */

enum { UNROLL_BYTES = 128 };

#define PERF_INDEX UINT64_C(0xffffffff) /* BPF_F_INDEX_MASK; all of it: the current CPU */
#define PERF_CTXLEN (UINT64_C(0xfffff) << 32)

/* What the call gives: 0, or why there is no event. */
static ir_ref perf_result(struct builder *b, uint32_t map, ir_ref flags, ir_ref more)
{
    const uint32_t entries = b->object->maps[map].max_entries;
    const ir_ref cpu =
        build_alu_imm(b, SPEC_ALU_AND, 64, build_input(b, SPEC_IN_QUEUE), SPEC_QUEUES - 1);
    const ir_ref low = build_alu_imm(b, SPEC_ALU_AND, 64, flags, PERF_INDEX);
    const ir_ref own = build_alu_imm(b, SPEC_ALU_EQ, 64, low, PERF_INDEX);
    const ir_ref index = build_select(b, own, cpu, low);
    const ir_ref zero = build_const(b, 0);
    const ir_ref bad = build_alu_imm(b, SPEC_ALU_SET, 64, flags, ~(PERF_INDEX | PERF_CTXLEN));
    const ir_ref far = build_alu(b, SPEC_ALU_UGT, 64, more, build_packet_bytes(b));
    uint64_t v;
    ir_ref r = zero;

    if (!build_is_const(b, own, &v) || !v) {
        r = build_select(b, build_alu(b, SPEC_ALU_EQ, 64, index, cpu), r,
                         build_event_negative(b, EOPNOTSUPP));
        r = build_select(b, build_alu_imm(b, SPEC_ALU_UGE, 64, index, SPEC_QUEUES),
                         build_event_negative(b, ENOENT), r);
    }
    if (entries < SPEC_QUEUES || !build_is_const(b, own, &v) || !v)
        r = build_select(b, build_alu_imm(b, SPEC_ALU_UGE, 64, index, entries),
                         build_event_negative(b, E2BIG), r);
    if (!build_is_const(b, more, &v) || v > SPEC_PKT_MIN_BYTES)
        r = build_select(b, far, build_event_negative(b, EFAULT), r);
    return build_select(b, bad, build_event_negative(b, EINVAL), r);
}

/* The packet's first bytes behind the data, as many as there can be. What is read behind the
 * packet's end nobody looks at. */
static void put_packet(struct builder *b, struct ir_event_site *site, ir_ref more)
{
    const ir_ref data = build_read(b, BUILD_VAR_DATA);
    const uint32_t most = (site->more_bytes + EVENT_WORD - 1) / EVENT_WORD * EVENT_WORD;
    struct build_place from = {.region = IR_REGION_PKT, .address = data, .base = data};
    struct build_place to = build_event_place(b, site->more);
    struct build_loop l;
    uint64_t v;

    if (build_is_const(b, more, &v) || most <= UNROLL_BYTES) {
        build_event_copy(b, &from, site->more, site->more_bytes);
        return;
    }
    l = build_loop_begin(b, more, EVENT_WORD, most / EVENT_WORD);
    from.address = build_alu(b, SPEC_ALU_ADD, 64, data, l.count);
    from.off_max = (int32_t)(most - EVENT_WORD);
    to.address = build_alu(b, SPEC_ALU_ADD, 64, to.address, l.count);
    to.off_max += (int32_t)(most - EVENT_WORD);
    build_store(b, &to, 0, EVENT_WORD, build_load(b, &from, 0, EVENT_WORD));
    build_loop_end(b, &l);
}

void build_perf_output(struct builder *b, const struct verify_fact *fact)
{
    const struct verify_arg *arg = &fact->args[2];
    const uint32_t map = fact->args[1].map;
    const ir_ref flags = arg->is_const ? build_const(b, arg->value) : build_reg(b, 3);
    const ir_ref more = build_alu_imm(
        b, SPEC_ALU_AND, 64, build_alu_imm(b, SPEC_ALU_LSHR, 64, flags, 32), PERF_CTXLEN >> 32);
    struct ir_event_site *site;
    ir_ref result;

    if (map == VERIFY_MAP_ANY) {
        build_refuse(b, "IRB0021", "one call for several maps of perf events");
        return;
    }
    site = build_event_site(b, IR_EVENT_PERF);
    if (!site)
        return;
    site->map = (uint16_t)map;
    build_event_memory(b, fact, 4, site);
    site->more_bytes = (uint32_t)((arg->is_const ? arg->value : arg->max) >> 32 & 0xfffff);
    if (!arg->is_const && arg->max >> 52)
        site->more_bytes = 0xfffff;
    if (b->error)
        return;
    result = perf_result(b, map, flags, more);
    if (site->more_bytes) {
        site->more = build_event_area(b, site->more_bytes);
        site->more_at = site->more ? build_event_unless_const(b, more) : 0;
        if (!b->error)
            put_packet(b, site, more);
    }
    build_event_mark(b, site, build_alu_imm(b, SPEC_ALU_EQ, 64, result, 0));
    build_set_reg(b, 0, result);
}
