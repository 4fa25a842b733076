// SPDX-License-Identifier: BSD-3-Clause
// Receive side scaling: the Toeplitz hash of a packet's addresses and ports, and the RX queue that the indirection table names.
//
// Ethernet with up to two VLAN tags (0x8100, 0x88a8), then IPv4 or IPv6. TCP's and UDP's ports count where they follow the header
// directly and the packet is no fragment; else the addresses alone do, if they are to be hashed. What is cut off is not hashed.
// Latency: 5 clocks. Throughput: a packet a clock. Order: kept. Back-pressure: none.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_rss #(
    parameter USER_W = 8    // bits that go along, at least 1
) (
    input  wire              clk,
    input  wire              rst,
    // configuration
    input  wire [5:0]        types_i,        // register CTRL of block RSS
    input  wire [319:0]      key_i,          // byte 0 lowest
    input  wire              table_we_i,
    input  wire [6:0]        table_index_i,
    input  wire [7:0]        table_queue_i,
    // a packet
    input  wire              s_valid_i,
    input  wire [1023:0]     s_head_i,       // its first 128 bytes
    input  wire [15:0]       s_len_i,        // all of its bytes
    input  wire [USER_W-1:0] s_user_i,

    output wire              m_valid_o,
    output wire              m_hashed_o,
    output wire [31:0]       m_hash_o,       // 0 unless m_hashed_o
    output wire [7:0]        m_queue_o,
    output wire [USER_W-1:0] m_user_o
);
    localparam [15:0] ETH_IPV4 = 16'h0800;
    localparam [15:0] ETH_IPV6 = 16'h86dd;
    localparam [15:0] ETH_VLAN = 16'h8100;
    localparam [15:0] ETH_QINQ = 16'h88a8;
    localparam [7:0]  IP_TCP = 8'd6;
    localparam [7:0]  IP_UDP = 8'd17;

    function [15:0] be16(input [15:0] bytes);
        be16 = {bytes[7:0], bytes[15:8]};
    endfunction

    // --- 1: the network header moves to byte 0
    wire [15:0]  type0 = be16(s_head_i[8*12 +: 16]);
    wire [15:0]  type1 = be16(s_head_i[8*16 +: 16]);
    wire [15:0]  type2 = be16(s_head_i[8*20 +: 16]);
    wire         tag0 = type0 == ETH_VLAN || type0 == ETH_QINQ;
    wire         tag1 = tag0 && (type1 == ETH_VLAN || type1 == ETH_QINQ);
    wire [15:0]  link_len = tag1 ? 16'd22 : tag0 ? 16'd18 : 16'd14;
    reg  [511:0] net_q;
    reg  [15:0]  net_len_q;
    reg  [15:0]  type_q;

    // --- 2: what is hashed: addresses, then ports, first byte in the highest bits, zeros after
    wire         version4 = type_q == ETH_IPV4 && net_q[7:4] == 4'd4 && net_q[3:0] >= 4'd5
                            && net_len_q >= 16'd20;
    wire         version6 = type_q == ETH_IPV6 && net_q[7:4] == 4'd6 && net_len_q >= 16'd40;
    wire [15:0]  fragment = be16(net_q[8*6 +: 16]);
    wire         whole = fragment[13:0] == 14'd0;   // neither an offset nor more fragments
    wire [7:0]   protocol = version4 ? net_q[8*9 +: 8] : net_q[8*6 +: 8];
    wire [15:0]  ports_at = version4 ? {10'd0, net_q[3:0], 2'd0} : 16'd40;
    wire         ports_there = net_len_q >= ports_at + 16'd4 && (version6 || whole);
    wire         tcp = protocol == IP_TCP && ports_there && (version4 ? types_i[1] : types_i[4]);
    wire         udp = protocol == IP_UDP && ports_there && (version4 ? types_i[2] : types_i[5]);
    wire         addresses = version4 ? types_i[0] : types_i[3];
    wire         hashed = (version4 || version6) && (tcp || udp || addresses);
    wire [31:0]  ports4 = net_q[{net_q[3:0], 5'd0} +: 32];
    wire [31:0]  ports6 = net_q[8*40 +: 32];
    wire [31:0]  ports = !(tcp || udp) ? 32'd0 : version4 ? ports4 : ports6;
    wire [287:0] input_low = !hashed ? 288'd0 :        // byte 0 in the lowest bits
                             version4 ? {192'd0, ports, net_q[8*12 +: 64]} : {ports, net_q[8*8 +: 256]};
    reg  [287:0] input_q;
    reg          hashed_q;
    genvar g;

    // --- 3, 4: one 32-bit window of the key for each bit that is set
    reg  [4:0]   valid_q;   // of stages 1 to 5
    wire [319:0] key;       // byte 0 in the highest bits
    wire [287:0] bits_in;
    wire [31:0]  part [0:8];
    generate
        for (g = 0; g < 40; g = g + 1) begin : g_key
            assign key[8*(39-g) +: 8] = key_i[8*g +: 8];
        end
        for (g = 0; g < 36; g = g + 1) begin : g_in
            assign bits_in[8*(35-g) +: 8] = input_q[8*g +: 8];
        end
        for (g = 0; g < 9; g = g + 1) begin : g_part
            reg  [31:0] sum;
            integer     k;
            always @* begin
                sum = 32'd0;
                k = 0;
                if (valid_q[1]) for (k = 0; k < 32; k = k + 1)
                    sum = sum ^ (key[288-32*g-k +: 32] & {32{bits_in[287-32*g-k]}});
            end
            assign part[g] = sum;
        end
    endgenerate
    reg  [31:0] low_q;
    reg  [31:0] mid_q;
    reg  [31:0] high_q;
    reg  [31:0] hash_q;
    reg  [2:0]  hashed3_q;
    reg  [31:0] hash5_q;
    reg  [7:0]  queue_q;
    wire [7:0]  queue;

    reg  [5*USER_W-1:0] user_q;

    ram_lut #(.WIDTH(8), .DEPTH(128)) u_table (
        .clk(clk), .we_i(table_we_i), .waddr_i(table_index_i), .wdata_i(table_queue_i),
        .raddr_i(hash_q[6:0]), .rdata_o(queue));

    // a stage moves when it has a packet
    always @(posedge clk) begin
        if (s_valid_i) begin
            net_q <= tag1 ? s_head_i[8*22 +: 512] : tag0 ? s_head_i[8*18 +: 512] : s_head_i[8*14 +: 512];
            net_len_q <= s_len_i > link_len ? s_len_i - link_len : 16'd0;
            type_q <= tag1 ? type2 : tag0 ? type1 : type0;
        end
        if (valid_q[0]) begin
            input_q <= input_low;
            hashed_q <= hashed;
        end
        if (valid_q[1]) begin
            low_q <= part[0] ^ part[1] ^ part[2];
            mid_q <= part[3] ^ part[4] ^ part[5];
            high_q <= part[6] ^ part[7] ^ part[8];
        end
        hash_q <= low_q ^ mid_q ^ high_q;
        hash5_q <= hash_q;
        queue_q <= queue;
        hashed3_q <= {hashed3_q[1:0], hashed_q};
        if (valid_q[3:0] != 4'd0 || s_valid_i) user_q <= {user_q[4*USER_W-1:0], s_user_i};
        valid_q <= {valid_q[3:0], s_valid_i};
        if (rst) valid_q <= 5'd0;
    end

    assign m_valid_o = valid_q[4];
    assign m_hashed_o = hashed3_q[2];
    assign m_hash_o = hash5_q;
    assign m_queue_o = queue_q;
    assign m_user_o = user_q[4*USER_W +: USER_W];

    wire unused = &{1'b0, s_head_i[1023:8*22+512], s_head_i[95:0], fragment[15:14], key[0]};
endmodule
`default_nettype wire
