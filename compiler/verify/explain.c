/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Rejections in words. */

static const char *number_text(struct verifier *v, const struct scalar *n)
{
    if (scalar_is_const(n))
        return arena_printf(v->scratch, "%" PRId64, (int64_t)n->bits.value);
    if (n->umin == 0 && n->umax == UINT64_MAX && n->smin == INT64_MIN && n->smax == INT64_MAX)
        return "any number";
    if (n->smin >= 0)
        return arena_printf(v->scratch, "%" PRIu64 " to %" PRIu64, n->umin, n->umax);
    return arena_printf(v->scratch, "%" PRId64 " to %" PRId64, n->smin, n->smax);
}

static const char *offset_text(struct verifier *v, const struct reg *r)
{
    if (scalar_is_const(&r->num))
        return arena_printf(v->scratch, "%+" PRId64, (int64_t)r->num.bits.value + r->off);
    return arena_printf(v->scratch, "%+d + (%s)", r->off, number_text(v, &r->num));
}

const char *verify_describe(struct verifier *v, const struct reg *r)
{
    const char *map = r->map < v->object->map_count ? v->object->maps[r->map].name : "?";

    switch ((enum reg_type)r->type) {
    case REG_NONE:
    case REG_TYPE_COUNT:
        return "not initialised";
    case REG_STALE:
        return "a packet pointer from before the packet was moved";
    case REG_SCALAR:
        return number_text(v, &r->num);
    case REG_CTX:
        return "the context";
    case REG_STACK:
        return arena_printf(v->scratch, "a stack pointer, r10%s of frame %u", offset_text(v, r),
                            r->frame);
    case REG_PKT:
        return arena_printf(v->scratch, "a packet pointer, data%s, of which %u bytes are proved",
                            offset_text(v, r), r->range);
    case REG_PKT_META:
        return arena_printf(v->scratch,
                            "a metadata pointer, data_meta%s, of which %u bytes are proved",
                            offset_text(v, r), r->range);
    case REG_PKT_END:
        return "data_end";
    case REG_MAP:
        return arena_printf(v->scratch, "map %s", map);
    case REG_VALUE:
        return arena_printf(v->scratch, "a pointer to a value of map %s, offset %s", map,
                            offset_text(v, r));
    case REG_VALUE_OR_NULL:
        return arena_printf(v->scratch, "a pointer to a value of map %s, or NULL", map);
    }
    return "";
}

static void add_error(struct verifier *v, const char *code, uint32_t at, const char *format,
                      va_list args)
{
    struct diag_where where = load_where(v->object, v->prog, at);
    char text[1024];
    char insn[256] = "";

    vsnprintf(text, sizeof(text), format, args);
    if (at < v->prog->insn_count) {
        ebpf_disasm(v->prog->insns, v->prog->insn_count, at, NULL, insn, sizeof(insn));
        diag_add(v->sink, DIAG_ERROR, code, where, "%s: %s", insn, text);
    } else {
        diag_add(v->sink, DIAG_ERROR, code, where, "%s", text);
    }
}

int verify_reject(struct verifier *v, const char *code, uint32_t at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_error(v, code, at, format, args);
    va_end(args);
    return -EACCES;
}

int verify_refuse(struct verifier *v, const char *code, uint32_t at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_error(v, code, at, format, args);
    va_end(args);
    return -ENOTSUP;
}

void verify_log_state(struct verifier *v)
{
    FILE *log = v->options ? v->options->log : NULL;
    const struct frame *f = cur_frame(v);
    char text[256];

    if (!log)
        return;
    for (unsigned r = 0; r < EBPF_REGS; r++)
        if (f->regs[r].type && r != EBPF_REG_FP)
            fprintf(log, " R%u=(%s)", r, verify_describe(v, &f->regs[r]));
    ebpf_disasm(v->prog->insns, v->prog->insn_count, v->cur->insn, NULL, text, sizeof(text));
    fprintf(log, "\n%u: %s\n", v->cur->insn, text);
}
