# SPDX-License-Identifier: BSD-3-Clause
"""Events of programs on hardware: the same records, perf events, lines and losses as in software, in the same order."""
import json
import os

import lib

PROGS = os.path.join(lib.ROOT, 'tests', 'progs', 'events')


def build(work, name):
    return lib.clang(os.path.join(PROGS, name + '.bpf.c'), os.path.join(work, name + '.o'))


def lines(work, obj, executor, path, *options):
    out = os.path.join(work, 'events')
    j = json.loads(lib.sluice('run', obj, '-t', executor, '-r', path, '--events', out, '--json', *options).stdout)
    with open(out) as f:
        return [json.loads(line) for line in f], j.get('lost')


def agrees(work, name, path, *options, executors='interp,kernel,microcode', pipeline=False, compared=()):
    """compare has no difference, and the files of --events are the same; these."""
    obj = build(work, name)
    hardware = ('microcode', 'pipeline') if pipeline else ('microcode',)
    j = json.loads(lib.sluice('compare', obj, '-r', path, '-t', executors + ',pipeline' * pipeline, '--json', *options, *compared).stdout)
    assert j['mismatches'] == 0, j['differences'][:5]
    assert not any('skipped' in j['executors'][e] for e in hardware), j['executors']
    expected, lost = lines(work, obj, 'interp', path, *options)
    for e in hardware:
        assert (expected, lost) == lines(work, obj, e, path, *options), e
    return expected, lost


def test_records_with_padding_have_the_same_leavings(work):
    events, _ = agrees(work, 'records', lib.mixed(500), pipeline=True, compared=('--idle', '30', '--stall', '40'))
    first = [e for e in events if e.get('map') == 'first']
    assert len(first) > 300 and len({e['data'][2:8] for e in first}) > 1, 'no leavings in the padding'
    assert {e['data'][:2] for e in first} == {'01', '02'}


def test_a_full_ring_buffer_loses_the_same_records(work):
    events, lost = agrees(work, 'full', lib.mixed(500))
    assert lost['small'] > 300 and any('data' in e for e in events), lost


def test_perf_events_have_packet_bytes_of_run_time_length(work):
    events, _ = agrees(work, 'samples', lib.mixed(400), '-p', 'samples_of', '--queues', '3', executors='interp,microcode')
    assert len({len(e['data']) for e in events}) > 20 and {e['map'] for e in events} == {'samples', 'few'}
    assert len({e['cpu'] for e in events}) == 3
    for queue in (0, 1, 3):
        agrees(work, 'samples', lib.mixed(100), '-p', 'samples_of', '--queue', str(queue), executors='interp,kernel,microcode')


def test_perf_events_of_jumbo_packets(work):
    path = lib.traffic('events-jumbo', '--count', 60, '--flows', 9, '--size', 8900)
    events, _ = agrees(work, 'samples', path, executors='interp,microcode', compared=('--stall', '50'))
    assert max(len(e['data']) for e in events) // 2 == 24 + 1800


def test_lines_and_events_of_programs_that_tail_calls_go_on_in(work):
    events, _ = agrees(work, 'lines', lib.mixed(400), '-p', 'lines', pipeline=True)
    texts = {e['print'].split(' ')[0] for e in events if 'print' in e}
    assert {'udp', 'next', 'none'} <= texts and any('data' in e for e in events), texts


def test_rows_of_events_are_those_of_the_model(work):
    obj = build(work, 'records')
    out = lib.sluice('run', obj, '-t', 'microcode', '-r', lib.mixed(200), '--lockstep').stdout
    assert 'no difference' in out, out


def test_packets_that_never_reach_a_program_do_not_shift_events(work):
    import larger
    packets = [bytes(10), bytes(12) + b'\x08\x00' + bytes(60), bytes(9), bytes(12) + b'\x08\x00\x45' + bytes(70)]
    path = larger.write_pcap(os.path.join(work, 'short.pcap'), packets * 3)
    events, _ = agrees(work, 'records', path)
    assert events and {e['i'] for e in events} == {1, 3, 5, 7, 9, 11}, events[:3]


def test_what_hardware_does_not_make_is_refused_with_its_line(work):
    source = os.path.join(PROGS, 'refused.bpf.c')
    with open(source) as f:
        wanted = {text.split('/* ')[1][:7]: number for number, text in enumerate(f, 1) if ' here */' in text}
    # IRB0026 IRB0027 IRB0028 IRB0020 IRB0021 IRB0022 IRB0023 IRB0024 IRB0025
    assert len(wanted) == 9
    programs = json.loads(lib.sluice('check', build(work, 'refused'), '--json').stdout)['programs']
    for p in programs:
        assert p['accepted'] and p['executors']['interp']['fits'], p
        reason = p['executors']['microcode'].get('reason', 'it fits')
        code = next((c for c in wanted if f'[{c}]' in reason), None)
        assert code and f'refused.bpf.c:{wanted.pop(code)}:' in reason, (p['name'], reason)
    assert not wanted, wanted
