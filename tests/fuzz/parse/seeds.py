#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the fuzz targets' seeds: OUT/NAME/* for each target fuzz_NAME, from the sources and texts of the tests.

usage: seeds.py OUT [SLUICE]        SLUICE: the built command, for microcode images
"""
import glob
import json
import os
import re
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def put(out, target, name, data):
    folder = os.path.join(out, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def get(path):
    with open(path, 'rb') as f:
        return f.read()


def sections(elf):
    """(name, bytes) of each section of a 64-bit little-endian ELF file."""
    table, = struct.unpack_from('<Q', elf, 40)
    count, names = struct.unpack_from('<HH', elf, 60)
    heads = [struct.unpack_from('<IIQQQQ', elf, table + 64 * i) for i in range(count)]
    strings = elf[heads[names][4]:heads[names][4] + heads[names][5]]
    for name, kind, _, _, offset, size in heads:
        yield strings[name:strings.index(b'\0', name)].decode(), elf[offset:offset + size] if kind != 8 else b''


def objects(out):
    triplet = subprocess.run(['gcc', '-print-multiarch'], capture_output=True, text=True).stdout.strip()
    for source in sorted(glob.glob(os.path.join(ROOT, 'tests', 'progs', 'load', '*.c'))):
        name = os.path.basename(source)[:-2]
        path = os.path.join(out, name + '.o')
        debug = [] if name == 'legacy' else ['-g']
        if subprocess.run(['clang', '-O2', '-target', 'bpf', *debug, '-I/usr/include/' + triplet, '-c', source, '-o', path],
                          capture_output=True).returncode:
            continue
        elf = get(path)
        os.unlink(path)
        put(out, 'load', name + '.o', elf)
        parts = dict(sections(elf))
        if '.BTF' in parts:
            btf = parts['.BTF']
            put(out, 'btf', name, struct.pack('<I', len(btf)) + btf + parts.get('.BTF.ext', b''))


def captures(out):
    frame = bytes(range(60))
    for name, order, magic in (('us', '<', 0xa1b2c3d4), ('ns', '<', 0xa1b23c4d), ('big', '>', 0xa1b2c3d4)):
        records = b''.join(struct.pack(order + 'IIII', 5 + i, 7, n, n) + frame[:n] for i, n in enumerate((60, 14, 13, 42)))
        put(out, 'pcap', name, struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 65536, 1) + records)

    def block(kind, body):
        body += b'\0' * (-len(body) % 4)
        return struct.pack('<II', kind, 12 + len(body)) + body + struct.pack('<I', 12 + len(body))
    head = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
    for name, options in (('ng', b''), ('ng-ns', struct.pack('<HHB3xHH', 9, 1, 9, 0, 0))):
        interface = block(1, struct.pack('<HHI', 1, 0, 65536) + options)
        packets = b''.join(block(6, struct.pack('<IIIII', 0, 0, 1000 * i, n, n) + frame[:n]) for i, n in enumerate((60, 14, 42)))
        put(out, 'pcap', name, head + interface + packets + block(3, struct.pack('<I', 20) + frame[:20]))


def map_files(out):
    h = lambda *data: [f'0x{x:02x}' for x in data]
    entry = lambda key, value: {'key': h(*key), 'value': h(*value)}
    put(out, 'mapfile', 'plain', json.dumps({'hash': [entry((1, 2), (3, 4, 5)), entry((1, 3), (0, 0, 255))],
                                             'array': [entry((2, 0, 0, 0), range(8))]}))
    put(out, 'mapfile', 'percpu', json.dumps({'percpu': [{'key': h(9), 'values': [{'cpu': c, 'value': h(c, 1)} for c in range(4)]}]}))
    put(out, 'mapfile', 'typed', json.dumps({'typed': [{'formatted': {
        'key': {'word': -3}, 'value': {'colour': 'BLUE', 'low': -4, 'high': 4095, 'pair': 'a', 'yes': True}}},
        {'key': {'pair': [1, 2]}, 'value': {'colour': '0x7fff', 'word': '-32768'}}]}))
    put(out, 'mapfile', 'rodata', json.dumps({'.rodata': [entry((0, 0, 0, 0), range(6))], 'hash': []}, indent=1))


def answers(out):
    """What processes tell of their devices: a letter for what was asked, then answers, a line each."""
    def ask(name, kind, *pages):
        put(out, 'telemetry', name, kind + '\n'.join(p if isinstance(p, str) else json.dumps({'/net_sluice/x': p}) for p in pages))
    hashed = {'id': 0, 'name': 'rules', 'type': 'hash', 'kind': 'btf', 'key_bytes': 4, 'value_bytes': 8, 'cpus': 1, 'max_entries': 4, 'flags': 0, 'generation': 7}
    page = {'again': 0, 'count': 1, 'more': 1, 'data': ['01000000', '0200000000000000']}
    ask('ports', 'p', {'ports': [0, 1, 31]})
    ask('error', 'p', {'error': ['one ', 'two'], 'errno': 22}, '{"/net_sluice/x": null}', '[]')
    ask('walk', 'm', hashed, page, dict(page, again=1), dict(page, more=0))
    ask('cpus', 'm', dict(hashed, type='percpu_hash', cpus=4), dict(page, data=['00' * 36], more=0))
    ask('slots', 'm', dict(hashed, type='prog_array', value_bytes=4), dict(page, count=0, data=[], at='00000000'), dict(page, at='02000000', more=0))
    ask('idle', 'm', hashed, *[dict(page, count=0, data=[])] * 20)


def texts(out, sluice):
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests', 'text', '*', '*.ir'))):
        name = '-'.join(path.split(os.sep)[-2:])
        put(out, 'ir', name, get(path))
        rows = re.findall(r'^;= \d+: (.*)$', get(path).decode(), re.M)
        if rows:
            put(out, 'image', name, '\n'.join(rows) + '\n')
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests', 'text', 'verify', '*.test'))):
        text = get(path).decode().split('--- expect')[0]
        for number, name in enumerate(re.findall(r'^map (\S+) .*$', text, re.M)):
            text = text.replace(f'map[{name}]', f'map[{number}]')
        text = re.sub(r'^(map|section) .*\n', '', text, flags=re.M)
        put(out, 'verify', os.path.basename(path), text)
        put(out, 'asm', os.path.basename(path), text)
        put(out, 'text', os.path.basename(path), text)
    if not sluice:
        return
    for path in sorted(glob.glob(os.path.join(out, 'load', '*.o'))):
        folder = os.path.join(out, 'images')
        subprocess.run([sluice, 'compile', path, '-t', 'microcode', '-o', folder], capture_output=True)
        for image in glob.glob(os.path.join(folder, '*.ucode')):
            put(out, 'image', os.path.basename(image), get(image))
            put(out, 'text', os.path.basename(image), subprocess.run([sluice, 'disasm', image], capture_output=True).stdout)
        text = subprocess.run([sluice, 'disasm', path, '-f', 'asm'], capture_output=True).stdout
        put(out, 'text', os.path.basename(path), text)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    objects(out)
    captures(out)
    map_files(out)
    answers(out)
    texts(out, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == '__main__':
    main()
