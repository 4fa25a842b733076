/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* The log, in the manner of Linux's verifier: an instruction a line, with what is known afterwards
 * of the registers in it. */

void verify_log_text(struct verifier *v, const char *format, ...)
{
    va_list args;

    if (!v->log)
        return;
    va_start(args, format);
    vfprintf(v->log, format, args);
    va_end(args);
}

/* Small numbers decimal, others hexadecimal. */
static void put_unsigned(FILE *out, uint64_t n)
{
    if (n <= UINT16_MAX)
        fprintf(out, "%" PRIu64, n);
    else
        fprintf(out, "0x%" PRIx64, n);
}

static void put_signed(FILE *out, int64_t n)
{
    if (n >= INT16_MIN && n <= INT16_MAX)
        fprintf(out, "%" PRId64, n);
    else
        fprintf(out, "0x%" PRIx64, (uint64_t)n);
}

/* Of 32-bit numbers only the low half is written in hexadecimal. */
static uint64_t short_of(int32_t n)
{
    return n >= INT16_MIN && n <= INT16_MAX ? (uint64_t)(int64_t)n : (uint32_t)n;
}

struct bound {
    const char *name;
    uint64_t value;
    bool is_signed;
    bool said;
};

/* Bounds that say something; those that are equal share one number. Lower ones are at even places.
 */
static void put_bounds(FILE *out, const struct scalar *n)
{
    struct bound b[] = {
        {"smin", (uint64_t)n->smin, true, n->smin == INT64_MIN},
        {"smax", (uint64_t)n->smax, true, n->smax == INT64_MAX},
        {"umin", n->umin, false, n->umin == 0},
        {"umax", n->umax, false, n->umax == UINT64_MAX},
        {"smin32", short_of(n->smin32), true, n->smin32 == INT32_MIN},
        {"smax32", short_of(n->smax32), true, n->smax32 == INT32_MAX},
        {"umin32", n->umin32, false, n->umin32 == 0},
        {"umax32", n->umax32, false, n->umax32 == UINT32_MAX},
    };
    enum { BOUNDS = sizeof(b) / sizeof(b[0]) };

    for (int i = 0; i < BOUNDS; i++) {
        const bool negative = b[i].is_signed && (int64_t)b[i].value < 0;

        if (b[i].said)
            continue;
        fprintf(out, "%s=", b[i].name);
        for (int k = i + 2; k < BOUNDS; k += 2) {
            if (b[k].said || b[k].value != b[i].value ||
                (b[k].is_signed && (int64_t)b[k].value < 0) != negative)
                continue;
            b[k].said = true;
            fprintf(out, "%s=", b[k].name);
        }
        if (b[i].is_signed)
            put_signed(out, (int64_t)b[i].value);
        else
            put_unsigned(out, b[i].value);
        fputc(',', out);
    }
    if (n->bits.mask != UINT64_MAX)
        fprintf(out, "var_off=(0x%" PRIx64 "; 0x%" PRIx64 "),", n->bits.value, n->bits.mask);
}

static const char *const type_names[REG_TYPE_COUNT] = {
    [REG_NONE] = "?",
    [REG_STALE] = "pkt_stale",
    [REG_SCALAR] = "scalar",
    [REG_CTX] = "ctx",
    [REG_STACK] = "fp",
    [REG_PACKET] = "pkt",
    [REG_META] = "pkt_meta",
    [REG_PACKET_END] = "pkt_end",
    [REG_MAP] = "map_ptr",
    [REG_VALUE] = "map_value",
    [REG_VALUE_OR_NULL] = "map_value_or_null",
    [REG_MAP_OR_NULL] = "map_ptr_or_null",
    [REG_RECORD] = "ringbuf_mem",
    [REG_RECORD_OR_NULL] = "ringbuf_mem_or_null",
    [REG_KEY] = "map_key",
    [REG_FUNC] = "func",
};

static void put_reg(struct verifier *v, const struct reg *r)
{
    FILE *out = v->log;

    if (r->type == REG_SCALAR && scalar_is_const(&r->num)) {
        put_signed(out, (int64_t)r->num.bits.value);
        return;
    }
    fputs(type_names[r->type], out);
    if (r->type == REG_STACK && r->frame != v->cur.depth)
        fprintf(out, "[%u]", r->frame);
    if (r->type == REG_STACK && scalar_is_const(&r->num)) {
        put_signed(out, (int64_t)r->num.bits.value + r->off);
        return;
    }
    fputc('(', out);
    if (r->id)
        fprintf(out, "id=%u", r->id);
    if (r->has_delta)
        fprintf(out, "%+d", r->off);
    if (r->id)
        fputc(',', out);
    if (reg_is_pointer(r) && r->off)
        fprintf(out, "off=%d,", r->off);
    if (r->type == REG_PACKET || r->type == REG_META)
        fprintf(out, "r=%d,", r->range);
    if (r->type == REG_RECORD || r->type == REG_RECORD_OR_NULL)
        fprintf(out, "ref_obj_id=%u,sz=%d,", r->ref, r->range);
    if (r->type == REG_MAP || r->type == REG_VALUE || r->type == REG_VALUE_OR_NULL ||
        r->type == REG_MAP_OR_NULL || r->type == REG_KEY)
        fprintf(out, "map=%s,", v->object->maps[r->map].name);
    if (r->type == REG_SCALAR || !scalar_is(&r->num, 0))
        put_bounds(out, &r->num);
    fputc(')', out);
}

static void put_slot(struct verifier *v, uint32_t i, const struct slot *s)
{
    static const char kinds[SLOT_KIND_COUNT] = "?m0r";
    char text[SLOT_BYTES + 1] = {0};

    if (s->kind[0] == SLOT_SPILL && s->kind[SLOT_BYTES - 1] == SLOT_SPILL) {
        fprintf(v->log, " fp-%u=", (i + 1) * SLOT_BYTES);
        put_reg(v, &s->reg);
        return;
    }
    for (int b = 0; b < SLOT_BYTES; b++)
        text[b] = kinds[s->kind[SLOT_BYTES - 1 - b]];
    if (strcmp(text, "????????"))
        fprintf(v->log, " fp-%u=%s", (i + 1) * SLOT_BYTES, text);
}

void verify_log_insn(struct verifier *v, uint32_t at)
{
    char text[256];

    if (!v->log)
        return;
    ebpf_disasm(v->prog->insns, v->prog->insn_count, at, NULL, text, sizeof(text));
    fprintf(v->log, "%u: (%02x) %-28s", at, insn_at(v, at)->opcode, text);
}

void verify_log_state(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const struct frame *f = cur_frame(v);
    uint16_t regs;

    if (!v->log)
        return;
    regs = (uint16_t)(ebpf_regs_read(i) | ebpf_regs_written(i));
    if (ebpf_is_call(i) || ebpf_is_exit(i))
        regs = 0x3ff;
    fprintf(v->log, " ;");
    for (uint32_t r = 0; r < EBPF_REGS; r++)
        if (regs >> r & 1 && f->regs[r].type != REG_NONE) {
            fprintf(v->log, " R%u=", r);
            put_reg(v, &f->regs[r]);
        }
    if (ebpf_is_store(i) || ebpf_is_atomic(i))
        for (uint32_t s = 0; s < f->slot_count; s++)
            put_slot(v, s, &f->slots[s]);
    fputc('\n', v->log);
}
