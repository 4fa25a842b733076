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
    filters = [o for o in lib.xdp_tools_objects() if o.endswith('xdpfilt_alw_all.o')]
    if not filters:
        sys.exit('demo: the package xdp-tools is not installed')
    bad = 0
    with tempfile.TemporaryDirectory(prefix='sluice-demo-') as work:
        maps = lib.xdpfilter_maps(filters[0], os.path.join(work, 'xdpfilter.maps.json'))
        heading("xdp-filter of Debian's xdp-tools: does it fit?")
        bad |= show('check', filters[0])
        heading('10,000 packets of mixed traffic through it, on every executor')
        bad |= show('compare', filters[0], '-r', lib.mixed(), '--maps-in', maps)
        heading('The same for a firewall written for this project (examples/firewall.bpf.c)')
        bad |= show('compare', lib.example('firewall'), '-r', lib.mixed(), *lib.example_maps('firewall'))
    print(f'\ndemo: {"no difference" if not bad else "FAILED"}, {time.time() - start:.0f} s')
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
