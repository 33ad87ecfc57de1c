/* Linear layers over int8 and int4 weights: integer products within a group of 32 inputs.
 *
 * Rows of x are quantised to int8, each group with its own scale, as llama.cpp does for q8_0 and
 * q4_0. Products within a group are summed as integers, which is exact in any order; the sums of
 * groups are scaled and added in float32 in the order of the groups, so that a row's result is
 * bitwise the same for any number of rows and threads, with and without AVX2.
 *
 * Blocks are [quad of inputs][QPANEL outputs][4 inputs], so that one 32-bit lane holds what one
 * output multiplies with four inputs, and the four inputs of a row are spread to all lanes. An int4
 * block holds quads 2i and 2i + 1 in the low and high half of its bytes, 8 added to each weight.
 */
#include <math.h>

#define LANES 8 /* a block has 16 outputs, two vectors, on every machine */
#include "linear.h"
#include "pool.h"
#include "vectors.h"
#if defined(__AVX2__) && !defined(SGLC_PORTABLE)
#include <immintrin.h>
#define INTRINSICS 1
#else
#define INTRINSICS 0
#endif

#define TILE_ROWS 4
#define TILE_PANELS 4 /* for one row, two for two rows */
#define ROW_BLOCK 64
#define TINY 1e-30f /* groups whose largest number is below are taken for zero */
#define AHEAD 2048 /* bytes; see linear.c */
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

typedef uint32_t uvec_unaligned __attribute__((vector_size(32), aligned(4), may_alias));
typedef int8_t bytes8 __attribute__((vector_size(8)));

/* As splat; written out, because compilers know this form in long loops too. */
INLINE vec spread(float x) { return (vec){x, x, x, x, x, x, x, x}; }

/* Rows of x as integers. */
typedef struct {
    int8_t *q;      /* [rows, groups * GROUP] */
    float *scales;  /* [rows, groups] */
    int32_t *sums;  /* [rows, groups]: of q */
    int64_t groups;
} Rows;

typedef struct {
    const Linear *linear;
    const float *x, *residual;
    float *out;
    Rows in;
    int64_t rows, panels, row_blocks;
} Call;

static Rows rows_at(void *scratch, int64_t rows, int64_t groups) {
    Rows r = {.groups = groups};
    r.q = (int8_t *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
    r.scales = (float *)(r.q + rows * groups * GROUP);
    r.sums = (int32_t *)(r.scales + rows * groups);
    return r;
}

/* One group of one row. A group with NaN or infinity gets the scale NaN, and so does its result. */
static void quantize_group(const float *x, int8_t *q, float *scale, int32_t *sum) {
    vec v[4], most = splat(0.0f), poison = splat(0.0f);
    UNROLL for (int c = 0; c < 4; c++) {
        v[c] = load(x + c * LANES);
        most = max_vec(max_vec(v[c], -v[c]), most);
        poison = poison + v[c] * splat(0.0f);
    }
    float top = 0.0f, bad = 0.0f;
    for (int i = 0; i < LANES; i++) {
        top = most[i] > top ? most[i] : top;
        bad = bad + poison[i];
    }
    if (top < TINY) top = 0.0f;
    const vec inverse = splat(top > 0.0f ? 127.0f / top : 0.0f), magic = splat(12582912.0f);
    ivec total = (ivec)splat(0.0f);
    UNROLL for (int c = 0; c < 4; c++) {
        /* 1.5 * 2^23: adding it rounds to an integer, which is then in the low bits. */
        ivec n = (ivec)(v[c] * inverse + magic) - (ivec)magic;
        total = total + n;
        bytes8 small = __builtin_convertvector(n, bytes8);
        memcpy(q + c * LANES, &small, 8);
    }
    *scale = top / 127.0f + bad;
    *sum = 0;
    for (int i = 0; i < LANES; i++) *sum += total[i];
}

static void quantize_rows(void *arg, int part, int parts) {
    const Call *call = arg;
    const Rows *in = &call->in;
    const int64_t inputs = call->linear->inputs, end = call->rows * (part + 1) / parts;
    for (int64_t r = call->rows * part / parts; r < end; r++)
        for (int64_t g = 0; g < in->groups; g++) {
            const float *x = call->x + r * inputs + g * GROUP;
            float last[GROUP] = {0};
            if ((g + 1) * GROUP > inputs) {
                memcpy(last, x, (inputs - g * GROUP) * sizeof(float));
                x = last;
            }
            const int64_t at = r * in->groups + g;
            quantize_group(x, in->q + at * GROUP, in->scales + at, in->sums + at);
        }
}

#if INTRINSICS
/* Integer sums of R rows with one block: 16 outputs in two vectors. */
INLINE void dot_int8(int rows, const uint8_t *block, const int8_t *const *q, ivec sums[][2]) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i a[TILE_ROWS][2];
    UNROLL for (int r = 0; r < rows; r++) a[r][0] = a[r][1] = _mm256_setzero_si256();
    UNROLL for (int i = 0; i < GROUP / 4; i++) {
        __m256i w[2], positive[2];
        __builtin_prefetch(block + i * 64 + AHEAD);
        UNROLL for (int c = 0; c < 2; c++) {
            w[c] = _mm256_loadu_si256((const __m256i *)(block + i * 64 + c * 32));
            positive[c] = _mm256_abs_epi8(w[c]);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, q[r] + 4 * i, 4);
            const __m256i x = _mm256_set1_epi32(four);
            UNROLL for (int c = 0; c < 2; c++) { /* |w| * (x with w's sign): 2 * 127^2 < 2^15 */
                __m256i p = _mm256_maddubs_epi16(positive[c], _mm256_sign_epi8(x, w[c]));
                a[r][c] = _mm256_add_epi32(a[r][c], _mm256_madd_epi16(p, ones));
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < 2; c++) sums[r][c] = (ivec)a[r][c];
}
INLINE void dot_int4(int rows, const uint8_t *block, const int8_t *const *q, ivec sums[][2]) {
    const __m256i ones = _mm256_set1_epi16(1), low = _mm256_set1_epi8(15);
    __m256i a[TILE_ROWS][2];
    UNROLL for (int r = 0; r < rows; r++) a[r][0] = a[r][1] = _mm256_setzero_si256();
    UNROLL for (int i = 0; i < GROUP / 8; i++) {
        __m256i first[2], second[2];
        __builtin_prefetch(block + i * 64 + AHEAD);
        UNROLL for (int c = 0; c < 2; c++) {
            __m256i w = _mm256_loadu_si256((const __m256i *)(block + i * 64 + c * 32));
            first[c] = _mm256_and_si256(w, low);
            second[c] = _mm256_and_si256(_mm256_srli_epi16(w, 4), low);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            int32_t four[2];
            memcpy(four, q[r] + 8 * i, 8);
            const __m256i x = _mm256_set1_epi32(four[0]), y = _mm256_set1_epi32(four[1]);
            UNROLL for (int c = 0; c < 2; c++) { /* eight of at most 2 * 15 * 127: below 2^15 */
                a[r][c] = _mm256_add_epi16(a[r][c], _mm256_maddubs_epi16(first[c], x));
                a[r][c] = _mm256_add_epi16(a[r][c], _mm256_maddubs_epi16(second[c], y));
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < 2; c++) sums[r][c] = (ivec)_mm256_madd_epi16(a[r][c], ones);
}
#else
INLINE void dot_int8(int rows, const uint8_t *block, const int8_t *const *q, ivec sums[][2]) {
    for (int r = 0; r < rows; r++) {
        int32_t a[QPANEL] = {0};
        for (int i = 0; i < GROUP / 4; i++)
            for (int n = 0; n < QPANEL; n++)
                for (int b = 0; b < 4; b++)
                    a[n] += (int8_t)block[(i * QPANEL + n) * 4 + b] * q[r][4 * i + b];
        memcpy(sums[r], a, sizeof a);
    }
}
INLINE void dot_int4(int rows, const uint8_t *block, const int8_t *const *q, ivec sums[][2]) {
    for (int r = 0; r < rows; r++) {
        int32_t a[QPANEL] = {0};
        for (int i = 0; i < GROUP / 8; i++)
            for (int n = 0; n < QPANEL; n++)
                for (int b = 0; b < 4; b++) {
                    const uint8_t w = block[(i * QPANEL + n) * 4 + b];
                    a[n] += (w & 15) * q[r][8 * i + b] + (w >> 4) * q[r][8 * i + 4 + b];
                }
        memcpy(sums[r], a, sizeof a);
    }
}
#endif

/* `panels` panels for `rows` rows from `row` on: sums [panel][row][2], in the order of the groups.
 * Several panels are several streams for the memory to fetch ahead. */
INLINE void tile(int rows, int panels, int kind, const Call *call, const uint8_t *block,
                 int64_t row, vec *out) {
    const Rows *in = &call->in;
    const int64_t bytes = BLOCK_BYTES(kind), step = in->groups * bytes;
    const int8_t *q[TILE_ROWS];
    vec a[TILE_PANELS][TILE_ROWS][2];
    UNROLL for (int r = 0; r < rows; r++) {
        q[r] = in->q + (row + r) * in->groups * GROUP;
        UNROLL for (int p = 0; p < panels; p++) a[p][r][0] = a[p][r][1] = splat(0.0f);
    }
    const float *scales = in->scales + row * in->groups;
    const int32_t *sums = in->sums + row * in->groups;
    for (int64_t g = 0; g < in->groups; g++, block += bytes) {
        UNROLL for (int p = 0; p < panels; p++) {
            const uint8_t *at = block + p * step;
            ivec dots[TILE_ROWS][2];
            if (kind == INT8) dot_int8(rows, at, q, dots);
            else dot_int4(rows, at, q, dots);
            const uvec pair = *(const uvec_unaligned *)(at + bytes - SCALE_BYTES);
            const vec w[2] = {(vec)(pair << 16), (vec)(pair & 0xffff0000u)};
            UNROLL for (int r = 0; r < rows; r++) {
                const vec scale = spread(scales[r * in->groups + g]);
                UNROLL for (int c = 0; c < 2; c++) {
                    ivec dot = dots[r][c];
                    if (kind == INT4) dot = dot - 8 * sums[r * in->groups + g];
                    a[p][r][c] =
                        fma_vec(__builtin_convertvector(dot, vec), w[c] * scale, a[p][r][c]);
                }
            }
        }
        UNROLL for (int r = 0; r < rows; r++) q[r] += GROUP;
    }
    UNROLL for (int p = 0; p < panels; p++)
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < 2; c++) out[(p * rows + r) * 2 + c] = a[p][r][c];
}
#define TILE(R, P, KIND)                                                                         \
    static void tile_##R##_##P##_##KIND(const Call *call, const uint8_t *block, int64_t row,     \
                                        vec *out) {                                              \
        tile(R, P, KIND, call, block, row, out);                                                 \
    }
#define TILES(KIND)                                                                              \
    TILE(1, 4, KIND) TILE(2, 2, KIND) TILE(1, 1, KIND) TILE(2, 1, KIND) TILE(3, 1, KIND)         \
    TILE(4, 1, KIND)
TILES(INT8)
TILES(INT4)
typedef void (*Tile)(const Call *, const uint8_t *, int64_t, vec *);
static const int together[TILE_ROWS + 1] = {0, 4, 2, 1, 1};
#define ONE(KIND) {0, tile_1_1_##KIND, tile_2_1_##KIND, tile_3_1_##KIND, tile_4_1_##KIND}
#define WIDE(KIND) {0, tile_1_4_##KIND, tile_2_2_##KIND, tile_3_1_##KIND, tile_4_1_##KIND}
static const Tile tiles[2][2][TILE_ROWS + 1] = {{ONE(INT8), WIDE(INT8)}, {ONE(INT4), WIDE(INT4)}};

/* Sums of one row and panel to their place: bias, then the residual, outputs beyond cut off. */
static void put(const Call *call, const vec *sums, int64_t panel, int64_t row) {
    const Linear *l = call->linear;
    const int64_t from = panel * QPANEL, at = row * l->outputs + from;
    const int count = l->outputs - from < QPANEL ? (int)(l->outputs - from) : QPANEL;
    float values[QPANEL];
    memcpy(values, sums, sizeof values);
    for (int n = 0; n < count; n++) {
        float value = values[n];
        if (l->bias) value = value + l->bias[from + n];
        call->out[at + n] = call->residual ? call->residual[at + n] + value : value;
    }
}

static void quantized_part(void *arg, int part, int parts) {
    const Call *call = arg;
    const Linear *l = call->linear;
    const int64_t blocks = call->row_blocks, slices = parts / blocks, slice = part / blocks;
    const int64_t row = call->rows * (part % blocks) / blocks;
    const int64_t rows = call->rows * (part % blocks + 1) / blocks - row;
    const int64_t height = ceil_div(rows, ceil_div(rows, TILE_ROWS));
    const int64_t end = call->panels * (slice + 1) / slices;
    for (int64_t p = call->panels * slice / slices; p < end;) {
        const int most = rows <= TILE_ROWS ? together[rows] : 1;
        const int panels = p + most <= end ? most : 1;
        const uint8_t *block =
            (const uint8_t *)l->weight + p * call->in.groups * BLOCK_BYTES(l->kind);
        for (int64_t r = 0; r < rows; r += height) {
            const int count = (int)(rows - r < height ? rows - r : height);
            vec sums[2 * TILE_ROWS];
            tiles[l->kind == INT4][panels > 1][count](call, block, row + r, sums);
            for (int i = 0; i < panels * count; i++)
                put(call, sums + 2 * i, p + i / count, row + r + i % count);
        }
        p += panels;
    }
}

void sglc_quantized_linear(const Linear *l, const float *x, int64_t rows, float *out,
                           const float *residual, void *scratch) {
    if (rows < 1) return;
    const int64_t groups = ceil_div(l->inputs, GROUP);
    Call call = {l, x, residual, out, rows_at(scratch, rows, groups), rows,
                 ceil_div(l->outputs, QPANEL), ceil_div(rows, ROW_BLOCK)};
    sglc_parallel(quantize_rows, &call, sglc_parts(rows, 4 * (int64_t)l->inputs));
    const int slices =
        sglc_parts(call.panels, (int64_t)l->inputs * QPANEL * rows / call.row_blocks / 2);
    sglc_parallel(quantized_part, &call, (int)(slices * call.row_blocks));
}
