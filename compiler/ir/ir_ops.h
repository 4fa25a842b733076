/* SPDX-License-Identifier: BSD-3-Clause */
/* The IR's operations, one row each: X(enumerator, text, minimum args, maximum args (-1: any),
 * result, side effect). "side effect" means that the operation may not be removed although nobody
 * uses its result. Loads may be removed and may not be moved across stores of the same region. */
X(NOP, "nop", 0, 0, false, false)
X(CONST, "const", 0, 0, true, false)   /* imm */
X(INPUT, "input", 0, 0, true, false)   /* imm: enum spec_input */
X(ALU, "alu", 1, 2, true, false)       /* alu, width */
X(SELECT, "select", 3, 3, true, false) /* arg0 != 0 ? arg1 : arg2 */
X(PHI, "phi", 0, -1, true, false)      /* one arg a predecessor, in the order of block.preds */
X(LOAD, "load", 1, 1, true, false) /* region, size, swap, map; arg0: address; imm: signed offset */
X(STORE, "store", 2, 2, false, true) /* the same; arg1: value */
X(ATOMIC, "atomic", 2, 3, true,
  true) /* region MAP; atomic, size 4 or 8; address, operand[, expected]; the old value */
X(MAP_LOOKUP, "map_lookup", 2, -1, true,
  false) /* map; cpu, key words; pointer or 0. Hash engines only, not LRU */
X(MAP_USE, "map_use", 2, -1, true,
  true) /* the same of an LRU map: its element is now the one used last */
X(MAP_UPDATE, "map_update", 4, -1, true,
  true) /* map; cpu, flags, key words, value words; 0 or negative errno (64 bits) */
X(MAP_DELETE, "map_delete", 2, -1, true,
  true) /* map; cpu, key words; 0 or negative errno (64 bits) */
X(PKT_ZERO, "pkt_zero", 2, 2, false,
  true) /* zero the packet buffer from arg0 up to, not including, arg1 */
X(HOST, "host", 2, 2, false,
  true) /* the packet leaves unfinished, and the host runs the program on it from its start
           (build_path.c). Constants: the maps that it may touch then, bit i is map i, and of these
           those that it may change. The block ends with an exit */
X(JMP, "jmp", 0, 0, false, true)   /* block.succ[0] */
X(BR, "br", 1, 1, false, true)     /* arg0 != 0: succ[0], else succ[1] */
X(EXIT, "exit", 4, 6, false, true) /* return value, data, data_end, redirect[, bytes of metadata in
                                      front of data[, beats of the event area that leave]] */
