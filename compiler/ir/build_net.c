/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"
#include "compiler/ir/text.h"

/* Helpers that ask the host's network tables, which the host puts into maps that the program does
 * not name. Semantics: Linux net/core/filter.c, as nic_runtime/helpers/fib.c has them. */

enum { ETHERNET_BYTES = 14 };

uint32_t build_table_map(struct builder *b, enum ir_table table)
{
    static const struct ir_map maps[IR_TABLE_COUNT] = {
        [IR_TABLE_INTERFACES] = {.name = "the host's interfaces",
                                 .type = SPEC_MAP_HASH,
                                 .key_bytes = sizeof(uint32_t),
                                 .value_bytes = sizeof(struct ir_interface),
                                 .max_entries = SPEC_HW_INTERFACES},
        [IR_TABLE_ROUTES] = {.name = "the host's routes",
                             .type = SPEC_MAP_LPM_TRIE,
                             .key_bytes = sizeof(struct ir_route_key),
                             .value_bytes = sizeof(struct ir_route),
                             .max_entries = SPEC_HW_ROUTES},
        [IR_TABLE_ROUTES_MAIN] = {.name = "the host's main routes",
                                  .type = SPEC_MAP_LPM_TRIE,
                                  .key_bytes = sizeof(struct ir_route_key),
                                  .value_bytes = sizeof(struct ir_route),
                                  .max_entries = SPEC_HW_ROUTES},
        [IR_TABLE_NEIGHBOURS] = {.name = "the host's neighbours",
                                 .type = SPEC_MAP_HASH,
                                 .key_bytes = sizeof(struct ir_neighbour_key),
                                 .value_bytes = sizeof(struct ir_neighbour),
                                 .max_entries = SPEC_HW_NEIGHBOURS},
    };
    struct ir_func *f = b->f;

    for (uint32_t m = b->object->map_count; m < f->map_count; m++)
        if (f->maps[m].table == table)
            return m;
    f->maps[f->map_count] = maps[table];
    f->maps[f->map_count].table = (uint8_t)table;
    ir_map_complete(&f->maps[f->map_count]);
    return f->map_count++;
}

void build_check_mtu(struct builder *b, const struct verify_fact *fact)
{
    const uint32_t map = build_table_map(b, IR_TABLE_INTERFACES);
    const struct ir_insn lookup = {.op = IR_MAP_LOOKUP, .map = (uint16_t)map};
    const ir_block meet = build_block_new(b, b->pc);
    const ir_ref given = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 2), IR_NONE);
    const ir_ref asked = build_alu_imm(b, SPEC_ALU_NE, 64, given, 0);
    const ir_ref args[2] = {build_const(b, 0),
                            build_select(b, asked, given, build_input(b, SPEC_IN_IFINDEX))};
    struct build_place interface = {.region = IR_REGION_MAP, .map = (uint16_t)map};
    struct build_place place;
    ir_ref want;
    ir_ref length;
    ir_ref mtu;

    if (build_place_of(b, &fact->args[2].pointer, build_reg(b, 3), 0, &place))
        return;
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_NE, 64, build_reg(b, 5), 0), EINVAL, meet);
    interface.address = build_emit(b, lookup, args, 2);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_EQ, 64, interface.address, 0), ENODEV, meet);
    mtu = build_load(b, &interface, offsetof(struct ir_interface, mtu), sizeof(uint32_t));
    want = build_load(b, &place, 0, sizeof(uint32_t));
    length = build_select(b, build_alu_imm(b, SPEC_ALU_NE, 64, want, 0),
                          build_alu_imm(b, SPEC_ALU_ADD, 32, want, ETHERNET_BYTES),
                          build_packet_bytes(b));
    length = build_alu(b, SPEC_ALU_ADD, 32, length, build_reg(b, 4));
    build_store(b, &place, 0, sizeof(uint32_t), mtu);
    build_set_reg(b, 0,
                  build_alu(b, SPEC_ALU_SGT, 32, length,
                            build_alu_imm(b, SPEC_ALU_ADD, 32, mtu, ETHERNET_BYTES)));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}
