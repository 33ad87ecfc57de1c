/* Vectors of LANES floats, for the kernels that include this after defining LANES (8 or 16).
 *
 * GCC's and Clang's vector extension: the compiler picks AVX2, AVX-512 or NEON. Operations are
 * written out, so that -ffp-contract=off leaves one order of rounding on every machine with FMA.
 */
#ifndef SGLC_VECTORS_H
#define SGLC_VECTORS_H

#include <stdint.h>
#include <string.h>

#define BYTES (4 * LANES)

typedef float vec __attribute__((vector_size(BYTES)));
typedef float vec_unaligned __attribute__((vector_size(BYTES), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(BYTES)));
typedef uint32_t uvec __attribute__((vector_size(BYTES)));

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

static inline vec load(const float *p) { return *(const vec_unaligned *)p; }
static inline void store(float *p, vec x) { *(vec_unaligned *)p = x; }
static inline vec splat(float x) {
    vec r;
    for (int i = 0; i < LANES; i++) r[i] = x;
    return r;
}
static inline vec fma_vec(vec a, vec b, vec c) {
    vec r;
    for (int i = 0; i < LANES; i++) r[i] = FMA(a[i], b[i], c[i]);
    return r;
}
static inline vec select_vec(ivec mask, vec a, vec b) {
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}
static inline vec max_vec(vec a, vec b) { return select_vec(a > b, a, b); }

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

#endif
