/* Scores and values of a few rows against one block, in registers. Included by attention.c.
 *
 * A score sums over the head's dimensions in eight lanes, d = 0, 8, 16, ... in each, and then over
 * the lanes in one fixed tree; a value sums over keys in order. So a row's result is the same in
 * any tile. Keys and values are read where they lie, as rows of floats (F) or bfloat16 (H).
 */
#ifndef SGLC_ATTENTION_TILES_H
#define SGLC_ATTENTION_TILES_H

#define UNROLL _Pragma("GCC unroll 16")

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec){__VA_ARGS__})
#endif

/* Keep a vector that several multiplications use in its register; GCC would load it for each. */
#if defined(__x86_64__)
#define HOLD(x) __asm__("" : "+x"(x))
#else
#define HOLD(x) ((void)0)
#endif

typedef uint16_t half;
typedef uint16_t hvec __attribute__((vector_size(2 * LANES)));
typedef uint16_t hvec_unaligned __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
typedef float quad __attribute__((vector_size(16)));
typedef float quad_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

static inline vec load_half(const half *p) {
    return (vec)(__builtin_convertvector(*(const hvec_unaligned *)p, uvec) << 16);
}

/* Sums of the lanes of a, b, c and d: ((x0 + x2) + (x1 + x3)) + ((x4 + x6) + (x5 + x7)). */
static inline void put_sums(float *to, vec a, vec b, vec c, vec d) {
    vec ab = SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    vec cd = SHUFFLE(c, d, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    vec all = SHUFFLE(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    quad half[2];
    memcpy(half, &all, sizeof half);
    *(quad_unaligned *)to = half[0] + half[1];
}

/* Scores of R rows against keys [0, count), count a multiple of four. */
#define SCORES(R, SUFFIX, TYPE, LOAD)                                                      \
    static void scores##R##SUFFIX(const float *q, int width, const void *const *keys,     \
                                  int count, float *out) {                                 \
        for (int j = 0; j < count; j += 4) {                                               \
            const TYPE *k0 = keys[j], *k1 = keys[j + 1], *k2 = keys[j + 2], *k3 = keys[j + 3]; \
            vec a[R][4];                                                                   \
            UNROLL for (int r = 0; r < R; r++)                                             \
                UNROLL for (int c = 0; c < 4; c++) a[r][c] = splat(0.0f);                  \
            for (int d = 0; d < width; d += LANES) {                                       \
                vec x[R];                                                                  \
                UNROLL for (int r = 0; r < R; r++) {                                         \
                    x[r] = load(q + r * width + d);                                        \
                    HOLD(x[r]);                                                            \
                }                                                                          \
                vec k = LOAD(k0 + d);                                                      \
                UNROLL for (int r = 0; r < R; r++) a[r][0] = fma_vec(x[r], k, a[r][0]);    \
                k = LOAD(k1 + d);                                                          \
                UNROLL for (int r = 0; r < R; r++) a[r][1] = fma_vec(x[r], k, a[r][1]);    \
                k = LOAD(k2 + d);                                                          \
                UNROLL for (int r = 0; r < R; r++) a[r][2] = fma_vec(x[r], k, a[r][2]);    \
                k = LOAD(k3 + d);                                                          \
                UNROLL for (int r = 0; r < R; r++) a[r][3] = fma_vec(x[r], k, a[r][3]);    \
            }                                                                              \
            UNROLL for (int r = 0; r < R; r++)                                             \
                put_sums(out + r * BLOCK + j, a[r][0], a[r][1], a[r][2], a[r][3]);         \
        }                                                                                  \
    }

/* acc = acc * rescale + weights * values [begin, end), for N vectors of R rows. */
#define VALUES(R, N, SUFFIX, TYPE, LOAD)                                                   \
    static inline void values##R##_##N##SUFFIX(                                            \
        float *acc, int width, const float *rescale, const float *weights,                 \
        const void *const *values, int at, int begin, int end) {                           \
        vec a[R][N];                                                                       \
        UNROLL for (int r = 0; r < R; r++)                                                 \
            UNROLL for (int c = 0; c < N; c++)                                             \
                a[r][c] = load(acc + r * width + at + c * LANES) * splat(rescale[r]);      \
        for (int j = begin; j < end; j++) {                                                \
            const TYPE *v = (const TYPE *)values[j] + at;                                  \
            vec w[R];                                                                      \
            UNROLL for (int r = 0; r < R; r++) w[r] = splat(weights[r * BLOCK + j]);       \
            UNROLL for (int c = 0; c < N; c++) {                                           \
                vec x = LOAD(v + c * LANES);                                               \
                UNROLL for (int r = 0; r < R; r++) a[r][c] = fma_vec(w[r], x, a[r][c]);    \
            }                                                                              \
        }                                                                                  \
        UNROLL for (int r = 0; r < R; r++)                                                 \
            UNROLL for (int c = 0; c < N; c++)                                             \
                store(acc + r * width + at + c * LANES, a[r][c]);                          \
    }
#define VALUES_FROM(N, R, SUFFIX)                                                          \
    for (; at + N * LANES <= width; at += N * LANES)                                       \
        values##R##_##N##SUFFIX(acc, width, rescale, weights, values, at, begin, end);
#define ALL_VALUES(R, SUFFIX, WIDEST)                                                      \
    static void values##R##SUFFIX(float *acc, int width, const float *rescale,             \
                                  const float *weights, const void *const *values,         \
                                  int begin, int end) {                                    \
        int at = 0;                                                                        \
        WIDEST                                                                             \
        VALUES_FROM(4, R, SUFFIX) VALUES_FROM(2, R, SUFFIX) VALUES_FROM(1, R, SUFFIX)      \
    }
#define TILES(R, SUFFIX, TYPE, LOAD)                                                       \
    SCORES(R, SUFFIX, TYPE, LOAD)                                                          \
    VALUES(R, 4, SUFFIX, TYPE, LOAD)                                                       \
    VALUES(R, 2, SUFFIX, TYPE, LOAD)                                                       \
    VALUES(R, 1, SUFFIX, TYPE, LOAD)
#define FORMAT(SUFFIX, TYPE, LOAD)                                                         \
    TILES(1, SUFFIX, TYPE, LOAD)                                                           \
    TILES(2, SUFFIX, TYPE, LOAD)                                                           \
    TILES(3, SUFFIX, TYPE, LOAD)                                                           \
    VALUES(1, 8, SUFFIX, TYPE, LOAD)                                                       \
    ALL_VALUES(1, SUFFIX, VALUES_FROM(8, 1, SUFFIX))                                       \
    ALL_VALUES(2, SUFFIX, )                                                                \
    ALL_VALUES(3, SUFFIX, )
FORMAT(f, float, load)
FORMAT(h, half, load_half)

#endif
