# SPDX-License-Identifier: BSD-3-Clause
"""What ./dev corpus does with each program, on one of the examples: inputs are found that take it everywhere, and compared once."""
import json
import os
import sys

import lib

sys.path.append(os.path.join(lib.ROOT, 'tests', 'corpus'))
import compare  # noqa: E402
import report  # noqa: E402
import search  # noqa: E402

NAME = 'firewall'


def program():
    said = next(p for p in json.loads(lib.sluice('check', lib.example(NAME), '--json').stdout)['programs'])
    return report.Program('examples', lib.example(NAME), said)


def test_search_reaches_what_traffic_alone_does_not(work):
    path = os.path.join(work, 'coverage.json')
    lib.sluice('run', lib.example(NAME), '-r', lib.mixed(1000), '--coverage', path)
    with open(path) as f:
        plain, instructions, ways = search.reached(json.load(f))
    s = search.Search(program(), work, 1)
    found = set().union(*(t.found for t in s.all()))
    assert (s.instructions, s.ways) == (instructions, ways), (s.instructions, s.ways, instructions, ways)
    assert len(plain) < len(found) >= 0.95 * (sum(what == 'run' for *_, what in found) + ways), (len(plain), len(found), instructions, ways)


def test_comparison_is_taken_from_the_record_only_when_asked(work):
    inputs = compare.Inputs(program(), 200, work)
    path = os.path.join(work, 'compared.jsonl')
    assert compare.Record(path, False).get(inputs, 'microcode', [])['packets'] == 200
    with open(path) as f:
        line = json.loads(f.read())
    with open(path, 'w') as f:
        f.write(json.dumps({**line, 'packets': 7}) + '\n{"cut sho')
    assert compare.Record(path, True).get(inputs, 'microcode', [])['packets'] == 7
    assert compare.Record(path, False).get(inputs, 'microcode', [])['packets'] == 200


def test_difference_is_told(work):
    inputs = compare.Inputs(program(), 200, work)
    for i in range(inputs.about['variants']):
        with open(inputs.name(i, 'maps.json'), 'w') as f:
            f.write('{"nothing": []}')
    got = compare.Record(os.path.join(work, 'compared.jsonl'), False).get(inputs, 'microcode', [])
    assert 'exit status 2' in got['differs'] and 'nothing' in got['differs'], got
