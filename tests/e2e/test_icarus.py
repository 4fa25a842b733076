# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines under Icarus (--icarus): the results of Verilator's model, without its build."""
import glob
import json
import os

import lib


def few():
    return lib.traffic('few', '--count', 12, '--flows', 4, '--size', 100)


def test_pipeline_under_icarus_agrees(work):
    j = lib.compare(lib.example('swap'), few(), '-t',
                    'interp,pipeline', '--icarus', '--idle', 20, '--stall', 30, '--seed', 3)
    assert j['mismatches'] == 0 and j['executors']['pipeline']['packets'] == 12
    plain = lib.compare(lib.example('swap'), few(), '-t', 'pipeline', '--icarus')
    quick = lib.compare(lib.example('swap'), few(), '-t', 'pipeline')
    # the same Verilog on the same clocks
    assert plain['executors']['pipeline']['cycles'] == quick['executors']['pipeline']['cycles']


def test_icarus_refuses_waves(work):
    p = lib.sluice('run', lib.example('swap'), '-t', 'pipeline', '--icarus', '--waves', os.path.join(work, 'x.fst'), '-r', few(),
                   status=None)
    assert p.returncode != 0 and 'no waves' in p.stderr


def test_broken_model_is_told(work):
    os.environ['SLUICE_CACHE'], before = work, os.environ['SLUICE_CACHE']
    try:
        run = ('run', lib.example('swap'), '-t', 'pipeline', '--icarus', '-r', few(), '--json')
        assert json.loads(lib.sluice(*run).stdout)['packets'] == 12
        path, = glob.glob(os.path.join(work, '*.vvp'))
        with open(path, 'w') as f:
            f.write('not for vvp')
        assert 'ID register' in lib.sluice(*run, status=None).stderr
    finally:
        os.environ['SLUICE_CACHE'] = before
