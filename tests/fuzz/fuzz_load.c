/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whatever bytes it is given, the loader returns and says why, or gives an object that keeps
 * load.h's promises. With clang, for libFuzzer: clang -g -O1 -fsanitize=fuzzer,address,undefined
 * -D_GNU_SOURCE -I. tests/fuzz/fuzz_load.c compiler/{base,ebpf,load}/...c -lelf -lbpf With any
 * compiler and -DFUZZ_MAIN, a program of its own: fuzz_load ROUNDS SEED OBJECT... changes the
 * objects. */

/* A promise of load.h that was not kept. */
static void require(bool kept, const char *promise)
{
    if (kept)
        return;
    fprintf(stderr, "broken: %s\n", promise);
    abort();
}

static void check_prog(const struct load_object *o, const struct load_prog *p)
{
    uint32_t end = 0;

    for (uint32_t i = 0; i < p->subprog_count; i++) {
        require(p->subprogs[i].start == end && p->subprogs[i].count, "subprograms adjoin");
        end += p->subprogs[i].count;
    }
    require(end == p->insn_count && end, "subprograms make up the program");
    for (uint32_t i = 0; i < p->line_count; i++) {
        require(p->lines[i].insn < p->insn_count, "lines belong to instructions");
        require(i == 0 || p->lines[i - 1].insn < p->lines[i].insn, "lines ascend");
        require(p->lines[i].file != NULL, "lines have a file");
    }
    for (uint32_t i = 0; i < p->insn_count; i++) {
        const struct ebpf_insn *insn = &p->insns[i];
        char text[128];

        load_where(o, p, i);
        ebpf_disasm(p->insns, p->insn_count, i, NULL, text, sizeof(text));
        if (ebpf_is_subprog_call(insn))
            require(ebpf_target(insn, i) >= 0 && ebpf_target(insn, i) < p->insn_count,
                    "calls stay within the program");
        if (!ebpf_is_ld_imm64(insn))
            continue;
        if (insn->src == EBPF_PSEUDO_MAP_FD || insn->src == EBPF_PSEUDO_MAP_VALUE)
            require((uint32_t)insn->imm < o->map_count, "maps are there");
        i++;
    }
}

static void check_object(const struct load_object *o)
{
    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct load_map *m = &o->maps[i];

        require(m->name && m->section && m->kind != LOAD_MAP_NONE, "maps have name and kind");
        if (m->data && m->value_bytes) /* a sanitizer sees if it is shorter */
            require(m->data[0] + m->data[m->value_bytes - 1] >= 0,
                    "values are as long as they say");
    }
    for (uint32_t i = 0; i < o->prog_count; i++)
        check_prog(o, &o->progs[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct load_options options = {.size = sizeof(options), .any_type = bytes & 1};
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object = NULL;
    int err;

    if (!arena)
        return 0;
    err = load_object_memory(data, bytes, "fuzz.o", &options, arena, &sink, &object);
    if (err) {
        require(object == NULL, "no object after an error");
        require(err == -ENOMEM || sink.errors > 0, "an error has a message");
    } else {
        require(sink.errors == 0, "no error message with an object");
        check_object(object);
    }
    arena_close(arena);
    return 0;
}

#ifdef FUZZ_MAIN

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Numbers that headers are tried with. */
static const uint64_t interesting[] = {
    0,          1,          2,          4,          7,          8,          16,        24,
    64,         255,        256,        0x7fff,     0x8000,     0xffff,     0x10000,   0x7fffffff,
    0x80000000, 0xfffffff0, 0xffffffff, 1ULL << 32, 1ULL << 40, 1ULL << 63, ~0ULL - 7, ~0ULL};
enum { INTERESTING = sizeof(interesting) / sizeof(interesting[0]) };

/* One change somewhere; every other time among the section headers or the first bytes of a section.
 */
static size_t mutate(uint8_t *data, size_t bytes, uint64_t *state)
{
    const uint64_t r = next_random(state);
    const size_t widths[] = {1, 2, 4, 8};
    const size_t width = widths[r >> 8 & 3];
    size_t at = (size_t)(next_random(state) % bytes);
    uint64_t value;

    if (bytes >= 64 && (r & 1)) {
        memcpy(&value, data + 40, 8); /* e_shoff */
        if (value < bytes && (r & 2)) {
            at = (size_t)value + (size_t)(next_random(state) % (bytes - value));
        } else if (value < bytes && bytes - value >= 64) {
            const size_t count = (bytes - (size_t)value) / 64;
            const size_t header = (size_t)value + 64 * (size_t)(next_random(state) % count);

            memcpy(&value, data + header + 24, 8); /* sh_offset */
            if (value < bytes)
                at = (size_t)value + (size_t)(next_random(state) % 64);
        }
    }
    if (at + width > bytes)
        at = bytes - width;
    memcpy(&value, data + at, width);
    switch (r >> 16 & 7) {
    case 0:
        value ^= 1ULL << (next_random(state) & 63);
        break;
    case 1:
        value += 1;
        break;
    case 2:
        value -= 1;
        break;
    case 3:
        value = next_random(state);
        break;
    case 4:
        return bytes > 80 && (r >> 20 & 7) == 0
                   ? bytes - 1 - (size_t)(next_random(state) % (bytes / 2))
                   : bytes;
    default:
        value = interesting[next_random(state) % INTERESTING];
        break;
    }
    memcpy(data + at, &value, width);
    return bytes;
}

static uint8_t *read_object(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long end;

    if (!f || fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0 || fseek(f, 0, SEEK_SET)) {
        perror(path);
        exit(2);
    }
    data = malloc((size_t)end + 1);
    *bytes = fread(data, 1, (size_t)end, f);
    fclose(f);
    return data;
}

int main(int argc, char **argv)
{
    uint64_t state, rounds;

    if (argc < 4) {
        fprintf(stderr, "usage: %s ROUNDS SEED OBJECT...\n", argv[0]);
        return 2;
    }
    rounds = strtoull(argv[1], NULL, 0);
    state = strtoull(argv[2], NULL, 0) | 1;
    for (uint64_t i = 0; i < rounds; i++) {
        size_t bytes;
        uint8_t *object = read_object(argv[3 + i % (uint64_t)(argc - 3)], &bytes), *exact;
        uint64_t changes = next_random(&state) % 8;

        while (changes-- && bytes > 8)
            bytes = mutate(object, bytes, &state);
        /* A block of exactly that size, so that a sanitizer sees what is read behind its end. */
        exact = malloc(bytes + !bytes);
        memcpy(exact, object, bytes);
        free(object);
        LLVMFuzzerTestOneInput(exact, bytes);
        free(exact);
    }
    printf("%llu objects, none broke a promise\n", (unsigned long long)rounds);
    return 0;
}

#endif
