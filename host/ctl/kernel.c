/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/kernel.h"

#include "host/ctl/kernel_btf.h"
#include "host/ctl/kernel_events.h"
#include "host/ctl/kernel_maps.h"
#include "host/ctl/kernel_net.h"
#include "host/ctl/kernel_patch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LOG_BYTES = 1 << 20,
    LOG_TAIL_BYTES = 500,
    OUT_BYTES = 16384,        /* more than a frame of one page */
    TRIES = 8,                /* of a test run that a signal interrupts */
    PROG_FLAG_FRAGS = 1 << 5, /* BPF_F_XDP_HAS_FRAGS */
};

struct kernel {
    const struct load_object *object;
    const struct load_prog *prog;
    uint8_t *ctx_field; /* one an instruction; NULL: none */
    bool has_lru;       /* among the maps */
    struct kernel_cpu cpu;
    struct kernel_map *maps;
    struct kernel_reader **readers; /* of each map, or NULL */
    int prog_fd;
    int *others; /* descriptors of the object's programs that maps of programs name, or -1 */
    int env_fd;
    struct kernel_env *env;           /* the hidden map's value */
    uint32_t rings[KERNEL_RINGS_MAX]; /* the maps that are ring buffers, and what they lost */
    uint64_t lost[KERNEL_RINGS_MAX];
    uint32_t ring_count;
    struct kernel_net net;
    cpu_set_t affinity; /* of the thread, before kernel_begin */
    uint8_t out[OUT_BYTES];
};

/* The last lines of the verifier's log, in one line; its closing statistics say nothing. */
static void tell_log(char *log, char *why, size_t why_bytes)
{
    char *end = strstr(log, "\nprocessed ");
    char *start;
    size_t n;

    if (end)
        *end = 0;
    n = strlen(log);
    while (n && log[n - 1] == '\n')
        log[--n] = 0;
    start = n > LOG_TAIL_BYTES ? strchr(log + n - LOG_TAIL_BYTES, '\n') : log;
    start = start ? start : log + n - LOG_TAIL_BYTES;
    start += *start == '\n';
    for (char *c = start; *c; c++)
        if (*c == '\n')
            *c = ';';
    snprintf(why, why_bytes, "the kernel's verifier rejects the program: %s", start);
}

static int load_insns(struct kernel *k, bool frags, const struct ebpf_insn *insns, uint32_t count,
                      char *log)
{
    LIBBPF_OPTS(bpf_prog_load_opts, o, .prog_flags = frags ? PROG_FLAG_FRAGS : 0);
    struct kernel_btf types;
    int fd = kernel_btf_open(insns, count, &types);

    if (fd)
        return fd;
    if (types.fd >= 0) {
        o.prog_btf_fd = (uint32_t)types.fd;
        o.func_info = types.info;
        o.func_info_cnt = types.count;
        o.func_info_rec_size = sizeof(*types.info);
    }
    if (log) {
        o.log_buf = log;
        o.log_size = LOG_BYTES;
        o.log_level = 1;
    }
    fd = bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, k->object->license ? k->object->license : "",
                       (const struct bpf_insn *)insns, count, &o);
    kernel_btf_close(&types);
    return fd;
}

/* Loads once more for the log, which costs too much to ask for it always. */
static void explain(struct kernel *k, bool frags, const struct ebpf_insn *insns, uint32_t count,
                    int err, char *why)
{
    char *log = calloc(1, LOG_BYTES);
    const int fd = log ? load_insns(k, frags, insns, count, log) : -1;

    if (fd >= 0)
        close(fd);
    if (log && *log)
        tell_log(log, why, KERNEL_WHY_BYTES);
    else
        snprintf(why, KERNEL_WHY_BYTES, "the kernel refuses the program: %s%s", strerror(-err),
                 err == -EPERM ? " (run as root, or with CAP_BPF and CAP_NET_ADMIN)" : "");
    free(log);
}

/* Loads a program; *prog_fd, if it is one already, is closed. */
static int load_program(struct kernel *k, const struct load_prog *prog, const uint8_t *ctx_field,
                        int *prog_fd, char why[KERNEL_WHY_BYTES])
{
    int *fds = calloc(k->object->map_count + 1, sizeof(*fds));
    struct kernel_fds where = {fds, k->object->map_count, k->env_fd, k->has_lru, {0}, 0};
    struct ebpf_insn *insns = NULL;
    uint32_t count = 0, bad = 0;
    int err = fds ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < k->object->map_count && !err; i++)
        fds[i] = k->maps[i].fd;
    for (uint32_t i = 0; i < k->ring_count && !err; i++)
        where.rings[where.ring_count++] = fds[k->rings[i]];
    if (!err)
        err = kernel_patch(prog->insns, prog->insn_count, ctx_field, &where, &insns, &count, &bad);
    if (err == -ENOMEM) {
        snprintf(why, KERNEL_WHY_BYTES, "no memory for the program");
    } else if (err) {
        snprintf(why, KERNEL_WHY_BYTES, "instruction %u can't be prepared for the kernel: %s", bad,
                 err == -ERANGE ? "its jump gets too long" : "it refers to nothing");
        err = -ENOTSUP;
    } else {
        const int fd = load_insns(k, prog->frags, insns, count, NULL);

        if (fd < 0) {
            explain(k, prog->frags, insns, count, fd, why);
            err = -ENOTSUP;
        } else {
            if (*prog_fd >= 0)
                close(*prog_fd);
            *prog_fd = fd;
        }
        free(insns);
    }
    free(fds);
    return err;
}

static int open_env(struct kernel *k, char why[KERNEL_WHY_BYTES])
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at;

    k->env_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_env", sizeof(uint32_t),
                               sizeof(struct kernel_env), 1, &o);
    if (k->env_fd < 0) {
        snprintf(why, KERNEL_WHY_BYTES, "the kernel refuses bpf(): %s%s", strerror(-k->env_fd),
                 k->env_fd == -EPERM ? " (run as root, or with CAP_BPF and CAP_NET_ADMIN)" : "");
        return -ENOTSUP;
    }
    at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, k->env_fd, 0);
    if (at == MAP_FAILED) {
        snprintf(why, KERNEL_WHY_BYTES, "the kernel's maps can't be mapped: %s", strerror(errno));
        return -ENOTSUP;
    }
    k->env = at;
    return 0;
}

/* Chooses the CPU: the one of the queue's number, or else the first, that this thread may run on.
 */
static int choose_cpu(struct kernel *k, uint32_t queue, char why[KERNEL_WHY_BYTES])
{
    const int possible = libbpf_num_possible_cpus();
    cpu_set_t set;

    if (possible < 1 || sched_getaffinity(0, sizeof(set), &set)) {
        snprintf(why, KERNEL_WHY_BYTES, "this machine's CPUs can't be found out");
        return -ENOTSUP;
    }
    k->cpu.possible = (uint32_t)possible;
    k->cpu.queue = queue;
    k->cpu.number = CPU_ISSET(queue, &set) ? queue : 0;
    while (k->cpu.number < CPU_SETSIZE && !CPU_ISSET(k->cpu.number, &set))
        k->cpu.number++;
    if (k->cpu.number < k->cpu.possible)
        return 0;
    snprintf(why, KERNEL_WHY_BYTES, "this thread's CPU has no slot in per-CPU maps");
    return -ENOTSUP;
}

/* Which maps are ring buffers. */
static int find_rings(struct kernel *k, char why[KERNEL_WHY_BYTES])
{
    for (uint32_t i = 0; i < k->object->map_count; i++) {
        if (k->object->maps[i].type != SPEC_MAP_RINGBUF)
            continue;
        if (k->ring_count == KERNEL_RINGS_MAX) {
            snprintf(why, KERNEL_WHY_BYTES,
                     "the object has more than %d ring buffers, whose losses are counted",
                     KERNEL_RINGS_MAX);
            return -ENOTSUP;
        }
        k->rings[k->ring_count++] = i;
    }
    return 0;
}

static int open_all(struct kernel *k, uint32_t queue, char why[KERNEL_WHY_BYTES])
{
    const struct load_object *o = k->object;
    int err = choose_cpu(k, queue, why);

    if (!err)
        err = find_rings(k, why);
    if (!err)
        err = open_env(k, why);
    for (uint32_t i = 0; i < o->map_count && !err; i++) {
        k->has_lru |= spec_map_type_table[o->maps[i].type].soft == SPEC_SOFT_LRU;
        err = kernel_map_open(&k->maps[i], &o->maps[i], &k->cpu, why, KERNEL_WHY_BYTES);
        if (!err && o->maps[i].data && o->maps[i].kind != LOAD_MAP_RODATA) {
            const uint32_t key = 0;

            err = bpf_map_update_elem(k->maps[i].fd, &key, o->maps[i].data, BPF_ANY);
            if (err)
                snprintf(why, KERNEL_WHY_BYTES, "map %s can't be filled: %s", o->maps[i].name,
                         strerror(-err));
        }
    }
    for (uint32_t i = 0; i < o->map_count && !err; i++)
        err = kernel_reader_open(&k->maps[i], i, &k->readers[i], why, KERNEL_WHY_BYTES);
    return err ? err : load_program(k, k->prog, k->ctx_field, &k->prog_fd, why);
}

int kernel_open(const struct load_object *object, const struct load_prog *prog,
                const uint8_t *ctx_field, uint32_t queue, struct kernel **out,
                char why[KERNEL_WHY_BYTES])
{
    struct kernel *k = calloc(1, sizeof(*k));
    int err = -ENOMEM;

    snprintf(why, KERNEL_WHY_BYTES, "no memory");
    if (!k)
        return err;
    k->object = object;
    k->prog = prog;
    k->prog_fd = -1;
    k->env_fd = -1;
    k->net = (struct kernel_net){-1, -1};
    k->maps = calloc(object->map_count + 1, sizeof(*k->maps));
    k->readers = calloc(object->map_count + 1, sizeof(*k->readers));
    k->others = malloc((object->prog_count + 1) * sizeof(*k->others));
    for (uint32_t i = 0; k->others && i < object->prog_count; i++)
        k->others[i] = -1;
    if (ctx_field)
        k->ctx_field = malloc(prog->insn_count);
    if (!k->maps || !k->readers || !k->others || (ctx_field && !k->ctx_field))
        goto fail;
    if (ctx_field)
        memcpy(k->ctx_field, ctx_field, prog->insn_count);
    err = open_all(k, queue, why);
    if (err)
        goto fail;
    *why = 0;
    *out = k;
    return 0;
fail:
    kernel_close(k);
    return err;
}

void kernel_close(struct kernel *kernel)
{
    if (!kernel)
        return;
    for (uint32_t i = 0; kernel->readers && i < kernel->object->map_count; i++)
        kernel_reader_close(kernel->readers[i]);
    for (uint32_t i = 0; kernel->maps && i < kernel->object->map_count; i++)
        kernel_map_close(&kernel->maps[i]);
    for (uint32_t i = 0; kernel->others && i < kernel->object->prog_count; i++)
        if (kernel->others[i] >= 0)
            close(kernel->others[i]);
    kernel_net_close(&kernel->net);
    if (kernel->env)
        munmap(kernel->env, (size_t)sysconf(_SC_PAGESIZE));
    if (kernel->env_fd >= 0)
        close(kernel->env_fd);
    if (kernel->prog_fd >= 0)
        close(kernel->prog_fd);
    free(kernel->ctx_field);
    free(kernel->maps);
    free(kernel->readers);
    free(kernel->others);
    free(kernel);
}

int kernel_add_program(struct kernel *kernel, uint32_t number, const uint8_t *ctx_field,
                       char why[KERNEL_WHY_BYTES])
{
    return load_program(kernel, &kernel->object->progs[number], ctx_field, &kernel->others[number],
                        why);
}

int kernel_set_net(struct kernel *kernel, const struct net *net, char why[KERNEL_WHY_BYTES])
{
    kernel_net_close(&kernel->net);
    return kernel_net_open(&kernel->net, net, why, KERNEL_WHY_BYTES);
}

bool kernel_has_program(const struct kernel *kernel, uint32_t number)
{
    return number < kernel->object->prog_count && kernel->others[number] >= 0;
}

int kernel_events(struct kernel *kernel,
                  void (*take)(void *ctx, uint32_t map, const void *data, uint32_t bytes,
                               bool padded),
                  void *ctx)
{
    int err = 0;

    for (uint32_t i = 0; i < kernel->object->map_count && !err; i++)
        if (kernel->readers[i])
            err = kernel_reader_take(kernel->readers[i], take, ctx);
    return err;
}

/* An entry of a map of programs or maps: values has the number + 1. */
static int put_held(struct kernel *k, uint32_t map, const void *key, const void *values,
                    uint64_t flags)
{
    const bool programs = k->object->maps[map].type == SPEC_MAP_PROG_ARRAY;
    uint32_t number;
    int fd = -1;

    memcpy(&number, values, sizeof(number));
    if (number && programs && kernel_has_program(k, number - 1))
        fd = k->others[number - 1];
    if (number && !programs && number <= k->object->map_count)
        fd = k->maps[number - 1].fd;
    return fd < 0 ? -ENOENT : kernel_map_put_held(&k->maps[map], key, values, fd, flags);
}

int kernel_map_update(struct kernel *kernel, uint32_t map, const void *key, const void *values,
                      uint64_t flags)
{
    if (kernel_map_holds(&kernel->object->maps[map]))
        return put_held(kernel, map, key, values, flags);
    return kernel_map_put(&kernel->maps[map], key, values, flags);
}

int kernel_map_lookup(struct kernel *kernel, uint32_t map, const void *key, void *values)
{
    return kernel_map_get(&kernel->maps[map], key, values);
}

int kernel_map_delete(struct kernel *kernel, uint32_t map, const void *key)
{
    return kernel_map_remove(&kernel->maps[map], key);
}

int kernel_map_next_key(struct kernel *kernel, uint32_t map, const void *key, void *next)
{
    return kernel_map_next(&kernel->maps[map], key, next);
}

int kernel_map_pop(struct kernel *kernel, uint32_t map, void *values)
{
    return kernel_map_take(&kernel->maps[map], values);
}

int kernel_map_walk(struct kernel *kernel, uint32_t map,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return kernel_map_each(&kernel->maps[map], visit, ctx);
}

static int refused(const struct kernel_map *m, char why[KERNEL_WHY_BYTES])
{
    snprintf(why, KERNEL_WHY_BYTES, "map %s: %s", m->def->name, m->refused);
    return -ENOTSUP;
}

/* Loads the program again if the host has changed read-only data: the verifier takes them for
 * constants. */
static int refresh(struct kernel *k, char why[KERNEL_WHY_BYTES])
{
    bool stale = false;

    for (uint32_t i = 0; i < k->object->map_count; i++) {
        struct kernel_map *m = &k->maps[i];

        if (m->refused)
            return refused(m, why);
        if (m->stale) {
            int err = kernel_map_refreeze(m, why, KERNEL_WHY_BYTES);

            if (err)
                return err;
            stale = true;
        }
    }
    return stale ? load_program(k, k->prog, k->ctx_field, &k->prog_fd, why) : 0;
}

int kernel_begin(struct kernel *kernel, char why[KERNEL_WHY_BYTES])
{
    cpu_set_t one;
    int err = refresh(kernel, why);

    if (err)
        return err;
    CPU_ZERO(&one);
    CPU_SET(kernel->cpu.number, &one);
    if (sched_getaffinity(0, sizeof(kernel->affinity), &kernel->affinity) ||
        sched_setaffinity(0, sizeof(one), &one)) {
        err = -errno;
        snprintf(why, KERNEL_WHY_BYTES, "the thread can't be kept on CPU %u: %s",
                 kernel->cpu.number, strerror(-err));
        return err;
    }
    err = kernel_net_enter(&kernel->net);
    if (err)
        snprintf(why, KERNEL_WHY_BYTES, "the network namespace can't be entered: %s",
                 strerror(-err));
    return err;
}

void kernel_end(struct kernel *kernel)
{
    kernel_net_leave(&kernel->net);
    sched_setaffinity(0, sizeof(kernel->affinity), &kernel->affinity);
}

/* Whether an LRU map chose by itself what to evict. */
static int check_evictions(struct kernel *k, char why[KERNEL_WHY_BYTES])
{
    for (uint32_t i = 0; k->has_lru && i < k->object->map_count; i++) {
        struct kernel_map *m = &k->maps[i];
        const int err = kernel_map_changed(m, k->env->updates, k->env->deletes);

        if (err)
            return err;
        if (m->refused)
            return refused(m, why);
    }
    return 0;
}

uint64_t kernel_lost(const struct kernel *kernel, uint32_t map)
{
    for (uint32_t i = 0; i < kernel->ring_count; i++)
        if (kernel->rings[i] == map)
            return kernel->lost[i];
    return 0;
}

int kernel_run(struct kernel *kernel, const struct kernel_packet *packet,
               struct kernel_result *result, char why[KERNEL_WHY_BYTES])
{
    const struct xdp_md ctx_in = {.data_end = packet->len};
    struct xdp_md ctx_out = {0};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet->data, .data_size_in = packet->len,
                .data_out = kernel->out, .data_size_out = sizeof(kernel->out), .ctx_in = &ctx_in,
                .ctx_size_in = sizeof(ctx_in), .ctx_out = &ctx_out, .repeat = 1);
    int err = -EINTR;

    if (packet->len < SPEC_PKT_MIN_BYTES || packet->len > SPEC_PKT_LINEAR_BYTES) {
        snprintf(why, KERNEL_WHY_BYTES,
                 "BPF_PROG_TEST_RUN shows a program %u to %u bytes of a packet in one piece, and a "
                 "packet "
                 "has %u",
                 SPEC_PKT_MIN_BYTES, SPEC_PKT_LINEAR_BYTES, packet->len);
        return -ENOTSUP;
    }
    *kernel->env = (struct kernel_env){.time_ns = packet->time_ns,
                                       .rand = packet->rand,
                                       .cpu = kernel->cpu.queue,
                                       .ifindex = packet->ifindex,
                                       .egress = packet->egress,
                                       .queue = kernel->cpu.queue};
    for (int i = 0; i < TRIES && (err == -EINTR || err == -EAGAIN); i++) {
        o.data_size_out = sizeof(kernel->out);
        o.ctx_size_out = sizeof(ctx_out);
        err = bpf_prog_test_run_opts(kernel->prog_fd, &o);
    }
    if (err) {
        snprintf(why, KERNEL_WHY_BYTES, "BPF_PROG_TEST_RUN refuses a packet of %u bytes: %s",
                 packet->len, strerror(-err));
        return -ENOTSUP;
    }
    /* What comes out begins with the metadata; the context's offsets count from there. */
    *result = (struct kernel_result){.ret = o.retval,
                                     .data = kernel->out + ctx_out.data,
                                     .len = o.data_size_out - ctx_out.data,
                                     .meta_bytes = ctx_out.data,
                                     .ns = o.duration};
    for (uint32_t i = 0; i < kernel->ring_count; i++)
        kernel->lost[i] += kernel->env->lost[i];
    return check_evictions(kernel, why);
}
