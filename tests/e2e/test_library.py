# SPDX-License-Identifier: BSD-3-Clause
"""libsluice as its users get it: what it exports, its header in C and C++, the installed tree, the example."""
import ctypes
import errno
import glob
import os
import re
import struct
import subprocess
import threading
from unittest import mock

import lib

LIBRARY = os.path.join(lib.BUILD, 'libsluice.so')
HEADER = os.path.join(lib.ROOT, 'host', 'sluice.h')
EXPECTED = 'verdicts 2 1, passed 1, dropped 1, the rule counted 1 packets of 42 bytes\n'


def run(*command, env=None):
    p = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL, timeout=300)
    assert p.returncode == 0, f'{command}: {p.stdout[-2000:]}{p.stderr[-2000:]}'
    return p.stdout


def read(path):
    with open(path) as f:
        return f.read()


def test_exports_are_those_of_the_header_and_no_others(work):
    code = re.sub(r'/\*.*?\*/', '', read(HEADER), flags=re.S)
    declared = set(re.findall(r'SLUICE_API[^;]*?\b(sluice_\w+)\s*\(', code))
    assert declared == set(re.findall(r'\b(sluice_\w+)\s*\(', code)), 'functions without SLUICE_API'
    listed = set(re.findall(r'^\s+(sluice_\w+);', read(os.path.join(lib.ROOT, 'host', 'lib', 'sluice.map')), re.M))
    symbols = [line.split()[-1] for line in run('nm', '-D', '--defined-only', LIBRARY).splitlines()]
    exported = {s.split('@@')[0] for s in symbols if s != 'SLUICE_0.1'}
    assert len(declared) > 50
    assert declared == listed, declared ^ listed
    assert declared == exported, declared ^ exported
    assert all(s.endswith('@@SLUICE_0.1') for s in symbols if s != 'SLUICE_0.1'), symbols
    assert '[libsluice.so.0]' in run('readelf', '-d', LIBRARY)


def test_header_is_c_and_cpp(work):
    for compiler, standard, language in [('gcc', 'c99', 'c'), ('gcc', 'c11', 'c'), ('clang', 'c11', 'c'), ('g++', 'c++11', 'c++'), ('clang++', 'c++17', 'c++')]:
        run(compiler, '-std=' + standard, '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror', '-fsyntax-only', '-x', language, HEADER)


def test_example_gives_the_same_on_each_executor(work):
    obj = lib.example('firewall')
    for executor in ('interp', 'microcode'):
        p = subprocess.run([os.path.join(lib.BUILD, 'examples', 'api', 'api-firewall'), obj, executor], capture_output=True, text=True, timeout=300)
        assert (p.returncode, p.stdout, p.stderr) == (0, EXPECTED, f'on {executor}\n'), (p.stdout, p.stderr)
    p = subprocess.run([os.path.join(lib.BUILD, 'examples', 'api', 'api-firewall'), HEADER, 'interp'], capture_output=True, text=True, timeout=300)
    assert p.returncode == 1 and 'sluice.h: error: ' in p.stderr, (p.returncode, p.stderr)


def test_installed_tree_serves_c_and_cpp(work):
    run('meson', 'install', '-C', lib.BUILD, '--no-rebuild', '--quiet', '--destdir', work)
    pc = glob.glob(os.path.join(work, '**', 'sluice.pc'), recursive=True)
    assert len(pc) == 1, pc
    found = dict(PKG_CONFIG_PATH=os.path.dirname(pc[0]), PKG_CONFIG_SYSROOT_DIR=work)
    flags = run('pkg-config', '--cflags', '--libs', 'sluice', env=found).split()
    assert run('pkg-config', '--modversion', 'sluice', env=found) == '0.1.0\n'
    here = dict(LD_LIBRARY_PATH=os.path.dirname(os.path.dirname(pc[0])))
    program = os.path.join(work, 'firewall')
    run('gcc', '-Wall', '-Werror', os.path.join(lib.ROOT, 'examples', 'api', 'firewall.c'), *flags, '-o', program)
    assert run(program, lib.example('firewall'), 'interp', env=here) == EXPECTED
    source = os.path.join(work, 'version.cpp')
    with open(source, 'w') as f:
        f.write('#include <sluice.h>\n#include <cstdio>\nint main() { std::puts(sluice_version()); }\n')
    run('g++', '-Wall', '-Werror', source, *flags, '-o', program)
    assert run(program, env=here) == '0.1.0\n'


class Packet(ctypes.Structure):
    _fields_ = [('data', ctypes.c_char_p), ('len', ctypes.c_uint32), ('ifindex', ctypes.c_uint32), ('queue', ctypes.c_uint32),
                ('egress', ctypes.c_uint32), ('time_ns', ctypes.c_uint64), ('reserved', ctypes.c_uint64)]


class Batch(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('sink', ctypes.c_void_p), ('packets', ctypes.POINTER(Packet)), ('results', ctypes.c_void_p),
                ('packet_size', ctypes.c_size_t), ('result_size', ctypes.c_size_t), ('count', ctypes.c_uint32), ('done', ctypes.c_uint32)]


class LoadOpts(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('sink', ctypes.c_void_p), ('executor', ctypes.c_char_p)]


def library():
    sluice = ctypes.CDLL(LIBRARY)
    for name in ('object_find_program_by_name', 'loaded_find_map_by_name', 'object_find_map_by_name', 'port_find_map_by_name'):
        getattr(sluice, 'sluice_' + name).restype = ctypes.c_void_p
        getattr(sluice, 'sluice_' + name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    for name, args in (('program_id', 1), ('map_id', 1), ('unload', 1), ('object_close', 1), ('port_close', 1)):
        getattr(sluice, 'sluice_' + name).argtypes = [ctypes.c_void_p] * args
    return sluice


class Loaded:
    """A program by the library alone, as a language without its header uses it."""

    def __init__(self, sluice, obj, name, executor):
        self.sluice, self.handle = sluice, ctypes.c_void_p()
        opts = LoadOpts(ctypes.sizeof(LoadOpts), None, executor)
        program = ctypes.c_void_p(sluice.sluice_object_find_program_by_name(obj, name))
        assert sluice.sluice_load(program, ctypes.byref(opts), ctypes.byref(self.handle)) == 0

    def verdict(self):
        result = (ctypes.c_uint32 * 2)()
        batch = Batch(ctypes.sizeof(Batch), None, ctypes.pointer(Packet(bytes(64), 64)), ctypes.addressof(result), ctypes.sizeof(Packet), 8, 1)
        assert self.sluice.sluice_run(self.handle, ctypes.byref(batch)) == 0
        return result[0]

    def put(self, name, key, value):
        m = ctypes.c_void_p(self.sluice.sluice_loaded_find_map_by_name(self.handle, name))
        return self.sluice.sluice_map_update_elem(m, struct.pack('<I', key), ctypes.c_size_t(4), struct.pack('<I', value), ctypes.c_size_t(4), ctypes.c_uint64(0))

    def get(self, name, key):
        value = ctypes.c_uint32()
        m = ctypes.c_void_p(self.sluice.sluice_loaded_find_map_by_name(self.handle, name))
        err = self.sluice.sluice_map_lookup_elem(m, struct.pack('<I', key), ctypes.c_size_t(4), ctypes.byref(value), ctypes.c_size_t(4), ctypes.c_uint64(0))
        return err or value.value

    def drop(self, name, key):
        m = ctypes.c_void_p(self.sluice.sluice_loaded_find_map_by_name(self.handle, name))
        return self.sluice.sluice_map_delete_elem(m, struct.pack('<I', key), ctypes.c_size_t(4), ctypes.c_uint64(0))


PROGRAMS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } jumps SEC(".maps");
SEC("xdp") int sends(struct xdp_md *ctx) { return XDP_TX; }
SEC("xdp") int passes(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int entry(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 0); return XDP_DROP; }
char LICENSE[] SEC("license") = "GPL";
"""


def test_programs_of_a_prog_array_go_by_their_ids(work):
    source = os.path.join(work, 'jumps.bpf.c')
    with open(source, 'w') as f:
        f.write(PROGRAMS)
    path = lib.clang(source, os.path.join(work, 'jumps.o'))
    sluice, obj = library(), ctypes.c_void_p()
    assert sluice.sluice_object_open(path.encode(), None, ctypes.byref(obj)) == 0
    ids = {name: sluice.sluice_program_id(sluice.sluice_object_find_program_by_name(obj, name)) for name in (b'sends', b'passes', b'entry')}
    assert sorted(ids.values()) == [1, 2, 3], ids
    for executor in (b'interp', b'microcode'):
        program = Loaded(sluice, obj, b'entry', executor)
        assert (program.verdict(), program.get(b'jumps', 0)) == (1, -errno.ENOENT)
        for name, verdict in ((b'sends', 3), (b'passes', 2)):
            assert program.put(b'jumps', 0, ids[name]) == 0
            assert (program.verdict(), program.get(b'jumps', 0)) == (verdict, ids[name]), (executor, name)
        assert program.put(b'jumps', 0, 4) == -errno.EINVAL
        assert program.put(b'jumps', 0, 0) == -errno.EINVAL
        assert program.put(b'jumps', 2, ids[b'sends']) == -errno.E2BIG
        # what replaces it has the program in its slot, under whatever number its executor knows it
        other, port = Loaded(sluice, obj, b'entry', b'interp'), ctypes.c_void_p()
        assert sluice.sluice_port_open(None, ctypes.byref(port)) == 0
        assert sluice.sluice_port_attach(port, program.handle) == 0
        assert sluice.sluice_port_replace(port, other.handle, None) == 0
        assert (other.verdict(), other.get(b'jumps', 0)) == (2, ids[b'passes'])
        assert (other.drop(b'jumps', 0), other.verdict(), other.drop(b'jumps', 0)) == (0, 1, -errno.ENOENT)
        sluice.sluice_port_close(port)
        sluice.sluice_unload(program.handle)
        sluice.sluice_unload(other.handle)
    sluice.sluice_object_close(obj)


def test_threads_make_pipelines_at_the_same_time(work):
    source = os.path.join(work, 'two.bpf.c')
    with open(source, 'w') as f:
        f.write(PROGRAMS)
    path = lib.clang(source, os.path.join(work, 'two.o'))
    cache = os.path.join(work, 'cache')
    sluice, verdicts = library(), {}

    def make(name):
        obj = ctypes.c_void_p()
        assert sluice.sluice_object_open(path.encode(), None, ctypes.byref(obj)) == 0
        program = Loaded(sluice, obj, name, b'pipeline')
        verdicts[name] = program.verdict()
        sluice.sluice_unload(program.handle)
        sluice.sluice_object_close(obj)

    threads = [threading.Thread(target=make, args=(name,)) for name in (b'sends', b'passes')]
    with mock.patch.dict(os.environ, SLUICE_CACHE=cache):
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert verdicts == {b'sends': 3, b'passes': 2}, verdicts
    left = sorted(os.listdir(cache))
    assert sorted(f.split('.')[1] for f in left) == ['so', 'so', 'v', 'v'], left
