// SPDX-License-Identifier: BSD-3-Clause
// Key of a map operation, cut to the map's key size: the bytes behind it are zero, whatever the context's key words
// hold there. Combinational; the sizes are set with the maps' descriptors.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_keymask (
    input  wire         clk,
    input  wire         cfg_we_i,
    input  wire [4:0]   cfg_map_i,
    input  wire [6:0]   cfg_key_bytes_i,     // 1 to SPEC_HW_KEY_BYTES
    input  wire [4:0]   map_i,
    input  wire [511:0] key_i,
    output wire [511:0] key_o
);
    (* ram_style = "distributed" *) reg [6:0] key_bytes_q [0:`SPEC_HW_MAPS-1];
    wire [6:0] key_bytes = key_bytes_q[map_i];

    always @(posedge clk) begin
        if (cfg_we_i) key_bytes_q[cfg_map_i] <= cfg_key_bytes_i;
    end

    genvar w;
    generate
        for (w = 0; w < 8; w = w + 1) begin : g_word
            localparam [3:0] INDEX = w;
            wire [63:0] part = ~(64'hffff_ffff_ffff_ffff << {key_bytes[2:0], 3'd0});
            wire [63:0] mask = key_bytes[6:3] > INDEX ? 64'hffff_ffff_ffff_ffff :
                               key_bytes[6:3] == INDEX ? part : 64'd0;

            assign key_o[64*w +: 64] = key_i[64*w +: 64] & mask;
        end
    endgenerate
endmodule
`default_nettype wire
