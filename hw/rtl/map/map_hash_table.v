// SPDX-License-Identifier: BSD-3-Clause
// Descriptors of a hash engine's maps: checked and packed when they are written, read at three
// places.
//
// Latency: reads are combinational; a write is seen from the next clock on. A descriptor that does
// not fit the engine leaves its map unconfigured (read*_ok_o low).
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_hash_table #(
    parameter MAPS        = 1,
    parameter LRU         = 1,  // 1: maps may be LRU maps
    parameter KEY_BYTES   = 8,
    parameter VALUE_BYTES = 8,
    parameter ENTRIES     = 16,
    parameter BUCKETS     = 16,
    parameter EW          = 4,  // $clog2(ENTRIES)
    parameter BW          = 4   // $clog2(BUCKETS)
) (
    input  wire            clk,
    input  wire            rst,

    input  wire            write_i,
    input  wire [7:0]      write_map_i,
    input  wire [319:0]    write_desc_i,
    output wire            write_ok_o,    // the descriptor offered fits

    input  wire [7:0]      find_map_i,
    output wire            find_ok_o,
    output wire [BW-1:0]   find_base_o,
    output wire [BW-1:0]   find_mask_o,

    input  wire [7:0]      slow_map_i,
    output wire [EW-1:0]   slow_entry_base_o,
    output wire [EW-1:0]   slow_max_o,    // MAX_ENTRIES
    output wire [15:0]     slow_stride_o,
    output wire [15:0]     slow_span_o,   // bytes of one entry: CPUS * STRIDE
    output wire [7:0]      slow_cpus_o,
    output wire [31:0]     slow_vmem_o,
    output wire            slow_lru_o,    // a full map gives up the entry not used for longest

    input  wire [7:0]      addr_map_i,
    output wire [EW-1:0]   addr_entry_base_o,
    output wire [7:0]      addr_cpus_o,
    output wire [15:0]     addr_stride_o,
    output wire [15:0]     addr_span_o
);
    localparam MW = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam W  = 2 * BW + 2 * EW + 8 + 32 + 1;

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
    wire [32:0] entry_end   = {1'b0, entry_base} + {1'b0, max_entries};
    wire [32:0] bucket_end  = {1'b0, bucket_base} + {1'b0, bucket_mask};
    wire [23:0] span        = cpus[7:0] * stride[15:0];

    assign write_ok_o = {24'd0, write_map_i} < MAPS
        && (engine == `SPEC_ENGINE_HASH || (LRU != 0 && lru))
        && key_bytes != 32'd0 && key_bytes <= KEY_BYTES
        && value_bytes <= stride && stride != 32'd0 && stride <= VALUE_BYTES && stride[2:0] == 3'd0
        && cpus != 32'd0 && cpus < 32'd256 && span < 24'd65536
        && max_entries != 32'd0 && entry_end < {1'b0, ENTRIES[31:0]}
        && bucket_end < {1'b0, BUCKETS[31:0]}
        && (bucket_mask & (bucket_mask + 32'd1)) == 32'd0;

    reg [W-1:0]    packed_table [0:MAPS-1];
    reg [31:0]     size_table [0:MAPS-1];
    reg [MAPS-1:0] ok_q;
    integer        m;

    wire [MW-1:0] write_at = write_map_i[MW-1:0];

    always @(posedge clk) begin
        if (write_i && write_ok_o) begin
            packed_table[write_at] <= {lru, vmem_base, cpus[7:0], max_entries[EW-1:0],
                                       entry_base[EW-1:0], bucket_mask[BW-1:0],
                                       bucket_base[BW-1:0]};
            size_table[write_at] <= {span[15:0], stride[15:0]};
        end
        for (m = 0; m < MAPS; m = m + 1)
            if (write_i && write_map_i == m[7:0])
                ok_q[m] <= write_ok_o;
        if (rst)
            ok_q <= {MAPS{1'b0}};
    end

    wire          find_in = {24'd0, find_map_i} < MAPS;
    wire [MW-1:0] find_at = find_in ? find_map_i[MW-1:0] : {MW{1'b0}};
    wire [W-1:0]  find    = packed_table[find_at];
    wire [W-1:0]  slow    = packed_table[slow_map_i[MW-1:0]];
    wire [W-1:0]  addr    = packed_table[addr_map_i[MW-1:0]];

    assign find_ok_o   = find_in && ok_q[find_at];
    assign find_base_o = find[BW-1:0];
    assign find_mask_o = find[2*BW-1:BW];

    assign slow_entry_base_o = slow[2*BW+:EW];
    assign slow_max_o        = slow[2*BW+EW+:EW];
    assign slow_cpus_o       = slow[2*BW+2*EW+:8];
    assign slow_vmem_o       = slow[2*BW+2*EW+8+:32];
    assign slow_lru_o        = slow[W-1];
    assign {slow_span_o, slow_stride_o} = size_table[slow_map_i[MW-1:0]];
    assign addr_entry_base_o = addr[2*BW+:EW];
    assign addr_cpus_o       = addr[2*BW+2*EW+:8];
    assign {addr_span_o, addr_stride_o} = size_table[addr_map_i[MW-1:0]];

    wire unused = &{1'b0, slow, find, addr, slow_map_i, addr_map_i, write_map_i};
endmodule

`default_nettype wire
