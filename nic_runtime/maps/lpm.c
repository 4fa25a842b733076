/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* lpm_trie: the longest prefix that a key begins with. A key is its length in bits (native byte
 * order) and the bits, the first one highest. A binary trie whose paths are compressed: a node has
 * an entry, or two children (a fork), or both. Semantics: kernel/bpf/lpm_trie.c of Linux 6.13 and
 * later; its walk is in post-order, longer prefixes before shorter ones.
 *
 * Nodes are numbered: those with an entry 0 to max_entries, as the entries (one more than
 * max_entries, where the value that replaces another goes), forks from there on. */

enum {
    LENGTH_BYTES = 4,
    KEY_MAX_BYTES = LENGTH_BYTES + 256,
    ENTRIES_MAX = 1 << 30,
    /* KMALLOC_MAX_SIZE less the longest key and Linux's node */
    VALUE_MAX_BYTES = (4 << 20) - 256 - 40,
};

static const char *lpm_check(const struct map_def *def)
{
    if (!(def->flags & MAP_F_NO_PREALLOC))
        return "an lpm_trie needs map_flags BPF_F_NO_PREALLOC";
    if (map_flags_bad(def, MAP_F_NO_PREALLOC | MAP_F_NUMA_NODE | MAP_F_ACCESS))
        return "map_flags that an lpm_trie can't have";
    if (def->key_bytes <= LENGTH_BYTES || def->key_bytes > KEY_MAX_BYTES)
        return "key_size of an lpm_trie is 5 to 260: a length of 4 bytes and the prefix";
    if (!def->value_bytes || def->value_bytes > VALUE_MAX_BYTES)
        return "value_size of an lpm_trie is 1 byte to 4 MiB less 296";
    if (def->max_entries > ENTRIES_MAX)
        return "max_entries is over 2^30";
    return NULL;
}

static uint64_t node_count(const struct map_def *def)
{
    return 2 * (uint64_t)def->max_entries + 1; /* n entries have at most n - 1 forks */
}

static struct map_layout lpm_layout(const struct map_def *def)
{
    return (struct map_layout){
        .entries = (uint64_t)def->max_entries + 1,
        .table_bytes = node_count(def) * (sizeof(struct map_lpm_node) + def->key_bytes),
    };
}

static void push_free(struct map *map, uint32_t *list, uint32_t node)
{
    map->lpm.nodes[node].child[0] = *list;
    *list = node;
}

static uint32_t pop_free(struct map *map, uint32_t *list)
{
    const uint32_t node = *list;

    *list = map->lpm.nodes[node].child[0];
    return node;
}

static void lpm_init(struct map *map, void *tables)
{
    struct map_lpm *t = &map->lpm;
    const uint32_t entries = map->def.max_entries;

    t->nodes = tables;
    t->keys = (uint8_t *)(t->nodes + node_count(&map->def));
    t->root = t->free = t->free_forks = MAP_NO_ENTRY;
    for (uint32_t n = 2 * entries; n > entries; n--)
        push_free(map, &t->free_forks, n);
    for (uint32_t n = entries; n > 0; n--)
        push_free(map, &t->free, n - 1);
    t->spare = entries;
}

static bool is_fork(const struct map *map, uint32_t node)
{
    return node > map->def.max_entries;
}

static uint8_t *key_of(const struct map *map, uint32_t node)
{
    return map->lpm.keys + (size_t)node * map->def.key_bytes;
}

static uint32_t bits_of(const void *key)
{
    uint32_t bits;

    memcpy(&bits, key, sizeof(bits));
    return bits;
}

static uint32_t max_bits(const struct map *map)
{
    return 8 * (map->def.key_bytes - LENGTH_BYTES);
}

static uint32_t bit_at(const uint8_t *key, uint32_t n)
{
    return key[LENGTH_BYTES + n / 8] >> (7 - n % 8) & 1;
}

/* Bits that a node and a key have in common, as far as both go. */
static uint32_t common_bits(const struct map *map, uint32_t node, const uint8_t *key)
{
    const uint32_t own = map->lpm.nodes[node].bits;
    const uint32_t most = own < bits_of(key) ? own : bits_of(key);
    const uint8_t *a = key_of(map, node) + LENGTH_BYTES;
    const uint8_t *b = key + LENGTH_BYTES;
    uint32_t n = 0;

    while (n + 8 <= most && a[n / 8] == b[n / 8])
        n += 8;
    while (n < most && !((a[n / 8] ^ b[n / 8]) >> (7 - n % 8) & 1))
        n++;
    return n;
}

static uint32_t lpm_find(const struct map *map, const void *key)
{
    uint32_t found = MAP_NO_ENTRY;
    uint32_t node = map->lpm.root;

    if (bits_of(key) > max_bits(map))
        return MAP_NO_ENTRY;
    while (node != MAP_NO_ENTRY) {
        const struct map_lpm_node *n = &map->lpm.nodes[node];

        if (common_bits(map, node, key) < n->bits)
            break;
        if (!is_fork(map, node))
            found = node;
        if (n->bits == max_bits(map))
            break;
        node = n->child[bit_at(key, n->bits)];
    }
    return found;
}

/* Where a key belongs: the link to the first node on its way that it does not go past. */
struct place {
    uint32_t *link;
    uint32_t *above; /* the link to the parent; NULL at the root */
    uint32_t common; /* bits of that node that the key has */
};

static struct place find_place(struct map *map, const uint8_t *key)
{
    struct place p = {&map->lpm.root, NULL, 0};

    while (*p.link != MAP_NO_ENTRY) {
        struct map_lpm_node *n = &map->lpm.nodes[*p.link];

        p.common = common_bits(map, *p.link, key);
        if (n->bits != p.common || n->bits == bits_of(key))
            break;
        p.above = p.link;
        p.link = &n->child[bit_at(key, n->bits)];
    }
    return p;
}

/* The place's node is the key's own, with an entry or as a fork. */
static bool is_exact(const struct map *map, const struct place *p, const uint8_t *key)
{
    return *p->link != MAP_NO_ENTRY && map->lpm.nodes[*p->link].bits == p->common &&
           p->common == bits_of(key);
}

static void set_node(struct map *map, uint32_t node, const uint8_t *key, uint32_t bits)
{
    struct map_lpm_node *n = &map->lpm.nodes[node];

    memmove(key_of(map, node), key, map->def.key_bytes);
    n->bits = bits;
    n->child[0] = n->child[1] = MAP_NO_ENTRY;
}

/* The new entry takes the place of its key's fork, or stands above, below or beside what is there.
 */
static void link_entry(struct map *map, const struct place *p, const uint8_t *key, uint32_t entry)
{
    const uint32_t there = *p->link;
    struct map_lpm_node *nodes = map->lpm.nodes;
    uint32_t fork;

    if (there == MAP_NO_ENTRY) {
        *p->link = entry;
    } else if (is_exact(map, p, key)) {
        memcpy(nodes[entry].child, nodes[there].child, sizeof(nodes[entry].child));
        push_free(map, &map->lpm.free_forks, there);
        *p->link = entry;
    } else if (p->common == bits_of(key)) {
        nodes[entry].child[bit_at(key_of(map, there), p->common)] = there;
        *p->link = entry;
    } else {
        fork = pop_free(map, &map->lpm.free_forks);
        set_node(map, fork, key_of(map, there), p->common);
        nodes[fork].child[bit_at(key, p->common)] = entry;
        nodes[fork].child[!bit_at(key, p->common)] = there;
        *p->link = fork;
    }
}

static int lpm_update(struct map *map, const void *key, const void *value, uint64_t flags,
                      uint32_t cpu)
{
    struct place p;
    uint32_t entry;

    if (flags > SPEC_MAP_FLAG_EXIST || bits_of(key) > max_bits(map))
        return -EINVAL;
    p = find_place(map, key);
    if (is_exact(map, &p, key) && !is_fork(map, *p.link)) {
        const uint32_t old = *p.link;

        if (flags == SPEC_MAP_FLAG_NOEXIST)
            return -EEXIST;
        entry = map->lpm.spare;
        set_node(map, entry, key, bits_of(key));
        map_store(map, entry, value, cpu);
        memcpy(map->lpm.nodes[entry].child, map->lpm.nodes[old].child,
               sizeof(map->lpm.nodes[entry].child));
        *p.link = entry;
        map->lpm.spare = old;
        return 0;
    }
    if (flags == SPEC_MAP_FLAG_EXIST)
        return -ENOENT;
    if (map->lpm.free == MAP_NO_ENTRY)
        return -ENOSPC;
    entry = pop_free(map, &map->lpm.free);
    set_node(map, entry, key, bits_of(key));
    map_store(map, entry, value, cpu);
    link_entry(map, &p, key, entry);
    return 0;
}

/* A node with one child or none gives its place to what is below; a fork above that has lost a
 * child goes too. */
static void unlink_node(struct map *map, const struct place *p)
{
    struct map_lpm_node *nodes = map->lpm.nodes;
    const uint32_t node = *p->link;
    const uint32_t parent = p->above ? *p->above : MAP_NO_ENTRY;
    const uint32_t below =
        nodes[node].child[0] != MAP_NO_ENTRY ? nodes[node].child[0] : nodes[node].child[1];

    if (below == MAP_NO_ENTRY && parent != MAP_NO_ENTRY && is_fork(map, parent)) {
        *p->above = nodes[parent].child[nodes[parent].child[0] == node];
        push_free(map, &map->lpm.free_forks, parent);
    } else {
        *p->link = below;
    }
}

static int lpm_remove(struct map *map, const void *key)
{
    struct place p;
    uint32_t node, fork;

    if (bits_of(key) > max_bits(map))
        return -EINVAL;
    p = find_place(map, key);
    if (!is_exact(map, &p, key) || is_fork(map, *p.link))
        return -ENOENT;
    node = *p.link;
    if (map->lpm.nodes[node].child[0] != MAP_NO_ENTRY &&
        map->lpm.nodes[node].child[1] != MAP_NO_ENTRY) {
        fork = pop_free(map, &map->lpm.free_forks);
        set_node(map, fork, key_of(map, node), map->lpm.nodes[node].bits);
        memcpy(map->lpm.nodes[fork].child, map->lpm.nodes[node].child,
               sizeof(map->lpm.nodes[fork].child));
        *p.link = fork;
    } else {
        unlink_node(map, &p);
    }
    push_free(map, &map->lpm.free, node);
    return 0;
}

/* Where the walk of a subtree begins. */
static uint32_t first_below(const struct map *map, uint32_t node)
{
    for (;;) {
        const struct map_lpm_node *n = &map->lpm.nodes[node];

        if (n->child[0] != MAP_NO_ENTRY)
            node = n->child[0];
        else if (n->child[1] != MAP_NO_ENTRY)
            node = n->child[1];
        else
            return node;
    }
}

/* The entry after a key's, MAP_NO_ENTRY behind the last; *known says whether the key has one. */
static uint32_t entry_after(const struct map *map, const uint8_t *key, bool *known)
{
    uint32_t node = map->lpm.root;
    uint32_t after = MAP_NO_ENTRY;

    *known = false;
    while (node != MAP_NO_ENTRY) {
        const struct map_lpm_node *n = &map->lpm.nodes[node];
        const uint32_t common = common_bits(map, node, key);
        uint32_t side;

        if (n->bits != common || n->bits == bits_of(key)) {
            *known = n->bits == common && common == bits_of(key) && !is_fork(map, node);
            break;
        }
        side = bit_at(key, n->bits);
        if (side == 0 && n->child[1] != MAP_NO_ENTRY)
            after = first_below(map, n->child[1]);
        else if (!is_fork(map, node))
            after = node;
        node = n->child[side];
    }
    return after;
}

static int lpm_next_key(const struct map *map, const void *key, void *next)
{
    uint32_t node = MAP_NO_ENTRY;
    bool known = false;

    if (map->lpm.root == MAP_NO_ENTRY)
        return -ENOENT;
    if (key && bits_of(key) <= max_bits(map))
        node = entry_after(map, key, &known);
    if (!known) /* a key that is not there starts the walk again */
        node = first_below(map, map->lpm.root);
    if (node == MAP_NO_ENTRY)
        return -ENOENT;
    memcpy(next, key_of(map, node), map->def.key_bytes);
    return 0;
}

const struct map_ops map_lpm_ops = {
    .check = lpm_check,
    .layout = lpm_layout,
    .init = lpm_init,
    .find = lpm_find,
    .update = lpm_update,
    .remove = lpm_remove,
    .next_key = lpm_next_key,
};
