# SPDX-License-Identifier: BSD-3-Clause
"""A PCI bus with one device, the simulated NIC, for DPDK on this machine: a made-up folder of sysfs, mounts that only the process below
sees, and a library (tests/pci/trap.c) that carries out the accesses to the BAR. Memory is hugepages, for DPDK accepts no device that is
bound to UIO without physical addresses."""
import ctypes
import os
import struct
import subprocess
import tomllib
import unittest

import hugepages
import lib
import testpmd

ADDRESS = '0000:00:05.0'
PAGES = 48  # of 2 MiB: 64 MiB, and some for what comes later

# What EAL reads below /sys/class/uio and /dev, for the process that follows.
MOUNTS = '''set -eu
mount -t tmpfs none /sys/class
mkdir -p /sys/class/uio/uio0/device "$1/dev"
truncate -s 256 /sys/class/uio/uio0/device/config
mount -t tmpfs none "$1/dev"
for f in null zero full random urandom; do : >"$1/dev/$f"; mount --bind "/dev/$f" "$1/dev/$f"; done
ln -s /proc/self/fd "$1/dev/fd"
mkdir "$1/dev/shm"
: >"$1/dev/uio0"
mount --rbind "$1/dev" /dev
shift
exec "$@"
'''


def physical_addresses():
    """Whether root may know them here: that of a page that has just been written."""
    page = ctypes.create_string_buffer(os.sysconf('SC_PAGE_SIZE'))
    page[0] = b'x'
    with open('/proc/self/pagemap', 'rb') as f:
        f.seek(ctypes.addressof(page) // len(page) * 8)
        return struct.unpack('<Q', f.read(8))[0] & (1 << 55) - 1 != 0


class Board(testpmd.Plain):
    """machine= of testpmd.Testpmd, with the simulated NIC at ADDRESS. arguments: the driver's; ports: what is connected."""

    def __init__(self, work, ports, arguments='', seed=0, stall=0):
        self.work, self.trap = work, os.path.join(lib.BUILD, 'tests/pci/sluice-pci-trap.so')
        self.gone = os.path.join(work, 'gone')
        self.eal = ('--in-memory', '-m', '64', '-a', ADDRESS + (',' + arguments if arguments else ''))
        self.settings = {'SIM': os.path.join(lib.BUILD, 'sluice-sim.so'), 'MODEL': os.path.join(lib.BUILD, 'nic_model.so'), 'PORTS': ports,
                         'SEED': seed, 'STALL': stall, 'GONE': self.gone, 'BAR': os.path.join(work, 'bus', ADDRESS, 'resource0')}

    def check(self):
        """What this machine must have for it."""
        if os.geteuid() != 0:
            raise unittest.SkipTest('only root can mount a made-up PCI bus')
        if not os.path.exists(self.trap):
            raise unittest.SkipTest('the library that carries out accesses to registers is made for x86-64, with DPDK')
        if subprocess.run(['unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/sys/class'], stderr=subprocess.DEVNULL).returncode:
            raise unittest.SkipTest('this machine gives no mounts of their own to processes (unshare -m)')
        if not hugepages.there() or not physical_addresses():
            raise unittest.SkipTest('this machine has no hugepages, or does not tell physical addresses')

    def make_bus(self):
        with open(os.path.join(lib.ROOT, 'hw/spec/nic.toml'), 'rb') as f:
            spec = tomllib.load(f)
        device = os.path.join(self.work, 'bus', ADDRESS)
        driver = os.path.join(self.work, 'uio_pci_generic')
        os.makedirs(os.path.join(device, 'uio', 'uio0'))
        os.mkdir(driver)
        os.symlink(driver, os.path.join(device, 'driver'))
        bar = f'0x{0xfe000000:016x} 0x{0xfe000000 + spec["bar_bytes"] - 1:016x} 0x{0x40200:016x}\n'  # IORESOURCE_MEM, sized
        files = {'vendor': f'0x{spec["pci_vendor"]:04x}', 'device': f'0x{spec["pci_device"]:04x}', 'subsystem_vendor': '0x1234',
                 'subsystem_device': '0x0001', 'class': f'0x{spec["pci_class"]:06x}', 'numa_node': '-1',
                 'resource': bar + 6 * f'0x{0:016x} 0x{0:016x} 0x{0:016x}\n', 'mounts.sh': MOUNTS}
        for name, text in files.items():
            with open(os.path.join(device, name), 'w') as f:
                f.write(text.rstrip('\n') + '\n')
        with open(self.settings['BAR'], 'wb') as f:
            f.truncate(spec['bar_bytes'])

    def command(self, words):
        settings = [f'SLUICE_BOARD_{name}={value}' for name, value in self.settings.items()]
        script = os.path.join(self.work, 'bus', ADDRESS, 'mounts.sh')
        # stdbuf has set LD_PRELOAD already when env runs
        stdbuf, testpmd = words[:2], words[2:]
        preload = 'LD_PRELOAD="$LD_PRELOAD:$0" exec "$@"'
        return ['unshare', '-m', 'sh', script, self.work, 'env', 'SYSFS_PCI_DEVICES=' + os.path.join(self.work, 'bus'), *settings, *stdbuf,
                'sh', '-c', preload, self.trap, *testpmd]

    def __enter__(self):
        self.check()
        self.make_bus()
        self.pages = hugepages.Lent(PAGES).__enter__()
        return self

    def __exit__(self, *rest):
        self.pages.__exit__(*rest)
