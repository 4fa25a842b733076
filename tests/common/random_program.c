/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/random_program.h"

#include "compiler/ebpf/ebpf.h"
#include "hw/spec/gen/helpers.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/map_types.h"
#include "tests/common/insn.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <string.h>

enum {
    INSNS_MAX = 400,
    FLAG_NO_PREALLOC = 1,
    FLAG_RDONLY_PROG = 1 << 7,
    FLAG_WRONLY_PROG = 1 << 8,
    LOCK_OFF = 8
};

/* ---- maps ---- */

static const struct load_map inner = {"inner", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY, 4, 16, 4,
                                      0,       NULL,    NULL};
static const struct load_fields holds_inner = {.inner = &inner};
static const struct load_fields holds_lock = {.has_lock = true, .lock_off = LOCK_OFF};
static const uint8_t constants[16] = {1, 0, 0, 0, 200, 0, 0, 0, 'a', 'b', 0, 7, 0xff, 0xff, 0, 0};

#define MAP(name, type, key, value, entries, flags)                                                \
    {                                                                                              \
        name, ".maps", LOAD_MAP_BTF, SPEC_MAP_##type, key, value, entries, flags, NULL, NULL       \
    }

static struct load_map maps[] = {
    MAP("hash", HASH, 8, 16, 8, 0),
    MAP("array", ARRAY, 4, 16, 4, 0),
    MAP("percpu", PERCPU_ARRAY, 4, 24, 2, 0),
    MAP("percpu_hash", PERCPU_HASH, 4, 8, 4, 0),
    MAP("lru", LRU_HASH, 8, 8, 8, 0),
    MAP("lpm", LPM_TRIE, 8, 8, 8, FLAG_NO_PREALLOC),
    MAP("progs", PROG_ARRAY, 4, 4, 2, 0),
    MAP("events", PERF_EVENT_ARRAY, 4, 4, 0, 0),
    MAP("ports", DEVMAP, 4, 4, 4, 0),
    MAP("ports_hash", DEVMAP_HASH, 4, 8, 4, 0),
    MAP("cpus", CPUMAP, 4, 4, 2, 0),
    MAP("sockets", XSKMAP, 4, 4, 4, 0),
    MAP("ring", RINGBUF, 0, 0, 4096, 0),
    MAP("queue", QUEUE, 0, 8, 4, 0),
    MAP("stack", STACK, 0, 16, 4, 0),
    MAP("bloom", BLOOM_FILTER, 0, 8, 8, 0),
    MAP("read_only", ARRAY, 4, 16, 2, FLAG_RDONLY_PROG),
    MAP("write_only", HASH, 4, 16, 2, FLAG_WRONLY_PROG),
    {"rodata", ".rodata", LOAD_MAP_RODATA, SPEC_MAP_ARRAY, 4, 16, 1, FLAG_RDONLY_PROG, constants,
     NULL},
    {"data", ".data", LOAD_MAP_DATA, SPEC_MAP_ARRAY, 4, 16, 1, 0, constants, NULL},
    {"locked", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY, 4, 24, 2, 0, NULL, &holds_lock},
    {"outer", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY_OF_MAPS, 4, 4, 2, 0, NULL, &holds_inner},
};
enum { MAPS = sizeof(maps) / sizeof(maps[0]), MAP_RODATA = 18, MAP_DATA = 19, MAP_LOCKED = 20 };

const struct load_object *random_program_object(void)
{
    static const struct load_object object = {
        .path = "random", .license = "GPL", .maps = maps, .map_count = MAPS};

    return &object;
}

/* ---- pieces ---- */

/* r6 is the context most of the time, r7 and r8 the packet's beginning and end, r9 a number or what
 * was looked up last. */
struct make {
    struct ebpf_insn insns[INSNS_MAX];
    uint32_t count;
    uint64_t seed;
};

static uint32_t pick(struct make *m, uint32_t n)
{
    return (uint32_t)(random_next(&m->seed) % n);
}

static void put(struct make *m, struct ebpf_insn i)
{
    if (m->count < INSNS_MAX)
        m->insns[m->count++] = i;
}

static void put_map(struct make *m, int dst, uint32_t map)
{
    const struct ebpf_insn two[] = {LD_MAP(dst, map)};

    put(m, two[0]);
    put(m, two[1]);
}

static void put_address(struct make *m, int dst, uint32_t map, uint32_t off)
{
    const struct ebpf_insn two[] = {LD_MAP_VALUE(dst, map, off)};

    put(m, two[0]);
    put(m, two[1]);
}

/* Seldom one of those that everything else needs. */
static int any_reg(struct make *m)
{
    static const int most[] = {0, 2, 3, 4, 5, 9, 9, 9};

    return pick(m, 12) ? most[pick(m, 8)] : (int)pick(m, 10);
}

static int any_base(struct make *m)
{
    static const int some[] = {10, 10, 10, 10, 9, 9, 7, 0};

    return pick(m, 8) ? some[pick(m, 8)] : any_reg(m);
}

static int any_constant(struct make *m)
{
    static const int some[] = {0,   1,   2,    3,     4,  7,  8,  12,  14,        15,
                               16,  17,  20,   23,    24, 31, 32, 34,  63,        64,
                               255, 256, 1500, 65535, -1, -2, -8, -16, INT32_MAX, INT32_MIN};

    return some[pick(m, sizeof(some) / sizeof(some[0]))];
}

static int any_offset(struct make *m)
{
    static const int some[] = {0, 0, 1, 2, 4, 6, 8, 12, 13, 14, 15, 16, 20, 23, 24, -1, -4};

    return some[pick(m, sizeof(some) / sizeof(some[0]))];
}

static int any_size(struct make *m)
{
    static const int sizes[] = {EBPF_SIZE_B, EBPF_SIZE_H, EBPF_SIZE_W, EBPF_SIZE_DW};

    return sizes[pick(m, 4)];
}

static int slot(struct make *m)
{
    return -8 * (int)(1 + pick(m, 4));
}

static void put_arithmetic(struct make *m)
{
    static const int codes[] = {EBPF_ALU_ADD, EBPF_ALU_SUB, EBPF_ALU_AND, EBPF_ALU_OR,
                                EBPF_ALU_XOR, EBPF_ALU_LSH, EBPF_ALU_RSH, EBPF_ALU_ARSH,
                                EBPF_ALU_MUL, EBPF_ALU_MOV, EBPF_ALU_DIV, EBPF_ALU_MOD,
                                EBPF_ALU_ADD, EBPF_ALU_AND, EBPF_ALU_MOV, EBPF_ALU_NEG};
    const int code = codes[pick(m, sizeof(codes) / sizeof(codes[0]))];
    const int class = pick(m, 3) ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;
    const bool shifts = code == EBPF_ALU_LSH || code == EBPF_ALU_RSH || code == EBPF_ALU_ARSH;
    const int constant = shifts ? (int)pick(m, 34) : any_constant(m);
    static const int signs[] = {0, 8, 16, 32};

    if (code == EBPF_ALU_NEG)
        put(m, insn(class | code, any_reg(m), 0, 0, 0));
    else if (pick(m, 3))
        put(m, insn(class | code, any_reg(m), 0, 0, constant));
    else
        put(m, insn(class | code | EBPF_SRC_X, any_reg(m), any_reg(m),
                    code == EBPF_ALU_MOV && !pick(m, 4) ? signs[pick(m, 4)] : 0, 0));
}

static void put_jump(struct make *m)
{
    static const int codes[] = {EBPF_JMP_JEQ,  EBPF_JMP_JNE,  EBPF_JMP_JGT,  EBPF_JMP_JGE,
                                EBPF_JMP_JLT,  EBPF_JMP_JLE,  EBPF_JMP_JSGT, EBPF_JMP_JSGE,
                                EBPF_JMP_JSLT, EBPF_JMP_JSLE, EBPF_JMP_JSET};
    const int code = codes[pick(m, 11)] | (pick(m, 3) ? EBPF_CLASS_JMP : EBPF_CLASS_JMP32);
    const int by = pick(m, 24) ? 1 + (int)pick(m, 6) : -1 - (int)pick(m, 6);

    if (pick(m, 3))
        put(m, insn(code, any_reg(m), 0, by, any_constant(m)));
    else
        put(m, insn(code | EBPF_SRC_X, any_reg(m), any_reg(m), by, 0));
}

static void put_memory(struct make *m)
{
    const int base = any_base(m);
    const int off = base == 10 ? slot(m) + (pick(m, 4) ? 0 : (int)pick(m, 8)) : any_offset(m);
    static const int atomics[] = {0x00, 0x01, 0x41, 0x50, 0xa1, 0xe1, 0xf1};

    switch (pick(m, 8)) {
    case 0:
    case 1:
    case 2:
        put(m, insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | any_size(m), any_reg(m), base, off, 0));
        break;
    case 3:
        put(m, insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEMSX | any_size(m), any_reg(m), base, off, 0));
        break;
    case 4:
    case 5:
        put(m, insn((int)EBPF_CLASS_STX | EBPF_MODE_MEM | any_size(m), base, any_reg(m), off, 0));
        break;
    case 6:
        put(m,
            insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | any_size(m), base, 0, off, any_constant(m)));
        break;
    default:
        put(m,
            insn((int)EBPF_CLASS_STX | EBPF_MODE_ATOMIC | (pick(m, 2) ? EBPF_SIZE_W : EBPF_SIZE_DW),
                 base, any_reg(m), off, atomics[pick(m, 7)]));
        break;
    }
}

/* A pointer into the packet, compared with its end: nearly right, in one of the usual forms. */
static void put_packet_check(struct make *m)
{
    static const int codes[] = {EBPF_JMP_JGT, EBPF_JMP_JGE, EBPF_JMP_JLT, EBPF_JMP_JLE};
    const int code = (int)EBPF_CLASS_JMP | codes[pick(m, 4)] | EBPF_SRC_X;
    const int r = any_reg(m), moved = any_reg(m);

    put(m, MOV_X(r, 7));
    if (!pick(m, 3))
        put(m, ALU64_X(ADD, r, 9));
    put(m, MOV_X(moved, r));
    put(m, ALU64_K(ADD, moved, 1 + (int64_t)pick(m, 20)));
    if (pick(m, 4))
        put(m, insn(code, moved, 8, 1 + (int)pick(m, 3), 0));
    else
        put(m, insn(code, 8, moved, 1 + (int)pick(m, 3), 0));
    put(m, insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | any_size(m), 9, r, (int)pick(m, 20), 0));
}

static void put_bound(struct make *m)
{
    const int r = pick(m, 2) ? 9 : any_reg(m);

    if (pick(m, 2))
        put(m, ALU64_K(AND, r, (1 << pick(m, 6)) - 1));
    else
        put(m, JMP_K(JGT, r, pick(m, 24), 1 + (int)pick(m, 4)));
}

static void put_argument(struct make *m, int r, uint8_t arg, uint32_t map)
{
    const bool wrong = !pick(m, 30);

    switch (wrong ? pick(m, SPEC_ARG_SPIN_LOCK + 1) : arg) {
    case SPEC_ARG_MAP:
        put_map(m, r, map);
        break;
    case SPEC_ARG_CTX:
        put(m, MOV_X(r, 6));
        break;
    case SPEC_ARG_SCALAR:
    case SPEC_ARG_ANY:
        put(m, pick(m, 2) ? MOV_K(r, any_constant(m)) : MOV_X(r, 9));
        break;
    case SPEC_ARG_SIZE:
    case SPEC_ARG_SIZE_OR_ZERO:
    case SPEC_ARG_ALLOC_SIZE:
        put(m, pick(m, 3) ? MOV_K(r, (int64_t)pick(m, 5) * 4) : MOV_X(r, 9));
        break;
    case SPEC_ARG_RINGBUF:
        put(m, MOV_X(r, 9));
        break;
    case SPEC_ARG_SPIN_LOCK:
        put(m, MOV_X(r, 9));
        put(m, ALU64_K(ADD, r, LOCK_OFF));
        break;
    case SPEC_ARG_STRING:
        put_address(m, r, MAP_RODATA, 8);
        break;
    case SPEC_ARG_STACK_OR_NULL:
        put(m, MOV_K(r, 0));
        break;
    default: /* memory */
        if (!pick(m, 5)) {
            put(m, MOV_X(r, any_reg(m)));
            break;
        }
        put(m, MOV_X(r, 10));
        put(m, ALU64_K(ADD, r, slot(m)));
        break;
    }
}

static void put_call(struct make *m)
{
    static const uint16_t usual[] = {1,  1,  1,  2,  3,  12,  25,  28,  44,  51,  54,
                                     65, 87, 88, 93, 94, 130, 131, 132, 133, 189, 190};
    const struct spec_helper_row *row =
        pick(m, 4) ? spec_helper_find(usual[pick(m, sizeof(usual) / sizeof(usual[0]))])
                   : &spec_helper_table[pick(m, SPEC_HELPER_ROWS)];
    uint32_t map = pick(m, MAPS);

    for (int i = 0; row->map_types && i < 20 && !(row->map_types >> maps[map].type & 1); i++)
        map = pick(m, MAPS);
    if (row->num == SPEC_HELPER_MAP_LOOKUP_ELEM && !pick(m, 6))
        map = MAP_LOCKED;
    for (int a = 0; a < 5 && row->args[a] != SPEC_ARG_NONE; a++)
        put_argument(m, a + 1, row->args[a], map);
    put(m, CALL(row->num));
    if ((row->ret == SPEC_RET_MAP_VALUE_OR_NULL || row->ret == SPEC_RET_RINGBUF_OR_NULL) &&
        pick(m, 8))
        put(m, JMP_K(JEQ, 0, 0, 1 + (int)pick(m, 8)));
    if (row->ret != SPEC_RET_VOID && pick(m, 3))
        put(m, MOV_X(9, 0));
    if (row->changes_packet && pick(m, 4)) {
        put(m, LDX(W, 7, 6, 0));
        put(m, LDX(W, 8, 6, 4));
    }
}

static void put_any(struct make *m)
{
    switch (pick(m, 12)) {
    case 0:
    case 1:
    case 2:
        put_arithmetic(m);
        break;
    case 3:
        put_jump(m);
        break;
    case 4:
    case 5:
    case 6:
        put_memory(m);
        break;
    case 7:
        put_packet_check(m);
        break;
    case 8:
        put_bound(m);
        break;
    case 9:
        put_address(m, any_reg(m), pick(m, 2) ? MAP_DATA : MAP_RODATA, pick(m, 18));
        break;
    default:
        put_call(m);
        break;
    }
}

static void put_end(struct make *m)
{
    for (int i = 0; i < 8; i++) /* jumps lead here */
        put(m, MOV_K(0, i & 3));
    put(m, EXIT());
}

struct load_prog random_program(uint64_t seed, struct arena *arena)
{
    struct make m = {.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    struct load_prog prog = {.name = "random", .section = "xdp"};
    const uint32_t pieces = 1 + pick(&m, 1 + pick(&m, 16));

    put(&m, MOV_X(6, 1));
    put(&m, LDX(W, 7, 6, pick(&m, 8) ? 0 : 8));
    put(&m, LDX(W, 8, 6, pick(&m, 8) ? 4 : 0));
    put(&m, LDX(W, 9, 6, 16));
    for (int i = 1; i <= 4; i++)
        put(&m, pick(&m, 2) ? ST(DW, 10, -8 * i, any_constant(&m)) : STX(DW, 10, -8 * i, 9));
    for (int r = 0; r <= 5; r++)
        if (r != 1)
            put(&m, MOV_K(r, any_constant(&m)));
    for (uint32_t i = 0; i < pieces && m.count + 64 < INSNS_MAX; i++)
        put_any(&m);
    put_end(&m);
    prog.insns = arena_memdup(arena, m.insns, m.count * sizeof(m.insns[0]));
    prog.insn_count = m.count;
    load_cut_functions(&prog, arena);
    return prog;
}
