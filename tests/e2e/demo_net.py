#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev demo-net: two network namespaces that are joined only by simulated NICs, with an XDP program on one of them that is loaded, told to
block a port and to open it again while ping and curl go through. Each step prints its command and whether the result is the expected one.

The way of a packet: namespace OUTSIDE - veth - NIC 0 (the program) - testpmd - NIC 1 - veth - namespace INSIDE, and back."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import lib

OUTSIDE_IP, INSIDE_IP, PORT = '10.99.0.1', '10.99.0.2', 8000
PATIENCE = 60  # seconds for what takes none on a quiet machine
SERVICE = ('hex', *(f'{b:02x}' for b in PORT.to_bytes(2, 'big')), '06', '00')  # struct service of examples/portblock.bpf.c: the port, TCP
NEEDED = {'ip': 'iproute2', 'ethtool': 'ethtool', 'ping': 'iputils-ping', 'curl': 'curl', 'nsenter': 'util-linux', 'dpdk-testpmd': 'dpdk-dev'}


class Missing(Exception):
    """The machine lacks something that the demo needs."""


def quiet(*command):
    """Runs a command of the preparation."""
    p = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    if p.returncode:
        raise Missing(f'{" ".join(command)}: {(p.stderr or p.stdout).strip()}')
    return p.stdout


class Network:
    """Three namespaces: two with an address each, and between them one that has the other ends of their veth pairs."""

    def __init__(self):
        tag = f'sluice{os.getpid()}'
        self.outside, self.inside, self.middle = (f'{tag}{side}' for side in ('out', 'in', 'nic'))
        self.made = []

    def build(self):
        for name in (self.outside, self.inside, self.middle):
            quiet('ip', 'netns', 'add', name)
            self.made.append(name)
        for name, wire, address in ((self.outside, 'wire0', OUTSIDE_IP), (self.inside, 'wire1', INSIDE_IP)):
            quiet('ip', '-n', self.middle, 'link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
            for space, link in ((self.middle, wire), (name, 'eth0')):
                # IPv6 would send router and neighbour solicitations by itself
                quiet('nsenter', f'--net=/var/run/netns/{space}', 'sh', '-c', f'echo 1 >/proc/sys/net/ipv6/conf/{link}/disable_ipv6 || true')
                # a NIC on a wire gets whole packets with their checksums done
                quiet('nsenter', f'--net=/var/run/netns/{space}', 'ethtool', '-K', link, 'tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off')
                quiet('ip', '-n', space, 'link', 'set', link, 'up')
            quiet('ip', '-n', name, 'addr', 'add', f'{address}/24', 'dev', 'eth0')
            quiet('ip', '-n', name, 'link', 'set', 'lo', 'up')

    def remove(self):
        for name in self.made:
            subprocess.run(['ip', 'netns', 'del', name], capture_output=True)


def within(space, *command):
    return ['nsenter', f'--net=/var/run/netns/{space}', *map(str, command)]


class Demo:
    def __init__(self, work):
        self.work, self.network, self.processes = work, Network(), []
        self.prefix = f'sluice-demo-net-{os.getpid()}'
        self.steps = self.wrong = 0

    # --- what is shown

    def heading(self, text):
        print(f'\n=== {text}\n', flush=True)

    def step(self, expected, command, good, shown=None):
        """Runs a command, prints it and what it said, and judges the result: good(process)."""
        print('$ ' + ' '.join(map(str, shown or command)), flush=True)
        p = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        for line in (p.stdout + p.stderr).strip().splitlines():
            print('  ' + line)
        ok = good(p)
        self.steps += 1
        self.wrong += not ok
        print(f'  {"ok" if ok else "WRONG"}: expected {expected}\n', flush=True)
        return p

    def ping(self, answered, count=3):
        words = ('ping', '-n', '-q', '-i', '0.2', '-W', '10' if answered else '1', '-c', count, INSIDE_IP)
        self.step(f'{count if answered else "no"} answers', within(self.network.outside, *words),
                  lambda p: f'{count if answered else 0} received' in p.stdout, ('outside:', *words))

    def curl(self, answered):
        words = ('curl', '--silent', '--show-error', '--max-time', 30 if answered else 2, f'http://{INSIDE_IP}:{PORT}/page')
        if answered:
            self.step('the page', within(self.network.outside, *words), lambda p: p.returncode == 0 and p.stdout == self.page, ('outside:', *words))
        else:
            self.step('no answer in 2 seconds', within(self.network.outside, *words), lambda p: p.returncode == 28 and not p.stdout, ('outside:', *words))

    def dev(self, expected, *words, good=lambda p: p.returncode == 0):
        return self.step(expected, (lib.SLUICE, 'dev', '--file-prefix', self.prefix, '--port', 0, *words), good, ('sluice', 'dev', *words))

    def asked(self, *words):
        """What a device says, for the demo itself."""
        p = subprocess.run([lib.SLUICE, 'dev', '--file-prefix', self.prefix, '--json', *map(str, words)], capture_output=True, text=True)
        return json.loads(p.stdout) if p.returncode == 0 else None

    # --- what runs beside

    def begin(self, command, log, **more):
        with open(os.path.join(self.work, log), 'w') as f:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=f, stderr=subprocess.STDOUT, cwd=self.work, **more))
        return self.processes[-1]

    def until(self, true, what, log, process):
        limit = time.time() + PATIENCE
        while not true():
            if process.poll() is not None or time.time() > limit:
                with open(os.path.join(self.work, log)) as f:
                    raise Missing(f'{what}:\n{f.read()[-2000:]}')
            time.sleep(0.05)

    def start_nics(self):
        vdevs = [f'--vdev=net_sluice{i},port=packet:wire{i}' for i in (0, 1)]
        words = ['dpdk-testpmd', '-l', '0,1', '--no-pci', '--no-huge', '--no-shconf', '-m', '128', f'--file-prefix={self.prefix}', '--log-level=*:warning',
                 '-d', 'librte_net_sluice.so', *vdevs, '--', '--forward-mode=io', '--nb-cores=1', '--no-mlockall', '--total-num-mbufs=2048']
        print('$ ' + ' '.join(words), flush=True)
        nics = self.begin(within(self.network.middle, *words), 'testpmd.log', env=dict(os.environ, LD_LIBRARY_PATH=lib.BUILD))
        started = lambda: [d['state'] for d in self.asked('list') or []] == ['started', 'started']
        self.until(started, 'testpmd does not start', 'testpmd.log', nics)
        # testpmd throws away what came before it forwards, and the kernel still waits for answers to ARP from before
        quiet('ip', '-n', self.network.outside, 'neigh', 'flush', 'dev', 'eth0')
        answered = lambda: subprocess.run(within(self.network.outside, 'ping', '-n', '-c', '1', '-W', '1', INSIDE_IP), capture_output=True).returncode == 0
        self.until(answered, 'nothing comes through', 'testpmd.log', nics)
        print('  testpmd forwards what comes to one NIC out of the other\n', flush=True)

    def start_server(self):
        self.page = 'Hello from inside.\n'
        with open(os.path.join(self.work, 'page'), 'w') as f:
            f.write(self.page)
        words = ('python3', '-m', 'http.server', '--bind', INSIDE_IP, PORT)
        print('$ inside: ' + ' '.join(map(str, words)) + ' &\n', flush=True)
        server = self.begin(within(self.network.inside, sys.executable, *words[1:]), 'server.log')
        listens = lambda: f'{INSIDE_IP}:{PORT}' in quiet(*within(self.network.inside, 'ss', '-ltn'))
        self.until(listens, 'the web server does not start', 'server.log', server)

    def end(self):
        for p in reversed(self.processes):
            p.send_signal(signal.SIGINT)
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.network.remove()
        shutil.rmtree(os.path.join(os.environ.get('RUNTIME_DIRECTORY', '/var/run'), 'dpdk', self.prefix), ignore_errors=True)

    # --- the story

    def run(self, quick):
        self.heading('Two network namespaces; between them nothing yet')
        self.network.build()
        self.start_server()
        self.ping(False, 1)
        self.heading('Two simulated NICs between them, without a program')
        self.start_nics()
        self.ping(True)
        self.curl(True)
        self.heading('A program on the NIC outside, loaded while it runs (examples/portblock.bpf.c)')
        self.dev('the program', 'load', lib.example('portblock'), good=lambda p: 'portblock' in p.stdout)
        self.curl(True)
        self.heading(f'TCP port {PORT} blocked, by an entry in its map')
        self.dev('success', 'map', 'update', 'name', 'blocked', 'key', *SERVICE, 'value', *8 * (0,))
        self.curl(False)
        self.dev('packets counted', 'map', 'lookup', 'name', 'blocked', 'key', *SERVICE, good=self.counted)
        self.ping(True)
        self.heading('... and open again, without it')
        self.dev('success', 'map', 'delete', 'name', 'blocked', 'key', *SERVICE)
        self.curl(True)
        if not quick:
            self.heading('What the NIC has counted')
            self.dev('dropped packets among them', 'top', '--count', 1, '--interval', 0.5,
                     good=lambda p: p.returncode == 0 and 'rx_program_drop' in p.stdout)
        self.heading('The program gone')
        self.dev('success', 'unload')
        self.ping(True)

    @staticmethod
    def counted(p):
        return p.returncode == 0 and p.stdout.split('value: ')[1].split()[0] != '00'


def check_machine():
    """Says what is missing, before anything is changed."""
    for command, package in NEEDED.items():
        if not shutil.which(command, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin'):
            raise Missing(f'{command} is not installed (package {package})')
    if not os.path.exists(os.path.join(lib.BUILD, 'librte_net_sluice.so')):
        raise Missing('the DPDK driver was left out of the build (build/meson-logs/meson-log.txt says why)')
    if os.getuid():
        raise Missing('network namespaces and AF_PACKET sockets need root')
    name = f'sluice{os.getpid()}try'
    quiet('ip', 'netns', 'add', name)
    try:
        quiet('ip', '-n', name, 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1')
    finally:
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)


def perform(quick):
    """How many steps went wrong."""
    start = time.time()
    with tempfile.TemporaryDirectory(prefix='sluice-demo-net-') as work:
        demo = Demo(work)
        try:
            demo.run(quick)
        finally:
            demo.end()
    verdict = 'as expected' if not demo.wrong else f'{demo.wrong} WRONG'
    print(f'\ndemo-net: {demo.steps} steps, {verdict}, {time.time() - start:.0f} s')
    return demo.wrong


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made goes away all the same
    try:
        check_machine()
        wrong = perform(False)
    except Missing as e:
        print(f'demo-net: {e}', file=sys.stderr)
        sys.exit(2)
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
