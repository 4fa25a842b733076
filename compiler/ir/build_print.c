/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/build_event.h"

#include <string.h>

/* Printed lines: the host formats them. Semantics: nic_runtime/helpers/text.c. */

enum {
    PRINTK_ARGS = 3,
    PRINT_ARGS_MAX = 12, /* MAX_BPRINTF_VARARGS */
};

/* A format in data that never changes; NULL: refused. Its arguments are numbers, so what leads to
 * memory is refused. */
static const char *format_of(struct builder *b, const struct verify_fact *fact, uint32_t *bytes,
                             uint32_t *args)
{
    struct build_place text;
    uint32_t n = 0;

    *bytes = (uint32_t)fact->args[1].value;
    if (build_place_of(b, &fact->args[0].pointer, build_reg(b, 1), 0, &text))
        return NULL;
    if (!text.rodata || !fact->args[1].is_const || *bytes > text.rodata_bytes) {
        build_refuse(b, "IRB0024",
                     "the format is not constant data (static const char); the host, which writes "
                     "the line, needs to know it");
        return NULL;
    }
    for (uint32_t i = 0; i < *bytes && text.rodata[i]; i++) {
        const uint8_t *c = &text.rodata[i];

        if (*c != '%')
            continue;
        if (i + 1 < *bytes && c[1] == '%') {
            i++;
            continue;
        }
        while (i < *bytes && text.rodata[i] && !strchr("duxXicsp", text.rodata[i]))
            i++;
        n++;
        if (i < *bytes && (text.rodata[i] == 's' ||
                           (text.rodata[i] == 'p' && i + 1 < *bytes &&
                            strchr("iIBsSfFMm", text.rodata[i + 1]) && text.rodata[i + 1]))) {
            build_refuse(b, "IRB0024",
                         "conversion %u of the format prints what a pointer leads to, which the "
                         "host does not have",
                         n);
            return NULL;
        }
    }
    *args = n;
    return (const char *)text.rodata;
}

/* The length of the line is not known here. */
static void print_result(struct builder *b)
{
    struct build_events *e = &b->events;
    const struct build_place place = build_event_place(b, 0);
    const ir_ref unknown = build_load(b, &place, 0, EVENT_WORD);

    e->unknown = arena_grow(b->arena, e->unknown, e->unknown_count, &e->unknown_capacity,
                            sizeof(*e->unknown));
    e->unknown[e->unknown_count++] = (struct build_unknown){unknown, b->pc};
    build_set_reg(b, 0, unknown);
}

void build_trace_printk(struct builder *b, const struct verify_fact *fact)
{
    struct ir_event_site *site = build_event_site(b, IR_EVENT_PRINT);
    uint32_t bytes, args;
    const char *text = site ? format_of(b, fact, &bytes, &args) : NULL;

    if (!text)
        return;
    args = args < PRINTK_ARGS ? args : PRINTK_ARGS;
    site->text = text;
    site->text_bytes = bytes;
    site->bytes = args * EVENT_WORD;
    site->data = build_event_area(b, site->bytes);
    for (uint32_t i = 0; i < args && !b->error; i++) {
        if (fact->args[2 + i].pointer.region != VERIFY_REGION_NONE)
            build_refuse(b, "IRB0024", "argument %u of the format is an address", i + 1);
        else
            build_event_word(b, site->data + i * EVENT_WORD, build_reg(b, 3 + i));
    }
    build_event_mark(b, site, build_const(b, 1));
    print_result(b);
}

void build_trace_vprintk(struct builder *b, const struct verify_fact *fact)
{
    struct ir_event_site *site = build_event_site(b, IR_EVENT_PRINT);
    uint32_t bytes, args;
    const char *text = site ? format_of(b, fact, &bytes, &args) : NULL;

    if (!text)
        return;
    if (!fact->args[3].is_const || fact->args[3].value % EVENT_WORD ||
        fact->args[3].value > PRINT_ARGS_MAX * EVENT_WORD) {
        build_refuse(b, "IRB0024", "the number of the format's arguments is not known, or wrong");
        return;
    }
    site->text = text;
    site->text_bytes = bytes;
    build_event_memory(b, fact, 3, site);
    build_event_mark(b, site, build_const(b, 1));
    print_result(b);
}
