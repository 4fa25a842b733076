# SPDX-License-Identifier: BSD-3-Clause
"""Several VLIW cores in one slot give what the interpreter gives, packet by packet: colliding packets in lock-step with the microcode
model, examples with maps; and what they can't do is refused. More: docs/hardware.md, Several cores."""
import hazards
import lib

NAMES = ('array_rmw', 'lookup_update', 'insert_if_missing', 'delete_insert', 'lru', 'percpu')


def test_two_cores_are_serial(work):
    lib.few_clocks()
    obj = hazards.program(work, NAMES)
    # within a core's turn, at its ends, and from the other core's turn
    hazards.agree(work, obj, NAMES, 'microcode', (1, 7, 8, 9), 3, hazards.PACES[3:4], 6, '--lockstep', '--cores', 2)
    result = lib.compare(lib.example('flowmon'), lib.mixed(400), '-t', 'interp,microcode', '--cores', 2)
    assert result['mismatches'] == 0 and result['executors']['microcode']['packets'] == 400, result
    # twice the rows a clock: no token in its way
    one, two = (lib.compare(lib.example('count'), lib.one_flow(400), '-t', 'interp,microcode', '--cores', n)['executors']['microcode']
                for n in (1, 2))
    assert two['cycles'] < 0.6 * one['cycles'], (one, two)


def test_cores_that_there_are_not_are_refused(work):
    obj, capture = lib.example('count'), lib.mixed(400)
    run = ('run', obj, '-r', capture)
    assert 'not a power of two' in lib.sluice(*run, '-t', 'microcode', '--cores', 3, status=2).stderr
    assert '--cores' in lib.sluice(*run, '-t', 'microcode', '--cores', 16, status=2).stderr
    assert '--cores needs -t microcode' in lib.sluice(*run, '-t', 'pipeline', '--cores', 2, status=2).stderr
    assert '--cores needs -t microcode' in lib.sluice(*run, '-t', 'best', '--cores', 2, status=2).stderr
    compare = ('compare', obj, '-r', capture, '--cores', 2)
    assert '--cores needs -t microcode' in lib.sluice(*compare, '-t', 'interp,pipeline', status=2).stderr
    lib.sluice(*compare[:4], '--cores', 1, '-t', 'interp')
    lib.few_clocks()
    outside = lib.sluice(*run, '-t', 'microcode', '--cores', 2, '--map-memory', 'external', status=4).stderr
    assert 'no external memory' in outside, outside
