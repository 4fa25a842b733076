/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "compiler/microcode/model.h"

/* Rows that have been run: from the core's words, and compared with each other. */

_Static_assert(UCODE_RETIRE_BITS == UCODE_RETIRE_LANES_LSB + SPEC_LANES * UCODE_RETIRE_LANE_BITS,
               "fields of the row, then those of each lane");

const char *const ucode_field_names[UCODE_FIELD_COUNT] = {
    [UCODE_FIELD_NONE] = "nothing",
    [UCODE_FIELD_ROW] = "row address",
    [UCODE_FIELD_ON] = "predicate of the slot",
    [UCODE_FIELD_A] = "first operand",
    [UCODE_FIELD_B] = "second operand",
    [UCODE_FIELD_WRITE] = "register written",
    [UCODE_FIELD_REGISTER] = "register",
    [UCODE_FIELD_PWRITE] = "predicate written",
    [UCODE_FIELD_PREDICATE] = "predicate",
    [UCODE_FIELD_ADDRESS] = "address",
    [UCODE_FIELD_DATA] = "stored value",
    [UCODE_FIELD_MAP] = "map access",
    [UCODE_FIELD_MAP_ADDRESS] = "map address",
    [UCODE_FIELD_MAP_DATA] = "map operand",
    [UCODE_FIELD_MAP_EXPECT] = "expected map value",
    [UCODE_FIELD_TAKEN] = "branch taken",
    [UCODE_FIELD_TARGET] = "branch target",
    [UCODE_FIELD_END] = "end of the program",
    [UCODE_FIELD_RET] = "return value",
};

static uint64_t take(const uint32_t *words, uint32_t lsb, uint32_t bits)
{
    const uint32_t *w = words + lsb / 32;
    uint64_t value = w[0] >> (lsb % 32);

    if (lsb % 32 + bits > 32)
        value |= (uint64_t)w[1] << (32 - lsb % 32);
    return bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1);
}

#define TAKE(field) take(words, UCODE_R_##field##_LSB, UCODE_R_##field##_BITS)
#define TAKE_LANE(field) take(words, at + UCODE_RL_##field##_LSB, UCODE_RL_##field##_BITS)

/* Fields of 64 bits begin with a word, so two words hold each. */
_Static_assert(UCODE_R_MAP_DATA_LSB % 32 == 0 && UCODE_R_MAP_EXPECT_LSB % 32 == 0 &&
                   UCODE_R_MEM_ADDR_LSB % 32 == 0 && UCODE_R_MEM_DATA_LSB % 32 == 0 &&
                   UCODE_RETIRE_LANES_LSB % 32 == 0 && UCODE_RETIRE_LANE_BITS % 32 == 0 &&
                   UCODE_RL_A_LSB % 32 == 0 && UCODE_RL_B_LSB % 32 == 0 &&
                   UCODE_RL_RESULT_LSB % 32 == 0,
               "wide fields are aligned to words");

void ucode_retired_decode(const uint32_t *words, struct ucode_retired *out)
{
    *out = (struct ucode_retired){
        .packet = (uint32_t)TAKE(PACKET),
        .row = (uint32_t)TAKE(ROW),
        .context = (uint8_t)TAKE(CONTEXT),
        .end = TAKE(END) != 0,
        .taken = TAKE(TAKEN) != 0,
        .target = (uint32_t)TAKE(TARGET),
        .ret = (uint32_t)TAKE(RET),
        .map_valid = TAKE(MAP_VALID) != 0,
        .map_op = (uint8_t)TAKE(MAP_OP),
        .map_atomic = (uint8_t)TAKE(MAP_ATOMIC),
        .map_size = (uint8_t)TAKE(MAP_SIZE),
        .map_addr = (uint32_t)TAKE(MAP_ADDR),
        .map_data = TAKE(MAP_DATA),
        .map_expect = TAKE(MAP_EXPECT),
        .mem_addr = TAKE(MEM_ADDR),
        .mem_data = TAKE(MEM_DATA),
    };
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const uint32_t at = UCODE_RETIRE_LANES_LSB + UCODE_RETIRE_LANE_BITS * lane;

        out->lanes[lane] = (struct ucode_retired_lane){
            .on = TAKE_LANE(ON) != 0,
            .write = TAKE_LANE(WRITE) != 0,
            .pwrite = TAKE_LANE(PWRITE) != 0,
            .pvalue = TAKE_LANE(PVALUE) != 0,
            .pdst = (uint8_t)TAKE_LANE(PDST),
            .dst = (uint8_t)TAKE_LANE(DST),
            .a = TAKE_LANE(A),
            .b = TAKE_LANE(B),
            .result = TAKE_LANE(RESULT),
        };
    }
}

/* --- differences --- */

static bool differs(struct ucode_difference *d, enum ucode_field field, uint32_t lane,
                    uint32_t number, uint64_t expected, uint64_t got)
{
    if (expected == got)
        return false;
    *d = (struct ucode_difference){field, lane, number, expected, got};
    return true;
}

static bool lane_differs(const struct ucode_slot *s, uint32_t lane,
                         const struct ucode_retired_lane *e, const struct ucode_retired_lane *g,
                         struct ucode_difference *d)
{
    const struct ucode_form_row *form = &ucode_forms[ucode_form(s->op)];

    return differs(d, UCODE_FIELD_ON, lane, s->pred, e->on, g->on) ||
           (form->a && differs(d, UCODE_FIELD_A, lane, s->a, e->a, g->a)) ||
           (form->b && differs(d, UCODE_FIELD_B, lane, s->bimm ? 0 : s->b, e->b, g->b)) ||
           differs(d, UCODE_FIELD_WRITE, lane, s->dst, e->write ? e->dst : 0,
                   g->write ? g->dst : 0) ||
           (e->write && differs(d, UCODE_FIELD_REGISTER, lane, e->dst, e->result, g->result)) ||
           differs(d, UCODE_FIELD_PWRITE, lane, s->dst, e->pwrite ? e->pdst : 0,
                   g->pwrite ? g->pdst : 0) ||
           (e->pwrite && differs(d, UCODE_FIELD_PREDICATE, lane, e->pdst, e->pvalue, g->pvalue));
}

/* Lane 2 in packet buffer and stack: of stores the bytes too. */
static bool memory_differs(const struct ucode_slot *s, const struct ucode_retired *e,
                           const struct ucode_retired *g, struct ucode_difference *d)
{
    const bool store = ucode_form(s->op) == UCODE_FORM_STORE;
    const uint64_t mask = s->size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * s->size)) - 1;

    if (!e->lanes[UCODE_LANE_MEM].on || (!store && s->op != UCODE_LDSTK))
        return false;
    return differs(d, UCODE_FIELD_ADDRESS, UCODE_LANE_MEM, 0, e->mem_addr, g->mem_addr) ||
           (store && differs(d, UCODE_FIELD_DATA, UCODE_LANE_MEM, 0, e->mem_data & mask,
                             g->mem_data & mask));
}

static uint64_t map_access(const struct ucode_retired *r)
{
    if (!r->map_valid)
        return 0;
    return UINT64_C(1) << 16 | (uint64_t)r->map_op << 8 |
           (uint64_t)(r->map_op == 2 ? r->map_atomic : 0) << 4 | r->map_size;
}

static bool map_differs(const struct ucode_retired *e, const struct ucode_retired *g,
                        struct ucode_difference *d)
{
    const uint32_t lane = UCODE_LANE_MAP;

    if (differs(d, UCODE_FIELD_MAP, lane, 0, map_access(e), map_access(g)))
        return true;
    if (!e->map_valid)
        return false;
    return differs(d, UCODE_FIELD_MAP_ADDRESS, lane, 0, e->map_addr, g->map_addr) ||
           (e->map_op != 0 &&
            differs(d, UCODE_FIELD_MAP_DATA, lane, 0, e->map_data, g->map_data)) ||
           (e->map_op == 2 && e->map_atomic == SPEC_ATOMIC_CMPXCHG &&
            differs(d, UCODE_FIELD_MAP_EXPECT, lane, 0, e->map_expect, g->map_expect));
}

bool ucode_retired_differ(const struct ucode_image *image, const struct ucode_retired *expected,
                          const struct ucode_retired *got, struct ucode_difference *out)
{
    const struct ucode_row *row = &image->rows[expected->row];
    struct ucode_difference d = {.lane = UCODE_NO_LANE};
    bool found = differs(&d, UCODE_FIELD_ROW, UCODE_NO_LANE, 0, expected->row, got->row);

    for (uint32_t lane = 0; lane < SPEC_LANES && !found; lane++) {
        const struct ucode_slot *s = &row->slots[lane];

        found = s->op != UCODE_NOP &&
                lane_differs(s, lane, &expected->lanes[lane], &got->lanes[lane], &d);
    }
    found =
        found || memory_differs(&row->slots[UCODE_LANE_MEM], expected, got, &d) ||
        map_differs(expected, got, &d) ||
        differs(&d, UCODE_FIELD_TAKEN, UCODE_NO_LANE, 0, expected->taken, got->taken) ||
        (expected->taken &&
         differs(&d, UCODE_FIELD_TARGET, UCODE_NO_LANE, 0, expected->target, got->target)) ||
        differs(&d, UCODE_FIELD_END, UCODE_NO_LANE, 0, expected->end, got->end) ||
        (expected->end && differs(&d, UCODE_FIELD_RET, UCODE_NO_LANE, 0, expected->ret, got->ret));
    *out = d;
    return found;
}
