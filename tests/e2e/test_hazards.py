# SPDX-License-Identifier: BSD-3-Clause
"""Packets that collide in maps on purpose give what they give one after the other, in the core and in a pipeline; with hazards off
every kind of collision goes wrong, so these streams can fail. The long form, each kind in a pipeline of its own: ./dev hazards."""
import hazards

NAMES = list(hazards.KINDS)
# As many as packets in the core; to the end of the pipeline that holds all kinds, and past it.
CORE = range(1, 17)
PIPELINE = [*range(1, 17), 24, 32, 48, 64, 96]


def test_kinds_are_those_of_the_sources(work):
    assert hazards.kinds() == NAMES


def test_core_is_serial(work):
    obj = hazards.program(work, NAMES)
    hazards.agree(work, obj, NAMES, 'microcode', CORE, 8, hazards.PACES, 1, '--lockstep')


def test_core_with_slow_engines_is_serial(work):
    obj = hazards.program(work, NAMES)
    with hazards.environment(SLUICE_BUILD_DIR=hazards.slow_core(work, '-O0')):
        hazards.agree(work, obj, NAMES, 'microcode', CORE, 8, hazards.PACES[:1], 2, '--lockstep')


def test_core_without_tokens_goes_wrong(work):
    for kind in NAMES:
        obj = hazards.program(work, [kind])
        for seed in range(5):
            if hazards.go_wrong(work, obj, [kind], 'microcode', CORE, 12, seed)[kind]:
                break
        else:
            assert False, f'{kind} agrees without tokens'


def test_pipeline_is_serial(work):
    obj = hazards.program(work, NAMES)
    assert hazards.depth(obj) < PIPELINE[-1]
    hazards.agree(work, obj, NAMES, 'pipeline', PIPELINE, 6, hazards.PACES[:1] + hazards.PACES[3:], 1)


def test_pipeline_without_locks_goes_wrong(work):
    obj = hazards.program(work, NAMES)
    left = set(NAMES)
    for seed in range(5):
        found = hazards.go_wrong(work, obj, sorted(left, key=NAMES.index), 'pipeline', CORE, 12, seed)
        left -= {kind for kind, distances in found.items() if distances}
        if not left:
            return
    assert False, f'{sorted(left)} agree without locks'
