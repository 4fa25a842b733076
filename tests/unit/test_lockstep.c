/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "host/ctl/exec_interp.h"
#include "host/ctl/lockstep.h"
#include "host/ctl/softmap.h"
#include "tests/common/corpus.h"
#include "tests/common/program_check.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The comparison of the core with its model, without the core: a second model makes the rows that
 * the core would have retired, and faults are put into them. Whatever is wrong is named exactly. */

enum { PACKETS = 24, WORDS = (UCODE_RETIRE_BITS + 31) / 32, PROGRAMS_MIN = 4 };

/* What the device would tell of a packet. */
struct traced {
    uint8_t bytes[SPEC_PKT_MAX_BYTES];
    struct dev_packet packet;
    struct ucode_retired *rows;
    size_t count;
    uint8_t out[SPEC_PKT_JUMBO_END];
    uint8_t events[SPEC_EVENT_BYTES];
    struct dev_output output;
};

struct trace {
    struct corpus corpus;
    struct arena *arena;
    struct job *job;
    struct traced *packets;
};

/* --- a recorded run --- */

static void record_packet(struct trace *t, const struct ir_maps_ops *ops, uint32_t i,
                          uint64_t *seed)
{
    static uint8_t buf[SPEC_EVENT_BASE + SPEC_EVENT_BYTES];
    struct traced *p = &t->packets[i];
    struct ucode_retired row;
    struct ucode_model model;
    struct ir_run run = {.buf = buf, .events = buf + SPEC_EVENT_BASE};

    p->packet = (struct dev_packet){.data = p->bytes,
                                    .len = program_packet(p->bytes, seed),
                                    .time_ns = i * 1000000u,
                                    .rand = i + 1,
                                    .ifindex = 1,
                                    .queue = 0};
    memset(buf, 0, sizeof(buf));
    memcpy(buf + SPEC_PKT_BASE, p->bytes, p->packet.len);
    run.inputs[SPEC_IN_TIME] = p->packet.time_ns;
    run.inputs[SPEC_IN_RAND] = p->packet.rand;
    run.inputs[SPEC_IN_IFINDEX] = p->packet.ifindex;
    run.inputs[SPEC_IN_LEN] = p->packet.len;
    ucode_model_start(&model, t->job->microcode, ops, &run, NULL);
    while (!model.ended) {
        assert_int_equal(ucode_model_step(&model, NULL, &row), 0);
        row.packet = i;
        row.context = i % SPEC_CONTEXTS;
        p->rows = realloc(p->rows, (p->count + 1) * sizeof(row));
        assert_non_null(p->rows);
        p->rows[p->count++] = row;
    }
    memcpy(p->out, buf + run.data, run.data_end - run.data);
    memcpy(p->events, run.events, sizeof(p->events));
    p->output = (struct dev_output){.index = i,
                                    .ret = run.ret,
                                    .redirect = run.redirect,
                                    .data = p->out,
                                    .events = p->events,
                                    .event_bytes = (uint32_t)(64 * run.event_beats),
                                    .len = (uint32_t)(run.data_end - run.data)};
}

/* Records a run of a program; false if hardware does not run it. */
static bool record(struct trace *t, const struct corpus_prog *p)
{
    const struct exec_options options = {.size = sizeof(options)};
    char why[EXEC_WHY_BYTES];
    struct exec *maps = NULL;
    struct softmap softmap;
    struct ir_maps_ops ops;
    uint64_t seed = 7;

    t->arena = arena_open();
    t->job = job_open(p->object, p->prog, NULL, t->arena);
    if (job_do(t->job, JOB_MICROCODE)) {
        arena_close(t->arena);
        return false;
    }
    assert_int_equal(exec_open(&exec_interp, t->job, &options, &maps, why), 0);
    softmap.maps = exec_interp_maps(maps, &softmap.count);
    ops = softmap_ops(&softmap);
    t->packets = calloc(PACKETS, sizeof(*t->packets));
    assert_non_null(t->packets);
    for (uint32_t i = 0; i < PACKETS; i++)
        record_packet(t, &ops, i, &seed);
    exec_close(maps);
    return true;
}

static void forget(struct trace *t)
{
    for (uint32_t i = 0; i < PACKETS; i++)
        free(t->packets[i].rows);
    free(t->packets);
    arena_close(t->arena);
}

/* --- and played to the comparison --- */

static void put(uint32_t *words, uint32_t lsb, uint32_t bits, uint64_t value)
{
    for (uint32_t i = 0; i < bits; i++)
        words[(lsb + i) / 32] |= (uint32_t)(value >> i & 1) << ((lsb + i) % 32);
}

#define PUT(field, value) put(words, UCODE_R_##field##_LSB, UCODE_R_##field##_BITS, value)
#define PUT_LANE(field, value)                                                                     \
    put(words, at + UCODE_RL_##field##_LSB, UCODE_RL_##field##_BITS, value)

static void encode(const struct ucode_retired *r, uint32_t words[WORDS])
{
    memset(words, 0, WORDS * 4);
    PUT(VALID, 1);
    PUT(END, r->end);
    PUT(TAKEN, r->taken);
    PUT(MAP_VALID, r->map_valid);
    PUT(CONTEXT, r->context);
    PUT(ROW, r->row);
    PUT(MAP_OP, r->map_op);
    PUT(MAP_ATOMIC, r->map_atomic);
    PUT(MAP_SIZE, r->map_size);
    PUT(PACKET, r->packet);
    PUT(RET, r->ret);
    PUT(TARGET, r->target);
    PUT(MAP_ADDR, r->map_addr);
    PUT(MAP_DATA, r->map_data);
    PUT(MAP_EXPECT, r->map_expect);
    PUT(MEM_ADDR, r->mem_addr);
    PUT(MEM_DATA, r->mem_data);
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const uint32_t at = UCODE_RETIRE_LANES_LSB + UCODE_RETIRE_LANE_BITS * lane;
        const struct ucode_retired_lane *l = &r->lanes[lane];

        PUT_LANE(ON, l->on);
        PUT_LANE(WRITE, l->write);
        PUT_LANE(PWRITE, l->pwrite);
        PUT_LANE(PVALUE, l->pvalue);
        PUT_LANE(PDST, l->pdst);
        PUT_LANE(DST, l->dst);
        PUT_LANE(A, l->a);
        PUT_LANE(B, l->b);
        PUT_LANE(RESULT, l->result);
    }
}

/* Plays a group of packets as the contexts of the core would: a row of each in turn. */
static int play_group(const struct trace *t, struct lockstep *l, uint32_t first, uint32_t end)
{
    size_t at[SPEC_CONTEXTS] = {0};
    bool more = true;
    int err = 0;

    for (uint32_t i = first; i < end && !err; i++)
        err = lockstep_packet_in(l, &t->packets[i].packet, 100 + i);
    while (more && !err) {
        more = false;
        for (uint32_t i = first; i < end && !err; i++) {
            uint32_t words[WORDS];

            if (at[i - first] == t->packets[i].count)
                continue;
            encode(&t->packets[i].rows[at[i - first]++], words);
            err = lockstep_row(l, words);
            more = true;
        }
    }
    for (uint32_t i = first; i < end && !err; i++)
        err = lockstep_packet_out(l, &t->packets[i].output);
    return err;
}

/* Plays the trace; the caller looks at the result. */
static struct lockstep_result play(const struct trace *t, const struct ucode_image *image, int want)
{
    const struct exec_options options = {.size = sizeof(options)};
    char why[EXEC_WHY_BYTES];
    struct lockstep *l = NULL;
    struct lockstep_result result;
    int err = 0;

    assert_int_equal(lockstep_open(t->job, image, &options, &l, why), 0);
    for (uint32_t i = 0; i < PACKETS && !err; i += SPEC_CONTEXTS)
        err = play_group(t, l, i,
                         i + SPEC_CONTEXTS < PACKETS ? i + SPEC_CONTEXTS : (uint32_t)PACKETS);
    result = *lockstep_result(l);
    lockstep_close(l);
    assert_int_equal(err, want);
    assert_int_equal(result.difference.found, want != 0);
    return result;
}

/* --- faults --- */

/* A field of a row that the program needs, and how it is reported. */
struct fault {
    enum ucode_field field;
    uint32_t lane;
    /* Changes the row if it has the field; false if not. *number: what the report says. */
    bool (*plant)(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                  uint32_t *number);
};

/* A register's value that the program computes (of a load it might be one that nobody defines). */
static bool plant_register(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                           uint32_t *number)
{
    *number = r->lanes[lane].dst;
    r->lanes[lane].result ^= UINT64_C(1) << 40;
    return r->lanes[lane].write && ucode_is_alu(row->slots[lane].op);
}

static bool plant_write(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                        uint32_t *number)
{
    const bool had = r->lanes[lane].write;

    *number = row->slots[lane].dst;
    r->lanes[lane].write = false;
    return had;
}

static bool plant_predicate(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                            uint32_t *number)
{
    (void)row;
    *number = r->lanes[lane].pdst;
    r->lanes[lane].pvalue ^= true;
    return r->lanes[lane].pwrite;
}

static bool plant_on(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                     uint32_t *number)
{
    *number = 0;
    r->lanes[lane].on ^= true;
    return row->slots[lane].op != UCODE_NOP && row->slots[lane].pred == 0;
}

static bool plant_operand(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                          uint32_t *number)
{
    *number = 0;
    r->lanes[lane].a ^= 1;
    return ucode_forms[ucode_form(row->slots[lane].op)].a && row->slots[lane].a == 0;
}

static bool plant_address(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                          uint32_t *number)
{
    *number = 0;
    r->mem_addr += 8;
    return r->lanes[lane].on && ucode_form(row->slots[lane].op) == UCODE_FORM_STORE;
}

static bool plant_data(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                       uint32_t *number)
{
    *number = 0;
    r->mem_data ^= 1;
    return r->lanes[lane].on && ucode_form(row->slots[lane].op) == UCODE_FORM_STORE;
}

static bool plant_map(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                      uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->map_size ^= 3;
    return r->map_valid;
}

static bool plant_map_data(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                           uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->map_data ^= UINT64_C(1) << 63;
    return r->map_valid && r->map_op != 0;
}

static bool plant_taken(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                        uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->taken ^= true;
    return true;
}

static bool plant_target(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                         uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->target += 1;
    return r->taken;
}

static bool plant_end(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                      uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->end ^= true;
    return true;
}

static bool plant_ret(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                      uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->ret ^= 4;
    return r->end;
}

static bool plant_row(struct ucode_retired *r, const struct ucode_row *row, uint32_t lane,
                      uint32_t *number)
{
    (void)row;
    (void)lane;
    *number = 0;
    r->row ^= 1;
    return true;
}

static const struct fault faults[] = {
    {UCODE_FIELD_REGISTER, 0, plant_register},
    {UCODE_FIELD_REGISTER, 1, plant_register},
    {UCODE_FIELD_REGISTER, 2, plant_register},
    {UCODE_FIELD_REGISTER, 3, plant_register},
    {UCODE_FIELD_WRITE, 0, plant_write},
    {UCODE_FIELD_WRITE, 3, plant_write},
    {UCODE_FIELD_PREDICATE, 0, plant_predicate},
    {UCODE_FIELD_PREDICATE, 1, plant_predicate},
    {UCODE_FIELD_ON, 0, plant_on},
    {UCODE_FIELD_ON, 2, plant_on},
    {UCODE_FIELD_A, 1, plant_operand},
    {UCODE_FIELD_ADDRESS, UCODE_LANE_MEM, plant_address},
    {UCODE_FIELD_DATA, UCODE_LANE_MEM, plant_data},
    {UCODE_FIELD_MAP, UCODE_LANE_MAP, plant_map},
    {UCODE_FIELD_MAP_DATA, UCODE_LANE_MAP, plant_map_data},
    {UCODE_FIELD_TAKEN, UCODE_NO_LANE, plant_taken},
    {UCODE_FIELD_TARGET, UCODE_NO_LANE, plant_target},
    {UCODE_FIELD_END, UCODE_NO_LANE, plant_end},
    {UCODE_FIELD_RET, UCODE_NO_LANE, plant_ret},
    {UCODE_FIELD_ROW, UCODE_NO_LANE, plant_row},
};
enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

/* Puts a fault into the first row from packet number 11 on that can have it, and wants it named. */
static bool try_fault(struct trace *t, const struct fault *fault)
{
    for (uint32_t i = 11; i < PACKETS; i++) {
        struct traced *p = &t->packets[i];

        for (size_t k = 0; k < p->count; k++) {
            const struct ucode_retired good = p->rows[k];
            const struct ucode_row *row = &t->job->microcode->rows[good.row];
            struct lockstep_result result;
            uint32_t number;

            if (!fault->plant(&p->rows[k], row, fault->lane, &number)) {
                p->rows[k] = good;
                continue;
            }
            result = play(t, t->job->microcode, -EILSEQ);
            p->rows[k] = good;
            assert_int_equal(result.difference.packet, 100 + i);
            assert_true(result.difference.has_row);
            assert_int_equal(result.difference.row, good.row);
            assert_int_equal(result.difference.at.field, fault->field);
            assert_int_equal(result.difference.at.lane, fault->lane);
            assert_int_equal(result.difference.at.number, number);
            assert_int_not_equal(result.difference.at.expected, result.difference.at.got);
            assert_int_equal(result.packets, i);
            return true;
        }
    }
    return false;
}

/* Calls check with a recorded run of each program of the corpus that the core runs. */
static void for_each_program(void (*check)(struct trace *t))
{
    static struct trace t;
    uint32_t programs = 0;

    memset(&t, 0, sizeof(t));
    assert_int_equal(corpus_open(&t.corpus), 0);
    if (t.corpus.count == 0) {
        corpus_close(&t.corpus);
        skip_because("no compiled programs in this build");
    }
    for (uint32_t i = 0; i < t.corpus.count; i++) {
        if (!record(&t, &t.corpus.progs[i]))
            continue;
        check(&t);
        forget(&t);
        programs++;
    }
    corpus_close(&t.corpus);
    assert_true(programs >= PROGRAMS_MIN);
}

/* --- tests --- */

static void check_equal(struct trace *t)
{
    const struct lockstep_result result = play(t, t->job->microcode, 0);
    uint64_t rows = 0;

    for (uint32_t i = 0; i < PACKETS; i++)
        rows += t->packets[i].count;
    assert_int_equal(result.packets, PACKETS);
    assert_int_equal(result.rows, rows);
}

static void test_lockstep_of_equal_rows_agrees(void **state)
{
    (void)state;
    for_each_program(check_equal);
}

static uint32_t planted[FAULTS];

static void check_faults(struct trace *t)
{
    for (uint32_t f = 0; f < FAULTS; f++) {
        if (planted[f] < PROGRAMS_MIN)
            planted[f] += try_fault(t, &faults[f]);
    }
}

static void test_lockstep_with_a_fault_names_packet_row_lane_and_register(void **state)
{
    (void)state;
    for_each_program(check_faults);
    for (uint32_t f = 0; f < FAULTS; f++) {
        if (planted[f] == 0)
            print_message("no row for fault %u\n", f);
        assert_true(planted[f] > 0);
    }
}

/* One packet's rows are cut off: all but `keep`. */
static void check_cut(struct trace *t, size_t keep, bool has_row)
{
    struct traced *p = &t->packets[13];
    const size_t count = p->count;
    struct lockstep_result result;

    if (keep >= count)
        return;
    p->count = keep;
    result = play(t, t->job->microcode, -EILSEQ);
    p->count = count;
    assert_int_equal(result.difference.packet, 113);
    assert_int_equal(result.difference.has_row, has_row);
    if (has_row)
        assert_int_equal(result.difference.row, p->rows[keep].row);
    assert_int_equal(result.packets, 13);
}

static void check_cuts(struct trace *t)
{
    check_cut(t, t->packets[13].count - 1, t->packets[13].count > 1);
    check_cut(t, 2, true);
    check_cut(t, 0, false);
}

static void test_lockstep_of_a_trace_cut_off_says_where(void **state)
{
    (void)state;
    for_each_program(check_cuts);
}

static void check_extra(struct trace *t)
{
    struct traced *p = &t->packets[9];
    const struct ucode_retired last = p->rows[p->count - 1];
    struct lockstep_result result;

    p->rows = realloc(p->rows, (p->count + 1) * sizeof(last));
    assert_non_null(p->rows);
    p->rows[p->count++] = last;
    result = play(t, t->job->microcode, -EILSEQ);
    assert_int_equal(result.difference.packet, 109);
    assert_int_equal(result.difference.row, last.row);
    p->rows[--p->count].packet = PACKETS + 5;
    p->count++;
    play(t, t->job->microcode, -EILSEQ);
    p->count--;
}

static void test_lockstep_of_a_row_too_many_is_a_difference(void **state)
{
    (void)state;
    for_each_program(check_extra);
}

static void check_outputs(struct trace *t)
{
    struct traced *p = &t->packets[17];
    const struct dev_output good = p->output;
    struct lockstep_result result;

    p->output.ret ^= 1;
    result = play(t, t->job->microcode, -EILSEQ);
    assert_int_equal(result.difference.packet, 117);
    assert_non_null(strstr(result.difference.what, "return value"));
    p->output = good;
    p->output.redirect ^= 1;
    assert_non_null(strstr(play(t, t->job->microcode, -EILSEQ).difference.what, "redirect target"));
    p->output = good;
    p->output.len--;
    assert_non_null(strstr(play(t, t->job->microcode, -EILSEQ).difference.what, "length"));
    p->output = good;
    p->out[p->output.len - 1] ^= 0x80;
    result = play(t, t->job->microcode, -EILSEQ);
    assert_non_null(strstr(result.difference.what, "of the packet: expected"));
    assert_false(result.difference.has_row);
    p->out[p->output.len - 1] ^= 0x80;
}

static void test_lockstep_with_another_output_is_a_difference(void **state)
{
    (void)state;
    for_each_program(check_outputs);
}

/* The other way round: the rows are right, the model has an image with one immediate changed. */
static void check_image(struct trace *t)
{
    const struct ucode_image *image = t->job->microcode;
    struct ucode_image other = *image;
    struct lockstep_result result;

    other.rows = arena_memdup(t->arena, image->rows, image->row_count * sizeof(*image->rows));
    for (size_t k = 0; k < t->packets[0].count; k++) {
        const uint32_t row = t->packets[0].rows[k].row;
        struct ucode_slot *s = other.rows[row].slots;

        for (uint32_t lane = 0; lane < SPEC_LANES; lane++, s++) {
            if (ucode_form(s->op) != UCODE_FORM_EXIT || !s->bimm)
                continue;
            s->imm ^= 1;
            result = play(t, &other, -EILSEQ);
            assert_int_equal(result.difference.packet, 100);
            assert_int_equal(result.difference.row, row);
            assert_int_equal(result.difference.at.lane, lane);
            assert_int_equal(result.difference.at.field, UCODE_FIELD_B);
            return;
        }
    }
}

static void test_lockstep_with_another_image_names_its_row(void **state)
{
    (void)state;
    for_each_program(check_image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lockstep_of_equal_rows_agrees),
        cmocka_unit_test(test_lockstep_with_a_fault_names_packet_row_lane_and_register),
        cmocka_unit_test(test_lockstep_of_a_trace_cut_off_says_where),
        cmocka_unit_test(test_lockstep_of_a_row_too_many_is_a_difference),
        cmocka_unit_test(test_lockstep_with_another_output_is_a_difference),
        cmocka_unit_test(test_lockstep_with_another_image_names_its_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
