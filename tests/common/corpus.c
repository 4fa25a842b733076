/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/corpus.h"

#include "compiler/ebpf/ebpf.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- programs ---- */

static void add_object(struct corpus *c, const char *path, const char *name)
{
    struct diag_sink sink = diag_sink_make(c->arena);
    const struct load_object *object;

    if (load_object(path, NULL, c->arena, &sink, &object)) {
        c->refused++;
        return;
    }
    for (uint32_t i = 0; i < object->prog_count && c->count < CORPUS_MAX; i++)
        c->progs[c->count++] =
            (struct corpus_prog){arena_printf(c->arena, "%s:%s", name, object->progs[i].name),
                                 object, &object->progs[i]};
}

static const char *base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

static void add_examples(struct corpus *c, const char *cpu)
{
    char folder[] = "/tmp/corpus.XXXXXX";
    glob_t found;

    if (system("command -v clang >/dev/null") || !mkdtemp(folder))
        return;
    if (!glob(SLUICE_SOURCE_ROOT "/examples/*.bpf.c", 0, NULL, &found)) {
        const char *object = arena_printf(c->arena, "%s/object.o", folder);

        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *command =
                arena_printf(c->arena,
                             "clang -O2 -g -target bpf -mcpu=%s -I/usr/include/$(gcc "
                             "-print-multiarch) -c '%s' -o %s 2>/dev/null || "
                             "clang-19 -O2 -g -target bpf -mcpu=%s -I/usr/include/$(gcc "
                             "-print-multiarch) -c '%s' -o %s",
                             cpu, found.gl_pathv[i], object, cpu, found.gl_pathv[i], object);

            if (!system(command))
                add_object(c, object, base_name(found.gl_pathv[i]));
        }
        globfree(&found);
        unlink(object);
    }
    rmdir(folder);
}

static void add_objects(struct corpus *c, const char *pattern)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_object(c, found.gl_pathv[i], base_name(found.gl_pathv[i]));
    globfree(&found);
}

static int open_with(struct corpus *c, const char *const *cpus, uint32_t cpu_count)
{
    memset(c, 0, sizeof(*c));
    c->arena = arena_open();
    if (!c->arena)
        return -ENOMEM;
    for (uint32_t i = 0; i < cpu_count; i++)
        add_examples(c, cpus[i]);
    add_objects(c, "/usr/lib/*/bpf/*.o");
    return 0;
}

int corpus_open_none(struct corpus *c)
{
    memset(c, 0, sizeof(*c));
    c->arena = arena_open();
    return c->arena ? 0 : -ENOMEM;
}

int corpus_open(struct corpus *c)
{
    static const char *const usual[] = {"v3"};

    return open_with(c, usual, 1);
}

int corpus_open_all(struct corpus *c)
{
    static const char *const all[] = {"v1", "v2", "v3", "v4"};

    return open_with(c, all, 4);
}

void corpus_add_object(struct corpus *c, const char *path)
{
    add_object(c, path, strrchr(path, '/') ? base_name(path) : path);
}

void corpus_add_folder(struct corpus *c, const char *path)
{
    add_objects(c, arena_printf(c->arena, "%s/*.o", path));
    add_objects(c, arena_printf(c->arena, "%s/*/*.o", path));
}

void corpus_close(struct corpus *c)
{
    arena_close(c->arena);
}

/* ---- changes ---- */

static uint32_t pick(uint64_t *seed, uint32_t count)
{
    return (uint32_t)(random_next(seed) % count);
}

static bool is_second_half(const struct ebpf_insn *insns, uint32_t at)
{
    return at && ebpf_is_ld_imm64(&insns[at - 1]) && !insns[at].opcode;
}

static const char *change_opcode(struct ebpf_insn *i, uint64_t *seed)
{
    static const uint8_t sizes[] = {EBPF_SIZE_B, EBPF_SIZE_H, EBPF_SIZE_W, EBPF_SIZE_DW};

    if (ebpf_is_load(i) || ebpf_is_store(i)) {
        i->opcode = (uint8_t)((i->opcode & ~0x18) | sizes[pick(seed, 4)]);
        return "size";
    }
    if (ebpf_is_alu(i) || ebpf_is_cond_jump(i)) {
        if (pick(seed, 4)) {
            i->opcode = (uint8_t)((i->opcode & 0x0f) | pick(seed, 14) << 4);
            return "operation";
        }
        i->opcode ^= ebpf_is_alu(i) ? 3 : 3 & ~2; /* 32 or 64 bits */
        return "width";
    }
    i->opcode = (uint8_t)(i->opcode ^ 1u << pick(seed, 8));
    return "opcode bit";
}

static const char *change_register(struct ebpf_insn *i, uint64_t *seed)
{
    if (pick(seed, 2)) {
        i->dst = pick(seed, EBPF_REGS) & 15u;
        return "destination";
    }
    if (!ebpf_is_call(i) && !ebpf_is_ld_imm64(i))
        i->src = pick(seed, EBPF_REGS) & 15u;
    return "source";
}

static const char *change_offset(struct ebpf_insn *i, uint64_t *seed)
{
    static const int steps[] = {1, -1, 2, -2, 4, -4, 8, -8, 16, -16, 64, -512};

    i->off = (int16_t)(i->off + steps[pick(seed, 12)]);
    return "offset";
}

static const char *change_constant(struct ebpf_insn *i, uint64_t *seed)
{
    static const int32_t values[] = {0,  1,   -1,   8,     31,        32,       63,
                                     64, 255, 4096, 65535, INT32_MIN, INT32_MAX};

    if (pick(seed, 2))
        i->imm = values[pick(seed, sizeof(values) / sizeof(values[0]))];
    else
        i->imm = (int32_t)((uint32_t)i->imm + (pick(seed, 2) ? 1u : UINT32_MAX));
    return "constant";
}

static const char *change_order(struct ebpf_insn *insns, uint32_t count, uint32_t at,
                                uint64_t *seed)
{
    if (pick(seed, 2) && at + 1 < count && ebpf_slots(&insns[at]) == 1 &&
        ebpf_slots(&insns[at + 1]) == 1) {
        const struct ebpf_insn first = insns[at];

        insns[at] = insns[at + 1];
        insns[at + 1] = first;
        return "order";
    }
    for (uint32_t k = ebpf_slots(&insns[at]); k-- > 0;)
        if (at + k < count)
            insns[at + k] = (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JA};
    return "dropped";
}

const char *corpus_change(struct ebpf_insn *insns, uint32_t count, uint64_t *seed)
{
    uint32_t at = pick(seed, count);

    if (is_second_half(insns, at))
        at--;
    switch (pick(seed, 6)) {
    case 0:
        return change_opcode(&insns[at], seed);
    case 1:
        return change_register(&insns[at], seed);
    case 2:
        return change_offset(&insns[at], seed);
    case 3:
        return change_constant(&insns[at], seed);
    default:
        return change_order(insns, count, at, seed);
    }
}

const char *corpus_mutate(struct ebpf_insn *insns, uint32_t count, uint64_t *seed)
{
    const char *what = corpus_change(insns, count, seed);

    return pick(seed, 4) ? what : corpus_change(insns, count, seed);
}
