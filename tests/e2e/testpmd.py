# SPDX-License-Identifier: BSD-3-Clause
"""Debian's dpdk-testpmd with the driver under test, spoken to as a person would; its MAC sides are captures."""
import json
import os
import queue
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

import lib

PATIENCE = 60  # seconds for anything; other tests run beside this one
PATIENCE_BUILD = 900  # where the model of a pipeline is built first


def runtime_folder():
    """Where EAL has its files."""
    return os.environ.get('RUNTIME_DIRECTORY') or ('/var/run' if os.getuid() == 0 else os.environ.get('XDG_RUNTIME_DIR', '/tmp'))


class Plain:
    """Where it runs: a machine without PCI bus and hugepages."""
    eal = ('--no-pci', '--no-huge', '--no-shconf', '-m', '128')
    lcores = ('-l', '0,1')
    patience = PATIENCE
    ready = None  # what it says when it is

    def command(self, words):
        return words


class Run:
    """A process, until a block of code ends. process, quit() and close() are its own."""

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        if kind:
            self.process.kill()
            self.process.wait()
        else:
            self.quit()
        self.close()


class Testpmd(Run):
    """One run: commands in, text out."""

    def __init__(self, work, vdevs, *options, machine=Plain(), warning=None, telemetry=False):
        """warning: what each line that the driver says as it begins has in it; None: it says nothing. telemetry: it has a socket for it."""
        if not os.path.exists(os.path.join(lib.BUILD, 'librte_net_sluice.so')):
            raise unittest.SkipTest('the DPDK driver was left out of the build (build/meson-logs/meson-log.txt says why)')
        self.text, self.lines, self.asked, self.patience = '', queue.Queue(), 0, machine.patience
        if any('executor=pipeline' in v for v in vdevs):
            self.patience = max(PATIENCE_BUILD, machine.patience)
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(lib.BUILD))
        # EAL takes no driver by a path below a folder that all may write to, but by its name
        # half of what it prints would wait in a buffer if a pipe were one to it
        self.prefix = f'sluice-{os.getpid()}-{os.path.basename(work)}'
        self.folder = os.path.join(runtime_folder(), 'dpdk', self.prefix) if telemetry else None
        self.socket = None
        talk = [f'--file-prefix={self.prefix}'] if telemetry else ['--no-telemetry']
        command = ['stdbuf', '-oL', 'dpdk-testpmd', *machine.lcores, *machine.eal, *talk,
                   '--log-level=*:warning', '-d', 'librte_net_sluice.so', *('--vdev=' + v for v in vdevs), '--', '-i', '--no-mlockall',
                   '--total-num-mbufs=2048', '--no-flush-rx', '--nb-cores=1', *options]
        self.process = subprocess.Popen(machine.command(command), cwd=work, env=env, text=True, errors='replace', stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self.read, daemon=True).start()
        said = self.until(machine.ready) if machine.ready else ''
        said += self.ask('help')
        lines = [line for line in said.splitlines() if 'net_sluice:' in line]
        assert not any(bad in said for bad in ('probe failed', 'No probed')), said
        assert bool(lines) == bool(warning) and all(warning in line for line in lines), said

    def read(self):
        for piece in iter(lambda: self.process.stdout.read(1), ''):
            self.lines.put(piece)
        self.lines.put(None)

    def ask(self, command):
        """Gives a command; what it prints until it is done."""
        self.asked += 1
        mark = f'no such command {self.asked}'
        self.process.stdin.write(f'{command}\n{mark}\n')
        self.process.stdin.flush()
        return self.until(re.compile(re.escape(mark) + r'\s+Command not found'))

    def until(self, end):
        start, text, limit = time.time(), [], self.patience
        last = ''  # what it looks for is no longer than this; all of a text that grows would take longer and longer
        while not end.search(last):
            passed = time.time() - start
            try:
                if passed > 3 * limit:  # it talks and talks
                    raise queue.Empty
                piece = self.lines.get(timeout=max(0.1, limit - passed))
            except queue.Empty:
                self.process.kill()
                self.text += ''.join(text)
                raise AssertionError(f'dpdk-testpmd says no more after\n{self.text[-3000:]}') from None
            if piece is None:
                self.text += ''.join(text)
                raise AssertionError(f'dpdk-testpmd ended with {self.process.wait()}:\n{self.text[-6000:]}')
            text.append(piece)
            last = (last + piece)[-1000:]
        self.text += ''.join(text)
        return ''.join(text)

    def counters(self, port=0):
        return {name: int(n) for name, n in re.findall(r'^(\w+): (\d+)', self.ask(f'show port xstats {port}'), re.M)}

    def tell(self, command, *fields):
        """The answer to a command of DPDK's telemetry, without its name."""
        if not self.socket:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.socket.settimeout(self.patience)
            self.socket.connect(os.path.join(self.folder, 'dpdk_telemetry.v2'))
            self.socket.recv(1024)
        self.socket.send(f'{command},{",".join(map(str, fields))}'.encode())
        return json.loads(self.socket.recv(1 << 16))[command]

    def wait_for(self, true, port=0):
        """Counters, once they satisfy; they say what was missing if they never do."""
        start = time.time()
        while True:
            c = self.counters(port)
            if true(c):
                return c
            assert time.time() - start < self.patience, {k: v for k, v in c.items() if v}
            time.sleep(0.2)

    def quit(self):
        self.process.stdin.write('quit\n')
        self.process.stdin.close()
        try:
            status = self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f'dpdk-testpmd does not end:\n{self.text[-3000:]}') from None
        assert status == 0, f'dpdk-testpmd ended with {status}:\n{self.text[-6000:]}'

    def close(self):
        if self.socket:
            self.socket.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def frames(path):
    """The frames of a capture, in order."""
    with open(path, 'rb') as f:
        data = f.read()
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    at, found = 24, []
    while at < len(data):
        length = struct.unpack_from(order + 'I', data, at + 8)[0]
        found.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return found


def write(path, packets, times=None):
    """A capture of packets, a ms apart or at these times in ns."""
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i, p in enumerate(packets):
            ns = times[i] if times else i * 1000000
            f.write(struct.pack('<IIII', ns // 1000000000, ns % 1000000000, len(p), len(p)) + p)
    return path
