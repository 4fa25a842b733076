# SPDX-License-Identifier: BSD-3-Clause
"""run --lockstep: the core's rows are those of the microcode model on real programs; a fault in the RTL is named exactly."""
import json
import os
import re
import shutil
import subprocess

import lib

# The core whose faults are to be found is built without optimisation; programs that read back large maps take long.
PACED = ('--stall', 25, '--idle', 15)
SLOW_MAPS = ('_tcp', '_udp', '_all')


def lockstep(obj, capture, *options, status=0):
    return json.loads(lib.sluice('run', obj, '-t', 'microcode', '--lockstep', '-r', capture, '--json', '--no-progress', *options,
                                 status=status).stdout)


def check_clean(obj, capture, packets, *options):
    j = lockstep(obj, capture, *options)
    assert j['packets'] == packets and j['executor'] == 'microcode'
    assert j['lockstep']['packets'] == packets and j['lockstep']['rows'] >= packets, j
    assert 'difference' not in j['lockstep']


def test_examples_run_in_lockstep(work):
    for name in lib.examples():
        check_clean(lib.example(name), lib.mixed(1000), 1000, *lib.example_maps(name))
        check_clean(lib.example(name), lib.mixed(1000), 1000, *PACED, *lib.example_maps(name))
        check_clean(lib.example(name), lib.one_flow(300), 300, *PACED, *lib.example_maps(name))


def test_xdp_tools_run_in_lockstep(work):
    slow = 0
    for obj in lib.xdp_tools_objects():
        if any(s in obj for s in SLOW_MAPS):
            slow += 1
            if slow > 1:
                continue
        maps = lib.xdpfilter_maps(obj, os.path.join(work, 'maps.json'))
        check_clean(obj, lib.mixed(1000), 1000, *PACED, '--maps-in', maps)
    assert slow > 1


def test_what_was_compared_is_told(work):
    text = lib.sluice('run', lib.example('swap'), '-t', 'microcode', '--lockstep', '-r', lib.mixed(1000)).stdout
    assert 'in lock-step with the microcode model: 3000 rows of 1000 packets, no difference' in text
    for executor in ('interp', 'pipeline'):
        p = lib.sluice('run', lib.example('swap'), '-t', executor, '--lockstep', '-r', lib.mixed(1000), status=2)
        assert '--lockstep needs -t microcode' in p.stderr


# --- a core with faults: each shows in programs that use what is broken (tests/progs/lockstep/faults.c)

FAULTS = (
    ('core_lane_alu.v', '`SPEC_ALU_XOR: move3 = a3 ^ b3;', '`SPEC_ALU_XOR: move3 = a3 ^ b3 ^ {49\'d0, b3[15:0] == 16\'h5eed, 14\'d0};'),
    ('core_lane_alu.v', '`SPEC_ALU_SGT: true4 = !less4 && !equal4;', '`SPEC_ALU_SGT: true4 = !below4 && !equal4;'),
    ('core_writeback.v', 'mul6_q ? mul6_i :', "mul6_q ? mul6_i + 64'd1 :"),
    ('core_lane.v', 'addr4_q    <= a3_q + disp3;', "addr4_q    <= a3_q + disp3 + {63'd0, op3_q == `UCODE_STPKTBE};"),
    ('core_mapport.v', 'data5_q   <= data4_i;', "data5_q   <= data4_i ^ {63'd0, size4_i == 4'd2 && op4_i == `UCODE_STMAP};"),
    ('core_hashq.v', "wire [63:0] error = 64'd0 - {32'd0, resp_status_i};",
     "wire [63:0] error = 64'd0 - {32'd0, resp_status_i} + {63'd0, resp_status_i == 32'd2};"),
)


def faulty_core(work):
    """Builds the model of a core with all faults; the environment for running with it."""
    tree = os.path.join(work, 'tree')
    for folder in ('hw', 'sim'):
        shutil.copytree(os.path.join(lib.ROOT, folder), os.path.join(tree, folder))
    for name, right, wrong in FAULTS:
        path = os.path.join(tree, 'hw', 'rtl', 'core', name)
        with open(path) as f:
            text = f.read()
        assert text.count(right) == 1, (name, right)
        with open(path, 'w') as f:
            f.write(text.replace(right, wrong))
    out = os.path.join(work, 'faulty')
    os.makedirs(out)
    subprocess.run(['sh', 'sim/build_model.sh', tree, os.path.join(out, 'core_model.so'), os.path.join(work, 'obj'), '--opt', '-O0',
                    'hw/rtl/top/sluice_dut.v'], cwd=tree, check=True, env=dict(os.environ, RUNTIME_DIR=os.path.join(lib.BUILD, 'simrt')))
    shutil.copy(os.path.join(lib.BUILD, 'sluice-sim.so'), out)
    return out


def slots(obj, program):
    """{(row, lane): text} of a program's microcode."""
    listing = lib.sluice('disasm', obj, '-p', program, '-f', 'microcode').stdout
    return {(int(m[1]), lane): text.strip() for m in re.finditer(r'^ *(\d+): (.*)$', listing, re.M) if not m[0].lstrip().startswith(';')
            for lane, text in enumerate(re.sub(r'^(\S+: )*', '', m[2]).split(' | '))}


# program: start of the slot that shows the fault, field
SHOWN = {
    'exclusive_or': (r'xor \w', 'register'),
    'multiply': (r'mul \w', 'register'),
    'store_swapped': (r'stpktbe', 'address'),
    'greater_signed': (r'sgt', None),
    'store_in_map': (r'stmap\.2', 'map operand'),
    'delete_missing': (r'res \w', 'register'),
}


def test_faults_in_the_core_are_named(work):
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'lockstep', 'faults.c'), os.path.join(work, 'faults.o'))
    capture = lib.mixed(1000)
    environment = dict(os.environ)
    for program in SHOWN:
        check_clean(obj, capture, 1000, '-p', program)
    try:
        os.environ['SLUICE_BUILD_DIR'] = faulty_core(work)
        for program, (slot, field) in SHOWN.items():
            d = lockstep(obj, capture, '-p', program, status=1)['lockstep']['difference']
            places = [place for place, text in slots(obj, program).items() if re.search(slot, text)]
            assert len(places) == 1, (program, places)
            (row, lane), = places
            text = slots(obj, program)[row, lane]
            assert d['row'] == row and d['expected'] != d['got'], (program, text, d)
            assert text in d['listing'] and 'faults.c:' in d['listing'], d
            if field is None:  # a compare that only branches
                assert d['field'] in ('predicate', 'branch taken'), d
                continue
            assert d['field'] == field and d['lane'] == lane, (program, text, d)
            if field == 'register':
                assert f' r{d["number"]}' in text and f'register r{d["number"]}: expected' in d['what'], (text, d)
        p = lib.sluice('run', obj, '-p', 'multiply', '-t', 'microcode', '--lockstep', '-r', capture, status=1)
        assert re.search(r'^multiply in lock-step: packet \d+, row \d+: lane 0, register r\d+: expected 0x', p.stdout), p.stdout
    finally:
        os.environ.clear()
        os.environ.update(environment)
