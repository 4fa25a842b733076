/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

/* The listing: rows with their numbers; below each the eBPF instructions that its operations come
 * from, above it the source line where that changes. */

static const struct ir_source *source_of(const struct ir_func *f, uint32_t pc)
{
    return f && pc < f->source_count ? &f->sources[pc] : NULL;
}

static void print_source_line(FILE *out, const struct ir_source *now,
                              const struct ir_source *before)
{
    if (!now || !now->text || (before && before->line == now->line && before->text == now->text))
        return;
    fprintf(out, "; %s:%u: %s\n", now->file ? now->file : "?", now->line, now->text);
}

static void print_origins(FILE *out, const struct ucode_row *row, const struct ir_func *f)
{
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &row->slots[lane];
        const struct ir_source *source = source_of(f, s->pc);
        bool seen = s->op == UCODE_NOP || s->pc == IR_NO_PC;

        for (uint32_t i = 0; i < lane; i++)
            seen |= row->slots[i].op != UCODE_NOP && row->slots[i].pc == s->pc;
        if (!seen)
            fprintf(out, "          ; %u: %s\n", s->pc, source && source->ebpf ? source->ebpf : "");
    }
}

/* The least eBPF instruction of a row, or IR_NO_PC. */
static uint32_t first_pc(const struct ucode_row *row)
{
    uint32_t pc = IR_NO_PC;

    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &row->slots[lane];

        if (s->op != UCODE_NOP && s->pc < pc)
            pc = s->pc;
    }
    return pc;
}

static void print_row(FILE *out, const struct ucode_image *image, uint32_t row,
                      const struct ir_func *f)
{
    fprintf(out, "%5u: ", row);
    ucode_print_row(out, &image->rows[row]);
    fputc('\n', out);
    print_origins(out, &image->rows[row], f);
}

void ucode_print_listing_row(FILE *out, const struct ucode_image *image, uint32_t row,
                             const struct ir_func *f)
{
    print_source_line(out, source_of(f, first_pc(&image->rows[row])), NULL);
    print_row(out, image, row, f);
}

void ucode_print_listing(FILE *out, const struct ucode_image *image, const struct ir_func *f)
{
    const struct ir_source *before = NULL;

    fprintf(out, "# %s: %u rows, %u operations, tokens %02x, headroom %u\n",
            image->name ? image->name : "program", image->row_count, image->ops, image->tokens,
            image->headroom_bytes);
    for (uint32_t r = 0; r < image->row_count; r++) {
        const struct ir_source *now = source_of(f, first_pc(&image->rows[r]));

        print_source_line(out, now, before);
        if (now)
            before = now;
        print_row(out, image, r, f);
    }
}
