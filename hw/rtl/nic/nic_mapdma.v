// SPDX-License-Identifier: BSD-3-Clause
// Moves what maps hold between the program slot and host memory (block MAPDMA of hw/spec/nic.toml), with the commands of the slot's
// mailbox that the host would use itself, without a bus access for each word. So it serves every slot.
//
// It is a master of the slot's AXI4-Lite port, which takes address and data of a write together and answers in order. Throughput:
// a word of 32 bits to the host in 2 clocks, from there in one; what the mailbox takes besides, every 256 bytes, and from the host the
// memory's latency. Of its writes to memory 16 may be without an answer, of its reads 4.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_mapdma (
    input  wire         clk,
    input  wire         rst,
    input  wire         stop_i,         // the host's reset: ends what is under way
    output wire         idle_o,         // nothing on its way to or from memory
    // registers
    input  wire         we_i,
    input  wire [11:0]  woffset_i,
    input  wire [31:0]  wdata_i,
    input  wire [11:0]  roffset_i,
    output reg  [31:0]  rdata_o,
    // the slot's registers
    output wire [15:0]  axil_awaddr_o,
    output wire         axil_awvalid_o,
    input  wire         axil_awready_i,
    output wire [31:0]  axil_wdata_o,
    output wire         axil_wvalid_o,
    input  wire         axil_wready_i,
    input  wire         axil_bvalid_i,
    output wire         axil_bready_o,
    output wire [15:0]  axil_araddr_o,
    output wire         axil_arvalid_o,
    input  wire         axil_arready_i,
    input  wire [31:0]  axil_rdata_i,
    input  wire         axil_rvalid_i,
    output wire         axil_rready_o,
    // host memory, bursts of one beat
    output wire         ar_valid_o,
    input  wire         ar_ready_i,
    output wire [63:0]  ar_addr_o,
    input  wire         r_valid_i,
    input  wire [511:0] r_data_i,
    input  wire         r_error_i,
    output wire         aw_valid_o,
    input  wire         aw_ready_i,
    output wire [63:0]  aw_addr_o,
    output wire         w_valid_o,
    input  wire         w_ready_i,
    output wire [511:0] w_data_o,
    output wire [63:0]  w_strb_o,
    input  wire         b_valid_i,
    input  wire         b_error_i
);
    localparam [31:0] TO_HOST = 32'd1;
    localparam [31:0] FROM_HOST = 32'd2;
    localparam [31:0] ENTRIES = 32'd3;
    localparam [30:0] ENOENT = 31'd2;
    localparam [30:0] EIO = 31'd5;
    localparam [30:0] EINVAL = 31'd22;
    localparam [30:0] ECANCELED = 31'd125;
    localparam [4:0] WRITES = 5'd16;            // to memory, without an answer

    localparam [3:0] ST_IDLE = 4'd0;
    localparam [3:0] ST_MAP = 4'd1;             // MBOX_MAP is written,
    localparam [3:0] ST_PIECE = 4'd2;           // the next piece is begun,
    localparam [3:0] ST_FETCH = 4'd3;           // its beats come from memory,
    localparam [3:0] ST_PUT = 4'd4;             // and go to MBOX_VALUE,
    localparam [3:0] ST_ADDR = 4'd5;
    localparam [3:0] ST_BURST = 4'd6;
    localparam [3:0] ST_CMD = 4'd7;
    localparam [3:0] ST_POLL = 4'd8;
    localparam [3:0] ST_GET = 4'd9;             // words come from MBOX_VALUE or MBOX_KEY,
    localparam [3:0] ST_RESULT = 4'd10;
    localparam [3:0] ST_FLUSH = 4'd11;          // memory is waited for
    localparam [3:0] ST_WAIT = 4'd12;           // a command that another left in the mailbox ends first

    // --- registers
    reg  [3:0]   state_q;
    reg  [1:0]   what_q;        // of CTRL
    reg  [30:0]  status_q;
    reg          stop_q;        // it is to end
    reg  [7:0]   map_q;
    reg  [31:0]  addr_q;
    reg  [31:0]  count_q;
    reg  [63:0]  host_q;
    reg  [31:0]  done_q;
    reg  [31:0]  next_q;
    wire         busy = state_q != ST_IDLE;
    wire         control = we_i && woffset_i == `SPEC_MAPDMA_CTRL;
    wire         start = !busy && control && wdata_i >= TO_HOST && wdata_i <= ENTRIES;
    wire         good = wdata_i == ENTRIES || ((wdata_i == TO_HOST || wdata_i == FROM_HOST)
                                               && addr_q[2:0] == 3'd0 && count_q[2:0] == 3'd0);
    wire         to_host = what_q == TO_HOST[1:0];
    wire         from_host = what_q == FROM_HOST[1:0];
    wire         entries = what_q == ENTRIES[1:0];

    always @*
        case (roffset_i)
            `SPEC_MAPDMA_STATUS: rdata_o = {busy, status_q};
            `SPEC_MAPDMA_MAP: rdata_o = {24'd0, map_q};
            `SPEC_MAPDMA_ADDR: rdata_o = addr_q;
            `SPEC_MAPDMA_COUNT: rdata_o = count_q;
            `SPEC_MAPDMA_HOST_LO: rdata_o = host_q[31:0];
            `SPEC_MAPDMA_HOST_HI: rdata_o = host_q[63:32];
            `SPEC_MAPDMA_DONE: rdata_o = done_q;
            `SPEC_MAPDMA_NEXT: rdata_o = next_q;
            default: rdata_o = 32'd0;
        endcase

    always @(posedge clk) begin
        if (we_i && !busy)
            case (woffset_i)
                `SPEC_MAPDMA_MAP: map_q <= wdata_i[7:0];
                `SPEC_MAPDMA_ADDR: addr_q <= wdata_i;
                `SPEC_MAPDMA_COUNT: count_q <= wdata_i;
                `SPEC_MAPDMA_HOST_LO: host_q[31:0] <= {wdata_i[31:6], 6'd0};
                `SPEC_MAPDMA_HOST_HI: host_q[63:32] <= wdata_i;
                default: ;
            endcase
        if (start) what_q <= wdata_i[1:0];
        if (control) stop_q <= busy;
        if (rst) begin
            map_q <= 8'd0;
            addr_q <= 32'd0;
            count_q <= 32'd0;
            host_q <= 64'd0;
        end
    end

    // --- the piece under way: up to 256 bytes of values, or an entry
    reg  [31:0]  at_q;          // byte offset, or number of the entry
    reg  [63:0]  memory_q;      // where the next beat is
    reg  [31:0]  left_q;        // words of 32 bits, or records, from this piece on
    reg  [6:0]   piece_q;       // words of this piece,
    reg  [6:0]   index_q;       // those that went
    reg          found_q;       // the entry is in use
    wire [6:0]   piece = left_q > 32'd64 ? 7'd64 : left_q[6:0];
    wire [3:0]   word = index_q[3:0];
    wire         last_word = index_q + 7'd1 == piece_q;
    wire         stop = stop_q || stop_i;

    // --- beats from memory
    reg  [511:0] beat_q [0:3];
    reg  [2:0]   asked_q;
    reg  [2:0]   came_q;
    reg          failed_q;      // memory has answered with an error
    wire [2:0]   beats = piece_q[6:4] + {2'd0, piece_q[3:0] != 4'd0};
    wire [511:0] beat = beat_q[index_q[5:4]];

    assign ar_valid_o = state_q == ST_FETCH && asked_q != beats;
    assign ar_addr_o = memory_q;

    always @(posedge clk) begin
        if (ar_valid_o && ar_ready_i) asked_q <= asked_q + 3'd1;
        if (r_valid_i) begin
            beat_q[came_q[1:0]] <= r_data_i;
            came_q <= came_q + 3'd1;
        end
        if (state_q == ST_PIECE) {asked_q, came_q} <= 6'd0;
        if ((r_valid_i && r_error_i) || (b_valid_i && b_error_i)) failed_q <= 1'b1;
        if (start) failed_q <= 1'b0;
    end

    // --- accesses to the slot: one at a time of each kind
    reg          write_q;       // a command's write waits for its answer
    reg          read_q;        // a read does
    wire         command = state_q == ST_MAP || state_q == ST_ADDR || state_q == ST_BURST || state_q == ST_CMD;
    wire         commanded = write_q && axil_bvalid_i;
    wire         put = state_q == ST_PUT && index_q != piece_q;
    wire         write_go = axil_awvalid_o && axil_awready_i && axil_wready_i;
    wire         poll = state_q == ST_WAIT || state_q == ST_POLL;
    wire         read = poll || state_q == ST_GET || state_q == ST_RESULT;
    wire         answered = read_q && axil_rvalid_i && axil_rready_o;
    reg  [15:0]  waddr;
    reg  [31:0]  wdata;

    always @* begin
        waddr = `SPEC_CSR_MBOX_VALUE + {8'd0, index_q[5:0], 2'd0};
        wdata = beat[{word, 5'd0} +: 32];
        case (state_q)
            ST_MAP: {waddr, wdata} = {`SPEC_CSR_MBOX_MAP, 24'd0, map_q};
            ST_ADDR: {waddr, wdata} = {`SPEC_CSR_MBOX_ADDR, at_q};
            ST_BURST: {waddr, wdata} = {`SPEC_CSR_MBOX_BURST, 26'd0, piece_q[6:1]};
            ST_CMD: begin
                waddr = `SPEC_CSR_MBOX_CMD;
                wdata = entries ? `SPEC_MBOX_ENTRY : from_host ? `SPEC_MBOX_VMEM_WRITE : `SPEC_MBOX_VMEM_READ;
            end
            default: ;
        endcase
    end

    assign axil_awaddr_o = waddr;
    assign axil_wdata_o = wdata;
    assign axil_awvalid_o = (command && !write_q) || put;
    assign axil_wvalid_o = axil_awvalid_o;
    assign axil_bready_o = 1'b1;
    assign axil_araddr_o = poll ? `SPEC_CSR_MBOX_STATUS : state_q == ST_RESULT ? `SPEC_CSR_MBOX_RESULT
                           : (entries ? `SPEC_CSR_MBOX_KEY : `SPEC_CSR_MBOX_VALUE) + {8'd0, index_q[5:0], 2'd0};
    assign axil_arvalid_o = read && !read_q;

    always @(posedge clk) begin
        if (command && write_go) write_q <= 1'b1;
        if (commanded) write_q <= 1'b0;
        if (axil_arvalid_o && axil_arready_i) read_q <= 1'b1;
        if (answered) read_q <= 1'b0;
        if ((put && write_go) || (state_q == ST_GET && answered)) index_q <= index_q + 7'd1;
        if (state_q == ST_PIECE || (state_q == ST_PUT && !put)) index_q <= 7'd0;
        if (rst) {write_q, read_q} <= 2'd0;
    end

    // --- beats to memory
    reg  [511:0] gather_q;
    reg  [511:0] out_q;
    reg  [63:0]  out_strb_q;
    reg  [63:0]  out_addr_q;
    reg          aw_q;
    reg          w_q;
    reg  [4:0]   owed_q;        // answers
    wire         out_free = !aw_q && !w_q && owed_q != WRITES;
    wire         ends_beat = state_q == ST_RESULT ? found_q : state_q == ST_GET && (word == 4'd15 || last_word);
    wire         push = answered && ends_beat;
    reg  [511:0] gathered;

    always @* begin
        gathered = gather_q;
        gathered[{word, 5'd0} +: 32] = axil_rdata_i;
        if (state_q == ST_RESULT) gathered = {448'd0, at_q, axil_rdata_i};
    end

    assign axil_rready_o = !ends_beat || out_free;
    assign aw_valid_o = aw_q;
    assign aw_addr_o = out_addr_q;
    assign w_valid_o = w_q;
    assign w_data_o = out_q;
    assign w_strb_o = out_strb_q;
    assign idle_o = !busy;

    always @(posedge clk) begin
        if (aw_ready_i) aw_q <= 1'b0;
        if (w_ready_i) w_q <= 1'b0;
        if (answered) gather_q <= gathered;
        if (push) begin
            {aw_q, w_q} <= 2'b11;
            out_q <= gathered;
            out_addr_q <= memory_q;
            out_strb_q <= state_q == ST_GET ? ~(64'hffff_ffff_ffff_fff0 << {word, 2'd0}) : {64{1'b1}};
        end
        owed_q <= owed_q + {4'd0, push} - {4'd0, b_valid_i};
        if (rst) begin
            {aw_q, w_q} <= 2'd0;
            owed_q <= 5'd0;
        end
    end

    // --- how far it is, and where it ends
    wire         mbox_ended = poll && answered && !axil_rdata_i[31];
    wire [30:0]  mbox_status = axil_rdata_i[30:0];
    wire         tried = state_q == ST_POLL && mbox_ended;
    wire         free = entries && mbox_status == ENOENT;           // the entry holds nothing
    wire         behind = tried && entries && mbox_status == EINVAL;  // there are no more entries
    wire         refused = tried && mbox_status != 31'd0 && !free;
    wire         whole = state_q == ST_PIECE && (left_q == 32'd0 || failed_q);
    wire         cancelled = stop && (state_q == ST_PIECE || (poll && answered && !mbox_ended));
    wire         unread = state_q == ST_FETCH && came_q == beats && failed_q;
    wire         ends = refused || whole || cancelled || unread;
    wire         moved = from_host ? tried : to_host && state_q == ST_GET && answered && last_word;
    wire         flushed = state_q == ST_FLUSH && !aw_q && !w_q && owed_q == 5'd0;

    always @(posedge clk) begin
        if (state_q == ST_PIECE) begin
            piece_q <= entries ? 7'd16 : piece;
            found_q <= 1'b0;
        end
        if (tried) found_q <= !free;
        if (moved && !refused) begin
            at_q <= at_q + {23'd0, piece_q, 2'd0};
            done_q <= done_q + {23'd0, piece_q, 2'd0};
            left_q <= left_q - {25'd0, piece_q};
        end
        if (state_q == ST_RESULT && answered) begin
            at_q <= !found_q && axil_rdata_i > at_q ? axil_rdata_i : at_q + 32'd1;
            done_q <= done_q + {31'd0, found_q};
            left_q <= left_q - {31'd0, found_q};
        end
        if ((ar_valid_o && ar_ready_i) || push) memory_q <= memory_q + 64'd64;
        if (start) begin
            at_q <= addr_q;
            done_q <= 32'd0;
            left_q <= wdata_i == ENTRIES ? count_q : {2'd0, count_q[31:2]};
            memory_q <= host_q;
        end
        if (rst) done_q <= 32'd0;
    end

    always @(posedge clk) begin
        if (start) status_q <= good ? 31'd0 : EINVAL;
        if (start) next_q <= addr_q;
        if (ends) next_q <= behind ? 32'hffff_ffff : at_q;
        if (refused && !behind) status_q <= mbox_status;
        if (cancelled) status_q <= ECANCELED;
        if (flushed && failed_q) status_q <= EIO;
        if (rst) {status_q, next_q} <= 63'd0;
    end

    // --- what comes next
    always @(posedge clk) begin
        case (state_q)
            ST_WAIT: if (mbox_ended) state_q <= ST_MAP;
            ST_MAP: if (commanded) state_q <= ST_PIECE;
            ST_PIECE: state_q <= from_host ? ST_FETCH : ST_ADDR;
            ST_FETCH: if (came_q == beats) state_q <= ST_PUT;
            ST_PUT: if (!put) state_q <= ST_ADDR;
            ST_ADDR: if (commanded) state_q <= entries ? ST_CMD : ST_BURST;
            ST_BURST: if (commanded) state_q <= ST_CMD;
            ST_CMD: if (commanded) state_q <= ST_POLL;
            ST_POLL: if (tried) state_q <= from_host ? ST_PIECE : free ? ST_RESULT : ST_GET;
            ST_GET: if (answered && last_word) state_q <= entries ? ST_RESULT : ST_PIECE;
            ST_RESULT: if (answered) state_q <= ST_PIECE;
            ST_FLUSH: if (flushed) state_q <= ST_IDLE;
            default: if (start && good) state_q <= ST_WAIT;
        endcase
        if (ends) state_q <= ST_FLUSH;
        if (rst) state_q <= ST_IDLE;
    end
endmodule
`default_nettype wire
