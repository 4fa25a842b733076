/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* The log, in the manner of Linux's verifier at level 2: an instruction a line, with what is known
 * afterwards of the registers in it and of the stack that it wrote; where another way begins, all
 * that is known; the source lines that the instructions belong to. */

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
static void put_bounds(FILE *out, const struct scalar *n, const char **comma)
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
        fprintf(out, "%s%s=", *comma, b[i].name);
        *comma = ",";
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
    }
    if (n->bits.mask != UINT64_MAX) {
        fprintf(out, "%svar_off=(0x%" PRIx64 "; 0x%" PRIx64 ")", *comma, n->bits.value,
                n->bits.mask);
        *comma = ",";
    }
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

/* What a look-up in an XSKMAP gives is a socket to Linux, once it is known not to be NULL. */
static bool is_socket(const struct verifier *v, const struct reg *r)
{
    return r->type == REG_VALUE && v->object->maps[r->map].type == SPEC_MAP_XSKMAP;
}

static bool is_of_map(const struct reg *r)
{
    return r->type == REG_MAP || r->type == REG_VALUE || r->type == REG_VALUE_OR_NULL ||
           r->type == REG_MAP_OR_NULL || r->type == REG_KEY;
}

/* What is in brackets. */
static void put_details(struct verifier *v, const struct reg *r)
{
    const struct load_map *m = is_of_map(r) && !is_socket(v, r) ? &v->object->maps[r->map] : NULL;
    FILE *out = v->log;
    const char *comma = "";

    fputc('(', out);
    if (r->id) {
        fprintf(out, "id=%u", r->id);
        comma = ",";
    }
    if (r->has_delta)
        fprintf(out, "%+d", r->off);
    if (m) {
        fprintf(out, "%smap=%s,ks=%u,vs=%u", comma, m->name, m->key_bytes, m->value_bytes);
        comma = ",";
    }
    if (reg_is_pointer(r) && r->off) {
        fprintf(out, "%soff=%d", comma, r->off);
        comma = ",";
    }
    if (r->type == REG_PACKET || r->type == REG_META) {
        fprintf(out, "%sr=%d", comma, r->range);
        comma = ",";
    }
    if (r->type == REG_RECORD || r->type == REG_RECORD_OR_NULL) {
        fprintf(out, "%sref_obj_id=%u,sz=%d", comma, r->ref, r->range);
        comma = ",";
    }
    if (r->type == REG_SCALAR || !scalar_is(&r->num, 0))
        put_bounds(out, &r->num, &comma);
    fputc(')', out);
}

static void put_reg(struct verifier *v, const struct reg *r)
{
    FILE *out = v->log;

    if (r->type == REG_SCALAR && scalar_is_const(&r->num)) {
        put_signed(out, (int64_t)r->num.bits.value);
        return;
    }
    if (is_socket(v, r))
        fputs("xdp_sock", out);
    else
        fputs(type_names[r->type], out);
    if (r->type == REG_STACK && r->frame != v->cur.depth)
        fprintf(out, "[%u]", r->frame);
    if (r->type == REG_STACK && scalar_is_const(&r->num)) {
        put_signed(out, (int64_t)r->num.bits.value + r->off);
        return;
    }
    put_details(v, r);
}

/* The bytes from the highest on; those of a spilled register, which come last, as what it is. */
static void put_slot(struct verifier *v, uint32_t frame, uint32_t i)
{
    static const char kinds[SLOT_KIND_COUNT] = "?m0r";
    const struct slot *s = &v->cur.frames[frame].slots[i];
    char text[SLOT_BYTES + 1] = {0};
    uint32_t n = 0;

    for (uint32_t b = SLOT_BYTES; b-- > 0;)
        if (s->kind[b] != SLOT_SPILL)
            text[n++] = kinds[s->kind[b]];
    if (strcmp(text, "????????") == 0)
        return;
    if (frame == v->cur.depth)
        fprintf(v->log, " fp-%u=%s", (i + 1) * SLOT_BYTES, text);
    else
        fprintf(v->log, " fp[%u]-%u=%s", frame, (i + 1) * SLOT_BYTES, text);
    if (n < SLOT_BYTES)
        put_reg(v, &s->reg);
}

static void put_regs(struct verifier *v, uint16_t regs)
{
    const struct frame *f = cur_frame(v);

    if (v->cur.depth)
        fprintf(v->log, " frame%u:", v->cur.depth);
    for (uint32_t r = 0; r < EBPF_REGS; r++)
        if (regs >> r & 1 && f->regs[r].type != REG_NONE) {
            fprintf(v->log, " R%u=", r);
            put_reg(v, &f->regs[r]);
        }
}

/* The slots that a store has written; its address is as it was. */
static void put_written(struct verifier *v, const struct ebpf_insn *i)
{
    const struct reg *p = cur_reg(v, i->dst);
    int64_t low, high;

    if (p->type != REG_STACK)
        return;
    low = (int64_t)p->off + i->off + p->num.smin;
    high = (int64_t)p->off + i->off + p->num.smax + ebpf_size_bytes(i->opcode) - 1;
    for (uint32_t s = 0; s < v->cur.frames[p->frame].slot_count; s++)
        if (-(int64_t)SLOT_BYTES * (s + 1) <= high && -(int64_t)SLOT_BYTES * s > low)
            put_slot(v, p->frame, s);
}

void verify_log_insn(struct verifier *v, uint32_t at)
{
    const struct load_line *line;
    char text[256];

    if (!v->log)
        return;
    line = load_line_of(v->prog, at);
    if (line && line->insn == at) {
        const char *file = line->file ? line->file : "?";
        const char *slash = strrchr(file, '/');

        fprintf(v->log, "; %s @ %s:%u\n", line->text ? line->text + strspn(line->text, " \t") : "",
                slash ? slash + 1 : file, line->line);
    }
    ebpf_disasm(v->prog->insns, v->prog->insn_count, at, NULL, text, sizeof(text));
    fprintf(v->log, "%u: (%02x) %-*s", at, insn_at(v, at)->opcode,
            at < 10    ? 30
            : at < 100 ? 29
                       : 28,
            text);
}

void verify_log_state(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (!v->log)
        return;
    fputs(" ;", v->log);
    put_regs(v, ebpf_is_call(i) || ebpf_is_exit(i)
                    ? 0x3ff
                    : (uint16_t)(ebpf_regs_read(i) | ebpf_regs_written(i)));
    if (ebpf_is_store(i) || ebpf_is_atomic(i))
        put_written(v, i);
    fputc('\n', v->log);
}

void verify_log_way(struct verifier *v, const uint32_t *from)
{
    if (!v->log)
        return;
    if (from)
        fprintf(v->log, "from %u to ", *from);
    fprintf(v->log, "%u:", v->cur.insn);
    put_regs(v, UINT16_MAX);
    for (uint32_t s = 0; s < cur_frame(v)->slot_count; s++)
        put_slot(v, v->cur.depth, s);
    fputc('\n', v->log);
}

void verify_log_end(struct verifier *v)
{
    verify_log_text(v, "processed %llu insns (limit %llu) total_states %llu\n",
                    (unsigned long long)v->result->processed, (unsigned long long)v->max_insns,
                    (unsigned long long)v->result->states);
}
