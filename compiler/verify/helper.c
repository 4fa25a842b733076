/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* Calls of helpers: what they leave. What they ask of their arguments is in helper_args.c. */

static void drop_packet_pointer(struct reg *r, uint32_t at)
{
    if (reg_is_packet(r))
        *r = (struct reg){.type = REG_STALE, .from = at};
}

/* The packet is elsewhere now: what can still be done with old pointers into it is in alu.c. */
static void drop_packet_pointers(struct verifier *v, uint32_t at)
{
    for (uint32_t d = 0; d <= v->cur.depth; d++) {
        struct frame *f = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            drop_packet_pointer(&f->regs[r], at);
        for (uint32_t i = 0; i < f->slot_count; i++)
            if (f->slots[i].kind[0] == SLOT_SPILL)
                drop_packet_pointer(&f->slots[i].reg, at);
    }
}

/* The licenses that Linux takes for the GPL (include/linux/license.h). */
static bool is_gpl(const char *license)
{
    static const char *const names[] = {"GPL",          "GPL v2",       "GPL and additional rights",
                                        "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

    for (size_t n = 0; license && n < sizeof(names) / sizeof(names[0]); n++)
        if (strcmp(license, names[n]) == 0)
            return true;
    return false;
}

/* What a helper that is refused belongs to. */
static const char *why_refused(const char *name)
{
    static const struct {
        const char *part;
        const char *why;
    } table[] = {
        {"syncookie", ": SYN cookies are made with the kernel's secrets"},
        {"sk_", ": there are no sockets on a NIC"},
        {"skc_", ": there are no sockets on a NIC"},
        {"skb_", ": it is for programs that handle socket buffers"},
        {"probe_read", ": there is no kernel memory on a NIC"},
        {"copy_from_user", ": there is no user memory on a NIC"},
        {"timer_", ": timers run outside of packets"},
        {"dynptr", ": dynamic pointers are not supported"},
        {"kptr", ": pointers to kernel objects are not supported"},
        {"cpu_ptr", ": there are no kernel variables on a NIC"},
        {"task", ": it asks for a task of the kernel"},
        {"user_ringbuf", ": a ring buffer that user space fills is not supported"},
        {"cgrp_storage", ": it asks for a cgroup of the kernel"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strstr(name, table[i].part))
            return table[i].why;
    return "";
}

static int check_callable(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    const int32_t num = insn_at(v, at)->imm;
    const char *license = v->object->license;

    if (!row)
        return verify_refuse(v, "VFY0077", at,
                             "helper %d (bpf_%s) is not supported by Sluice%s; docs/tables.md "
                             "lists those that are",
                             num, spec_helper_name(num), why_refused(spec_helper_name(num)));
    if (row->gpl && !is_gpl(license))
        return verify_reject(
            v, "VFY0077", at,
            "bpf_%s is for programs under the GPL; this object's license is \"%s\"", row->name,
            license ? license : "");
    return 0;
}

/* ---- memory that is written ---- */

/* The stack bytes that argument r leads to are written: first bytes surely, then up to most. */
static void fill_stack(struct verifier *v, uint32_t at, uint32_t r, uint32_t surely, uint32_t most)
{
    const struct access a = {
        .at = at, .reg = r, .base = *cur_reg(v, r), .bytes = most, .write = true};

    if (a.base.type == REG_STACK)
        verify_stack_fill(v, &a, surely);
}

static void fill_argument(struct verifier *v, uint32_t at, const struct spec_helper_row *row,
                          uint32_t r)
{
    const enum spec_arg arg = (enum spec_arg)row->args[r - 1];
    const struct load_map *map = verify_helper_map(v, cur_frame(v), row);
    const struct scalar *size = r < ARG_COUNT ? &cur_reg(v, r + 1)->num : NULL;

    switch (arg) {
    case SPEC_ARG_VALUE_OUT:
        if (map->type != SPEC_MAP_BLOOM_FILTER)
            fill_stack(v, at, r, map->value_bytes, map->value_bytes);
        break;
    case SPEC_ARG_U32_INOUT:
        fill_stack(v, at, r, 4, 4);
        break;
    case SPEC_ARG_U64_OUT:
        fill_stack(v, at, r, 8, 8);
        break;
    case SPEC_ARG_MEM_OUT:
    case SPEC_ARG_MEM_INOUT:
        fill_stack(v, at, r, (uint32_t)size->umin, (uint32_t)size->umax);
        break;
    case SPEC_ARG_MEM_PARTIAL_OR_NULL:
        fill_stack(v, at, r, 0, (uint32_t)size->umax);
        break;
    default:
        break;
    }
}

/* ---- calls that fail and leave their buffer as it was ---- */

enum { ERRNO_MAX = 4095 };

/* bpf_xdp_load_bytes writes nothing when it fails (Linux too, which reads what lies there then).
 * Where some of its buffer was not written before, success and failure are two ways. */
static bool may_leave_unwritten(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    const struct access a = {.at = at,
                             .reg = 3,
                             .base = *cur_reg(v, 3),
                             .bytes = (uint32_t)cur_reg(v, 4)->num.umax,
                             .write = true};

    return row->num == SPEC_HELPER_XDP_LOAD_BYTES && a.base.type == REG_STACK &&
           !verify_stack_is_written(v, &a);
}

static void forget_arguments(struct verifier *v)
{
    for (uint32_t r = 0; r <= ARG_COUNT; r++)
        *cur_reg(v, r) = (struct reg){0};
}

void verify_helper_failed(struct verifier *v, uint32_t at)
{
    struct scalar n = scalar_unknown();

    forget_arguments(v);
    n.smin = -ERRNO_MAX;
    n.smax = -1;
    scalar_sync(&n);
    reg_set_scalar(cur_reg(v, 0), n, 0, at);
}

/* ---- tail calls in functions ---- */

/* The program that a tail call in a function goes on in ends for the function: it returns, to its
 * caller, whatever that program did. (Linux since 6.19; before, it counted with the function's own
 * ends only.) */
static bool may_end_elsewhere(const struct verifier *v, const struct spec_helper_row *row)
{
    return row->num == SPEC_HELPER_TAIL_CALL && v->cur.depth > 0;
}

void verify_tail_ended(struct verifier *v, uint32_t at)
{
    const uint32_t call = cur_frame(v)->call_insn;

    drop_packet_pointers(v, at);
    v->cur.insn = call + 1;
    v->cur.depth--;
    reg_set_scalar(cur_reg(v, 0), scalar_unknown(), 0, at);
}

/* ---- what comes back ---- */

/* A look-up in an array with a constant index finds something (Linux: get_constant_map_key). Also
 * in one that a map of maps holds: all of them have as many entries as its definition says. */
static bool finds_value(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    const struct load_map *m = verify_helper_map(v, cur_frame(v), row);
    const struct access key = {.at = at, .reg = 2, .base = *cur_reg(v, 2), .bytes = 4};
    uint64_t index;

    return row->num == SPEC_HELPER_MAP_LOOKUP_ELEM &&
           (m->type == SPEC_MAP_ARRAY || m->type == SPEC_MAP_PERCPU_ARRAY) &&
           key.base.type == REG_STACK && scalar_is_const(&key.base.num) &&
           verify_stack_const(v, &key, &index) && index < m->max_entries;
}

/* A CPU's number is that of a queue; Linux too knows how many there are. */
static struct scalar result_number(const struct spec_helper_row *row)
{
    struct scalar n = scalar_unknown();

    if (row->num == SPEC_HELPER_GET_SMP_PROCESSOR_ID) {
        n.umax = SPEC_QUEUES - 1;
        scalar_sync(&n);
    }
    return n;
}

static int set_result(struct verifier *v, uint32_t at, const struct spec_helper_row *row,
                      uint16_t map, uint64_t bytes, bool found)
{
    const struct load_map *m = &v->object->maps[map];
    struct reg *r0 = cur_reg(v, 0);

    switch ((enum spec_ret)row->ret) {
    case SPEC_RET_SCALAR:
        reg_set_scalar(r0, result_number(row), 0, at);
        break;
    case SPEC_RET_VOID:
        break;
    case SPEC_RET_MAP_VALUE_OR_NULL:
        reg_set_pointer(r0,
                        load_inner(m) ? REG_MAP_OR_NULL
                        : found       ? REG_VALUE
                                      : REG_VALUE_OR_NULL,
                        at);
        r0->map = load_inner(m) ? (uint16_t)verify_inner_map(v, map) : map;
        r0->id = found && !load_has_lock(m) ? 0 : ++v->next_id;
        break;
    case SPEC_RET_RINGBUF_OR_NULL:
        return verify_take_record(v, at, (uint32_t)bytes);
    }
    return 0;
}

/* What the call does to what the program holds, before its arguments are forgotten. */
static int change_held(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    switch (row->num) {
    case SPEC_HELPER_RINGBUF_SUBMIT:
    case SPEC_HELPER_RINGBUF_DISCARD:
        verify_give_record(v, at, cur_reg(v, 1)->ref);
        return 0;
    case SPEC_HELPER_SPIN_LOCK:
    case SPEC_HELPER_SPIN_UNLOCK:
        verify_lock(v, at, cur_reg(v, 1));
        return 0;
    default:
        return helper_calls_back(row) ? verify_wait_callback(v, at, row) : 0;
    }
}

static uint32_t argument_count(const struct spec_helper_row *row)
{
    uint32_t n = 0;

    while (n < ARG_COUNT && row->args[n] != SPEC_ARG_NONE)
        n++;
    return n;
}

int verify_helper(struct verifier *v, uint32_t at)
{
    const struct spec_helper_row *row = spec_helper_find(insn_at(v, at)->imm);
    const uint16_t map = cur_reg(v, 1)->map;
    const uint64_t bytes = cur_reg(v, 2)->num.bits.value;
    const uint32_t count = row ? argument_count(row) : 0;
    bool found, two_ways;
    int err = check_callable(v, at, row);

    if (!err)
        err = verify_check_helper(v, at, row);
    if (err)
        return err;
    /* What flags ask for decides whether hardware can do it, so their values are kept apart. */
    if (row->num == SPEC_HELPER_REDIRECT_MAP || row->num == SPEC_HELPER_PERF_EVENT_OUTPUT)
        verify_precise_reg(v, cur_reg(v, 3));
    found = finds_value(v, at, row);
    verify_note_args(v, at, row->num == SPEC_HELPER_TRACE_PRINTK ? ARG_COUNT : count);
    two_ways = may_leave_unwritten(v, at, row);
    if (two_ways || may_end_elsewhere(v, row)) {
        err = verify_wait(v, at);
        if (err)
            return err;
    }
    for (uint32_t r = 1; r <= count; r++)
        fill_argument(v, at, row, r);
    if (row->changes_packet)
        drop_packet_pointers(v, at);
    err = change_held(v, at, row);
    if (err)
        return err;
    forget_arguments(v);
    if (two_ways) {
        reg_set_scalar(cur_reg(v, 0), scalar_const(0), 0, at);
        return 0;
    }
    return set_result(v, at, row, map, bytes, found);
}
