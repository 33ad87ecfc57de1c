/* Attention over a paged KV pool on CPUs: online softmax over fixed blocks of positions.
 *
 * A query row reduces over blocks [0, 32), [32, 64), ... of absolute positions, whatever extents
 * those positions lie in, and every sum has a fixed order. Its result is therefore bitwise the same
 * for any batch, chunking, fork point or sharing of extents between rows. Compile with
 * -ffp-contract=off and without -ffast-math: the source order is the order of operations.
 *
 * Online softmax: Milakov and Gimelshein 2018 (arXiv 1805.02867); reading a shared prefix once for
 * all its rows: Hydragen (arXiv 2402.05099) and ChunkAttention (arXiv 2402.15220).
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#include "vectors.h"

#define BLOCK 32 /* positions reduced together; the unit of the fixed order */
#define TOGETHER 24 /* rows whose scores are held at once: a multiple of LANES and of 3 */
#define UNROLL _Pragma("GCC unroll 8")
#define MASKED -1e30f

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec){__VA_ARGS__})
#endif

typedef struct {
    int32_t row_start, row_end, slot_start, length, position;
} Run;

/* One pass over T rows; filled by c_attention.py, which mirrors the layout. */
typedef struct {
    const int64_t *positions; /* [rows] */
    const int64_t *out_slots; /* [rows] */
    const Run *runs;          /* [run_count] */
    int32_t rows, run_count, heads, kv_heads, dim;
    int32_t bf16;  /* q, k, v, out and pool are bfloat16, else float32 */
    int64_t slots; /* in the pool */
} Pass;

/* One layer of that pass. Strides count elements between rows; heads are dim apart. */
typedef struct {
    const void *q, *k, *v;
    void *out;           /* [rows, heads, dim], contiguous */
    void *keys, *values; /* [slots, kv_heads, dim] of this layer */
    const float *sinks;  /* [heads] or NULL */
    int64_t q_stride, k_stride, v_stride;
    float scale, softcap; /* softcap 0: none */
    int32_t window;       /* 0: none */
} Layer;

static inline float widen(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static inline uint16_t narrow(float x) { /* round to nearest even; NaN stays NaN */
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

static inline float exp_one(float x) { return exp_vec(splat(x))[0]; }

static inline vec cap_vec(vec s, float cap) { /* cap * tanh(s / cap) */
    vec e = exp_vec(s * splat(2.0f / cap));
    return splat(cap) - splat(2.0f * cap) / (e + splat(1.0f));
}

static inline float sum_lanes(vec x) {
    x = x + SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x = x + SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
    return x[0] + x[1];
}
static inline float max_lanes(vec x) {
    x = max_vec(x, SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3));
    x = max_vec(x, SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5));
    return x[0] > x[1] ? x[0] : x[1];
}

/* Eight rows of eight, transposed: to[i * step + j] = from[j][i]. */
static inline void transpose(const vec from[LANES], float *to, int step) {
    vec a[LANES], b[LANES];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = SHUFFLE(from[2 * i], from[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        a[2 * i + 1] = SHUFFLE(from[2 * i], from[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < 2; c++) {
            vec x = a[4 * i + c], y = a[4 * i + 2 + c];
            b[4 * i + 2 * c] = SHUFFLE(x, y, 0, 1, 8, 9, 4, 5, 12, 13);
            b[4 * i + 2 * c + 1] = SHUFFLE(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        store(to + i * step, SHUFFLE(b[i], b[4 + i], 0, 1, 2, 3, 8, 9, 10, 11));
        store(to + (4 + i) * step, SHUFFLE(b[i], b[4 + i], 4, 5, 6, 7, 12, 13, 14, 15));
    }
}

/* State of one KV head while its blocks are reduced; `group` query heads share the KV head. */
typedef struct {
    const Pass *pass;
    const Layer *layer;
    int head, group, width;  /* width: dim rounded up to whole vectors */
    float *q, *acc;          /* [rows * group, width] */
    float *maximum, *total;  /* [rows * group] */
    float *tile; /* [3, BLOCK * width]: keys transposed; keys and values widened to float */
    int32_t *pending;        /* [rows, BLOCK]: slots of the block that a row has begun */
    int64_t *seen;           /* [rows]: positions covered so far */
} Work;

/* Scores of R rows against one block: the sum over d runs in order, lanes are keys. */
#define SCORES(R)                                                                     \
    static void scores##R(const float *q, int width, const float *keys, float *out) { \
        vec a[R][BLOCK / LANES];                                                      \
        UNROLL for (int r = 0; r < R; r++)                                            \
            UNROLL for (int c = 0; c < BLOCK / LANES; c++) a[r][c] = splat(0.0f);     \
        for (int d = 0; d < width; d++) {                                             \
            const float *k = keys + d * BLOCK;                                        \
            UNROLL for (int r = 0; r < R; r++) {                                      \
                vec x = splat(q[r * width + d]);                                      \
                UNROLL for (int c = 0; c < BLOCK / LANES; c++)                        \
                    a[r][c] = fma_vec(x, load(k + c * LANES), a[r][c]);               \
            }                                                                         \
        }                                                                             \
        UNROLL for (int r = 0; r < R; r++)                                            \
            UNROLL for (int c = 0; c < BLOCK / LANES; c++)                            \
                store(out + r * BLOCK + c * LANES, a[r][c]);                          \
    }

/* acc = acc * rescale + weights * values for R rows: the sum over keys runs in order. */
#define VALUES(R, N)                                                                        \
    static inline void values##R##_##N(float *acc, int width, const float *rescale,         \
                                       const float *weights, const float *const *values,    \
                                       int at, int begin, int end) {                        \
        vec a[R][N];                                                                        \
        UNROLL for (int r = 0; r < R; r++)                                                  \
            UNROLL for (int c = 0; c < N; c++)                                              \
                a[r][c] = load(acc + r * width + at + c * LANES) * splat(rescale[r]);       \
        for (int j = begin; j < end; j++) {                                                 \
            const float *v = values[j] + at;                                                \
            UNROLL for (int r = 0; r < R; r++) {                                            \
                vec w = splat(weights[r * BLOCK + j]);                                      \
                UNROLL for (int c = 0; c < N; c++)                                          \
                    a[r][c] = fma_vec(w, load(v + c * LANES), a[r][c]);                     \
            }                                                                               \
        }                                                                                   \
        UNROLL for (int r = 0; r < R; r++)                                                  \
            UNROLL for (int c = 0; c < N; c++) store(acc + r * width + at + c * LANES, a[r][c]); \
    }
#define PANELS(R)                                                                           \
    VALUES(R, 4)                                                                            \
    VALUES(R, 1)                                                                            \
    static void values##R(float *acc, int width, const float *rescale, const float *weights, \
                          const float *const *values, int begin, int end) {                 \
        int at = 0;                                                                         \
        for (; at + 4 * LANES <= width; at += 4 * LANES)                                    \
            values##R##_4(acc, width, rescale, weights, values, at, begin, end);            \
        for (; at < width; at += LANES)                                                     \
            values##R##_1(acc, width, rescale, weights, values, at, begin, end);            \
    }
SCORES(1)
SCORES(2)
SCORES(3)
PANELS(1)
PANELS(2)
PANELS(3)

/* Reduce keys [begin, end) of one block for `count` rows (times heads), all of which see them. */
static void reduce_rows(Work *w, int64_t index, int count, const float *keys,
                        const float *const *values, int begin, int end) {
    const int width = w->width;
    const float softcap = w->layer->softcap;
    float s[TOGETHER * BLOCK] __attribute__((aligned(32)));
    float rescale[TOGETHER] __attribute__((aligned(32)));
    for (; count > 0; count -= TOGETHER, index += TOGETHER) {
        const int rows = count < TOGETHER ? count : TOGETHER;
        const float *q = w->q + index * width;
        float *acc = w->acc + index * width, *maximum = w->maximum + index;
        int r = 0;
        for (; r + 3 <= rows; r += 3) scores3(q + r * width, width, keys, s + r * BLOCK);
        if (rows - r == 2) scores2(q + r * width, width, keys, s + r * BLOCK);
        if (rows - r == 1) scores1(q + r * width, width, keys, s + r * BLOCK);
        memset(rescale, 0, sizeof rescale);
        for (r = 0; r < rows; r++) {
            vec top = splat(MASKED);
            for (int c = 0; c < BLOCK / LANES; c++) {
                float *at = s + r * BLOCK + c * LANES;
                vec x = load(at);
                if (softcap != 0.0f) x = cap_vec(x, softcap);
                ivec lane = (ivec){0, 1, 2, 3, 4, 5, 6, 7} + c * LANES;
                x = select_vec((lane >= begin) & (lane < end), x, splat(MASKED));
                store(at, x);
                top = max_vec(x, top);
            }
            float m = max_lanes(top), old = maximum[r];
            if (old > m) m = old;
            rescale[r] = old - m;
            maximum[r] = m;
        }
        for (r = 0; r < rows; r += LANES) store(rescale + r, exp_vec(load(rescale + r)));
        for (r = 0; r < rows; r++) {
            vec sums[BLOCK / LANES];
            for (int c = 0; c < BLOCK / LANES; c++) {
                float *at = s + r * BLOCK + c * LANES;
                sums[c] = exp_vec(load(at) - splat(maximum[r]));
                store(at, sums[c]);
            }
            float sum = sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
            w->total[index + r] = FMA(w->total[index + r], rescale[r], sum);
        }
        for (r = 0; r + 3 <= rows; r += 3)
            values3(acc + r * width, width, rescale + r, s + r * BLOCK, values, begin, end);
        if (rows - r == 2)
            values2(acc + r * width, width, rescale + r, s + r * BLOCK, values, begin, end);
        if (rows - r == 1)
            values1(acc + r * width, width, rescale + r, s + r * BLOCK, values, begin, end);
    }
}

/* Keys of a block transposed to [width, BLOCK], and where its values are. Lanes beyond `count`
 * repeat the last key; they are masked later. */
static void gather_block(Work *w, const int32_t *slots, int count, float *keys,
                         const float **values) {
    const Pass *pass = w->pass;
    const int width = w->width, dim = pass->dim;
    const int64_t step = (int64_t)pass->kv_heads * dim, at = (int64_t)w->head * dim;
    const float *rows[BLOCK];
    float *tile = w->tile + BLOCK * width;
    for (int j = 0; j < BLOCK; j++) {
        int64_t where = slots[j < count ? j : count - 1] * step + at;
        float *row = tile + j * width, *row_v = row + BLOCK * width;
        rows[j] = row;
        values[j] = row_v;
        if (pass->bf16) {
            const uint16_t *k = (const uint16_t *)w->layer->keys + where;
            const uint16_t *v = (const uint16_t *)w->layer->values + where;
            for (int d = 0; d < dim; d++) row[d] = widen(k[d]);
            for (int d = 0; d < dim; d++) row_v[d] = widen(v[d]);
        } else if (width != dim) {
            memcpy(row, (const float *)w->layer->keys + where, dim * 4);
            memcpy(row_v, (const float *)w->layer->values + where, dim * 4);
        } else {
            rows[j] = (const float *)w->layer->keys + where;
            values[j] = (const float *)w->layer->values + where;
        }
    }
    for (int j = 0; j < BLOCK; j += LANES)
        for (int d = 0; d < width; d += LANES) {
            vec x[LANES];
            for (int i = 0; i < LANES; i++) x[i] = load(rows[j + i] + d);
            transpose(x, keys + d * BLOCK + j, BLOCK);
        }
}

/* Reduce block number `block`, of which the first `count` slots are given, for rows [from, to). */
static void reduce_block(Work *w, int from, int to, int64_t block, const int32_t *slots,
                         int count) {
    const int64_t first = block * BLOCK;
    const int window = w->layer->window;
    float *keys = w->tile;
    const float *values[BLOCK];
    int gathered = 0, begin = 0, end = 0, start = from;
    for (int row = from; row <= to; row++) {
        int row_begin = 0, row_end = 0;
        if (row < to) {
            int64_t visible = w->pass->positions[row] - first + 1;
            int64_t hidden = window ? visible - window : 0;
            row_begin = hidden > 0 ? (hidden < BLOCK ? (int)hidden : BLOCK) : 0;
            row_end = visible > count ? count : (int)(visible > 0 ? visible : 0);
            if (row > start && row_begin == begin && row_end == end) continue;
        }
        if (row > start && end > begin) {
            if (!gathered) gather_block(w, slots, count, keys, values);
            gathered = 1;
            reduce_rows(w, (int64_t)start * w->group, (row - start) * w->group, keys, values,
                        begin, end);
        }
        start = row, begin = row_begin, end = row_end;
    }
}

/* Reduce the unfinished block of rows [from, to), rows with equal slots together. */
static void flush(Work *w, int from, int to) {
    while (from < to) {
        int count = (int)(w->seen[from] % BLOCK);
        int64_t block = w->seen[from] / BLOCK;
        if (count == 0 && w->seen[from] > 0) count = BLOCK, block--;
        const int32_t *slots = w->pending + (int64_t)from * BLOCK;
        int next = from + 1;
        while (next < to && w->seen[next] == w->seen[from] &&
               memcmp(slots, w->pending + (int64_t)next * BLOCK, count * sizeof *slots) == 0)
            next++;
        if (count) reduce_block(w, from, next, block, slots, count);
        from = next;
    }
}

/* Reduce all runs. 0, or the status that sglc_attend returns. */
static int reduce_runs(Work *w) {
    const Pass *pass = w->pass;
    for (int n = 0; n < pass->run_count; n++) {
        const Run *run = pass->runs + n;
        for (int row = run->row_start; row < run->row_end; row++)
            if (w->seen[row] != run->position) return 1;
        int offset = run->position % BLOCK, done = 0;
        if (offset) {
            done = BLOCK - offset < run->length ? BLOCK - offset : run->length;
            for (int row = run->row_start; row < run->row_end; row++) {
                int32_t *slots = w->pending + (int64_t)row * BLOCK + offset;
                for (int j = 0; j < done; j++) slots[j] = run->slot_start + j;
                w->seen[row] += done;
            }
            if (offset + done == BLOCK) flush(w, run->row_start, run->row_end);
        }
        int32_t slots[BLOCK];
        for (; done + BLOCK <= run->length; done += BLOCK) {
            for (int j = 0; j < BLOCK; j++) slots[j] = run->slot_start + done + j;
            int64_t block = (run->position + done) / BLOCK;
            reduce_block(w, run->row_start, run->row_end, block, slots, BLOCK);
        }
        for (int row = run->row_start; row < run->row_end; row++) {
            int32_t *rest = w->pending + (int64_t)row * BLOCK;
            if (done < run->length)
                for (int j = 0; j < run->length - done; j++) rest[j] = run->slot_start + done + j;
            w->seen[row] = (int64_t)run->position + run->length;
        }
    }
    for (int row = 0; row < pass->rows; row++)
        if (w->seen[row] <= pass->positions[row]) return 1;
    /* Whole blocks are reduced already; what is left is each row's last, begun block. */
    int from = 0;
    while (from < pass->rows) {
        int to = from + 1;
        if (w->seen[from] % BLOCK == 0) {
            from = to;
            continue;
        }
        while (to < pass->rows && w->seen[to] % BLOCK) to++;
        flush(w, from, to);
        from = to;
    }
    return 0;
}

static void begin_head(Work *w) {
    const Pass *pass = w->pass;
    const Layer *layer = w->layer;
    const int dim = pass->dim, width = w->width;
    const int64_t step = (int64_t)pass->kv_heads * dim, at = (int64_t)w->head * dim;
    const size_t size = pass->bf16 ? 2 : 4;
    for (int row = 0; row < pass->rows; row++) {
        int64_t where = pass->out_slots[row] * step + at;
        memcpy((char *)layer->keys + where * size,
               (const char *)layer->k + (row * layer->k_stride + at) * size, dim * size);
        memcpy((char *)layer->values + where * size,
               (const char *)layer->v + (row * layer->v_stride + at) * size, dim * size);
        w->seen[row] = 0;
        for (int g = 0; g < w->group; g++) {
            int64_t index = (int64_t)row * w->group + g;
            int64_t from = row * layer->q_stride + ((int64_t)w->head * w->group + g) * dim;
            float *q = w->q + index * width;
            for (int d = 0; d < dim; d++)
                q[d] = layer->scale * (pass->bf16 ? widen(((const uint16_t *)layer->q)[from + d])
                                                  : ((const float *)layer->q)[from + d]);
            for (int d = dim; d < width; d++) q[d] = 0.0f;
            memset(w->acc + index * width, 0, width * sizeof(float));
            w->maximum[index] = MASKED;
            w->total[index] = 0.0f;
        }
    }
}

static void finish_head(Work *w) {
    const Pass *pass = w->pass;
    const Layer *layer = w->layer;
    for (int row = 0; row < pass->rows; row++)
        for (int g = 0; g < w->group; g++) {
            int64_t index = (int64_t)row * w->group + g;
            int head = w->head * w->group + g;
            float total = w->total[index], scale = 1.0f;
            if (layer->sinks) {
                float sink = layer->sinks[head], old = w->maximum[index];
                float m = sink > old ? sink : old;
                scale = exp_one(old - m);
                total = FMA(total, scale, exp_one(sink - m));
            }
            scale = scale / total;
            const float *acc = w->acc + index * w->width;
            int64_t to = ((int64_t)row * pass->heads + head) * pass->dim;
            for (int d = 0; d < pass->dim; d++) {
                if (pass->bf16)
                    ((uint16_t *)layer->out)[to + d] = narrow(acc[d] * scale);
                else
                    ((float *)layer->out)[to + d] = acc[d] * scale;
            }
        }
}

/* 0, or 3 when rows or slots lie outside the pass or the pool. Once per pass. */
int sglc_check(const Pass *pass) {
    for (int row = 0; row < pass->rows; row++)
        if (pass->out_slots[row] < 0 || pass->out_slots[row] >= pass->slots) return 3;
    for (int n = 0; n < pass->run_count; n++) {
        const Run *run = pass->runs + n;
        if (run->row_start < 0 || run->row_end > pass->rows || run->length < 0) return 3;
        if (run->slot_start < 0 || (int64_t)run->slot_start + run->length > pass->slots) return 3;
    }
    return 0;
}

/* Store and attend KV heads [head_from, head_to). 0: done; 1: runs of a row have a gap or end
 * before its position; 2: out of memory. */
int sglc_attend(const Pass *pass, const Layer *layer, int head_from, int head_to) {
    const int group = pass->heads / pass->kv_heads;
    const int width = (pass->dim + LANES - 1) / LANES * LANES;
    const size_t rows = pass->rows, states = rows * group;
    size_t floats = 2 * states * width + 2 * states + 3 * (size_t)BLOCK * width;
    char *memory = malloc(rows * sizeof(int64_t) + floats * 4 + rows * BLOCK * 4 + 64);
    if (!memory) return 2;
    Work w = {.pass = pass, .layer = layer, .group = group, .width = width};
    w.seen = (int64_t *)memory;
    w.q = (float *)(w.seen + rows);
    w.acc = w.q + states * width;
    w.maximum = w.acc + states * width;
    w.total = w.maximum + states;
    w.tile = w.total + states;
    w.pending = (int32_t *)(w.tile + 3 * (size_t)BLOCK * width);
    memset(w.tile, 0, 3 * (size_t)BLOCK * width * sizeof(float));
    int status = 0;
    for (w.head = head_from; w.head < head_to && !status; w.head++) {
        begin_head(&w);
        status = reduce_runs(&w);
        finish_head(&w);
    }
    free(memory);
    return status;
}
