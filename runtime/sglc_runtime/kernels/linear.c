/* Linear layers in float32 arithmetic, weights in float32 or bfloat16.
 *
 * Library kernels cost more to call than to run for small models, and give a row other bits when it
 * is alone. Here every output sums its inputs in one order, k = 0, 1, ..., however many rows there
 * are and whichever thread computes it; compile with -ffp-contract=off and without -ffast-math, so
 * that this order is the program's.
 *
 * Weights are packed in panels of PANEL outputs, [panel][k][PANEL], as BLIS does (Van Zee and van
 * de Geijn 2015). Bfloat16 weights are widened on the fly, which is exact: the same products, half
 * the memory traffic. Their panels hold outputs j and j + LANES side by side, the two halves of one
 * 32-bit lane, so that a shift and a mask widen them.
 */
#include "linear.h"

#include "pool.h"
#include "vectors.h"

#define FEW_ROWS 6  /* rows that one tile takes: FEW_ROWS * 2 sums in registers */
#define DEPTH 256   /* inputs summed before sums of many rows go through memory */
#define ROW_BLOCK 96
#define DIRECT_ROWS 64 /* up to these, bfloat16 is widened anew for each tile, from the cache */
#define GROUP_PANELS 8 /* panels that read a block of x while it is in the cache */
#define MIN_WORK 100000 /* multiply-adds that are worth a part of their own */
#define PARTS_PER_THREAD 4
#define AHEAD 2048 /* bytes: a lone stream is fetched too late by the hardware alone */
#define UNROLL _Pragma("GCC unroll 8")

int sglc_parts(int64_t units, int64_t work_per_unit) {
    const int threads = sglc_threads();
    if (threads < 2) return 1;
    int64_t parts = units * work_per_unit / MIN_WORK;
    if (parts > threads * PARTS_PER_THREAD) parts = threads * PARTS_PER_THREAD;
    if (parts > units) parts = units;
    return parts < 1 ? 1 : (int)parts;
}

#define PAIR_F(w, low, high) vec low = load(w), high = load((w) + LANES)
#define PAIR_H(w, low, high)                                                       \
    uvec low##_pair = *(const uvec_unaligned *)(w);                                \
    vec low = (vec)(low##_pair << 16), high = (vec)(low##_pair & 0xffff0000u)
typedef uint32_t uvec_unaligned __attribute__((vector_size(BYTES), aligned(4), may_alias));

/* sums[p][r][0..PANEL) (+)= sum over k of x[r][k] * w[p][k][0..PANEL), R rows by P panels. */
#define TILE(R, P, TYPE, KIND)                                                                   \
    static void tile_##R##_##P##KIND(const float *x, int64_t x_step, const TYPE *w,              \
                                     int64_t w_step, int64_t depth, float *sums,                 \
                                     int64_t sums_step, int first, const char *ahead) {          \
        vec a[P][R][2];                                                                          \
        UNROLL for (int p = 0; p < P; p++)                                                       \
            UNROLL for (int r = 0; r < R; r++)                                                   \
                UNROLL for (int c = 0; c < 2; c++)                                               \
                    a[p][r][c] = first ? splat(0.0f)                                             \
                                       : load(sums + p * sums_step + r * PANEL + c * LANES);     \
        for (int64_t k = 0; k < depth; k++) {                                                    \
            if (P == 1) __builtin_prefetch(ahead + k * PANEL * sizeof(TYPE));                    \
            UNROLL for (int p = 0; p < P; p++) {                                                 \
                PAIR##KIND(w + p * w_step + k * PANEL, low, high);                               \
                UNROLL for (int r = 0; r < R; r++) {                                             \
                    vec s = splat(x[r * x_step + k]);                                            \
                    a[p][r][0] = fma_vec(s, low, a[p][r][0]);                                    \
                    a[p][r][1] = fma_vec(s, high, a[p][r][1]);                                   \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
        UNROLL for (int p = 0; p < P; p++)                                                       \
            UNROLL for (int r = 0; r < R; r++)                                                   \
                UNROLL for (int c = 0; c < 2; c++)                                               \
                    store(sums + p * sums_step + r * PANEL + c * LANES, a[p][r][c]);             \
    }
#define TILES(TYPE, KIND)                                                                        \
    TILE(1, 4, TYPE, KIND)                                                                       \
    TILE(2, 2, TYPE, KIND)                                                                       \
    TILE(3, 2, TYPE, KIND)                                                                       \
    TILE(1, 1, TYPE, KIND)                                                                       \
    TILE(2, 1, TYPE, KIND)                                                                       \
    TILE(3, 1, TYPE, KIND)                                                                       \
    TILE(4, 1, TYPE, KIND)                                                                       \
    TILE(5, 1, TYPE, KIND)                                                                       \
    TILE(6, 1, TYPE, KIND)
TILES(float, _F)
TILES(uint16_t, _H)

typedef void (*TileF)(const float *, int64_t, const float *, int64_t, int64_t, float *, int64_t,
                      int, const char *);
typedef void (*TileH)(const float *, int64_t, const uint16_t *, int64_t, int64_t, float *, int64_t,
                      int, const char *);
/* By rows: several panels at once while registers allow, which hides the latency of the sums. */
static const int together[FEW_ROWS + 1] = {0, 4, 2, 2, 1, 1, 1};
static const TileF wide_f[FEW_ROWS + 1] = {0,         tile_1_4_F, tile_2_2_F, tile_3_2_F,
                                           tile_4_1_F, tile_5_1_F, tile_6_1_F};
static const TileF one_f[FEW_ROWS + 1] = {0,         tile_1_1_F, tile_2_1_F, tile_3_1_F,
                                          tile_4_1_F, tile_5_1_F, tile_6_1_F};
static const TileH wide_h[FEW_ROWS + 1] = {0,         tile_1_4_H, tile_2_2_H, tile_3_2_H,
                                           tile_4_1_H, tile_5_1_H, tile_6_1_H};
static const TileH one_h[FEW_ROWS + 1] = {0,         tile_1_1_H, tile_2_1_H, tile_3_1_H,
                                          tile_4_1_H, tile_5_1_H, tile_6_1_H};

typedef struct {
    const Linear *linear;
    const float *x, *residual;
    float *out;
    int64_t rows, panels, row_blocks;
} Call;

/* Sums of one row and panel to their place: bias, then the residual, outputs beyond cut off. */
static inline void put(const Call *call, const float *sums, int64_t panel, int64_t row) {
    const Linear *l = call->linear;
    const int64_t from = panel * PANEL, at = row * l->outputs + from;
    const int count = l->outputs - from < PANEL ? (int)(l->outputs - from) : PANEL;
    const float *bias = l->bias ? l->bias + from : 0;
    const float *residual = call->residual ? call->residual + at : 0;
    float *out = call->out + at;
    if (count == PANEL) {
        UNROLL for (int c = 0; c < PANEL; c += LANES) {
            vec value = load(sums + c);
            if (bias) value = value + load(bias + c);
            store(out + c, residual ? load(residual + c) + value : value);
        }
        return;
    }
    for (int n = 0; n < count; n++) {
        float value = sums[n];
        if (bias) value = value + bias[n];
        out[n] = residual ? residual[n] + value : value;
    }
}

/* Panels [from, to) for up to FEW_ROWS rows: one pass over the weights, sums in registers. */
static void few_rows(const Call *call, int64_t from, int64_t to) {
    const Linear *l = call->linear;
    const int64_t step = (int64_t)l->inputs * PANEL;
    const int rows = (int)call->rows;
    float sums[4 * FEW_ROWS * PANEL];
    for (int64_t p = from; p < to;) {
        const int count = p + together[rows] <= to ? together[rows] : 1;
        const uint16_t *half = (const uint16_t *)l->weight + p * step;
        const float *full = (const float *)l->weight + p * step;
        if (l->kind == BFLOAT16)
            (count > 1 ? wide_h : one_h)[rows](call->x, l->inputs, half, step, l->inputs, sums,
                                               rows * PANEL, 1, (const char *)half + AHEAD);
        else
            (count > 1 ? wide_f : one_f)[rows](call->x, l->inputs, full, step, l->inputs, sums,
                                               rows * PANEL, 1, (const char *)full + AHEAD);
        for (int i = 0; i < count; i++, p++)
            for (int r = 0; r < rows; r++) put(call, sums + (i * rows + r) * PANEL, p, r);
    }
}

/* Rows of the tiles that `rows` are cut into: as equal as can be, none above FEW_ROWS. */
static inline int tile_rows(int64_t rows) {
    return (int)ceil_div(rows, ceil_div(rows, FEW_ROWS));
}

/* One panel, inputs [k, k + depth), for rows [row, row + rows): sums [rows][PANEL]. */
static void panel_block(const Call *call, int64_t panel, int64_t k, int64_t depth, int64_t row,
                        int64_t rows, float *sums) {
    const Linear *l = call->linear;
    const int64_t at = (panel * l->inputs + k) * PANEL, inputs = l->inputs;
    const int height = tile_rows(rows);
    const float *weight = (const float *)l->weight + at;
    const uint16_t *half = (const uint16_t *)l->weight + at;
    float wide[DEPTH * PANEL];
    if (l->kind == BFLOAT16 && rows > DIRECT_ROWS) {
        for (int64_t i = 0; i < depth; i++) {
            PAIR_H(half + i * PANEL, low, high);
            store(wide + i * PANEL, low);
            store(wide + i * PANEL + LANES, high);
        }
        weight = wide;
    }
    for (int64_t r = 0; r < rows; r += height) {
        const int count = rows - r < height ? (int)(rows - r) : height;
        const float *x = call->x + (row + r) * inputs + k;
        float *to = sums + r * PANEL;
        if (l->kind == BFLOAT16 && rows <= DIRECT_ROWS)
            one_h[count](x, inputs, half, 0, depth, to, 0, k == 0, (const char *)half + AHEAD);
        else
            one_f[count](x, inputs, weight, 0, depth, to, 0, k == 0, (const char *)weight + AHEAD);
    }
}

/* Panels [from, to) for one block of rows. */
static void many_rows(const Call *call, int64_t from, int64_t to, int64_t row, int64_t rows) {
    const int64_t inputs = call->linear->inputs;
    float sums[GROUP_PANELS * ROW_BLOCK * PANEL];
    const int64_t group = rows <= DIRECT_ROWS ? 1 : GROUP_PANELS;
    for (int64_t p = from; p < to; p += group) {
        const int64_t end = p + group < to ? p + group : to;
        for (int64_t k = 0; k < inputs; k += DEPTH) {
            const int64_t depth = inputs - k < DEPTH ? inputs - k : DEPTH;
            for (int64_t i = p; i < end; i++)
                panel_block(call, i, k, depth, row, rows, sums + (i - p) * rows * PANEL);
        }
        for (int64_t i = p; i < end; i++)
            for (int64_t r = 0; r < rows; r++)
                put(call, sums + ((i - p) * rows + r) * PANEL, i, row + r);
    }
}

static void float_part(void *arg, int part, int parts) {
    const Call *call = arg;
    if (call->rows <= FEW_ROWS) {
        few_rows(call, call->panels * part / parts, call->panels * (part + 1) / parts);
        return;
    }
    const int64_t blocks = call->row_blocks, block = part % blocks;
    const int64_t slices = parts / blocks, slice = part / blocks;
    const int64_t row = call->rows * block / blocks, end = call->rows * (block + 1) / blocks;
    many_rows(call, call->panels * slice / slices, call->panels * (slice + 1) / slices, row,
              end - row);
}

void sglc_float_linear(const Linear *l, const float *x, int64_t rows, float *out,
                       const float *residual) {
    Call call = {l, x, residual, out, rows, ceil_div(l->outputs, PANEL), ceil_div(rows, ROW_BLOCK)};
    if (rows < 1) return;
    int slices = sglc_parts(call.panels, (int64_t)l->inputs * PANEL * rows / call.row_blocks);
    sglc_parallel(float_part, &call, rows <= FEW_ROWS ? slices : (int)(slices * call.row_blocks));
}

int64_t sglc_linear_scratch(int kind, int inputs, int64_t rows) {
    const int64_t groups = ceil_div(inputs, GROUP);
    return kind == INT8 || kind == INT4 ? rows * groups * (GROUP + 8) + 64 : 0;
}

void sglc_run_linear(const Linear *l, const float *x, int64_t rows, float *out,
                     const float *residual, void *scratch) {
    if (l->kind == INT8 || l->kind == INT4)
        sglc_quantized_linear(l, x, rows, out, residual, scratch);
    else
        sglc_float_linear(l, x, rows, out, residual);
}
