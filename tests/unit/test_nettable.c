/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/nettable.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>

/* The host's tables as a device has them, against nic_runtime/net.h on random networks; their
 * limits. */

enum {
    NETS = 40,
    QUESTIONS = 400,
    INTERFACES = 4,
    ROUTES = 60,
    NEIGHBOURS = 12,
    TABLES = IR_TABLE_COUNT - 1, /* map i is table i + 1 */
    KEPT = 128,
    MANY = 20,
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

struct entry {
    uint8_t key[sizeof(struct ir_neighbour_key)];
    uint8_t value[sizeof(struct ir_route)];
};

/* What was put in. */
struct kept {
    struct ir_map maps[TABLES];
    struct ir_func ir;
    struct entry entries[TABLES][KEPT];
    uint32_t counts[TABLES];
    int err; /* what put gives */
};

static void open_kept(struct kept *k, uint32_t max_entries)
{
    static const struct {
        uint32_t key, value;
    } bytes[IR_TABLE_COUNT] = {
        [IR_TABLE_INTERFACES] = {sizeof(uint32_t), sizeof(struct ir_interface)},
        [IR_TABLE_ROUTES] = {sizeof(struct ir_route_key), sizeof(struct ir_route)},
        [IR_TABLE_ROUTES_MAIN] = {sizeof(struct ir_route_key), sizeof(struct ir_route)},
        [IR_TABLE_NEIGHBOURS] = {sizeof(struct ir_neighbour_key), sizeof(struct ir_neighbour)},
    };

    memset(k, 0, sizeof(*k));
    for (uint32_t m = 0; m < TABLES; m++)
        k->maps[m] = (struct ir_map){.name = "a table",
                                     .key_bytes = bytes[m + 1].key,
                                     .value_bytes = bytes[m + 1].value,
                                     .max_entries = max_entries,
                                     .table = (uint8_t)(m + 1)};
    k->ir = (struct ir_func){.maps = k->maps, .map_count = TABLES};
}

static int put(void *ctx, uint32_t map, const void *key, const void *value)
{
    struct kept *k = ctx;
    const struct ir_map *m = &k->maps[map];
    uint32_t i = 0;

    while (i < k->counts[map] && memcmp(k->entries[map][i].key, key, m->key_bytes) != 0)
        i++;
    assert_true(i < KEPT);
    memcpy(k->entries[map][i].key, key, m->key_bytes);
    memcpy(k->entries[map][i].value, value, m->value_bytes);
    k->counts[map] += i == k->counts[map];
    return k->err;
}

static bool begins_with(const uint8_t *address, const struct ir_route_key *prefix)
{
    for (uint32_t b = 0; b < prefix->bits; b++)
        if ((address[b / 8] ^ prefix->to[b / 8]) & 0x80 >> b % 8)
            return false;
    return true;
}

/* As an lpm_trie finds it. */
static const struct ir_route *longest(const struct kept *k, enum ir_table table,
                                      const uint8_t *address)
{
    const uint32_t m = (uint32_t)table - 1;
    const struct ir_route *best = NULL;
    uint32_t bits = 0;

    for (uint32_t i = 0; i < k->counts[m]; i++) {
        const struct ir_route_key *key = (const void *)k->entries[m][i].key;

        if (begins_with(address, key) && (!best || key->bits > bits)) {
            best = (const void *)k->entries[m][i].value;
            bits = key->bits;
        }
    }
    return best;
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
    memset(a, 0, NET_ADDRESS_BYTES);
    a[0] = below(4) ? 10 : (uint8_t)(below(2) << 7);
    a[ip6 ? 5 : 1] = (uint8_t)(1 << below(3));
    a[ip6 ? 15 : 3] = (uint8_t)below(4);
}

static bool same_place(const struct net_route *a, const struct net_route *b)
{
    return a->ip6 == b->ip6 && a->bits == b->bits && a->table == b->table &&
           a->metric == b->metric && !memcmp(a->to, b->to, sizeof(a->to));
}

static void make_route(struct tables *t)
{
    static const uint32_t in[] = {NET_TABLE_MAIN, NET_TABLE_MAIN, NET_TABLE_LOCAL, 100};
    struct net_route r = {.ip6 = below(2), .type = (uint8_t)below(NET_ROUTE_TYPES)};

    random_address(r.ip6, r.to);
    r.bits = (uint8_t)below(r.ip6 ? 129 : 33);
    if (below(10) == 0)
        r.bits = 0;
    for (uint32_t b = r.bits; b < 8 * NET_ADDRESS_BYTES; b++)
        r.to[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
    r.table = in[below(4)];
    r.metric = below(3);
    r.ifindex = 1 + below(INTERFACES);
    r.has_via = below(2);
    if (r.has_via)
        random_address(r.ip6, r.via);
    for (uint32_t i = 0; i < t->net.route_count; i++)
        if (same_place(&t->routes[i], &r))
            return;
    t->routes[t->net.route_count++] = r;
}

static void make_tables(struct tables *t)
{
    memset(t, 0, sizeof(*t));
    t->net = (struct net){.interfaces = t->interfaces,
                          .interface_count = INTERFACES,
                          .routes = t->routes,
                          .neighbours = t->neighbours};
    for (uint32_t i = 0; i < INTERFACES; i++)
        t->interfaces[i] = (struct net_interface){.ifindex = 1 + i,
                                                  .mtu = i ? 1280 + below(1000) : 65536,
                                                  .forwarding = below(2),
                                                  .mac = {2, 0, 0, 0, 0, (uint8_t)i}};
    for (uint32_t i = 0; i < ROUTES; i++)
        make_route(t);
    for (uint32_t i = 0; i < NEIGHBOURS; i++) {
        struct net_neighbour n = {
            .ip6 = below(2), .ifindex = 1 + below(INTERFACES), .mac = {2, 1, (uint8_t)i}};

        random_address(n.ip6, n.address);
        if (!net_neighbour(&t->net, n.ip6, n.ifindex, n.address))
            t->neighbours[t->net.neighbour_count++] = n;
    }
}

static void ask(const struct kept *k, const struct tables *t, uint32_t *found)
{
    static const uint32_t answers[NET_ROUTE_TYPES] = {
        BPF_FIB_LKUP_RET_SUCCESS, BPF_FIB_LKUP_RET_NOT_FWDED, BPF_FIB_LKUP_RET_BLACKHOLE,
        BPF_FIB_LKUP_RET_UNREACHABLE, BPF_FIB_LKUP_RET_PROHIBIT};
    const bool direct = below(2);
    const bool ip6 = below(2);
    uint8_t to[NET_ADDRESS_BYTES];
    uint8_t mapped[NET_ADDRESS_BYTES] = {0xff, 0x04};
    const struct net_route *r;
    const struct ir_route *got;

    random_address(ip6, to);
    memcpy(ip6 ? mapped : mapped + 12, to, ip6 ? 16 : 4);
    r = net_route(&t->net, ip6, to, direct ? NET_TABLE_MAIN : 0, 0);
    got = longest(k, direct ? IR_TABLE_ROUTES_MAIN : IR_TABLE_ROUTES, mapped);
    if (!ip6)
        assert_non_null(got);
    if (!r) {
        assert_true(!got || got->answer == BPF_FIB_LKUP_RET_NOT_FWDED);
        return;
    }
    assert_non_null(got);
    assert_int_equal(got->answer, answers[r->type]);
    if (r->type != NET_ROUTE_UNICAST)
        return;
    ++*found;
    assert_int_equal(got->ifindex, r->ifindex);
    assert_int_equal(got->metric, r->metric);
    assert_int_equal(got->mtu, r->ifindex == 1 && !ip6 ? 65535 : t->interfaces[r->ifindex - 1].mtu);
    assert_int_equal(got->has_via, r->has_via);
    assert_memory_equal(got->via, r->via, NET_ADDRESS_BYTES);
    assert_memory_equal(got->mac, t->interfaces[r->ifindex - 1].mac, NET_MAC_BYTES);
}

static void check_neighbours(const struct kept *k, const struct tables *t)
{
    const uint32_t m = IR_TABLE_NEIGHBOURS - 1;

    assert_int_equal(k->counts[m], t->net.neighbour_count);
    for (uint32_t i = 0; i < k->counts[m]; i++) {
        const struct ir_neighbour_key *key = (const void *)k->entries[m][i].key;
        const struct ir_neighbour *value = (const void *)k->entries[m][i].value;
        const struct net_neighbour *n =
            net_neighbour(&t->net, key->family == AF_INET6, key->ifindex, key->address);

        assert_non_null(n);
        assert_memory_equal(value->mac, n->mac, NET_MAC_BYTES);
    }
}

static void test_nettable_random_networks_answer_as_their_tables(void **state)
{
    static struct kept k;
    static struct tables t;
    uint32_t found = 0;
    char why[128] = "";

    (void)state;
    for (uint32_t n = 0; n < NETS; n++) {
        seed = 100 + n;
        make_tables(&t);
        open_kept(&k, KEPT);
        assert_int_equal(nettable_fill(&k.ir, &t.net, put, &k, why, sizeof(why)), 0);
        for (uint32_t i = 0; i < QUESTIONS; i++)
            ask(&k, &t, &found);
        check_neighbours(&k, &t);
        assert_int_equal(k.counts[IR_TABLE_INTERFACES - 1], INTERFACES);
    }
    assert_true(found > NETS * QUESTIONS / 20);
}

/* So many IPv4 routes and neighbours over one interface. */
static void make_many(struct tables *t, uint32_t routes, uint32_t neighbours)
{
    memset(t, 0, sizeof(*t));
    t->interfaces[0] = (struct net_interface){.ifindex = 1, .mtu = 1500};
    t->net = (struct net){t->interfaces, 1, t->routes, routes, t->neighbours, neighbours};
    for (uint32_t i = 0; i < routes; i++)
        t->routes[i] = (struct net_route){
            .bits = 32, .table = NET_TABLE_MAIN, .ifindex = 1, .to = {10, 0, 0, (uint8_t)i}};
    for (uint32_t i = 0; i < neighbours; i++)
        t->neighbours[i] = (struct net_neighbour){.ifindex = 1, .address = {10, (uint8_t)i}};
}

static void test_nettable_more_than_a_map_holds_is_refused(void **state)
{
    static const struct {
        uint32_t routes;
        bool default_route; /* the last one */
        uint32_t neighbours;
        const char *why;
    } cases[] = {
        {MANY - 1, false, 0, NULL}, {MANY, false, 0, "21 routes, and a device holds 20"},
        {MANY, true, 0, NULL},      {MANY + 1, true, 0, "21 routes, and a device holds 20"},
        {0, false, 12, NULL},
    };
    static struct kept k;
    static struct tables t;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char why[128] = "";
        int err;

        make_many(&t, cases[i].routes, cases[i].neighbours);
        if (cases[i].default_route)
            t.routes[cases[i].routes - 1].bits = t.routes[cases[i].routes - 1].to[0] =
                t.routes[cases[i].routes - 1].to[3] = 0;
        open_kept(&k, MANY);
        err = nettable_fill(&k.ir, &t.net, put, &k, why, sizeof(why));
        assert_int_equal(err, cases[i].why ? -E2BIG : 0);
        assert_string_equal(why, cases[i].why ? cases[i].why : "");
        if (!err)
            assert_true(k.counts[IR_TABLE_ROUTES - 1] <= MANY);
    }
}

static void test_nettable_full_neighbours_are_refused(void **state)
{
    static struct kept k;
    static struct tables t;
    char why[128] = "";

    (void)state;
    make_many(&t, 0, 12);
    open_kept(&k, 11);
    assert_int_equal(nettable_fill(&k.ir, &t.net, put, &k, why, sizeof(why)), -E2BIG);
    assert_string_equal(why, "12 neighbours, and a device holds 11");
}

static void test_nettable_device_error_names_the_table(void **state)
{
    static struct kept k;
    static struct tables t;
    char why[128] = "";

    (void)state;
    make_many(&t, 1, 1);
    open_kept(&k, MANY);
    k.err = -EIO;
    assert_int_equal(nettable_fill(&k.ir, &t.net, put, &k, why, sizeof(why)), -EIO);
    assert_string_equal(why, "the table of a table can't be filled: Input/output error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nettable_random_networks_answer_as_their_tables),
        cmocka_unit_test(test_nettable_more_than_a_map_holds_is_refused),
        cmocka_unit_test(test_nettable_full_neighbours_are_refused),
        cmocka_unit_test(test_nettable_device_error_names_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
