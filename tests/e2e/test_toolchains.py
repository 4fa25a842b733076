# SPDX-License-Identifier: BSD-3-Clause
"""Generated Verilog is read by Verilator, Icarus and Yosys alike; it is the same whenever it is made."""
import glob
import os
import subprocess

import lib

RTL = [f for d in ('common', 'map', 'pipe', 'csr') for f in sorted(glob.glob(os.path.join(lib.ROOT, 'hw', 'rtl', d, '*.v')))]


def run(command):
    p = subprocess.run(command, cwd=lib.ROOT, capture_output=True, text=True, timeout=600)
    assert p.returncode == 0, f'{" ".join(command)[:200]}\n{p.stdout[-2000:]}\n{p.stderr[-2000:]}'
    return p.stdout + p.stderr


def verilog(work, name):
    lib.sluice('compile', lib.example(name), '-t', 'pipeline', '-o', work)
    path, = glob.glob(os.path.join(work, '*.v'))
    return path


def add(name):
    def test(work):
        path = verilog(work, name)
        folders = [a for d in ('common', 'map', 'pipe', 'csr') for a in ('-y', f'hw/rtl/{d}', f'-Ihw/rtl/{d}')]
        said = run(['verilator', '--lint-only', '-Wall', '--top-module', 'sluice_dut', '-I.', '-Ihw/spec/gen', *folders, path])
        assert 'Warning' not in said, said
        run(['iverilog', '-g2005', '-I.', '-Ihw/spec/gen', '-s', 'sluice_dut', '-o', os.path.join(work, 'x.vvp'), path, *RTL])
        run(['yosys', '-q', '-p', f'read_verilog -I. -Ihw/spec/gen {path} {" ".join(RTL)}; hierarchy -check -top sluice_dut; proc; check'])
    globals()[f'test_verilog_of_{name}_is_read_by_all_tools'] = test


for _name in lib.examples():
    add(_name)


def test_core_is_read_by_all_tools(work):
    rtl = RTL + [f for d in ('core', 'axis', 'top') for f in sorted(glob.glob(os.path.join(lib.ROOT, 'hw', 'rtl', d, '*.v')))]
    run(['verilator', '--lint-only', '-Wno-fatal', '--top-module', 'sluice_dut', '-I.', '-Ihw/spec/gen', *rtl])
    run(['iverilog', '-g2005', '-I.', '-Ihw/spec/gen', '-s', 'sluice_dut', '-o', os.path.join(work, 'x.vvp'), *rtl])
