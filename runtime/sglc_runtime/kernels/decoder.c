/* Everything of a small decoder but attention, in float32 on one CPU core.
 *
 * Library kernels cost more to call than to run at this size, and give a row other bits when it is
 * alone. Here every output sums its inputs in one order, k = 0, 1, ..., however many rows there
 * are; compile with -ffp-contract=off and without -ffast-math, so that this order is the program's.
 *
 * Weights are packed in panels of PANEL outputs, [panel][k][PANEL], as BLIS does (Van Zee and van
 * de Geijn 2015). Weights whose values are bfloat16 numbers are kept as such and widened on the
 * fly: the same products, half the memory traffic.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef LANES
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#endif
#include "vectors.h"

#define PANEL (2 * LANES)
#define ROWS 6      /* rows of one tile: ROWS * 2 accumulators */
#define DEPTH 512   /* inputs summed before partial sums go through memory */

typedef uint16_t half __attribute__((vector_size(BYTES / 2)));
typedef uint16_t half_unaligned __attribute__((vector_size(BYTES / 2), aligned(2), may_alias));

typedef struct {
    const void *weight; /* packed; see sglc_pack */
    const float *bias;  /* [outputs] or NULL */
    int32_t inputs, outputs, bf16;
} Linear;

typedef struct {
    Linear qkv, o, gate_up, down;
    const float *input_norm, *post_norm; /* [hidden] */
    const float *q_norm, *k_norm;        /* [dim] or NULL */
} Layer;

typedef struct {
    const float *cos, *sin; /* [positions, dim]; first half of sin negated */
    int32_t hidden, heads, kv_heads, dim;
    int32_t context; /* positions in the tables */
    float eps;
} Model;

static inline vec widen(const uint16_t *p) {
    half h = *(const half_unaligned *)p;
    return (vec)(__builtin_convertvector(h, uvec) << 16);
}
static inline float sum_lanes(vec x) {
    float s[LANES];
    memcpy(s, &x, sizeof s);
    for (int n = LANES / 2; n; n /= 2)
        for (int i = 0; i < n; i++) s[i] = s[i] + s[i + n];
    return s[0];
}

/* Number of elements that a packed weight takes. */
int64_t sglc_packed_size(int inputs, int outputs) {
    return (int64_t)((outputs + PANEL - 1) / PANEL) * PANEL * inputs;
}

/* Pack weight [outputs, inputs] float32. Returns 1 if it was stored as bfloat16 in packed16, which
 * needs all values to be bfloat16 numbers, else fills packed32 and returns 0. Both have room for
 * sglc_packed_size elements; packed16 may be NULL. */
int sglc_pack(const float *weight, int inputs, int outputs, float *packed32, uint16_t *packed16) {
    int exact = packed16 != NULL;
    for (int64_t i = 0; i < (int64_t)inputs * outputs && exact; i++) {
        uint32_t bits;
        memcpy(&bits, weight + i, 4);
        exact = (bits & 0xffffu) == 0;
    }
    for (int n = 0; n < (outputs + PANEL - 1) / PANEL * PANEL; n++)
        for (int k = 0; k < inputs; k++) {
            float value = n < outputs ? weight[(int64_t)n * inputs + k] : 0.0f;
            int64_t at = ((int64_t)(n / PANEL) * inputs + k) * PANEL + n % PANEL;
            uint32_t bits;
            memcpy(&bits, &value, 4);
            if (exact)
                packed16[at] = (uint16_t)(bits >> 16);
            else
                packed32[at] = value;
        }
    return exact;
}

/* out[r][0..PANEL) = start + sum over k of x[r][k] * w[k][0..PANEL), for R rows of one panel. */
#define TILE(R, NAME, TYPE, LOAD)                                                                \
    static void NAME(const float *x, int64_t x_step, const TYPE *w, int depth, float *sums,      \
                     int first) {                                                                \
        vec a[R][2];                                                                             \
        _Pragma("GCC unroll 8")                                                                  \
        for (int r = 0; r < R; r++)                                                              \
            _Pragma("GCC unroll 8")                                                              \
            for (int c = 0; c < 2; c++)                                                          \
                a[r][c] = first ? splat(0.0f) : load(sums + r * PANEL + c * LANES);              \
        for (int k = 0; k < depth; k++) {                                                        \
            vec w0 = LOAD(w + (int64_t)k * PANEL), w1 = LOAD(w + (int64_t)k * PANEL + LANES);    \
            _Pragma("GCC unroll 8")                                                              \
            for (int r = 0; r < R; r++) {                                                        \
                vec s = splat(x[r * x_step + k]);                                                \
                a[r][0] = fma_vec(s, w0, a[r][0]);                                               \
                a[r][1] = fma_vec(s, w1, a[r][1]);                                               \
            }                                                                                    \
        }                                                                                        \
        _Pragma("GCC unroll 8")                                                                  \
        for (int r = 0; r < R; r++)                                                              \
            _Pragma("GCC unroll 8")                                                              \
            for (int c = 0; c < 2; c++) store(sums + r * PANEL + c * LANES, a[r][c]);            \
    }
/* One row over P panels at once: enough independent sums to hide the latency. */
#define STRIP(P, NAME, TYPE, LOAD)                                                               \
    static void NAME(const float *x, const TYPE *w, int inputs, float *sums) {                   \
        vec a[P][2];                                                                             \
        const int64_t step = (int64_t)inputs * PANEL;                                            \
        _Pragma("GCC unroll 8")                                                                  \
        for (int p = 0; p < P; p++) a[p][0] = a[p][1] = splat(0.0f);                             \
        for (int k = 0; k < inputs; k++) {                                                       \
            vec s = splat(x[k]);                                                                 \
            _Pragma("GCC unroll 8")                                                              \
            for (int p = 0; p < P; p++) {                                                        \
                const TYPE *at = w + p * step + (int64_t)k * PANEL;                              \
                a[p][0] = fma_vec(s, LOAD(at), a[p][0]);                                         \
                a[p][1] = fma_vec(s, LOAD(at + LANES), a[p][1]);                                 \
            }                                                                                    \
        }                                                                                        \
        _Pragma("GCC unroll 8")                                                                  \
        for (int p = 0; p < P; p++)                                                              \
            _Pragma("GCC unroll 8")                                                              \
            for (int c = 0; c < 2; c++) store(sums + p * PANEL + c * LANES, a[p][c]);            \
    }
TILE(1, tile1_f, float, load)
TILE(2, tile2_f, float, load)
TILE(3, tile3_f, float, load)
TILE(4, tile4_f, float, load)
TILE(5, tile5_f, float, load)
TILE(6, tile6_f, float, load)
TILE(2, tile2_h, uint16_t, widen)
TILE(3, tile3_h, uint16_t, widen)
TILE(4, tile4_h, uint16_t, widen)
TILE(5, tile5_h, uint16_t, widen)
TILE(6, tile6_h, uint16_t, widen)
STRIP(1, strip1_f, float, load)
STRIP(4, strip4_f, float, load)
STRIP(1, strip1_h, uint16_t, widen)
STRIP(4, strip4_h, uint16_t, widen)

typedef void (*TileF)(const float *, int64_t, const float *, int, float *, int);
typedef void (*TileH)(const float *, int64_t, const uint16_t *, int, float *, int);
static const TileF tiles_f[ROWS + 1] = {0, tile1_f, tile2_f, tile3_f, tile4_f, tile5_f, tile6_f};
static const TileH tiles_h[ROWS + 1] = {0, 0, tile2_h, tile3_h, tile4_h, tile5_h, tile6_h};

/* Sums of one row and panel to their place: bias, then the residual, outputs beyond cut off. */
static inline void put(const Linear *l, const float *sums, int panel, float *out,
                       const float *residual) {
    int from = panel * PANEL, count = l->outputs - from < PANEL ? l->outputs - from : PANEL;
    for (int n = 0; n < count; n++) {
        float value = sums[n];
        if (l->bias) value = value + l->bias[from + n];
        out[from + n] = residual ? residual[from + n] + value : value;
    }
}

/* out[rows, outputs] = x[rows, inputs] @ weight.T + bias (+ residual, which may be out). */
static int linear(const Linear *l, const float *x, int rows, float *out, const float *residual) {
    const int panels = (l->outputs + PANEL - 1) / PANEL, inputs = l->inputs;
    const int64_t step = (int64_t)inputs * PANEL;
    const float *wf = l->weight;
    const uint16_t *wh = l->weight;
    if (rows == 1) {
        float sums[4 * PANEL];
        int p = 0;
        for (; p + 4 <= panels; p += 4) {
            if (l->bf16) strip4_h(x, wh + p * step, inputs, sums);
            else strip4_f(x, wf + p * step, inputs, sums);
            for (int i = 0; i < 4; i++) put(l, sums + i * PANEL, p + i, out, residual);
        }
        for (; p < panels; p++) {
            if (l->bf16) strip1_h(x, wh + p * step, inputs, sums);
            else strip1_f(x, wf + p * step, inputs, sums);
            put(l, sums, p, out, residual);
        }
        return 0;
    }
    const int widened = l->bf16 && rows > ROWS;
    const int depth = inputs < DEPTH ? inputs : DEPTH;
    float *sums = malloc(((int64_t)rows + (widened ? depth : 0)) * PANEL * sizeof(float));
    if (!sums) return 1;
    float *wide = sums + (int64_t)rows * PANEL;
    for (int p = 0; p < panels; p++) {
        for (int k = 0; k < inputs; k += DEPTH) {
            int count = inputs - k < DEPTH ? inputs - k : DEPTH;
            const int64_t at = p * step + (int64_t)k * PANEL;
            if (widened)
                for (int i = 0; i < count * 2; i++)
                    store(wide + i * LANES, widen(wh + at + i * LANES));
            for (int r = 0; r < rows; r += ROWS) {
                int left = rows - r;
                int height = left < ROWS ? left : ROWS;
                const float *from = x + (int64_t)r * inputs + k;
                float *to = sums + (int64_t)r * PANEL;
                if (widened) tiles_f[height](from, inputs, wide, count, to, k == 0);
                else if (l->bf16 && height > 1)
                    tiles_h[height](from, inputs, wh + at, count, to, k == 0);
                else if (l->bf16) {
                    float row[DEPTH * PANEL];
                    for (int i = 0; i < count * 2; i++)
                        store(row + i * LANES, widen(wh + at + i * LANES));
                    tiles_f[1](from, inputs, row, count, to, k == 0);
                } else tiles_f[height](from, inputs, wf + at, count, to, k == 0);
            }
        }
        for (int r = 0; r < rows; r++)
            put(l, sums + (int64_t)r * PANEL, p, out + (int64_t)r * l->outputs,
                residual ? residual + (int64_t)r * l->outputs : NULL);
    }
    free(sums);
    return 0;
}

/* RMSNorm of one row (arXiv 1910.07467); in and out may be the same. */
static void rms_norm(const float *x, const float *weight, float *out, int size, float eps) {
    vec squares[2] = {splat(0.0f), splat(0.0f)};
    int i = 0;
    for (; i + 2 * LANES <= size; i += 2 * LANES)
        for (int c = 0; c < 2; c++) {
            vec v = load(x + i + c * LANES);
            squares[c] = fma_vec(v, v, squares[c]);
        }
    float sum = sum_lanes(squares[0] + squares[1]);
    for (; i < size; i++) sum = FMA(x[i], x[i], sum);
    float scale = 1.0f / sqrtf(sum / (float)size + eps);
    for (i = 0; i < size; i++) out[i] = x[i] * scale * weight[i];
}

static void rotate(float *x, const float *cos, const float *sin, int dim) {
    int half = dim / 2;
    for (int d = 0; d < half; d++) {
        float a = x[d], b = x[d + half];
        x[d] = FMA(a, cos[d], b * sin[d]);
        x[d + half] = FMA(b, cos[d + half], a * sin[d + half]);
    }
}

/* qkv [rows, (heads + 2 kv_heads) * dim] of x [rows, hidden]: norm, projection, rotation.
 * Here and below: 0 is success, 1 out of memory, 2 a position or row out of range. */
int sglc_before_attention(const Model *m, const Layer *l, const float *x,
                          const int64_t *positions, int rows, float *qkv) {
    for (int r = 0; r < rows; r++)
        if (positions[r] < 0 || positions[r] >= m->context) return 2;
    float *normed = calloc((int64_t)rows * m->hidden + 1, sizeof(float));
    if (!normed) return 1;
    for (int64_t r = 0; r < rows; r++)
        rms_norm(x + r * m->hidden, l->input_norm, normed + r * m->hidden, m->hidden, m->eps);
    int status = linear(&l->qkv, normed, rows, qkv, NULL);
    free(normed);
    for (int64_t r = 0; r < rows && !status; r++) {
        float *head = qkv + r * l->qkv.outputs;
        const float *cos = m->cos + positions[r] * m->dim, *sin = m->sin + positions[r] * m->dim;
        for (int h = 0; h < m->heads + m->kv_heads; h++, head += m->dim) {
            const float *norm = h < m->heads ? l->q_norm : l->k_norm;
            if (norm) rms_norm(head, norm, head, m->dim, m->eps);
            rotate(head, cos, sin, m->dim);
        }
    }
    return status;
}

/* x [rows, hidden] += o(attended), then += down(silu(gate) * up) of its norm. */
int sglc_after_attention(const Model *m, const Layer *l, const float *attended, int rows,
                         float *x) {
    const int inner = l->down.inputs, hidden = m->hidden;
    float *normed = malloc((int64_t)rows * (hidden + 3 * (int64_t)inner) * sizeof(float));
    if (!normed) return 1;
    float *gate_up = normed + (int64_t)rows * hidden;
    float *active = gate_up + 2 * (int64_t)rows * inner;
    int status = linear(&l->o, attended, rows, x, x);
    for (int64_t r = 0; r < rows; r++)
        rms_norm(x + r * hidden, l->post_norm, normed + r * hidden, hidden, m->eps);
    if (!status) status = linear(&l->gate_up, normed, rows, gate_up, NULL);
    for (int64_t r = 0; r < rows && !status; r++) {
        const float *gate = gate_up + 2 * r * inner, *up = gate + inner;
        float *out = active + r * inner;
        int i = 0;
        for (; i + LANES <= inner; i += LANES) {
            vec g = load(gate + i);
            store(out + i, g / (splat(1.0f) + exp_vec(-g)) * load(up + i));
        }
        for (; i < inner; i++) {
            float g = gate[i];
            out[i] = g / (1.0f + exp_vec(splat(-g))[0]) * up[i];
        }
    }
    if (!status) status = linear(&l->down, active, rows, x, x);
    free(normed);
    return status;
}

/* logits [count, vocab] of those rows of x [rows, hidden] that `wanted` [count] lists. */
int sglc_logits(const Model *m, const float *norm, const Linear *head, const float *x,
                int rows, const int64_t *wanted, int count, float *logits) {
    for (int i = 0; i < count; i++)
        if (wanted[i] < 0 || wanted[i] >= rows) return 2;
    float *normed = malloc((int64_t)count * m->hidden * sizeof(float) + 4);
    if (!normed) return 1;
    for (int64_t i = 0; i < count; i++)
        rms_norm(x + wanted[i] * m->hidden, norm, normed + i * m->hidden, m->hidden, m->eps);
    int status = count ? linear(head, normed, count, logits, NULL) : 0;
    free(normed);
    return status;
}

/* For tests: one linear layer. */
int sglc_linear(const Linear *l, const float *x, int rows, float *out) {
    return linear(l, x, rows, out, NULL);
}
