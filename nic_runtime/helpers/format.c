/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/format.h"

#include "nic_runtime/vm/memory.h"

#include <errno.h>

enum {
    POINTER_DIGITS = 16,
    WIDTH_MAX = (1 << 23) - 1, /* FIELD_WIDTH_MAX */
    DIGITS_MAX = 20,
};

/* A conversion in a format. */
struct conversion {
    char kind; /* d u x X c s p, or I i: an address */
    char more; /* of a pointer: the letter behind it, or 0; of an address 4 or 6 */
    bool wide; /* 64 bits */
    bool left, plus, space, zeros;
    uint32_t width;
    uint32_t bytes; /* of the format */
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_punctuation(char c)
{
    return c > ' ' && c <= '~' && !is_letter_or_digit(c);
}

/* What a string or a plain pointer ends with. */
static bool ends(char c)
{
    return c == 0 || is_space(c) || is_punctuation(c);
}

static const char *flags_of(const char *s, struct conversion *c)
{
    for (;; s++)
        switch (*s) {
        case '0':
            c->zeros = true;
            break;
        case '+':
            c->plus = true;
            break;
        case '-':
            c->left = true;
            break;
        case ' ':
            c->space = true;
            break;
        default:
            return s;
        }
}

static const char *pointer_of(const char *s, struct conversion *c)
{
    c->kind = 'p';
    c->wide = true;
    if (ends(s[1]))
        return s + 1;
    if ((s[1] == 'k' || s[1] == 'u') && s[2] == 's') {
        c->kind = 's';
        return ends(s[3]) ? s + 3 : NULL;
    }
    if (s[1] == 'x' || s[1] == 'K')
        return s + 2;
    if ((s[1] != 'i' && s[1] != 'I') || (s[2] != '4' && s[2] != '6'))
        return NULL;
    c->kind = s[1];
    c->more = s[2];
    return s + 3;
}

/* The conversion behind a %; false if Linux takes none of the kind. */
static bool read_conversion(const char *start, struct conversion *c)
{
    const char *s;

    *c = (struct conversion){0};
    s = flags_of(start, c);
    if (*s >= '1' && *s <= '9')
        for (; *s >= '0' && *s <= '9'; s++)
            if (c->width <= WIDTH_MAX)
                c->width = c->width * 10 + (uint32_t)(*s - '0');
    c->width = c->width < WIDTH_MAX ? c->width : WIDTH_MAX;
    if (*s == 'p') {
        s = pointer_of(s, c);
    } else if (*s == 's' || *s == 'c') {
        c->kind = *s++;
        s = c->kind == 'c' || ends(*s) ? s : NULL;
    } else {
        for (int n = 0; *s == 'l' && n < 2; n++, s++)
            c->wide = true;
        c->kind = *s == 'i' ? 'd' : *s;
        s = *s == 'i' || *s == 'd' || *s == 'u' || *s == 'x' || *s == 'X' ? s + 1 : NULL;
    }
    c->bytes = s ? (uint32_t)(s - start) : 0;
    return s != NULL;
}

/* ---- what the arguments lead to ---- */

static uint32_t align4(uint32_t n)
{
    return (n + 3) & ~3u;
}

static uint32_t put_decimal(char *to, uint32_t v)
{
    uint32_t n = 0;

    if (v >= 100)
        to[n++] = (char)('0' + v / 100);
    if (v >= 10)
        to[n++] = (char)('0' + v / 10 % 10);
    to[n++] = (char)('0' + v % 10);
    return n;
}

/* 192.0.2.1, or 192.000.002.001 for %pi4. */
static uint32_t address4(char *to, const uint8_t *a, bool zeros)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < 4; i++) {
        if (i)
            to[n++] = '.';
        for (uint32_t p = 100; zeros && p > 1 && a[i] < p; p /= 10)
            to[n++] = '0';
        n += put_decimal(to + n, a[i]);
    }
    to[n++] = 0;
    return n;
}

/* Eight words of four digits, with or without colons between. */
static uint32_t address6(char *to, const uint8_t *a, bool colons)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t n = 0;

    for (uint32_t i = 0; i < 16; i++) {
        if (colons && i && i % 2 == 0)
            to[n++] = ':';
        to[n++] = digits[a[i] >> 4];
        to[n++] = digits[a[i] & 15];
    }
    to[n++] = 0;
    return n;
}

/* An address's text; zeros if there is no such memory. */
static uint32_t copy_address(struct vm *vm, uint64_t from, const struct conversion *c, char *to)
{
    static const uint8_t zeros[16];
    const uint32_t bytes = c->more == '4' ? 4 : 16;
    const uint8_t *a = vm ? vm_at(vm, from, bytes, false) : NULL;

    a = a ? a : zeros;
    return bytes == 4 ? address4(to, a, c->kind == 'i') : address6(to, a, c->kind == 'I');
}

/* A string with its end, cut off so that it fits; nothing if it reaches where nothing may be read.
 */
static uint32_t copy_string(struct vm *vm, uint64_t from, char *to, uint32_t room)
{
    for (uint32_t n = 0; n < room; n++) {
        const char *c = vm ? vm_at(vm, from + n, 1, false) : NULL;

        if (!c)
            break;
        to[n] = *c;
        if (!*c)
            return n + 1;
        if (n + 1 == room) {
            to[n] = 0;
            return room;
        }
    }
    to[0] = 0;
    return 1;
}

/* Takes an argument in; *used is what Linux has filled of its buffer. */
static int take(struct format *f, struct vm *vm, const struct conversion *c, uint64_t arg,
                uint32_t *used)
{
    enum { ADDRESS4 = 16, ADDRESS6 = 40 };
    uint32_t bytes;

    if (c->kind == 's') {
        if (*used >= FORMAT_BYTES_MAX)
            return -ENOSPC;
        f->args[f->count++] = *used;
        *used += copy_string(vm, arg, f->strings + *used, FORMAT_BYTES_MAX - *used);
        return 0;
    }
    if (c->kind == 'i' || c->kind == 'I') {
        if (FORMAT_BYTES_MAX - *used < (c->more == '4' ? ADDRESS4 : ADDRESS6))
            return -ENOSPC;
        f->args[f->count++] = *used;
        *used += copy_address(vm, arg, c, f->strings + *used);
        return 0;
    }
    f->args[f->count++] = arg;
    if (c->kind == 'c') {
        ++*used;
        return 0;
    }
    bytes = c->wide ? 8 : 4;
    *used = align4(*used);
    if (*used > FORMAT_BYTES_MAX || FORMAT_BYTES_MAX - *used < bytes)
        return -ENOSPC;
    *used += bytes;
    return 0;
}

int format_prepare(struct format *f, struct vm *vm, const char *text, uint32_t bytes,
                   const uint64_t *args, uint32_t count)
{
    uint32_t used = 0;
    const char *end = bytes ? memchr(text, 0, bytes) : NULL;

    if (!end)
        return -EINVAL;
    f->text = text;
    f->bytes = (uint32_t)(end - text);
    f->count = 0;
    for (const char *s = text; s < end; s++) {
        struct conversion c;
        int err;

        if ((*s < ' ' || *s > '~') && !is_space(*s))
            return -EINVAL;
        if (*s != '%')
            continue;
        if (s[1] == '%') {
            s++;
            continue;
        }
        if (f->count >= count || !read_conversion(s + 1, &c))
            return -EINVAL;
        err = take(f, vm, &c, args[f->count], &used);
        if (err)
            return err;
        s += c.bytes;
    }
    return 0;
}

/* ---- writing ---- */

struct writer {
    char *to;
    uint64_t room;
    uint64_t length;
};

static void put(struct writer *w, char c)
{
    if (w->length < w->room)
        w->to[w->length] = c;
    w->length++;
}

static void put_many(struct writer *w, char c, uint64_t n)
{
    while (n--)
        put(w, c);
}

static void put_text(struct writer *w, const char *text, uint32_t bytes, const struct conversion *c)
{
    const uint64_t fill = c->width > bytes ? c->width - bytes : 0;

    if (!c->left)
        put_many(w, ' ', fill);
    for (uint32_t i = 0; i < bytes; i++)
        put(w, text[i]);
    if (c->left)
        put_many(w, ' ', fill);
}

static void put_number(struct writer *w, uint64_t v, uint32_t base, const struct conversion *c)
{
    const char *letters = c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    const bool is_signed = c->kind == 'd';
    char digits[DIGITS_MAX];
    uint32_t n = 0, fill;
    char sign = 0;

    if (is_signed && (int64_t)v < 0) {
        sign = '-';
        v = 0 - v;
    } else if (is_signed && (c->plus || c->space)) {
        sign = c->plus ? '+' : ' ';
    }
    do
        digits[n++] = letters[v % base];
    while (v /= base);
    fill = c->width > n + (sign != 0) ? c->width - n - (sign != 0) : 0;
    if (!c->left && !c->zeros)
        put_many(w, ' ', fill);
    if (sign)
        put(w, sign);
    if (!c->left && c->zeros)
        put_many(w, '0', fill);
    while (n)
        put(w, digits[--n]);
    if (c->left)
        put_many(w, ' ', fill);
}

/* Linux hides what a plain pointer is behind a hash; here it is the number itself. */
static void put_pointer(struct writer *w, uint64_t v, const struct conversion *c)
{
    struct conversion p = *c;

    if (!p.width) {
        p.width = POINTER_DIGITS;
        p.zeros = true;
    }
    put_number(w, v, 16, &p);
}

static void put_conversion(struct writer *w, const struct format *f, const struct conversion *c,
                           uint64_t arg)
{
    const struct conversion plain = {0};
    const char letter = (char)arg;

    switch (c->kind) {
    case 's':
        put_text(w, f->strings + arg, (uint32_t)strlen(f->strings + arg), c);
        break;
    case 'i':
    case 'I':
        put_text(w, f->strings + arg, (uint32_t)strlen(f->strings + arg), &plain);
        break;
    case 'c':
        put_text(w, &letter, 1, c);
        break;
    case 'p':
        put_pointer(w, arg, c);
        break;
    case 'd':
        put_number(w, c->wide ? arg : (uint64_t)(int64_t)(int32_t)arg, 10, c);
        break;
    default:
        put_number(w, c->wide ? arg : (uint32_t)arg, c->kind == 'u' ? 10 : 16, c);
        break;
    }
}

uint64_t format_print(const struct format *f, char *to, uint64_t room)
{
    struct writer w = {to, room, 0};
    uint32_t next = 0;

    for (const char *s = f->text; s < f->text + f->bytes; s++) {
        struct conversion c;

        if (*s != '%' || s[1] == '%') {
            put(&w, *s);
            s += *s == '%';
            continue;
        }
        if (!read_conversion(s + 1, &c))
            break;
        put_conversion(&w, f, &c, f->args[next++]);
        s += c.bytes;
    }
    if (room)
        to[w.length < room ? w.length : room - 1] = 0;
    return w.length;
}
