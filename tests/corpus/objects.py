# SPDX-License-Identifier: BSD-3-Clause
"""Real XDP programs, all from Debian packages: the objects that xdp-tools installs, those inside its commands, and the samples and
self-tests of Debian's kernel source, compiled here."""
import glob
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tarfile

PACKAGES = ('xdp-tools', 'bpftool', 'clang-19', 'linux-source-6.1')
KERNEL = '/usr/src/linux-source-6.1.tar.xz'
KERNEL_FOLDERS = ('samples/bpf', 'tools', 'include/uapi')
SAMPLES, SELFTESTS = 'samples/bpf', 'tools/testing/selftests/bpf/progs'
EM_BPF = 247

# What headers of the kernel's build would have given to sources that are compiled without it.
TYPES = '''#include <linux/types.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
typedef __u8 u8; typedef __u8 uint8_t; typedef __u16 u16; typedef __u16 uint16_t;
typedef __u32 u32; typedef __u32 uint32_t; typedef __u64 u64; typedef __u64 uint64_t;
typedef __s32 s32; typedef __s64 s64;
enum { AF_INET = 2, AF_INET6 = 10 };
struct vlan_hdr { __be16 h_vlan_TCI, h_vlan_encapsulated_proto; };
#define __force
#define __packed __attribute__((packed))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define htons(x) __builtin_bswap16(x)
#define ntohs(x) __builtin_bswap16(x)
#define htonl(x) __builtin_bswap32(x)
#define ntohl(x) __builtin_bswap32(x)
#define cpu_to_be32(x) __builtin_bswap32(x)
#define cpu_to_be16(x) __builtin_bswap16(x)
'''


class Missing(Exception):
    """A package that is not installed."""


def need(path, package):
    found = sorted(glob.glob(path))
    if not found:
        raise Missing(f'{path} is missing: apt-get install {package}')
    return found


def open_text(path):
    with open(path, errors='replace') as f:
        return f.read()


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Kernel:
    """Debian's kernel source and how its programs are compiled outside its build."""

    def __init__(self, work, cpu):
        self.cpu = cpu
        self.source = os.path.join(work, 'linux')
        self.extra = os.path.join(work, 'include')
        self.failed = []
        if not os.path.isdir(self.source):
            self.unpack(need(KERNEL, 'linux-source-6.1')[0])
        os.makedirs(os.path.join(self.extra, 'gnu'), exist_ok=True)
        self.write('gnu/stubs-32.h', '')  # <features.h> asks for it where the target has 32 bits or none
        self.write('types.h', TYPES)
        self.write('vmlinux.h', run('bpftool', 'btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'c'))
        if not os.path.islink(os.path.join(self.extra, 'uapi')):
            os.symlink(os.path.join(self.source, 'include/uapi'), os.path.join(self.extra, 'uapi'))

    def unpack(self, archive):
        unfinished = self.source + '.unfinished'
        shutil.rmtree(unfinished, ignore_errors=True)
        # Debian 12's Python has no filters yet; apt has checked the archive's signature
        safely = {'filter': 'tar'} if hasattr(tarfile, 'tar_filter') else {}
        with tarfile.open(archive) as tar:
            for member in tar:
                inside = member.name.partition('/')[2]
                if inside.startswith(KERNEL_FOLDERS) and (member.isfile() or member.isdir() or member.issym()):
                    member.name = inside
                    tar.extract(member, unfinished, **safely)
        shutil.copy('/usr/include/bpf/bpf_helper_defs.h', os.path.join(unfinished, 'tools/lib/bpf'))  # made by the kernel's build
        os.rename(unfinished, self.source)

    def write(self, name, text):
        with open(os.path.join(self.extra, name), 'w') as f:
            f.write(text)

    def compile(self, source, out):
        """False if it can't be compiled; kept if it has been since this file changed last."""
        if os.path.exists(out) and os.path.getmtime(out) > os.path.getmtime(__file__):
            return True
        folders = [self.extra, *(os.path.join(self.source, d) for d in (
            'samples/bpf', 'tools/testing/selftests/bpf', 'tools/include/uapi', 'tools/include', 'tools/lib'))]
        triplet = run('gcc', '-print-multiarch').strip()
        said = ''
        for extra in ([], ['-D__BPF_TRACING__'], ['-include', os.path.join(self.extra, 'types.h')]):
            p = subprocess.run(['clang-19', '-O2', '-g', '-w', '-target', 'bpf', f'-mcpu={self.cpu}', '-D__TARGET_ARCH_x86', *extra,
                                *('-I' + d for d in folders), '-idirafter', '/usr/include/' + triplet, '-c', source, '-o', out],
                               capture_output=True, text=True)
            if p.returncode == 0:
                return True
            said = said or next((line for line in p.stderr.splitlines() if 'error' in line), p.stderr[:200])
        self.failed.append(f'{os.path.relpath(source, self.source)}: {said.rpartition(": ")[2]}')
        return False

    def programs(self, folder):
        for path in sorted(glob.glob(os.path.join(self.source, folder, '*.c'))):
            text = open_text(path)
            if 'SEC(' in text and re.search(r'SEC\("\??xdp|struct xdp_md ?\*', text) and not path.endswith('_user.c'):
                yield path

    def build(self, folder, out):
        os.makedirs(out, exist_ok=True)
        for source in self.programs(folder):
            self.compile(source, os.path.join(out, re.sub(r'(\.bpf)?\.c$', '.o', os.path.basename(source))))
        self.link_sample_maps(out)

    def link_sample_maps(self, out):
        """Some samples take their counters from a second object, as their makefile links them."""
        shared = os.path.join(self.source, SAMPLES, 'xdp_sample.bpf.c')
        made = os.path.join(os.path.dirname(out), 'xdp_sample.part')
        for obj in sorted(glob.glob(os.path.join(out, '*.o'))):
            source = os.path.join(self.source, SAMPLES, os.path.basename(obj)[:-2] + '.bpf.c')
            if not os.path.exists(source) or 'xdp_sample.bpf.h' not in open_text(source):
                continue
            linked = obj[:-2] + '.linked'  # empty; newer than an object that has been
            if os.path.exists(linked) and os.path.getmtime(linked) >= os.path.getmtime(obj):
                continue
            if self.compile(shared, made):
                run('bpftool', 'gen', 'object', obj + '.linked', obj, made)
                os.replace(obj + '.linked', obj)
                open(linked, 'w').close()


def embedded(path):
    """The BPF objects inside a command (a skeleton keeps the whole object as data)."""
    with open(path, 'rb') as f:
        data = f.read()
    at = data.find(b'\x7fELF\x02\x01', 4)
    while at >= 0:
        machine, = struct.unpack_from('<H', data, at + 18)
        section_table, = struct.unpack_from('<Q', data, at + 40)
        entry_bytes, entries = struct.unpack_from('<HH', data, at + 58)
        end = at + section_table + entry_bytes * entries
        if machine == EM_BPF and end <= len(data) and b'\0xdp' in data[at:end]:
            yield data[at:end]
        at = data.find(b'\x7fELF\x02\x01', at + 4)


def build(out, cpu='v3'):
    """Makes the objects; {group: [path]} and what could not be compiled."""
    os.makedirs(out, exist_ok=True)
    kernel = Kernel(os.path.join(out, '.work'), cpu)
    kernel.build(SAMPLES, os.path.join(out, 'linux-samples'))
    kernel.build(SELFTESTS, os.path.join(out, 'linux-selftests'))
    os.makedirs(os.path.join(out, 'xdp-tools'), exist_ok=True)
    seen = set()
    for path in need('/usr/lib/*/bpf/*.o', 'xdp-tools'):
        shutil.copy(path, os.path.join(out, 'xdp-tools'))
        with open(path, 'rb') as f:
            seen.add(hashlib.sha256(f.read()).digest())
    for path in need('/usr/sbin/xdp*', 'xdp-tools'):
        for i, data in enumerate(embedded(path)):
            if hashlib.sha256(data).digest() not in seen:
                seen.add(hashlib.sha256(data).digest())
                with open(os.path.join(out, 'xdp-tools', f'{os.path.basename(path)}-{i}.o'), 'wb') as f:
                    f.write(data)
    return {g: sorted(glob.glob(os.path.join(out, g, '*.o'))) for g in ('xdp-tools', 'linux-samples', 'linux-selftests')}, kernel.failed
