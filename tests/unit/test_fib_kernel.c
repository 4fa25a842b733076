/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/kernel.h"
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm.h"
#include "tests/common/insn.h"
#include "tests/common/random.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* bpf_fib_lookup and bpf_check_mtu against Linux's: random interfaces, routes and neighbours in a
 * network namespace, random questions. A packet is a question: parameters behind byte 16 (for
 * check_mtu: interface, wanted length, difference), flags in bytes 8 to 11; the answer takes their
 * place. Skipped where the kernel refuses bpf() or namespaces. */

enum {
    NETS = 8,
    QUESTIONS = 3000,
    INTERFACES = 5,
    ROUTES = 24,
    NEIGHBOURS = 12,
    PARAMS = 64,
    PACKET = 16 + PARAMS,
    BUFFER = -72, /* on the stack */
};

static uint64_t seed;

static uint32_t next(void)
{
    return (uint32_t)random_next(&seed);
}

static uint32_t below(uint32_t n)
{
    return next() % n;
}

struct tables {
    struct net_interface interfaces[INTERFACES];
    struct net_route routes[ROUTES];
    struct net_neighbour neighbours[NEIGHBOURS];
    struct net net;
};

/* Few bits differ, so that prefixes lie within each other and addresses meet them. */
static void random_address(bool ip6, uint8_t *a)
{
    static const uint8_t start4[4] = {10, 1, 0, 0};
    static const uint8_t start6[4] = {0x20, 0x01, 0x0d, 0xb8};

    memset(a, 0, NET_ADDRESS_BYTES);
    memcpy(a, ip6 ? start6 : start4, 4);
    a[ip6 ? 5 : 1] = (uint8_t)(1 << below(3));
    a[ip6 ? 9 : 2] = (uint8_t)(1 << below(8));
    a[ip6 ? 15 : 3] = (uint8_t)(1 + below(4));
}

/* Gateways of IPv6 are of the link: Linux takes no others that another route leads to. */
static void random_gateway(bool ip6, uint8_t *a)
{
    random_address(ip6, a);
    if (!ip6)
        return;
    memset(a, 0, NET_ADDRESS_BYTES);
    a[0] = 0xfe;
    a[1] = 0x80;
    a[15] = (uint8_t)(1 + below(4));
}

static void cut(uint8_t *a, uint32_t bits)
{
    for (uint32_t b = bits; b < 8 * NET_ADDRESS_BYTES; b++)
        a[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
}

static uint32_t some_interface(void)
{
    return 3 + below(INTERFACES - 1); /* not the loopback */
}

static void make_interfaces(struct tables *t)
{
    for (uint32_t i = 0; i < INTERFACES; i++) {
        t->interfaces[i] = (struct net_interface){
            .ifindex = i ? 2 + i : 1, .mtu = 1280 + below(1000), .forwarding = below(5) > 0};
        t->interfaces[i].mac[0] = 2;
        t->interfaces[i].mac[5] = (uint8_t)next();
    }
}

static bool is_new(const struct tables *t, const struct net_route *r)
{
    for (uint32_t i = 0; i < t->net.route_count; i++) {
        const struct net_route *o = &t->routes[i];

        if (o->ip6 == r->ip6 && o->bits == r->bits && o->table == r->table &&
            o->metric == r->metric && !memcmp(o->to, r->to, sizeof(r->to)))
            return false;
    }
    return true;
}

static void make_route(struct tables *t)
{
    static const uint8_t types[] = {NET_ROUTE_UNICAST, NET_ROUTE_UNICAST,   NET_ROUTE_UNICAST,
                                    NET_ROUTE_UNICAST, NET_ROUTE_BLACKHOLE, NET_ROUTE_UNREACHABLE,
                                    NET_ROUTE_PROHIBIT};
    struct net_route r = {.ip6 = below(2), .type = types[below(7)], .table = NET_TABLE_MAIN};

    random_address(r.ip6, r.to);
    r.bits = (uint8_t)below(r.ip6 ? 129 : 33);
    cut(r.to, r.bits);
    r.metric = r.ip6 + below(3);
    if (below(6) == 0)
        r.table = 100;
    if (r.type == NET_ROUTE_UNICAST) {
        r.ifindex = some_interface();
        r.has_via = below(2);
        if (r.has_via)
            random_gateway(r.ip6, r.via);
    } else if (r.ip6) {
        return; /* Linux adds these on the loopback, which is down here */
    }
    if (is_new(t, &r))
        t->routes[t->net.route_count++] = r;
}

static void make_tables(struct tables *t)
{
    memset(t, 0, sizeof(*t));
    make_interfaces(t);
    t->net = (struct net){.interfaces = t->interfaces,
                          .interface_count = INTERFACES,
                          .routes = t->routes,
                          .neighbours = t->neighbours};
    for (uint32_t i = 0; i < ROUTES; i++)
        make_route(t);
    for (uint32_t i = 0; i < NEIGHBOURS; i++) {
        struct net_neighbour n = {.ip6 = below(2), .ifindex = some_interface()};

        if (below(2))
            random_gateway(n.ip6, n.address);
        else
            random_address(n.ip6, n.address);
        n.mac[0] = 2;
        n.mac[5] = (uint8_t)next();
        if (!net_neighbour(&t->net, n.ip6, n.ifindex, n.address))
            t->neighbours[t->net.neighbour_count++] = n;
    }
}

static uint32_t make_program(struct ebpf_insn *p, bool fib)
{
    uint32_t n = 0;

    p[n++] = (struct ebpf_insn)MOV_X(6, 1);
    p[n++] = (struct ebpf_insn)LDX(W, 7, 1, SPEC_CTX_DATA);
    p[n++] = (struct ebpf_insn)LDX(W, 2, 1, SPEC_CTX_DATA_END);
    p[n++] = (struct ebpf_insn)MOV_X(3, 7);
    p[n++] = (struct ebpf_insn)ALU64_K(ADD, 3, PACKET);
    p[n++] = (struct ebpf_insn)MOV_K(0, 77);
    p[n++] = (struct ebpf_insn)JMP_X(JLE, 3, 2, 1);
    p[n++] = (struct ebpf_insn)EXIT();
    for (int i = 0; i < PARAMS; i += 8) {
        p[n++] = (struct ebpf_insn)LDX(DW, 2, 7, (int16_t)(16 + i));
        p[n++] = (struct ebpf_insn)STX(DW, EBPF_REG_FP, (int16_t)(BUFFER + i), 2);
    }
    p[n++] = (struct ebpf_insn)MOV_X(1, 6);
    if (fib) {
        p[n++] = (struct ebpf_insn)MOV_X(2, EBPF_REG_FP);
        p[n++] = (struct ebpf_insn)ALU64_K(ADD, 2, BUFFER);
        p[n++] = (struct ebpf_insn)MOV_K(3, PARAMS);
        p[n++] = (struct ebpf_insn)LDX(W, 4, 7, 8);
        p[n++] = (struct ebpf_insn)CALL(SPEC_HELPER_FIB_LOOKUP);
    } else {
        p[n++] = (struct ebpf_insn)LDX(W, 2, EBPF_REG_FP, BUFFER + 4);
        p[n++] = (struct ebpf_insn)LDX(W, 4, EBPF_REG_FP, BUFFER + 8);
        p[n++] = (struct ebpf_insn)MOV_X(3, EBPF_REG_FP);
        p[n++] = (struct ebpf_insn)ALU64_K(ADD, 3, BUFFER);
        p[n++] = (struct ebpf_insn)LDX(W, 5, 7, 8);
        p[n++] = (struct ebpf_insn)CALL(SPEC_HELPER_CHECK_MTU);
    }
    for (int i = 0; i < PARAMS; i += 8) {
        p[n++] = (struct ebpf_insn)LDX(DW, 2, EBPF_REG_FP, (int16_t)(BUFFER + i));
        p[n++] = (struct ebpf_insn)STX(DW, 7, (int16_t)(16 + i), 2);
    }
    p[n++] = (struct ebpf_insn)EXIT();
    return n;
}

/* All flags but those of marks and preferred sources: the latter only without an answer's source.
 */
static void fib_question(uint8_t *packet)
{
    static const uint32_t flags[] = {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9, 13, 16, 20, 32, 64, 8};
    const uint32_t flag = flags[below(17)];
    const bool ip6 = below(2);
    uint8_t *p = packet + 16;
    const uint32_t ifindex = below(30) ? 1 + below(INTERFACES + 2) : 99;
    const uint16_t length = (uint16_t)(below(3) ? 100 : 1200 + below(1200));
    const uint32_t table = below(2) ? 100 : below(2) ? NET_TABLE_MAIN : below(2) ? 77 : 0;

    memcpy(packet + 8, &flag, 4);
    memset(p, 0, PARAMS);
    p[0] = ip6 ? 10 : below(40) ? 2 : 9;
    p[1] = 17;
    memcpy(p + 6, &length, 2);
    memcpy(p + 8, &ifindex, 4);
    random_address(ip6, p + 16);
    random_address(ip6, p + 32);
    if (ip6 && below(30) == 0)
        p[32] = below(2) ? 0xff : 0xfe, p[33] = 0x80;
    if (flag & 8)
        memcpy(p + 48, &table, 4);
}

static void mtu_question(uint8_t *packet)
{
    const uint32_t flag = below(20) == 0;
    const uint32_t ifindex = below(INTERFACES + 3);
    const int32_t difference = below(2) ? 0 : (int32_t)below(4000) - 1500;
    const uint32_t length = below(2) ? 0 : below(2) ? 1200 + below(1200) : next();

    memcpy(packet + 8, &flag, 4);
    memcpy(packet + 16, &length, 4);
    memcpy(packet + 20, &ifindex, 4);
    memcpy(packet + 24, &difference, 4);
}

/* One program with one network on both. */
struct both {
    struct load_object object;
    struct load_prog prog;
    struct ebpf_insn insns[64];
    struct kernel *kernel;
    struct vm_program program;
    struct vm_world world;
    uint32_t answers[16];
};

static void ask(struct both *b, bool fib, uint32_t number)
{
    static uint8_t buf[SPEC_PKT_JUMBO_END];
    uint8_t bytes[PACKET] = {0};
    struct vm_packet packet = {0};
    struct vm_result ours = {0};
    struct kernel_result theirs;
    char why[KERNEL_WHY_BYTES];
    uint32_t at = 0;

    if (fib)
        fib_question(bytes);
    else
        mtu_question(bytes);
    vm_packet_init(&packet, buf, bytes, PACKET);
    packet.ifindex = 3;
    packet.world = &b->world;
    assert_int_equal(vm_run(&b->program, &packet, 0, &ours, &at), VM_FAULT_NONE);
    if (kernel_run(b->kernel, &(struct kernel_packet){bytes, PACKET, 0, 1, 3, 0}, &theirs, why))
        fail_msg("%s", why);
    b->answers[ours.ret < 15 ? ours.ret : 15]++;
    if (ours.ret == theirs.ret && !memcmp(buf + packet.data, theirs.data, PACKET))
        return;
    for (uint32_t i = 0; i < PACKET; i++)
        if (buf[packet.data + i] != theirs.data[i])
            print_message("byte %u was %02x: %02x, Linux %02x\n", i, bytes[i], buf[packet.data + i],
                          theirs.data[i]);
    fail_msg("question %u (family %u, flags %u): %d, Linux %d", number, bytes[16], bytes[8],
             (int)ours.ret, (int)theirs.ret);
}

/* Skips the test where it can't be tried. */
static void compare(struct both *b, bool fib, const struct tables *t)
{
    char why[KERNEL_WHY_BYTES];
    int err;

    b->prog = (struct load_prog){
        .name = "ask", .insns = b->insns, .insn_count = make_program(b->insns, fib)};
    b->object = (struct load_object){.license = "GPL", .progs = &b->prog, .prog_count = 1};
    b->program = (struct vm_program){b->insns, b->prog.insn_count, NULL, 0};
    b->world = (struct vm_world){.net = &t->net};
    err = kernel_open(&b->object, &b->prog, NULL, 0, &b->kernel, why);
    if (!err)
        err = kernel_set_net(b->kernel, &t->net, why);
    if (err && (strstr(why, "bpf()") || strstr(why, "namespace"))) {
        kernel_close(b->kernel);
        skip_because("%s", why);
    }
    if (err)
        fail_msg("%s", why);
    assert_int_equal(kernel_begin(b->kernel, why), 0);
    for (uint32_t i = 0; i < QUESTIONS; i++)
        ask(b, fib, i);
    kernel_end(b->kernel);
    kernel_close(b->kernel);
}

static void compare_nets(bool fib, uint32_t different)
{
    static struct tables t;
    static struct both b;
    uint32_t seen = 0;

    memset(b.answers, 0, sizeof(b.answers));
    for (uint32_t n = 0; n < NETS; n++) {
        b.kernel = NULL;
        seed = 1000 + n;
        make_tables(&t);
        compare(&b, fib, &t);
    }
    for (int i = 0; i < 16; i++)
        seen += b.answers[i] != 0;
    for (int i = 0; i < 16; i++)
        print_message("%u ", b.answers[i]);
    print_message("answers by number\n");
    assert_true(seen >= different);
}

static void test_fib_lookups_same_as_kernel(void **state)
{
    (void)state;
    compare_nets(true, 9);
}

static void test_check_mtu_same_as_kernel(void **state)
{
    (void)state;
    compare_nets(false, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fib_lookups_same_as_kernel),
        cmocka_unit_test(test_check_mtu_same_as_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
