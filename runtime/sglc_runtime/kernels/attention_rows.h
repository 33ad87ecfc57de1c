/* Rows of queries, keys, values and results between memory and vectors. Included by attention.c.
 *
 * A row of `dim` elements takes `width` floats, dim rounded up to whole PAIRs and filled up with
 * zeros. `split` says that each PAIR holds its even elements first: see attention_tiles.h.
 */
#ifndef SGLC_ATTENTION_ROWS_H
#define SGLC_ATTENTION_ROWS_H

static inline uvec round_bits(vec x) { /* to bfloat16: nearest even; NaN stays NaN */
    uvec bits = (uvec)x;
    uvec rounded = bits + 0x7fffu + ((bits >> 16) & 1);
    ivec nan = (ivec)((bits & 0x7fffffffu) > 0x7f800000u);
    return (uvec)(((ivec)(bits | 0x400000u) & nan) | ((ivec)rounded & ~nan));
}
static inline half narrow(float x) { return (half)(round_bits(splat(x))[0] >> 16); }
static inline float widen(half x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/* One whole PAIR at p as two vectors. */
static inline void read_pair(const void *p, int bf16, int split, vec *a, vec *b) {
    if (bf16) *a = first_h(p), *b = second_h(p);
    else *a = first_f(p), *b = second_f(p);
    if (bf16 == split) return;
    vec x = *a, y = *b;
    if (split) {
        *a = SHUFFLE(x, y, 0, 2, 4, 6, 8, 10, 12, 14);
        *b = SHUFFLE(x, y, 1, 3, 5, 7, 9, 11, 13, 15);
    } else {
        *a = SHUFFLE(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
        *b = SHUFFLE(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
    }
}
static inline void write_pair(void *p, int bf16, int split, vec a, vec b) {
    vec x = a, y = b;
    if (split && !bf16) {
        x = SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
        y = SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    } else if (bf16 && !split) {
        x = SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
        y = SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
    }
    if (bf16)
        *(uvec_unaligned *)p = (round_bits(x) >> 16) | (round_bits(y) & 0xffff0000u);
    else store(p, x), store((float *)p + LANES, y);
}

/* to [width] = from [dim] * scale. */
static void read_row(const void *from, int bf16, int split, int dim, float scale, float *to) {
    const int size = bf16 ? 2 : 4;
    char rest[PAIR * sizeof(float)];
    vec a, b;
    for (int d = 0; d < dim; d += PAIR) {
        const char *at = (const char *)from + (int64_t)d * size;
        if (dim - d < PAIR) {
            memset(rest, 0, sizeof rest);
            memcpy(rest, at, (dim - d) * size);
            at = rest;
        }
        read_pair(at, bf16, split, &a, &b);
        store(to + d, a * splat(scale));
        store(to + d + LANES, b * splat(scale));
    }
}

/* to [dim] = from [width] * scale. */
static void write_row(const float *from, int split, float scale, void *to, int bf16, int dim) {
    const int size = bf16 ? 2 : 4;
    char rest[PAIR * sizeof(float)];
    for (int d = 0; d < dim; d += PAIR) {
        char *at = (char *)to + (int64_t)d * size;
        char *into = dim - d < PAIR ? rest : at;
        vec a = load(from + d) * splat(scale), b = load(from + d + LANES) * splat(scale);
        write_pair(into, bf16, split, a, b);
        if (into == rest) memcpy(at, rest, (dim - d) * size);
    }
}

/* Copy a row, from one format to the other. */
static void store_row(const void *from, int from_bf16, void *to, int to_bf16, int dim) {
    const float *wide = from;
    const half *narrow_from = from;
    if (from_bf16 == to_bf16)
        memcpy(to, from, dim * (to_bf16 ? sizeof(half) : sizeof(float)));
    else if (to_bf16) {
        int d = 0;
        for (; d + PAIR <= dim; d += PAIR)
            write_pair((half *)to + d, 1, 0, load(wide + d), load(wide + d + LANES));
        for (; d < dim; d++) ((half *)to)[d] = narrow(wide[d]);
    } else
        for (int d = 0; d < dim; d++) ((float *)to)[d] = widen(narrow_from[d]);
}

#endif
