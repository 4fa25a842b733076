/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>
#include <errno.h>

/* How packets meet at each map, so that the results are those of one packet after the other.
 *
 * The pipeline keeps packets in order, so whatever one unit does happens in the packets' order.
 * Only state that is touched at two places of the pipeline can show a later packet's early access
 * to an earlier packet's late one.
 *
 * NONE  nothing to do: the map is never written; or each part of a value that is written is touched
 * at one place only, or only by atomics of one kind without fetch, which commute. KEY   all
 * accesses of a packet to what is written go to one entry that is known before the first of them.
 * Packets with another entry cannot be told from each other's order: they share no byte of a value
 * (entries do not overlap), and the only thing that they share in a hash map is where new entries
 * go. That is decided by updates, which happen at one place and so in order; it is why a second
 * place of updates, or a deletion, makes the map MAP. A pointer to an entry could outlive the
 * entry: a replacing update turns the old place into the spare, which the next update of another
 * key may take. So a packet that uses a pointer after an update that may have replaced its entry
 * makes the map MAP too; and so does an LRU map in which a packet inserts, or looks up twice, as
 * keys meet in the order of its entries, and an LPM map in which one inserts or deletes, as what a
 * key finds other keys' prefixes decide. MAP   one packet at a time.
 *
 * Locks cannot block each other for ever: a packet that waits at a lock waits for packets further
 * along the pipeline, and these never wait for one behind them: locks are taken in the order of the
 * stages, shared ports are given to the later stage first, and the egress takes what comes. */

#define BANKS_MAX 8u

struct site {
    pipe_ref unit;
    pipe_ref root;   /* of its address: what is left without constant offsets; PIPE_NONE for
                        operations on keys */
    pipe_ref lookup; /* that gave the root, or PIPE_NONE */
    uint64_t offset;
    uint32_t field; /* byte of the value; UINT32_MAX: not known */
    uint32_t class;
    bool bad; /* may meet an access of another packet out of order */
};

struct map_view {
    struct pipe_graph *g;
    const struct ir_map *map;
    bool external; /* its values lie in external memory */
    struct site *values;
    uint32_t value_count;
    struct site *keys;
    uint32_t key_count;
    uint32_t updates;
    uint32_t deletes;
};

static bool is_low_part(const struct pipe_node *n)
{
    if (n->kind != PIPE_K_BYTES || n->part_count < 4)
        return false;
    for (uint32_t i = 0; i < n->part_count; i++) {
        if (n->parts[i].node != n->parts[0].node || n->parts[i].index != i)
            return false;
    }
    return true;
}

/* Takes constant offsets, map numbers and the NULL alternative off an address. */
static pipe_ref strip(const struct pipe_graph *g, pipe_ref a, uint64_t *offset)
{
    for (;;) {
        const struct pipe_node *n = &g->nodes[a];
        uint64_t k;

        if (n->kind == PIPE_K_ALU && n->alu == SPEC_ALU_ADD && pipe_is_const(g, n->args[1], &k)) {
            *offset += k;
            a = n->args[0];
        } else if (n->kind == PIPE_K_ALU && n->alu == SPEC_ALU_OR &&
                   pipe_is_const(g, n->args[1], &k) && (uint32_t)k == 0) {
            a = n->args[0];
        } else if (is_low_part(n)) {
            a = n->parts[0].node;
        } else if (n->kind == PIPE_K_SELECT && pipe_is_const(g, n->args[1], &k) && k == 0) {
            a = n->args[2];
        } else if (n->kind == PIPE_K_SELECT && pipe_is_const(g, n->args[2], &k) && k == 0) {
            a = n->args[1];
        } else {
            return a;
        }
    }
}

/* The look-up whose answer an address without offsets is, or PIPE_NONE. */
static pipe_ref lookup_of(const struct pipe_graph *g, pipe_ref root)
{
    const struct pipe_node *n = &g->nodes[root];

    if (n->kind != PIPE_K_BYTES || n->part_count != 4 || n->parts[0].index != 4 ||
        !pipe_is_lookup(&g->nodes[n->parts[0].node]))
        return PIPE_NONE;
    return n->parts[0].node;
}

static void find_field(const struct map_view *v, struct site *s)
{
    const int64_t stride = v->map->stride_bytes;
    const struct pipe_congruence c =
        s->lookup ? (struct pipe_congruence){0, 0} : pipe_offset_congruence(v->g, s->root);

    s->field = UINT32_MAX;
    /* constant offsets may lead down from a root that lies above the value's start */
    if (c.modulus % (uint64_t)stride == 0) {
        const int64_t at = (int64_t)(c.residue % (uint64_t)stride) + (int32_t)s->offset;

        s->field = (uint32_t)((at % stride + stride) % stride);
    }
    /* an access that runs over the value's end tells that this is no single value */
    if (s->field != UINT32_MAX && s->field + v->g->nodes[s->unit].size > stride)
        s->field = UINT32_MAX;
}

static void collect(struct map_view *v, uint32_t map)
{
    struct pipe_graph *g = v->g;

    v->values = arena_array(g->arena, g->unit_count, sizeof(*v->values));
    v->keys = arena_array(g->arena, g->unit_count + 1, sizeof(*v->keys)); /* look_twice */
    for (uint32_t i = 0; i < g->unit_count; i++) {
        const struct pipe_node *n = &g->nodes[g->units[i]];
        struct site s = {.unit = g->units[i]};

        if (!n->live || !pipe_is_access(n) || n->map != map)
            continue;
        if (pipe_is_lookup(n) || n->kind == PIPE_K_UPDATE || n->kind == PIPE_K_DELETE) {
            v->updates += n->kind == PIPE_K_UPDATE;
            v->deletes += n->kind == PIPE_K_DELETE;
            v->keys[v->key_count++] = s;
            continue;
        }
        s.root = strip(g, n->args[1], &s.offset);
        s.lookup = lookup_of(g, s.root);
        find_field(v, &s);
        v->values[v->value_count++] = s;
    }
}

static bool is_write(const struct pipe_graph *g, const struct site *s)
{
    return g->nodes[s->unit].kind != PIPE_K_MAP_LOAD;
}

static bool overlap(const struct pipe_graph *g, const struct site *a, const struct site *b)
{
    if (a->field == UINT32_MAX || b->field == UINT32_MAX)
        return true;
    return a->field < b->field + g->nodes[b->unit].size &&
           b->field < a->field + g->nodes[a->unit].size;
}

/* Do two atomics give the same result in either order, unseen by the program? */
static bool commute(const struct pipe_node *a, const struct pipe_node *b)
{
    return a->kind == PIPE_K_MAP_ATOMIC && b->kind == PIPE_K_MAP_ATOMIC && !a->fetch && !b->fetch &&
           a->atomic == b->atomic && a->size == b->size && a->atomic != SPEC_ATOMIC_XCHG &&
           a->atomic != SPEC_ATOMIC_CMPXCHG;
}

/* Marks the accesses to values that could meet out of order; their number. Same fields at least are
 * needed for that. Atomics that commute must also lie on each other exactly, as carries do not stop
 * at a half's end. */
static uint32_t mark_bad(const struct map_view *v)
{
    struct pipe_graph *g = v->g;
    uint32_t bad = 0;

    for (uint32_t i = 0; i < v->value_count; i++) {
        struct site *a = &v->values[i];

        for (uint32_t k = 0; k < v->value_count; k++) {
            const struct site *b = &v->values[k];

            if (i == k || !overlap(g, a, b) || (!is_write(g, a) && !is_write(g, b)))
                continue;
            if (commute(&g->nodes[a->unit], &g->nodes[b->unit]) && a->field == b->field &&
                (a->field != UINT32_MAX || (a->root == b->root && a->offset == b->offset)))
                continue;
            a->bad = true;
        }
        bad += a->bad;
    }
    return bad;
}

static bool same_key(const struct pipe_graph *g, pipe_ref a, pipe_ref b, uint32_t words)
{
    const struct pipe_node *x = &g->nodes[a];
    const struct pipe_node *y = &g->nodes[b];
    const uint32_t i = x->kind == PIPE_K_UPDATE ? 3 : 2;
    const uint32_t k = y->kind == PIPE_K_UPDATE ? 3 : 2;

    for (uint32_t w = 0; w < words; w++) {
        if (x->args[i + w] != y->args[k + w])
            return false;
    }
    return true;
}

/* The block that dominates all of a map's accesses that count, or else all to its values, and is
 * nearest to them. */
static ir_block dominator(const struct map_view *v, bool bad)
{
    const struct pipe_graph *g = v->g;
    ir_block d = IR_NO_BLOCK;

    for (uint32_t i = 0; i < v->value_count + (bad ? v->key_count : 0); i++) {
        const struct site *s = i < v->value_count ? &v->values[i] : &v->keys[i - v->value_count];
        ir_block x = g->nodes[s->unit].block;

        if (bad && !s->bad)
            continue;
        if (d == IR_NO_BLOCK)
            d = x;
        while (x != d) {
            if (g->position[x] > g->position[d])
                x = g->idom[x];
            else
                d = g->idom[d];
        }
    }
    return d;
}

/* May all accesses that count be told apart by one entry? Then *root is its address without offset.
 */
static bool one_root(const struct map_view *v, pipe_ref *root, const char **why)
{
    const struct pipe_graph *g = v->g;
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    struct pipe_congruence c;
    pipe_ref found = PIPE_NONE;
    uint64_t k;

    for (uint32_t i = 0; i < v->value_count; i++) {
        const struct site *s = &v->values[i];
        const uint64_t offset = (uint32_t)s->offset;

        if (!s->bad)
            continue;
        if (found && s->root != found) {
            *why = "several entries are used by one packet";
            return false;
        }
        found = s->root;
        low = offset < low ? offset : low;
        high = offset + g->nodes[s->unit].size > high ? offset + g->nodes[s->unit].size : high;
    }
    if (pipe_is_const(g, found, &k)) {
        *why = "all packets use the same entry";
        return false;
    }
    c = pipe_offset_congruence(g, found);
    if (lookup_of(g, found))
        c.modulus = v->map->stride_bytes;
    if (high - low > c.modulus) {
        *why = "entries cannot be told apart by the address";
        return false;
    }
    *root = found;
    return true;
}

/* Every access of a hash map with updates: one key, one place of updates, no pointer used after its
 * entry may be gone. */
static bool one_key(const struct map_view *v, const char **why)
{
    const struct pipe_graph *g = v->g;
    const uint32_t words = ir_words(v->map->key_bytes);

    if (v->deletes) {
        *why = "entries are deleted";
        return false;
    }
    if (v->updates > 1) {
        *why = "entries are updated at several places";
        return false;
    }
    for (uint32_t i = 1; i < v->key_count; i++) {
        if (!same_key(g, v->keys[0].unit, v->keys[i].unit, words)) {
            *why = "several keys are used by one packet";
            return false;
        }
    }
    for (uint32_t i = 0; i < v->value_count; i++) {
        const struct site *s = &v->values[i];

        if (!s->lookup) {
            *why = "a value's address is not that of one look-up";
            return false;
        }
        for (uint32_t k = 0; k < v->key_count; k++) {
            const pipe_ref u = v->keys[k].unit;

            if (g->nodes[u].kind == PIPE_K_UPDATE && pipe_before(g, s->lookup, u) &&
                pipe_before(g, u, s->unit)) {
                *why = "a value is used after an update that may have replaced it";
                return false;
            }
        }
    }
    return true;
}

static void mark_all(const struct map_view *v)
{
    for (uint32_t i = 0; i < v->value_count; i++)
        v->values[i].bad = true;
    for (uint32_t i = 0; i < v->key_count; i++)
        v->keys[i].bad = true;
}

/* All values of a map in one unit, if they are accesses to one value of it. */
static bool fuse(struct map_view *v, struct pipe_map_plan *plan)
{
    struct pipe_graph *g = v->g;
    const uint32_t map = (uint32_t)(v->map - g->f->maps);
    struct pipe_fuse_request r = {.map = map, .count = v->value_count};
    struct pipe_fused *fused;

    if (v->map->stride_bytes > 8 * PIPE_ROW_WORDS_MAX) {
        plan->why_apart =
            arena_printf(g->arena, "a value has more than %u bytes", 8 * PIPE_ROW_WORDS_MAX);
        return false;
    }
    if (v->external) {
        plan->why_apart = "its values lie in external memory";
        return false;
    }
    r.members = arena_array(g->arena, v->value_count, sizeof(*r.members));
    r.fields = arena_array(g->arena, v->value_count, sizeof(*r.fields));
    for (uint32_t i = 0; i < v->value_count; i++) {
        const struct site *s = &v->values[i];

        if (s->root != v->values[0].root ||
            (uint32_t)s->offset - s->field != (uint32_t)v->values[0].offset - v->values[0].field) {
            plan->why_apart = "a packet uses several values";
            return false;
        }
        if (s->field == UINT32_MAX) {
            plan->why_apart = "where in a value an access lies is not known";
            return false;
        }
        r.members[i] = s->unit;
        r.fields[i] = s->field;
    }
    r.call = g->on[dominator(v, false)];
    r.start = pipe_alu(g, SPEC_ALU_ADD, 32, v->values[0].root,
                       pipe_const(g, (uint32_t)v->values[0].offset - r.fields[0]));
    if (!pipe_fuse(g, &r, &fused, &plan->why_apart))
        return false;
    v->values[0] = (struct site){.unit = fused->unit};
    v->value_count = 1;
    return true;
}

/* Values alone, keys never change. */
static void decide_values(struct map_view *v, struct pipe_map_plan *plan)
{
    struct pipe_graph *g = v->g;
    pipe_ref root = PIPE_NONE;
    bool writes = false;

    for (uint32_t i = 0; i < v->value_count; i++)
        writes = writes || is_write(g, &v->values[i]);
    if (mark_bad(v) == 0) {
        if (writes)
            plan->why = "what is written is touched at one place, or by atomics that commute";
        return;
    }
    if (fuse(v, plan)) {
        plan->why = "all accesses to a value are one atomic unit";
        return;
    }
    plan->hazard = PIPE_HAZARD_MAP;
    if (one_root(v, &root, &plan->why)) {
        plan->hazard = PIPE_HAZARD_KEY;
        plan->why = "one entry a packet, known before its first access";
        plan->key = arena_memdup(g->arena, &root, sizeof(root));
        plan->key_words = 1;
        plan->key_bits = 32;
    }
}

/* Must c hold where p holds? */
static bool has_conjunct(const struct pipe_graph *g, pipe_ref p, pipe_ref c)
{
    while (p != c && g->nodes[p].kind == PIPE_K_AND) {
        if (has_conjunct(g, g->nodes[p].args[1], c))
            return true;
        p = g->nodes[p].args[0];
    }
    return p == c;
}

/* One look-up, and one insertion that runs only where it found nothing: then entries never move,
 * and what a look-up finds is good whoever else inserts. */
static bool inserts_what_it_missed(const struct map_view *v)
{
    struct pipe_graph *g = v->g;
    const struct site *lookup = &v->keys[0];
    const struct site *update = &v->keys[1];
    pipe_ref missed;

    if (v->key_count != 2 || v->updates != 1 || v->deletes)
        return false;
    if (g->nodes[lookup->unit].kind == PIPE_K_UPDATE) {
        lookup = &v->keys[1];
        update = &v->keys[0];
    }
    missed = pipe_truth(g, pipe_slice(g, lookup->unit, 0, 1));
    return g->nodes[lookup->unit].block != g->nodes[update->unit].block &&
           has_conjunct(g, g->nodes[update->unit].args[0], missed);
}

/* A packet that finds no entry takes the lock and looks again: whoever was before it has inserted
 * by then. One that finds its entry needs no lock. */
static void look_twice(struct map_view *v, struct pipe_map_plan *plan)
{
    struct pipe_graph *g = v->g;
    struct site *lookup = &v->keys[g->nodes[v->keys[0].unit].kind == PIPE_K_UPDATE];
    const pipe_ref old = lookup->unit;
    const struct pipe_node n = g->nodes[old];
    const struct pipe_node call = {.kind = n.kind, .map = n.map, .bits = 64};
    pipe_ref *args = arena_memdup(g->arena, n.args, n.nargs * sizeof(*args));
    pipe_ref chosen[3];

    g->pc = n.pc;
    g->block = n.block;
    chosen[2] = pipe_unit(g, call, args, n.nargs);
    chosen[0] = pipe_truth(g, pipe_slice(g, chosen[2], 0, 1));
    args[0] = pipe_and(g, n.args[0], chosen[0]);
    chosen[1] = pipe_unit(g, call, args, n.nargs);
    g->nodes[chosen[1]].live = g->nodes[chosen[2]].live = true;
    g->nodes[old].kind = PIPE_K_SELECT;
    g->nodes[old].args = arena_memdup(g->arena, chosen, sizeof(chosen));
    g->nodes[old].nargs = 3;
    g->nodes[old].block = IR_NO_BLOCK;
    lookup->unit = chosen[1];
    for (uint32_t i = 0; i < v->key_count; i++)
        v->keys[i].bad = true;
    v->keys[v->key_count++] = (struct site){.unit = chosen[2]};
    plan->take = args[0];
    plan->on_miss = true;
}

static void decide(struct map_view *v, struct pipe_map_plan *plan)
{
    struct pipe_graph *g = v->g;
    const bool lru = v->map->engine == SPEC_ENGINE_LRU;

    plan->why = "the program never writes it";
    if (v->updates + v->deletes == 0 && (!lru || v->key_count <= 1)) {
        decide_values(v, plan);
    } else if (v->key_count + v->value_count == 1) {
        plan->why = "it is touched at one place";
        return;
    } else if (v->map->engine == SPEC_ENGINE_HASH && one_key(v, &plan->why) &&
               inserts_what_it_missed(v) && (mark_bad(v) == 0 || fuse(v, plan))) {
        const struct pipe_node *n = &g->nodes[v->keys[0].unit];

        plan->hazard = PIPE_HAZARD_KEY;
        plan->why = plan->fused ? "all accesses to a value are one atomic unit; only a packet that "
                                  "finds no entry waits, for those of its key"
                                : "only a packet that finds no entry waits, for those of its key";
        plan->key = n->args + (n->kind == PIPE_K_UPDATE ? 3 : 2);
        plan->key_words = ir_words(v->map->key_bytes);
        plan->key_bits = 64;
        look_twice(v, plan);
        return;
    } else {
        mark_all(v);
        plan->hazard = PIPE_HAZARD_MAP;
        if (v->map->engine == SPEC_ENGINE_LPM) {
            plan->why = "which prefix is the longest, entries of other keys decide";
        } else if (lru) {
            plan->why = "what is looked up or inserted decides what an LRU map evicts";
        } else if (one_key(v, &plan->why)) {
            const struct pipe_node *n = &g->nodes[v->keys[0].unit];

            plan->hazard = PIPE_HAZARD_KEY;
            plan->why = "one key a packet, known before its first access";
            plan->key = n->args + (n->kind == PIPE_K_UPDATE ? 3 : 2);
            plan->key_words = ir_words(v->map->key_bytes);
            plan->key_bits = 64;
        }
    }
    if (plan->hazard != PIPE_HAZARD_NONE)
        plan->take = g->on[dominator(v, true)];
}

/* The accesses that the stretch must cover. */
static void list_sites(const struct map_view *v, struct pipe_map_plan *plan)
{
    struct pipe_graph *g = v->g;

    plan->value_sites = arena_array(g->arena, v->value_count, sizeof(pipe_ref));
    plan->key_sites = arena_array(g->arena, v->key_count, sizeof(pipe_ref));
    plan->protected = arena_array(g->arena, v->value_count + v->key_count, sizeof(pipe_ref));
    for (uint32_t i = 0; i < v->value_count; i++) {
        plan->value_sites[plan->value_count++] = v->values[i].unit;
        if (v->values[i].bad)
            plan->protected[plan->protected_count++] = v->values[i].unit;
    }
    for (uint32_t i = 0; i < v->key_count; i++) {
        plan->key_sites[plan->key_count++] = v->keys[i].unit;
        if (v->keys[i].bad)
            plan->protected[plan->protected_count++] = v->keys[i].unit;
    }
}

/* Most accesses to one of so many banks; UINT32_MAX if some access has no bank of its own. */
static uint32_t busiest_bank(const struct map_view *v, uint32_t banks)
{
    uint32_t counts[BANKS_MAX] = {0};
    uint32_t most = 0;

    if (v->map->stride_bytes % (8 * banks))
        return UINT32_MAX;
    for (uint32_t i = 0; i < v->value_count; i++) {
        const struct site *s = &v->values[i];
        uint32_t *count;

        if (s->field == UINT32_MAX || s->field % 8 + v->g->nodes[s->unit].size > 8)
            return UINT32_MAX;
        count = &counts[s->field / 8 % banks];
        (*count)++;
        most = *count > most ? *count : most;
    }
    return most;
}

/* Values are spread over several memories, word by word, if that gives the accesses of a packet
 * different ports. Whatever touches the same byte goes to the same memory, so nothing above
 * changes. */
static void choose_banks(const struct map_view *v, struct pipe_map_plan *plan)
{
    uint32_t most = v->value_count;

    plan->banks = 1;
    if (plan->fused || v->external)
        return;
    for (uint32_t banks = 2; banks <= BANKS_MAX; banks *= 2) {
        const uint32_t now = busiest_bank(v, banks);

        if (now < most) {
            plan->banks = banks;
            most = now;
        }
    }
    for (uint32_t i = 0; i < v->value_count && plan->banks > 1; i++)
        v->g->nodes[v->values[i].unit].bank = (uint8_t)(v->values[i].field / 8 % plan->banks);
}

/* needs: pipe_demand, for who is live. gives: the plan of each map, without stages. breaks: the
 * order of nodes, and who is live. -EAGAIN if fused units depend on each other: once more with no
 * levels for units. */
int pipe_hazards(struct pipe_graph *g)
{
    g->maps = arena_array(g->arena, g->f->map_count, sizeof(*g->maps));
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        struct map_view v = {.g = g, .map = &g->f->maps[m], .external = g->external[m]};

        collect(&v, m);
        if (g->unordered)
            g->maps[m].why = "packets do not wait, as asked";
        else
            decide(&v, &g->maps[m]);
        list_sites(&v, &g->maps[m]);
        choose_banks(&v, &g->maps[m]);
        pipe_const(g, 0);
        if (!pipe_order(g))
            return -EAGAIN;
        pipe_demand(g);
    }
    pipe_drop_inputs(g);
    return 0;
}
