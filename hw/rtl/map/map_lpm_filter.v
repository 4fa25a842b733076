// SPDX-License-Identifier: BSD-3-Clause
// Which prefix lengths a key may have an entry of: for each length a table of cells that count the
// entries whose prefixes fall there. A cell at 0 says that there is none; another says "perhaps".
//
// The cell of a short prefix is its own, with the map's number in front; that of a longer one is
// its remainder modulo a polynomial. A cell that reached MOST counts no longer, and says "perhaps"
// until all are cleared.
// Latency: 3 clocks, a step each (enabled one by one); then the cells stay until step 3 comes
// again, and a change writes those read last. Throughput: a key a clock.
`default_nettype none

module map_lpm_filter #(
    parameter MAPS  = 1,    // maps
    parameter BITS  = 32,   // longest prefix: a multiple of 8, 8 to 480
    parameter CELLS = 1024  // cells of a length: a power of two, 16 to 2^20
) (
    input  wire                     clk,

    input  wire                     step1_i,  // takes map and key
    input  wire [7:0]               map_i,
    input  wire [BITS-1:0]          data_i,   // the key's bit n, counted from its highest, is bit n
    input  wire                     step2_i,
    input  wire                     step3_i,
    output wire [BITS:1]            may_o,

    input  wire                     change_i,  // an entry of this length is there, or gone
    input  wire [8:0]               length_i,
    input  wire                     more_i,
    input  wire                     clear_i,   // one cell of each length
    input  wire [$clog2(CELLS)-1:0] clear_at_i
);
    localparam CW = $clog2(CELLS);
    localparam MW = MAPS < 2 ? 0 : $clog2(MAPS);
    localparam [1:0] MOST = 2'd3;

    // A polynomial of each degree for which the powers of x repeat late, without its highest term.
    function [19:0] polynomial;
        input integer degree;
        begin
            case (degree)
                4, 6, 7, 15: polynomial = 20'h3;
                5, 11:       polynomial = 20'h5;
                8:           polynomial = 20'h1d;
                9:           polynomial = 20'h11;
                12:          polynomial = 20'h53;
                13:          polynomial = 20'h1b;
                14:          polynomial = 20'h2b;
                16:          polynomial = 20'h2d;
                18:          polynomial = 20'h81;
                19:          polynomial = 20'h27;
                default:     polynomial = 20'h9;  // 10, 17, 20
            endcase
        end
    endfunction

    // The powers of x that the key's bits stand for, and behind them those of the map's number.
    function [CW*(BITS+8)-1:0] powers;
        input [CW-1:0] low;
        integer        i;
        reg [CW-1:0]   power;
        begin
            power = {{(CW - 1) {1'b0}}, 1'b1};
            for (i = 0; i < BITS + 8; i = i + 1) begin
                powers[CW*i+:CW] = power;
                power = (power << 1) ^ (power[CW-1] ? low : {CW{1'b0}});
            end
        end
    endfunction

    localparam [19:0] LOW = polynomial(CW);
    localparam [CW*(BITS+8)-1:0] POWERS = powers(LOW[CW-1:0]);

    function [CW-1:0] of_map;
        input [7:0] map;
        integer     i;
        begin
            of_map = {CW{1'b0}};
            for (i = 0; i < MW; i = i + 1)
                of_map = of_map ^ (POWERS[CW*(BITS+i)+:CW] & {CW{map[i]}});
        end
    endfunction

    // 1: sums in each block of eight bits. 2: with those of the blocks before.
    function [CW*BITS-1:0] partial;
        input [BITS-1:0] data;
        integer          i;
        reg [CW-1:0]     sum;
        begin
            sum = {CW{1'b0}};
            for (i = 0; i < BITS; i = i + 1) begin
                sum = (i % 8 == 0 ? {CW{1'b0}} : sum) ^ (POWERS[CW*i+:CW] & {CW{data[i]}});
                partial[CW*i+:CW] = sum;
            end
        end
    endfunction

    function [CW*BITS-1:0] whole;
        input [CW*BITS-1:0] parts;
        input [CW-1:0]      start;
        integer             i;
        reg [CW-1:0]        sum;
        begin
            sum = start;
            for (i = 0; i < BITS; i = i + 1) begin
                whole[CW*i+:CW] = parts[CW*i+:CW] ^ sum;
                if (i % 8 == 7)
                    sum = sum ^ parts[CW*i+:CW];
            end
        end
    endfunction

    function [CW-1:0] first_bits;  // the key's first bits, highest first
        input [BITS-1:0] data;
        integer          i;
        begin
            for (i = 0; i < CW; i = i + 1)
                first_bits[CW-1-i] = i < BITS ? data[i] : 1'b0;
        end
    endfunction

    reg [CW*BITS-1:0] part_q, index_q;
    reg [CW-1:0]      map_q;
    reg [CW-1:0]      short2_q, short3_q;
    reg [7:0]         number2_q, number3_q;

    always @(posedge clk) begin
        if (step1_i) begin
            part_q    <= partial(data_i);
            map_q     <= of_map(map_i);
            short2_q  <= first_bits(data_i);
            number2_q <= map_i;
        end
        if (step2_i) begin
            index_q   <= whole(part_q, map_q);
            short3_q  <= short2_q;
            number3_q <= number2_q;
        end
    end

    // 3: the cells of each length.
    genvar n;
    generate
        for (n = 1; n <= BITS; n = n + 1) begin : g_length
            localparam OWN = n + MW <= CW;
            localparam AW  = OWN ? n + MW : CW;
            wire [AW-1:0] at;
            wire [1:0]    count;
            wire [1:0]    up   = count == MOST ? MOST : count + 2'd1;
            wire [1:0]    down = count == MOST || count == 2'd0 ? count : count - 2'd1;
            if (OWN && MW > 0) begin : g_own
                assign at = {number3_q[(MW > 0 ? MW : 1)-1:0], short3_q[CW-1-:n]};
            end else if (OWN) begin : g_alone
                assign at = short3_q[CW-1-:n];
            end else begin : g_shared
                assign at = index_q[CW*(n-1)+:CW];
            end
            map_bank #(
                .WIDTH(2),
                .WORDS(1 << AW)
            ) u_cells (
                .clk         (clk),
                .write_i     (clear_i || (change_i && length_i == n)),
                .write_addr_i(clear_i ? clear_at_i[AW-1:0] : at),
                .write_data_i(clear_i ? 2'd0 : more_i ? up : down),
                .read_i      (step3_i),
                .read_addr_i (at),
                .read_data_o (count)
            );
            assign may_o[n] = count != 2'd0;
        end
    endgenerate

    wire unused = &{1'b0, map_i, number2_q, number3_q, short3_q, index_q};
endmodule

`default_nettype wire
