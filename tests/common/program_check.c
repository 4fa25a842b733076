/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/program_check.h"
#include "nic_runtime/vm.h"
#include "tests/common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool program_compile(const char *clang, const char *cpu, const char *source, char *object,
                     size_t object_bytes)
{
    char command[2048];
    int fd;

    snprintf(object, object_bytes, "/tmp/sluice-prog-XXXXXX");
    fd = mkstemp(object);
    if (fd < 0)
        return false;
    close(fd);
    snprintf(command, sizeof(command),
             "%s -O2 -g -target bpf -mcpu=%s -I/usr/include/$(uname -m)-linux-gnu -Wno-everything "
             "-c %s -o %s 2>/dev/null",
             clang, cpu, source, object);
    if (system(command) == 0)
        return true;
    unlink(object);
    return false;
}

int program_check_take(struct program_check *c)
{
    const struct verify_options verify = {.size = sizeof(verify)};
    int err = verify_program(c->object, c->prog, &verify, c->arena, &c->sink, &c->facts);

    if (err)
        return err;
    err = ir_build(c->object, c->prog, c->facts, c->arena, &c->sink, &c->built);
    if (err == -ENOTSUP)
        return 0;
    if (!err)
        err = ir_build(c->object, c->prog, c->facts, c->arena, &c->sink, &c->optimised);
    if (!err)
        err = ir_check(c->built, &c->sink);
    return err ? err : opt_run(c->optimised, NULL, &c->sink);
}

int program_check_open(struct program_check *c, const char *path, uint32_t index)
{
    int err;

    *c = (struct program_check){.arena = arena_open()};
    if (!c->arena)
        return -ENOMEM;
    c->sink = diag_sink_make(c->arena);
    err = load_object(path, NULL, c->arena, &c->sink, &c->object);
    if (err)
        return err;
    if (index >= c->object->prog_count)
        return -ENOENT;
    c->prog = &c->object->progs[index];
    return program_check_take(c);
}

void program_check_close(struct program_check *c)
{
    arena_close(c->arena);
    c->arena = NULL;
}

/* --- packets ------------------------------------------------------------------------------ */

static uint32_t below(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(random_next(seed) % n);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* Addresses and ports from few values, so that flows come back. */
static uint32_t put_transport(uint8_t *p, uint32_t protocol, uint64_t *seed)
{
    static const uint16_t ports[] = {53, 80, 443, 4789, 1, 2, 0x1234};

    put16(p, ports[below(seed, 7)]);
    put16(p + 2, ports[below(seed, 7)]);
    if (protocol == 17) {
        put16(p + 4, 8 + below(seed, 64));
        return 8;
    }
    p[12] = (uint8_t)((5 + below(seed, 3)) << 4);
    p[13] = (uint8_t)below(seed, 64);
    return 20;
}

static uint32_t put_ipv4(uint8_t *p, uint64_t *seed)
{
    static const uint8_t protocols[] = {6, 17, 1, 132, 4, 41};
    const uint32_t words = below(seed, 4) ? 5 : 5 + below(seed, 11);
    const uint32_t protocol = protocols[below(seed, 6)];

    p[0] = (uint8_t)(0x40 | (below(seed, 20) ? words : below(seed, 16)));
    put16(p + 2, 20 + below(seed, 80));
    put16(p + 6, below(seed, 4) ? 0 : random_next(seed) & 0xffff);
    p[8] = (uint8_t)below(seed, 3);
    p[9] = (uint8_t)protocol;
    for (uint32_t i = 12; i < 20; i++)
        p[i] = (uint8_t)(i % 4 == 0 ? 10 : below(seed, 3));
    return 4 * words + put_transport(p + 4 * words, protocol, seed);
}

static uint32_t put_ipv6(uint8_t *p, uint64_t *seed)
{
    static const uint8_t next[] = {6, 17, 58, 0, 43, 44};
    const uint32_t header = next[below(seed, 6)];

    p[0] = 0x60;
    p[6] = (uint8_t)header;
    p[7] = (uint8_t)below(seed, 3);
    for (uint32_t i = 8; i < 40; i++)
        p[i] = (uint8_t)below(seed, 2);
    return 40 + put_transport(p + 40, header, seed);
}

static uint32_t put_frame(uint8_t *bytes, uint64_t *seed)
{
    uint32_t at = 12;

    for (uint32_t i = 0; i < 12; i++)
        bytes[i] = (uint8_t)below(seed, 3);
    while (below(seed, 4) == 0 && at < 24) {
        put16(bytes + at, below(seed, 3) ? 0x8100 : 0x88a8);
        put16(bytes + at + 2, below(seed, 4096));
        at += 4;
    }
    switch (below(seed, 6)) {
    case 0:
        put16(bytes + at, 0x0806);
        return at + 2 + 28;
    case 1:
        put16(bytes + at, random_next(seed) & 0xffff);
        return at + 2 + below(seed, 46);
    case 2:
        put16(bytes + at, 0x86dd);
        return at + 2 + put_ipv6(bytes + at + 2, seed);
    default:
        put16(bytes + at, 0x0800);
        return at + 2 + put_ipv4(bytes + at + 2, seed);
    }
}

uint32_t program_packet(uint8_t *bytes, uint64_t *seed)
{
    uint32_t len;

    for (uint32_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)random_next(seed);
    memset(bytes + 256, (int)(random_next(seed) & 0xff), SPEC_PKT_MAX_BYTES - 256);
    if (below(seed, 8) == 0)
        return SPEC_PKT_MIN_BYTES + below(seed, 100);
    len = put_frame(bytes, seed);
    switch (below(seed, 8)) {
    case 0: /* cut off within the headers */
        len = SPEC_PKT_MIN_BYTES +
              below(seed, len > SPEC_PKT_MIN_BYTES ? len - SPEC_PKT_MIN_BYTES + 1 : 1);
        break;
    case 1:
        len += below(seed, 1400);
        break;
    case 2:
        len = below(seed, 4) ? len : SPEC_PKT_LINEAR_BYTES - 20 + below(seed, 40);
        break;
    case 3:
        len = below(seed, 4) ? len : SPEC_PKT_MAX_BYTES - below(seed, 30);
        break;
    default:
        len += below(seed, 40);
        break;
    }
    return len < SPEC_PKT_MIN_BYTES ? SPEC_PKT_MIN_BYTES : len;
}

/* --- runs --------------------------------------------------------------------------------- */

struct inputs {
    uint64_t time;
    uint32_t rand;
    uint32_t ifindex;
    uint32_t queue;
    uint32_t len;
};

struct outcome {
    uint32_t ret;
    uint64_t redirect;
    uint64_t data;
    uint64_t data_end;
    uint8_t *buf;
};

/* The maps and the buffer of one way to run the program. */
struct side {
    const struct ir_func *f; /* NULL: the interpreter */
    const char *name;
    struct soft_maps maps;
    struct outcome out;
};

static int run_interpreter(const struct program_check *c, struct side *s, const uint8_t *bytes,
                           const struct inputs *in, struct diag_where *where)
{
    const struct vm_program program = {c->prog->insns, c->prog->insn_count, s->maps.maps,
                                       s->maps.count};
    struct vm_packet packet = {
        .time_ns = in->time, .rand = in->rand, .ifindex = in->ifindex, .queue = in->queue};
    struct vm_result result;

    vm_packet_init(&packet, s->out.buf, bytes, in->len);
    if (vm_run(&program, &packet, 0, &result, &where->insn))
        return -EFAULT;
    soft_maps_drain(&s->maps);
    s->out.ret = result.ret;
    s->out.redirect = result.redirect;
    s->out.data = packet.data;
    s->out.data_end = packet.data_end;
    return 0;
}

static int run_function(struct side *s, const uint8_t *bytes, const struct inputs *in,
                        struct arena *scratch)
{
    const struct ir_maps_ops ops = soft_maps_ops(&s->maps);
    struct ir_run run = {
        .buf = s->out.buf, .events = s->out.buf + SPEC_EVENT_BASE, .steps = 10000000};
    int err;

    memset(s->out.buf, 0, SPEC_PKT_JUMBO_END);
    memcpy(s->out.buf + SPEC_PKT_BASE, bytes, in->len);
    run.inputs[SPEC_IN_TIME] = in->time;
    run.inputs[SPEC_IN_RAND] = in->rand;
    run.inputs[SPEC_IN_IFINDEX] = in->ifindex;
    run.inputs[SPEC_IN_QUEUE] = in->queue;
    run.inputs[SPEC_IN_LEN] = in->len;
    err = ir_eval(s->f, &ops, &run, scratch);
    s->out.ret = run.ret;
    s->out.redirect = run.redirect;
    s->out.data = run.data;
    s->out.data_end = run.data_end;
    return err;
}

static bool compare(struct program_check *c, uint32_t i, const struct side *want,
                    const struct side *got)
{
    const struct outcome *a = &want->out;
    const struct outcome *b = &got->out;

    if (a->ret != b->ret || a->redirect != b->redirect || a->data != b->data ||
        a->data_end != b->data_end) {
        snprintf(c->report, sizeof(c->report),
                 "%s, packet %u, %s: ret %u, not %u; redirect %llx, not %llx; data %llu, not %llu; "
                 "end %llu, not %llu",
                 c->prog->name, i, got->name, b->ret, a->ret, (unsigned long long)b->redirect,
                 (unsigned long long)a->redirect, (unsigned long long)b->data,
                 (unsigned long long)a->data, (unsigned long long)b->data_end,
                 (unsigned long long)a->data_end);
        return false;
    }
    for (uint64_t k = a->data; k < a->data_end; k++) {
        if (a->buf[k] == b->buf[k])
            continue;
        snprintf(c->report, sizeof(c->report), "%s, packet %u, %s: byte %llu is %02x, not %02x",
                 c->prog->name, i, got->name, (unsigned long long)(k - a->data), b->buf[k],
                 a->buf[k]);
        return false;
    }
    return true;
}

static bool run_packet(struct program_check *c, struct side *sides, uint32_t i,
                       const uint8_t *bytes, const struct inputs *in, struct arena *scratch)
{
    struct diag_where where = DIAG_NOWHERE;

    if (run_interpreter(c, &sides[0], bytes, in, &where)) {
        snprintf(c->report, sizeof(c->report),
                 "%s, packet %u: the interpreter stops at instruction %u", c->prog->name, i,
                 where.insn);
        return false;
    }
    for (uint32_t s = 1; s < 3; s++) {
        const int err = run_function(&sides[s], bytes, in, scratch);

        arena_reset(scratch);
        if (err) {
            snprintf(c->report, sizeof(c->report), "%s, packet %u, %s: error %d", c->prog->name, i,
                     sides[s].name, err);
            return false;
        }
        if (!compare(c, i, &sides[0], &sides[s]))
            return false;
    }
    return true;
}

static bool same_maps(struct program_check *c, const struct side *sides)
{
    uint32_t map;

    for (uint32_t s = 1; s < 3; s++) {
        if (soft_maps_equal(&sides[0].maps, &sides[s].maps, &map))
            continue;
        snprintf(c->report, sizeof(c->report), "%s, %s: contents of map %s", c->prog->name,
                 sides[s].name, c->object->maps[map].name);
        return false;
    }
    return true;
}

static bool run_sides(struct program_check *c, struct side *sides, uint32_t packets, uint64_t seed)
{
    uint8_t *bytes = malloc(SPEC_PKT_MAX_BYTES);
    struct arena *scratch = arena_open();
    bool same = bytes && scratch;

    for (uint32_t i = 0; same && i < packets; i++) {
        struct inputs in;

        in.len = program_packet(bytes, &seed);
        in.time = random_next(&seed) >> below(&seed, 40);
        in.rand = 1 + (uint32_t)random_next(&seed) / 2;
        in.ifindex = 1 + below(&seed, 3);
        in.queue = below(&seed, SPEC_QUEUES);
        same = run_packet(c, sides, i, bytes, &in, scratch);
    }
    free(bytes);
    arena_close(scratch);
    return same && same_maps(c, sides);
}

bool program_check_run(struct program_check *c, uint32_t packets, uint64_t seed)
{
    struct side sides[3] = {{.name = "interpreter"},
                            {.f = c->built, .name = "built"},
                            {.f = c->optimised, .name = "optimised"}};
    const uint32_t entries = seed % 4 ? 8 : 0;
    bool same = true;

    for (uint32_t s = 0; s < 3; s++) {
        uint64_t fill = seed;

        sides[s].out.buf = malloc(SPEC_EVENT_BASE + SPEC_EVENT_BYTES);
        same = same && sides[s].out.buf && soft_maps_open_object(&sides[s].maps, c->object) == 0;
        if (same)
            soft_maps_fill(&sides[s].maps, entries, &fill);
        if (same && sides[s].f)
            same = soft_maps_add_tables(&sides[s].maps, sides[s].f) == 0;
        if (!same)
            snprintf(c->report, sizeof(c->report), "%s: no maps", c->prog->name);
    }
    same = same && run_sides(c, sides, packets, seed);
    for (uint32_t s = 0; s < 3; s++) {
        free(sides[s].out.buf);
        soft_maps_close(&sides[s].maps);
    }
    return same;
}
