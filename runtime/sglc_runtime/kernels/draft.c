/* Several greedy tokens of a small decoder in one call, for speculative decoding.
 *
 * A draft model's token takes about as long as a few calls from Python, so the loop over layers,
 * attention and tokens is here; projections and norms are decoder.c's. Keys and values of a
 * sequence are neighbours: a row stores at start + position and attends start .. start + position.
 * Nothing of this has to be reproducible: guesses are checked.
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

/* decoder.c's, whose structs only pass through here. */
int sglc_before_attention(const void *model, const void *layer, const float *x,
                          const int64_t *positions, int rows, float *qkv);
int sglc_after_attention(const void *model, const void *layer, const float *attended, int rows,
                         float *x);
int sglc_embed(const void *head, const int64_t *ids, int count, float *out);
int sglc_logits(const void *model, const float *norm, const void *head, const float *x, int rows,
                const int64_t *wanted, int count, float *logits);

typedef struct {
    const void *model, *head;
    const void *const *layers; /* [layer_count] */
    const float *norm;         /* [hidden] */
    const float *embedding;    /* [vocab, hidden], or NULL where the head has it */
    float *keys, *values;      /* [layer_count, slots, kv_heads, dim] */
    int64_t slots;
    int32_t layer_count, hidden, heads, kv_heads, dim, vocab;
} Draft;

static float dot(const float *a, const float *b, int size) {
    vec sums = splat(0.0f);
    int i = 0;
    for (; i + LANES <= size; i += LANES) sums = fma_vec(load(a + i), load(b + i), sums);
    float sum = 0.0f;
    for (int lane = 0; lane < LANES; lane++) sum += sums[lane];
    for (; i < size; i++) sum += a[i] * b[i];
    return sum;
}

/* One head of one row over `count` positions; `step` floats lie between neighbours. */
static void attend(const float *q, const float *keys, const float *values, int64_t step,
                   int64_t count, int dim, float *scores, float *out) {
    const float scale = 1.0f / sqrtf((float)dim);
    float largest = -INFINITY, total = 0.0f;
    for (int64_t p = 0; p < count; p++) {
        scores[p] = dot(q, keys + p * step, dim) * scale;
        if (scores[p] > largest) largest = scores[p];
    }
    int64_t p = 0;
    for (; p + LANES <= count; p += LANES)
        store(scores + p, exp_vec(load(scores + p) - splat(largest)));
    for (; p < count; p++) scores[p] = expf(scores[p] - largest);
    memset(out, 0, (size_t)dim * sizeof(float));
    for (p = 0; p < count; p++) {
        const float *value = values + p * step;
        const float weight = scores[p];
        total += weight;
        int i = 0;
        for (; i + LANES <= dim; i += LANES)
            store(out + i, fma_vec(splat(weight), load(value + i), load(out + i)));
        for (; i < dim; i++) out[i] += weight * value[i];
    }
    for (int i = 0; i < dim; i++) out[i] /= total;
}

static void attention(const Draft *d, int layer, int rows, const int64_t *positions,
                      const int64_t *starts, const float *qkv, float *scores, float *out) {
    const int64_t step = (int64_t)d->kv_heads * d->dim, inner = (int64_t)d->heads * d->dim;
    const int64_t width = inner + 2 * step, base = (int64_t)layer * d->slots * step;
    for (int r = 0; r < rows; r++) {
        const int64_t at = base + (starts[r] + positions[r]) * step;
        memcpy(d->keys + at, qkv + r * width + inner, (size_t)step * sizeof(float));
        memcpy(d->values + at, qkv + r * width + inner + step, (size_t)step * sizeof(float));
    }
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < d->heads; h++) {
            const int64_t from = base + starts[r] * step + h / (d->heads / d->kv_heads) * d->dim;
            attend(qkv + r * width + (int64_t)h * d->dim, d->keys + from, d->values + from, step,
                   positions[r] + 1, d->dim, scores, out + r * inner + (int64_t)h * d->dim);
        }
}

static int64_t largest_of(const float *row, int size) {
    int64_t best = 0;
    for (int i = 1; i < size; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

/* Read `rows` rows, then go on greedily: tokens [passes, count] follow the rows that `wanted`
 * [count] lists. ids, positions and starts [rows] are overwritten where there are further passes;
 * logits [count, vocab] are those of the last pass. 0 is success, 1 out of memory, 2 out of range. */
int sglc_draft(const Draft *d, int rows, int64_t *ids, int64_t *positions, int64_t *starts,
               int64_t *wanted, int count, int passes, int64_t *tokens, float *logits) {
    int64_t longest = 0;
    for (int r = 0; r < rows; r++) {
        const int64_t end = positions[r] + passes;
        if (ids[r] < 0 || ids[r] >= d->vocab || positions[r] < 0 || starts[r] < 0) return 2;
        if (starts[r] + end > d->slots) return 2;
        if (end > longest) longest = end;
    }
    for (int i = 0; i < count; i++)
        if (wanted[i] < 0 || wanted[i] >= rows || (i && wanted[i] <= wanted[i - 1])) return 2;
    const int64_t inner = (int64_t)d->heads * d->dim;
    const int64_t width = inner + 2 * (int64_t)d->kv_heads * d->dim;
    float *x = malloc(((int64_t)rows * (d->hidden + width + inner) + longest) * sizeof(float));
    if (!x) return 1;
    float *qkv = x + (int64_t)rows * d->hidden, *attended = qkv + rows * width;
    float *scores = attended + rows * inner;
    int status = 0;
    for (int pass = 0; pass < passes && !status && rows; pass++) {
        if (!d->embedding) status = sglc_embed(d->head, ids, rows, x);
        for (int r = 0; r < rows && d->embedding; r++)
            memcpy(x + (int64_t)r * d->hidden, d->embedding + ids[r] * d->hidden,
                   (size_t)d->hidden * sizeof(float));
        for (int l = 0; l < d->layer_count && !status; l++) {
            status = sglc_before_attention(d->model, d->layers[l], x, positions, rows, qkv);
            if (status) break;
            attention(d, l, rows, positions, starts, qkv, scores, attended);
            status = sglc_after_attention(d->model, d->layers[l], attended, rows, x);
        }
        if (!status)
            status = sglc_logits(d->model, d->norm, d->head, x, rows, wanted, count, logits);
        if (status) break;
        for (int i = 0; i < count; i++) {
            ids[i] = tokens[(int64_t)pass * count + i] =
                largest_of(logits + (int64_t)i * d->vocab, d->vocab);
            positions[i] = positions[wanted[i]] + 1;
            starts[i] = starts[wanted[i]];
            wanted[i] = i;
        }
        rows = count;
    }
    free(x);
    return status;
}
