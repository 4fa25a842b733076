# SPDX-License-Identifier: BSD-3-Clause
"""Contents for the maps of a program that nobody here wrote: keys that its packets have or that it asked for, and values of small
numbers, addresses and what the program compares with."""
import re

import frames
import packets

ENTRIES = 64
KEYED = {'hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'lpm_trie'}
INDEXED = {'array', 'percpu_array'}
TARGETS = {'devmap', 'devmap_hash', 'cpumap'}
# data sections: those that are only read are part of the program
SECTION = re.compile(r'\.(rodata|data|bss)')
QUEUE_LENGTH = 192
CPUS = 4  # values of a per-CPU map
MACHINE_CPUS = 2  # Linux takes no others into a cpumap
SMALL = (0, 0, 0, 1, 1, 2, 3, 7, 255)


def maps_of(assembly):
    """(name, type, key bytes, value bytes, max_entries) of each map, from `sluice disasm -f asm`."""
    for line in assembly.splitlines():
        words = line.split()
        if words and words[0] == '.map' and not SECTION.search(words[1]):
            yield words[1], words[2], int(words[3]), int(words[4]), int(words[5])


def constants_of(assembly):
    """What the program compares numbers with, and loads: as they are, and with their bytes swapped."""
    found = set(SMALL)
    for text in re.findall(r'(?:==|!=|[<>]=?|=|&) (0x[0-9a-f]+|-?\d+)\b', assembly):
        number = int(text, 0)
        found |= {number, number - 1, number + 1} if 0 <= number < 1 << 32 else set()
    return sorted(n for n in found if n >= 0)


def key_of_traffic(rng, size):
    """What a packet may be looked up with by a key of this size."""
    address, six = packets.packed(frames.address4(rng)), packets.packed(frames.address6(rng))
    port = rng.choice(frames.PORTS).to_bytes(2, 'big')
    forms = {1: bytes([rng.choice((1, 6, 17, 58))]), 2: port, 4: rng.choice((address, port + b'\0\0', bytes([rng.randrange(20), 0, 0, 0]))),
             6: bytes([2, 0]) + address, 8: rng.choice((address + packets.packed(frames.address4(rng)), bytes([2, 0]) + address + b'\0\0')),
             16: six, 20: rng.choice((six + address, address + port + port + bytes(12)))}
    return forms.get(size) or (six * 40)[:size]


def value(rng, size, constants):
    """Words of several sizes: mostly zeros, or a number in each, or something that the program knows."""
    style = rng.random()
    if style < 0.15:
        return rng.choice((b'\0', b'\1', b'\xff')) * size
    if style < 0.3:  # flags
        return (rng.randrange(16).to_bytes(1, 'little') + bytes(size - 1))[:size]
    if style < 0.5:
        return b''.join(rng.choice((0, 1, 1, 1, 2, 3)).to_bytes(4, 'little') for _ in range(size // 4 + 1))[:size]
    out = b''
    while len(out) < size:
        width = rng.choice((1, 2, 4, 4, 8))
        what = rng.random()
        if what < 0.4:
            out += rng.choice(SMALL).to_bytes(width, 'little')
        elif what < 0.75:
            out += (rng.choice(constants) % (1 << 8 * width)).to_bytes(width, rng.choice(('little', 'little', 'big')))
        elif what < 0.9:
            out += key_of_traffic(rng, rng.choice((2, 4, 4, 6, 16)))
        else:
            out += bytes(width)
        out += bytes(-len(out) % width)
    return out[:size]


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


def keyed(rng, kind, key_size, value_size, count, constants, asked):
    """Entries of a map with keys: those that were asked for (asked: bytes), those of packets."""
    keys = {}
    for _ in range(count):
        if asked and rng.random() < 0.8:
            key = rng.choice(asked)[4 if kind == 'lpm_trie' else 0:]
        else:
            key = key_of_traffic(rng, key_size - (4 if kind == 'lpm_trie' else 0))
        if kind == 'lpm_trie':
            key = prefix(key, min(rng.choice((0, 8, 16, 24, 32, 32, 64, 128, 128)), 8 * len(key)))
        keys[key] = value(rng, value_size, constants)
    return [entry(kind, k, v) for k, v in keys.items()]


def contents(rng, maps, constants, asked):
    """What --maps-in takes. maps: maps_of; asked: map name -> keys that the program asked for, or {}."""
    out = {}
    for name, kind, key_size, value_size, most in maps:
        count = min(ENTRIES, most)
        if rng.random() < 0.08 and kind not in TARGETS:
            continue  # as it was made
        if kind in INDEXED:
            out[name] = [entry(kind, i.to_bytes(4, 'little'), value(rng, value_size, constants)) for i in range(count)]
        elif kind in TARGETS:
            target = QUEUE_LENGTH if kind == 'cpumap' else 1
            out[name] = [entry(kind, i.to_bytes(4, 'little'), target.to_bytes(4, 'little') + bytes(value_size - 4))
                         for i in range(min(count, MACHINE_CPUS if kind == 'cpumap' else CPUS))]
        elif kind in KEYED:
            out[name] = keyed(rng, kind, key_size, value_size, max(1, rng.choice((count, count * 3 // 4, count // 2))), constants, asked.get(name, ()))
    return out
