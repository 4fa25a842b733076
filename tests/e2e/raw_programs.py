# SPDX-License-Identifier: BSD-3-Clause
"""Random programs for the conformance plug-in: bare instructions that no verifier needs to take.

r6 is the memory of MEMORY bytes; r0, r3, r4, r5, r7 and r8 hold numbers, r9 addresses and counters."""
import random
import struct

MEMORY = 64
NUMBERS = [0, 3, 4, 5, 7, 8]
STACK = 64  # bytes that loads and stores reach; counters of loops lie below


def insn(opcode, dst=0, src=0, off=0, imm=0):
    return struct.pack('<BBhi', opcode, dst | src << 4, off, imm)


def imm64(dst, value, src=0):
    low, high = struct.unpack('<ii', struct.pack('<Q', value))
    return insn(0x18, dst, src, 0, low) + insn(0, imm=high)


def slots(code):
    return len(code) // 8


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.atomics = self.r.random() < 0.5

    def constant(self):
        return self.r.choice([0, 1, -1, 2, 7, 31, 32, 63, 64, 0x7fffffff, -0x80000000, self.r.randrange(-100, 100), self.r.randrange(-1 << 31, 1 << 31)])

    def number(self):
        return self.r.choice(NUMBERS)

    def arithmetic(self):
        wide = self.r.random() < 0.5
        group = 0x07 if wide else 0x04
        dst, src = self.number(), self.number()
        kind = self.r.random()
        if kind < 0.1:
            return insn(0xb0 | group | 8, dst, src, self.r.choice([8, 16] + [32] * wide))  # with sign extension
        if kind < 0.2:
            return insn(0xd0 | group | (0 if wide else self.r.choice([0, 8])), dst, imm=self.r.choice([16, 32, 64]))
        if kind < 0.25:
            return insn(0x80 | group, dst)
        code, off = self.r.choice([(c, 0) for c in range(0, 0xd0, 0x10) if c != 0x80] + [(0x30, 1), (0x90, 1)])
        if self.r.random() < 0.5:
            return insn(code | group | 8, dst, src, off)
        return insn(code | group, dst, 0, off, self.constant())

    def access(self):
        code, size = self.r.choice([(0x10, 1), (0x08, 2), (0x00, 4), (0x18, 8)])
        base, low, high = self.r.choice([(6, 0, MEMORY), (10, -STACK, 0)])
        off, v, kind = self.r.randrange(low, high - size + 1), self.number(), self.r.random()
        if kind < 0.35:
            return insn(0x61 | code, v, base, off)
        if kind < 0.45 and size < 8:
            return insn(0x81 | code, v, base, off)
        if kind < 0.65:
            return insn(0x63 | code, base, v, off)
        if kind < 0.75:
            return insn(0x62 | code, base, 0, off, self.constant())
        if kind < 0.9:  # at an offset that is computed
            address = insn(0xbf, 9, v) + insn(0x57, 9, imm=31) + insn(0x0f, 9, base) + insn(0x07, 9, imm=low)
            return address + (insn(0x63 | code, 9, v) if self.r.random() < 0.5 else insn(0x61 | code, v, 9))
        if not self.atomics:
            return b''
        size = self.r.choice([4, 8])
        return insn(0xc3 if size == 4 else 0xdb, base, v, self.r.randrange(low // size, high // size) * size,
                    self.r.choice([0, 1, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]))

    def branch(self, depth):
        body = self.block(depth)
        other = self.block(depth) if self.r.random() < 0.3 else b''
        body += insn(0x05, off=slots(other)) if other else b''
        opcode = self.r.choice([c for c in range(0x10, 0xe0, 0x10) if c not in (0x80, 0x90)]) | self.r.choice([5, 6])
        if self.r.random() < 0.5:
            return insn(opcode | 8, self.number(), self.number(), slots(body)) + body + other
        return insn(opcode, self.number(), 0, slots(body), self.constant()) + body + other

    def loop(self, depth):
        counter = -STACK - 8 * (depth + 1)
        body = self.block(depth) + insn(0x79, 9, 10, counter) + insn(0x07, 9, imm=-1) + insn(0x7b, 10, 9, counter)
        return insn(0x7a, 10, 0, counter, self.r.randrange(1, 5)) + body + insn(0x55, 9, 0, -slots(body) - 1, 0)

    def block(self, depth):
        code = b''
        for _ in range(self.r.randrange(2, 8)):
            kind = self.r.random()
            if kind < 0.5:
                code += self.arithmetic()
            elif kind < 0.8:
                code += self.access()
            elif kind < 0.9 and depth:
                code += self.branch(depth - 1)
            elif kind < 0.95 and depth:
                code += self.loop(depth - 1)
            else:
                code += imm64(self.number(), self.r.getrandbits(64))
        return code

    def program(self):
        functions = [self.block(1) + insn(0x95) for _ in range(self.r.randrange(3))]
        parts = [insn(0xbf, 6, 1)] + [insn(0x79, n, 6, 8 * i) for i, n in enumerate(NUMBERS)]
        for _ in range(self.r.randrange(2, 5)):
            parts.append(self.block(2))
            if functions and self.r.random() < 0.6:
                parts.append(self.r.randrange(len(functions)))
        parts += [insn(0xaf, 0, n) for n in NUMBERS[1:]] + [insn(0x95)]
        size = lambda part: 1 if isinstance(part, int) else slots(part)
        end, code = sum(map(size, parts)), b''
        for part in parts:
            if isinstance(part, int):
                start = end + sum(slots(f) for f in functions[:part])
                part = insn(0x85, 0, 1, 0, start - slots(code) - 1)
            code += part
        return code + b''.join(functions)


def make(seed):
    """A program and its memory."""
    maker = Maker(seed)
    return maker.program(), maker.r.randbytes(MEMORY)
