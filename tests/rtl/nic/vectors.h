// SPDX-License-Identifier: BSD-3-Clause
// Published vectors of the RSS hash, and frames that carry them.
#pragma once
#include "world.h"

static Bytes from_hex(const char *text)
{
    Bytes out;
    for (; *text; text += 2)
        out.push_back(char(strtoul(Bytes(text, 2).c_str(), nullptr, 16)));
    return out;
}

struct Vector {
    const char *source, *destination;
    uint32_t source_port, destination_port, plain, ports;
};

// Published by Microsoft ("Verifying the RSS Hash Calculation"): hash of the addresses, hash with TCP's ports.
static const uint8_t vector_key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                                       0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                                       0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
static const Vector vectors[] = {
    {"420995bb", "a18e6450", 2794, 1766, 0x323e8fc2, 0x51ccc178},
    {"c75c6f02", "41458c53", 14230, 4739, 0xd718262a, 0xc626b0ea},
    {"1813c65f", "0c16cfb8", 12898, 38024, 0xd2d0a5de, 0x5c2b394a},
    {"261bcd1e", "d18ea306", 48228, 2217, 0x82989176, 0xafc7327f},
    {"9927a3bf", "cabc7f02", 44251, 1303, 0x5d1809c5, 0x10e828a2},
    {"3ffe250102001fff0000000000000007", "3ffe2501020000030000000000000001", 2794, 1766, 0x2cc18cd5, 0x40207d3d},
    {"3ffe050100080000026097fffe40efab", "ff020000000000000000000000000001", 14230, 4739, 0x0f0c461c, 0xdde51bbf},
    {"3ffe1900454500030200f8fffe2167cf", "fe800000000000000200f8fffe2167cf", 44251, 38024, 0x4b61e985, 0x02d1feef},
};

static Bytes vector_frame(World &w, const Vector &v, uint32_t tags)
{
    bool v4 = strlen(v.source) == 8;
    Bytes f(reinterpret_cast<char *>(w.mac[0]), 6);
    f += Bytes("\x02\x00\x00\x00\x00\x01", 6); // ret 2: PASS
    for (uint32_t i = 0; i < tags; i++)
        f += Bytes(i ? "\x81\x00\x00\x05" : "\x88\xa8\x00\x07", 4);
    f += v4 ? Bytes("\x08\x00\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00", 14)
            : Bytes("\x86\xdd\x60\x00\x00\x00\x00\x14\x06\x40", 10);
    f += from_hex(v.source) + from_hex(v.destination);
    f += {char(v.source_port >> 8), char(v.source_port), char(v.destination_port >> 8), char(v.destination_port)};
    return f + Bytes(20, 'p');
}
