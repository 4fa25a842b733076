/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/conformance/conformance.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t conf_hex(const char *text, uint8_t *bytes, size_t most, const char **why)
{
    size_t n = 0;

    *why = NULL;
    for (;;) {
        int high, low;

        while (isspace((unsigned char)*text))
            text++;
        if (!*text)
            return n;
        high = digit((unsigned char)text[0]);
        low = high < 0 ? -1 : digit((unsigned char)text[1]);
        if (high < 0)
            *why = "there is something else than hex digits and blanks";
        else if (low < 0)
            *why = "a byte has two hex digits";
        else if (n == most)
            *why = "too many bytes";
        if (*why)
            return n;
        bytes[n++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
}

static void say(char why[EXEC_WHY_BYTES], const struct diag_sink *sink, int err)
{
    exec_why(why, diag_first_error(sink), err);
}

/* The first program of any section; where there is code in .text alone, its first exported
 * function. */
static int load_elf(const void *data, size_t bytes, struct conf_program *p,
                    char why[EXEC_WHY_BYTES])
{
    static const char *const sections[] = {NULL, ".text"};
    int err = -ENOENT;

    for (uint32_t i = 0; i < sizeof(sections) / sizeof(*sections) && err; i++) {
        const struct load_options options = {.size = sizeof(options),
                                             .section = sections[i],
                                             .any_type = !sections[i],
                                             .inner_calls = true};
        struct diag_sink sink = diag_sink_make(p->arena);

        err = load_object_memory(data, bytes, "(standard input)", &options, p->arena, &sink,
                                 &p->object);
        if (err && i == 0) /* what is said of all sections says more */
            say(why, &sink, err);
    }
    return err;
}

/* What a program is made of. */
struct source {
    const void *data;
    size_t bytes;
    bool elf;
    const struct load_map *maps;
    uint32_t map_count;
};

static int load_insns(const struct source *s, struct conf_program *p, char why[EXEC_WHY_BYTES])
{
    struct diag_sink sink = diag_sink_make(p->arena);
    int err = load_raw(s->data, s->bytes, "(standard input)", s->maps, s->map_count, p->arena,
                       &sink, &p->object);

    if (err)
        say(why, &sink, err);
    return err;
}

static int make_maps(struct conf_program *p, char why[EXEC_WHY_BYTES])
{
    const struct load_object *o = p->object;

    p->maps = arena_array(p->arena, o->map_count + 1, sizeof(*p->maps));
    p->values = arena_array(p->arena, o->map_count + 1, sizeof(*p->values));
    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct map_def def = job_map_def(o, i);
        const char *reason = NULL;
        const size_t bytes = map_size_bytes(&def, &reason);
        uint8_t *memory;

        if (!bytes) {
            snprintf(why, EXEC_WHY_BYTES, "map %s: %s", def.name, reason);
            return -ENOTSUP;
        }
        memory = arena_alloc(p->arena, bytes + 64);
        p->maps[i] = map_init(memory + (-(uintptr_t)memory & 63), &def);
        p->values[i] = arena_alloc(p->arena, map_stride_bytes(p->maps[i]));
        if (o->maps[i].data)
            memcpy(p->values[i], o->maps[i].data, o->maps[i].value_bytes);
    }
    p->vm = (struct vm_program){p->prog->insns, p->prog->insn_count, p->maps, o->map_count};
    return 0;
}

void conf_program_reset(struct conf_program *p)
{
    const struct load_object *o = p->object;

    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct map_def def = job_map_def(o, i);
        const char *reason;
        const uint32_t key = 0;

        memset(p->maps[i], 0, map_size_bytes(&def, &reason));
        p->maps[i] = map_init(p->maps[i], &def);
        if (o->maps[i].data)
            map_host_update(p->maps[i], &key, p->values[i], SPEC_MAP_FLAG_ANY);
    }
}

static int open_source(const struct source *s, struct conf_program *out, char why[EXEC_WHY_BYTES])
{
    jmp_buf oom;
    int err;

    *out = (struct conf_program){.arena = arena_open()};
    snprintf(why, EXEC_WHY_BYTES, "no memory");
    if (!out->arena)
        return -ENOMEM;
    arena_set_oom(out->arena, &oom);
    if (setjmp(oom))
        err = -ENOMEM;
    else
        err = s->elf ? load_elf(s->data, s->bytes, out, why) : load_insns(s, out, why);
    arena_set_oom(out->arena, &oom); /* the loader has taken its own away */
    if (!err) {
        out->prog = &out->object->progs[0];
        err = make_maps(out, why);
    }
    if (!err)
        conf_program_reset(out);
    arena_set_oom(out->arena, NULL);
    if (err)
        conf_program_close(out);
    return err;
}

int conf_program_open(const void *data, size_t bytes, bool elf, struct conf_program *out,
                      char why[EXEC_WHY_BYTES])
{
    const struct source s = {.data = data, .bytes = bytes, .elf = elf};

    return open_source(&s, out, why);
}

int conf_program_of(const struct ebpf_insn *insns, uint32_t count, const struct load_map *maps,
                    uint32_t map_count, struct conf_program *out, char why[EXEC_WHY_BYTES])
{
    const struct source s = {
        .data = insns, .bytes = count * sizeof(*insns), .maps = maps, .map_count = map_count};

    return open_source(&s, out, why);
}

void conf_program_close(struct conf_program *p)
{
    arena_close(p->arena);
    p->arena = NULL;
}

/* Why a run stopped, about the instruction where it did. */
static void explain(const struct conf_program *p, enum vm_fault fault, uint32_t insn,
                    char why[EXEC_WHY_BYTES])
{
    static const char *const reasons[VM_FAULT_COUNT] = {
        [VM_FAULT_NONE] = "no fault",
        [VM_FAULT_MEMORY] = "an access outside of the memory, the stack frames and the maps, "
                            "or an atomic one that is not aligned",
        [VM_FAULT_OPCODE] =
            ("no instruction of RFC 9669, or one that needs what is not here (a map, "
             "a function of the kernel)"),
        [VM_FAULT_JUMP] = "control leaves the program behind it",
        [VM_FAULT_CALL] = "a helper that is not here, or a ninth frame",
        [VM_FAULT_BUDGET] = "the program does not end",
    };
    char text[128] = "";

    if (insn < p->prog->insn_count)
        ebpf_disasm(p->prog->insns, p->prog->insn_count, insn, NULL, text, sizeof(text));
    snprintf(why, EXEC_WHY_BYTES, "instruction %u (%s): %s", insn, text, reasons[fault]);
}

int conf_interpret(struct conf_program *p, struct conf_run *run, const struct vm_watch *watch,
                   char why[EXEC_WHY_BYTES])
{
    void *memory = run->bytes ? run->memory : NULL;
    uint32_t insn = 0;
    const enum vm_fault fault =
        watch ? vm_run_watched(&p->vm, memory, run->bytes, CONF_MAX_INSNS, watch, &run->r0, &insn)
              : vm_run_raw(&p->vm, memory, run->bytes, CONF_MAX_INSNS, &run->r0, &insn);

    if (!fault)
        return 0;
    explain(p, fault, insn, why);
    return -EFAULT;
}
