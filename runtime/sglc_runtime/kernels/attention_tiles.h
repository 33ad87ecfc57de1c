/* Scores and values of a few rows against one block, in registers. Included by attention.c.
 *
 * A score sums over the head's dimensions in eight lanes and then over the lanes in one fixed
 * tree; a value sums over keys in order. So a row's result is the same in any tile.
 *
 * Keys and values are read where they lie, as rows of floats (F) or bfloat16 (H), PAIR elements at
 * a time. Of a PAIR of bfloat16 the even ones become one vector and the odd ones another, which
 * takes one instruction each; queries and sums next to a bfloat16 pool are kept in that order.
 */
#ifndef SGLC_ATTENTION_TILES_H
#define SGLC_ATTENTION_TILES_H

#define PAIR (2 * LANES)
#define UNROLL _Pragma("GCC unroll 16")

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec){__VA_ARGS__})
#endif

/* Keep a vector that several multiplications use in its register; GCC would load it for each. */
#if defined(__AVX__)
#define HOLD(x) __asm__("" : "+x"(x))
#else
#define HOLD(x) ((void)0)
#endif

typedef uint16_t half;
typedef uint32_t uvec_unaligned __attribute__((vector_size(BYTES), aligned(2), may_alias));
typedef float quad __attribute__((vector_size(16)));
typedef float quad_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

static inline uvec load_bits(const half *p) { return *(const uvec_unaligned *)p; }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "elements of a pair are taken from little-endian words"
#endif

/* First and second vector of a PAIR. */
static inline vec first_f(const float *p) { return load(p); }
static inline vec second_f(const float *p) { return load(p + LANES); }
static inline vec first_h(const half *p) { return (vec)(load_bits(p) << 16); }
static inline vec second_h(const half *p) { return (vec)(load_bits(p) & 0xffff0000u); }

/* Sums of the lanes of a, b, c and d: ((x0 + x2) + (x1 + x3)) + ((x4 + x6) + (x5 + x7)). */
static inline void put_sums(float *to, vec a, vec b, vec c, vec d) {
    vec ab = SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    vec cd = SHUFFLE(c, d, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    vec low = SHUFFLE(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
    vec all = low + SHUFFLE(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    quad halves[2];
    memcpy(halves, &all, sizeof halves);
    *(quad_unaligned *)to = halves[0] + halves[1];
}

/* What one turn of the loop takes: floats one vector, which leaves GCC enough registers. */
#define STEP_f LANES
#define STEP_h PAIR

/* Few rows over bfloat16 wait for memory: ask for the next block while this one is at work. */
#define AHEAD_f(p)
#define AHEAD_h(p)                                                                         \
    for (int d = 0; d < width; d += 32) __builtin_prefetch((p) + BLOCK * width + d, 0, 2);

/* Scores of R rows against keys [0, count), count a multiple of four. */
#define KEY(R, C, LOAD, K)                                     \
    {                                                          \
        vec k = LOAD((K) + d);                                 \
        HOLD(k);                                               \
        a[0][C] = fma_vec(x0, k, a[0][C]);                     \
        if (R > 1) a[R > 1][C] = fma_vec(x1, k, a[R > 1][C]);  \
        if (R > 2) a[R - 1][C] = fma_vec(x2, k, a[R - 1][C]);  \
    }
#define KEYS(R, LOAD, QUERY)                                   \
    {                                                          \
        vec x0 = QUERY(q + d);                                 \
        vec x1 = R > 1 ? QUERY(q + width + d) : x0;            \
        vec x2 = R > 2 ? QUERY(q + 2 * width + d) : x0;        \
        HOLD(x0);                                              \
        if (R > 1) HOLD(x1);                                   \
        if (R > 2) HOLD(x2);                                   \
        KEY(R, 0, LOAD, k0)                                    \
        KEY(R, 1, LOAD, k1)                                    \
        KEY(R, 2, LOAD, k2)                                    \
        KEY(R, 3, LOAD, k3)                                    \
    }
#define SCORES(R, SUFFIX, TYPE)                                                            \
    static void scores##R##_##SUFFIX(const float *q, int width, const void *const *keys,   \
                                     int count, float *out) {                              \
        for (int j = 0; j < count; j += 4) {                                               \
            const TYPE *k0 = keys[j], *k1 = keys[j + 1], *k2 = keys[j + 2], *k3 = keys[j + 3]; \
            AHEAD_##SUFFIX(k0) AHEAD_##SUFFIX(k1) AHEAD_##SUFFIX(k2) AHEAD_##SUFFIX(k3)    \
            vec a[R][4];                                                                   \
            UNROLL for (int r = 0; r < R; r++)                                             \
                UNROLL for (int c = 0; c < 4; c++) a[r][c] = splat(0.0f);                  \
            for (int d = 0; d < width; d += STEP_##SUFFIX) {                               \
                KEYS(R, first_##SUFFIX, first_f)                                           \
                if (STEP_##SUFFIX == PAIR) KEYS(R, second_##SUFFIX, second_f)              \
            }                                                                              \
            UNROLL for (int r = 0; r < R; r++)                                             \
                put_sums(out + r * BLOCK + j, a[r][0], a[r][1], a[r][2], a[r][3]);         \
        }                                                                                  \
    }

#define VALUE_AHEAD_f(p)
#define VALUE_AHEAD_h(p) __builtin_prefetch((p) + BLOCK * width, 0, 2);

/* acc = acc * rescale + weights * values [begin, end), for N (even) vectors of R rows. */
#define VALUES(R, N, SUFFIX, TYPE)                                                         \
    static inline void values##R##_##N##_##SUFFIX(                                         \
        float *acc, int width, const float *rescale, const float *weights,                 \
        const void *const *values, int at, int begin, int end) {                           \
        vec a[R][N];                                                                       \
        UNROLL for (int r = 0; r < R; r++)                                                 \
            UNROLL for (int c = 0; c < N; c++)                                             \
                a[r][c] = load(acc + r * width + at + c * LANES) * splat(rescale[r]);      \
        for (int j = begin; j < end; j++) {                                                \
            const TYPE *v = (const TYPE *)values[j] + at;                                  \
            VALUE_AHEAD_##SUFFIX(v)                                                        \
            vec w[R];                                                                      \
            UNROLL for (int r = 0; r < R; r++) w[r] = splat(weights[r * BLOCK + j]);       \
            UNROLL for (int c = 0; c < N; c += 2) {                                        \
                vec x = first_##SUFFIX(v + c * LANES);                                     \
                HOLD(x);                                                                   \
                UNROLL for (int r = 0; r < R; r++) a[r][c] = fma_vec(w[r], x, a[r][c]);    \
                vec y = second_##SUFFIX(v + c * LANES);                                    \
                HOLD(y);                                                                   \
                UNROLL for (int r = 0; r < R; r++)                                         \
                    a[r][c + 1] = fma_vec(w[r], y, a[r][c + 1]);                           \
            }                                                                              \
        }                                                                                  \
        UNROLL for (int r = 0; r < R; r++)                                                 \
            UNROLL for (int c = 0; c < N; c++)                                             \
                store(acc + r * width + at + c * LANES, a[r][c]);                          \
    }
#define VALUES_FROM(N, R, SUFFIX)                                                          \
    for (; at + N * LANES <= width; at += N * LANES)                                       \
        values##R##_##N##_##SUFFIX(acc, width, rescale, weights, values, at, begin, end);
#define ALL_VALUES(R, SUFFIX, WIDEST)                                                      \
    static void values##R##_##SUFFIX(float *acc, int width, const float *rescale,          \
                                     const float *weights, const void *const *values,      \
                                     int begin, int end) {                                 \
        int at = 0;                                                                        \
        WIDEST VALUES_FROM(4, R, SUFFIX) VALUES_FROM(2, R, SUFFIX)                         \
    }
#define TILES(R, SUFFIX, TYPE)                                                             \
    SCORES(R, SUFFIX, TYPE)                                                                \
    VALUES(R, 4, SUFFIX, TYPE)                                                             \
    VALUES(R, 2, SUFFIX, TYPE)
#define FORMAT(SUFFIX, TYPE)                                                               \
    TILES(1, SUFFIX, TYPE)                                                                 \
    TILES(2, SUFFIX, TYPE)                                                                 \
    VALUES(1, 8, SUFFIX, TYPE)                                                             \
    ALL_VALUES(1, SUFFIX, VALUES_FROM(8, 1, SUFFIX))                                       \
    ALL_VALUES(2, SUFFIX, )
FORMAT(f, float)
FORMAT(h, half)
TILES(3, f, float) /* of three rows of bfloat16 some would not fit the registers */
ALL_VALUES(3, f, )

typedef void (*Scores)(const float *, int, const void *const *, int, float *);
typedef void (*Values)(float *, int, const float *, const float *, const void *const *, int, int);

/* By format (float, half) and number of rows. */
static const Scores scores_of[2][4] = {
    {NULL, scores1_f, scores2_f, scores3_f},
    {NULL, scores1_h, scores2_h, NULL},
};
static const Values values_of[2][4] = {
    {NULL, values1_f, values2_f, values3_f},
    {NULL, values1_h, values2_h, NULL},
};

#endif
