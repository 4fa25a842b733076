# SPDX-License-Identifier: BSD-3-Clause
"""Several processes of DPDK with one device: a mount of hugepages that only they see, one primary process, and secondaries."""
import os
import re
import subprocess
import unittest

import board
import hugepages
import lib
import testpmd

PAGES = 48  # of 2 MiB
SECONDARY = os.path.join(lib.BUILD, 'tests/processes/sluice-secondary')


class Queues:
    """One of two queues for each of two processes of testpmd, which reflect what they receive."""

    def options(self, number):
        return ['--num-procs=2', f'--proc-id={number}', '--rxq=2', '--txq=2', '--port-topology=loop']


class Group(testpmd.Plain, Queues):
    """machine= of the primary's testpmd.Testpmd, which must have telemetry=True, on the simulated NIC."""

    def __init__(self, work):
        self.work, self.folder = work, os.path.join(work, 'huge')
        self.eal = ('--no-pci', '--huge-dir', self.folder, '-m', '64', '--proc-type=auto')

    def __enter__(self):
        if os.geteuid() != 0 or not hugepages.there():
            raise unittest.SkipTest('several processes share hugepages, which only root can mount, if this machine has any')
        os.mkdir(self.folder)
        self.pages = hugepages.Lent(PAGES).__enter__()
        # its end is that of the mounts
        self.keeper = subprocess.Popen(['unshare', '-m', 'sh', '-c', 'mount -t hugetlbfs -o pagesize=2M none "$0" && echo mounted && exec cat', self.folder],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = self.keeper.stdout.readline().strip()
        if said != 'mounted':
            self.__exit__()
            raise unittest.SkipTest(f'this machine gives no mounts of hugepages to processes of their own: {said}')
        return self

    def __exit__(self, *rest):
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper.stdout.close()
        self.pages.__exit__(*rest)

    def enter(self, primary, words):
        return self.command(words)

    def command(self, words):
        return ['nsenter', '-t', str(self.keeper.pid), '-m', 'sh', '-c', 'cd "$0" && exec "$@"', self.work, *words]

    def member(self, primary):
        """EAL's options of a secondary."""
        return ('--no-pci', '--huge-dir', self.folder, f'--file-prefix={primary.prefix}')


class Board(board.Board, Queues):
    """The same on a made-up PCI bus. Secondaries have the primary's mounts, without the library that carries out accesses to registers: they may
    not touch any."""

    def __init__(self, work, *rest, **more):
        super().__init__(work, *rest, **more)
        self.folder = os.path.join(work, 'huge')
        os.mkdir(self.folder)
        self.eal = ('--huge-dir', self.folder, *self.eal[1:], '--proc-type=auto')

    def command(self, words):
        command = super().command(words)
        at = command.index(self.work) + 1
        return [*command[:at], 'sh', '-c', 'mount -t hugetlbfs -o pagesize=2M none "$0" && exec "$@"', self.folder, *command[at:]]

    def enter(self, primary, words):
        return ['nsenter', '-t', str(primary.process.pid), '-m', 'env', 'SYSFS_PCI_DEVICES=' + os.path.join(self.work, 'bus'),
                'sh', '-c', 'cd "$0" && exec "$@"', self.work, *words]

    def member(self, primary):
        return ('--huge-dir', self.folder, '-a', board.ADDRESS, f'--file-prefix={primary.prefix}')


class Member(testpmd.Plain):
    """machine= of a secondary's testpmd.Testpmd. DPDK wants other lcores for each process."""
    lcores = ('--lcores', '(2)@0,(3)@1')

    def __init__(self, group, primary):
        self.group, self.primary = group, primary
        self.eal = (*group.member(primary), '--proc-type=auto')

    def command(self, words):
        return self.group.enter(self.primary, words)


class Secondary(testpmd.Run):
    """tests/processes/secondary.c."""

    def __init__(self, group, primary):
        env = dict(os.environ, LD_LIBRARY_PATH=lib.BUILD)
        folder = os.path.join(group.work, 'elsewhere')
        os.makedirs(folder, exist_ok=True)
        command = ['env', '-C', folder, SECONDARY, '--lcores', '(4)@0', *group.member(primary), '--no-telemetry', '--proc-type=secondary', '--log-level=*:error',
                   '-d', 'librte_net_sluice.so']
        self.log = open(os.path.join(group.work, 'secondary.log'), 'w+')
        self.process = subprocess.Popen(group.enter(primary, command), env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        assert self.line() == 'ready', self.said()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def line(self):
        return self.process.stdout.readline().strip()

    def ask(self, *words):
        """The number that it answers with, and the rest."""
        self.process.stdin.write(' '.join(map(str, words)) + '\n')
        self.process.stdin.flush()
        line = self.line()
        found = re.fullmatch(r'(-?\d+) ?(.*)', line)
        assert found, (words, line, self.said(), self.process.poll())
        return int(found[1]), found[2]

    def get(self, *words):
        result, rest = self.ask(*words)
        assert result == 0, (words, result, rest)
        return rest

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(testpmd.PATIENCE)
        assert status == 0, (status, self.said())

    def quit(self):
        if self.process.poll() is None:
            self.end()

    def close(self):
        self.process.stdout.close()
        self.log.close()
