#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The DPDK driver in a guest: Debian's kernel under QEMU, with the simulated NIC as a device of its PCI bus (tests/pci/proxy.c), bound to
uio_pci_generic; testpmd is spoken to over the serial line. The guest's files are this machine's, read-only, by 9p.

usage: guest.py (by ./dev test-pci, which installs what it needs); the kernel is fetched as a Debian package into build/guest and unpacked
there, nothing of it is installed."""
import glob
import os
import platform
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest

import lib
import test_driver
import testpmd

FOLDER = os.path.join(lib.BUILD, 'guest')
MODULES = ('virtio_pci', '9pnet_virtio', '9p', 'uio_pci_generic')
ADDRESS = '0000:00:05.0'
PACKETS = 1000  # of each size: as many as an RX ring holds, so that none is lost however slow the guest is

# The guest's first program. testpmd alone reads what comes over the serial line.
INIT = '''#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc none /proc; $bb mount -t sysfs none /sys; $bb mount -t devtmpfs none /dev
for m in $($bb cat /modules); do $bb insmod /$m.ko || echo "guest: $m is not loaded"; done
$bb mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /root || echo 'guest: no files'
for d in proc sys dev; do $bb mount -o bind /$d /root/$d; done
$bb mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 work "/root@WORK@" || echo 'guest: nowhere to write to'
echo @IDS@ >/sys/bus/pci/drivers/uio_pci_generic/new_id
$bb ifconfig lo up
$bb chroot /root /bin/sh -c 'cd @WORK@; export @SETTINGS@; @COMMAND@; echo $? >status'
$bb poweroff -f
'''


def apt(*command, **kw):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **kw)
    if p.returncode:
        sys.exit(f'{" ".join(command)}:\n{p.stdout}')
    return p.stdout


def fetch():
    """Debian's kernel and busybox, unpacked: their folder. As root, or with sudo, for apt's lists."""
    if not glob.glob(FOLDER + '/boot/vmlinuz-*') or not os.path.exists(FOLDER + '/bin/busybox'):
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(FOLDER)
        apt(*(['sudo'] if os.geteuid() else []), 'apt-get', 'update', '-qq')
        kernel = re.search(r'Depends: (linux-image-\S+)', apt('apt-cache', 'depends', 'linux-image-amd64'))[1]
        apt('apt-get', '-o', 'APT::Sandbox::User=root', 'download', kernel, 'busybox-static', cwd=FOLDER)
        for package in glob.glob(FOLDER + '/*.deb'):
            apt('dpkg-deb', '-x', package, FOLDER)
            os.remove(package)
    return FOLDER


def with_needs(names, found, files):
    """Those modules and what they need, in the order in which they can be loaded."""
    for name in names:
        if name not in files or name in found:  # it is built in, or there
            continue
        with open(files[name], 'rb') as f:
            needs = re.search(rb'\0depends=([^\0]*)\0', f.read())[1].decode()
        with_needs([n.replace('-', '_') for n in needs.split(',') if n], found, files)
        found.append(name)
    return found


def archive(path, entries):
    """A cpio archive as the kernel unpacks it: (name, mode, bytes) each."""
    with open(path, 'wb') as f:
        for number, (name, mode, data) in enumerate([*entries, ('TRAILER!!!', 0, b'')]):
            name = name.encode() + b'\0'
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
            f.write(b'070701' + b''.join(b'%08X' % v for v in fields) + name)
            f.write(bytes(-f.tell() % 4) + data)
            f.write(bytes(-f.tell() % 4))


class Guest(testpmd.Plain):
    """machine= of testpmd.Testpmd. arguments: the driver's; ports: what is connected to the NIC."""
    patience = 300

    def __init__(self, work, ports, arguments):
        self.work, self.root = work, fetch()
        self.eal = ('--in-memory', '-m', '128', '-a', f'{ADDRESS},{arguments}')
        self.ready = re.compile('testpmd> ')
        self.env = dict(os.environ, SLUICE_BOARD_SIM=os.path.join(lib.BUILD, 'sluice-sim.so'),
                        SLUICE_BOARD_MODEL=os.path.join(lib.BUILD, 'nic_model.so'), SLUICE_BOARD_PORTS=ports)

    def make_initrd(self, words):
        files = {os.path.basename(f)[:-3].replace('-', '_'): f for f in glob.glob(self.root + '/lib/modules/*/**/*.ko', recursive=True)}
        modules = with_needs(MODULES, [], files)
        assert 'uio_pci_generic' in modules and '9p' in modules
        init = INIT.replace('@WORK@', self.work).replace('@COMMAND@', shlex.join(words))
        init = init.replace('@SETTINGS@', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=' + lib.BUILD)
        with open(os.path.join(lib.ROOT, 'hw/spec/nic.toml'), 'rb') as f:
            spec = tomllib.load(f)
        init = init.replace('@IDS@', f'{spec["pci_vendor"]:04x} {spec["pci_device"]:04x}')
        entries = [(d, 0o40755, b'') for d in ('bin', 'proc', 'sys', 'dev', 'root')]
        entries += [('init', 0o100755, init.encode()), ('modules', 0o100644, '\n'.join(modules).encode())]
        for name, path in [('bin/busybox', self.root + '/bin/busybox'), *((m + '.ko', files[m]) for m in modules)]:
            with open(path, 'rb') as f:
                entries.append((name, 0o100755, f.read()))
        archive(os.path.join(self.work, 'initrd'), entries)

    def command(self, words):
        self.make_initrd(words[2:])  # the serial line needs no stdbuf
        kernel = glob.glob(self.root + '/boot/vmlinuz-*')[0]
        share = 'local,security_model=none,multidevs=remap'
        return ['env', *(f'{k}={v}' for k, v in self.env.items() if k.startswith('SLUICE_BOARD_')),
                os.path.join(lib.BUILD, 'tests/pci/sluice-pci-proxy'),
                'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio',
                '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1G', '-object', 'memory-backend-memfd,id=m,size=1G,share=on',
                '-machine', 'q35,memory-backend=m', '-kernel', kernel, '-initrd', os.path.join(self.work, 'initrd'),
                '-append', 'console=ttyS0 quiet panic=-1 hugepages=128 iommu=off mitigations=off',
                '-fsdev', share + ',id=root,path=/,readonly=on', '-device', 'virtio-9p-pci,fsdev=root,mount_tag=root',
                '-fsdev', share + f',id=work,path={self.work}', '-device', 'virtio-9p-pci,fsdev=work,mount_tag=work',
                '-device', 'x-pci-proxy-dev,id=nic0,fd=3,addr=5']


def forward(work):
    """csum in the guest, with maps: what it sends and what the host gets are what the command line makes of the same packets."""
    capture = test_driver.mixed_sizes(work, PACKETS)
    verdicts, passed, sent = test_driver.expected(work, 'csum', capture)
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    arguments = f'prog={lib.example("csum")},maps={lib.example_maps("csum")[1]}'
    with testpmd.Testpmd(work, ['net_pcap0,rx_pcap=none.pcap,tx_pcap=host.pcap'], '--rxd=4096', '--txd=1024', '--total-num-mbufs=8192',
                         machine=Guest(work, 'pcap:in.pcap:wire.pcap', arguments)) as t:
        info = t.ask('show port info 0')
        assert 'net_sluice_pci' in info and ADDRESS in info, info
        t.ask('start')
        c = t.wait_for(lambda c: c['rx_port0_packets'] == len(verdicts) and c['rx_good_packets'] == len(passed)
                       and c['tx_port0_packets'] == len(sent))
        t.ask('stop')
        assert c['rx_good_bytes'] == sum(map(len, passed)), c
        assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors')), c
    with open(os.path.join(work, 'status')) as f:
        assert f.read() == '0\n', 'testpmd failed in the guest'
    test_driver.same(testpmd.frames(os.path.join(work, 'host.pcap')), passed, 'at the host')
    test_driver.same(testpmd.frames(os.path.join(work, 'wire.pcap')), sent, 'at the wire')
    print(f'{len(verdicts)} packets in, {len(passed)} at the host, {len(sent)} at the wire, as sluice run gives them')


def main():
    if platform.machine() != 'x86_64':
        sys.exit('the guest runs the programs of this machine, and has to be of its kind: x86-64')
    start = time.time()
    with tempfile.TemporaryDirectory(prefix='sluice-guest-') as work:
        try:
            forward(work)
            passed = True
        except (AssertionError, unittest.SkipTest) as e:
            print(e)
            passed = False
    print(f'{"pass" if passed else "FAIL"}  testpmd in a guest, the NIC on its PCI bus  {time.time() - start:.1f} s')
    print(f'{int(passed)} passed, {int(not passed)} failed')
    return int(not passed)


if __name__ == '__main__':
    sys.exit(main())
