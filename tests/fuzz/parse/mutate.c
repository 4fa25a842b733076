/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/parse/fuzz.h"

#include <ctype.h>
#include <string.h>

uint64_t fuzz_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t below(size_t n, uint64_t *state)
{
    return n ? (size_t)(fuzz_random(state) >> 11) % n : 0;
}

/* Numbers that lengths, offsets and kinds are tried with. */
static const uint64_t interesting[] = {
    0,          1,          2,          4,          7,          8,          16,        24,
    64,         255,        256,        0x7fff,     0x8000,     0xffff,     0x10000,   0x7fffffff,
    0x80000000, 0xfffffff0, 0xffffffff, 1ULL << 32, 1ULL << 40, 1ULL << 63, ~0ULL - 7, ~0ULL};
enum { INTERESTING = sizeof(interesting) / sizeof(interesting[0]), CHUNK = 64 };

/* ---- numbers in binary ---- */

static void change_number(uint8_t *at, size_t width, uint64_t *state)
{
    uint64_t value = 0;

    memcpy(&value, at, width);
    switch (below(6, state)) {
    case 0:
        value ^= 1ULL << below(64, state);
        break;
    case 1:
        value += 1;
        break;
    case 2:
        value -= 1;
        break;
    case 3:
        value = fuzz_random(state);
        break;
    default:
        value = interesting[below(INTERESTING, state)];
        break;
    }
    memcpy(at, &value, width);
}

/* A place among an ELF file's section headers, or at the start of a section; SIZE_MAX if the file
 * is none. */
static size_t elf_place(const uint8_t *data, size_t bytes, uint64_t *state)
{
    enum { HEADER = 64, SHOFF = 40, SH_OFFSET = 24 };
    uint64_t table, section;

    if (bytes < HEADER || memcmp(data, "\177ELF", 4) != 0)
        return SIZE_MAX;
    memcpy(&table, data + SHOFF, sizeof(table));
    if (table >= bytes || bytes - table < HEADER)
        return SIZE_MAX;
    if (below(2, state))
        return (size_t)table + below(bytes - (size_t)table, state);
    memcpy(&section,
           data + table + HEADER * below((bytes - (size_t)table) / HEADER, state) + SH_OFFSET,
           sizeof(section));
    return section < bytes ? (size_t)section + below(HEADER, state) : SIZE_MAX;
}

static size_t change_bytes(uint8_t *data, size_t bytes, uint64_t *state)
{
    static const size_t widths[] = {1, 2, 4, 8};
    const size_t width = widths[below(4, state)];
    size_t at = below(2, state) ? elf_place(data, bytes, state) : SIZE_MAX;

    if (bytes < width)
        return bytes;
    if (at == SIZE_MAX)
        at = below(bytes, state);
    if (at > bytes - width)
        at = bytes - width;
    change_number(data + at, width, state);
    return bytes;
}

/* ---- pieces ---- */

static size_t cut(uint8_t *data, size_t bytes, size_t from, size_t count)
{
    memmove(data + from, data + from + count, bytes - from - count);
    return bytes - count;
}

/* Puts a copy of a piece somewhere else. */
static size_t repeat(uint8_t *data, size_t bytes, size_t max, size_t from, size_t count, size_t to)
{
    uint8_t piece[4 * CHUNK];

    if (count > sizeof(piece) || count > max - bytes)
        return bytes;
    memcpy(piece, data + from, count);
    memmove(data + to + count, data + to, bytes - to);
    memcpy(data + to, piece, count);
    return bytes + count;
}

static size_t move_piece(uint8_t *data, size_t bytes, size_t max, uint64_t *state)
{
    const size_t from = below(bytes, state);
    const size_t left = bytes - from;
    const size_t count = 1 + below(left < CHUNK ? left : CHUNK, state);

    switch (below(4, state)) {
    case 0:
        return bytes - below(bytes, state) / 2; /* the end is cut off */
    case 1:
        return cut(data, bytes, from, count < left ? count : left);
    default:
        return repeat(data, bytes, max, from, count < left ? count : left, below(bytes + 1, state));
    }
}

/* ---- text ---- */

static bool is_text(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes && i < 512; i++)
        if (!isprint(data[i]) && !isspace(data[i]))
            return false;
    return true;
}

static size_t line_start(const uint8_t *data, size_t at)
{
    while (at && data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_bytes(const uint8_t *data, size_t bytes, size_t at)
{
    const uint8_t *end = memchr(data + at, '\n', bytes - at);

    return end ? (size_t)(end - data) + 1 - at : bytes - at;
}

/* Another number in the place of one. */
static size_t change_decimal(uint8_t *data, size_t bytes, size_t max, uint64_t *state)
{
    size_t at = below(bytes, state), digits = 0;
    char text[32];
    int n;

    while (at < bytes && !isdigit(data[at]))
        at++;
    while (at + digits < bytes && isdigit(data[at + digits]))
        digits++;
    n = snprintf(text, sizeof(text), below(3, state) ? "%llu" : "-%llu",
                 (unsigned long long)(below(2, state) ? interesting[below(INTERESTING, state)]
                                                      : below(40, state)));
    if (!digits || (size_t)n > max - (bytes - digits))
        return bytes;
    bytes = cut(data, bytes, at, digits);
    memmove(data + at + n, data + at, bytes - at);
    memcpy(data + at, text, (size_t)n);
    return bytes + (size_t)n;
}

static size_t change_text(uint8_t *data, size_t bytes, size_t max, uint64_t *state)
{
    const size_t from = line_start(data, below(bytes, state));
    const size_t count = line_bytes(data, bytes, from);

    switch (below(4, state)) {
    case 0:
        return cut(data, bytes, from, count);
    case 1:
        return repeat(data, bytes, max, from, count, line_start(data, below(bytes, state)));
    case 2:
        data[below(bytes, state)] = (uint8_t)(' ' + below(95, state));
        return bytes;
    default:
        return change_decimal(data, bytes, max, state);
    }
}

size_t fuzz_mutate(uint8_t *data, size_t bytes, size_t max, uint64_t *state)
{
    for (size_t n = 1 + below(6, state); n && bytes; n--) {
        if (is_text(data, bytes) && below(4, state))
            bytes = change_text(data, bytes, max, state);
        else if (below(6, state) == 0)
            bytes = move_piece(data, bytes, max, state);
        else
            bytes = change_bytes(data, bytes, state);
    }
    return bytes;
}
