#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev demo: a real XDP program, verified, translated and run on every executor, packet by packet the same."""
import os
import subprocess
import sys
import tempfile
import time

import lib


def heading(text):
    print(f'\n=== {text}\n', flush=True)


def show(*args):
    print('$ sluice ' + ' '.join(os.path.relpath(a, lib.ROOT) if a.startswith(lib.ROOT) else a for a in map(str, args)), flush=True)
    return subprocess.run([lib.SLUICE, *map(str, args)], stdin=subprocess.DEVNULL).returncode


def main():
    start = time.time()
    objects = {os.path.basename(o): o for o in lib.xdp_tools_objects()}
    if 'xdpfilt_alw_eth.o' not in objects:
        sys.exit('demo: the package xdp-tools is not installed')
    real, larger = objects['xdpfilt_alw_eth.o'], objects['xdpfilt_alw_all.o']
    bad = 0
    with tempfile.TemporaryDirectory(prefix='sluice-demo-') as work:
        maps = lib.xdpfilter_maps(real, os.path.join(work, 'xdpfilter.maps.json'))
        heading("xdp-filter of Debian's xdp-tools (by MAC address): does it fit?")
        bad |= show('check', real)
        heading('10,000 packets of mixed traffic through it, on every executor')
        bad |= show('compare', real, '-r', lib.mixed(), '--maps-in', maps)
        heading('A firewall written for this project (examples/firewall.bpf.c), the same packets')
        bad |= show('compare', lib.example('firewall'), '-r', lib.mixed(), *lib.example_maps('firewall'))
        heading('xdp-filter with all its features; IPv6 extension headers may reach 2 kB into the packet')
        bad |= show('check', larger)
        heading('What does not fit says why')
        bad |= show('check', lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'loops', 'too_long.c'), os.path.join(work, 'too_long.o')))
    print(f'\ndemo: {"no difference" if not bad else "FAILED"}, {time.time() - start:.0f} s')
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
