# SPDX-License-Identifier: BSD-3-Clause
"""Every example on every executor that it fits, on mixed traffic, on one flow, and with stalls: no difference."""
import lib
import larger


def check(name, capture, *options):
    result = lib.compare(lib.example(name), capture, *lib.example_maps(name), *options)
    lib.assert_agree(result, () if lib.kernel_allowed() else ('kernel',))
    assert result['executors']['interp']['packets'] == result['packets'] > 0


def add(name):
    def mixed(work):
        check(name, lib.mixed())

    def one_flow(work):
        check(name, lib.one_flow())

    def stalls(work):
        check(name, lib.mixed(1000), '--idle', 30, '--stall', 40, '--seed', 7)
    # the kind first: tests that begin at once and need the same model would both build it
    globals()[f'test_mixed_traffic_through_{name}_agrees'] = mixed
    globals()[f'test_one_flow_through_{name}_agrees'] = one_flow
    globals()[f'test_random_stalls_around_{name}_agree'] = stalls


for _name in lib.examples():
    add(_name)


def share(result):
    return {v: n / result['packets'] for v, n in result['executors']['interp']['verdicts'].items()}


def add_larger(row):
    def mixed(work):
        executors = ','.join(e for e in lib.EXECUTORS if e not in row.slow)
        shares = share(larger.check(row, work, larger.capture(row), '-t', executors))
        assert all(larger.fits(row, e) for e in row.slow)
        assert all(shares[v] >= 0.03 for v in row.verdicts), shares

    def stalls(work):
        larger.check(row, work, larger.capture(row), '-t', 'interp,microcode', '--idle', 30, '--stall', 40, '--seed', 7, '--queues', 3)
    name = '_'.join(filter(None, (row.name, row.variant)))
    globals()[f'test_{name}_does_the_same_where_it_fits'] = mixed
    if 'microcode' not in row.refused:
        globals()[f'test_{name}_with_random_stalls_does_the_same'] = stalls


for _row in larger.ROWS:
    if _row.traffic is not None:
        add_larger(_row)


def test_examples_are_all_there(work):
    assert len(lib.examples()) >= 9 and len(lib.all_examples()) >= 16
    assert not any(row.name not in lib.all_examples() for row in larger.ROWS)
