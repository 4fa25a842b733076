/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/format.h"
#include "nic_runtime/helpers/internal.h"

#include <errno.h>

/* Helpers of text: numbers from it, comparison, and what is printed. Semantics:
 * kernel/bpf/helpers.c, lib/kstrtox.c and kernel/trace/bpf_trace.c of Linux. */

enum {
    BASE_MASK = 0x1f,      /* BPF_STRTOX_BASE_MASK */
    NUMBER_BYTES_MAX = 63, /* that Linux looks at behind blanks and sign */
    TRACE_PRINTK_ARGS = 3,
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

/* A digit's value, or 16 and more. */
static uint32_t digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (uint32_t)((c | 0x20) - 'a' + 10) : 16;
}

/* The base of a number, and what is in front of its digits. */
static uint32_t prefix_of(const char *s, uint32_t *base)
{
    const bool hex = s[0] == '0' && (s[1] | 0x20) == 'x';

    if (*base == 0)
        *base = s[0] != '0' ? 10 : hex && digit(s[2]) < 16 ? 16 : 8;
    return *base == 16 && hex ? 2 : 0;
}

/* The digits of a number; how many, 0 if there is none, or -ERANGE. */
static int digits_of(const char *s, uint32_t base, uint64_t *out)
{
    uint64_t v = 0;
    bool over = false;
    int n = 0;

    for (; digit(s[n]) < base; n++) {
        const uint64_t d = digit(s[n]);

        over |= v > (UINT64_MAX - d) / base;
        v = v * base + d;
    }
    *out = v;
    return over ? -ERANGE : n;
}

/* A number's size and sign; the bytes that were read, or negative errno. */
static int read_number(const uint8_t *from, uint32_t bytes, uint64_t flags, uint64_t *out,
                       bool *negative)
{
    uint32_t base = flags & BASE_MASK;
    char text[NUMBER_BYTES_MAX + 1] = {0};
    uint32_t at = 0, prefix;
    int n;

    if ((base != 0 && base != 8 && base != 10 && base != 16) || flags & ~(uint64_t)BASE_MASK)
        return -EINVAL;
    while (at < bytes && is_blank(from[at]))
        at++;
    *negative = at < bytes && from[at] == '-';
    at += *negative;
    if (at == bytes)
        return -EINVAL;
    memcpy(text, from + at, bytes - at < NUMBER_BYTES_MAX ? bytes - at : NUMBER_BYTES_MAX);
    prefix = prefix_of(text, &base);
    n = digits_of(text + prefix, base, out);
    if (n <= 0)
        return n ? n : -EINVAL;
    return (int)(at + prefix) + n;
}

static enum vm_fault to_number(struct vm *vm, bool is_signed)
{
    const uint8_t *from = vm_at(vm, vm->r[1], (uint32_t)vm->r[2], false);
    void *to = vm_at(vm, vm->r[4], sizeof(uint64_t), true);
    const uint64_t none = 0;
    bool negative = false;
    uint64_t v = 0;
    int n;

    if (!from || !to)
        return VM_FAULT_MEMORY;
    memcpy(to, &none, sizeof(none));
    n = read_number(from, (uint32_t)vm->r[2], vm->r[3], &v, &negative);
    if (n >= 0 && is_signed && v > (uint64_t)INT64_MAX + negative)
        n = -ERANGE;
    else if (n >= 0 && !is_signed && negative)
        n = -EINVAL;
    if (n < 0)
        return helper_return(vm, n);
    v = negative ? 0 - v : v;
    memcpy(to, &v, sizeof(v));
    return helper_return(vm, n);
}

enum vm_fault helper_strtol(struct vm *vm)
{
    return to_number(vm, true);
}

enum vm_fault helper_strtoul(struct vm *vm)
{
    return to_number(vm, false);
}

enum vm_fault helper_strncmp(struct vm *vm)
{
    const uint32_t bytes = (uint32_t)vm->r[2];
    const uint8_t *a = vm_at(vm, vm->r[1], bytes, false);
    int order = 0;

    if (!a)
        return VM_FAULT_MEMORY;
    for (uint32_t i = 0; i < bytes && !order; i++) {
        const uint8_t *b = vm_at(vm, vm->r[3] + i, 1, false);

        if (!b)
            return VM_FAULT_MEMORY;
        order = (a[i] > *b) - (a[i] < *b);
        if (!*b)
            break;
    }
    return helper_return(vm, order);
}

/* ---- printing ---- */

/* Tells the host what was printed. */
static enum vm_fault trace(struct vm *vm, const char *text, uint32_t bytes, const uint64_t *args,
                           uint32_t count)
{
    const struct vm_world *world = vm->packet->world;
    char line[FORMAT_TEXT_MAX];
    struct format f;
    uint64_t length;
    int err = format_prepare(&f, vm, text, bytes, args, count);

    if (err)
        return helper_return(vm, err);
    length = format_print(&f, line, sizeof(line));
    if (world && world->event)
        world->event(world->ctx, &(struct vm_event){.map = VM_NO_MAP,
                                                    .cpu = vm->packet->queue,
                                                    .data = line,
                                                    .bytes = (uint32_t)strlen(line)});
    return helper_return(vm, (int64_t)length);
}

_Static_assert((int)VM_PRINT_ARGS_MAX == FORMAT_ARGS_MAX && (int)VM_PRINT_BYTES == FORMAT_TEXT_MAX,
               "what is printed has one size");

bool vm_print(char line[VM_PRINT_BYTES], const char *text, uint32_t bytes, const uint64_t *args,
              uint32_t count)
{
    struct format f;

    if (format_prepare(&f, NULL, text, bytes, args, count))
        return false;
    format_print(&f, line, VM_PRINT_BYTES);
    return true;
}

enum vm_fault helper_trace_printk(struct vm *vm)
{
    const uint32_t bytes = (uint32_t)vm->r[2];
    const char *text = vm_at(vm, vm->r[1], bytes, false);
    const uint64_t args[TRACE_PRINTK_ARGS] = {vm->r[3], vm->r[4], vm->r[5]};

    return text ? trace(vm, text, bytes, args, TRACE_PRINTK_ARGS) : VM_FAULT_MEMORY;
}

/* An array of arguments; false if they are too many, or no multiple of 8 bytes. */
static bool arguments(struct vm *vm, uint64_t from, uint64_t bytes, uint64_t args[FORMAT_ARGS_MAX],
                      enum vm_fault *fault)
{
    const void *p = bytes ? vm_at(vm, from, (uint32_t)bytes, false) : args;

    *fault = p || !from ? VM_FAULT_NONE : VM_FAULT_MEMORY;
    if (!p || bytes % sizeof(uint64_t) || bytes > FORMAT_ARGS_MAX * sizeof(uint64_t))
        return false;
    if (bytes)
        memcpy(args, p, bytes);
    return true;
}

enum vm_fault helper_trace_vprintk(struct vm *vm)
{
    const uint32_t bytes = (uint32_t)vm->r[2];
    const char *text = vm_at(vm, vm->r[1], bytes, false);
    uint64_t args[FORMAT_ARGS_MAX];
    enum vm_fault fault;

    if (!text)
        return VM_FAULT_MEMORY;
    if (!arguments(vm, vm->r[3], (uint32_t)vm->r[4], args, &fault))
        return fault ? fault : helper_return(vm, -EINVAL);
    return trace(vm, text, bytes, args, (uint32_t)vm->r[4] / sizeof(uint64_t));
}

/* The bytes from an address to the first zero among them, with it, or 0. */
static uint32_t string_bytes(struct vm *vm, uint64_t address)
{
    const char *c = "";

    for (uint32_t n = 0; n < INT32_MAX; n++) {
        c = vm_at(vm, address + n, 1, false);
        if (!c)
            return 0;
        if (!*c)
            return n + 1;
    }
    return 0;
}

enum vm_fault helper_snprintf(struct vm *vm)
{
    const uint32_t room = (uint32_t)vm->r[2];
    char *to = room ? vm_at(vm, vm->r[1], room, true) : NULL;
    const uint32_t bytes = string_bytes(vm, vm->r[3]);
    uint64_t args[FORMAT_ARGS_MAX];
    struct format f;
    enum vm_fault fault;
    int err;

    if ((room && !to) || !bytes)
        return VM_FAULT_MEMORY;
    if (!arguments(vm, vm->r[4], (uint32_t)vm->r[5], args, &fault))
        return fault ? fault : helper_return(vm, -EINVAL);
    err = format_prepare(&f, vm, (const char *)(uintptr_t)vm->r[3], bytes, args,
                         (uint32_t)vm->r[5] / sizeof(uint64_t));
    if (err)
        return helper_return(vm, err);
    return helper_return(vm, (int64_t)format_print(&f, to, room) + 1);
}
