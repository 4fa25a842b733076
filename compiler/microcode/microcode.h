/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_H
#define SLUICE_MICROCODE_H

#include "compiler/ir/ir.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/microcode.h"

/* Programs for the VLIW core. The meaning of a row is in hw/spec/microcode.toml. */

enum { UCODE_ROW_WORDS = (UCODE_ROW_BITS + 31) / 32 };

struct ucode_slot {
    uint8_t op; /* enum ucode_op or enum spec_alu */
    bool w32;
    uint8_t dst;
    uint8_t a;
    uint8_t b;
    bool bimm;
    uint8_t pred;
    bool pneg;
    uint8_t size;
    bool br;
    uint16_t tgt;
    int32_t imm;
    uint32_t pc; /* eBPF instruction, or IR_NO_PC; not encoded */
};

struct ucode_row {
    uint8_t need;
    uint8_t rel;
    bool wait;
    struct ucode_slot slots[SPEC_LANES];
};

/* A program image: what is loaded into the core. */
struct ucode_image {
    const char *name;
    struct ucode_row *rows;
    uint32_t row_count;
    uint32_t (*words)[UCODE_ROW_WORDS]; /* encoded rows */
    uint32_t tokens;                    /* mask of the ordering tokens in use */
    uint32_t headroom_bytes; /* of headroom that must be zero for each packet, a multiple of 64 */
    uint32_t (*mapdesc)[SPEC_MAPDESC_WORDS]; /* descriptor of each map */
    uint32_t map_count;
    uint32_t ops; /* operations that are not NOPs */
};

/* Compiles a function. 0 and *out, or -ENOTSUP with the reason in the sink (code UCODEnnnn): too
 * many rows, keys, values, maps, ... */
int ucode_compile(const struct ir_func *f, struct arena *arena, struct diag_sink *sink,
                  const struct ucode_image **out);

/* Whether the map's values lie in external memory (mapdesc, VMEM_BASE). */
static inline bool ucode_map_external(const struct ucode_image *image, uint32_t map)
{
    return image->mapdesc[map][SPEC_MAPDESC_ENGINE] &&
           image->mapdesc[map][SPEC_MAPDESC_VMEM_BASE] >= SPEC_EXT_BASE;
}

/* Whether the map's keys lie there (ENTRY_BASE). */
static inline bool ucode_map_keys_external(const struct ucode_image *image, uint32_t map)
{
    return (image->mapdesc[map][SPEC_MAPDESC_ENGINE] == SPEC_ENGINE_HASH ||
            image->mapdesc[map][SPEC_MAPDESC_ENGINE] == SPEC_ENGINE_LRU) &&
           image->mapdesc[map][SPEC_MAPDESC_ENTRY_BASE] >= SPEC_EXT_BASE;
}

/* For tests: a copy of an image whose rows wait for no token, so that results may be wrong where
 * packets meet. */
const struct ucode_image *ucode_image_unordered(const struct ucode_image *image,
                                                struct arena *arena);

void ucode_encode_row(const struct ucode_row *row, uint32_t words[UCODE_ROW_WORDS]);
/* -EINVAL if the words are not a row that the core can run (unknown op, op in a wrong lane,
 * register in a wrong bank, ...). */
int ucode_decode_row(const uint32_t words[UCODE_ROW_WORDS], struct ucode_row *row);
/* One row as text, slots separated by " | ". */
void ucode_print_row(FILE *out, const struct ucode_row *row);
/* The listing: each row with the eBPF instructions and source lines that its operations come from.
 */
void ucode_print_listing(FILE *out, const struct ucode_image *image, const struct ir_func *f);
/* One row of the listing, with its source line. */
void ucode_print_listing_row(FILE *out, const struct ucode_image *image, uint32_t row,
                             const struct ir_func *f);

/* The image as a file and back: a header with a magic number, sizes and a checksum, then
 * descriptors and rows. */
int ucode_image_write(FILE *out, const struct ucode_image *image);
int ucode_image_read(const void *data, size_t bytes, struct arena *arena, struct diag_sink *sink,
                     const struct ucode_image **out);

/* The image as text and back (text.c says how it looks): what ucode_image_write would write is the
 * same. name stands for the text in messages. 0, or -EINVAL with each fault in the sink. */
void ucode_print_image(FILE *out, const struct ucode_image *image);
int ucode_parse_image(const char *text, const char *name, struct arena *arena,
                      struct diag_sink *sink, const struct ucode_image **out);

#endif
