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

#define BLOCK 32 /* positions reduced together; the unit of the fixed order */
#define LANES 8
#define MASKED -1e30f

typedef float vec __attribute__((vector_size(32)));
typedef float vec_unaligned __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(32)));

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

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

static inline vec load(const float *p) { return *(const vec_unaligned *)p; }
static inline void store(float *p, vec x) { *(vec_unaligned *)p = x; }
static inline vec splat(float x) { return (vec){x, x, x, x, x, x, x, x}; }
static inline vec fma_vec(vec a, vec b, vec c) {
    vec r;
    for (int i = 0; i < LANES; i++) r[i] = FMA(a[i], b[i], c[i]);
    return r;
}
static inline vec select_vec(ivec mask, vec a, vec b) {
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}
static inline vec max_vec(vec a, vec b) { return select_vec(a > b, a, b); }

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

/* exp for |x| <= 87, 0 below. Cephes' expf: degree 6 after range reduction, below 2 ulp. */
static inline vec exp_vec(vec x) {
    vec low = splat(-87.0f), high = splat(87.0f);
    ivec under = x < low;
    x = select_vec(under, low, x);
    x = select_vec(x > high, high, x);
    vec magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    vec n = fma_vec(x, splat(1.44269504f), magic) - magic;
    vec r = fma_vec(n, splat(-0.693359375f), x);
    r = fma_vec(n, splat(2.12194440e-4f), r);
    vec p = splat(1.9875691500e-4f);
    p = fma_vec(p, r, splat(1.3981999507e-3f));
    p = fma_vec(p, r, splat(8.3334519073e-3f));
    p = fma_vec(p, r, splat(4.1665795894e-2f));
    p = fma_vec(p, r, splat(1.6666665459e-1f));
    p = fma_vec(p, r, splat(5.0000001201e-1f));
    p = fma_vec(p, r * r, r + splat(1.0f));
    ivec exponent = (__builtin_convertvector(n, ivec) + 127) << 23;
    return select_vec(under, splat(0.0f), p * (vec)exponent);
}
static inline float exp_one(float x) { return exp_vec(splat(x))[0]; }

static inline vec cap_vec(vec s, float cap) { /* cap * tanh(s / cap) */
    vec e = exp_vec(s * splat(2.0f / cap));
    return splat(cap) - splat(2.0f * cap) / (e + splat(1.0f));
}

static inline float sum_lanes(vec x) {
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}
static inline float max_lanes(vec x) {
    float m = x[0];
    for (int i = 1; i < LANES; i++) m = x[i] > m ? x[i] : m;
    return m;
}

/* Lane i of the result is the sum of the lanes of a[i]. */
static inline vec sum_eight(const vec a[LANES]) {
    vec t[4], u[2];
    for (int i = 0; i < 4; i++)
        t[i] = SHUFFLE(a[2 * i], a[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14) +
               SHUFFLE(a[2 * i], a[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    for (int i = 0; i < 2; i++)
        u[i] = SHUFFLE(t[2 * i], t[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
               SHUFFLE(t[2 * i], t[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
    return SHUFFLE(u[0], u[1], 0, 1, 2, 3, 8, 9, 10, 11) +
           SHUFFLE(u[0], u[1], 4, 5, 6, 7, 12, 13, 14, 15);
}

/* State of one KV head while its blocks are reduced; `group` query heads share the KV head. */
typedef struct {
    const Pass *pass;
    const Layer *layer;
    int head, group, width;  /* width: dim rounded up to whole vectors */
    float *q, *acc;          /* [rows * group, width] */
    float *maximum, *total;  /* [rows * group] */
    float *tile;             /* [2, BLOCK, width]: keys and values widened to float */
    int32_t *pending;        /* [rows, BLOCK]: slots of the block that a row has begun */
    int64_t *seen;           /* [rows]: positions covered so far */
} Work;

/* acc[width] = acc * scale + sum over j of p[j] * values[j], j in order. */
static inline void accumulate(float *acc, int width, float scale, const float *p,
                              const float *const *values, int from, int to) {
    int d = 0;
    vec s = splat(scale);
#define PANEL(N)                                                              \
    for (; d + (N) * LANES <= width; d += (N) * LANES) {                      \
        vec a[N];                                                             \
        for (int i = 0; i < (N); i++) a[i] = load(acc + d + i * LANES) * s;   \
        for (int j = from; j < to; j++) {                                     \
            vec w = splat(p[j]);                                              \
            const float *v = values[j] + d;                                   \
            for (int i = 0; i < (N); i++) a[i] = fma_vec(w, load(v + i * LANES), a[i]); \
        }                                                                     \
        for (int i = 0; i < (N); i++) store(acc + d + i * LANES, a[i]);       \
    }
    PANEL(8)
    PANEL(4)
    PANEL(1)
#undef PANEL
}

/* Eight scores: query times keys j .. j + 7. */
static inline vec dot_eight(const float *q, const float *const *keys, int width) {
    vec a[LANES];
    for (int i = 0; i < LANES; i++) a[i] = splat(0.0f);
    for (int d = 0; d < width; d += LANES) {
        vec x = load(q + d);
        for (int i = 0; i < LANES; i++) a[i] = fma_vec(x, load(keys[i] + d), a[i]);
    }
    return sum_eight(a);
}

/* Reduce positions first .. first + count - 1 (one block; slots given) for rows [from, to). */
static void reduce_block(Work *w, int from, int to, int64_t block, const int32_t *slots,
                         int count) {
    const Pass *pass = w->pass;
    const Layer *layer = w->layer;
    const int width = w->width, dim = pass->dim, group = w->group;
    const int64_t first = block * BLOCK;
    const int64_t step = (int64_t)pass->kv_heads * dim, at = (int64_t)w->head * dim;
    const float *keys[BLOCK], *values[BLOCK];
    int prepared = 0;

    for (int row = from; row < to; row++) {
        int64_t position = pass->positions[row];
        int64_t visible = position - first + 1;
        int end = visible > count ? count : (int)visible;
        int64_t hidden = layer->window ? position - layer->window + 1 - first : 0;
        int begin = hidden > 0 ? (hidden < BLOCK ? (int)hidden : BLOCK) : 0;
        if (end <= begin) continue;
        if (!prepared) {
            prepared = 1;
            float *tile = w->tile, *tile_v = w->tile + BLOCK * width;
            for (int j = 0; j < BLOCK; j++) {
                /* Lanes beyond the block repeat its last key; their scores are masked. */
                int64_t where = slots[j < count ? j : count - 1] * step + at;
                if (pass->bf16) {
                    const uint16_t *k = (const uint16_t *)layer->keys + where;
                    const uint16_t *v = (const uint16_t *)layer->values + where;
                    for (int d = 0; d < dim; d++) tile[j * width + d] = widen(k[d]);
                    for (int d = 0; d < dim; d++) tile_v[j * width + d] = widen(v[d]);
                } else if (width != dim) {
                    memcpy(tile + j * width, (const float *)layer->keys + where, dim * 4);
                    memcpy(tile_v + j * width, (const float *)layer->values + where, dim * 4);
                } else {
                    keys[j] = (const float *)layer->keys + where;
                    values[j] = (const float *)layer->values + where;
                    continue;
                }
                keys[j] = tile + j * width;
                values[j] = tile_v + j * width;
            }
        }
        for (int g = 0; g < group; g++) {
            int64_t index = (int64_t)row * group + g;
            const float *q = w->q + index * width;
            vec s[BLOCK / LANES];
            float p[BLOCK] __attribute__((aligned(32)));
            vec top = splat(MASKED);
            for (int b = 0; b < BLOCK / LANES; b++) {
                if ((b + 1) * LANES <= begin || b * LANES >= end) {
                    s[b] = splat(MASKED);
                    continue;
                }
                vec x = dot_eight(q, keys + b * LANES, width);
                if (layer->softcap != 0.0f) x = cap_vec(x, layer->softcap);
                ivec lane = (ivec){0, 1, 2, 3, 4, 5, 6, 7} + b * LANES;
                s[b] = select_vec((lane >= begin) & (lane < end), x, splat(MASKED));
                top = max_vec(s[b], top);
            }
            float old = w->maximum[index], m = max_lanes(top);
            if (old > m) m = old;
            float rescale = exp_one(old - m);
            for (int b = 0; b < BLOCK / LANES; b++) {
                s[b] = exp_vec(s[b] - splat(m));
                store(p + b * LANES, s[b]);
            }
            float sum = sum_lanes((s[0] + s[1]) + (s[2] + s[3]));
            w->maximum[index] = m;
            w->total[index] = FMA(w->total[index], rescale, sum);
            accumulate(w->acc + index * width, width, rescale, p, values, begin, end);
        }
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
    size_t floats = 2 * states * width + 2 * states + 2 * (size_t)BLOCK * width;
    char *memory = malloc(rows * sizeof(int64_t) + floats * 4 + rows * BLOCK * 4 + 64);
    if (!memory) return 2;
    Work w = {.pass = pass, .layer = layer, .group = group, .width = width};
    w.seen = (int64_t *)memory;
    w.q = (float *)(w.seen + rows);
    w.acc = w.q + states * width;
    w.maximum = w.acc + states * width;
    w.total = w.maximum + states;
    w.tile = w.total + states;
    w.pending = (int32_t *)(w.tile + 2 * (size_t)BLOCK * width);
    memset(w.tile, 0, 2 * (size_t)BLOCK * width * sizeof(float));
    int status = 0;
    for (w.head = head_from; w.head < head_to && !status; w.head++) {
        begin_head(&w);
        status = reduce_runs(&w);
        finish_head(&w);
    }
    free(memory);
    return status;
}
