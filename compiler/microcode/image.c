/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

#include <errno.h>
#include <string.h>

/* The image as a file. All numbers are 32-bit little-endian words:
 *   magic, version, bytes of the file, checksum of what follows it, rows, words a row, maps, words
 * a map descriptor, token mask, headroom bytes, bytes of the name; name (padded to 4); map
 * descriptors; rows. */

enum {
    IMAGE_MAGIC = 0x43554c53, /* "SLUC" */
    IMAGE_VERSION = 1,
};

enum image_word {
    WORD_MAGIC,
    WORD_VERSION,
    WORD_BYTES,
    WORD_CHECKSUM,
    WORD_ROWS,
    WORD_ROW_WORDS,
    WORD_MAPS,
    WORD_MAP_WORDS,
    WORD_TOKENS,
    WORD_HEADROOM,
    WORD_NAME_BYTES,
    WORD_COUNT
};

enum { NAME_MAX_BYTES = 4096, HEADROOM_STEP = 64 };

/* Checksum over words: FNV-1a, a word a step, with a final shift so that every input bit reaches
 * the low half. */
struct sum {
    uint64_t state;
};

static void sum_add(struct sum *s, uint32_t word)
{
    s->state = (s->state ^ word) * UINT64_C(0x100000001b3);
}

static uint32_t sum_value(const struct sum *s)
{
    return (uint32_t)(s->state ^ s->state >> 32);
}

static struct sum sum_start(void)
{
    return (struct sum){UINT64_C(0xcbf29ce484222325)};
}

static void to_bytes(uint8_t *p, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(word >> (8 * i));
}

static uint32_t from_bytes(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t name_words(uint32_t bytes)
{
    return (bytes + 3) / 4;
}

/* Word number i of what follows the header. */
static uint32_t body_word(const struct ucode_image *image, uint32_t name_bytes, uint32_t i)
{
    const uint32_t names = name_words(name_bytes);
    const uint32_t maps = image->map_count * SPEC_MAPDESC_WORDS;
    uint8_t piece[4] = {0};

    if (i < names) {
        const uint32_t left = name_bytes - 4 * i;

        memcpy(piece, image->name + 4 * (size_t)i, left < 4 ? left : 4);
        return from_bytes(piece);
    }
    i -= names;
    if (i < maps)
        return image->mapdesc[i / SPEC_MAPDESC_WORDS][i % SPEC_MAPDESC_WORDS];
    i -= maps;
    return image->words[i / UCODE_ROW_WORDS][i % UCODE_ROW_WORDS];
}

static int put_word(FILE *out, uint32_t word)
{
    uint8_t bytes[4];

    to_bytes(bytes, word);
    return fwrite(bytes, sizeof(bytes), 1, out) == 1 ? 0 : -EIO;
}

int ucode_image_write(FILE *out, const struct ucode_image *image)
{
    const uint32_t name_bytes = image->name ? (uint32_t)strnlen(image->name, NAME_MAX_BYTES) : 0;
    const uint32_t body = name_words(name_bytes) + image->map_count * SPEC_MAPDESC_WORDS +
                          image->row_count * UCODE_ROW_WORDS;
    uint32_t header[WORD_COUNT] = {
        [WORD_MAGIC] = IMAGE_MAGIC,
        [WORD_VERSION] = IMAGE_VERSION,
        [WORD_BYTES] = 4 * (WORD_COUNT + body),
        [WORD_ROWS] = image->row_count,
        [WORD_ROW_WORDS] = UCODE_ROW_WORDS,
        [WORD_MAPS] = image->map_count,
        [WORD_MAP_WORDS] = SPEC_MAPDESC_WORDS,
        [WORD_TOKENS] = image->tokens,
        [WORD_HEADROOM] = image->headroom_bytes,
        [WORD_NAME_BYTES] = name_bytes,
    };
    struct sum sum = sum_start();

    for (uint32_t i = WORD_CHECKSUM + 1; i < WORD_COUNT; i++)
        sum_add(&sum, header[i]);
    for (uint32_t i = 0; i < body; i++)
        sum_add(&sum, body_word(image, name_bytes, i));
    header[WORD_CHECKSUM] = sum_value(&sum);
    for (uint32_t i = 0; i < WORD_COUNT; i++) {
        if (put_word(out, header[i]) != 0)
            return -EIO;
    }
    for (uint32_t i = 0; i < body; i++) {
        if (put_word(out, body_word(image, name_bytes, i)) != 0)
            return -EIO;
    }
    return 0;
}

/* --- reading --- */

static int refuse(struct diag_sink *sink, const char *why, uint32_t number)
{
    diag_add(sink, DIAG_ERROR, "UCODE0001", DIAG_NOWHERE, "not a microcode image: %s (%u)", why,
             number);
    return -EINVAL;
}

static int check_header(const uint8_t *p, size_t bytes, uint32_t header[WORD_COUNT],
                        struct diag_sink *sink)
{
    struct sum sum = sum_start();
    uint64_t body;

    if (bytes < 4 * WORD_COUNT)
        return refuse(sink, "the file is shorter than its header, bytes", (uint32_t)bytes);
    for (uint32_t i = 0; i < WORD_COUNT; i++)
        header[i] = from_bytes(p + 4 * i);
    if (header[WORD_MAGIC] != IMAGE_MAGIC)
        return refuse(sink, "wrong magic number", header[WORD_MAGIC]);
    if (header[WORD_VERSION] != IMAGE_VERSION)
        return refuse(sink, "version of another release", header[WORD_VERSION]);
    if (header[WORD_BYTES] != bytes || bytes % 4 != 0)
        return refuse(sink,
                      "the file was cut off or padded; its header tells another size in bytes",
                      header[WORD_BYTES]);
    if (header[WORD_ROW_WORDS] != UCODE_ROW_WORDS || header[WORD_MAP_WORDS] != SPEC_MAPDESC_WORDS)
        return refuse(sink, "rows of another core, words a row", header[WORD_ROW_WORDS]);
    if (header[WORD_ROWS] == 0 || header[WORD_ROWS] > SPEC_ROWS)
        return refuse(sink, "the core does not hold so many rows", header[WORD_ROWS]);
    if (header[WORD_MAPS] > SPEC_HW_MAPS)
        return refuse(sink, "the core does not serve so many maps", header[WORD_MAPS]);
    if (header[WORD_TOKENS] >> SPEC_TOKENS != 0)
        return refuse(sink, "the core does not have these tokens", header[WORD_TOKENS]);
    if (header[WORD_HEADROOM] > SPEC_PKT_BASE || header[WORD_HEADROOM] % HEADROOM_STEP != 0)
        return refuse(sink, "bad headroom", header[WORD_HEADROOM]);
    if (header[WORD_NAME_BYTES] > NAME_MAX_BYTES)
        return refuse(sink, "name too long, bytes", header[WORD_NAME_BYTES]);
    body = (uint64_t)name_words(header[WORD_NAME_BYTES]) + header[WORD_MAPS] * SPEC_MAPDESC_WORDS +
           (uint64_t)header[WORD_ROWS] * UCODE_ROW_WORDS;
    if (4 * (WORD_COUNT + body) != bytes)
        return refuse(sink, "size does not agree with the counts, bytes", (uint32_t)bytes);
    for (size_t at = 4 * (WORD_CHECKSUM + 1); at < bytes; at += 4)
        sum_add(&sum, from_bytes(p + at));
    if (sum_value(&sum) != header[WORD_CHECKSUM])
        return refuse(sink, "the checksum is wrong; the file is damaged", header[WORD_CHECKSUM]);
    return 0;
}

static int read_rows(struct ucode_image *image, const uint8_t *p, struct diag_sink *sink)
{
    for (uint32_t r = 0; r < image->row_count; r++) {
        for (uint32_t i = 0; i < UCODE_ROW_WORDS; i++, p += 4)
            image->words[r][i] = from_bytes(p);
        if (ucode_decode_row(image->words[r], &image->rows[r]) != 0)
            return refuse(sink, "a row that the core cannot run", r);
        for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
            const struct ucode_slot *s = &image->rows[r].slots[lane];

            image->ops += s->op != UCODE_NOP;
            if (s->br && s->tgt >= image->row_count)
                return refuse(sink, "a branch past the last row, in row", r);
        }
    }
    return 0;
}

int ucode_image_read(const void *data, size_t bytes, struct arena *arena, struct diag_sink *sink,
                     const struct ucode_image **out)
{
    const uint8_t *p = data;
    uint32_t header[WORD_COUNT];
    struct ucode_image *image;
    char *name;
    int ret;

    ret = check_header(p, bytes, header, sink);
    if (ret != 0)
        return ret;
    image = arena_alloc(arena, sizeof(*image));
    name = arena_alloc(arena, header[WORD_NAME_BYTES] + 1);
    image->row_count = header[WORD_ROWS];
    image->map_count = header[WORD_MAPS];
    image->tokens = header[WORD_TOKENS];
    image->headroom_bytes = header[WORD_HEADROOM];
    image->rows = arena_array(arena, image->row_count, sizeof(*image->rows));
    image->words = arena_array(arena, image->row_count, sizeof(*image->words));
    image->mapdesc = arena_array(arena, image->map_count + 1, sizeof(*image->mapdesc));
    if (!name || !image->rows || !image->words || !image->mapdesc)
        return -ENOMEM;
    p += 4 * WORD_COUNT;
    memcpy(name, p, header[WORD_NAME_BYTES]);
    image->name = name;
    p += 4 * (size_t)name_words(header[WORD_NAME_BYTES]);
    for (uint32_t i = 0; i < image->map_count * SPEC_MAPDESC_WORDS; i++, p += 4)
        image->mapdesc[i / SPEC_MAPDESC_WORDS][i % SPEC_MAPDESC_WORDS] = from_bytes(p);
    ret = read_rows(image, p, sink);
    if (ret != 0)
        return ret;
    *out = image;
    return 0;
}

const struct ucode_image *ucode_image_unordered(const struct ucode_image *image,
                                                struct arena *arena)
{
    struct ucode_image *copy = arena_memdup(arena, image, sizeof(*image));

    copy->rows = arena_memdup(arena, image->rows, image->row_count * sizeof(*image->rows));
    copy->words = arena_memdup(arena, image->words, image->row_count * sizeof(*image->words));
    copy->tokens = 0;
    for (uint32_t i = 0; i < image->row_count; i++) {
        copy->rows[i].need = 0;
        ucode_encode_row(&copy->rows[i], copy->words[i]);
    }
    return copy;
}
