/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

/* bpf_fib_lookup as look-ups in the host's tables, arithmetic and stores, without a branch between
 * IPv4 and IPv6. Semantics: Linux net/core/filter.c, as nic_runtime/helpers/fib.c has them. */

enum {
    FAMILY_IP4 = 2,
    FAMILY_IP6 = 10,
    FLAG_DIRECT = 1 << 0,
    FLAG_OUTPUT = 1 << 1,
    FLAG_SKIP_NEIGH = 1 << 2,
    FLAG_TBID = 1 << 3,
    FLAG_SRC = 1 << 4,
    FLAGS = (1 << 6) - 1,
    ADDRESS_BITS = 128,
    PARAMS_BYTES = 64,
};

/* BPF_FIB_LKUP_RET_*, as what build_leave_if takes away from 0. */
enum {
    NOT_FORWARDED = -4,
    FORWARDING_DISABLED = -5,
    NO_NEIGHBOUR = -7,
    FRAGMENT = -8,
    NO_SOURCE = -9,
};

/* Where struct bpf_fib_lookup has its fields, in bytes. */
enum {
    AT_FAMILY = 0,
    AT_LENGTH = 6,
    AT_IFINDEX = 8,
    AT_METRIC = 12,
    AT_SOURCE = 16,
    AT_TO = 32,
    AT_TABLE = 48,
    AT_SMAC = 52,
    AT_DMAC = 58,
};

enum { PARTS = IR_ADDRESS_BYTES / 4 }; /* of an address, in 32 bits each */

struct question {
    struct build_place at;
    ir_block meet;
    uint32_t flags;
    ir_ref ip6; /* 0 or 1 */
    ir_ref to[PARTS];
};

struct answer {
    struct build_place route;
    ir_ref mtu;
    ir_ref ifindex;
    ir_ref hop[PARTS]; /* whose neighbour is asked for; of IPv4 the first part */
};

static ir_ref param(struct builder *b, const struct question *q, uint32_t at, uint32_t bytes)
{
    return build_load(b, &q->at, at, bytes);
}

static ir_ref pair(struct builder *b, ir_ref low, ir_ref high)
{
    return build_alu(b, SPEC_ALU_OR, 64, low, build_alu_imm(b, SPEC_ALU_SHL, 64, high, 32));
}

static void leave_if_zero(struct builder *b, const struct question *q, ir_ref v, int err)
{
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_EQ, 64, v, 0), err, q->meet);
}

/* The value that a table has for a key, as a place; its address is 0 if there is none. */
static struct build_place look_up(struct builder *b, enum ir_table table, const ir_ref *key,
                                  uint32_t words)
{
    const uint32_t map = build_table_map(b, table);
    const struct ir_insn lookup = {.op = IR_MAP_LOOKUP, .map = (uint16_t)map};
    struct build_place value = {.region = IR_REGION_MAP, .map = (uint16_t)map};
    ir_ref args[1 + PARTS] = {build_const(b, 0)};

    for (uint32_t i = 0; i < words; i++)
        args[1 + i] = key[i];
    value.address = build_emit(b, lookup, args, 1 + words);
    return value;
}

/* 1 if an IPv6 address is link-local or multicast, which are not forwarded. */
static ir_ref stays_on_link(struct builder *b, ir_ref first)
{
    const ir_ref multicast = build_alu_imm(b, SPEC_ALU_AND, 64, first, 0xff);
    const ir_ref local = build_alu_imm(b, SPEC_ALU_AND, 64, first, 0xc0ff);

    return build_alu(b, SPEC_ALU_OR, 64, build_alu_imm(b, SPEC_ALU_EQ, 64, multicast, 0xff),
                     build_alu_imm(b, SPEC_ALU_EQ, 64, local, 0x80fe));
}

static void take_question(struct builder *b, struct question *q)
{
    const ir_ref family = param(b, q, AT_FAMILY, 1);
    const ir_ref ip4 = build_alu_imm(b, SPEC_ALU_EQ, 64, family, FAMILY_IP4);
    ir_ref on_link;

    q->ip6 = build_alu_imm(b, SPEC_ALU_EQ, 64, family, FAMILY_IP6);
    leave_if_zero(b, q, build_alu(b, SPEC_ALU_OR, 64, ip4, q->ip6), EAFNOSUPPORT);
    for (uint32_t i = 0; i < PARTS; i++)
        q->to[i] = param(b, q, AT_TO + 4 * i, 4);
    on_link = build_alu(b, SPEC_ALU_OR, 64, stays_on_link(b, q->to[0]),
                        stays_on_link(b, param(b, q, AT_SOURCE, 4)));
    build_leave_if(b, build_alu(b, SPEC_ALU_AND, 64, q->ip6, on_link), NOT_FORWARDED, q->meet);
}

/* May packets that come in there be forwarded? */
static void ask_interface(struct builder *b, const struct question *q)
{
    const ir_ref ifindex = param(b, q, AT_IFINDEX, 4);
    const struct build_place in = look_up(b, IR_TABLE_INTERFACES, &ifindex, 1);

    leave_if_zero(b, q, in.address, ENODEV);
    leave_if_zero(b, q,
                  build_load(b, &in, offsetof(struct ir_interface, forwarding), sizeof(uint32_t)),
                  FORWARDING_DISABLED);
}

static void ask_route(struct builder *b, const struct question *q, struct answer *a)
{
    const bool direct = q->flags & FLAG_DIRECT;
    const ir_ref start = build_const(b, IR_ROUTE_IP4_START);
    const ir_ref zero = build_const(b, 0);
    const ir_ref key[] = {
        pair(b, build_const(b, ADDRESS_BITS), build_select(b, q->ip6, q->to[0], start)),
        build_select(b, q->ip6, pair(b, q->to[1], q->to[2]), zero),
        build_select(b, q->ip6, q->to[3], q->to[0]),
    };
    const struct build_place r =
        look_up(b, direct ? IR_TABLE_ROUTES_MAIN : IR_TABLE_ROUTES, key, 3);
    const ir_block ends = build_block_new(b, b->pc);
    const ir_block leads = build_block_new(b, b->pc);
    ir_ref final;
    ir_ref via;

    leave_if_zero(b, q, r.address, NOT_FORWARDED);
    final = build_load(b, &r, offsetof(struct ir_route, answer), sizeof(uint32_t));
    build_branch(b, build_alu_imm(b, SPEC_ALU_NE, 64, final, 0), ends, leads);
    build_seal(b, ends);
    build_seal(b, leads);
    b->cur = ends;
    build_set_reg(b, 0, final);
    build_jump(b, q->meet);
    b->cur = leads;
    a->route = r;
    a->mtu = build_load(b, &r, offsetof(struct ir_route, mtu), sizeof(uint32_t));
    a->ifindex = build_load(b, &r, offsetof(struct ir_route, ifindex), sizeof(uint32_t));
    via = build_load(b, &r, offsetof(struct ir_route, has_via), sizeof(uint32_t));
    for (uint32_t i = 0; i < PARTS; i++)
        a->hop[i] = build_select(
            b, via, build_load(b, &r, (uint32_t)offsetof(struct ir_route, via) + 4 * i, 4),
            q->to[i]);
}

/* Longer than the next link takes: the answer is how long packets may be. */
static void check_length(struct builder *b, const struct question *q, const struct answer *a)
{
    const ir_block too_long = build_block_new(b, b->pc);
    const ir_block fits = build_block_new(b, b->pc);

    build_branch(b, build_alu(b, SPEC_ALU_UGT, 64, param(b, q, AT_LENGTH, 2), a->mtu), too_long,
                 fits);
    build_seal(b, too_long);
    build_seal(b, fits);
    b->cur = too_long;
    build_store(b, &q->at, AT_LENGTH, 2, a->mtu);
    build_set_reg(b, 0, build_const(b, (uint64_t) - (int64_t)FRAGMENT));
    build_jump(b, q->meet);
    b->cur = fits;
}

static void give_route(struct builder *b, const struct question *q, const struct answer *a)
{
    build_store(b, &q->at, AT_TO, 4, a->hop[0]);
    for (uint32_t i = 1; i < PARTS; i++)
        build_store(b, &q->at, AT_TO + 4 * i, 4, build_select(b, q->ip6, a->hop[i], q->to[i]));
    build_store(b, &q->at, AT_METRIC, 4,
                build_load(b, &a->route, offsetof(struct ir_route, metric), sizeof(uint32_t)));
    build_store(b, &q->at, AT_IFINDEX, 4, a->ifindex);
}

/* Interfaces have no addresses of their own: IPv4 gives 0, IPv6 leaves (after the gateway is
 * there). */
static void give_source(struct builder *b, const struct question *q)
{
    build_leave_if(b, q->ip6, NO_SOURCE, q->meet);
    build_store(b, &q->at, AT_SOURCE, 4, build_const(b, 0));
}

static void give_macs(struct builder *b, const struct question *q, const struct answer *a)
{
    const ir_ref zero = build_const(b, 0);
    const ir_ref family =
        build_select(b, q->ip6, build_const(b, FAMILY_IP6), build_const(b, FAMILY_IP4));
    const ir_ref key[] = {
        pair(b, a->ifindex, family),
        pair(b, a->hop[0], build_select(b, q->ip6, a->hop[1], zero)),
        build_select(b, q->ip6, pair(b, a->hop[2], a->hop[3]), zero),
    };
    const struct build_place n = look_up(b, IR_TABLE_NEIGHBOURS, key, 3);

    leave_if_zero(b, q, n.address, NO_NEIGHBOUR);
    build_store_word(b, &q->at, AT_DMAC, IR_MAC_BYTES,
                     build_load(b, &n, offsetof(struct ir_neighbour, mac), 8));
    build_store_word(b, &q->at, AT_SMAC, IR_MAC_BYTES,
                     build_load(b, &a->route, offsetof(struct ir_route, mac), 8));
}

/* What prefixes alone can't answer. */
static int check_flags(struct builder *b, const struct verify_arg *flags)
{
    const char *what = NULL;

    if (!flags->is_const)
        return build_refuse(b, "IRB0015",
                            "helper bpf_fib_lookup: the flags in r4 are not a constant");
    if ((uint32_t)flags->value & ~(uint32_t)FLAGS)
        return 0; /* -EINVAL */
    if (flags->value & FLAG_OUTPUT)
        what = "BPF_FIB_LOOKUP_OUTPUT, the interface that routes must leave by";
    else if (flags->value & FLAG_DIRECT && flags->value & FLAG_TBID)
        what = "BPF_FIB_LOOKUP_TBID, a table whose number the packet decides";
    return what ? build_refuse(b, "IRB0015", "helper bpf_fib_lookup: hardware does not take %s",
                               what)
                : 0;
}

void build_fib_lookup(struct builder *b, const struct verify_fact *fact)
{
    const ir_ref bytes = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 3), IR_NONE);
    struct question q = {.flags = (uint32_t)fact->args[3].value};
    struct answer a;

    if (check_flags(b, &fact->args[3]))
        return;
    if (fact->args[2].max < PARAMS_BYTES || q.flags & ~(uint32_t)FLAGS) {
        build_set_reg(b, 0, build_const(b, (uint64_t) - (int64_t)EINVAL));
        return;
    }
    if (build_place_of(b, &fact->args[1].pointer, build_reg(b, 2), 0, &q.at))
        return;
    q.meet = build_block_new(b, b->pc);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_ULT, 64, bytes, PARAMS_BYTES), EINVAL, q.meet);
    take_question(b, &q);
    ask_interface(b, &q);
    ask_route(b, &q, &a);
    check_length(b, &q, &a);
    give_route(b, &q, &a);
    if (q.flags & FLAG_SRC)
        give_source(b, &q);
    if (!(q.flags & FLAG_SKIP_NEIGH))
        give_macs(b, &q, &a);
    build_store(b, &q.at, AT_TABLE, 4, build_const(b, 0));
    build_store(b, &q.at, AT_LENGTH, 2, a.mtu);
    build_succeed(b, q.meet);
}
