// SPDX-License-Identifier: BSD-3-Clause
// Zero engine: clears packet buffer bytes from one offset up to, not including, another; 64 bytes a clock when the
// packet memory takes them. One at a time in order of issue, at most one a context waiting.
`default_nettype none
module core_zero #(
    parameter SLOT_W = 4        // log2 of the packet buffers
) (
    input  wire              clk,
    input  wire              rst,
    // stage 3
    input  wire              en3_i,
    input  wire [2:0]        ctx3_i,
    input  wire [SLOT_W-1:0] slot3_i,
    input  wire [13:0]       from3_i,
    input  wire [13:0]       to3_i,
    // packet memory
    output wire              z_valid_o,
    input  wire              z_ready_i,
    output wire [SLOT_W+7:0] z_row_o,
    output wire [63:0]       z_strb_o,
    output wire              done_o,
    output wire [2:0]        done_ctx_o
);
    localparam ENTRY_W = 3 + SLOT_W + 28;

    wire               head_valid;
    wire [ENTRY_W-1:0] head;
    reg                run_q;
    reg  [2:0]         ctx_q;
    reg  [SLOT_W-1:0]  slot_q;
    reg  [13:0]        from_q;
    reg  [13:0]        to_q;
    reg                done_q;
    wire               some = from_q < to_q;
    wire               last = from_q[13:6] == to_q[13:6] || !some;
    wire [13:0]        next = {from_q[13:6] + 8'd1, 6'd0};
    wire [63:0]        from_mask = {64{1'b1}} << from_q[5:0];
    wire [63:0]        to_mask = from_q[13:6] == to_q[13:6] ? ~({64{1'b1}} << to_q[5:0])
                                                             : {64{1'b1}};
    wire               pop = head_valid && !run_q;

    fifo_small #(.WIDTH(ENTRY_W), .DEPTH(8)) u_queue (
        .clk(clk), .rst(rst), .push_i(en3_i), .data_i({ctx3_i, slot3_i, from3_i, to3_i}),
        .valid_o(head_valid), .pop_i(pop), .data_o(head));

    always @(posedge clk) begin
        done_q <= 1'b0;
        if (pop) begin
            run_q <= 1'b1;
            {ctx_q, slot_q, from_q, to_q} <= head;
        end
        if (run_q && (z_ready_i || !some)) begin
            from_q <= next;
            if (last) begin
                run_q <= 1'b0;
                done_q <= 1'b1;
            end
        end
        if (rst) begin
            run_q <= 1'b0;
            done_q <= 1'b0;
        end
    end

    assign z_valid_o = run_q && some;
    assign z_row_o = {slot_q, from_q[13:6]};
    assign z_strb_o = from_mask & to_mask;
    assign done_o = done_q;
    assign done_ctx_o = ctx_q;
endmodule
`default_nettype wire
