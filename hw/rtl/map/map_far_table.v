// SPDX-License-Identifier: BSD-3-Clause
// Descriptors of the maps whose keys lie in external memory (map_hash_far): checked and packed when
// they are written, read at three places.
//
// Latency: reads are combinational; a write is seen from the next clock on. A descriptor that does
// not fit the engine leaves its map unconfigured (find_ok_o low). ENTRY_BASE and BUCKET_BASE have
// bit 31; their other bits are numbers of lines, so the map's keys and buckets must lie in memory
// that is nobody else's. Buckets begin at a multiple of their number. An eighth of max_entries
// buckets at least: then a third of all places is free, and an insertion always ends.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_far_table #(
    parameter MAPS        = 1,
    parameter KEY_BYTES   = 8,
    parameter VALUE_BYTES = 8,
    parameter LRU_ENTRIES = 16
) (
    input  wire         clk,
    input  wire         rst,

    input  wire         write_i,
    input  wire [7:0]   write_map_i,
    input  wire [319:0] write_desc_i,
    output wire         write_ok_o,     // the descriptor offered fits

    input  wire [7:0]   find_map_i,
    output wire         find_ok_o,
    output wire         find_lru_o,
    output wire [24:0]  find_base_o,    // line of the first bucket
    output wire [23:0]  find_mask_o,

    input  wire [7:0]   act_map_i,
    output wire [24:0]  act_base_o,
    output wire [23:0]  act_mask_o,
    output wire [23:0]  act_entry_base_o,
    output wire [23:0]  act_max_o,      // MAX_ENTRIES
    output wire [15:0]  act_stride_o,
    output wire [15:0]  act_span_o,     // bytes of one entry: CPUS * STRIDE
    output wire [7:0]   act_cpus_o,
    output wire [31:0]  act_vmem_o,
    output wire         act_lru_o,

    input  wire [7:0]   addr_map_i,
    output wire [23:0]  addr_entry_base_o,
    output wire [7:0]   addr_cpus_o,
    output wire [15:0]  addr_stride_o,
    output wire [15:0]  addr_span_o
);
    localparam MW = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam FIND_W = 1 + 25 + 24;
    localparam ADDR_W = 24 + 8 + 16 + 16;

    wire [31:0] engine      = write_desc_i[32*`SPEC_MAPDESC_ENGINE+:32];
    wire [31:0] key_bytes   = write_desc_i[32*`SPEC_MAPDESC_KEY_BYTES+:32];
    wire [31:0] value_bytes = write_desc_i[32*`SPEC_MAPDESC_VALUE_BYTES+:32];
    wire [31:0] stride      = write_desc_i[32*`SPEC_MAPDESC_STRIDE+:32];
    wire [31:0] max_entries = write_desc_i[32*`SPEC_MAPDESC_MAX_ENTRIES+:32];
    wire [31:0] cpus        = write_desc_i[32*`SPEC_MAPDESC_CPUS+:32];
    wire [31:0] vmem_base   = write_desc_i[32*`SPEC_MAPDESC_VMEM_BASE+:32];
    wire [31:0] entry_base  = write_desc_i[32*`SPEC_MAPDESC_ENTRY_BASE+:32];
    wire [31:0] bucket_base = write_desc_i[32*`SPEC_MAPDESC_BUCKET_BASE+:32];
    wire [31:0] bucket_mask = write_desc_i[32*`SPEC_MAPDESC_BUCKET_MASK+:32];
    wire        lru         = engine == `SPEC_ENGINE_LRU;
    wire [32:0] entry_end   = {2'd0, entry_base[30:0]} + {1'b0, max_entries};
    wire [32:0] bucket_end  = {2'd0, bucket_base[30:0]} + {1'b0, bucket_mask};
    wire [35:0] room        = ({4'd0, bucket_mask} + 36'd1) << 3;
    wire [23:0] span        = cpus[7:0] * stride[15:0];

    assign write_ok_o = {24'd0, write_map_i} < MAPS
        && (engine == `SPEC_ENGINE_HASH || (lru && entry_end < {1'b0, LRU_ENTRIES[31:0]}))
        && key_bytes != 32'd0 && key_bytes <= KEY_BYTES
        && value_bytes <= stride && stride != 32'd0 && stride <= VALUE_BYTES && stride[2:0] == 3'd0
        && cpus != 32'd0 && cpus < 32'd256 && span < 24'd65536
        && entry_base[31] && bucket_base[31]
        && max_entries != 32'd0 && entry_end < 33'd16777216
        && bucket_end < 33'd33554432 && bucket_mask < 32'd16777216
        && (bucket_mask & (bucket_mask + 32'd1)) == 32'd0 && (bucket_mask & bucket_base) == 32'd0
        && {4'd0, max_entries} <= room;

    reg [FIND_W-1:0] find_table [0:MAPS-1];
    reg [ADDR_W-1:0] addr_table [0:MAPS-1];
    reg [55:0]       act_table [0:MAPS-1];
    reg [MAPS-1:0]   ok_q;
    integer          m;

    wire [MW-1:0] write_at = write_map_i[MW-1:0];

    always @(posedge clk) begin
        if (write_i && write_ok_o) begin
            find_table[write_at] <= {lru, bucket_base[24:0], bucket_mask[23:0]};
            addr_table[write_at] <= {entry_base[23:0], cpus[7:0], stride[15:0], span[15:0]};
            act_table[write_at]  <= {max_entries[23:0], vmem_base};
        end
        for (m = 0; m < MAPS; m = m + 1)
            if (write_i && write_map_i == m[7:0])
                ok_q[m] <= write_ok_o;
        if (rst)
            ok_q <= {MAPS{1'b0}};
    end

    wire          find_in = {24'd0, find_map_i} < MAPS;
    wire [MW-1:0] find_at = find_in ? find_map_i[MW-1:0] : {MW{1'b0}};

    assign find_ok_o = find_in && ok_q[find_at];
    assign {find_lru_o, find_base_o, find_mask_o} = find_table[find_at];
    assign {act_lru_o, act_base_o, act_mask_o} = find_table[act_map_i[MW-1:0]];
    assign {act_max_o, act_vmem_o} = act_table[act_map_i[MW-1:0]];

    wire [ADDR_W-1:0] act_addr = addr_table[act_map_i[MW-1:0]];
    assign {act_entry_base_o, act_cpus_o, act_stride_o, act_span_o} = act_addr;
    assign {addr_entry_base_o, addr_cpus_o, addr_stride_o, addr_span_o} =
        addr_table[addr_map_i[MW-1:0]];

    wire unused = &{1'b0, find_map_i, act_map_i, addr_map_i, write_map_i};
endmodule

`default_nettype wire
