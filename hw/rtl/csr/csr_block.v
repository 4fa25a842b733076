// SPDX-License-Identifier: BSD-3-Clause
// Registers of the device behind its AXI4-Lite port (hw/spec/csr.toml), for both kinds of device: control, counters,
// program writes, and the front of the map mailbox. A write is taken when address and data are both there and
// answered in the next clock; a read is answered in the next clock; one of each every clock. While a mailbox
// command is under way, writes to the mailbox registers are ignored, so what the command carries stays as it was.
// A command on value memory takes up to 32 words one after the other: mbox_word_o is the one that is next to be
// written, and mbox_step_i says that it was, or that mbox_value_i is the next one that was read.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module csr_block #(
    parameter KIND = 1,           // register KIND: 1 VLIW core, 2 pipeline
    parameter STAGES = 0,         // register STAGES
    parameter HAS_PROGRAM = 1,    // 1: program and token registers are there (core)
    parameter EXT_LINES = 0,      // register EXT_LINES
    parameter CORES = 0,          // register CORES
    parameter COUNT_W = 1         // bits of stall_i, row_i and limited_i: what is counted in a clock
) (
    input  wire         clk,
    input  wire         rst,
    // AXI4-Lite
    input  wire [15:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [15:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,
    // control and status
    output wire         enable_o,
    output wire         bank_o,
    output wire [8:0]   headroom_o,      // PROG_HEADROOM in bytes: 0, 64, 128, 192 or 256
    output wire [7:0]   tokens_o,
    output wire [63:0]  row_limit_o,     // ROW_LIMIT of bank 0, then of bank 1
    input  wire         packet_in_i,     // one pulse a packet accepted,
    input  wire         packet_out_i,    // a packet that has left,
    input  wire [COUNT_W-1:0] stall_i,   // slots or clocks lost,
    input  wire [COUNT_W-1:0] row_i,     // rows issued,
    input  wire [COUNT_W-1:0] limited_i, // packets ended by their limit
    // HOLD
    output wire         hold_o,
    input  wire         held_i,
    output wire         resume_o,
    // program writes
    output wire         prog_we_o,
    output wire         prog_bank_o,
    output wire [11:0]  prog_row_o,
    output wire [`UCODE_ROW_BITS-1:0] prog_data_o,
    // mailbox: held until mbox_done_i
    output wire         mbox_valid_o,
    output wire [3:0]   mbox_cmd_o,
    output wire [7:0]   mbox_map_o,
    output wire [31:0]  mbox_addr_o,
    output wire [31:0]  mbox_flags_o,
    output wire [511:0] mbox_key_o,
    output wire [2047:0] mbox_value_o,
    output wire [5:0]   mbox_count_o,    // words of the command
    output wire [63:0]  mbox_word_o,
    input  wire         mbox_step_i,
    input  wire         mbox_done_i,
    input  wire [31:0]  mbox_status_i,
    input  wire [31:0]  mbox_result_i,
    input  wire [511:0] mbox_key_i,
    input  wire [63:0]  mbox_value_i
);
    generate
        if ((KIND != 1 && KIND != 2) || (HAS_PROGRAM != 0 && HAS_PROGRAM != 1)) begin : g_illegal
            csr_block_illegal_parameter u_stop ();
        end
    endgenerate

    localparam [31:0] ID = 32'h4543_4c53;
    localparam [31:0] VERSION = 32'd1;
    localparam [30:0] EINVAL = 31'd22;

    // --- AXI4-Lite
    reg         bvalid_q;
    reg         rvalid_q;
    reg  [31:0] rdata_q;
    wire        write = s_axil_awvalid && s_axil_wvalid && (!bvalid_q || s_axil_bready);
    wire        read_ready = !rvalid_q || s_axil_rready;
    wire        read = s_axil_arvalid && read_ready;
    wire [15:0] waddr = {s_axil_awaddr[15:2], 2'd0};
    wire [15:0] raddr = {s_axil_araddr[15:2], 2'd0};
    wire [31:0] wmask = {{8{s_axil_wstrb[3]}}, {8{s_axil_wstrb[2]}},
                         {8{s_axil_wstrb[1]}}, {8{s_axil_wstrb[0]}}};
    wire        unused = &{1'b0, s_axil_awaddr[1:0], s_axil_araddr[1:0]};

    // --- registers
    reg  [1:0]    ctrl_q;
    reg  [8:0]    headroom_q;
    reg  [7:0]    tokens_q;
    reg           hold_q;
    reg           resume_q;
    reg  [31:0]   count_in_q;
    reg  [31:0]   count_out_q;
    reg  [31:0]   count_stall_q;
    reg  [31:0]   count_rows_q;
    reg  [31:0]   count_limited_q;
    reg  [63:0]   row_limit_q;
    reg           prog_bank_q;
    reg  [11:0]   prog_row_q;
    reg  [511:0]  prog_word_q;
    reg           prog_we_q;
    reg           busy_q;
    reg  [3:0]    cmd_q;
    reg  [7:0]    map_q;
    reg  [31:0]   addr_q;
    reg  [31:0]   flags_q;
    reg  [511:0]  key_q;
    reg  [2047:0] value_q;
    reg  [5:0]    count_q;
    reg  [4:0]    first_q;                  // word of value_q that a burst begins with,
    reg  [4:0]    index_q;                  // that it is at
    reg  [30:0]   status_q;
    reg  [31:0]   result_q;
    wire          mbox_write = write && !busy_q;
    wire          is_prog_word = (waddr & 16'hffc0) == `SPEC_CSR_PROG_WORD;
    wire          is_key = (waddr & 16'hffc0) == `SPEC_CSR_MBOX_KEY;
    wire [15:0]   value_word = waddr - `SPEC_CSR_MBOX_VALUE;
    wire          is_value = waddr >= `SPEC_CSR_MBOX_VALUE && value_word < 16'h0100;
    wire [15:0]   rvalue_word = raddr - `SPEC_CSR_MBOX_VALUE;
    wire          unused_w = &{1'b0, value_word[1:0], rvalue_word[1:0], mbox_status_i[31]};
    // bytes of one word of value_q: what a burst has read, or the half that the host writes
    wire          word_read = busy_q && mbox_step_i && cmd_q == `SPEC_MBOX_VMEM_READ;
    wire [4:0]    word_index = word_read ? index_q : value_word[7:3];
    wire [63:0]   word_data = word_read ? mbox_value_i : {s_axil_wdata, s_axil_wdata};
    wire [7:0]    word_strb = word_read ? 8'hff :
                              mbox_write && is_value ? {s_axil_wstrb & {4{value_word[2]}},
                                                        s_axil_wstrb & {4{!value_word[2]}}} : 8'd0;
    integer       i;
    integer       k;
    integer       b;

    // control, program, counters
    always @(posedge clk) begin
        prog_we_q <= write && waddr == `SPEC_CSR_PROG_COMMIT && HAS_PROGRAM != 0;
        if (prog_we_q) prog_row_q <= prog_row_q + 12'd1;
        resume_q <= 1'b0;
        if (write) begin
            case (waddr)
                `SPEC_CSR_CTRL: ctrl_q <= (ctrl_q & ~wmask[1:0]) | (s_axil_wdata[1:0] & wmask[1:0]);
                `SPEC_CSR_PROG_HEADROOM:
                    if (s_axil_wstrb[1:0] == 2'b11)
                        headroom_q <= s_axil_wdata[8:0] > 9'd256 ? 9'd256
                                                                 : {s_axil_wdata[8:6], 6'd0};
                `SPEC_CSR_TOKENS: if (s_axil_wstrb[0]) tokens_q <= s_axil_wdata[7:0];
                `SPEC_CSR_ROW_LIMIT: row_limit_q[31:0] <= (row_limit_q[31:0] & ~wmask) | (s_axil_wdata & wmask);
                `SPEC_CSR_ROW_LIMIT + 16'd4:
                    row_limit_q[63:32] <= (row_limit_q[63:32] & ~wmask) | (s_axil_wdata & wmask);
                `SPEC_CSR_HOLD: if (s_axil_wstrb[0]) {resume_q, hold_q} <= s_axil_wdata[1:0];
                `SPEC_CSR_PROG_ROW:
                    if (s_axil_wstrb == 4'hf)
                        {prog_bank_q, prog_row_q} <= {s_axil_wdata[16], s_axil_wdata[11:0]};
                default: ;
            endcase
            for (i = 0; i < 4; i = i + 1) begin
                if (is_prog_word && s_axil_wstrb[i] && HAS_PROGRAM != 0)
                    prog_word_q[{waddr[5:2], i[1:0], 3'd0} +: 8] <= s_axil_wdata[8*i +: 8];
            end
        end
        if (packet_in_i) count_in_q <= count_in_q + 32'd1;
        if (packet_out_i) count_out_q <= count_out_q + 32'd1;
        count_stall_q <= count_stall_q + {{32-COUNT_W{1'b0}}, stall_i};
        count_rows_q <= count_rows_q + {{32-COUNT_W{1'b0}}, row_i};
        count_limited_q <= count_limited_q + {{32-COUNT_W{1'b0}}, limited_i};
        if (rst) begin
            ctrl_q <= 2'd0;
            headroom_q <= 9'd0;
            tokens_q <= 8'd0;
            prog_we_q <= 1'b0;
            {resume_q, hold_q} <= 2'd0;
            prog_bank_q <= 1'b0;
            prog_row_q <= 12'd0;
            count_in_q <= 32'd0;
            count_out_q <= 32'd0;
            count_stall_q <= 32'd0;
            count_rows_q <= 32'd0;
            count_limited_q <= 32'd0;
            row_limit_q <= 64'd0;
        end
    end

    // mailbox
    always @(posedge clk) begin
        if (mbox_write) begin
            if (waddr == `SPEC_CSR_MBOX_MAP && s_axil_wstrb[0]) map_q <= s_axil_wdata[7:0];
            if (waddr == `SPEC_CSR_MBOX_ADDR) addr_q <= (addr_q & ~wmask) | (s_axil_wdata & wmask);
            if (waddr == `SPEC_CSR_MBOX_FLAGS) flags_q <= (flags_q & ~wmask) | (s_axil_wdata & wmask);
            if (waddr == `SPEC_CSR_MBOX_BURST && s_axil_wstrb[1:0] == 2'b11)
                {first_q, count_q} <= {s_axil_wdata[12:8], s_axil_wdata[5:0]};
            for (k = 0; k < 4; k = k + 1) begin
                if (is_key && s_axil_wstrb[k])
                    key_q[{waddr[5:2], k[1:0], 3'd0} +: 8] <= s_axil_wdata[8*k +: 8];
            end
            if (waddr == `SPEC_CSR_MBOX_CMD && s_axil_wstrb[0]) begin
                cmd_q <= s_axil_wdata[3:0];
                status_q <= s_axil_wdata > `SPEC_MBOX_CONFIG ? EINVAL : 31'd0;
                busy_q <= s_axil_wdata != `SPEC_MBOX_NONE && s_axil_wdata <= `SPEC_MBOX_CONFIG;
            end
        end
        if (!busy_q) index_q <= first_q;
        else if (mbox_step_i) index_q <= index_q + 5'd1;
        if (busy_q && mbox_done_i) begin
            busy_q <= 1'b0;
            status_q <= mbox_status_i[30:0];
            result_q <= mbox_result_i;
            if (cmd_q == `SPEC_MBOX_ENTRY) key_q <= mbox_key_i;
        end
        if (rst) begin
            busy_q <= 1'b0;
            status_q <= 31'd0;
            {first_q, count_q} <= {5'd0, 6'd1};
        end
    end

    always @(posedge clk) begin
        for (b = 0; b < 8; b = b + 1) begin
            if (word_strb[b]) value_q[{word_index, b[2:0], 3'd0} +: 8] <= word_data[8*b +: 8];
        end
    end

    // answers
    always @(posedge clk) begin
        if (s_axil_bready) bvalid_q <= 1'b0;
        if (write) bvalid_q <= 1'b1;
        if (s_axil_rready) rvalid_q <= 1'b0;
        if (read) begin
            rvalid_q <= 1'b1;
            rdata_q <= 32'd0;
            case (raddr)
                `SPEC_CSR_ID: rdata_q <= ID;
                `SPEC_CSR_VERSION: rdata_q <= VERSION;
                `SPEC_CSR_KIND: rdata_q <= KIND;
                `SPEC_CSR_CTRL: rdata_q <= {30'd0, ctrl_q};
                `SPEC_CSR_STATUS: rdata_q <= {31'd0, count_in_q != count_out_q};
                `SPEC_CSR_STAGES: rdata_q <= STAGES;
                `SPEC_CSR_PROG_HEADROOM: rdata_q <= HAS_PROGRAM != 0 ? {23'd0, headroom_q} : 32'd0;
                `SPEC_CSR_TOKENS: rdata_q <= HAS_PROGRAM != 0 ? {24'd0, tokens_q} : 32'd0;
                `SPEC_CSR_COUNT_IN: rdata_q <= count_in_q;
                `SPEC_CSR_COUNT_OUT: rdata_q <= count_out_q;
                `SPEC_CSR_COUNT_STALL: rdata_q <= count_stall_q;
                `SPEC_CSR_COUNT_ROWS: rdata_q <= count_rows_q;
                `SPEC_CSR_EXT_LINES: rdata_q <= EXT_LINES;
                `SPEC_CSR_ROW_LIMIT: rdata_q <= HAS_PROGRAM != 0 ? row_limit_q[31:0] : 32'd0;
                `SPEC_CSR_ROW_LIMIT + 16'd4: rdata_q <= HAS_PROGRAM != 0 ? row_limit_q[63:32] : 32'd0;
                `SPEC_CSR_COUNT_LIMITED: rdata_q <= count_limited_q;
                `SPEC_CSR_CORES: rdata_q <= CORES;
                `SPEC_CSR_HOLD: rdata_q <= HAS_PROGRAM != 0 ? {30'd0, held_i, hold_q} : 32'd0;
                `SPEC_CSR_PROG_ROW:
                    rdata_q <= HAS_PROGRAM != 0 ? {15'd0, prog_bank_q, 4'd0, prog_row_q} : 32'd0;
                `SPEC_CSR_MBOX_MAP: rdata_q <= {24'd0, map_q};
                `SPEC_CSR_MBOX_ADDR: rdata_q <= addr_q;
                `SPEC_CSR_MBOX_FLAGS: rdata_q <= flags_q;
                `SPEC_CSR_MBOX_BURST: rdata_q <= {19'd0, first_q, 2'd0, count_q};
                `SPEC_CSR_MBOX_STATUS: rdata_q <= {busy_q, status_q};
                `SPEC_CSR_MBOX_RESULT: rdata_q <= result_q;
                default: begin
                    if ((raddr & 16'hffc0) == `SPEC_CSR_PROG_WORD && HAS_PROGRAM != 0)
                        rdata_q <= prog_word_q[{raddr[5:2], 5'd0} +: 32];
                    if ((raddr & 16'hffc0) == `SPEC_CSR_MBOX_KEY)
                        rdata_q <= key_q[{raddr[5:2], 5'd0} +: 32];
                    if (raddr >= `SPEC_CSR_MBOX_VALUE && rvalue_word[15:8] == 8'd0)
                        rdata_q <= value_q[{rvalue_word[7:2], 5'd0} +: 32];
                end
            endcase
        end
        if (rst) begin
            bvalid_q <= 1'b0;
            rvalid_q <= 1'b0;
        end
    end

    assign s_axil_awready = write;
    assign s_axil_wready = write;
    assign s_axil_bresp = 2'd0;
    assign s_axil_bvalid = bvalid_q;
    assign s_axil_arready = read_ready;
    assign s_axil_rdata = rdata_q;
    assign s_axil_rresp = 2'd0;
    assign s_axil_rvalid = rvalid_q;
    assign enable_o = ctrl_q[0];
    assign bank_o = ctrl_q[1];
    assign headroom_o = headroom_q;
    assign tokens_o = tokens_q;
    assign hold_o = hold_q;
    assign resume_o = resume_q;
    assign row_limit_o = row_limit_q;
    assign prog_we_o = prog_we_q;
    assign prog_bank_o = prog_bank_q;
    assign prog_row_o = prog_row_q;
    assign prog_data_o = prog_word_q[`UCODE_ROW_BITS-1:0];
    assign mbox_valid_o = busy_q;
    assign mbox_cmd_o = cmd_q;
    assign mbox_map_o = map_q;
    assign mbox_addr_o = addr_q;
    assign mbox_flags_o = flags_q;
    assign mbox_key_o = key_q;
    assign mbox_value_o = value_q;
    assign mbox_count_o = count_q;
    assign mbox_word_o = value_q[{index_q, 6'd0} +: 64];
endmodule
`default_nettype wire
