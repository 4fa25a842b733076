/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000 };

static uint64_t rng_state;

static uint32_t rnd(uint32_t below)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(rng_state >> 33) % below;
}

static int32_t rnd_imm(void)
{
    return (int32_t)(rnd(1u << 16) << 16 | rnd(1u << 16)) >> rnd(32);
}

/* A random slot with only those fields set that its form uses. */
static struct ucode_slot random_slot(uint32_t lane)
{
    struct ucode_slot s = {.pc = IR_NO_PC};
    enum ucode_form form;
    const struct ucode_form_row *f;

    do {
        s.op = (uint8_t)rnd(1u << UCODE_F_OP_BITS);
        form = ucode_form(s.op);
    } while (form == UCODE_FORM_NONE || !(ucode_op_lanes(s.op) >> lane & 1));
    f = &ucode_forms[form];
    if (f->reg_dst)
        s.dst = (uint8_t)(rnd(SPEC_REGS / SPEC_LANES) * SPEC_LANES + lane);
    if (f->reg_dst && s.dst == 0)
        s.dst = SPEC_LANES;
    if (form == UCODE_FORM_CMP)
        s.dst = (uint8_t)rnd(SPEC_PREDS);
    if (form == UCODE_FORM_WORD)
        s.dst = (uint8_t)(rnd(s.op == UCODE_KEYW ? 2 : 8) * SPEC_LANES + lane);
    if (form == UCODE_FORM_OUT)
        s.dst = (uint8_t)rnd(UCODE_OUTS);
    s.a = f->a ? (uint8_t)rnd(SPEC_REGS) : 0;
    s.bimm = f->bimm && rnd(2);
    s.b = f->b && !s.bimm ? (uint8_t)rnd(SPEC_REGS) : 0;
    s.imm = f->imm || s.bimm ? rnd_imm() : 0;
    if (form == UCODE_FORM_ATOMIC)
        s.imm = (int32_t)((1 + rnd(SPEC_ATOMIC_COUNT - 1)) << UCODE_KIND_SHIFT | rnd(1u << 16));
    if (form == UCODE_FORM_MAPOP)
        s.imm = (int32_t)(rnd(3) << UCODE_KIND_SHIFT | rnd(SPEC_HW_MAPS));
    if (form == UCODE_FORM_DIV)
        s.imm = (int32_t)(SPEC_ALU_UDIV + rnd(4));
    if (form == UCODE_FORM_IN)
        s.imm = (int32_t)rnd(SPEC_IN_COUNT);
    if (f->size)
        s.size = (uint8_t)(form == UCODE_FORM_ATOMIC ? 4u << rnd(2) : 1u << rnd(4));
    if (f->w32 && !(ucode_is_alu(s.op) && spec_alu_table[s.op].verilog32[0] == '\0'))
        s.w32 = rnd(2);
    if (form != UCODE_FORM_NOP) {
        s.pred = (uint8_t)rnd(SPEC_PREDS);
        s.pneg = rnd(2);
    }
    s.br = form == UCODE_FORM_JMP || (form == UCODE_FORM_CMP && rnd(2));
    s.tgt = s.br ? (uint16_t)rnd(SPEC_ROWS) : 0;
    return s;
}

static struct ucode_row random_row(void)
{
    struct ucode_row row;

    do {
        row =
            (struct ucode_row){.need = (uint8_t)rnd(256), .rel = (uint8_t)rnd(256), .wait = rnd(2)};
        for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
            row.slots[lane] = random_slot(lane);
    } while (ucode_row_fault(&row));
    return row;
}

static bool rows_equal(const struct ucode_row *x, const struct ucode_row *y)
{
    if (x->need != y->need || x->rel != y->rel || x->wait != y->wait)
        return false;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &x->slots[lane];
        const struct ucode_slot *t = &y->slots[lane];

        if (s->op != t->op || s->w32 != t->w32 || s->dst != t->dst || s->a != t->a ||
            s->b != t->b || s->bimm != t->bimm || s->pred != t->pred || s->pneg != t->pneg ||
            s->size != t->size || s->br != t->br || s->tgt != t->tgt || s->imm != t->imm)
            return false;
    }
    return true;
}

static void test_ucode_encode_random_rows_decode_the_same(void **state)
{
    (void)state;
    rng_state = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const struct ucode_row row = random_row();
        uint32_t words[UCODE_ROW_WORDS];
        struct ucode_row back;

        ucode_encode_row(&row, words);
        assert_int_equal(ucode_decode_row(words, &back), 0);
        assert_true(rows_equal(&row, &back));
    }
}

static void test_ucode_print_random_rows_parse_the_same(void **state)
{
    (void)state;
    rng_state = 2;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const struct ucode_row row = random_row();
        struct ucode_row back;
        char text[512];
        FILE *out = fmemopen(text, sizeof(text), "w");

        ucode_print_row(out, &row);
        fclose(out);
        assert_int_equal(ucode_parse_row(text, &back), 0);
        assert_true(rows_equal(&row, &back));
    }
}

/* What is decoded is legal, and is encoded to the same bits again. */
static void test_ucode_decode_random_bits_refused_or_canonical(void **state)
{
    uint32_t legal = 0;

    (void)state;
    rng_state = 3;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct ucode_row row = random_row();
        uint32_t words[UCODE_ROW_WORDS];
        uint32_t again[UCODE_ROW_WORDS];
        const uint32_t bit = rnd(UCODE_ROW_BITS);

        ucode_encode_row(&row, words);
        words[bit / 32] ^= 1u << (bit % 32);
        if (ucode_decode_row(words, &row) != 0)
            continue;
        legal++;
        assert_null(ucode_row_fault(&row));
        ucode_encode_row(&row, again);
        assert_memory_equal(words, again, sizeof(words));
    }
    assert_in_range(legal, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

static void test_ucode_decode_illegal_rows_refused(void **state)
{
    static const struct {
        uint32_t lane;
        struct ucode_slot slot;
        const char *fault;
    } rows[] = {
        {0, {.op = 0x7f}, "unknown operation"},
        {3, {.op = UCODE_MULLONG}, "unknown operation"},
        {0, {.op = SPEC_ALU_UDIV, .dst = 4}, "unknown operation"},
        {1, {.op = SPEC_ALU_MUL, .dst = 5}, "unit is not in this lane"},
        {2, {.op = UCODE_LDPKT, .dst = 6, .size = 1}, "unit is not in this lane"},
        {0, {.op = SPEC_ALU_ADD, .dst = 5}, "another lane's bank"},
        {0, {.op = SPEC_ALU_ADD, .dst = 0}, "register 0"},
        {0, {.op = SPEC_ALU_EQ, .dst = 8}, "no such predicate"},
        {0, {.op = UCODE_KEYW, .dst = 8}, "no such key"},
        {1, {.op = UCODE_KEYW, .dst = 2}, "another lane"},
        {0, {.op = UCODE_OUT, .dst = 6}, "no such output"},
        {0, {.op = UCODE_EXIT, .dst = 1}, "dst is not used"},
        {0, {.op = UCODE_LDPKT, .dst = 4, .size = 9}, "1 to 8 bytes"},
        {0, {.op = UCODE_LDPKT, .dst = 4}, "1 to 8 bytes"},
        {3, {.op = UCODE_LDMAP, .dst = 7, .size = 3}, "1, 2, 4 or 8"},
        {3, {.op = UCODE_ATMAP, .dst = 7, .size = 2, .imm = 1 << 16}, "4 or 8 bytes"},
        {3, {.op = UCODE_ATMAP, .dst = 7, .size = 8, .imm = 9 << 16}, "no such atomic"},
        {3, {.op = UCODE_MAPOP, .imm = 3 << 16}, "no such map operation"},
        {3, {.op = UCODE_MAPOP, .imm = SPEC_HW_MAPS}, "no such map"},
        {3, {.op = UCODE_DIVLONG, .imm = SPEC_ALU_ADD}, "no such division"},
        {0, {.op = UCODE_IN, .dst = 4, .imm = SPEC_IN_COUNT}, "no such input"},
        {0, {.op = UCODE_JMP}, "a jump has br set"},
        {0, {.op = UCODE_EXIT, .br = true}, "cannot branch"},
        {0, {.op = UCODE_JMP, .br = true, .a = 1}, "a is not used"},
        {0, {.op = UCODE_EXIT, .bimm = true, .b = 1}, "b is not used"},
        {2, {.op = UCODE_STPKT, .size = 1, .bimm = true}, "no immediate"},
        {0, {.op = UCODE_MOVHI, .dst = 4, .w32 = true}, "no 32-bit form"},
        {0, {.op = SPEC_ALU_BSWAP64, .dst = 4, .w32 = true}, "no 32-bit form"},
        {0, {.op = UCODE_EXIT, .tgt = 1}, "tgt is not used"},
        {0, {.op = UCODE_EXIT, .size = 1}, "size is not used"},
        {0, {.op = UCODE_EXIT, .imm = 1}, "imm is not used"},
        {0, {.op = UCODE_NOP, .pneg = true}, "a nop has no predicate"},
        {3, {.op = UCODE_RES, .dst = 7}, "res needs wait"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ucode_row row = {0};
        uint32_t words[UCODE_ROW_WORDS];

        row.slots[rows[i].lane] = rows[i].slot;
        assert_non_null(ucode_row_fault(&row));
        assert_non_null(strstr(ucode_row_fault(&row), rows[i].fault));
        ucode_encode_row(&row, words);
        assert_int_equal(ucode_decode_row(words, &row), -EINVAL);
    }
}

static void test_ucode_decode_rows_that_conflict_refused(void **state)
{
    struct ucode_row row = {0};

    (void)state;
    row.slots[0] = (struct ucode_slot){.op = UCODE_LDPKT, .dst = 4, .size = 8};
    row.slots[2] = (struct ucode_slot){.op = UCODE_STPKT, .size = 8};
    assert_non_null(strstr(ucode_row_fault(&row), "loads from the packet and stores"));
    row.slots[0] = (struct ucode_slot){.op = SPEC_ALU_EQ, .dst = 3};
    row.slots[2] = (struct ucode_slot){.op = SPEC_ALU_NE, .dst = 3};
    assert_non_null(strstr(ucode_row_fault(&row), "two slots write one predicate"));
}

static void test_ucode_decode_reserved_header_bits_refused(void **state)
{
    uint32_t words[UCODE_ROW_WORDS] = {1u << 17};
    struct ucode_row row;

    (void)state;
    assert_int_equal(ucode_decode_row(words, &row), -EINVAL);
}

static void test_ucode_parse_bad_text_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "- | - | -",
        "- | - | - | - | -",
        "frob | - | - | -",
        "add r4, r1 | - | - | -",
        "add r5, r1, 7 | - | - | -",
        "need=1 - | - | - | -",
        "exit r64 | - | - | -",
        "(p8) exit 1 | - | - | -",
        "ldpkt.9 r4, r0+1 | - | - | -",
        "ldpkt.1 r4, r0 | - | - | -",
        "eq p1, r1, 99999999999 | - | - | -",
        "jmp -> 4096 | - | - | -",
        "- | - | - | - x",
    };
    struct ucode_row row;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(ucode_parse_row(texts[i], &row), -EINVAL);
}

/* --- image files --- */

enum { FILE_ROWS = 9 };

static struct ucode_image *random_image(struct arena *arena)
{
    struct ucode_image *image = arena_alloc(arena, sizeof(*image));

    image->name = "some_program";
    image->row_count = FILE_ROWS;
    image->rows = arena_array(arena, FILE_ROWS, sizeof(*image->rows));
    image->words = arena_array(arena, FILE_ROWS, sizeof(*image->words));
    image->map_count = 2;
    image->mapdesc = arena_array(arena, 2, sizeof(*image->mapdesc));
    image->tokens = 3;
    image->headroom_bytes = 64;
    for (uint32_t i = 0; i < 2 * SPEC_MAPDESC_WORDS; i++)
        image->mapdesc[i / SPEC_MAPDESC_WORDS][i % SPEC_MAPDESC_WORDS] = rnd(1000);
    for (uint32_t r = 0; r < FILE_ROWS; r++) {
        image->rows[r] = random_row();
        for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
            image->rows[r].slots[lane].tgt %= FILE_ROWS;
            image->ops += image->rows[r].slots[lane].op != UCODE_NOP;
        }
        ucode_encode_row(&image->rows[r], image->words[r]);
    }
    return image;
}

static void test_ucode_image_written_reads_back(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *back = NULL;
    struct ucode_image *image;
    char *data = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&data, &bytes);

    (void)state;
    rng_state = 4;
    image = random_image(arena);
    assert_int_equal(ucode_image_write(out, image), 0);
    fclose(out);
    assert_int_equal(ucode_image_read(data, bytes, arena, &sink, &back), 0);
    assert_string_equal(back->name, image->name);
    assert_int_equal(back->row_count, image->row_count);
    assert_int_equal(back->map_count, image->map_count);
    assert_int_equal(back->tokens, image->tokens);
    assert_int_equal(back->headroom_bytes, image->headroom_bytes);
    assert_int_equal(back->ops, image->ops);
    assert_memory_equal(back->words, image->words, FILE_ROWS * sizeof(*image->words));
    assert_memory_equal(back->mapdesc, image->mapdesc, 2 * sizeof(*image->mapdesc));
    for (uint32_t r = 0; r < FILE_ROWS; r++)
        assert_true(rows_equal(&back->rows[r], &image->rows[r]));
    free(data);
    arena_close(arena);
}

/* Any byte changed, and any length but the right one, is refused with UCODE0001. */
static void test_ucode_image_damaged_refused(void **state)
{
    struct arena *arena = arena_open();
    const struct ucode_image *back = NULL;
    char *data = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&data, &bytes);

    (void)state;
    rng_state = 5;
    ucode_image_write(out, random_image(arena));
    fclose(out);
    for (size_t at = 0; at < bytes; at++) {
        struct diag_sink sink = diag_sink_make(arena);

        data[at] ^= 0x10;
        assert_int_equal(ucode_image_read(data, bytes, arena, &sink, &back), -EINVAL);
        assert_string_equal(diag_first_error(&sink)->code, "UCODE0001");
        data[at] ^= 0x10;
        assert_int_equal(ucode_image_read(data, at, arena, &sink, &back), -EINVAL);
    }
    assert_null(back);
    free(data);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_encode_random_rows_decode_the_same),
        cmocka_unit_test(test_ucode_print_random_rows_parse_the_same),
        cmocka_unit_test(test_ucode_decode_random_bits_refused_or_canonical),
        cmocka_unit_test(test_ucode_decode_illegal_rows_refused),
        cmocka_unit_test(test_ucode_decode_rows_that_conflict_refused),
        cmocka_unit_test(test_ucode_decode_reserved_header_bits_refused),
        cmocka_unit_test(test_ucode_parse_bad_text_refused),
        cmocka_unit_test(test_ucode_image_written_reads_back),
        cmocka_unit_test(test_ucode_image_damaged_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
