/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <inttypes.h>
#include <stdarg.h>

/* Rejections in words: the instruction, what is known of the registers in it and which instruction
 * that comes from, and what would make it right. */

const char *verify_number_text(struct verifier *v, const struct scalar *n)
{
    if (scalar_is_const(n))
        return arena_printf(v->scratch, "%" PRId64, (int64_t)n->bits.value);
    if (n->umin == 0 && n->umax == UINT64_MAX && n->smin == INT64_MIN && n->smax == INT64_MAX)
        return "any number";
    if (n->smin >= 0)
        return arena_printf(v->scratch, "a number from %" PRIu64 " to %" PRIu64, n->umin, n->umax);
    return arena_printf(v->scratch, "a number from %" PRId64 " to %" PRId64, n->smin, n->smax);
}

/* "+14", "+14 and a number from 0 to 60". */
static const char *offset_text(struct verifier *v, const struct reg *r)
{
    if (scalar_is_const(&r->num))
        return arena_printf(v->scratch, "%+" PRId64, (int64_t)r->num.bits.value + r->off);
    return arena_printf(v->scratch, "%+d and %s", r->off, verify_number_text(v, &r->num));
}

static const char *range_text(struct verifier *v, const struct reg *r)
{
    const char *end = r->type == REG_META ? "data" : "data_end";

    if (r->range < 0)
        return arena_printf(v->scratch, "found to be %s %s",
                            r->range == RANGE_AT_END ? "at or past" : "past", end);
    if (r->range == 0)
        return arena_printf(v->scratch, "never compared with %s", end);
    if (scalar_is_const(&r->num))
        return arena_printf(v->scratch, "bytes 0 to %d known to be there", r->range - 1);
    return arena_printf(v->scratch, "%d bytes from its variable part on known to be there",
                        r->range);
}

static const char *plain_text(struct verifier *v, const struct reg *r)
{
    const char *map = r->map < v->object->map_count ? v->object->maps[r->map].name : "?";
    const bool argument =
        r->map < v->object->map_count && v->object->maps[r->map].kind == LOAD_MAP_NONE;

    switch ((enum reg_type)r->type) {
    case REG_NONE:
        return "empty";
    case REG_STALE:
        return r->range ? "half an address" : "a pointer into the packet as it was before";
    case REG_SCALAR:
        return verify_number_text(v, &r->num);
    case REG_CTX:
        return r->off || !scalar_is(&r->num, 0)
                   ? arena_printf(v->scratch, "the context moved by %s", offset_text(v, r))
                   : "the context";
    case REG_STACK:
        if (r->frame == v->cur.depth)
            return arena_printf(v->scratch, "the stack address r10%s", offset_text(v, r));
        return arena_printf(v->scratch, "the stack address r10%s of a caller", offset_text(v, r));
    case REG_PACKET:
        return arena_printf(v->scratch, "the packet pointer data%s (%s)", offset_text(v, r),
                            range_text(v, r));
    case REG_META:
        return arena_printf(v->scratch, "the metadata pointer data_meta%s (%s)", offset_text(v, r),
                            range_text(v, r));
    case REG_PACKET_END:
        return "data_end";
    case REG_MAP:
        return arena_printf(v->scratch, "map %s itself", map);
    case REG_VALUE:
        if (argument)
            return arena_printf(v->scratch, "%s, offset %s", map, offset_text(v, r));
        return arena_printf(v->scratch, "a pointer into a value of map %s, offset %s", map,
                            offset_text(v, r));
    case REG_VALUE_OR_NULL:
        if (argument)
            return arena_printf(v->scratch,
                                "%s, a global function, which Linux verifies for NULL too", map);
        return arena_printf(v->scratch,
                            "what a lookup in map %s returned, a value's address or NULL", map);
    case REG_MAP_OR_NULL:
        return arena_printf(v->scratch, "what a lookup returned, map %s or NULL", map);
    case REG_RECORD:
        return arena_printf(v->scratch, "a pointer into a record of a ring buffer, offset %s",
                            offset_text(v, r));
    case REG_RECORD_OR_NULL:
        return "what bpf_ringbuf_reserve returned, a record's address or NULL";
    case REG_KEY:
        return arena_printf(v->scratch, "a pointer into a key of map %s, offset %s", map,
                            offset_text(v, r));
    case REG_FUNC:
        return arena_printf(v->scratch, "the address of function %s",
                            v->prog->subprogs[r->map].name);
    case REG_TYPE_COUNT:
        break;
    }
    return "unknown";
}

const char *verify_describe(struct verifier *v, const struct reg *r)
{
    const struct load_line *line;

    if (r->type == REG_NONE || r->from >= v->prog->insn_count)
        return plain_text(v, r);
    line = load_line_of(v->prog, r->from);
    if (line && line->line)
        return arena_printf(v->scratch, "%s [set at instruction %u, line %u]", plain_text(v, r),
                            r->from, line->line);
    return arena_printf(v->scratch, "%s [set at instruction %u]", plain_text(v, r), r->from);
}

/* ---- errors ---- */

static const char *insn_text(struct verifier *v, uint32_t at)
{
    const char **maps = arena_array(v->scratch, v->object->map_count + 1, sizeof(*maps));
    struct ebpf_names names = {maps, v->object->map_count};

    for (uint32_t i = 0; i < v->object->map_count; i++)
        maps[i] = v->object->maps[i].name;
    return ebpf_disasm_text(v->prog->insns, v->prog->insn_count, at, &names, v->scratch);
}

/* The calls that lead to where it happened. */
static const char *call_text(struct verifier *v)
{
    const char *text = "";

    for (uint32_t d = v->cur.depth; d > 0; d--) {
        const struct frame *f = &v->cur.frames[d];
        const char *name = v->prog->subprogs[v->result->contexts[f->context].subprog].name;

        text = arena_printf(v->scratch, "%s (in function %s, called at instruction %u)", text,
                            name ? name : "?", f->call_insn);
    }
    return text;
}

static void add_error(struct verifier *v, const char *code, uint32_t at, const char *format,
                      va_list args)
{
    const struct diag_where where = load_where(v->object, v->prog, at);
    char text[1400];

    vsnprintf(text, sizeof(text), format, args);
    if (at < v->prog->insn_count)
        diag_add(v->sink, DIAG_ERROR, code, where, "%s: %s%s", insn_text(v, at), text,
                 call_text(v));
    else
        diag_add(v->sink, DIAG_ERROR, code, where, "%s", text);
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
