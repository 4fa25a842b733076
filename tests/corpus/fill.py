# SPDX-License-Identifier: BSD-3-Clause
"""Contents for the maps of a program that nobody here wrote: keys that its traffic has (addresses, ports, MACs, protocols), small
numbers as values. The same program gets the same contents."""
import random
import re

ENTRIES = 48
KEYED = {'hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'lpm_trie'}
INDEXED = {'array', 'percpu_array'}
TARGETS = {'devmap', 'devmap_hash', 'cpumap'}
# data sections, and what holds programs, maps, events or pushed values
LEFT = re.compile(r'\.(rodata|data|bss)')
LOOPBACK, QUEUE_LENGTH = 1, 192
CPUS = 4  # values of a per-CPU map


def maps_of(assembly):
    """(name, type, key bytes, value bytes, max_entries) of each map, from `sluice disasm -f asm`."""
    for line in assembly.splitlines():
        words = line.split()
        if words and words[0] == '.map' and not LEFT.search(words[1]):
            yield words[1], words[2], int(words[3]), int(words[4]), int(words[5])


def key_of_traffic(rng, size):
    """What a packet of `sluice traffic` may look up with a key of this size."""
    address = bytes([192, 168, 0, rng.randrange(40)]) if rng.random() < 0.7 else bytes([10, 0, 1, rng.randrange(200)])
    port = rng.choice((53, 80, 443, 1234, 8080)).to_bytes(2, 'big')
    six = bytes.fromhex('20010db800000000') + bytes([0, 0, 0, 1]) + address
    forms = {1: bytes([rng.choice((1, 6, 17, 58))]), 2: port, 4: rng.choice((address, port + b'\0\0', bytes([rng.randrange(20), 0, 0, 0]))),
             6: bytes([2, 0]) + address, 8: rng.choice((address + bytes([192, 168, 0, rng.randrange(40)]), bytes([2, 0]) + address + b'\0\0')),
             16: six, 20: rng.choice((six + address, address + port + port + bytes(12)))}
    return forms.get(size) or (six * 40)[:size]


def value(rng, size):
    return bytes(rng.choice((0, 1, 1, 2, 3, 7, 255)) if i % 4 == 0 else 0 for i in range(size))


def hexadecimal(data):
    return [f'0x{b:02x}' for b in data]


def entry(kind, key, data):
    if kind.startswith(('percpu', 'lru_percpu')):
        return {'key': hexadecimal(key), 'values': [{'cpu': cpu, 'value': hexadecimal(data)} for cpu in range(CPUS)]}
    return {'key': hexadecimal(key), 'value': hexadecimal(data)}


def prefix(address, bits):
    """The key of an lpm_trie; what lies behind the prefix is zero, so that each stands once."""
    kept = int.from_bytes(address, 'big') >> (8 * len(address) - bits) << (8 * len(address) - bits)
    return bits.to_bytes(4, 'little') + kept.to_bytes(len(address), 'big')


def contents(assembly, seed):
    """What --maps-in takes."""
    rng = random.Random(seed)
    out = {}
    for name, kind, key_size, value_size, most in maps_of(assembly):
        count = min(ENTRIES, most)
        if kind in INDEXED:
            out[name] = [entry(kind, i.to_bytes(4, 'little'), value(rng, value_size)) for i in range(count)]
        elif kind in TARGETS:
            target = QUEUE_LENGTH if kind == 'cpumap' else LOOPBACK
            out[name] = [entry(kind, i.to_bytes(4, 'little'), target.to_bytes(4, 'little') + bytes(value_size - 4))
                         for i in range(min(count, CPUS))]
        elif kind in KEYED:
            keys = {}
            for _ in range(count):
                key = key_of_traffic(rng, key_size - (4 if kind == 'lpm_trie' else 0))
                if kind == 'lpm_trie':
                    key = prefix(key, min(rng.choice((8, 16, 24, 32, 64, 128)), 8 * len(key)))
                keys[key] = value(rng, value_size)
            out[name] = [entry(kind, k, v) for k, v in keys.items()]
    return out
