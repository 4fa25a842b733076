# SPDX-License-Identifier: BSD-3-Clause
"""Every example on every executor, on mixed traffic and on one flow: no difference."""
import lib


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
    globals()[f'test_{name}_on_mixed_traffic_agrees'] = mixed
    globals()[f'test_{name}_on_one_flow_agrees'] = one_flow
    globals()[f'test_{name}_with_random_stalls_agrees'] = stalls


for _name in lib.examples():
    add(_name)


def test_examples_are_all_there(work):
    assert len(lib.examples()) >= 9
