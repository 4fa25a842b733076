/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>
#include <string.h>

/* What must hold of one instruction in one state: registers that are read and written, and where
 * memory may be touched through each kind of pointer. Nothing here changes a state. */

/* A pointer whose memory is gone. Linux lets root go on with it as a number, which differs from
 * executor to executor; nobody lets it be followed. */
static int check_stale(struct verifier *v, uint32_t at, uint32_t r)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const bool follows = (ebpf_is_load(i) && i->src == r) ||
                         ((ebpf_is_store(i) || ebpf_is_atomic(i)) && i->dst == r);
    int (*const say)(struct verifier *, const char *, uint32_t, const char *, ...) =
        follows ? verify_reject : verify_refuse;
    const struct reg *reg = cur_reg(v, r);

    if (reg->ref)
        return say(v, "VFY0024", at,
                   "r%u pointed into a record of a ring buffer until the call at "
                   "instruction %u gave the record away",
                   r, reg->from);
    if (reg->range)
        return say(
            v, "VFY0024", at,
            "r%u holds half an address since instruction %u, which differs from executor to "
            "executor; of two into the packet the difference can be taken, in 32 bits, and no "
            "more",
            r, reg->from);
    return say(
        v, "VFY0024", at,
        "r%u pointed into the packet until the call at instruction %u moved the packet; load "
        "data and data_end again and compare them anew",
        r, reg->from);
}

int verify_check_read(struct verifier *v, uint32_t at, uint32_t r)
{
    const struct reg *reg = cur_reg(v, r);

    if (reg->type == REG_STALE)
        return check_stale(v, at, r);
    if (reg->type != REG_NONE)
        return 0;
    if (r >= 1 && r <= 5)
        return verify_reject(v, "VFY0020", at,
                             "r%u is read, but nothing was put into it on this path (calls leave "
                             "r1 to r5 empty); set it first, or "
                             "keep the value in r6 to r9 or on the stack across calls",
                             r);
    return verify_reject(v, "VFY0020", at,
                         "r%u is read, but nothing was put into it on this path; set it before", r);
}

int verify_check_write(struct verifier *v, uint32_t at, uint32_t r)
{
    if (r != EBPF_REG_FP)
        return 0;
    return verify_reject(v, "VFY0021", at,
                         "r10, the frame pointer, can't be written; copy it to another register");
}

/* ---- moving pointers ---- */

int verify_check_offset(struct verifier *v, uint32_t at, const struct reg *p)
{
    const int64_t fixed = p->off;

    if (scalar_is_const(&p->num) &&
        ((int64_t)p->num.bits.value >= MAX_VAR_OFF || (int64_t)p->num.bits.value <= -MAX_VAR_OFF))
        return verify_reject(
            v, "VFY0030", at,
            "this would move %s by %lld; pointers stay within %d bytes of where they began",
            verify_describe(v, p), (long long)p->num.bits.value, MAX_VAR_OFF);
    if (fixed >= MAX_VAR_OFF || fixed <= -MAX_VAR_OFF)
        return verify_reject(v, "VFY0030", at,
                             "the offset %lld of the pointer is too large; it stays within %d "
                             "bytes of where it began",
                             (long long)fixed, MAX_VAR_OFF);
    if (p->num.smin == INT64_MIN)
        return verify_reject(v, "VFY0031", at,
                             "%s would have an offset without a lower bound; check that the number "
                             "is at least 0, or mask it",
                             verify_describe(v, p));
    if (p->num.smin >= MAX_VAR_OFF || p->num.smin <= -MAX_VAR_OFF)
        return verify_reject(
            v, "VFY0031", at,
            "%s may be moved by %lld; pointers stay within %d bytes of where they began",
            verify_describe(v, p), (long long)p->num.smin, MAX_VAR_OFF);
    return 0;
}

int verify_check_distance(struct verifier *v, uint32_t at, const struct reg *pointer,
                          const struct scalar *by)
{
    if (scalar_is_const(by) &&
        ((int64_t)by->bits.value >= MAX_VAR_OFF || (int64_t)by->bits.value <= -MAX_VAR_OFF))
        return verify_reject(
            v, "VFY0030", at,
            "%s is moved by %lld; pointers stay within %d bytes of where they began",
            verify_describe(v, pointer), (long long)by->bits.value, MAX_VAR_OFF);
    if (by->smin == INT64_MIN)
        return verify_reject(v, "VFY0031", at,
                             "%s is moved by a number without a lower bound (%s); check that it is "
                             "at least 0 (with its upper "
                             "bound), or mask it",
                             verify_describe(v, pointer), verify_number_text(v, by));
    if (by->smin >= MAX_VAR_OFF || by->smin <= -MAX_VAR_OFF)
        return verify_reject(v, "VFY0031", at,
                             "%s is moved by %s; pointers stay within %d bytes of where they began",
                             verify_describe(v, pointer), verify_number_text(v, by), MAX_VAR_OFF);
    return 0;
}

/* ---- memory ---- */

/* "load of 4 bytes", "bpf_map_lookup_elem reads 4 bytes", ... */
static const char *what(struct verifier *v, const struct access *a)
{
    const char *verb = a->atomic ? "atomic operation on" : a->write ? "store of" : "load of";

    if (a->function)
        return arena_printf(v->scratch, "%s takes %u bytes", a->function, a->bytes);
    if (a->helper)
        return arena_printf(v->scratch, "bpf_%s %s %u bytes", a->helper,
                            a->write ? "writes" : "reads", a->bytes);
    return arena_printf(v->scratch, "%s %u byte%s", verb, a->bytes, a->bytes == 1 ? "" : "s");
}

int verify_check_packet(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;
    const int64_t first = (int64_t)p->off + a->off;
    const int64_t end = first + a->bytes;
    const char *limit = p->type == REG_META ? "data" : "data_end";

    if (p->num.smin < 0)
        return verify_reject(v, "VFY0050", a->at,
                             "%s through r%u, which is %s: its variable part may be negative; make "
                             "it unsigned, mask it, or check "
                             "that it is at least 0",
                             what(v, a), a->reg, verify_describe(v, p));
    if (first < 0)
        return verify_reject(v, "VFY0051", a->at,
                             "%s through r%u, which is %s: %lld bytes before its start", what(v, a),
                             a->reg, verify_describe(v, p), (long long)-first);
    if (p->range >= 0 && end <= p->range)
        return 0;
    if (p->range <= 0)
        return verify_reject(v, "VFY0051", a->at,
                             "%s at offset %lld through r%u, which is %s: no byte of it is known "
                             "to be in the packet here; before "
                             "this, leave if (pointer + %lld > %s)",
                             what(v, a), (long long)first, a->reg, verify_describe(v, p),
                             (long long)end, limit);
    return verify_reject(v, "VFY0051", a->at,
                         "%s at offset %lld through r%u, which is %s: byte %lld and later ones may "
                         "be past %s; compare with "
                         "(pointer + %lld > %s), %lld more than was compared",
                         what(v, a), (long long)first, a->reg, verify_describe(v, p),
                         (long long)(p->range > first ? p->range : first), limit, (long long)end,
                         limit, (long long)(end - p->range));
}

static int check_value_rights(struct verifier *v, const struct access *a, const struct load_map *m)
{
    const bool constant = m->flags & MAP_RDONLY_PROG || m->kind == LOAD_MAP_RODATA ||
                          spec_map_type_table[m->type].redirect;

    if (a->write && constant)
        return verify_reject(v, "VFY0055", a->at, "%s to map %s, which programs can only read%s",
                             what(v, a), m->name,
                             m->kind == LOAD_MAP_RODATA ? " (const data); drop the const" : "");
    if ((!a->write || a->atomic) && m->flags & MAP_WRONLY_PROG)
        return verify_reject(v, "VFY0056", a->at, "%s from map %s, which programs can only write",
                             what(v, a), m->name);
    return 0;
}

/* Memory that a pointer leads into: its name and size. */
struct region {
    const char *what; /* "the value" */
    const char *of;   /* "a value of map m has" */
    uint32_t bytes;
};

static struct region region_of(struct verifier *v, const struct reg *p)
{
    const struct load_map *m = p->type == REG_RECORD ? NULL : &v->object->maps[p->map];

    if (!m)
        return (struct region){"the record", "the record has", (uint32_t)p->range};
    if (p->type == REG_KEY)
        return (struct region){"the key", arena_printf(v->scratch, "a key of map %s has", m->name),
                               m->key_bytes};
    return (struct region){"the value", arena_printf(v->scratch, "a value of map %s has", m->name),
                           m->value_bytes};
}

int verify_check_region(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;
    const struct region r = region_of(v, p);
    const int64_t fixed = (int64_t)p->off + a->off;
    const int64_t end = fixed + (int64_t)p->num.umax + a->bytes;

    if (p->num.smin < -MAX_VAR_OFF || fixed + p->num.smin < 0)
        return verify_reject(v, "VFY0053", a->at,
                             "%s through r%u, which is %s: it may begin before %s; use an "
                             "unsigned index, or check that it is "
                             "at least 0",
                             what(v, a), a->reg, verify_describe(v, p), r.what);
    if (p->num.umax >= MAX_VAR_OFF)
        return verify_reject(v, "VFY0054", a->at,
                             "%s through r%u, which is %s: the offset has no upper bound; compare "
                             "the index with the number of "
                             "elements first (%s %u bytes)",
                             what(v, a), a->reg, verify_describe(v, p), r.of, r.bytes);
    if (end > r.bytes)
        return verify_reject(v, "VFY0054", a->at,
                             "%s through r%u, which is %s: it may end at byte %lld, but %s %u "
                             "bytes; %s",
                             what(v, a), a->reg, verify_describe(v, p), (long long)end, r.of,
                             r.bytes,
                             scalar_is_const(&p->num) ? "lower the offset or enlarge the memory"
                                                      : "bound the index more tightly");
    if (a->write && p->type == REG_KEY)
        return verify_reject(v, "VFY0103", a->at,
                             "%s through r%u, which is %s: keys of a map "
                             "can't be changed",
                             what(v, a), a->reg, verify_describe(v, p));
    return 0;
}

/* A lock in the value is the kernel's. */
static int check_no_lock(struct verifier *v, const struct access *a, const struct load_map *m)
{
    enum { LOCK_BYTES = 4 };
    const int64_t fixed = (int64_t)a->base.off + a->off;

    if (!load_has_lock(m) ||
        fixed + a->base.num.smin >= (int64_t)m->fields->lock_off + LOCK_BYTES ||
        (int64_t)m->fields->lock_off >= fixed + (int64_t)a->base.num.umax + a->bytes)
        return 0;
    return verify_reject(v, "VFY0104", a->at,
                         "%s through r%u, which is %s: the struct bpf_spin_lock at offset %u of "
                         "the value is for bpf_spin_lock and bpf_spin_unlock only",
                         what(v, a), a->reg, verify_describe(v, &a->base), m->fields->lock_off);
}

/* Of an AF_XDP socket, programs may know the queue (struct bpf_xdp_sock). */
static int check_socket(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;

    if (!a->write && !a->helper && !a->function && a->bytes == 4 && p->off + a->off == 0 &&
        scalar_is(&p->num, 0))
        return 0;
    return verify_reject(v, "VFY0057", a->at,
                         "%s through r%u, which is %s: of a socket only the queue can be read, 4 "
                         "bytes at offset 0; compare the pointer with NULL only",
                         what(v, a), a->reg, verify_describe(v, p));
}

int verify_check_value(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;
    const struct load_map *m = &v->object->maps[p->map];
    int err;

    if (m->type == SPEC_MAP_XSKMAP)
        return check_socket(v, a);
    err = check_value_rights(v, a, m);
    if (!err)
        err = verify_check_region(v, a);
    return err ? err : check_no_lock(v, a, m);
}

static bool is_devmap_section(const char *section)
{
    return section && (strstr(section, "xdp/devmap") || strstr(section, "xdp.frags/devmap") ||
                       strstr(section, "xdp_devmap"));
}

int verify_check_context(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;
    const struct ebpf_insn *i = insn_at(v, a->at);

    assert(!p->off && scalar_is(&p->num, 0)); /* the context is not moved */
    if (a->write)
        return verify_reject(v, "VFY0061", a->at,
                             "%s in the context; struct xdp_md can only be read "
                             "(bpf_xdp_adjust_head and bpf_xdp_adjust_tail move "
                             "data and data_end)",
                             what(v, a));
    if (a->bytes != 4 || a->off % 4 || a->off < 0 || a->off > SPEC_CTX_EGRESS_IFINDEX)
        return verify_reject(v, "VFY0062", a->at,
                             "%s at offset %d of the context; struct xdp_md has fields of 4 bytes "
                             "at offsets 0 to %d",
                             what(v, a), a->off, SPEC_CTX_EGRESS_IFINDEX);
    if (ebpf_is_load_signed(i) && a->off <= SPEC_CTX_DATA_META)
        return verify_reject(
            v, "VFY0062", a->at,
            "a packet pointer can't be loaded with sign extension; load it as u32");
    if (a->off != SPEC_CTX_EGRESS_IFINDEX)
        return 0;
    if (!is_devmap_section(v->prog->section))
        return verify_reject(
            v, "VFY0063", a->at,
            "egress_ifindex exists only for programs that a devmap runs (section xdp/devmap)");
    return 0;
}

/* A stack access is within the frame's 512 bytes, and aligned unless a helper does it. */
int verify_check_stack(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;
    const struct scalar *n = &p->num;
    const int64_t fixed = (int64_t)p->off + a->off;

    if (n->smax >= MAX_VAR_OFF || n->smin <= -MAX_VAR_OFF)
        return verify_reject(v, "VFY0041", a->at,
                             "%s through r%u, which is %s: the offset is not bounded; compare the "
                             "index with the size of the array first",
                             what(v, a), a->reg, verify_describe(v, p));
    if (fixed + n->smin < -SPEC_STACK_BYTES)
        return verify_reject(v, "VFY0042", a->at,
                             "%s at r10%+lld, below the stack, which has %d bytes; put large data "
                             "into a map (a per-CPU array of one "
                             "entry)",
                             what(v, a), (long long)(fixed + n->smin), SPEC_STACK_BYTES);
    if (fixed + n->smax + (a->bytes ? a->bytes : 1) > 0) /* where no byte is, no bytes are either */
        return verify_reject(
            v, "VFY0042", a->at,
            "%s at r10%+lld, beyond the top of the stack; offsets from r10 are negative",
            what(v, a), (long long)(fixed + n->smax));
    if (!a->helper && !a->function &&
        !tnum_is_aligned(tnum_add(n->bits, tnum_const((uint64_t)fixed)), a->bytes))
        return verify_reject(v, "VFY0043", a->at,
                             "%s through r%u, which is %s: at r10%+lld it is not aligned to its "
                             "size, which stack accesses must be",
                             what(v, a), a->reg, verify_describe(v, p),
                             (long long)(fixed + n->smin));
    return 0;
}

/* One instruction becomes one kind of access: the context is no ordinary memory. */
static int check_same_use(struct verifier *v, const struct access *a)
{
    const uint8_t use = a->base.type == REG_CTX ? 1 : 2;

    if (a->helper)
        return 0;
    if (v->pointer_used[a->at] && v->pointer_used[a->at] != use)
        return verify_reject(v, "VFY0064", a->at,
                             "r%u is %s here, but on another path this instruction accesses %s; "
                             "give each path a load of its own",
                             a->reg, verify_describe(v, &a->base),
                             use == 1 ? "other memory" : "the context");
    v->pointer_used[a->at] = use;
    return 0;
}

static int check_no_memory(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;
    const char *null_code = a->helper ? "VFY0070" : "VFY0040";

    switch ((enum reg_type)p->type) {
    case REG_VALUE_OR_NULL:
    case REG_MAP_OR_NULL:
    case REG_RECORD_OR_NULL:
        return verify_reject(
            v, null_code, a->at,
            "%s through r%u, which is %s; compare it with NULL first, and leave if it is",
            what(v, a), a->reg, verify_describe(v, p));
    case REG_PACKET_END:
        return verify_reject(
            v, "VFY0046", a->at,
            "%s through r%u, which is %s: there is no packet behind it; start from data",
            what(v, a), a->reg, verify_describe(v, p));
    case REG_MAP:
        return verify_reject(
            v, "VFY0046", a->at,
            "%s through r%u, which is %s; look an element up with bpf_map_lookup_elem", what(v, a),
            a->reg, verify_describe(v, p));
    default:
        return verify_reject(
            v, "VFY0046", a->at, "%s through r%u, which is %s, not a pointer%s", what(v, a), a->reg,
            verify_describe(v, p),
            scalar_is(&p->num, 0)
                ? ""
                : " (a pointer loses what is known of it in arithmetic other than + and -, and "
                  "packet pointers in calls that change the packet)");
    }
}

int verify_check_memory(struct verifier *v, const struct access *a)
{
    int err;

    switch ((enum reg_type)a->base.type) {
    case REG_CTX:
        err = a->helper ? check_no_memory(v, a) : verify_check_context(v, a);
        break;
    case REG_PACKET:
    case REG_META:
        err = verify_check_packet(v, a);
        break;
    case REG_VALUE:
        err = verify_check_value(v, a);
        break;
    case REG_RECORD:
    case REG_KEY:
        err = verify_check_region(v, a);
        break;
    case REG_STACK:
        err = verify_check_stack(v, a);
        break;
    default:
        err = check_no_memory(v, a);
        break;
    }
    return err ? err : check_same_use(v, a);
}
